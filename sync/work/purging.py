"""The nightly purge: class by class, a piece at a time, with a rest between two, so that nobody waits for it.

Every piece is a transaction of its own: a purge that is killed anywhere leaves a whole database, and the next one goes
on with what is left.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Mapping
from typing import Final

import structlog

from config.settings import Settings
from sync.desk.phrases import Phrase, joined, say, say_many
from sync.store.answers import KEPT
from sync.store.engine import Store
from sync.store.health import clock
from sync.store.issue_sums import REPORT, Recount, fold, recount
from sync.store.reports import save_report
from sync.store.retention import CLASSES, Look, Purge

log = structlog.get_logger(__name__)

#: Rows that are looked at in one transaction: others wait while it lasts on SQLite.
_SHORT: Final = 60
_LONG: Final = 1_000
_REST_S: Final = 0.05
#: What people call the classes.
_CALLED: Final[Mapping[str, Callable[[int], Phrase]]] = {
    "payloads": lambda count: say_many("%(count)s payload", "%(count)s payloads", count),
    "calls": lambda count: say_many("%(count)s record of calls", "%(count)s records of calls", count),
    "history": lambda count: say_many("%(count)s row of history", "%(count)s rows of history", count),
    "audit": lambda count: say_many("%(count)s note of activity", "%(count)s notes of activity", count),
    "answers": lambda count: say_many("%(count)s answer of the API", "%(count)s answers of the API", count),
}


def days_of(settings: Settings) -> dict[str, int]:
    """Class of data -> for how many days it is kept; 0 for ever."""
    return {
        "payloads": settings.keep_payloads_days,
        "calls": settings.keep_calls_days,
        "history": settings.keep_history_days,
        "audit": settings.keep_audit_days,
        # As long as they are given again (`sync.store.answers.KEPT`): nobody has a reason to choose.
        "answers": KEPT.days,
    }


def purge(store: Store, days: Mapping[str, int], *, rest: Callable[[float], bool]) -> dict[str, int]:
    """Delete what is older than its class is kept; answers class -> how many rows.

    `rest` waits so many seconds between two pieces, and says whether to stop there. Raises DatabaseBusy.
    """
    now = store.read(clock)
    removed = {}
    for name, kept in days.items():
        if kept:
            border = now - dt.timedelta(days=kept)
            counts = [_all(store, one, border, rest) for one in CLASSES[name]]
            removed[name] = sum(counts)
    log.info("purged", **removed)
    return removed


def _all(store: Store, one: Purge, border: dt.datetime, rest: Callable[[float], bool]) -> int:
    size, reached, removed = _SHORT if store.is_sqlite else _LONG, 0, 0
    while True:
        piece = store.write(functools.partial(one, look=Look(reached, border, size)))
        removed += piece.removed
        if piece.reached is None or rest(_REST_S):
            return removed
        reached = piece.reached


def recount_issues(store: Store) -> Recount:
    """Hold what is kept of the issues against the rows, and put right what differs; nothing should.

    Only where something does, others wait while all of it is counted once more. What was found is kept for the doctor.
    Raises DatabaseBusy.
    """
    store.write(fold)
    found = store.read(recount)
    if found:
        log.error("issue_sums_differed", documents=found.documents, sums=found.sums)
        found = store.write(functools.partial(recount, mend=True))
    body = dataclasses.asdict(found)
    store.write(lambda c: save_report(c, REPORT, "", ok=not found, body=body))
    return found


def told(removed: Mapping[str, int]) -> Phrase:
    """What was removed, in plain words."""
    parts = [_CALLED[name](count) for name, count in removed.items() if count]
    return say("removed %(what)s", what=joined(", ", parts)) if parts else say("nothing was old enough")
