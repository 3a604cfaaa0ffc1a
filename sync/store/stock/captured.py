"""What orders take out of an ERP's stock that its figure does not know yet.

An order counts from the moment it is saved until a reading that began after its document was seen where the ERP
reserves (`sync.store.stock.levels.save_levels` ends it). Times are the database's; what is equally old counts still.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, func, or_, select, update

from sync.store.lists import in_lists
from sync.store.orders import OrderRow, save_orders
from sync.store.payloads import BODY, WITH_BODIES
from sync.store.states import ItemState
from sync.store.stock.levels import touch
from sync.store.tables import captured_lines, events, issue_documents, issues, orders, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """What one order takes: the ERP's code of each article and place (empty: not decided yet) -> how many."""

    order_id: int
    quantities: Mapping[tuple[str, str], Decimal]


def capture(connection: Connection, erp: str, taken: Sequence[Taken]) -> None:
    """Count what these orders take, in the transaction that saves them; an edited order counts as it is now.

    Not for an order whose document the ERP has reserved already: the ERP's figure knows it, or will with the next
    reading. Only what changes is written.
    """
    known = _load(connection, [order.order_id for order in taken])
    now = connection.execute(select(db_now())).scalar_one()
    wanted = {
        (order.order_id, sku, location): quantity
        for order in taken
        for (sku, location), quantity in order.quantities.items()
        if quantity > 0
    }
    new = [
        {
            "order_id": order_id,
            "sku": sku,
            "location": location,
            "connection": erp,
            "quantity": f"{quantity:f}",
            "captured_at": now,
            "reserved_at": None,
        }
        for (order_id, sku, location), quantity in sorted(wanted.items())
        if known.get((order_id, sku, location)) != quantity
    ]
    stale = [key for key in known if known[key] != wanted.get(key)]
    for order_id, sku, location in stale:
        table = captured_lines.c
        connection.execute(
            delete(captured_lines).where(table.order_id == order_id, table.sku == sku, table.location == location)
        )
    if new:
        # A line that is reserved already and is taken again (the sale was cancelled there and is to be made anew).
        statement = dialect_of(connection).insert(captured_lines)
        again = {name: statement.excluded[name] for name in ("connection", "quantity", "captured_at", "reserved_at")}
        keys = ("order_id", "sku", "location")
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=again), new)
    touch(connection, erp, {sku for _, sku, _ in stale} | {str(row["sku"]) for row in new})


def _load(connection: Connection, order_ids: Sequence[int]) -> dict[tuple[int, str, str], Decimal]:
    """What counts of these orders, apart from what is reserved already: that stays until the next reading."""
    table = captured_lines.c
    query = select(table.order_id, table.sku, table.location, table.quantity).where(
        table.order_id.in_(order_ids), table.reserved_at.is_(None)
    )
    return {(row.order_id, row.sku, row.location): Decimal(row.quantity) for row in connection.execute(query)}


def reserve(connection: Connection, order_ids: Iterable[int]) -> None:
    """The documents of these orders were seen where the ERP reserves: the next reading that begins from now on counts.

    Called after the document was seen, so the time that is kept is never before the ERP's own.
    """
    ids = sorted(set(order_ids))
    table = captured_lines.c
    connection.execute(
        update(captured_lines)
        .where(table.order_id.in_(ids), table.reserved_at.is_(None))
        .values(reserved_at=db_now(), held=False)
    )


def let_go(connection: Connection, order_ids: Iterable[int]) -> None:
    """These orders are skipped or cancelled: they count no longer, at once.

    What the ERP has reserved for one stays until a reading has seen what became of it there.
    """
    table = captured_lines.c
    gone = connection.execute(
        delete(captured_lines)
        .where(table.order_id.in_(sorted(set(order_ids))), table.reserved_at.is_(None))
        .returning(table.connection, table.sku)
    )
    _touch(connection, [(row.connection, row.sku) for row in gone])


