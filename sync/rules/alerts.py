"""From what is known to what people are told: pure, and from the same facts that the console shows.

There is no second truth: every alert follows from facts, again at each look, and ends when its fact does. What explains
something else hides it: while no worker runs, that the backlog grows is no news. What is hidden is neither raised nor
called over. What people have put aside rests: nobody is told of it, and it is raised anew when it is back.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from config.model import Severity
from mappings.canonical.words import say
from sync.store.alerts import AlertRow


class Scope(enum.StrEnum):
    """What an alert is about."""

    #: The installation as a whole; its place is empty.
    ALL = "all"
    CONNECTION = "connection"
    CHANNEL = "channel"
    #: One of the ways in which people are told.
    WAY = "alerts"


#: Of the causes that issues have, those in which waiting costs most.
_CRITICAL: Final = frozenset(
    {
        "connection",
        "doubled",
        "internal",
        "invoice_changed",
        "invoice_number",
        "kills_the_worker",
        "unknown_outcome",
    }
)
#: A restart of one's own parts takes less.
_RESTART: Final = dt.timedelta(minutes=1)
#: What a flaky line does not last.
_FLAKY: Final = dt.timedelta(minutes=5)
#: A mail server's own rest.
_WAY_DOWN: Final = dt.timedelta(minutes=30)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that is out of order."""

    cause: str
    scope: Scope
    place: str = ""
    severity: Severity = Severity.WARNING
    #: Documents that it stops.
    count: int = 0
    #: Figures alone: it leaves the house.
    detail: str = ""
    #: How long it may take to pass by itself.
    patience: dt.timedelta = dt.timedelta(0)
    #: Something else explains it: if it stands, it stays; if not, it is no news.
    hidden: bool = False
    #: All of it is put aside: nobody is told while that lasts, and it is told anew afterwards.
    aside: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for what is one alert."""
        return self.cause, str(self.scope), self.place


# --- facts ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class IssueFact:
    """An open issue."""

    cause: str
    channel: str
    connection: str
    documents: int
    #: People have put it aside, and it is not back yet.
    aside: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectionFact:
    """How a connection stands."""

    name: str
    away: bool
    failing: bool
    #: How long it may be away.
    away_for: dt.timedelta


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChannelFact:
    """How a channel stands."""

    name: str
    source: str
    erp: str
    #: A person paused it.
    paused: bool = False
    #: For how long an order could have been worked on and was not, how long it may, and how many are under way.
    waiting: dt.timedelta | None = None
    waits_at_most: dt.timedelta
    under_way: int = 0
    #: Differences of the last proof; None where it holds, or where there is none.
    differences: int | None = None
    #: Of its schedules, those whose last run failed.
    failed_tasks: tuple[str, ...] = ()
    #: Far fewer or far more orders than usual, in figures; None where it sells as usual, or where nobody knows.
    volume: str | None = None


class Room(enum.StrEnum):
    """What is left on the disk."""

    ENOUGH = "enough"
    LITTLE = "little"
    NONE = "none"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that alerts follow from, at one moment."""

    now: dt.datetime
    issues: Sequence[IssueFact] = ()
    connections: Sequence[ConnectionFact] = ()
    channels: Sequence[ChannelFact] = ()
    #: Nobody works off anything, because a person said so.
    all_paused: bool = False
    queue_answers: bool = True
    queue_is_safe: bool = True
    workers: int = 1
    scheduler_alive: bool = True
    room: Room = Room.ENOUGH
    #: Way -> since when it takes no message.
    failing_ways: Mapping[str, dt.datetime] = dataclasses.field(default_factory=dict)

    @property
    def stands_still(self) -> bool:
        """The machinery does not run: what follows from that is explained by it."""
        return self.all_paused or not self.queue_answers or not self.workers or not self.scheduler_alive


def alerts_of(facts: Facts) -> list[Alert]:
    """Everything that is out of order, each cause once for each place."""
    found = [*_machinery(facts), *_issues(facts), *_connections(facts), *_channels(facts), *_ways(facts)]
    assert len({alert.key for alert in found}) == len(found)
    return found


def _machinery(facts: Facts) -> Iterator[Alert]:
    critical = Severity.CRITICAL
    if not facts.queue_answers:
        yield Alert(cause="queue", scope=Scope.ALL, severity=critical, patience=_RESTART)
    elif not facts.queue_is_safe:
        yield Alert(cause="queue_setup", scope=Scope.ALL)
    if not facts.workers:
        # Workers are counted by the queue's server: without it nobody knows.
        yield Alert(
            cause="workers", scope=Scope.ALL, severity=critical, patience=2 * _RESTART, hidden=not facts.queue_answers
        )
    if not facts.scheduler_alive:
        yield Alert(cause="scheduler", scope=Scope.ALL, severity=critical, patience=_RESTART)
    if facts.room is Room.LITTLE:
        yield Alert(cause="disk", scope=Scope.ALL)
    elif facts.room is Room.NONE:
        yield Alert(cause="disk", scope=Scope.ALL, severity=critical, detail=say("orders cannot be stored much longer"))


