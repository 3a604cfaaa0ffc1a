"""What stands in issues, counted and summed: documents, money, what else stops them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, select

from sync.store.crm.customers import KIND as PARTY
from sync.store.crm.customers import load_customers
from sync.store.issue_sums import Standing, standings
from sync.store.states import STOPPED
from sync.store.tables import issue_documents, issue_sums, issues, orders, work_items

#: (currency, grand, how many such documents); the first two are None for what could not be read.
Worth = tuple[str | None, str | None, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Documents and what they are worth."""

    documents: int = 0
    #: Of these could not be read, so nobody knows what they are worth.
    unread: int = 0
    #: Currency -> sum of the others, exact.
    money: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)
    #: When the oldest of them was first told to us; None where nobody asked.
    oldest: dt.datetime | None = None

    @classmethod
    def of(cls, rows: Iterable[Worth]) -> Figures:
        """From groups of equal documents: their totals are text, for a database's sum of them would be a float."""
        documents = unread = 0
        money: dict[str, Decimal] = {}
        for currency, grand, count in rows:
            documents += count
            if currency is None or grand is None:
                unread += count
            else:
                money[currency] = money.get(currency, Decimal(0)) + Decimal(grand) * count
        return cls(documents, unread, dict(sorted(money.items())))


def figures_of(connection: Connection, issue_ids: Sequence[int] | None = None) -> dict[int, Figures]:
    """Issue id -> the documents that stand still in it; of all open issues unless some are named."""
    found = standings(connection, issue_ids)
    oldest = _oldest(connection, [issue_id for issue_id, rows in found.items() if any(row.stopped for row in rows)])
    return {issue_id: _figures(rows, oldest.get(issue_id)) for issue_id, rows in found.items()}


def _figures(rows: Iterable[Standing], oldest: dt.datetime | None = None) -> Figures:
    documents = unread = 0
    money: dict[str, Decimal] = {}
    for row in rows:
        documents += row.stopped
        if not row.currency:
            unread += row.stopped
        elif row.stopped:
            money[row.currency] = money.get(row.currency, Decimal(0)) + row.money
    return Figures(documents, unread, dict(sorted(money.items())), oldest)


def _shared_figures(rows: Iterable[Standing]) -> Figures:
    """Of those that stand still in another issue as well."""
    return _figures(dataclasses.replace(row, stopped=row.shared, money=row.shared_money) for row in rows)


def _oldest(connection: Connection, issue_ids: Sequence[int]) -> dict[int, dt.datetime]:
    """Issue -> when the first of what stands still in it was told to us: items are numbered as they come."""
    documents = issue_documents.c
    first = (
        select(documents.item_id)
        .where(documents.issue_id == issues.c.id, documents.closed_at.is_(None), documents.stopped)
        .order_by(documents.item_id)
        .limit(1)
        .correlate(issues)
        .scalar_subquery()
    )
    query = (
        select(issues.c.id, work_items.c.created_at)
        .select_from(issues)
        .join(work_items, work_items.c.id == first)
        .where(issues.c.id.in_(issue_ids))
    )
    return {row[0]: row[1] for row in connection.execute(query)}


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """What fixing some issues would do."""

    #: Stopped by nothing else: these go.
    goes: Figures
    #: Stopped by another cause as well: these stay.
    stays: Figures


def preview_release(connection: Connection, issue_ids: Sequence[int]) -> Release:
    """Which documents fixing all of these issues releases, and which another cause still stops."""
    found = standings(connection, issue_ids)
    if len(found) == 1:
        return _release_of(next(iter(found.values())))
    # What stands in several of them counts once, and goes where it stands in none but these. Only what stands in
    # several at all need be looked at one by one.
    rows = [row for each in found.values() for row in each]
    every, shared = _figures(rows), _shared_figures(rows)
    staying = Figures.of(_worth(connection, _shared(issue_ids, staying=True)))
    once = Figures.of(_worth(connection, _shared(issue_ids)))
    return Release(_plus(_minus(every, shared), _minus(once, staying)), staying)


