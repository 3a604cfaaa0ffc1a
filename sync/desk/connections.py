"""Connections as people see and steer them: settings, state, checkpoint, failures; and going back to a date."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import time
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from config.model import Config
from config.written import Written, written_settings
from connectors.kit.base import ListsOrders, ManagesWebhooks, ReadsAgain, RewindsPulls, SalesTarget, Subscription
from connectors.kit.errors import ConnectionBroken
from connectors.registry import class_of, has
from sync.desk.crm import CrmCounts, crm_counts
from sync.desk.doctor import Report, last_checkups
from sync.desk.doctor.examine import connection_section
from sync.desk.doctor.report import WEBHOOKS
from sync.desk.phrases import say
from sync.rules.systems import Systems
from sync.store import schedule
from sync.store.audit import Actor, record_audit
from sync.store.checkpoints import load_checkpoint_row, save_checkpoint
from sync.store.connections import Streak, failure_streaks, known_ids
from sync.store.engine import Store
from sync.store.reports import last_report, save_report
from sync.store.schedule import Row, list_schedules
from sync.store.switches import Pause, find_pause, pauses
from sync.store.unreadable import count_unreadable

#: What is pulled of a connection (`sync.flows.pull`, which the desk may not import).
STREAM: Final = "orders"
#: A preview counts no further than this; it says then that there are more.
_MOST_LISTED: Final = 5_000
_BATCH: Final = 500


class CannotRewind(Exception):
    """This connection is no source, or its connector cannot tell checkpoints and moments apart."""


@dataclasses.dataclass(frozen=True, slots=True)
class CheckpointView:
    """From where a pull goes on."""

    #: Up to when everything has been read; None where the connector does not say.
    moment: dt.datetime | None
    saved_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectionSummary:
    """One line of the list."""

    name: str
    system: str
    #: Channels that read from here, and that write to here.
    sources: Sequence[str]
    targets: Sequence[str]
    #: Channels whose customers it is told of.
    told: Sequence[str]
    pause: Pause | None
    streak: Streak
    #: Schedules of its own whose last run failed.
    failed: Sequence[Row]
    checkup: Report | None


@dataclasses.dataclass(frozen=True, slots=True)
class ConnectionDetail:
    """One connection, as its page shows it; nothing is asked of the other system for it."""

    summary: ConnectionSummary
    settings: Sequence[Written]
    schedules: Sequence[Row]
    checkpoint: CheckpointView | None
    can_rewind: bool
    has_webhooks: bool
    takes_sales: bool
    #: As they were last seen, and when; None before anybody looked.
    subscriptions: Sequence[Subscription] | None
    subscriptions_at: dt.datetime | None
    #: Deliveries that are kept and that nobody could read; None where none would be read again.
    unreadable: int | None = None
    #: What it was told of customers; None for one that no channel tells.
    crm: CrmCounts | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class RewindPreview:
    """What going back to a moment would mean."""

    connection: str
    moment: dt.datetime
    #: Up to when everything has been read now.
    before: dt.datetime | None
    #: Orders that the shop lists as placed since then, and how many of them we know.
    listed: int
    known: int
    #: The counting was ended: there are at least so many.
    more: bool


def list_connections(store: Store, config: Config) -> list[ConnectionSummary]:
    """All that are configured, by name."""
    return store.read(lambda c: _summaries(c, config, sorted(config.connections)))


def connection_detail(store: Store, config: Config, name: str) -> ConnectionDetail:
    """One connection. Raises LookupError for one that is not configured."""
    _demand(config, name)
    [summary] = store.read(lambda c: _summaries(c, config, [name]))
    rows = store.read(list_schedules)
    kind = class_of(config.connections[name].system)
    seen = store.read(lambda c: last_report(c, WEBHOOKS, name))
    return ConnectionDetail(
        summary=summary,
        settings=written_settings(config, name),
        schedules=[row for row in rows if _is_of(row, name, summary)],
        checkpoint=_checkpoint(store, kind, name),
        can_rewind=bool(summary.sources) and has(kind, RewindsPulls) and has(kind, ListsOrders),
        has_webhooks=bool(summary.sources) and has(kind, ManagesWebhooks),
        takes_sales=has(kind, SalesTarget),
        subscriptions=None if seen is None else [Subscription(**entry) for entry in seen.body],
        subscriptions_at=None if seen is None else seen.at,
        unreadable=store.read(lambda c: count_unreadable(c, name))
        if summary.sources and has(kind, ReadsAgain)
        else None,
        crm=store.read(lambda c: crm_counts(c, config, name)),
    )


def keep_subscriptions(connection: Connection, name: str, found: Sequence[Subscription]) -> None:
    """Remember how a connection's webhooks were last seen."""
    ok = all(entry.active for entry in found)
    save_report(connection, WEBHOOKS, name, ok=ok, body=[dataclasses.asdict(entry) for entry in found])


