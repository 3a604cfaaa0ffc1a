"""What the order flow tells the ledger of stock: what an order takes, when the ERP has reserved it, when it is let go.

Nothing is done where no channel of the ERP shows its stock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from connectors.kit.base import Rank
from mappings.canonical.records import Order, OrderLine
from sync.flows.context import Drain
from sync.flows.piece import Piece
from sync.rules.routing import is_article
from sync.rules.stock import Articles
from sync.store.states import STOPPED, ItemState
from sync.store.stock.captured import Taken, capture, hold, let_go, reserve

#: Line of an order -> the warehouse that sends it; empty while nobody has decided.
Sender = Callable[[OrderLine], str]
#: Of no order anybody has decided where it is sent from.
NOWHERE: Final[Mapping[int, Sender]] = {}


def undecided(line: OrderLine) -> str:  # noqa: ARG001 - a Sender
    """Nobody has decided yet."""
    return ""


def taken_by(order: Order, articles: Articles, sender: Sender = undecided) -> dict[tuple[str, str], Decimal]:
    """(ERP's code, place) -> how many the order takes; what has no stock (a voucher, a download) takes nothing."""
    taken: dict[tuple[str, str], Decimal] = {}
    for line in order.lines:
        if is_article(line):
            key = (articles.code(line.sku)[:255], sender(line))
            taken[key] = taken.get(key, Decimal(0)) + line.quantity
    return taken


def capture_saved(
    connection: Connection, drain: Drain, saved: Sequence[tuple[Piece, int]], places: Mapping[int, Sender] = NOWHERE
) -> None:
    """In the transaction that saves these orders, with their ids: what each takes counts from now on.

    `places`: order -> who sends it, where that is chosen.
    """
    if drain.systems.reserves_at is None:
        return
    articles = Articles(drain.lookups)
    taken = [
        Taken(order_id, taken_by(piece.order, articles, places.get(order_id, undecided)))
        for piece, order_id in saved
        if piece.order is not None and is_counted(drain, piece)
    ]
    capture(connection, drain.lease.connection, taken)
    let_go(connection, [order_id for piece, order_id in saved if piece.skipped])


def is_counted(drain: Drain, piece: Piece) -> bool:
    """Whether an order that is saved takes goods of which the ERP's figure does not know yet."""
    return drain.systems.reserves_at is not None and not piece.skipped and not _is_reserved(drain, piece)


def settle_captured(connection: Connection, drain: Drain, states: Iterable[tuple[Piece, ItemState]]) -> None:
    """In the transaction that records how pieces ended, with the state in which each is left."""
    if drain.systems.reserves_at is None:
        return
    ended: Mapping[int, tuple[Piece, ItemState]] = {
        piece.order_id: (piece, state) for piece, state in states if piece.order_id is not None
    }
    reserve(connection, [order_id for order_id, (piece, _) in ended.items() if _is_reserved(drain, piece)])
    let_go(connection, [order_id for order_id, (_, state) in ended.items() if state is ItemState.SKIPPED])
    hold(connection, {order_id: state in STOPPED for order_id, (_, state) in ended.items()})


def _is_reserved(drain: Drain, piece: Piece) -> bool:
    """Whether its document, and of a divided order each, was seen where the ERP takes the goods out of its figure."""
    if piece.parts:
        return all(_is_reserved(drain, part) for part in piece.parts)
    reserves_at = drain.systems.reserves_at
    assert reserves_at is not None
    if piece.document is not None:
        return piece.document.rank >= reserves_at
    return piece.binding is not None and not piece.cancelled and Rank(piece.binding.rank) >= reserves_at
