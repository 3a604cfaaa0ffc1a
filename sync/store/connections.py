"""What is known of a connection's work: failures in a row, and which of its orders we have."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, select

from sync.store.tables import attempts, work_items

#: Outcomes after which a document is tried again: they end no streak, whoever is to blame.
_AGAIN: Final = frozenset({"retry", "reconcile", "pause"})
#: Tries that are looked through; those of a connection that is used less often may be further back.
_NEWEST: Final = 1_000


@dataclasses.dataclass(slots=True)
class Streak:
    """Failures in a row, up to now; 0 where the newest try went well."""

    failures: int = 0
    #: Of the newest.
    message: str = ""
    #: When the first of them ended.
    since: dt.datetime | None = None


def failure_streaks(connection: Connection, channels: Mapping[str, Collection[str]]) -> dict[str, Streak]:
    """Connection -> how many of the newest tries of its channels it failed without one between them that went well.

    A try that failed at the other side of its channel says nothing about this one.
    """
    newest = select(attempts.c.id).order_by(attempts.c.id.desc()).limit(_NEWEST).scalar_subquery()
    query = (
        select(work_items.c.channel, attempts.c.outcome, attempts.c.blamed, attempts.c.message, attempts.c.ended_at)
        .join(work_items, work_items.c.id == attempts.c.item_id)
        .where(attempts.c.id.in_(newest))
        .order_by(attempts.c.id.desc())
    )
    found = {name: Streak() for name in channels}
    ended: set[str] = set()
    for row in connection.execute(query):
        for name in found.keys() - ended:
            if row.blamed == name:
                _add(found[name], row.message, row.ended_at)
            elif row.channel in channels[name] and row.outcome not in _AGAIN:
                ended.add(name)
    return found


def _add(streak: Streak, message: str, ended_at: dt.datetime) -> None:
    streak.message = message if streak.failures == 0 else streak.message
    streak.failures += 1
    streak.since = ended_at


def known_ids(connection: Connection, channels: Sequence[str], external_ids: Sequence[str]) -> set[str]:
    """Which of these orders any of the channels knows; at most some hundred ids at once."""
    table = work_items.c
    query = select(table.external_id).where(
        table.channel.in_(channels), table.kind == "order", table.external_id.in_(external_ids)
    )
    return set(connection.execute(query).scalars())
