"""Pieces that nobody has, of an order that is sent without them (`short: cancel`): the shop gives them back, once.

What the shop shows decides: pieces that were given back already, by us or by a person, are not given back again. From
then on it is a refund as any other: credited in the ERP, and the goods called off there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from connectors.kit.errors import RecordRejected
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problem
from mappings.canonical.facets import OrderRefund, SaleState
from mappings.canonical.words import say
from sync.flows.context import Drain
from sync.flows.facets import giving
from sync.flows.piece import Piece
from sync.rules.shortage import MARK, SHORT_LINES, Owed, mark_of, owed, told
from sync.rules.stops import Unsettled
from sync.store.intents import last_outcome
from sync.store.routes import give_nothing_up


def give_back(drain: Drain, piece: Piece, refunds: Sequence[OrderRefund]) -> tuple[list[OrderRefund], list[Problem]]:
    """The order's refunds afterwards, and what is left to a person. Raises what `giving.make_refund` raises.

    No money leaves while a person has to say what the sale is to be.
    """
    known = list(refunds)
    if not piece.given_up or piece.stops or _is_cancelled(piece):
        return known, []
    if SHORT_LINES in piece.approved:
        _send_all(drain, piece)
        return known, []
    owing = _owed(drain, piece, known)
    if owing is None or _was_given(drain, piece):
        return known, []
    if refusal := _cannot(drain, owing):
        return known, [_problem(piece, owing, refusal)]
    try:
        _make(drain, piece, owing)
    except RecordRejected as error:
        return known, [_problem(piece, owing, str(error))]
    return giving.read_refunds(drain, piece), []


def _is_cancelled(piece: Piece) -> bool:
    return piece.standing is not None and piece.standing.state is SaleState.CANCELLED


def _send_all(drain: Drain, piece: Piece) -> None:
    """For good: the person's word was for the order as it is now, and it may be edited some day."""
    order_id = piece.order_id
    assert order_id is not None
    drain.write(lambda c: give_nothing_up(c, order_id))
    piece.given_up = ()


def _owed(drain: Drain, piece: Piece, refunds: Sequence[OrderRefund]) -> Owed | None:
    order = piece.order
    assert order is not None
    digits = minor_unit(order.currency, drain.systems.target_options.minor_units)
    return owed(order, piece.given_up, refunds, digits)


def _mark(piece: Piece) -> str:
    assert piece.order is not None
    return mark_of(piece.order, piece.given_up)


def _was_given(drain: Drain, piece: Piece) -> bool:
    """Whether it was, and people have deleted the refund since: what becomes of it then is their decision."""
    item_id, key = piece.item.id, giving.key_of(piece, _mark(piece))
    return drain.store.read(lambda c: last_outcome(c, item_id, giving.RETURN, key)) in {"done", "found"}


def _cannot(drain: Drain, owing: Owed) -> str:
    """Why the shop cannot be told by lines; empty where it can."""
    if not giving.can_give_back(drain):
        return say("the connector of this shop makes no refunds")
    digits = minor_unit(owing.amount.currency, drain.systems.target_options.minor_units)
    # What the shop's refund may differ from its lines for its own rounding (`ShopFacets.refund`).
    if owing.excess > drain.source_options.totals_threshold * Decimal(1).scaleb(-digits):
        return say("money was given back before that is of no line, and the rest of the order is less than these lines")
    return ""


def _make(drain: Drain, piece: Piece, owing: Owed) -> None:
    mark = _mark(piece)
    mine = giving.key_of(piece, MARK)
    others = [
        intent
        for intent in piece.open
        if intent.kind == giving.RETURN and intent.key.startswith(mine) and intent.key != giving.key_of(piece, mark)
    ]
    if unsettled := [intent for intent in others if not intent.settled]:
        # Of the sale that stood before: what it gives back counts here.
        raise Unsettled(say("an earlier refund of this order may still land"), unsettled[-1].settles_at)
    taken = dataclasses.replace(giving.taken_back(drain, owing.amount, mark), lines=owing.lines)
    giving.make_refund(drain, piece, taken)


def _problem(piece: Piece, owing: Owed, refusal: str) -> Problem:
    assert piece.order is not None
    return Problem(
        cause=SHORT_LINES,
        path="lines",
        reason=say(
            "%(what)s cannot be sent, and the shop was to give back %(amount)s for it: %(refusal)s",
            what=told(piece.order, piece.given_up),
            amount=owing.amount,
            refusal=refusal,
        ),
        next_step=say(
            "give these pieces back in the shop by hand, as a refund of their lines, and the order goes on by itself; "
            "approve to have them sent as soon as they are there"
        ),
    )
