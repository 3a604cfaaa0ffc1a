"""How many documents an issue has stopped, by the hour and by the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, String, func, select, type_coerce

from sync.store.tables import issue_documents
from sync.store.types import db_now

HOURS: Final = 24
DAYS: Final = 14
#: Characters of `2026-11-22 21`, and of the day alone.
_HOUR, _DAY = 13, 10


def by_hour(connection: Connection, issue_ids: Sequence[int]) -> dict[int, list[int]]:
    """Issue -> documents that it has stopped in each of the last 24 hours, the current one last; none for no news."""
    now = _now(connection).replace(minute=0, second=0, microsecond=0)
    slots = [now - dt.timedelta(hours=back) for back in reversed(range(HOURS))]
    return _counted(connection, issue_ids, slots, _HOUR)


def by_day(connection: Connection, issue_ids: Sequence[int]) -> dict[int, list[int]]:
    """The same for each of the last 14 days, in UTC."""
    now = _now(connection).replace(hour=0, minute=0, second=0, microsecond=0)
    slots = [now - dt.timedelta(days=back) for back in reversed(range(DAYS))]
    return _counted(connection, issue_ids, slots, _DAY)


def _now(connection: Connection) -> dt.datetime:
    now: dt.datetime = connection.execute(select(db_now())).scalar_one()
    return now


def _counted(
    connection: Connection, issue_ids: Sequence[int], slots: Sequence[dt.datetime], size: int
) -> dict[int, list[int]]:
    table, slot = issue_documents.c, _slot(connection, size).label("slot")
    query = (
        select(table.issue_id, slot, func.count())
        .where(table.issue_id.in_(issue_ids), table.opened_at >= slots[0])
        .group_by(table.issue_id, slot)
    )
    places = {f"{moment:%Y-%m-%d %H}"[:size]: place for place, moment in enumerate(slots)}
    found: dict[int, list[int]] = {}
    for issue_id, text, count in connection.execute(query):
        found.setdefault(issue_id, [0] * len(slots))[places[text]] = count
    return found


def _slot(connection: Connection, size: int) -> ColumnElement[str]:
    """The beginning of a moment in UTC, as text."""
    column = issue_documents.c.opened_at
    if connection.dialect.name == "postgresql":
        return func.substr(func.to_char(func.timezone("UTC", column), "YYYY-MM-DD HH24"), 1, size)
    return func.substr(type_coerce(column, String), 1, size)
