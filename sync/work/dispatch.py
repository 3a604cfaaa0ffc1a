"""The dispatcher: takes dead drains' items back, finds orphaned intents, releases bulk runs, and rings for what is due.

It looks at the database only. Whatever Redis lost, doubled or never heard of, the next look rings for it.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy import Connection

from config.model import Channel
from sync.desk.bulk import advance
from sync.flows.stock.spread import spread
from sync.store.backlog import due_channels
from sync.store.crm.customers import KIND as PARTY
from sync.store.intents import orphans
from sync.store.issue_sums import fold
from sync.store.issues import Cause, Stop, open_issues
from sync.store.items import has_killers, park_killers
from sync.store.leases import Watch, expire_lease, used_slots
from sync.store.marking import mark
from sync.store.states import ItemState
from sync.store.stock.items import KIND as STOCK
from sync.store.switches import find_pause, pauses
from sync.work.runtime import Runtime

log = structlog.get_logger()

#: How often what the workers have counted, each for itself, is brought together.
_FOLD_S: Final = 30.0


class Dispatcher:
    """One look after the other; keeps only what it has seen of the leases."""

    def __init__(self, runtime: Runtime) -> None:
        """Leases are as long as their target connection's calls."""
        self._runtime = runtime
        self._watch = Watch()
        self._lease_s = runtime.systems.lease_lengths()
        self._folded_at = -math.inf

    def look(self) -> int:
        """One look; answers for how many channels it rang."""
        self.recover()
        store = self._runtime.store
        advance(store)
        spread(store, self._runtime.config)
        self._fold()
        due = store.read(due_channels)
        if not due:
            return 0
        paused, used = store.read(pauses), store.read(used_slots)
        channels = self._runtime.config.channels
        rung = 0
        for name, kind in due:
            # A channel that left the configuration keeps its items; they wait until it is back.
            channel = channels.get(name)
            if channel is None or find_pause(paused, channel=name, connections=_spoken_to(channel, kind)):
                continue
            if self._has_room(channel, kind, used):
                rung += self._runtime.bell.ring(name, kind)
        return rung

    def _fold(self) -> None:
        """SQLite has one writer, and nothing to fold until the night."""
        if not self._runtime.store.is_sqlite and time.monotonic() - self._folded_at >= _FOLD_S:
            self._folded_at = time.monotonic()
            self._runtime.store.write(fold)

    def _has_room(self, channel: Channel, kind: str, used: Mapping[str, int]) -> bool:
        """A ring for a connection whose every call is spoken for would only wake a worker to find that out."""
        if kind == STOCK:
            return channel.stock.push and not used.get(channel.source, 0)
        if kind == PARTY:
            return bool(channel.crm.connection) and not used.get(channel.crm.connection, 0)
        concurrency: int = self._runtime.systems.connector(channel.erp).concurrency
        return used.get(channel.erp, 0) < concurrency

    def recover(self) -> None:
        """What a dead drain left behind goes back to where somebody finds it."""
        store = self._runtime.store
        for token in store.read(lambda c: self._watch.dead(c, self._lease_s)):
            items = store.write(functools.partial(expire_lease, token=token))
            log.warning("lease_expired", items=items)
        self._park_killers()
        self._sweep()

    def _park_killers(self) -> None:
        if self._runtime.store.read(has_killers):
            self._runtime.store.write(_park)

    def _sweep(self) -> None:
        """Intents without outcome whose lease has ended: their item's next owner looks the key up."""
        store = self._runtime.store
        for channel, kind, external_id, state in store.read(orphans):
            # What was set aside is not taken up again by itself: it may have killed the worker.
            facet = "doubt" if state == ItemState.PARKED else "target"
            store.write(functools.partial(mark, channel=channel, kind=kind, external_ids=[external_id], facet=facet))
            log.warning("orphaned_intent", channel=channel, order=external_id)


def _spoken_to(channel: Channel, kind: str) -> tuple[str, ...]:
    """The connections whose pause stops such a drain: a shop is told its stock while the ERP is away, a CRM too."""
    if kind == PARTY:
        return (channel.crm.connection,)
    return (channel.source,) if kind == STOCK else (channel.source, channel.erp)


def _park(connection: Connection) -> None:
    for item_id, channel, kind, external_id in park_killers(connection):
        what = {STOCK: "article", PARTY: "customer"}.get(kind, "order")
        cause = Cause(
            cause="kills_the_worker",
            subject=external_id,
            channel=channel,
            title=f"{what} {external_id} kills the worker",
            next_step="report it with the log of the worker; retry when the cause is mended, or reject it",
        )
        open_issues(connection, [Stop(item_id, cause)])
        log.error("order_kills_the_worker", channel=channel, order=external_id)
