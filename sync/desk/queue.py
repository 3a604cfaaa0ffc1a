"""What is known of the queue's server and of the workers; `sync.work.vitals` finds it out."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from connectors.kit.throttle import Budget


@dataclasses.dataclass(frozen=True, slots=True)
class WorkerHealth:
    """One worker process, as it registered itself."""

    name: str
    host: str
    pid: int | None
    #: `idle`, `busy`, `suspended`, `started`.
    state: str
    #: Its last heartbeat; None for one that never sent any.
    beat_at: dt.datetime | None
    started_at: dt.datetime | None
    #: Drains that came to their end, and that did not.
    done: int
    failed: int
    #: Its heartbeat is older than it ever should be.
    silent: bool


@dataclasses.dataclass(frozen=True, slots=True)
class QueueProblem:
    """One thing that is wrong with the server, with the fix."""

    cause: str
    text: str
    fatal: bool


@dataclasses.dataclass(frozen=True, slots=True)
class QueueHealth:
    """One look at the queue. Where it does not answer, nothing of the rest is known."""

    answers: bool
    problems: Sequence[QueueProblem] = ()
    #: Rings that wait for a worker.
    depth: int = 0
    #: When the oldest of them was put in.
    oldest_at: dt.datetime | None = None
    workers: Sequence[WorkerHealth] = ()
    #: As the server says: version, eviction policy, how it keeps what it has (`aof`, `aof_failing`, `none`), memory in
    #: bytes (0: no limit).
    version: str = ""
    policy: str = ""
    persistence: str = ""
    memory: int = 0
    memory_limit: int = 0
    #: Connection -> what it may still send.
    budgets: Mapping[str, Budget] = dataclasses.field(default_factory=dict)

    @property
    def living(self) -> int:
        """Workers whose heartbeat is fresh."""
        return sum(1 for worker in self.workers if not worker.silent)


AWAY = QueueHealth(answers=False)
