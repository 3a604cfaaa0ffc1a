"""How many documents an issue has stopped, by the hour and by the day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from sync.store.issue_sums import hours_since
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
    places = {f"{moment:%Y-%m-%d %H}"[:size]: place for place, moment in enumerate(slots)}
    found: dict[int, list[int]] = {}
    for issue_id, hour, count in hours_since(connection, issue_ids, slots[0]):
        # A database whose clock was put back may know of an hour to come.
        if hour[:size] in places:
            found.setdefault(issue_id, [0] * len(slots))[places[hour[:size]]] += count
    return found
