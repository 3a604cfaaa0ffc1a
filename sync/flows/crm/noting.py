"""Whose order it is: noted with the end of every order of a channel that has a CRM, and of those from before it had."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection

from config.model import Channel
from mappings.buyers import party_name
from mappings.canonical.match import party_key
from mappings.canonical.records import Order, OrderState
from mappings.canonical.schemas import order_from_json
from sync.flows.context import Drain
from sync.flows.orders import WITHDRAWN
from sync.flows.piece import Piece
from sync.store.bodies import load_json, unpack
from sync.store.crm.customers import (
    LOOK,
    Bought,
    leave_out,
    mark_customers,
    save_bought,
    unnoted_orders,
    without_account,
)
from sync.store.crm.entries import untold_customers
from sync.store.engine import Store
from sync.store.matches import fitting

#: Orders of one look; each is a few rows.
_MOST: Final = 500
_NOT_COUNTED: Final = WITHDRAWN | {OrderState.DELETED}


def note(connection: Connection, drain: Drain, pieces: Sequence[Piece]) -> None:
    """In the transaction that ends these orders: whose they are, and that the CRM is to be told."""
    channel = drain.systems.channel
    if not channel.crm.connection:
        return
    rows = [bought(channel, piece.order_id, piece.order) for piece in pieces if _has_moved(piece)]  # type: ignore[arg-type]
    gone = [piece.order_id for piece in pieces if piece.deleted and piece.skipped and piece.order_id is not None]
    ids = save_bought(connection, channel.crm.connection, rows) | leave_out(connection, gone)
    mark_customers(connection, channel.name, ids, after_s=channel.crm.gather_s)


def _has_moved(piece: Piece) -> bool:
    """Whether it has a sale, and this look may have changed anything about it."""
    stands = any(unit.sale_id for unit in piece.units)
    return piece.order is not None and piece.order_id is not None and stands and not piece.converged


def bought(channel: Channel, order_id: int, order: Order) -> Bought:
    """What the customer's history needs to know of one order."""
    customer = order.customer
    return Bought(
        order_id=order_id,
        key=customer_key(channel, order),
        name=(party_name(order) if customer.company or customer.last_name or order.billing.last_name else "")[:255],
        email=(customer.email or order.billing.email).strip().lower()[:320],
        vat_id=customer.vat_id.strip()[:64],
        counts=order.state not in _NOT_COUNTED,
        refunded=sum((refund.amount.amount for refund in order.refunds), Decimal(0)),
    )


def customer_key(channel: Channel, order: Order) -> str:
    """By what the customer is the same again: the CRM's own account where the order came from it, else the ladder."""
    of_crm = channel.source == channel.crm.connection and order.customer.external_id
    key = f"account:{order.customer.external_id}" if of_crm else party_key(order, channel.name)
    return fitting(key)


def look_again(store: Store, channel: Channel) -> tuple[int, int]:
    """What no order tells: orders of before the channel had this CRM, and accounts that somebody has made or mended.

    (orders that are counted from now on, customers who are looked at again).
    """
    return _take_in(store, channel), _release(store, channel) + _recall(store, channel)


def _take_in(store: Store, channel: Channel) -> int:
    crm, after, count = channel.crm.connection, 0, 0
    while rows := store.read(lambda c, after=after: unnoted_orders(c, channel.name, crm, after, _MOST)):  # type: ignore[misc]
        after = rows[-1][0]
        found = [bought(channel, order_id, order_from_json(load_json(unpack(body)))) for order_id, body in rows]
        for some in store.pieces(found, 3):
            store.write(functools.partial(_save, channel=channel, rows=some))
        count += len(found)
    return count


def _save(connection: Connection, channel: Channel, rows: Sequence[Bought]) -> None:
    mark_customers(connection, channel.name, save_bought(connection, channel.crm.connection, rows))


def _release(store: Store, channel: Channel) -> int:
    after, count = 0, 0
    while rows := store.read(lambda c, after=after: without_account(c, channel.name, after, _MOST)):  # type: ignore[misc]
        after, ids = rows[-1][0], [customer for _, customer in rows]
        for some in store.pieces(ids, 1):
            store.write(functools.partial(mark_customers, channel=channel.name, ids=some, facet=LOOK))
        count += len(ids)
    return count


def _recall(store: Store, channel: Channel) -> int:
    """Customers with orders that have no entry: of before the channel told any."""
    if channel.crm.history_from is None or channel.source == channel.crm.connection:
        return 0
    since, after, count = {channel.name: channel.crm.history_from}, 0, 0
    while ids := store.read(
        lambda c, after=after: untold_customers(c, channel.crm.connection, since, after, _MOST)  # type: ignore[misc]
    ):
        after = ids[-1]
        for some in store.pieces(ids, 1):
            store.write(functools.partial(mark_customers, channel=channel.name, ids=some))
        count += len(ids)
    return count
