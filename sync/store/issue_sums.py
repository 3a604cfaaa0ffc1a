"""What the database has counted of each issue (`sync.store.issue_triggers`): read, folded, held against the rows."""

# ruff: noqa: S608 - all of it is our own text
from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Table, cast, delete, func, select, text, tuple_

from mappings.canonical.currencies import minor_unit
from sync.store.issue_triggers import ASTRAY, FIGURES, HOUR, STANDING, counted
from sync.store.tables import issue_documents, issue_hours, issue_sums, orders
from sync.store.types import db_now
from sync.store.upsert import dialect_of

#: Digits after the point of a kept amount.
_SCALE: Final = 4
#: Hours are kept for so long; the trends of a fortnight are made of them.
KEPT: Final = dt.timedelta(days=15)
#: Rows that one transaction folds: others may wait for it on SQLite.
_FOLDED: Final = 1_000
_HOUR: Final = dt.timedelta(hours=1)
_ONE_MOMENT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_ALONE: Final = "LOCK TABLE issue_documents, issue_sums, issue_hours IN SHARE ROW EXCLUSIVE MODE"
_SUMS, _HOURS, _DOCUMENTS = issue_sums.c, issue_hours.c, issue_documents.c
_FIGURES: Final = tuple(column for column in _SUMS if not column.primary_key)
#: PostgreSQL's sums are wider than what they sum.
_SUMMED: Final = tuple(cast(func.sum(column), column.type).label(column.name) for column in _FIGURES)
_OPEN: Final = _DOCUMENTS.closed_at.is_(None)


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """What stands in an issue in one currency; `currency` is empty for what could not be read."""

    currency: str
    #: Open in the issue; of these stand still; the worth of the latter, exact.
    documents: int
    stopped: int
    money: Decimal
    #: Of what stands still, what stands still in another issue as well, and its worth.
    shared: int
    shared_money: Decimal


def standings(connection: Connection, issue_ids: Sequence[int] | None = None) -> dict[int, list[Standing]]:
    """Issue id -> what stands in it, by currency; of all issues unless some are named."""
    query = select(_SUMS.issue_id, _SUMS.currency, *_SUMMED).group_by(_SUMS.issue_id, _SUMS.currency)
    if issue_ids is not None:
        query = query.where(_SUMS.issue_id.in_(issue_ids))
    rows = [row for row in connection.execute(query.order_by(_SUMS.issue_id, _SUMS.currency)) if row.documents]
    uneven = _uneven(connection, [row.issue_id for row in rows if row.uneven])
    found: dict[int, list[Standing]] = {}
    for row in rows:
        more, shared_more = uneven.get((row.issue_id, row.currency), (Decimal(0), Decimal(0)))
        standing = Standing(
            row.currency,
            row.documents,
            row.stopped,
            _money(row.amount, row.currency) + more,
            row.shared,
            _money(row.shared_amount, row.currency) + shared_more,
        )
        found.setdefault(row.issue_id, []).append(standing)
    return found


def count_open(connection: Connection, issue_ids: Sequence[int] | None = None) -> dict[int, int]:
    """Issue id -> documents that are open in it."""
    query = select(_SUMS.issue_id, func.sum(_SUMS.documents)).group_by(_SUMS.issue_id)
    if issue_ids is not None:
        query = query.where(_SUMS.issue_id.in_(issue_ids))
    return {issue_id: int(count) for issue_id, count in connection.execute(query)}