def figures_and_release(connection: Connection, issue_id: int) -> tuple[Figures, Release]:
    """Both of one issue."""
    rows = standings(connection, [issue_id]).get(issue_id, [])
    oldest = _oldest(connection, [issue_id]) if any(row.stopped for row in rows) else {}
    return _figures(rows, oldest.get(issue_id)), _release_of(rows)


def _release_of(rows: Sequence[Standing]) -> Release:
    stays = _shared_figures(rows)
    return Release(_minus(_figures(rows), stays), stays)


def _plus(one: Figures, other: Figures, sign: int = 1) -> Figures:
    """Without currencies of which nothing is left: their sum is 0 then, or of documents worth 0."""
    money = {
        currency: one.money.get(currency, Decimal(0)) + sign * other.money.get(currency, Decimal(0))
        for currency in sorted({*one.money, *other.money})
    }
    documents = one.documents + sign * other.documents
    left = {currency: amount for currency, amount in money.items() if amount}
    return Figures(documents, one.unread + sign * other.unread, left)


def _minus(one: Figures, other: Figures) -> Figures:
    return _plus(one, other, -1)


def _shared(issue_ids: Sequence[int], *, staying: bool = False) -> Select[tuple[int]]:
    """Documents of these issues that stand in several, each once; with `staying` those that stand in others too."""
    table, others = issue_documents.c, issue_documents.alias("others").c
    query = select(table.item_id).where(table.issue_id.in_(issue_ids), table.closed_at.is_(None), table.shared)
    if staying:
        elsewhere = exists().where(others.item_id == table.item_id, others.issue_id.notin_(issue_ids))
        query = query.where(elsewhere.where(others.closed_at.is_(None)))
    return query.distinct()


def _worth(connection: Connection, ids: Select[tuple[int]]) -> list[Worth]:
    """What these documents are worth, where they stand still."""
    item, standing = work_items.c, ids.subquery("standing")
    query = (
        select(orders.c.currency, orders.c.grand, func.count())
        .select_from(standing)
        .join(work_items, item.id == standing.c.item_id)
        .outerjoin(orders, orders.c.item_id == item.id)
        .where(item.state.in_(STOPPED))
        .group_by(orders.c.currency, orders.c.grand)
    )
    return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def count_stopped_by_channel(connection: Connection) -> dict[str, int]:
    """Channel -> documents that stand still."""
    item = work_items.c
    query = select(item.channel, func.count()).where(item.state.in_(STOPPED)).group_by(item.channel)
    return {channel: count for channel, count in connection.execute(query)}  # noqa: C416 - Row is no pair to dict()


def count_needing(connection: Connection) -> tuple[dict[str, int], int]:
    """(channel -> documents that stand still, how many causes stop them)."""
    stopping = select(issue_sums.c.issue_id).group_by(issue_sums.c.issue_id).having(func.sum(issue_sums.c.stopped) > 0)
    causes = select(func.count()).select_from(issues).where(issues.c.closed_at.is_(None), issues.c.id.in_(stopping))
    return count_stopped_by_channel(connection), int(connection.execute(causes).scalar_one())


