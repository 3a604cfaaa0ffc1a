"""Finding out how earlier writes ended, before anything else is decided about their orders.

Found is conclusive at once, absent only when nothing of the write can land any more. It is asked whatever the source
says of the order by now, and also for an order that cannot be read any more: every intent gets closed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import cast

from connectors.kit.base import DocumentSummary, Rank, SearchesSales, TargetDocument
from connectors.kit.errors import ConnectorError
from connectors.kit.exchanges import capture
from connectors.kit.permits import writes_need
from connectors.registry import has
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from sync.flows.context import Drain, Permit
from sync.flows.parts import collect, units
from sync.flows.piece import Piece, guarded
from sync.flows.single import single_out
from sync.rules.stops import Held, Unsettled
from sync.store.intents import close_by_outcome

#: Keys of one bulk look-up.
_LOOKUP = 50


def find_out(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Look up every sale that may have been made: found, it becomes the piece's document; absent, the doubt ends."""
    doubtful = [unit for unit in units(pieces) if unit.in_doubt]
    for unit in doubtful:
        unit.key = unit.sale_doubts[0].key
    look_up(drain, doubtful)
    for piece in pieces:
        collect(piece)


def look_up(drain: Drain, pieces: Sequence[Piece]) -> None:
    """What stands in the target under each piece's key; the doubts that this answers are closed."""
    for start in range(0, len(pieces), _LOOKUP):
        batch = pieces[start : start + _LOOKUP]
        with capture() as exchanges, guarded(*batch):
            found = drain.target.find_sales([piece.key for piece in batch])
            drain.progress()
            for piece in batch:
                with guarded(piece):
                    _judge(drain, piece, _standing(drain, piece, found))
        for piece in batch:
            piece.exchanges.extend(exchanges)
    _close(drain, [piece for piece in pieces if piece.looked])


def documents_of(drain: Drain, piece: Piece) -> list[TargetDocument]:
    """What stands in the target for one piece's order. Raises what the connector raises."""
    return _standing(drain, piece, drain.target.find_sales([piece.key]))


def _standing(drain: Drain, piece: Piece, found: Mapping[str, list[TargetDocument]]) -> list[TargetDocument]:
    """What was found under its key; where that is nothing, the sale that it was linked with by hand."""
    documents = found.get(piece.key, [])
    binding = piece.binding
    if documents or binding is None or binding.key == piece.key or not has(drain.target, SearchesSales):
        return documents
    sales = cast("SearchesSales", drain.target).search_sales(binding.external_id)
    return [_linked(sale) for sale in sales if sale.external_id == binding.external_id]


def _linked(sale: DocumentSummary) -> TargetDocument:
    """Whoever made it decides how far it is brought, so one that stands counts as brought to its end."""
    return TargetDocument(
        external_id=sale.external_id,
        key=sale.key,
        number=sale.number,
        state=sale.state,
        total=sale.total,
        tax=None,
        currency=sale.currency,
        payload={},
        rank=Rank.CANCELLED if sale.rank is Rank.CANCELLED else Rank.CONFIRMED,
        version=sale.version,
    )


def _judge(drain: Drain, piece: Piece, documents: list[TargetDocument]) -> None:
    """What stands in the target decides; what may still land is waited for. Raises Unsettled, Held, NotSent."""
    unsettled = [intent for intent in piece.sale_doubts if not intent.settled]
    standing = [document for document in documents if document.rank is not Rank.CANCELLED]
    piece.cancelled = [document for document in documents if document.rank is Rank.CANCELLED]
    if unsettled and not standing:
        raise Unsettled(say("the sale may have been made; it is looked up again"), unsettled[-1].settles_at)
    if unsettled and len(standing) > 1:
        raise Unsettled(say("another document of this order may still land"), unsettled[-1].settles_at)
    if unsettled and standing[0].rank < drain.wanted_rank:
        # Found, but the step after it may still land: doing it twice is a double effect too.
        raise Unsettled(say("the sale was made; its next step may still land"), unsettled[-1].settles_at)
    permit = Permit(drain, time.monotonic() + drain.systems.start_s)
    try:
        if standing:
            with writes_need(permit.demand):
                piece.document = single_out(drain.target, piece.key, standing, own=None)
    except Held:
        # That only a person can put it right is an answer too.
        piece.looked = True
        raise
    piece.looked = True


def _close(drain: Drain, pieces: Sequence[Piece]) -> None:
    """The earlier writes have an outcome now."""
    outcomes: dict[str, list[int]] = {}
    for piece in pieces:
        outcome = "absent" if piece.document is None and piece.error is None else "found"
        outcomes.setdefault(outcome, []).extend(intent.id for intent in piece.sale_doubts)
    if any(outcomes.values()):
        drain.write(lambda c: close_by_outcome(c, outcomes))
    for piece in pieces:
        answered = piece.sale_doubts
        piece.open[:] = [intent for intent in piece.open if intent not in answered]


def find_out_parties(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Customers whose making has no outcome yet and whose order went another way meanwhile: look, and record it."""
    settled = [intent for piece in pieces for intent in piece.open if intent.kind == "party" and intent.settled]
    if not settled:
        return
    try:
        known = drain.resolve({Ref("party", intent.key) for intent in settled})
    except ConnectorError:
        # The sweep marks their items again.
        return
    outcomes: dict[str, list[int]] = {"found": [], "absent": []}
    for intent in settled:
        there = known.get(Ref("party", intent.key), {}).get("id") is not None
        outcomes["found" if there else "absent"].append(intent.id)
    drain.write(lambda c: close_by_outcome(c, outcomes))
