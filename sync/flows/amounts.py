"""Whether a sale shows what the shop charged, or what a person has accepted in its place.

An answer is not proof: the target's own total must be the shop's, to the cent. A person who approves an edit, or the
amount itself, accepts the amount that the sale shows then. That is kept while the order asks for the same sale,
so that the proof can say so; any other amount stops the order again.
"""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.base import TargetDocument
from mappings.canonical.errors import Problem
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.facets.survey import seen
from sync.flows.piece import Piece
from sync.rules.stops import ACCEPTING, Held
from sync.store.accepted import ACCEPTED, load_accepted
from sync.store.documents import save_seen


def compare(drain: Drain, piece: Piece, document: TargetDocument) -> None:
    """Raises Held for an amount that is neither the shop's nor accepted."""
    if piece.order is None:
        return
    charged = drain.systems.target_options.rounded(piece.order.totals.grand)
    if (document.total, document.currency) == (charged, piece.order.currency):
        return
    order_id, material = piece.order_id, piece.material
    if order_id is None:
        raise Held([_differs(document, charged, piece.order.currency)])
    sale = "" if piece.whole is None else document.external_id
    accepted = drain.store.read(lambda c: load_accepted(c, order_id, material, sale))
    if accepted is None and piece.approved & ACCEPTING:
        _accept(drain, piece, document)
    elif accepted != document.total:
        raise Held([_differs(document, charged, piece.order.currency, accepted)])
    piece.warnings.append(_accepted(document, charged))


def _accept(drain: Drain, piece: Piece, document: TargetDocument) -> None:
    record = {"total": f"{document.total:f}", "currency": document.currency}
    row = seen(drain, piece, ACCEPTED, document.external_id, record, key=piece.material, number=document.number)
    row = row.with_total(f"{document.total:f}", document.currency)
    drain.write(lambda c: save_seen(c, [row]))


def _accepted(document: TargetDocument, charged: Decimal) -> Problem:
    return Problem(
        cause=ACCEPTED,
        path="totals.grand",
        reason=say(
            "the ERP's sale %(number)s shows %(total)s %(currency)s, the shop charged %(charged)s: a person has "
            "accepted that",
            number=document.number or document.external_id,
            total=document.total,
            currency=document.currency,
            charged=charged,
        ),
    )


def _differs(document: TargetDocument, charged: Decimal, currency: str, accepted: Decimal | None = None) -> Problem:
    reason = say(
        "the ERP's sale %(number)s shows %(total)s %(currency)s, the shop charged %(expected)s %(currency2)s",
        number=document.number or document.external_id,
        total=document.total,
        currency=document.currency,
        expected=charged,
        currency2=currency,
    )
    if accepted is not None:
        reason = say("%(reason)s, and a person has accepted %(accepted)s", reason=reason, accepted=accepted)
    return Problem(
        cause="target_amount",
        path="totals.grand",
        reason=reason,
        next_step=say(
            "correct the sale in the ERP, then retry; or approve what it shows. It is linked and is not made again"
        ),
    )
