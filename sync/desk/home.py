"""How things stand: one sentence that is true, and what is known behind it.

A connection is healthy only where something says so: it was used, nothing stops it, and what should happen happens.
What nobody knows is said as not known.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from config.model import Channel, Config
from connectors.kit.throttle import Budget
from connectors.registry import class_of
from sync.desk.phrases import Phrase, say, say_many
from sync.desk.queue import QueueHealth
from sync.rules.asking import only_sends
from sync.store import pulse
from sync.store.backlog import count_states
from sync.store.engine import Store
from sync.store.health import clock, database_bytes
from sync.store.issues import ConnectionIssue, connection_issues
from sync.store.needs import count_needing
from sync.store.pulse import Backlog
from sync.store.reports import Report, last_reports
from sync.store.schedule import Row, list_schedules
from sync.store.singletons import SCHEDULER, Holder, holder_of
from sync.store.switches import Pause, Rest, ended_rests, pauses

#: Pulls that may be missed, and how long one may take, before a source counts as not asked.
_MISSED_PULLS: Final = 3
_PULL_S: Final = 60.0
#: Orders that are due for so long without any drain are stuck.
_STUCK: Final = dt.timedelta(minutes=10)
#: A shorter pause that the other system asked for is over before anybody has read of it.
_LONG_PAUSE_S: Final = 20.0


class Condition(enum.StrEnum):
    """How a connection stands."""

    HEALTHY = "healthy"
    #: A person, or a broken credential, stopped it; a person ends it.
    PAUSED = "paused"
    #: It was away or asked us to slow down; it is tried again by itself.
    RESTING = "resting"
    FAILING = "failing"
    #: It has not been used yet, so nothing is known.
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """One connection."""

    name: str
    system: str
    #: It is where orders come from; where they go to.
    is_source: bool
    is_target: bool
    condition: Condition
    #: Why it is not healthy, the most important first.
    reasons: Sequence[Phrase]
    #: When its rest ends by itself; None where it does not rest, or nobody knows.
    until: dt.datetime | None
    #: It asked for that rest itself; a person may end it.
    asked: bool
    last_success: dt.datetime | None
    backlog: int
    oldest_at: dt.datetime | None
    #: Orders of each of the last 24 hours, the current one last.
    orders_in: Sequence[int]
    orders_out: Sequence[int]
    next_at: dt.datetime | None
    #: None where the queue's server does not say.
    budget: Budget | None


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelHealth:
    """One channel."""

    name: str
    source: str
    erp: str
    #: Items by state.
    counts: Mapping[str, int]
    needs: int
    unknown: int
    pause: Pause | None
    proof: Report | None


@dataclasses.dataclass(frozen=True, slots=True)
class Home:
    """One look at everything."""

    at: dt.datetime
    sentence: Sequence[Phrase]
    connections: Sequence[ConnectionHealth]
    channels: Sequence[ChannelHealth]
    everything: Pause | None
    needs: int
    causes: int
    unknown: int
    queue: QueueHealth
    scheduler: Holder | None
    database_bytes: int

    @property
    def scheduler_silent(self) -> bool:
        """Nobody pulls, checks or rings on time."""
        return self.scheduler is None or not self.scheduler.alive

    @property
    def healthy(self) -> bool:
        """Whether there is nothing at all to look at, save what needs a decision."""
        return (
            all(entry.condition is Condition.HEALTHY for entry in self.connections)
            and self.queue.answers
            and bool(self.queue.living)
            and not self.scheduler_silent
            and self.everything is None
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    """What the database says, read in one transaction."""

    now: dt.datetime
    counts: Mapping[tuple[str, str], tuple[int, dt.datetime]]
    needs: Mapping[str, int]
    causes: int
    unknown: Mapping[str, int]
    backlogs: Mapping[str, Backlog]
    due_since: Mapping[str, dt.datetime]
    pauses: Sequence[Pause]
    rests: Mapping[str, Rest]
    issues: Sequence[ConnectionIssue]
    schedules: Mapping[str, Row]
    pulls: Mapping[str, dt.datetime]
    #: Of sources that only send: nobody asks them, so what counts is when they have sent.
    heard: Mapping[str, dt.datetime | None]
    sales: Mapping[str, dt.datetime | None]
    answers: Mapping[str, dt.datetime | None]
    draining: frozenset[str]
    orders_in: Mapping[str, list[int]]
    orders_out: Mapping[str, list[int]]
    proofs: Mapping[str, Report]
    scheduler: Holder | None
    database_bytes: int


def home_of(store: Store, config: Config, queue: QueueHealth) -> Home:
    """Look once. `queue` is what `sync.work.vitals` saw."""
    known = store.read(lambda c: _read(c, config))
    connections = [_connection(config, name, known, queue) for name in sorted(config.connections)]
    # As orders travel: from where they come to where they go.
    connections.sort(key=lambda entry: (not entry.is_source, entry.name))
    channels = [_channel(channel, known) for _, channel in sorted(config.channels.items())]
    home = Home(
        known.now,
        (),
        connections,
        channels,
        next((entry for entry in known.pauses if entry.scope == "all"), None),
        sum(channel.needs for channel in channels),
        known.causes,
        sum(channel.unknown for channel in channels),
        queue,
        known.scheduler,
        known.database_bytes,
    )
    return dataclasses.replace(home, sentence=tuple(_sentence(home, known)))


def _read(c: Connection, config: Config) -> _Known:
    now = clock(c)
    needs, causes = count_needing(c)
    targets = {channel.erp for channel in config.channels.values()}
    return _Known(
        now=now,
        counts=count_states(c, "order"),
        needs=needs,
        causes=causes,
        unknown=pulse.unknown_outcomes(c),
        backlogs=pulse.backlogs(c),
        due_since=pulse.due_since(c),
        pauses=pauses(c),
        rests=ended_rests(c),
        issues=connection_issues(c),
        schedules={row.name: row for row in list_schedules(c)},
        pulls=pulse.last_pulls(c),
        heard={
            name: pulse.last_heard(c, name)
            for name, connection in config.connections.items()
            if only_sends(class_of(connection.system))
        },
        sales={target: pulse.last_sale(c, target) for target in targets},
        answers={
            target: pulse.last_answer(c, [channel.name for channel in config.channels_of(target)]) for target in targets
        },
        draining=frozenset(drain.connection for drain in pulse.list_drains(c) if not drain.expired),
        orders_in=pulse.orders_in(c, now),
        orders_out=pulse.orders_out(c, now),
        proofs=last_reports(c, "proof"),
        scheduler=holder_of(c, SCHEDULER),
        database_bytes=database_bytes(c),
    )


# --- one connection ---------------------------------------------------------------------------------------------


def _connection(config: Config, name: str, known: _Known, queue: QueueHealth) -> ConnectionHealth:
    channels = config.channels_of(name)
    is_source = any(channel.source == name for channel in channels)
    is_target = any(channel.erp == name for channel in channels)
    pull = known.schedules.get(f"pull:{name}")
    last = _last_success(name, known, pull, is_source=is_source)
    rest = _rest(name, known, queue.budgets.get(name))
    condition, reasons = _condition(name, channels, known, last) if rest is None else _paused(rest)
    backlog = [known.backlogs[channel.name] for channel in channels if channel.name in known.backlogs]
    return ConnectionHealth(
        name=name,
        system=config.connections[name].system,
        is_source=is_source,
        is_target=is_target,
        condition=condition,
        reasons=reasons,
        until=rest.until if rest is not None else None,
        asked=rest is not None and rest.asked,
        last_success=last,
        backlog=sum(entry.count for entry in backlog),
        oldest_at=min((entry.oldest_at for entry in backlog if entry.oldest_at is not None), default=None),
        orders_in=known.orders_in.get(name, [0] * pulse.HOURS) if is_source else (),
        orders_out=known.orders_out.get(name, [0] * pulse.HOURS) if is_target else (),
        next_at=pull.next_at if pull is not None else None,
        budget=queue.budgets.get(name),
    )


def _last_success(name: str, known: _Known, pull: Row | None, *, is_source: bool) -> dt.datetime | None:
    found = [known.sales.get(name), known.answers.get(name)]
    if is_source:
        # A pull that found nothing saves its checkpoint too; one that failed may have saved pages before.
        found = [
            known.heard.get(name),
            known.pulls.get(name),
            pull.last_at if pull is not None and pull.last_ok else None,
        ]
    return max((moment for moment in found if moment is not None), default=None)


def _condition(
    name: str, channels: Sequence[Channel], known: _Known, last: dt.datetime | None
) -> tuple[Condition, list[Phrase]]:
    """What is known of one that is not paused, the worst first."""
    failing = [*_issue_reasons(name, known), *_source_reasons(name, channels, known, last)]
    failing += _target_reasons(name, channels, known)
    if failing:
        return Condition.FAILING, failing
    rest = known.rests.get(name)
    if rest is not None and (last is None or last < rest.changed_at):
        return Condition.RESTING, [say("%(reason)s; nothing has gone through since", reason=rest.reason)]
    if last is None:
        return Condition.UNKNOWN, [say("it has not been used yet")]
    return Condition.HEALTHY, []


def _rest(name: str, known: _Known, budget: Budget | None) -> Pause | None:
    """The pause in force: one that the database knows, or one that only the connection's calls have met so far."""
    pause = next((entry for entry in known.pauses if (entry.scope, entry.name) == ("connection", name)), None)
    if pause is not None or budget is None or budget.paused_s < _LONG_PAUSE_S:
        return pause
    reason = say(
        "%(connection)s asked us to wait; `crossdock resume %(connection)s` ends the pause now", connection=name
    )
    return Pause("connection", name, reason, known.now + dt.timedelta(seconds=budget.paused_s), asked=True)


