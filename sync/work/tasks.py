"""What the scheduler runs: pulls, resyncs, nightly comparisons, checks of webhook subscriptions."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Iterator
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from croniter import croniter  # type: ignore[import-untyped]  # it has none
from sqlalchemy import Connection

from config.model import Channel
from connectors.kit.errors import ConnectionBroken, ConnectorError, RateLimited
from connectors.kit.facets import FollowsSales
from connectors.registry import class_of
from sync.desk.erasing import erase_again
from sync.desk.mended import release_mended
from sync.desk.outcomes import Place, decide
from sync.desk.phrases import joined, say, say_many
from sync.desk.proof import prove_channel
from sync.flows.crm.noting import look_again
from sync.flows.facets.follow import follow
from sync.flows.pull import pull
from sync.flows.resync import compare_and_mark, mark_resting
from sync.rules.asking import only_sends
from sync.rules.systems import SystemMissing
from sync.store import schedule
from sync.store.channels import channel_state, start_channel
from sync.store.crm.customers import KIND as PARTY
from sync.store.engine import DatabaseBusy
from sync.store.inbox import ItemKey
from sync.store.issues import Stop, close_connection_issues, open_issues
from sync.store.switches import find_pause, pauses
from sync.work.importing import forget_old_files
from sync.work.pausing import rest
from sync.work.purging import days_of, purge, recount_issues, told
from sync.work.runtime import Runtime
from sync.work.stock.run import run_stock
from sync.work.subscriptions import check_subscriptions, delivery_url

log = structlog.get_logger()

_NIGHT: Final = dt.timedelta(days=30)
#: Tasks of a connection; all others are a channel's.
_OF_CONNECTIONS: Final = frozenset({"pull", "follow", "webhooks"})
#: In the quiet hours of most.
_PURGED_AT: Final = "30 2 * * *"
_PROOF_BEHIND: Final = dt.timedelta(hours=1)
#: When what the nightly comparison found is mostly told already.
_CRM_BEHIND: Final = dt.timedelta(minutes=90)


class Tasks:
    """Each schedule is `<task>:<connection or channel>`; what is everybody's has no subject."""

    def __init__(self, runtime: Runtime) -> None:
        """The schedules follow the configuration."""
        self._runtime = runtime
        self._cancelled = threading.Event()
        sources = {channel.source for channel in runtime.config.channels.values()}
        self._names = {
            **{f"pull:{name}": self._pull for name in self._pulled(sources)},
            **{f"follow:{name}": self._follow for name in self._followed()},
            **{f"webhooks:{name}": self._webhooks for name in self._pulled(sources) if runtime.settings.public_url},
            **{f"resync:{name}": self._resync for name in runtime.config.channels},
            **{f"nightly:{name}": self._nightly for name in runtime.config.channels},
            **{f"proof:{name}": self._proof for name in runtime.config.channels},
            **{f"stock:{name}": self._stock for name in _showing(runtime)},
            **{f"stock-full:{name}": self._stock_full for name in _showing(runtime)},
            **{f"crm:{name}": self._crm for name in _telling(runtime)},
            schedule.PURGE: self._purge,
        }

    def _pulled(self, sources: Iterable[str]) -> list[str]:
        """Those that can be asked for their orders."""
        connections = self._runtime.config.connections
        # By its class: one whose settings cannot be used must not keep the other schedules from running.
        return [name for name in sorted(sources) if not only_sends(class_of(connections[name].system))]

    def _followed(self) -> list[str]:
        """ERP connections that tell what becomes of their sales."""
        names = sorted({channel.erp for channel in self._runtime.config.channels.values()})
        return [name for name in names if isinstance(self._runtime.systems.connector(name), FollowsSales)]

    def knows(self, name: str) -> bool:
        """Whether the configuration still has what the schedule is for."""
        return name in self._names

    def cancel(self) -> None:
        """Let running tasks end at their next page."""
        self._cancelled.set()

    def _rest(self, seconds: float) -> bool:
        """Wait so long; whether to end instead."""
        return self._cancelled.wait(seconds)

    def first_runs(self) -> dict[str, dt.datetime]:
        """Schedule -> its first time: pulls and subscriptions at once, comparisons in their turn."""
        now = dt.datetime.now(dt.UTC)
        at_once = ("pull:", "follow:", "webhooks:", "stock:")
        return {name: now if name.startswith(at_once) else self.next_run(name) for name in self._names}

    def next_run(self, name: str) -> dt.datetime:
        """When the schedule's slot after this one begins."""
        now = dt.datetime.now(dt.UTC)
        if name == schedule.PURGE:
            return _slot(_PURGED_AT, "UTC", now)
        task, _, subject = name.partition(":")
        channels = self._channels(task, subject)
        if task == "stock-full":
            return _slot(channels[0].schedules.stock_full, channels[0].timezone, now)
        if task in {"nightly", "proof", "crm"}:
            # The proof comes when what the nightly comparison found had time to be put right.
            behind = {"proof": _PROOF_BEHIND, "crm": _CRM_BEHIND}.get(task, dt.timedelta(0))
            return _slot(channels[0].schedules.nightly, channels[0].timezone, now - behind) + behind
        seconds = {
            "pull": min(channel.schedules.pull_every_s for channel in channels),
            "follow": min(channel.schedules.follow_every_s for channel in channels),
            "webhooks": min(channel.schedules.webhook_check_every_s for channel in channels),
            "resync": min(channel.schedules.resync_every_s for channel in channels) / 12,
            "stock": min(channel.schedules.stock_every_s for channel in channels),
        }[task]
        return now + dt.timedelta(seconds=seconds)

    def _channels(self, task: str, subject: str) -> list[Channel]:
        if task in _OF_CONNECTIONS:
            return list(self._runtime.config.channels_of(subject))
        return [self._runtime.config.channels[subject]]

    def run(self, name: str, *, asked: bool = False) -> None:
        """Run one schedule and record how it went; an error pauses its connection or waits for the next slot.

        While there is a pause nothing is run. Who `asked` for it is told: "run now" means now, and not some day after.
        """
        task, _, subject = name.partition(":")
        connection = ""
        if name != schedule.PURGE:
            connection = subject if task in _OF_CONNECTIONS else self._runtime.config.channels[subject].source
        paused = find_pause(self._runtime.store.read(pauses), connections=(connection,))
        # Deleting what is old reaches nobody outside.
        if paused is not None and name != schedule.PURGE:
            if asked:
                message: str = say(
                    "not run when it was asked for, because of a pause: %(reason)s", reason=paused.reason
                )
                self._runtime.store.write(lambda c: schedule.leave_out(c, name, message))
            return
        try:
            message, ok = self._names[name](subject), True
        except ConnectorError as error:
            message, ok = str(error), False
            self._note(task, connection, error)
        except (DatabaseBusy, SystemMissing) as error:
            message, ok = str(error), False
        except Exception as error:
            # Nobody waits for a schedule's thread: what nobody foresaw must be seen in the log and in the status.
            kind = type(error).__name__
            message, ok = say("internal error: %(kind)s; this is a defect, please report it", kind=kind), False
            log.exception("schedule_failed_inside", schedule=name)
        log.info("schedule_ran", schedule=name, ok=ok, message=message)
        self._runtime.store.write(lambda c: schedule.finish(c, name, ok=ok, message=message))

    def _note(self, task: str, connection: str, error: ConnectorError) -> None:
        """A pull that is refused pauses its shop; a key that may not manage webhooks may still read orders.

        Comparisons speak to two systems and decide about neither: the drains meet what is broken soon enough.
        """
        if task not in _OF_CONNECTIONS or not isinstance(error, ConnectionBroken | RateLimited):
            return
        decision = decide(error, Place(channel="", connection=connection))

        def write(c: Connection) -> None:
            if task in {"pull", "follow"}:
                rest(c, connection, decision)
            open_issues(c, [Stop(None, cause) for cause, _ in decision.causes])

        self._runtime.store.write(write)

    # --- the tasks ----------------------------------------------------------------------------------------------

    def _pull(self, connection: str) -> str:
        channels = self._runtime.config.channels_of_source(connection)
        states = self._runtime.store.write(
            lambda c: [start_channel(c, channel.name, channel.policies.start_at) for channel in channels]
        )
        done = pull(
            self._runtime.store,
            self._runtime.systems.connector(connection),
            connection,
            [channel.name for channel in channels],
            since=min(state.start_at for state in states),
            marked=self._ring,
        )
        # Whatever could not be read of its deliveries has been pulled by now.
        self._runtime.store.write(lambda c: close_connection_issues(c, connection, "unreadable_delivery"))
        return say("%(seen)s orders seen, %(marked)s to look at", seen=done.seen, marked=done.marked)

    def _follow(self, connection: str) -> str:
        channels = self._runtime.config.channels_of(connection)
        states = self._runtime.store.write(
            lambda c: [start_channel(c, channel.name, channel.policies.start_at) for channel in channels]
        )
        done = follow(
            self._runtime.store,
            self._runtime.systems.connector(connection),
            connection,
            since=min(state.start_at for state in states),
            marked=self._ring,
        )
        return say("%(seen)s changes seen, %(marked)s orders to look at", seen=done.seen, marked=done.marked)

    def _ring(self, keys: Iterable[ItemKey]) -> None:
        for channel, kind in {(channel, kind) for channel, kind, _ in keys}:
            self._runtime.bell.ring(channel, kind)

    def _resync(self, channel: str) -> str:
        every = dt.timedelta(seconds=self._runtime.config.channels[channel].schedules.resync_every_s)
        count = mark_resting(self._runtime.store, channel, dt.datetime.now(dt.UTC) - every)
        told: list[str] = [say("%(count)s open orders to be looked at again", count=count)]
        return joined("; ", [*told, *self._mended(channel)])

    def _mended(self, channel: str) -> Iterator[str]:
        """What somebody has mended in the ERP goes on by itself; an ERP that is away is asked the next time."""
        try:
            count = release_mended(self._runtime.store, self._runtime.systems.channel(channel))
        except ConnectorError as error:
            yield say("the ERP could not be asked what it knows by now: %(error)s", error=error)
            return
        if count:
            self._runtime.bell.ring(channel, "order")
            yield say_many(
                "%(count)s cause that was mended in the ERP is released",
                "%(count)s causes that were mended in the ERP are released",
                count,
                count=count,
            )

    def _nightly(self, channel: str) -> str:
        until = dt.datetime.now(dt.UTC)
        since = until - _NIGHT
        known = self._runtime.store.read(lambda c: channel_state(c, channel))
        if known is not None:
            since = max(since, known.start_at)
        count = compare_and_mark(self._runtime.store, self._runtime.systems.channel(channel), since, until)
        return say(
            "%(count)s orders differ between the shop, Crossdock and the ERP and are looked at again", count=count
        )

    def _proof(self, channel: str) -> str:
        proof = prove_channel(self._runtime.store, self._runtime.systems.channel(channel))
        # One that does not hold is a finding, not a failed run.
        explained = ", all explained" if proof.holds and proof.differences else ""
        return (
            f"the proof {'holds' if proof.holds else 'does not hold'}: {len(proof.differences)} differences{explained}"
        )

    def _purge(self, _: str) -> str:
        erase_again(self._runtime.store, self._runtime.config)
        forget_old_files(self._runtime.store)
        recount_issues(self._runtime.store)
        return told(purge(self._runtime.store, days_of(self._runtime.settings), rest=self._rest))

    def _crm(self, name: str) -> str:
        channel = self._runtime.config.channels[name]
        taken, again = look_again(self._runtime.store, channel)
        self._runtime.bell.ring(name, PARTY)
        return say(
            "%(taken)s orders of before are counted from now on, %(again)s customers are looked at again",
            taken=taken,
            again=again,
        )

    def _stock(self, channel: str) -> str:
        return self._run_stock(channel, full=False)

    def _stock_full(self, channel: str) -> str:
        return self._run_stock(channel, full=True)

    def _run_stock(self, channel: str, *, full: bool) -> str:
        source = self._runtime.config.channels[channel].source
        return run_stock(self._runtime, channel, full=full, pull_orders=lambda: self._pull(source))

    def _webhooks(self, connection: str) -> str:
        ours = self._runtime
        url = delivery_url(ours.settings.public_url, connection)
        return check_subscriptions(ours.store, ours.systems.connector(connection), connection, url)


def _slot(expression: str, timezone: str, after: dt.datetime) -> dt.datetime:
    """The next moment that the cron expression names in that zone; of an hour that comes twice, the first alone."""
    at, zone = after, ZoneInfo(timezone)
    while True:
        found: dt.datetime = croniter(expression, at.astimezone(zone)).get_next(dt.datetime)
        at = found.astimezone(dt.UTC)
        if not at.astimezone(zone).fold:
            return at


def _telling(runtime: Runtime) -> list[str]:
    """The channels whose customers are told to a CRM."""
    return [channel.name for channel in runtime.config.channels.values() if channel.crm.connection]


def _showing(runtime: Runtime) -> list[str]:
    """The channels whose shop shows the ERP's stock."""
    return [channel.name for channel in runtime.config.channels.values() if channel.stock.push]
