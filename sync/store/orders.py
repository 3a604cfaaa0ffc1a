"""Our documents: the canonical order as last mapped, with the columns that people search by."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    union,
    update,
)

from sync.store.documents import of_documents
from sync.store.states import ItemState
from sync.store.tables import bindings, erasures, order_skus, orders, work_items
from sync.store.types import db_now
from sync.store.upsert import dialect_of

_Ids = Select[Any] | CompoundSelect[Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order to be saved. `canonical` is compressed already; texts are cut to what their columns take."""

    item_id: int
    channel: str
    external_id: str
    number: str
    email: str
    customer: str
    likeness: str
    source_state: str
    version: str
    currency: str
    grand: Decimal
    placed_at: dt.datetime
    placed_on: dt.date
    mapping_version: str
    material: str
    canonical: bytes
    #: The published revision of the channel's mapping profile that made it; None where none did.
    profile_revision: int | None = None
    #: The look-up rows that it was made with, and that its sale is; None leaves what is known from before.
    mapped_rows: bytes | None = None
    sale_rows: bytes | None = None
    #: What the sale in the ERP was made from, where that is another content; compressed.
    pushed: bytes | None = None
    #: The articles of its lines, for the search.
    skus: frozenset[str] = frozenset()


def save_orders(connection: Connection, rows: Sequence[OrderRow]) -> dict[str, int]:
    """Insert or replace; answers external id -> our document id. As many statements for a batch as for one order."""
    if not rows:
        return {}
    now = connection.execute(select(db_now())).scalar_one()
    statement = dialect_of(connection).insert(orders)
    kept = {"id", "channel", "external_id", "created_at"}
    values_of = {column.name: statement.excluded[column.name] for column in orders.c if column.name not in kept}
    for name in ("mapped_rows", "sale_rows"):
        values_of[name] = func.coalesce(values_of[name], orders.c[name])
    statement = statement.on_conflict_do_update(index_elements=[orders.c.channel, orders.c.external_id], set_=values_of)
    values = [_values(row, now) for row in rows]
    # The conflict clause keeps RETURNING from promising an order, so the external id comes along.
    result = connection.execute(statement.returning(orders.c.external_id, orders.c.id), values)
    ids = {external_id: order_id for external_id, order_id in result}  # noqa: C416 - Row is no pair to dict()
    _save_skus(connection, {(ids[row.external_id], sku) for row in rows for sku in row.skus}, set(ids.values()))
    return ids


def _save_skus(connection: Connection, wanted: set[tuple[int, str]], order_ids: set[int]) -> None:
    """Only what has changed is written: most looks at an order change nothing of it."""
    table = order_skus.c
    query = select(table.order_id, table.sku).where(table.order_id.in_(sorted(order_ids)))
    known = {(order_id, sku) for order_id, sku in connection.execute(query)}
    if new := sorted(wanted - known):
        connection.execute(insert(order_skus), [{"order_id": order_id, "sku": sku} for order_id, sku in new])
    if gone := sorted(known - wanted):
        connection.execute(
            delete(order_skus).where(table.order_id == bindparam("of"), table.sku == bindparam("article")),
            [{"of": order_id, "article": sku} for order_id, sku in gone],
        )


def fold(name: str) -> str:
    """A name as it is searched by: case-folded, with a space before each word."""
    return "".join(f" {word}" for word in name.casefold().split())[:255]


def _values(row: OrderRow, now: dt.datetime) -> dict[str, object]:
    values: dict[str, object] = {
        field.name: getattr(row, field.name) for field in dataclasses.fields(row) if field.name != "skus"
    }
    return values | {
        "email": row.email.lower()[:320],
        "customer_folded": fold(row.customer),
        "grand": f"{row.grand:f}",
        "grand_sort": int(row.grand.scaleb(4)),
        "placed_on": row.placed_on.isoformat(),
        "created_at": now,
        "updated_at": now,
    }


@dataclasses.dataclass(frozen=True, slots=True)
class KnownOrder:
    """What is known of an order from before."""

    id: int
    external_id: str
    material: str
    #: The canonical order that its sale was made from, compressed; None where that is the one last saved.
    pushed: bytes | None = None
    #: Its customer was erased.
    erased_at: dt.datetime | None = None


def load_known(connection: Connection, channel: str, external_ids: Sequence[str]) -> dict[str, KnownOrder]:
    """The orders of a channel that we have seen, by external id."""
    table = orders.c
    query = (
        select(table.id, table.external_id, table.material, table.pushed, erasures.c.erased_at)
        .outerjoin(erasures, erasures.c.order_id == table.id)
        .where(table.channel == channel, table.external_id.in_(external_ids))
    )
    return {row.external_id: KnownOrder(*row) for row in connection.execute(query)}


