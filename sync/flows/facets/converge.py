"""What hangs on an order, in both directions, by the order's one owner and in the order that the documents need.

before the sale is written: cancellation -> edit
after it: survey -> refunds -> posting -> payments (surveyed again after each that wrote) -> gateways' fees -> parcels,
          invoices, state to the shop

A facet that stops does not stop the others: all that is in the way is told at once. While a person has to say what the
sale is to be (an edit, a cancellation, its amount), what has left and what is posted still goes to the shop, but no
invoice of the sale is posted; for an order that the shop has withdrawn, nothing is written into the ERP at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from config.model import Depth
from sync.flows.context import Drain
from sync.flows.doubts import look_up
from sync.flows.facets import changes, fees, invoices, parcels, payments, refunds, telling
from sync.flows.facets.answered import close_answered
from sync.flows.facets.survey import survey
from sync.flows.parts import collect, units
from sync.flows.piece import Piece, alone, aside, guarded


def has_news(drain: Drain, piece: Piece) -> bool:
    """Whether the facets of an order that the ERP has are to be looked at: something says that they may have moved."""
    return drain.follows and ("target" in piece.item.facets or piece.digest != piece.item.done_digest)


def before_sale(drain: Drain, pieces: Sequence[Piece]) -> None:
    """What must happen to a sale that stands before it may be brought on: it is cancelled, or changed."""
    waiting = [piece for piece in pieces if piece.withdrawn or piece.edited_from is not None]
    look_up(drain, [unit for unit in units(waiting) if not unit.looked])
    for piece in waiting:
        collect(piece)
        if piece.withdrawn and not piece.ended:
            _cancel(drain, piece)
    edited = [piece for piece in waiting if not piece.ended and piece.document is not None]
    survey(drain, edited)
    for piece in edited:
        if not piece.ended and all(unit.standing is not None for unit in piece.units if unit.document is not None):
            with guarded(piece), aside(piece):
                changes.change(drain, piece)


def _cancel(drain: Drain, piece: Piece) -> None:
    for unit in piece.units:
        with guarded(unit), aside(unit):
            changes.cancel(drain, unit)
    collect(piece)


def after_sale(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Everything else, for the orders on which something may have moved."""
    if not drain.follows:
        return
    chosen = [piece for piece in pieces if _is_due(drain, piece)]
    # What was looked at before the sale was written, and was not written since, is as it was.
    survey(drain, [piece for piece in chosen if piece.standing is None or piece.intent])
    standing = [piece for piece in chosen if piece.standing is not None and piece.error is None]
    drain.window(lambda piece: _carry(drain, piece), standing)
    close_answered(drain, pieces, standing)


def _is_due(drain: Drain, piece: Piece) -> bool:
    if piece.error is not None or piece.skipped or piece.waits or piece.stays_parked or not piece.sale_id:
        return False
    if piece.intent and piece.binding is None:
        # Made just now: nothing hangs on it in the ERP, and what the ERP does with it names it again.
        order, after = piece.order, drain.systems.channel.after_import
        paid = after.payments is not Depth.NONE
        due = order is not None and bool(order.refunds or piece.given_up or (paid and order.payments))
        # Its number is news for the shop at once.
        return due or after.sale_number or fees.named(drain, piece)
    return has_news(drain, piece)


def _carry(drain: Drain, piece: Piece) -> None:
    with guarded(piece):
        if piece.edited_from is not None and not changes.carries_edits(drain):
            changes.note(drain, piece)
        if not piece.withdrawn:
            _to_erp(drain, piece)
        if piece.error is None and piece.standing is not None:
            _to_shop(drain, piece)


def _to_erp(drain: Drain, piece: Piece) -> None:
    """Step by step, each of which needs to see what the one before wrote.

    A credit note that a refund made is posted, a posted invoice is paid, in the same turn.
    """
    agreed = not piece.stops

    def give_back(order: Piece) -> bool:
        return refunds.carry(drain, order)

    def book_fees(order: Piece) -> bool:
        return fees.carry(drain, order)

    steps: tuple[Callable[[Piece], bool], ...] = (
        lambda unit: invoices.post(drain, unit, agreed=agreed),
        lambda unit: payments.carry(drain, unit),
    )
    # What was given back is the order's, whichever of its sales it belongs to; so is what a gateway kept.
    work = [(unit, step) for step in steps for unit in piece.units]
    for unit, step in [(piece, give_back), *work, (piece, book_fees)]:
        # Until it says otherwise: one that stops may have written before.
        written = True
        with alone(piece):
            written = step(unit)
        if written:
            survey(drain, [piece])
        if piece.error is not None or piece.standing is None:
            return


def _to_shop(drain: Drain, piece: Piece) -> None:
    sent = parcels.carry(drain, piece)
    billed = invoices.billed(drain, piece)
    with alone(piece):
        telling.tell(drain, piece, sent, billed)