def hold(connection: Connection, held: Mapping[int, bool]) -> None:
    """Order -> whether it waits for a person; whether it then counts is the policy of the channel that shows."""
    table = captured_lines.c
    for value in (True, False):
        ids = sorted(order_id for order_id, is_held in held.items() if is_held is value)
        if ids:
            changed = connection.execute(
                update(captured_lines)
                .where(table.order_id.in_(ids), table.held.is_(not value), table.reserved_at.is_(None))
                .values(held=value)
                .returning(table.connection, table.sku)
            )
            _touch(connection, [(row.connection, row.sku) for row in changed])


def let_go_of_item(connection: Connection, item_id: int) -> None:
    """The same as `let_go` for the order of a work item."""
    let_go(connection, _orders_of(connection, item_id))


def reserve_item(connection: Connection, item_id: int) -> None:
    """The same as `reserve` for the order of a work item: it was linked with a sale that was there before us."""
    reserve(connection, _orders_of(connection, item_id))


def _orders_of(connection: Connection, item_id: int) -> list[int]:
    return list(connection.execute(select(orders.c.id).where(orders.c.item_id == item_id)).scalars())


def _touch(connection: Connection, found: Iterable[tuple[str, str]]) -> None:
    by_erp: dict[str, set[str]] = {}
    for erp, sku in found:
        by_erp.setdefault(erp, set()).add(sku)
    for erp, skus in sorted(by_erp.items()):
        touch(connection, erp, skus)


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """Some pieces that are taken and that the ERP's figure does not know."""

    sku: str
    #: Empty where nobody has decided from where it is sent.
    location: str
    quantity: Decimal
    held: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting(Claim):
    """What one order takes of which nobody has decided from where it is sent."""

    channel: str
    order_id: int
    placed_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Captured(Claim):
    """One line of one order that the ERP's figure does not know."""

    captured_at: dt.datetime
    #: When its document was seen where the ERP reserves; the next reading ends it.
    reserved_at: dt.datetime | None
    channel: str
    item_id: int
    order_id: int
    external_id: str
    number: str
    placed_at: dt.datetime
    #: Of the order's work item.
    state: str


_CAPTURED: Final = (
    select(
        captured_lines.c.sku,
        captured_lines.c.location,
        captured_lines.c.quantity,
        captured_lines.c.held,
        captured_lines.c.captured_at,
        captured_lines.c.reserved_at,
        orders.c.channel,
        orders.c.item_id,
        captured_lines.c.order_id,
        orders.c.external_id,
        orders.c.number,
        orders.c.placed_at,
        work_items.c.state,
    )
    .join(orders, orders.c.id == captured_lines.c.order_id)
    .join(work_items, work_items.c.id == orders.c.item_id)
    .where(captured_lines.c.connection == bindparam("erp"), captured_lines.c.sku.in_(bindparam("skus", expanding=True)))
    .order_by(captured_lines.c.sku, orders.c.placed_at, captured_lines.c.order_id, captured_lines.c.location)
)


def load_captured(connection: Connection, erp: str, skus: Iterable[str]) -> dict[str, list[Captured]]:
    """Article -> every line that counts, over all channels of the ERP connection, oldest order first."""
    found: dict[str, list[Captured]] = {}
    for some in in_lists(sorted(set(skus))):
        for sku, location, quantity, *rest in connection.execute(_CAPTURED, {"erp": erp, "skus": some}):
            found.setdefault(sku, []).append(Captured(sku, location, Decimal(quantity), *rest))
    return found


def load_claims(
    connection: Connection, erp: str, skus: Iterable[str], without: Collection[int]
) -> tuple[list[Claim], list[Waiting]]:
    """The same for whoever only adds up: what is taken from each place together, and what waits for its place.

    Of the orders `without`, only what the ERP has reserved already: whoever asks knows better what they take.
    """
    table = captured_lines.c
    others = or_(table.order_id.not_in(sorted(without)), table.reserved_at.is_not(None))
    claims: list[Claim] = []
    waiting: list[Waiting] = []
    for some in in_lists(sorted(set(skus))):
        here = (table.connection == erp, table.sku.in_(some), others)
        # Quantities are exact text, which no database adds up; equal ones it can count.
        kinds = (table.sku, table.location, table.quantity, table.held)
        counted = select(*kinds, func.count().label("times")).where(*here, table.location != "").group_by(*kinds)
        claims += [
            Claim(row.sku, row.location, Decimal(row.quantity) * row.times, row.held)
            for row in connection.execute(counted)
        ]
        alone = (
            select(*kinds, orders.c.channel, table.order_id, orders.c.placed_at)
            .join(orders, orders.c.id == table.order_id)
            .where(*here, table.location == "")
        )
        waiting += [
            Waiting(sku, location, Decimal(quantity), *rest)
            for sku, location, quantity, *rest in connection.execute(alone)
        ]
    return claims, waiting