def _issues(facts: Facts) -> Iterator[Alert]:
    """All issues of a cause in one place are one alert: a hundred unknown articles are one thing to look at.

    Those that are put aside are not counted, unless there are no others.
    """
    alike: dict[tuple[str, Scope, str], list[IssueFact]] = {}
    for issue in facts.issues:
        scope = Scope.CHANNEL if issue.channel else Scope.CONNECTION if issue.connection else Scope.ALL
        alike.setdefault((issue.cause, scope, issue.channel or issue.connection), []).append(issue)
    for (cause, scope, place), found in sorted(alike.items()):
        severity = Severity.CRITICAL if cause in _CRITICAL else Severity.WARNING
        awake = [issue for issue in found if not issue.aside]
        count = sum(issue.documents for issue in awake or found)
        yield Alert(cause=cause, scope=scope, place=place, severity=severity, count=count, aside=not awake)


def _connections(facts: Facts) -> Iterator[Alert]:
    # What is wrong with a connection itself is told as its issue.
    told = {issue.connection for issue in facts.issues if issue.connection and not issue.channel}
    for fact in facts.connections:
        place, hidden = fact.name, fact.name in told or facts.stands_still
        if fact.away:
            yield Alert(cause="away", scope=Scope.CONNECTION, place=place, patience=fact.away_for, hidden=hidden)
        if fact.failing:
            yield Alert(cause="failing", scope=Scope.CONNECTION, place=place, patience=_FLAKY, hidden=hidden)


def _channels(facts: Facts) -> Iterator[Alert]:
    stopped = {issue.connection for issue in facts.issues if issue.cause == "connection"}
    stopped |= {fact.name for fact in facts.connections if fact.away}
    # A shop that we cannot read is not silent, it is not heard.
    failing = {fact.name for fact in facts.connections if fact.failing}
    for fact in facts.channels:
        explained = facts.stands_still or fact.paused or bool({fact.source, fact.erp} & stopped)
        if fact.waiting is not None and fact.waiting >= fact.waits_at_most:
            yield Alert(cause="backlog", scope=Scope.CHANNEL, place=fact.name, count=fact.under_way, hidden=explained)
        if fact.differences is not None:
            yield Alert(
                cause="proof",
                scope=Scope.CHANNEL,
                place=fact.name,
                severity=Severity.CRITICAL,
                count=fact.differences,
            )
        if fact.volume is not None:
            # What was sold and not looked at yet is not counted yet.
            late = fact.waiting is not None and fact.waiting >= _FLAKY
            silent = explained or late or fact.source in failing
            yield Alert(cause="volume", scope=Scope.CHANNEL, place=fact.name, detail=fact.volume, hidden=silent)
        if fact.failed_tasks:
            yield Alert(cause="schedule", scope=Scope.CHANNEL, place=fact.name, hidden=explained)


def _ways(facts: Facts) -> Iterator[Alert]:
    """One way that is down is told by the others, and shown."""
    for name, since in sorted(facts.failing_ways.items()):
        if facts.now - since >= _WAY_DOWN:
            yield Alert(cause="alert_way", scope=Scope.WAY, place=name)


# --- what has changed -------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """What a look changes."""

    #: To be kept, with whether they are raised at once.
    new: Sequence[tuple[Alert, bool]]
    #: Id of the row -> what it says now.
    changed: Mapping[int, Alert]
    raised: Sequence[int]
    gone: Sequence[int]
    #: Raised before, and put aside since.
    rested: Sequence[int] = ()

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.raised or self.gone or self.rested)


def compare(standing: Sequence[AlertRow], found: Sequence[Alert], now: dt.datetime) -> Changes:
    """What is new, what has changed, what did not pass by itself, what is put aside, what is over."""
    rows = {row.key: row for row in standing}
    new, changed, raised, rested = [], {}, [], []
    for alert in found:
        row = rows.pop(alert.key, None)
        if alert.aside and row is not None and row.raised_at is not None:
            rested.append(row.id)
        if alert.hidden or alert.aside:
            continue
        if row is None:
            new.append((alert, not alert.patience))
            continue
        if (row.severity, row.count, row.detail) != (alert.severity, alert.count, alert.detail):
            changed[row.id] = alert
        if row.raised_at is None and now - row.seen_at >= alert.patience:
            raised.append(row.id)
    return Changes(new, changed, raised, sorted(row.id for row in rows.values()), rested)


# --- who is told, and when --------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one of the ways is told."""

    name: str
    severity: Severity = Severity.WARNING
    causes: frozenset[str] = frozenset()
    of: frozenset[str] = frozenset()
    digest: dt.timedelta = dt.timedelta(0)
    #: (from, to) of a day in its zone.
    quiet: tuple[dt.time, dt.time] | None = None
    timezone: dt.tzinfo = dt.UTC

    def wants(self, row: AlertRow) -> bool:
        """Whether it is told of this; never that it is down itself, which would wait until it is up."""
        return (
            (self.severity is Severity.WARNING or row.severity == Severity.CRITICAL)
            and (not self.causes or row.cause in self.causes)
            and (not self.of or row.scope in {Scope.ALL, Scope.WAY} or row.place in self.of)
            and (row.scope, row.place) != (Scope.WAY, self.name)
        )

    def is_quiet(self, now: dt.datetime) -> bool:
        """Whether only what is critical is told now."""
        if self.quiet is None:
            return False
        begin, end = self.quiet
        local = now.astimezone(self.timezone).time()
        return begin <= local < end if begin <= end else local >= begin or local < end

    def is_due(self, now: dt.datetime, told_at: dt.datetime | None) -> bool:
        """Whether the last message is long enough ago."""
        return told_at is None or now - told_at >= self.digest
