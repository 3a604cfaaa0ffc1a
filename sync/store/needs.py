"""What stands in issues, counted and summed: documents, money, what else stops them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, exists, func, select

from sync.store.states import STOPPED
from sync.store.tables import issue_documents, issues, orders, work_items

#: (currency, grand, how many such documents, the oldest of them where that is asked); the first two are None for what
#: could not be read.
Worth = tuple[str | None, str | None, int, dt.datetime | None]


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
        """From groups of equal documents."""
        documents = unread = 0
        money: dict[str, Decimal] = {}
        oldest: dt.datetime | None = None
        for currency, grand, count, since in rows:
            documents += count
            if since is not None:
                oldest = since if oldest is None else min(oldest, since)
            if currency is None or grand is None:
                unread += count
            else:
                money[currency] = money.get(currency, Decimal(0)) + Decimal(grand) * count
        return cls(documents, unread, dict(sorted(money.items())), oldest)


def figures_of(connection: Connection, issue_ids: Sequence[int] | None = None) -> dict[int, Figures]:
    """Issue id -> the documents that stand still in it; of all open issues unless some are named.

    Totals are grouped as text and summed as decimals: a database's sum of them would be a float on SQLite.
    """
    return {issue_id: Figures.of(rows) for issue_id, rows in _worth_by_issue(connection, issue_ids).items()}


def _worth_by_issue(connection: Connection, issue_ids: Sequence[int] | None) -> dict[int, list[Worth]]:
    documents, item = issue_documents.c, work_items.c
    query = (
        select(documents.issue_id, orders.c.currency, orders.c.grand, func.count(), func.min(item.created_at))
        .select_from(issue_documents)
        .join(work_items, item.id == documents.item_id)
        .outerjoin(orders, orders.c.item_id == item.id)
        .where(documents.closed_at.is_(None), item.state.in_(STOPPED))
        .group_by(documents.issue_id, orders.c.currency, orders.c.grand)
    )
    if issue_ids is not None:
        query = query.where(documents.issue_id.in_(issue_ids))
    found: dict[int, list[Worth]] = {}
    for issue_id, *worth in connection.execute(query):
        found.setdefault(issue_id, []).append((worth[0], worth[1], worth[2], worth[3]))
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Release:
    """What fixing some issues would do."""

    #: Stopped by nothing else: these go.
    goes: Figures
    #: Stopped by another cause as well: these stay.
    stays: Figures


def preview_release(connection: Connection, issue_ids: Sequence[int]) -> Release:
    """Which documents fixing all of these issues releases, and which another cause still stops.

    Those that stand elsewhere too are counted by themselves and taken from all: they are few, and to ask of each
    document whether it is one of them takes longer than everything else.
    """
    table = issue_documents.c
    standing = select(table.item_id).where(table.issue_id.in_(issue_ids), table.closed_at.is_(None))
    # A document can stand in several of them and counts once.
    every = _worth(connection, standing.distinct() if len(issue_ids) > 1 else standing)
    return _release(every, _worth(connection, _staying(issue_ids)))


def figures_and_release(connection: Connection, issue_id: int) -> tuple[Figures, Release]:
    """Both of one issue, for little more than either takes."""
    rows = _worth_by_issue(connection, [issue_id]).get(issue_id, [])
    every = {(currency, grand): count for currency, grand, count, _ in rows}
    return Figures.of(rows), _release(every, _worth(connection, _staying([issue_id])))


def _staying(issue_ids: Sequence[int]) -> Select[tuple[int]]:
    """Documents of these issues that stand in others too, each once."""
    table, others = issue_documents.c, issue_documents.alias("others")
    return (
        select(table.item_id)
        .join(others, others.c.item_id == table.item_id)
        .where(table.issue_id.in_(issue_ids), table.closed_at.is_(None))
        .where(others.c.closed_at.is_(None), others.c.issue_id.notin_(issue_ids))
        .distinct()
    )


_Sums = Mapping[tuple[str | None, str | None], int]


def _release(every: _Sums, stays: _Sums) -> Release:
    goes = {worth: count - stays.get(worth, 0) for worth, count in every.items()}
    return Release(
        Figures.of((*worth, count, None) for worth, count in goes.items() if count),
        Figures.of((*worth, count, None) for worth, count in stays.items()),
    )


def _worth(connection: Connection, ids: Select[tuple[int]]) -> dict[tuple[str | None, str | None], int]:
    """(currency, grand) -> how many of these documents stand still."""
    item, standing = work_items.c, ids.subquery("standing")
    query = (
        select(orders.c.currency, orders.c.grand, func.count())
        .select_from(standing)
        .join(work_items, item.id == standing.c.item_id)
        .outerjoin(orders, orders.c.item_id == item.id)
        .where(item.state.in_(STOPPED))
        .group_by(orders.c.currency, orders.c.grand)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def count_stopped_by_channel(connection: Connection) -> dict[str, int]:
    """Channel -> documents that stand still."""
    item = work_items.c
    query = select(item.channel, func.count()).where(item.state.in_(STOPPED)).group_by(item.channel)
    return {channel: count for channel, count in connection.execute(query)}  # noqa: C416 - Row is no pair to dict()


def count_needing(connection: Connection) -> tuple[dict[str, int], int]:
    """(channel -> documents that stand still, how many causes stop them)."""
    item, documents = work_items.c, issue_documents.c
    stopped = item.state.in_(STOPPED)
    standing = (
        exists()
        .where(documents.issue_id == issues.c.id, documents.closed_at.is_(None))
        .where(documents.item_id == item.id, stopped)
    )
    causes = select(func.count()).select_from(issues).where(issues.c.closed_at.is_(None), standing)
    return count_stopped_by_channel(connection), int(connection.execute(causes).scalar_one())


def also_stopped_by(connection: Connection, issue_id: int, limit: int) -> dict[int, int]:
    """Other open issue -> how many open documents of this one stand in it too; those with most of them."""
    ours, others = issue_documents.alias("ours"), issue_documents.alias("others")
    query = (
        select(others.c.issue_id, func.count())
        .select_from(ours)
        .join(others, (others.c.item_id == ours.c.item_id) & (others.c.issue_id != ours.c.issue_id))
        .where(ours.c.issue_id == issue_id, ours.c.closed_at.is_(None), others.c.closed_at.is_(None))
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
    #: Of the work item: `order`, or `stock` for an article, whose external id is its SKU.
    kind: str


def list_documents(connection: Connection, issue_id: int, *, offset: int = 0, limit: int = 50) -> list[Document]:
    """The open documents of an issue, by item id."""
    query = (
        _documents(
            work_items.c.channel,
            work_items.c.external_id,
            work_items.c.state,
            work_items.c.reason,
            issue_documents.c.details,
            issue_documents.c.opened_at,
            orders.c.number,
            orders.c.currency,
            orders.c.grand,
            orders.c.placed_at,
            work_items.c.kind,
        )
        .where(issue_documents.c.issue_id == issue_id, issue_documents.c.closed_at.is_(None))
        .order_by(issue_documents.c.item_id)
        .limit(limit)
        .offset(offset)
    )
    return [_document(row) for row in connection.execute(query)]


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