def _money(amount: int, currency: str) -> Decimal:
    """With the decimals of its currency, and more only where it has them."""
    digits = minor_unit(currency, {}) if currency else 0
    while digits < _SCALE and amount % 10 ** (_SCALE - digits):
        digits += 1
    return Decimal(amount // 10 ** (_SCALE - digits)).scaleb(-digits)


def _uneven(connection: Connection, issue_ids: Sequence[int]) -> dict[tuple[int, str], tuple[Decimal, Decimal]]:
    """(issue, currency) -> worth of what is too fine or too large to be kept, and of the shared ones of it."""
    if not issue_ids:
        return {}
    query = (
        select(_DOCUMENTS.issue_id, _DOCUMENTS.currency, _DOCUMENTS.shared, orders.c.grand)
        .join(orders, orders.c.item_id == _DOCUMENTS.item_id)
        .where(_DOCUMENTS.issue_id.in_(issue_ids), _OPEN, _DOCUMENTS.stopped)
        .where(_DOCUMENTS.amount.is_(None), _DOCUMENTS.currency.is_not(None))
    )
    found: dict[tuple[int, str], tuple[Decimal, Decimal]] = {}
    for issue_id, currency, shared, grand in connection.execute(query):
        every, common = found.get((issue_id, currency), (Decimal(0), Decimal(0)))
        worth = Decimal(grand)
        found[issue_id, currency] = (every + worth, common + worth if shared else common)
    return found


def hours_since(connection: Connection, issue_ids: Sequence[int], since: dt.datetime) -> list[tuple[int, str, int]]:
    """(issue, hour such as `2026-11-22 21`, documents that it stopped then), from an hour of UTC on."""
    query = (
        select(_HOURS.issue_id, _HOURS.hour, func.sum(_HOURS.documents))
        .where(_HOURS.issue_id.in_(issue_ids), _HOURS.hour >= _hour(since))
        .group_by(_HOURS.issue_id, _HOURS.hour)
    )
    return [(row[0], row[1], int(row[2])) for row in connection.execute(query) if row[2]]


def _hour(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H}"


# --- folding ----------------------------------------------------------------------------------------------------


def fold(connection: Connection) -> int:
    """Bring what other writers have added into the common rows, and drop hours that nobody asks for any more.

    It waits for nobody, and nobody for long: rows that are just being added to stay for the next time. Answers how
    many rows are gone.
    """
    now = connection.execute(select(db_now())).scalar_one()
    old = connection.execute(delete(issue_hours).where(_HOURS.hour < _hour(now - KEPT))).rowcount
    return old + _fold(connection, issue_sums) + _fold(connection, issue_hours)


def _fold(connection: Connection, table: Table) -> int:
    """One writer's rows are taken as they are, so that a sum is the same before, meanwhile and after."""
    keys = list(table.primary_key)
    others = select(*keys).where(table.c.writer != 0).order_by(*keys).limit(_FOLDED)
    chosen = connection.execute(others.with_for_update(skip_locked=True)).all()
    if not chosen:
        return 0
    figures = [column for column in table.c if not column.primary_key]
    gone = connection.execute(
        delete(table).where(tuple_(*keys).in_([tuple(row) for row in chosen])).returning(*table.c)
    ).all()
    common: dict[tuple[Any, ...], list[int]] = {}
    for row in gone:
        sums = common.setdefault(tuple(row[:2]), [0] * len(figures))
        for place, added in enumerate(row[3:]):
            sums[place] += added
    _add(connection, table, sorted(common.items()))
    return len(gone)


def _add(connection: Connection, table: Table, rows: Iterable[tuple[tuple[Any, ...], Sequence[int]]]) -> None:
    """Add to the common rows, in the order that is given, so that two cannot dead-lock."""
    names = [column.name for column in table.c]
    values = [dict(zip(names, (*key, 0, *figures), strict=True)) for key, figures in rows]
    if values:
        statement = dialect_of(connection).insert(table)
        set_ = {name: table.c[name] + statement.excluded[name] for name in names[3:]}
        connection.execute(statement.on_conflict_do_update(index_elements=names[:3], set_=set_), values)


# --- holding it against the rows --------------------------------------------------------------------------------


#: Kind of report: what the last recount found.
REPORT: Final = "issue sums"


@dataclasses.dataclass(frozen=True, slots=True)
class Recount:
    """How far what is kept was from what the rows say."""

    #: Documents whose own columns were not what their item and order say.
    documents: int
    #: Sums (of an issue and a currency, or of an hour) that were not what the documents add up to.
    sums: int

    def __bool__(self) -> bool:
        return bool(self.documents or self.sums)


def recount(connection: Connection, *, mend: bool = False) -> Recount:
    """Count everything anew, from the rows; `mend` puts right what differs.

    First in its transaction: on PostgreSQL it looks at one moment, and while it mends nobody else writes.
    """
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(text(_ALONE if mend else _ONE_MOMENT))
    astray = f"FROM issue_documents WHERE closed_at IS NULL AND ({ASTRAY[dialect]})"
    documents = int(connection.execute(text(f"SELECT count(*) {astray}")).scalar_one())
    if mend and documents:
        restated = f"UPDATE issue_documents SET {STANDING[dialect]} WHERE closed_at IS NULL AND ({ASTRAY[dialect]})"
        connection.execute(text(restated))
    sums, hours = _missing_sums(connection), _missing_hours(connection)
    if mend:
        _add(connection, issue_sums, sums)
        _add(connection, issue_hours, hours)
    return Recount(documents, len(sums) + len(hours))


_Missing = list[tuple[tuple[Any, ...], list[int]]]


def _missing_sums(connection: Connection) -> _Missing:
    """(issue, currency) -> what must be added to what is kept."""
    kept = ", ".join(f"-{name}" for name in FIGURES)
    rows = (
        f"SELECT d.issue_id, coalesce(d.currency, '') AS place, {counted('d', '')} FROM issue_documents AS d"
        f" WHERE d.closed_at IS NULL UNION ALL SELECT issue_id, currency, {kept} FROM issue_sums"
    )
    return _missing(connection, rows, FIGURES)


def _missing_hours(connection: Connection) -> _Missing:
    """(issue, hour) -> the same, of the hours that are kept."""
    hour = HOUR[connection.dialect.name].format(row="")
    rows = (
        f"SELECT issue_id, {hour} AS place, 1 FROM issue_documents WHERE {hour} >= :since"
        " UNION ALL SELECT issue_id, hour, -documents FROM issue_hours WHERE hour >= :since"
    )
    now = connection.execute(select(db_now())).scalar_one()
    return _missing(connection, rows, ("documents",), since=_hour(now - KEPT + _HOUR))


def _missing(connection: Connection, rows: str, figures: Sequence[str], **given: str) -> _Missing:
    sums = ", ".join(f"sum({name})" for name in figures)
    differ = " OR ".join(f"sum({name}) <> 0" for name in figures)
    query = (
        f"WITH counted (issue_id, place, {', '.join(figures)}) AS ({rows})"
        f" SELECT issue_id, place, {sums} FROM counted GROUP BY issue_id, place HAVING {differ} ORDER BY 1, 2"
    )
    found = connection.execute(text(query), given)
    return [((row[0], row[1]), [int(figure) for figure in row[2:]]) for row in found]
