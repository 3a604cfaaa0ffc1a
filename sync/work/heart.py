"""The heartbeat of a drain: one row every so often, and silence as soon as nothing moves any more."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import structlog

from sync.flows.context import Clock
from sync.store.engine import DatabaseBusy, Store
from sync.store.leases import Lease, LeaseLost, heartbeat

log = structlog.get_logger()


class Heart:
    """Beats while the drain makes progress. Without any for `stall_s` it stops, and the parent kills the process.

    A hung process therefore loses its items after a bounded time, however alive its threads look.
    """

    def __init__(self, store: Store, lease: Lease, clock: Clock, *, stall_s: float) -> None:
        """`stall_s` is longer than any single call may take."""
        self._store = store
        self._lease = lease
        self._clock = clock
        self._stall_s = stall_s
        self._moved = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def moved(self) -> None:
        """Something was done."""
        self._moved = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._lease.lease_s / 4):
            if time.monotonic() - self._moved > self._stall_s:
                log.error("drain_stalled", channel=self._lease.channel, seconds=round(self._stall_s))
                return
            begun = time.monotonic()
            try:
                self._store.write(lambda c: heartbeat(c, self._lease))
            except LeaseLost:
                self._clock.lose()
                return
            except DatabaseBusy:
                continue
            self._clock.renew(begun)
