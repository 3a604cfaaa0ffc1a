"""Alerts for people: the facts that they follow from, who wants to be told, and the page that shows them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from config.model import AlertChannel, Config
from sync.desk.alert_texts import page_of, test_body
from sync.desk.alert_words import alert_words
from sync.desk.causes import Words
from sync.desk.home import ChannelHealth, Condition, ConnectionHealth, Home, home_of
from sync.desk.issue_life import is_aside
from sync.desk.phrases import Refusal, say
from sync.desk.queue import QueueHealth
from sync.desk.volume import VolumeView, told, volume_views
from sync.rules.alerts import ChannelFact, ConnectionFact, Facts, IssueFact, Room, Wish
from sync.store import alerts as rows
from sync.store import pulse
from sync.store.alerts import AlertRow, WayState
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.health import clock
from sync.store.issues import OpenIssue, list_open
from sync.store.schedule import Row, list_schedules

#: Alerts that are over and still shown.
_RECENT: Final = 50

# --- facts ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    """What the home page does not read."""

    issues: Sequence[OpenIssue]
    due_since: Mapping[str, dt.datetime]
    schedules: Sequence[Row]
    ways: Mapping[str, WayState]
    volumes: Mapping[str, VolumeView]


def facts_of(store: Store, config: Config, queue: QueueHealth, room: Room) -> Facts:
    """Look once, at the same figures that the home page shows."""
    home = home_of(store, config, queue)

    def work(c: Connection) -> _Read:
        return _Read(list_open(c), pulse.due_since(c), list_schedules(c), rows.way_states(c), volume_views(c, config))

    read = store.read(work)
    return Facts(
        now=home.at,
        issues=[
            IssueFact(each.cause, each.channel, each.connection, each.documents, is_aside(each, home.at))
            for each in read.issues
        ],
        connections=[_connection(entry, config) for entry in home.connections],
        channels=[_channel(entry, home, config, read) for entry in home.channels],
        all_paused=home.everything is not None,
        queue_answers=queue.answers,
        queue_is_safe=not any(problem.fatal for problem in queue.problems),
        workers=queue.living,
        scheduler_alive=not home.scheduler_silent,
        room=room,
        failing_ways={
            name: state.failed_at for name, state in read.ways.items() if name in config.alerts and state.failed_at
        },
    )


def _connection(entry: ConnectionHealth, config: Config) -> ConnectionFact:
    away_for = min((channel.watch.away_s for channel in config.channels_of(entry.name)), default=0.0)
    return ConnectionFact(
        entry.name,
        away=entry.condition is Condition.RESTING,
        failing=entry.condition is Condition.FAILING,
        away_for=dt.timedelta(seconds=away_for),
    )


def _channel(entry: ChannelHealth, home: Home, config: Config, read: _Read) -> ChannelFact:
    name, proof = entry.name, entry.proof
    due_since, view = read.due_since.get(name), read.volumes.get(name)
    failed = {row.name for row in read.schedules if row.last_ok is False}
    tasks = ("resync", "nightly", "proof", "stock", "stock-full", "crm")
    return ChannelFact(
        name=name,
        source=entry.source,
        erp=entry.erp,
        paused=entry.pause is not None,
        waiting=None if due_since is None else home.at - due_since,
        waits_at_most=dt.timedelta(seconds=config.channels[name].watch.backlog_s),
        under_way=sum(entry.counts.get(state, 0) for state in ("ready", "leased", "reconcile")),
        differences=None if proof is None or proof.ok else sum(proof.body["kinds"].values()),
        volume=None if view is None else told(view),
        failed_tasks=tuple(task for task in tasks if f"{task}:{name}" in failed),
    )


def wish_of(way: AlertChannel) -> Wish:
    """What a way is told, from its configuration."""
    begin, _, end = way.quiet_hours.partition("-")
    return Wish(
        name=way.name,
        severity=way.severity,
        causes=frozenset(way.causes),
        of=frozenset(way.of),
        digest=dt.timedelta(seconds=way.digest_s),
        quiet=(dt.time.fromisoformat(begin), dt.time.fromisoformat(end)) if way.quiet_hours else None,
        timezone=ZoneInfo(way.timezone),
    )


# --- the page ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class AlertView:
    """One alert, for people."""

    row: AlertRow
    words: Words
    page: str


@dataclasses.dataclass(frozen=True, slots=True)
class WayView:
    """One way in which people are told."""

    name: str
    #: None for one that left the configuration while a message waited.
    way: AlertChannel | None
    state: WayState


@dataclasses.dataclass(frozen=True, slots=True)
class AlertsPage:
    """Everything about alerts."""

    open: Sequence[AlertView]
    #: Seen, and not raised: they may pass by themselves, or people have put them aside.
    pending: Sequence[AlertView]
    recent: Sequence[AlertView]
    ways: Sequence[WayView]
    #: Of each channel that is watched, whether it sells as usual.
    volumes: Sequence[VolumeView]


def alerts_page(store: Store, config: Config) -> AlertsPage:
    """Look once."""

    def work(
        c: Connection,
    ) -> tuple[Sequence[AlertRow], Sequence[AlertRow], Mapping[str, WayState], Mapping[str, VolumeView]]:
        recent = rows.recent_alerts(c, _RECENT)
        return rows.open_alerts(c), recent, rows.way_states(c), volume_views(c, config)

    standing, recent, states, volumes = store.read(work)
    names = {name for name, state in states.items() if state.waiting} | set(config.alerts)
    return AlertsPage(
        [_view(row) for row in sorted(standing, key=_gravest) if row.raised_at is not None],
        [_view(row) for row in standing if row.raised_at is None],
        [_view(row) for row in recent],
        [WayView(name, config.alerts.get(name), states.get(name, WayState())) for name in sorted(names)],
        [volumes[name] for name in sorted(volumes)],
    )


def _gravest(row: AlertRow) -> tuple[bool, dt.datetime]:
    return row.severity != "critical", row.seen_at


def _view(row: AlertRow) -> AlertView:
    return AlertView(row, alert_words(row.cause), page_of(row))


class NoWay(Refusal):
    """There is no such way of telling people."""


def ask_test(store: Store, config: Config, name: str, console: str, *, actor: Actor) -> None:
    """Have a test message sent as soon as somebody looks. Raises NoWay."""
    if name not in config.alerts:
        raise NoWay(say("no way of telling people is called %(name)s", name=name))

    def work(c: Connection) -> None:
        now = clock(c)
        if not rows.hurry(c, name):
            rows.add_message(c, name, test_body(console, now), now, test=True)
        record_audit(c, actor, "test alert", f"alerts:{name}")

    store.write(work)
