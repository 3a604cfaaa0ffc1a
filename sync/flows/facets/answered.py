"""Doubts about what hangs on a sale that are over, because a fresh look at both systems says how the write ended.

A worker that died after its call leaves an intent without outcome. Where what it made stands already, nothing is
missing any more, so nobody carries it out again, and nobody would ever ask for it by its key: what this turn saw is
the answer. Every intent gets closed, or the sweep would bring its order up again for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from mappings.canonical.facets import InvoiceState, SaleState, Standing
from sync.flows.context import Drain
from sync.flows.facets import fees, parcel_doubts
from sync.flows.facets.giving import RETURN
from sync.flows.facets.invoices import invoiced
from sync.flows.facets.survey import survey
from sync.flows.piece import Piece, guarded, set_aside
from sync.store.intents import Intent, close_by_outcome

#: Looked up by their own flows (`sync.flows.doubts`).
_OTHERS: Final = {"sale", "party"}
#: Told by no survey: the ERP is asked for each by its reference, and by nothing else it is closed.
_ASKED: Final = {fees.KIND}
#: What a survey of the sale shows.
_IN_ERP: Final = {"refund", "payment", "invoice", "post"}
_BEGUN: Final = {SaleState.DRAFT, SaleState.QUOTED}


def close_answered(drain: Drain, pieces: Sequence[Piece], carried: Sequence[Piece]) -> None:
    """Close what was answered by the end of a turn over `pieces`, of which `carried` were compared with the shop too.

    Raises LeaseLost, DatabaseBusy.
    """
    whole = {piece.item.id for piece in carried if piece.error is None}
    doubtful = [piece for piece in pieces if any(intent.kind not in _OTHERS for intent in piece.open)]
    for piece in doubtful:
        set_aside(piece)
    # One that was not looked at on this turn: it is set aside, or left out.
    survey(drain, [piece for piece in doubtful if piece.standing is None and piece.error is None])
    outcomes: dict[str, list[int]] = {}
    for piece in doubtful:
        with guarded(piece):
            fees.find_out(drain, piece)
        for intent in piece.open:
            if intent.kind not in {*_OTHERS, *_ASKED} and (
                outcome := _outcome(piece, intent, whole=piece.item.id in whole)
            ):
                outcomes.setdefault(outcome, []).append(intent.id)
    if outcomes:
        drain.write(lambda c: close_by_outcome(c, outcomes))
    for piece in doubtful:
        if piece.item.id not in whole:
            with guarded(piece):
                parcel_doubts.find_out(drain, piece)


def _outcome(piece: Piece, intent: Intent, *, whole: bool) -> str:
    """How it ended; empty while that is open. Found is conclusive at once, absent when nothing can land any more."""
    if intent.kind in _IN_ERP and piece.standing is not None and _stands(piece.standing, intent):
        return "found"
    if not intent.settled or piece.error is not None:
        return ""
    if intent.kind in _IN_ERP:
        return "absent"
    if intent.kind == "cancel":
        return "found" if piece.skipped else "superseded"
    if intent.kind in {*parcel_doubts.TOLD, RETURN} and not whole:
        # Nobody has looked into the shop yet.
        return ""
    # The turn came to its end without it. What is still wanted has been looked up under this very intent.
    return "superseded"


def _stands(standing: Standing, intent: Intent) -> bool:
    if intent.kind == "refund":
        # One that is only begun may be brought on by the write that is in doubt.
        return any(each.key == intent.key and (intent.settled or each.state not in _BEGUN) for each in standing.refunds)
    if intent.kind == "payment":
        return any(each.reference == intent.key for each in standing.payments)
    if intent.kind == "invoice":
        # The key says how much was invoiced before.
        return invoiced(standing) > Decimal(intent.key.rpartition(":")[2])
    fixed = {each.external_id for each in standing.invoices if each.state in {InvoiceState.POSTED, InvoiceState.PAID}}
    return intent.key.removeprefix("invoice:") in fixed
