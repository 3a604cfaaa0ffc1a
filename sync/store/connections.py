"""What is known of a connection's work: failures in a row, and which of its orders we have."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from sync.store.tables import attempts, work_items

#: Outcomes that say that a system could not be used, and not that one document was refused.
_FAILED: Final = frozenset({"retry", "reconcile", "pause"})
#: More failures in a row than these are said to be so many.
_MOST: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Streak:
    """Failures in a row, up to now; 0 where the newest try went well."""

    failures: int
    #: Of the newest.
    message: str = ""
    #: When the first of them ended.
    since: dt.datetime | None = None


def failure_streak(connection: Connection, channels: Sequence[str]) -> Streak:
    """How many of the newest tries at documents of these channels failed without one between them that did not."""
    query = (
        select(attempts.c.outcome, attempts.c.message, attempts.c.ended_at)
        .join(work_items, work_items.c.id == attempts.c.item_id)
        .where(work_items.c.channel.in_(channels))
        .order_by(attempts.c.id.desc())
        .limit(_MOST)
    )
    failed = list(itertools.takewhile(lambda row: row.outcome in _FAILED, connection.execute(query)))
    return Streak(len(failed), failed[0].message, failed[-1].ended_at) if failed else Streak(0)


def known_ids(connection: Connection, channels: Sequence[str], external_ids: Sequence[str]) -> set[str]:
    """Which of these orders any of the channels knows; at most some hundred ids at once."""
    table = work_items.c
    query = select(table.external_id).where(
        table.channel.in_(channels), table.kind == "order", table.external_id.in_(external_ids)
    )
    return set(connection.execute(query).scalars())