@dataclasses.dataclass(frozen=True, slots=True)
class Short:
    """An order that is held until its goods are there."""

    item_id: int
    order_id: int
    placed_at: dt.datetime
    #: The ERP's code of each of its articles -> how many it takes.
    wanted: Mapping[str, Decimal]


def list_short(connection: Connection, channel: str, skus: Iterable[str], cause: str) -> list[Short]:
    """Orders of a channel that an open issue of this cause holds and that take some of these articles; oldest first."""
    table, item, document = captured_lines.c, work_items.c, issue_documents.c
    held = (
        select(document.item_id)
        .join(issues, issues.c.id == document.issue_id)
        .where(issues.c.cause == cause, issues.c.channel == channel, document.closed_at.is_(None))
    )
    found: dict[int, Short] = {}
    for some in in_lists(sorted(set(skus))):
        concerned = (
            select(table.order_id)
            .join(orders, orders.c.id == table.order_id)
            .join(work_items, item.id == orders.c.item_id)
            .where(table.sku.in_(some), item.state == ItemState.HELD.value, item.id.in_(held))
        )
        query = (
            select(table.order_id, orders.c.item_id, orders.c.placed_at, table.sku, table.quantity)
            .join(orders, orders.c.id == table.order_id)
            .where(table.order_id.in_(concerned), table.reserved_at.is_(None))
            .order_by(orders.c.placed_at, table.order_id)
        )
        lines: dict[int, dict[str, Decimal]] = {}
        for row in connection.execute(query):
            lines.setdefault(row.order_id, {})[row.sku] = Decimal(row.quantity)
            found[row.order_id] = Short(row.item_id, row.order_id, row.placed_at, lines[row.order_id])
    return list(found.values())


def awaited_articles(connection: Connection, erp: str) -> list[str]:
    """Articles of which the ERP has reserved something since the last reading: they are to be read."""
    table = captured_lines.c
    query = select(table.sku).where(table.connection == erp, table.reserved_at.is_not(None)).distinct()
    return list(connection.execute(query.order_by(table.sku)).scalars())


# --- orders that no drain has looked at yet ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Unseen:
    """An order whose payload is stored and that was never saved."""

    item_id: int
    #: The compressed payload.
    body: bytes


def list_unseen(connection: Connection, channel: str, limit: int) -> list[Unseen]:
    """The orders of a channel that wait for their first drain with a payload, in the order in which they will go."""
    item = work_items.c
    query = (
        select(item.id, BODY)
        .select_from(work_items.join(WITH_BODIES, events.c.id == item.event_id))
        .where(item.channel == channel, item.kind == "order", item.state == ItemState.READY.value)
        .where(~exists().where(orders.c.item_id == item.id))
        .order_by(item.priority, item.due_at, item.id)
        .limit(limit)
    )
    return [Unseen(row.id, row.body) for row in connection.execute(query)]


def add_unseen(connection: Connection, rows: Sequence[OrderRow]) -> dict[str, int]:
    """Save the orders that are not there yet; answers external id -> our document id of those."""
    if not rows:
        return {}
    table = orders.c
    query = select(table.external_id).where(
        table.channel == rows[0].channel, table.external_id.in_([row.external_id for row in rows])
    )
    # On PostgreSQL a drain may save one at the same moment: both write the same, and the drain's look comes after.
    known = set(connection.execute(query).scalars())
    return save_orders(connection, [row for row in rows if row.external_id not in known])
