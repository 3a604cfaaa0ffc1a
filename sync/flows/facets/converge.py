"""What hangs on an order, in both directions, by the order's one owner and in the order that the documents need.

before the sale is written: cancellation -> edit
after it: survey -> refunds -> posting -> payments (surveyed again after each that wrote) -> parcels, invoices, state
          to the shop

A facet that stops does not stop the others: all that is in the way is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from config.model import Depth
from connectors.kit.errors import RecordRejected
from mappings.canonical.errors import Problem, Problems
from sync.flows.context import Drain
from sync.flows.doubts import look_up
from sync.flows.facets import changes, invoices, parcels, payments, refunds, telling
from sync.flows.facets.answered import close_answered
from sync.flows.facets.survey import survey
from sync.flows.piece import Piece, guarded
from sync.rules.stops import Held

T = TypeVar("T")


def has_news(drain: Drain, piece: Piece) -> bool:
    """Whether the facets of an order that the ERP has are to be looked at: something says that they may have moved."""
    return drain.follows and ("target" in piece.item.facets or piece.digest != piece.item.done_digest)


def before_sale(drain: Drain, pieces: Sequence[Piece]) -> None:
    """What must happen to a sale that stands before it may be brought on: it is cancelled, or changed."""
    waiting = [piece for piece in pieces if piece.withdrawn or piece.edited_from is not None]
    look_up(drain, [piece for piece in waiting if not piece.looked])
    for piece in waiting:
        if piece.withdrawn and not piece.ended:
            with guarded(piece):
                changes.cancel(drain, piece)
    edited = [piece for piece in waiting if not piece.ended and piece.document is not None]
    survey(drain, edited)
    for piece in edited:
        if not piece.ended and piece.standing is not None:
            with guarded(piece):
                changes.change(drain, piece)


def after_sale(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Everything else, for the orders on which something may have moved."""
    if not drain.follows:
        return
    chosen = [piece for piece in pieces if _is_due(drain, piece)]
    survey(drain, chosen)
    standing = [piece for piece in chosen if piece.standing is not None]
    drain.window(lambda piece: _carry(drain, piece), standing)
    close_answered(drain, pieces, standing)


def _is_due(drain: Drain, piece: Piece) -> bool:
    if piece.error is not None or piece.skipped or piece.waits or piece.stays_parked or not piece.sale_id:
        return False
    if piece.intent and piece.binding is None:
        # Made just now: nothing hangs on it in the ERP, and what the ERP does with it names it again.
        order = piece.order
        paid = drain.systems.channel.after_import.payments is not Depth.NONE
        return order is not None and bool(order.refunds or (paid and order.payments))
    return has_news(drain, piece)


def _carry(drain: Drain, piece: Piece) -> None:
    with guarded(piece):
        stops: list[Exception] = []
        # All of them, whatever the first says: each may have written. What one wrote the next one needs to see: a
        # credit note that a refund made is posted, a posted invoice is paid, in the same turn.
        for step in (refunds.carry, invoices.post, payments.carry):
            written = _attempt(stops, lambda step=step: step(drain, piece))  # type: ignore[misc]
            if written is not False and piece.error is None:
                survey(drain, [piece])
            if piece.error is not None:
                break
        if piece.error is None:
            _attempt(stops, lambda: _to_shop(drain, piece))
        if stops and piece.error is None:
            raise _together(stops)


def _to_shop(drain: Drain, piece: Piece) -> None:
    stops: list[Exception] = []
    sent = _attempt(stops, lambda: parcels.carry(drain, piece))
    billed = _attempt(stops, lambda: invoices.billed(drain, piece))
    if sent is not None and billed is not None:
        _attempt(stops, lambda: telling.tell(drain, piece, sent, billed))
    if stops:
        raise _together(stops)


def _attempt(stops: list[Exception], step: Callable[[], T]) -> T | None:
    """What is wrong with this one document is kept for the end; what is wrong with a system ends the order's turn."""
    try:
        return step()
    except (Held, Problems, RecordRejected) as stop:
        stops.append(stop)
        return None


def _together(stops: Sequence[Exception]) -> Exception:
    if len(stops) == 1:
        return stops[0]
    problems: list[Problem] = []
    for stop in stops:
        if isinstance(stop, Held | Problems):
            problems.extend(stop.problems)
        elif isinstance(stop, RecordRejected):
            problems.append(Problem("rejected", stop.field, str(stop), stop.code))
    return Held(problems)