def _paused(rest: Pause) -> tuple[Condition, list[Phrase]]:
    condition = Condition.PAUSED if rest.until is None else Condition.RESTING
    return condition, [say("%(reason)s", reason=rest.reason)]


def _issue_reasons(name: str, known: _Known) -> list[Phrase]:
    return [say("%(title)s", title=issue.title) for issue in known.issues if issue.connection == name]


def _source_reasons(name: str, channels: Sequence[Channel], known: _Known, last: dt.datetime | None) -> list[Phrase]:
    reasons = []
    for task in ("pull", "webhooks"):
        row = known.schedules.get(f"{task}:{name}")
        if row is not None and row.last_ok is False:
            reasons.append(say("the last %(task)s failed: %(message)s", task=task, message=row.message))
    asked = [channel for channel in channels if channel.source == name and name not in known.heard]
    every = [channel.schedules.pull_every_s for channel in asked]
    patience = dt.timedelta(seconds=_MISSED_PULLS * min(every) + _PULL_S) if every else None
    held_up = any(entry.scope == "all" for entry in known.pauses)
    if patience is not None and last is not None and known.now - last > patience and not held_up:
        minutes = int((known.now - last).total_seconds() // 60)
        reasons.append(say_many("it was not read for a minute", "it was not read for %(count)s minutes", minutes))
    return reasons


def _target_reasons(name: str, channels: Sequence[Channel], known: _Known) -> list[Phrase]:
    """Orders that could be worked on, for long, while nobody does."""
    stopped = {entry.name for entry in known.pauses if entry.scope != "all"}
    waiting = [
        known.due_since[channel.name]
        for channel in channels
        if channel.erp == name and channel.name in known.due_since and not {channel.name, channel.source} & stopped
    ]
    everything = any(entry.scope == "all" for entry in known.pauses)
    if not waiting or everything or name in known.draining or known.now - min(waiting) < _STUCK:
        return []
    minutes = int((known.now - min(waiting)).total_seconds() // 60)
    return [say("orders wait for %(minutes)s minutes and no worker has them in hand", minutes=minutes)]


def _channel(channel: Channel, known: _Known) -> ChannelHealth:
    name = channel.name
    return ChannelHealth(
        name=name,
        source=channel.source,
        erp=channel.erp,
        counts={state: count for (of, state), (count, _) in known.counts.items() if of == name},
        needs=known.needs.get(name, 0),
        unknown=known.unknown.get(name, 0),
        pause=next((entry for entry in known.pauses if (entry.scope, entry.name) == ("channel", name)), None),
        proof=known.proofs.get(name),
    )


# --- the sentence -----------------------------------------------------------------------------------------------


def _sentence(home: Home, known: _Known) -> list[Phrase]:
    """What a person must know first, in whole sentences."""
    return [*_about_connections(home), *_about_channels(home, known), *_about_orders(home), *_about_machinery(home)]


_SHORT: Final[Mapping[Condition, Phrase]] = {
    Condition.PAUSED: say("%(name)s is paused."),
    Condition.RESTING: say("%(name)s was away and is tried again by itself."),
    Condition.FAILING: say("%(name)s does not work as it should."),
    Condition.UNKNOWN: say("%(name)s has not been used yet."),
}


_ASKED: Final = say("%(name)s asked us to wait and is tried again by itself.")


def _about_connections(home: Home) -> list[Phrase]:
    if home.everything is not None:
        return [say("Everything is paused: %(reason)s.", reason=home.everything.reason.rstrip("."))]
    count = len(home.connections)
    troubled = [entry for entry in home.connections if entry.condition is not Condition.HEALTHY]
    if not count:
        return [say("No connection is configured.")]
    if not troubled:
        return [say_many("The connection is healthy.", "All %(count)s connections healthy.", count)]
    healthy = count - len(troubled)
    first = say("%(healthy)s of %(count)s connections healthy.", healthy=healthy, count=count)
    return [first, *(_short(entry).filled(name=entry.name) for entry in troubled)]


def _short(entry: ConnectionHealth) -> Phrase:
    return _ASKED if entry.asked else _SHORT[entry.condition]


def _about_channels(home: Home, known: _Known) -> list[Phrase]:
    paused = [say("Channel %(name)s is paused.", name=entry.name) for entry in home.channels if entry.pause]
    failed = []
    for name, row in sorted(known.schedules.items()):
        task, _, subject = name.partition(":")
        if row.last_ok is False and task in {"resync", "nightly", "proof"}:
            failed.append(say("The last %(task)s of %(channel)s failed.", task=task, channel=subject))
    unproven = [
        say("The last proof of %(channel)s does not hold.", channel=entry.name)
        for entry in home.channels
        if entry.proof is not None and not entry.proof.ok
    ]
    return [*paused, *failed, *unproven]


def _about_orders(home: Home) -> list[Phrase]:
    found = []
    if home.needs:
        orders = say_many("%(count)s order needs you:", "%(count)s orders need you:", home.needs)
        found += [orders, say_many("%(count)s cause.", "%(count)s causes.", home.causes)]
    elif any(entry.condition in {Condition.PAUSED, Condition.FAILING} for entry in home.connections):
        found.append(say("No order needs you."))
    else:
        found.append(say("Nothing needs you."))
    if home.unknown:
        found.append(
            say_many(
                "%(count)s write has no known outcome and is being looked up.",
                "%(count)s writes have no known outcome and are being looked up.",
                home.unknown,
            )
        )
    return found


def _about_machinery(home: Home) -> list[Phrase]:
    found = []
    if not home.queue.answers:
        found.append(say("The queue's server is away: orders are kept and go on when it is back."))
    elif not home.queue.living:
        found.append(say("No worker is running: orders are kept and go on when one is."))
    if home.scheduler is None:
        found.append(say("The scheduler has never run: nothing is pulled by itself."))
    elif home.scheduler_silent:
        found.append(say("The scheduler is not running: nothing is pulled by itself."))
    return found