def also_stopped_by(connection: Connection, issue_id: int, limit: int) -> dict[int, int]:
    """Other open issue -> how many open documents of this one stand in it too; those with most of them."""
    ours, others = issue_documents.alias("ours"), issue_documents.alias("others")
    query = (
        select(others.c.issue_id, func.count())
        .select_from(ours)
        .join(others, (others.c.item_id == ours.c.item_id) & (others.c.issue_id != ours.c.issue_id))
        .where(ours.c.issue_id == issue_id, ours.c.shared, ours.c.closed_at.is_(None), others.c.closed_at.is_(None))
        .group_by(others.c.issue_id)
        .order_by(func.count().desc(), others.c.issue_id)
        .limit(limit)
    )
    return {other: count for other, count in connection.execute(query)}  # noqa: C416 - Row is no pair to dict()


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One document of an issue. One that could not be read has neither number nor money of its own."""

    item_id: int
    channel: str
    external_id: str
    state: str
    reason: str
    #: JSON list of {path, reason}.
    details: str
    since: dt.datetime
    number: str | None
    currency: str | None
    grand: Decimal | None
    placed_at: dt.datetime | None
    #: Of the work item: `order`; `stock` for an article, whose external id is its SKU; `party` for a customer, whose
    #: number is its name.
    kind: str


def list_documents(
    connection: Connection, issue_id: int, *, after: int = 0, before: int | None = None, limit: int = 50
) -> list[Document]:
    """The open documents of an issue, by item id: those that follow the item `after`, or stand directly before one."""
    documents = issue_documents.c
    query = _documents(
        work_items.c.channel,
        work_items.c.external_id,
        work_items.c.state,
        work_items.c.reason,
        documents.details,
        documents.opened_at,
        orders.c.number,
        orders.c.currency,
        orders.c.grand,
        orders.c.placed_at,
        work_items.c.kind,
    ).where(documents.issue_id == issue_id, documents.closed_at.is_(None))
    if before is None:
        query = query.where(documents.item_id > after).order_by(documents.item_id)
    else:
        query = query.where(documents.item_id < before).order_by(documents.item_id.desc())
    found = _named(connection, [_document(row) for row in connection.execute(query.limit(limit))])
    return found if before is None else found[::-1]


def _named(connection: Connection, found: Sequence[Document]) -> list[Document]:
    """With the names of those that are customers."""
    known = load_customers(connection, [int(each.external_id) for each in found if each.kind == PARTY])
    names = {str(each.id): each.name or each.email or each.key for each in known.values()}
    return [
        dataclasses.replace(each, number=names.get(each.external_id)) if each.kind == PARTY else each for each in found
    ]


def find_document(connection: Connection, issue_id: int, item_id: int) -> tuple[str, str] | None:
    """(channel, external id) of a document, if it stands in the issue."""
    query = _documents(work_items.c.channel, work_items.c.external_id).where(
        issue_documents.c.issue_id == issue_id,
        issue_documents.c.item_id == item_id,
        issue_documents.c.closed_at.is_(None),
    )
    row = connection.execute(query).first()
    return None if row is None else (row.channel, row.external_id)


def _documents(*columns: ColumnElement[Any]) -> Select[Any]:
    return (
        select(issue_documents.c.item_id, *columns)
        .select_from(issue_documents)
        .join(work_items, work_items.c.id == issue_documents.c.item_id)
        .outerjoin(orders, orders.c.item_id == work_items.c.id)
    )


def _document(row: Row[Any]) -> Document:
    values = list(row)
    values[9] = None if values[9] is None else Decimal(values[9])
    return Document(*values)


def one_of_each(
    connection: Connection, channel: str, causes: Collection[str], limit: int
) -> list[tuple[int, str, str, bytes]]:
    """(issue, cause, subject, compressed canonical order) of the open issues of a channel, with one stopped order each.

    Those that were seen longest ago first; issues whose orders could not be read are left out.
    """
    documents, item, table = issue_documents.c, work_items.c, issues.c
    first = (
        select(documents.issue_id, func.min(documents.item_id).label("item_id"))
        .join(issues, table.id == documents.issue_id)
        .join(work_items, item.id == documents.item_id)
        .join(orders, orders.c.item_id == item.id)
        .where(table.closed_at.is_(None), table.channel == channel, table.cause.in_(causes))
        .where(documents.closed_at.is_(None), item.state.in_(STOPPED), orders.c.canonical.is_not(None))
        .group_by(documents.issue_id, table.seen_at)
        .order_by(table.seen_at)
        .limit(limit)
        .subquery()
    )
    query = (
        select(table.id, table.cause, table.subject, orders.c.canonical)
        .join(first, first.c.issue_id == table.id)
        .join(orders, orders.c.item_id == first.c.item_id)
        .order_by(table.id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def sample_contents(connection: Connection, issue_id: int, limit: int) -> list[tuple[str, bytes | None]]:
    """(details JSON, compressed canonical order) of the newest open documents of an issue."""
    query = (
        _documents(issue_documents.c.details, orders.c.canonical)
        .where(issue_documents.c.issue_id == issue_id, issue_documents.c.closed_at.is_(None))
        .order_by(issue_documents.c.item_id.desc())
        .limit(limit)
    )
    return [(row.details, row.canonical) for row in connection.execute(query)]
