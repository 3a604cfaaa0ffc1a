"""The machinery: drains, schedules, the database; running a schedule out of turn."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from sync.desk.phrases import Phrase, Refusal, say
from sync.store import pulse, schedule
from sync.store.audit import SUBJECT, Actor, AuditEntry, last_of, record_audit
from sync.store.engine import Store
from sync.store.health import clock, database_bytes
from sync.store.migrate import HEAD, revision
from sync.store.pulse import Drain
from sync.store.schedule import Row
from sync.store.singletons import SCHEDULER, Holder, holder_of
from sync.store.switches import Pause, find_pause, pauses

_STOP: Final = "stop drain"


@dataclasses.dataclass(frozen=True, slots=True)
class DrainView:
    """One drain with what it has in its hands."""

    drain: Drain
    #: (channel, external id) of the first of its items.
    items: Sequence[tuple[str, str]]
    #: By which name a worker can be told to stop it; empty where no worker runs it.
    job: str
    host: str
    pid: str
    #: Somebody has told its worker to kill it: what it had in its hands rests until the lease has run out.
    stopped: AuditEntry | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ScheduleView:
    """One schedule; `paused` says what keeps it from running."""

    row: Row
    task: str
    subject: str
    #: The configuration has no connection or channel of this name any more.
    orphaned: bool
    paused: Pause | None


@dataclasses.dataclass(frozen=True, slots=True)
class Operations:
    """One look at the machinery, as far as the database knows it."""

    now: dt.datetime
    drains: Sequence[DrainView]
    schedules: Sequence[ScheduleView]
    scheduler: Holder | None
    database: str
    database_bytes: int
    revision: str | None
    wanted_revision: str


def operations_of(store: Store, config: Config) -> Operations:
    """Look once."""

    def work(c: Connection) -> Operations:
        stopped = pauses(c)
        return Operations(
            now=clock(c),
            drains=_drains(c),
            schedules=[_schedule(row, config, stopped) for row in schedule.list_schedules(c)],
            scheduler=holder_of(c, SCHEDULER),
            database="SQLite" if store.is_sqlite else "PostgreSQL",
            database_bytes=database_bytes(c),
            revision=revision(c),
            wanted_revision=HEAD,
        )

    return store.read(work)


def _drains(c: Connection) -> list[DrainView]:
    drains = pulse.list_drains(c)
    stops = last_of(c, _STOP, {_subject(drain) for drain in drains}) if drains else {}
    return [_drain(drain, pulse.drain_items(c, drain.token), stops.get(_subject(drain))) for drain in drains]


def _subject(drain: Drain) -> str:
    """As the audit names it."""
    return f"drain:{drain.channel}:{drain.holder}"[:SUBJECT]


def _drain(drain: Drain, items: Sequence[tuple[str, str]], stop: AuditEntry | None) -> DrainView:
    host, _, rest = drain.holder.partition(":")
    pid, _, job = rest.partition(":")
    # A worker that took another job may be the same process: only a stop of this very drain counts.
    return DrainView(drain, items, job, host, pid, stop if stop and stop.at >= drain.started_at else None)


def _schedule(row: Row, config: Config, stopped: Sequence[Pause]) -> ScheduleView:
    task, _, subject = row.name.partition(":")
    if row.name == schedule.PURGE:
        # It reaches nobody outside, so no pause keeps it.
        return ScheduleView(row, task, "", orphaned=False, paused=None)
    connection = subject
    if subject in config.channels and task not in {"pull", "webhooks"}:
        connection = config.channels[subject].source
    known = subject in (config.connections if task in {"pull", "webhooks"} else config.channels)
    return ScheduleView(row, task, subject, not known, find_pause(stopped, connections=(connection,)))


class NotRun(Refusal):
    """A schedule would not run if it were asked for."""


def run_now(store: Store, config: Config, name: str, *, actor: Actor) -> None:
    """Have the scheduler run a schedule as soon as it looks. Raises NotRun."""

    def work(c: Connection) -> None:
        row = next((row for row in schedule.list_schedules(c) if row.name == name), None)
        if row is None:
            raise NotRun(say("there is no schedule %(name)s (the scheduler makes them when it first runs)", name=name))
        view = _schedule(row, config, pauses(c))
        if view.orphaned:
            raise NotRun(say("%(name)s is not configured any more", name=view.subject))
        if view.paused is not None:
            raise NotRun(_paused(view.paused))
        schedule.ask(c, name)
        record_audit(c, actor, "run now", f"schedule:{name}")

    store.write(work)


def _paused(pause: Pause) -> Phrase:
    if not pause.name:
        return say("everything is paused: resume it first")
    return say("%(name)s is paused: resume it first", name=pause.name)


def find_drain(store: Store, token: str) -> DrainView | None:
    """One drain; None when it has ended."""
    return next((view for view in store.read(_drains) if view.drain.token == token), None)


def record_stop(store: Store, view: DrainView, *, actor: Actor, reason: str) -> None:
    """Write down who stops a drain; before the worker is told, so that nothing is stopped without a trace."""
    after = f"{view.drain.items} documents in its hands"
    subject = _subject(view.drain)
    store.write(lambda c: record_audit(c, actor, _STOP, subject, after=after, reason=reason))
