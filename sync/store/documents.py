"""Documents that hang on an order in either system, as last seen there, and which of them was made from which."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import CompoundSelect, Connection, delete, select, union, update

from sync.store.tables import document_links, documents, tracking_numbers
from sync.store.tracking import SENT, fold_tracking, save_tracking
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One document as it stands in its system. `body` is the canonical record's JSON, compressed; `digest` is its."""

    order_id: int
    connection: str
    #: `shipment`, `return`, `invoice`, `credit_note`, `refund`, `payment`; in a shop `fulfilment`, `note`.
    kind: str
    external_id: str
    key: str = ""
    number: str = ""
    state: str = ""
    currency: str = ""
    total: str = ""
    dated_on: str = ""
    digest: str
    body: bytes
    #: What of its net amount is this order's, where it is collected from several; empty where nobody can say.
    part: str = ""
    #: Of the parcels of a shipment or a return, folded.
    tracking: frozenset[str] = frozenset()

    def with_total(self, total: str, currency: str) -> Seen:
        """The same with an amount as its system wrote it."""
        return dataclasses.replace(self, total=total, currency=currency)


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One document that was seen before, without its body."""

    id: int
    order_id: int
    connection: str
    kind: str
    external_id: str
    key: str
    number: str
    state: str
    currency: str
    total: str
    dated_on: str
    digest: str
    #: Id of the other system's document that it was made from, and that one's digest when it was last written.
    made_from: int | None
    made_digest: str
    seen_at: dt.datetime
    #: When a person said that nothing is to be made of it in the other system.
    settled_at: dt.datetime | None


#: Kind of a payment that waits in the ERP for people to post it: no survey of the sale shows it.
DRAFTED: Final = "draft_payment"

_Key = tuple[str, str, str]
#: What of `Seen` stands in tables of its own.
_ELSEWHERE: Final = frozenset({"part", "tracking"})
_KEPT = {"id", "order_id", "first_seen_at", "made_from", "made_digest", "settled_at"}


def save_seen(connection: Connection, rows: Sequence[Seen]) -> dict[_Key, int]:
    """Insert, or bring up to date what is there; answers (connection, kind, external id) -> id. Safe to repeat.

    A document of several orders (a collected invoice) belongs to the first of them and is linked with the others.
    """
    if not rows:
        return {}
    now = connection.execute(select(db_now())).scalar_one()
    statement = dialect_of(connection).insert(documents)
    statement = statement.on_conflict_do_update(
        index_elements=[documents.c.connection, documents.c.kind, documents.c.external_id],
        set_={column.name: statement.excluded[column.name] for column in documents.c if column.name not in _KEPT},
    )
    table = documents.c
    # PostgreSQL takes each key once in one statement; in an order of their own two writers cannot dead-lock.
    once = dict(sorted({(row.connection, row.kind, row.external_id): row for row in reversed(rows)}.items()))
    made = connection.execute(
        statement.returning(table.connection, table.kind, table.external_id, table.id, table.order_id),
        [{**_values(row), "first_seen_at": now, "seen_at": now, "ended_at": None} for row in once.values()],
    )
    found = {(row.connection, row.kind, row.external_id): (row.id, row.order_id) for row in made}
    _link(connection, rows, found)
    save_tracking(connection, {found[key][0]: row.tracking for key, row in once.items() if row.kind in SENT})
    return {key: document_id for key, (document_id, _) in found.items()}


def _link(connection: Connection, rows: Sequence[Seen], found: Mapping[_Key, tuple[int, int]]) -> None:
    parts = {}
    for row in rows:
        document_id, owner = found[row.connection, row.kind, row.external_id]
        if row.order_id != owner or row.part:
            parts[document_id, row.order_id] = row.part
    if parts:
        statement = dialect_of(connection).insert(document_links)
        statement = statement.on_conflict_do_update(
            index_elements=[document_links.c.document_id, document_links.c.order_id],
            set_={"part": statement.excluded.part},
        )
        values = [
            {"document_id": document_id, "order_id": order_id, "part": part}
            for (document_id, order_id), part in sorted(parts.items())
        ]
        connection.execute(statement, values)


def _values(row: Seen) -> dict[str, object]:
    return {field.name: getattr(row, field.name) for field in dataclasses.fields(row) if field.name not in _ELSEWHERE}


def save_made(
    connection: Connection, row: Seen, made_from: int, made_digest: str, *, beside: Collection[str] = ()
) -> int:
    """What we made in one system from a document of the other; answers its id. Safe to repeat.

    One that was made from it before and is gone there has ended, so that it never stands in the way of this one; those
    under the keys `beside` are made from it too.
    """
    table = documents.c
    connection.execute(
        update(documents)
        .where(table.made_from == made_from, table.order_id == row.order_id, table.ended_at.is_(None))
        .where((table.connection != row.connection) | (table.kind != row.kind) | (table.external_id != row.external_id))
        .where(table.key.not_in(sorted(beside)))
        .values(ended_at=db_now())
    )
    [made] = save_seen(connection, [row]).values()
    connection.execute(update(documents).where(table.id == made).values(made_from=made_from, made_digest=made_digest))
    return made


def end_others(connection: Connection, order_id: int, of: str, kinds: Iterable[str], there: Iterable[str]) -> int:
    """Documents of these kinds that a system does not have any more (`there`: external ids); answers how many."""
    table = documents.c
    gone = (
        select(table.id)
        .where(table.connection == of, table.kind.in_(sorted(kinds)))
        .where(table.external_id.notin_(sorted(there)))
    )
    connection.execute(
        delete(document_links).where(
            document_links.c.order_id == order_id, document_links.c.document_id.in_(gone.scalar_subquery())
        )
    )
    ended = connection.execute(
        update(documents)
        .where(table.order_id == order_id, table.connection == of, table.kind.in_(sorted(kinds)))
        .where(table.external_id.notin_(sorted(there)), table.ended_at.is_(None))
        .values(ended_at=db_now())
    )
    return ended.rowcount


def load_documents(connection: Connection, order_ids: Sequence[int]) -> dict[int, list[Document]]:
    """Order id -> what hangs on it now, oldest first; an order without anything is absent."""
    table, links = documents.c, document_links.c
    columns = [table[field.name] for field in dataclasses.fields(Document)]
    own = select(table.order_id.label("of"), *columns).where(table.order_id.in_(order_ids))
    linked = (
        select(links.order_id.label("of"), *columns)
        .join(document_links, links.document_id == table.id)
        .where(links.order_id.in_(order_ids), links.order_id != table.order_id)
    )
    found: dict[int, list[Document]] = {}
    for query in (own, linked):
        for row in connection.execute(query.where(table.ended_at.is_(None)).order_by(table.id)):
            found.setdefault(row.of, []).append(Document(*row[1:]))
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Traced:
    """One document with what was last seen of it and since when; `body` as in `Seen`."""

    document: Document
    body: bytes
    first_seen_at: dt.datetime
    #: When its system was found not to have it any more.
    ended_at: dt.datetime | None
    #: Other orders that it covers too, by id.
    shared_with: tuple[int, ...] = ()
    #: What of its net amount is this order's; empty where it is all of it, or nobody can say.
    part: str = ""


def trace_documents(connection: Connection, order_id: int) -> list[Traced]:
    """Everything that hangs, or once hung, on one order, oldest first."""
    table, links = documents.c, document_links.c
    own = [table[field.name] for field in dataclasses.fields(Document)]
    query = (
        select(*own, table.body, table.first_seen_at, table.ended_at, links.part)
        .outerjoin(document_links, (links.document_id == table.id) & (links.order_id == order_id))
        .where((table.order_id == order_id) | (links.order_id == order_id))
        .order_by(table.id)
    )
    rows = connection.execute(query).all()
    shared = _shared_with(connection, order_id, [row.id for row in rows])
    return [
        Traced(
            Document(*row[: len(own)]),
            row.body,
            row.first_seen_at,
            row.ended_at,
            shared_with=shared.get(row.id, ()),
            part=row.part or "",
        )
        for row in rows
    ]


def _shared_with(connection: Connection, order_id: int, document_ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Document -> the other orders that it covers."""
    table, links = documents.c, document_links.c
    query = (
        select(table.id, table.order_id.label("owner"), links.order_id)
        .join(document_links, links.document_id == table.id)
        .where(table.id.in_(document_ids))
    )
    found: dict[int, set[int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.id, set()).update({row.owner, row.order_id} - {order_id})
    return {document_id: tuple(sorted(ids)) for document_id, ids in found.items()}


def load_body(connection: Connection, document_id: int) -> bytes:
    """The canonical record of one document, compressed. Raises LookupError."""
    body = connection.execute(select(documents.c.body).where(documents.c.id == document_id)).scalar()
    if body is None:
        raise LookupError("this document is not known any more")
    found: bytes = body
    return found


def orders_of_documents(connection: Connection, of: str, kind: str, external_ids: Sequence[str]) -> dict[str, int]:
    """External id -> order id, for documents of one system that were seen before."""
    table = documents.c
    query = select(table.external_id, table.order_id).where(
        table.connection == of, table.kind == kind, table.external_id.in_(external_ids)
    )
    return {external_id: order_id for external_id, order_id in connection.execute(query)}  # noqa: C416 - Row is no pair


def numbers_of_others(
    connection: Connection, of: str, numbers: Sequence[str], own_ids: Sequence[str]
) -> dict[str, str]:
    """Number -> external id of another invoice of the system that bears it."""
    table = documents.c
    query = select(table.number, table.external_id).where(
        table.connection == of,
        table.kind.in_(("invoice", "credit_note")),
        table.number.in_(numbers),
        table.external_id.notin_(own_ids),
        table.ended_at.is_(None),
    )
    return {number: external_id for number, external_id in connection.execute(query)}  # noqa: C416 - Row is no pair


def of_documents(number: str) -> CompoundSelect[Any]:
    """The orders of each document that bears this number, or has a parcel that does; some hang on several."""
    table, link, parcel = documents.c, document_links.c, tracking_numbers.c
    called = union(
        select(table.id).where(table.number == number),
        select(parcel.document_id).where(parcel.number == fold_tracking(number)),
    )
    return union(
        select(table.order_id).where(table.id.in_(called)),
        select(link.order_id).where(link.document_id.in_(called)),
    )