def load_alike(
    connection: Connection, channel: str, likeness: Sequence[str], since: dt.datetime
) -> dict[str, list[tuple[str, str, dt.datetime]]]:
    """Likeness -> (external id, number, placed at) of the channel's orders placed since, for the duplicate rule."""
    table = orders.c
    query = (
        select(table.likeness, table.external_id, table.number, table.placed_at)
        .join(work_items, work_items.c.id == table.item_id)
        .where(table.channel == channel, table.likeness.in_(likeness), table.placed_at >= since)
        # One that is not carried over is no first of two.
        .where(work_items.c.state != ItemState.SKIPPED.value)
        .order_by(table.placed_at)
    )
    found: dict[str, list[tuple[str, str, dt.datetime]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.likeness, []).append((row.external_id, row.number, row.placed_at))
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as the proof and the lists show it.

    One that could not be read (its totals do not add up, a field is broken) has a work item and no content: `id` is
    0, its number is the shop's id, it has no money, and it was placed when we first heard of it.
    """

    id: int
    item_id: int
    channel: str
    external_id: str
    number: str
    currency: str
    grand: Decimal
    placed_at: dt.datetime
    placed_on: str
    source_state: str
    state: str
    reason: str
    due_at: dt.datetime
    erp_id: str | None
    erp_number: str | None
    erp_total: str | None


def list_orders(
    connection: Connection,
    channel: str,
    target: str,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    unread: Sequence[ItemState] = (ItemState.HELD, ItemState.PARKED),
) -> list[StoredOrder]:
    """Every order of a channel in a window of placing, with its work item and its sale in `target`.

    Those that ended in a state of `unread` before they could be read come last.
    """
    query = _with_state(target).where(orders.c.channel == channel).order_by(orders.c.placed_at)
    if since is not None:
        query = query.where(orders.c.placed_at >= since)
    if until is not None:
        query = query.where(orders.c.placed_at < until)
    without_content = _load_unread(connection, channel, work_items.c.state.in_([state.value for state in unread]))
    return [_state(row) for row in connection.execute(query)] + [
        order
        for order in without_content
        if (since is None or order.placed_at >= since) and (until is None or order.placed_at < until)
    ]


def find_orders(connection: Connection, number: str, targets: dict[str, str]) -> list[StoredOrder]:
    """Orders by the shop's number or id; where none has it, by the ERP's number, then that of a document, then by ids.

    Of documents: invoices, credit notes, shipments and their parcels, payments by the gateway's own number. Ids are the
    ERP's, and our key.
    In that order, because all of them may be small numbers: order 113 must not bring up the sale with id 113 too.
    `targets` is channel -> ERP.
    """
    for tier in (_by_shop, _by_number, _by_document, _by_sale):
        found: list[StoredOrder] = []
        for channel, target in targets.items():
            query = _with_state(target).where(
                orders.c.channel == channel, orders.c.id.in_(tier(number, channel, target))
            )
            found += [_state(row) for row in connection.execute(query)]
            found += _load_unread(connection, channel, work_items.c.external_id == number)
        if found:
            return found
    return []


def load_order(connection: Connection, channel: str, external_id: str, target: str) -> StoredOrder | None:
    """One order of a channel by the shop's id, also one that could not be read; None where nobody heard of it."""
    table = orders.c
    row = connection.execute(
        _with_state(target).where(table.channel == channel, table.external_id == external_id)
    ).first()
    if row is not None:
        return _state(row)
    return next(iter(_load_unread(connection, channel, work_items.c.external_id == external_id)), None)


def _by_shop(number: str, channel: str, target: str) -> _Ids:  # noqa: ARG001 - all of them have one shape
    table = orders.c
    return union(
        select(table.id).where(table.number == number),
        select(table.id).where(table.channel == channel, table.external_id == number),
    )


def _by_number(number: str, channel: str, target: str) -> _Ids:  # noqa: ARG001 - all of them have one shape
    return select(bindings.c.order_id).where(bindings.c.number == number)


def _by_document(number: str, channel: str, target: str) -> _Ids:  # noqa: ARG001 - all of them have one shape
    return of_documents(number)


def _by_sale(number: str, channel: str, target: str) -> _Ids:  # noqa: ARG001 - all of them have one shape
    bound = bindings.c
    return union(
        select(bound.order_id).where(bound.connection == target, bound.kind == "sale", bound.external_id == number),
        select(bound.order_id).where(bound.key == number),
    )


def _load_unread(connection: Connection, channel: str, which: ColumnElement[bool]) -> list[StoredOrder]:
    """Orders of which we have no content."""
    item = work_items.c
    query = select(item.id, item.external_id, item.created_at, item.state, item.reason, item.due_at).where(
        item.channel == channel, item.kind == "order", which, ~exists().where(orders.c.item_id == item.id)
    )
    return [
        StoredOrder(
            id=0,
            item_id=row.id,
            channel=channel,
            external_id=row.external_id,
            number=row.external_id,
            currency="",
            grand=Decimal(0),
            placed_at=row.created_at,
            placed_on=row.created_at.date().isoformat(),
            source_state="",
            state=row.state,
            reason=row.reason,
            due_at=row.due_at,
            erp_id=None,
            erp_number=None,
            erp_total=None,
        )
        for row in connection.execute(query)
    ]


def _with_state(target: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - an SQL expression
    table, item, bound = orders.c, work_items.c, bindings.c
    sale = (
        (bound.order_id == table.id) & (bound.connection == target) & (bound.kind == "sale") & bound.ended_at.is_(None)
    )
    other = bindings.alias("other").c
    # An order that is divided is shown once, with its first sale that stands.
    before = (other.order_id == table.id) & (other.connection == target) & (other.kind == "sale")
    before &= other.ended_at.is_(None) & (other.part < bound.part)
    sale &= (bound.part == 0) | ~exists().where(before)
    return (
        select(
            table.id,
            table.item_id,
            table.channel,
            table.external_id,
            table.number,
            table.currency,
            table.grand,
            table.placed_at,
            table.placed_on,
            table.source_state,
            item.state,
            item.reason,
            item.due_at,
            bound.external_id,
            bound.number,
            bound.total,
        )
        .join(work_items, item.id == table.item_id)
        .outerjoin(bindings, sale)
    )


def _state(row: Row[tuple[object, ...]]) -> StoredOrder:
    values: list[Any] = list(row)
    values[6] = Decimal(values[6])
    return StoredOrder(*values)


def carried_skus(connection: Connection, target: str, orders_looked_at: int) -> list[str]:
    """The articles of the newest orders that have a sale in this ERP, as their shops write them."""
    sale = bindings.c
    newest = (
        select(sale.order_id)
        .where(sale.connection == target, sale.kind == "sale", sale.ended_at.is_(None))
        .order_by(sale.id.desc())
        .limit(orders_looked_at)
    )
    found = select(order_skus.c.sku).where(order_skus.c.order_id.in_(newest)).distinct()
    return sorted(connection.execute(found).scalars())


def mark_pushed(connection: Connection, order_id: int, material: str, sale_rows: bytes | None = None) -> None:
    """The sale in the ERP is made from what the order is now, and with these look-up rows."""
    values: dict[str, object] = {"material": material, "pushed": None}
    if sale_rows is not None:
        values["sale_rows"] = sale_rows
    connection.execute(update(orders).where(orders.c.id == order_id).values(values))


def load_used(connection: Connection, order_id: int) -> tuple[bytes | None, bytes | None]:
    """The look-up rows that an order was made with, and those of its sale, as `sync.rules.used` keeps them."""
    table = orders.c
    row = connection.execute(select(table.mapped_rows, table.sale_rows).where(table.id == order_id)).first()
    return (None, None) if row is None else (row.mapped_rows, row.sale_rows)


def load_canonical(connection: Connection, order_id: int) -> bytes | None:
    """The compressed canonical JSON of one order."""
    return connection.execute(select(orders.c.canonical).where(orders.c.id == order_id)).scalar()


def load_pushed(connection: Connection, order_id: int) -> bytes | None:
    """The same of the order that the sale was made from; None where no edit waits to be carried over."""
    return connection.execute(select(orders.c.pushed).where(orders.c.id == order_id)).scalar()


def name_orders(connection: Connection, order_ids: Sequence[int]) -> dict[int, str]:
    """Order id -> what people call it, with its channel."""
    table = orders.c
    query = select(table.id, table.number, table.channel).where(table.id.in_(order_ids))
    return {row.id: f"{row.number} ({row.channel})" for row in connection.execute(query)}


def external_ids(connection: Connection, order_ids: Sequence[int]) -> list[str]:
    """What their shop calls these orders of ours."""
    table = orders.c
    return list(connection.execute(select(table.external_id).where(table.id.in_(order_ids))).scalars())