def preview_rewind(
    store: Store, systems: Systems, name: str, moment: dt.datetime, *, within_s: float = 15.0
) -> RewindPreview:
    """What the shop lists since `moment` and how much of it we know; changes nothing.

    Raises CannotRewind, LookupError, Transient, ConnectionBroken.
    """
    connector, channels = _rewindable(systems, name)
    until = time.monotonic() + within_s
    listed = known = 0
    more = False
    ids = (row.external_id for row in connector.list_orders(moment, dt.datetime.now(dt.UTC)))
    while batch := list(itertools.islice(ids, _BATCH)):
        listed += len(batch)
        known += len(store.read(lambda c, batch=batch: known_ids(c, channels, batch)))  # type: ignore[misc]
        if len(batch) == _BATCH and (listed >= _MOST_LISTED or time.monotonic() > until):
            more = True
            break
    before = _checkpoint(store, type(connector), name)
    return RewindPreview(name, moment, before.moment if before else None, listed, known, more)


def rewind(store: Store, systems: Systems, name: str, moment: dt.datetime, *, actor: Actor, reason: str = "") -> None:
    """Have the next pull start at `moment`, and ask for it now. Raises CannotRewind, LookupError.

    What is read again and says nothing new marks nothing, so going back further than needed costs reading only.
    """
    connector, _ = _rewindable(systems, name)
    value = connector.checkpoint_at(moment)

    def write(c: Connection) -> None:
        row = load_checkpoint_row(c, name, STREAM, lock=True)
        save_checkpoint(c, name, STREAM, value)
        schedule.ask(c, f"pull:{name}")
        before = "" if row is None else row.value
        record_audit(c, actor, "rewind", f"connection:{name}", before=before, after=value, reason=reason)

    store.write(write)


# --- parts ------------------------------------------------------------------------------------------------------


def _demand(config: Config, name: str) -> None:
    if name not in config.connections:
        known = ", ".join(sorted(config.connections)) or "none"
        raise LookupError(
            say("there is no connection %(name)s; configured are: %(known)s", name=repr(name), known=known)
        )


def _summaries(c: Connection, config: Config, names: Sequence[str]) -> list[ConnectionSummary]:
    stopped, rows = pauses(c), list_schedules(c)
    checkups = last_checkups(c, [connection_section(name) for name in names])
    using = {
        name: [channel.name for channel in (*config.channels_of(name), *config.crm_channels(name))] for name in names
    }
    streaks = failure_streaks(c, using)
    return [
        ConnectionSummary(
            name=name,
            system=config.connections[name].system,
            sources=[channel.name for channel in config.channels_of_source(name)],
            targets=[channel.name for channel in config.channels.values() if channel.erp == name],
            told=[channel.name for channel in config.crm_channels(name)],
            pause=find_pause(stopped, connections=(name,)),
            streak=streaks[name],
            failed=[row for row in rows if row.name in {f"pull:{name}", f"webhooks:{name}"} and row.last_ok is False],
            checkup=checkups[connection_section(name)],
        )
        for name in names
    ]


def _is_of(row: Row, name: str, summary: ConnectionSummary) -> bool:
    """A schedule of the connection itself, or of a channel that reads from it or tells it of customers."""
    task, _, subject = row.name.partition(":")
    if task == "crm":
        return subject in summary.told
    return subject == name if task in {"pull", "webhooks"} else subject in summary.sources


def _checkpoint(store: Store, kind: Any, name: str) -> CheckpointView | None:
    row = store.read(lambda c: load_checkpoint_row(c, name, STREAM))
    if row is None:
        return None
    if not has(kind, RewindsPulls):
        return CheckpointView(None, row.updated_at)
    try:
        moment = kind.checkpoint_moment(row.value)
    except ConnectionBroken:
        return CheckpointView(None, row.updated_at)
    return CheckpointView(moment, row.updated_at)


def _rewindable(systems: Systems, name: str) -> tuple[Any, tuple[str, ...]]:
    """The connector, and the channels that it feeds."""
    _demand(systems.config, name)
    channels = tuple(channel.name for channel in systems.config.channels_of_source(name))
    connector = systems.connector(name)
    if not channels or not has(connector, RewindsPulls) or not has(connector, ListsOrders):
        raise CannotRewind(
            say("%(name)s has no checkpoint that can be set back: no channel pulls orders from it", name=name)
        )
    return connector, channels
