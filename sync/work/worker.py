"""The worker process: waits for rings and forks a horse for each drain.

A forking RQ worker, with the timers that let a killed one be noticed within a minute or two, and with what RQ leaves
open closed: a Redis that goes away in the middle of a drain does not cut the drain off, a horse does not outlive its
worker, and only rings of ours are run (`sync.work.ring`).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Final

import structlog
from redis import ConnectionError as RedisConnectionError
from redis import Redis, RedisError
from redis import TimeoutError as RedisTimeoutError
from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty
from rq.worker import Worker

import connectors.registry
import mappings.registry
from config.model import Secret
from config.settings import Settings
from sync.work import stopping
from sync.work.processes import die_with_parent
from sync.work.ring import ALLOWED_JOBS, DrainJob, RingQueue
from sync.work.valkey import check_redis

if TYPE_CHECKING:
    from resource import struct_rusage

#: channel, kind, and how the horse died, in plain words.
HorseKilled = Callable[[str, str, str], None]

#: RQ's 420 s, 30 s and 600 s leave a killed worker's job alone for up to 18 minutes.
_WORKER_TTL_S: Final = 45
_MONITORING_S: Final = 5
_MAINTENANCE_S: Final = 15
#: How long a starting worker waits for Redis before it ends and is started anew.
_PATIENCE_S: Final = 20.0
EX_TEMPFAIL: Final = os.EX_TEMPFAIL
EX_CONFIG: Final = os.EX_CONFIG

_log = structlog.get_logger(__name__)


class HardDeadline(UnixSignalDeathPenalty):
    """A drain that runs past its time-out ends with its process: no handler of ours can mistake it for an error.

    Its lease then runs out, and what was in flight is looked up by whoever takes the items over.
    """

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        """End the process at once."""
        if self._exception is not JobTimeoutException:
            # RQ's other use of it: the parent wakes every few seconds while it waits for its horse.
            super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]  # RQ has few types
        _log.error("drain_timed_out", seconds=self._timeout)
        os._exit(EX_TEMPFAIL)


class DrainWorker(Worker):
    """Runs one drain at a time, each in a process of its own."""

    death_penalty_class = HardDeadline

    #: RQ's 60 s would be the latency of the first order after a restart of Redis.
    max_connection_wait_time = 2.0

    def __init__(self, queue: RingQueue, *, on_horse_killed: HorseKilled | None = None) -> None:
        """The connection of `queue` is this worker's own from now on: RQ changes its time-outs."""
        super().__init__(
            # One queue: only then does a job survive a worker that dies between taking it and beginning it.
            [queue],
            # Never fixed: a restarted worker of the same name is refused while the dead one is still registered.
            name=f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}",
            connection=queue.connection,
            job_class=DrainJob,
            queue_class=RingQueue,
            serializer="json",
            worker_ttl=_WORKER_TTL_S,
            job_monitoring_interval=_MONITORING_S,
            maintenance_interval=_MAINTENANCE_S,
            log_job_description=False,
            work_horse_killed_handler=self._horse_was_killed,
        )
        self._on_horse_killed = on_horse_killed

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """As in RQ, and killed with its worker: two drains of one lease slot would otherwise run at once."""
        if self.pid is not None:
            die_with_parent(self.pid, signal.SIGKILL)
        super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """As in RQ, and the running drain is told, so that it takes on no more."""
        _log.info("worker_stopping", name=self.name)
        if self.horse_pid:
            # It may have ended this very moment.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, stopping.SIGNAL)

    def set_shutdown_requested_date(self) -> None:
        """As in RQ, but a stop does not depend on Redis: when all is stopped at once, that may be gone first."""
        try:
            super().set_shutdown_requested_date()  # type: ignore[no-untyped-call]  # RQ has few types
        except RedisError as error:
            _log.warning("stop_not_noted", error=type(error).__name__)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """As in RQ, but a Redis that is away does not end the worker while its horse runs.

        The drain needs the database, not Redis. RQ would leave here and the horse would die with us, with calls in
        flight whose outcome nobody knows.
        """
        try:
            super().maintain_heartbeats(job, execution)
        except (RedisConnectionError, RedisTimeoutError) as error:
            _log.warning("heartbeat_failed", error=type(error).__name__)

    def _horse_was_killed(self, job: Job, _pid: int, status: int, _usage: struct_rusage) -> None:
        channel, kind = job.args
        code = os.waitstatus_to_exitcode(status)
        how = f"exit status {code}" if code >= 0 else signal.Signals(-code).name
        _log.error("drain_killed", channel=channel, kind=kind, how=how)
        if self._on_horse_killed is not None:
            self._on_horse_killed(channel, kind, how)


def make_worker(redis_url: Secret, instance: str, *, on_horse_killed: HorseKilled | None = None) -> DrainWorker:
    """A worker with a connection of its own. Raises RedisError."""
    return DrainWorker(RingQueue.of(instance, Redis.from_url(redis_url.reveal())), on_horse_killed=on_horse_killed)


def run_worker(settings: Settings, *, on_horse_killed: HorseKilled | None = None, burst: bool = False) -> int:
    """Work until SIGTERM or SIGINT and return the exit status; `burst` ends when the queue is empty.

    EX_CONFIG when Redis is set up so that it would lose rings, EX_TEMPFAIL when it is away: start me again.
    The first signal lets the running drain end; a second one, at least a second later, kills it.
    """
    refused = _await_redis(settings.redis_url)
    if refused is not None:
        return refused
    _preload()
    stopping.listen()
    try:
        worker = make_worker(settings.redis_url, settings.instance, on_horse_killed=on_horse_killed)
        _log.info("worker_started", name=worker.name)
        worker.work(burst=burst, logging_level="WARNING")
    except RedisError as error:
        # Full, or gone between the check and now: nothing that a traceback would explain.
        _log.error("worker_failed", error=type(error).__name__, text=str(error))
        return EX_TEMPFAIL
    _log.info("worker_stopped", name=worker.name)
    return os.EX_OK


def _await_redis(redis_url: Secret) -> int | None:
    """Wait until Redis answers and say what is wrong with it; the exit status where that must stop us."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        problems = check_redis(redis_url)
        if not any(problem.cause == "unreachable" for problem in problems) or time.monotonic() > deadline:
            break
        time.sleep(0.25)
    for problem in problems:
        _log.log(
            logging.ERROR if problem.fatal else logging.WARNING, "redis_problem", cause=problem.cause, text=problem.text
        )
    fatal = [problem for problem in problems if problem.fatal]
    if not fatal:
        return None
    return EX_TEMPFAIL if fatal[0].cause == "unreachable" else EX_CONFIG


def _preload() -> None:
    """Import what a drain needs once, here; each horse begins with it and shares the memory.

    Only modules: a database engine or a session made before the fork would be shared by all horses.
    """
    for name in sorted({job.rpartition(".")[0] for job in ALLOWED_JOBS}):
        importlib.import_module(name)
    connectors.registry.import_ours()
    mappings.registry.import_ours()
    gc.collect()
    gc.freeze()
