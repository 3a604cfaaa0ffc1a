"""The scheduler: one process among many, whoever holds the row. Pulls, resyncs, checks and dispatches on time."""

from __future__ import annotations

import datetime as dt
import functools
import os
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import structlog

from sync.desk.canary import note_configuration
from sync.store import schedule, singletons
from sync.store.engine import DatabaseBusy
from sync.store.singletons import SCHEDULER
from sync.work.dispatch import Dispatcher
from sync.work.runtime import Runtime
from sync.work.tasks import Tasks
from sync.work.trust import notice_outage, notice_return

log = structlog.get_logger()

#: How long the place is kept without a heartbeat.
_PLACE_S: Final = 15.0
#: How often it looks.
_TICK_S: Final = 0.5
#: Pulls and resyncs that run at once.
_RUNNERS: Final = 4


class Scheduler:
    """Runs until it is told to stop; stands by while another one has the place."""

    def __init__(self, runtime: Runtime) -> None:
        """Nothing is begun before `run`."""
        self._runtime = runtime
        self._holder = f"{socket.gethostname()}:{os.getpid()}"
        self._stop = threading.Event()
        self._token: str | None = None
        self._beat_at = 0.0
        self._running: dict[str, Future[None]] = {}

    def stop(self) -> None:
        """Ask `run` to end; safe in a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Take the place when it is free, work while it is ours."""
        dispatcher = Dispatcher(self._runtime)
        with ThreadPoolExecutor(_RUNNERS, thread_name_prefix="schedule") as pool:
            tasks = Tasks(self._runtime)
            while not self._stop.wait(_TICK_S):
                try:
                    if self._hold(tasks):
                        dispatcher.look()
                        self._start_due(tasks, pool)
                except DatabaseBusy as busy:
                    log.warning("scheduler_waits", reason=str(busy))
            tasks.cancel()
        if self._token is not None:
            self._runtime.store.write(lambda c: singletons.give_up(c, SCHEDULER, self._token or ""))

    def _hold(self, tasks: Tasks) -> bool:
        """Whether the place is ours, with its heartbeat kept."""
        store = self._runtime.store
        if self._token is None:
            notice_return(store, self._runtime.witness)
            taken = store.write(lambda c: singletons.take(c, SCHEDULER, self._holder, _PLACE_S))
            if taken is None:
                return False
            self._token, silence = taken
            self._beat_at = time.monotonic()
            self._begin(tasks, silence)
        elif time.monotonic() - self._beat_at > _PLACE_S / 4:
            token = self._token
            # Also while it runs: somebody may put a copy back into a PostgreSQL that nobody has stopped using.
            notice_return(store, self._runtime.witness)
            if not store.write(lambda c: singletons.beat(c, SCHEDULER, token, _PLACE_S)):
                log.warning("scheduler_replaced", holder=self._holder)
                self._token = None
                return False
            self._beat_at = time.monotonic()
        return True

    def _begin(self, tasks: Tasks, silence: dt.timedelta | None) -> None:
        log.info("scheduler_started", holder=self._holder)
        self._runtime.store.write(lambda c: notice_outage(c, silence))
        for channel, left in note_configuration(self._runtime.store, self._runtime.config).items():
            if left:
                log.info("canary_waits", channel=channel, left=left)
        first = tasks.first_runs()
        self._runtime.store.write(lambda c: schedule.declare(c, first))

    def _start_due(self, tasks: Tasks, pool: ThreadPoolExecutor) -> None:
        for due in self._runtime.store.read(schedule.load_due):
            running = self._running.get(due.name)
            if running is not None and not running.done():
                continue
            if not tasks.knows(due.name):
                continue
            next_at = tasks.next_run(due.name)
            self._runtime.store.write(functools.partial(schedule.start, name=due.name, next_at=next_at))
            self._running[due.name] = pool.submit(tasks.run, due.name, asked=due.asked)
