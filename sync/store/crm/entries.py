"""Entries of customers' histories: what happened that has one, and which of them stand in the CRM."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    union_all,
    update,
)

from sync.store.crm.purchases import POSTED, stands
from sync.store.lists import in_lists
from sync.store.tables import customer_orders, customers, document_links, documents, erasures, orders, told_entries
from sync.store.types import db_now
from sync.store.upsert import upsert

#: Kind of the entry of an order itself; that of its documents is the document's.
ORDER: Final = "order"


class EntryState(enum.StrEnum):
    """How far an entry is."""

    #: About to be written, or nobody knows the end of it.
    ANNOUNCED = "announced"
    TOLD = "told"
    #: The CRM did not take it.
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True, slots=True)
class Happened:
    """An order, or a document of it, that has an entry."""

    kind: str
    customer_id: int
    order_id: int
    channel: str
    #: The order's, in its source.
    order_external_id: str
    placed_at: dt.datetime
    #: Of a document: ours and the ERP's id; 0 and empty for the order itself.
    document_id: int = 0
    external_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """One entry, as far as we know."""

    key: str
    account_id: str
    state: EntryState
    sent_at: dt.datetime


def load_happened(
    connection: Connection, crm: str, customer_ids: Iterable[int], since: Mapping[str, dt.date]
) -> list[Happened]:
    """What there is to tell of these customers, told or not: an order before what hangs on it, the oldest first.

    `since` has the first day of each channel that tells. Orders count that stand in the ERP, and those that were told
    when they did: what is credited of a cancelled one is told too. Of erased ones nothing more is.
    """
    order, mine, told = orders.c, customer_orders.c, told_entries.c
    said = exists().where(told.order_id == order.id, told.connection == crm, told.kind == ORDER)
    found: list[Happened] = []
    for some in in_lists(sorted(set(customer_ids))):
        query = (
            select(mine.customer_id, order.id, order.channel, order.external_id, order.placed_at)
            .join(customer_orders, mine.order_id == order.id)
            .where(
                mine.customer_id.in_(some), _from_their_day(since), or_(and_(mine.counts, stands()), said), ~_erased()
            )
        )
        found += [Happened(ORDER, *row) for row in connection.execute(query)]
    by_id = {each.order_id: each for each in found}
    for order_ids in in_lists(list(by_id)):
        found += [_document(by_id[row.of], row) for row in connection.execute(_documents_of(order_ids))]
    return sorted(found, key=lambda each: (each.placed_at, each.order_id, each.document_id))


def _from_their_day(since: Mapping[str, dt.date]) -> ColumnElement[bool]:
    order = orders.c
    return or_(
        *(
            # The day is the shop's own; the moment is what there is an index of.
            and_(order.channel == channel, order.placed_at >= _before(day), order.placed_on >= day.isoformat())
            for channel, day in sorted(since.items())
        )
    )


def _before(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC) - dt.timedelta(days=2)


def _erased() -> ColumnElement[bool]:
    return exists().where(erasures.c.order_id == orders.c.id)


def _documents_of(order_ids: Sequence[int]) -> Any:
    table, link = documents.c, document_links.c
    told = and_(
        or_(
            and_(table.kind == "shipment", table.state == "sent"),
            and_(table.kind.in_(("invoice", "credit_note")), table.state.in_(POSTED)),
        ),
        table.ended_at.is_(None),
    )
    columns = (table.id, table.kind, table.external_id)
    own = select(table.order_id.label("of"), *columns).where(table.order_id.in_(order_ids), told)
    linked = (
        select(link.order_id.label("of"), *columns)
        .join(document_links, link.document_id == table.id)
        .where(link.order_id.in_(order_ids), link.order_id != table.order_id, told)
    )
    return union_all(own, linked)


def _document(of: Happened, row: Row[Any]) -> Happened:
    return dataclasses.replace(of, kind=row.kind, document_id=row.id, external_id=row.external_id)


def load_entries(connection: Connection, crm: str, order_ids: Iterable[int]) -> tuple[dict[str, Told], dt.datetime]:
    """(key -> entry of these orders, the database's time)."""
    table, found = told_entries.c, dict[str, Told]()
    for some in in_lists(sorted(set(order_ids))):
        query = select(table.key, table.account_id, table.state, table.sent_at).where(
            table.connection == crm, table.order_id.in_(some)
        )
        for row in connection.execute(query):
            found[row.key] = Told(row.key, row.account_id, EntryState(row.state), row.sent_at)
    now: dt.datetime = connection.execute(select(db_now())).scalar_one()
    return found, now


def announce_entry(connection: Connection, crm: str, key: str, of: Happened, account: str) -> None:
    """About to be written; committed before the call, so that whoever dies in it leaves something to be looked for."""
    now = connection.execute(select(db_now())).scalar_one()
    upsert(
        connection,
        told_entries,
        {
            "connection": crm,
            "key": key,
            "kind": of.kind,
            "order_id": of.order_id,
            "account_id": account,
            "state": EntryState.ANNOUNCED.value,
            "sent_at": now,
            "entry_id": "",
            "ended_at": None,
        },
        ("connection", "key"),
    )


def end_entry(connection: Connection, crm: str, key: str, state: EntryState, entry_id: str = "") -> None:
    """How an announced one ended; `entry_id` is the CRM's."""
    table = told_entries.c
    connection.execute(
        update(told_entries)
        .where(table.connection == crm, table.key == key)
        .values(state=state.value, entry_id=entry_id, ended_at=db_now())
    )


def take_back_entry(connection: Connection, crm: str, key: str) -> None:
    """It was not written, for certain."""
    table = told_entries.c
    connection.execute(delete(told_entries).where(table.connection == crm, table.key == key))


@dataclasses.dataclass(frozen=True, slots=True)
class Paper:
    """A document of one order, to be told: the canonical record, compressed."""

    kind: str
    external_id: str
    document_id: int
    body: bytes
    #: What of an invoice's net amount is this order's; empty where it is all of it, or nobody can say.
    part: str


def load_to_tell(connection: Connection, order_ids: Sequence[int]) -> dict[int, tuple[bytes, list[Paper]]]:
    """Order -> (canonical order, compressed; its shipments, invoices and credit notes). For some dozens."""
    table, link, order = documents.c, document_links.c, orders.c
    found: dict[int, tuple[bytes, list[Paper]]] = {}
    for each in connection.execute(select(order.id, order.canonical).where(order.id.in_(order_ids))):
        found[each.id] = (each.canonical, [])
    columns = (table.kind, table.external_id, table.id, table.body)
    own = (
        select(table.order_id.label("of"), *columns, func.coalesce(link.part, "").label("part"))
        .outerjoin(document_links, and_(link.document_id == table.id, link.order_id == table.order_id))
        .where(table.order_id.in_(order_ids))
    )
    linked = (
        select(link.order_id.label("of"), *columns, link.part)
        .join(document_links, link.document_id == table.id)
        .where(link.order_id.in_(order_ids), link.order_id != table.order_id)
    )
    for query in (own, linked):
        wanted = query.where(table.kind.in_(("shipment", "invoice", "credit_note")), table.ended_at.is_(None))
        for row in connection.execute(wanted):
            found[row.of][1].append(Paper(*row[1:]))
    return found


def untold_customers(
    connection: Connection, crm: str, since: Mapping[str, dt.date], after: int, limit: int
) -> list[int]:
    """Customers, by id, with an account and with an order of these channels that has no entry there yet."""
    order, mine, told, table = orders.c, customer_orders.c, told_entries.c, customers.c
    said = exists().where(told.order_id == order.id, told.connection == crm, told.kind == ORDER)
    query = (
        select(table.id)
        .join(customer_orders, mine.customer_id == table.id)
        .join(orders, order.id == mine.order_id)
        .where(table.connection == crm, table.account_id != "", table.id > after)
        .where(_from_their_day(since), mine.counts, stands(), ~said, ~_erased())
        .distinct()
        .order_by(table.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def count_entries(connection: Connection, crm: str) -> int:
    """How many entries stand at accounts of a CRM."""
    return int(connection.execute(_standing(crm)).scalar_one())


def entries_of_order(connection: Connection, crm: str, order_id: int) -> tuple[int, dt.date]:
    """(how many entries of one order stand, the day on which it was placed)."""
    day = connection.execute(select(orders.c.placed_on).where(orders.c.id == order_id)).scalar_one()
    count = connection.execute(_standing(crm).where(told_entries.c.order_id == order_id)).scalar_one()
    return int(count), dt.date.fromisoformat(day)


def _standing(crm: str) -> Select[Any]:
    table = told_entries.c
    return select(func.count()).where(table.connection == crm, table.state == EntryState.TOLD.value)
