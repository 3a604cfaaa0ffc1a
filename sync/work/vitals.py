"""One look at Redis for people: the server, what waits in the queue, the workers, the connections' rate budgets.

A page must not wait for a server that hangs: the first command that fails ends the look, after half a second at most,
and the answer is kept for a moment, so that a page full of readers costs one look.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from redis import Redis, RedisError
from rq.utils import as_text, utcparse
from rq.worker_registration import get_keys

from config.model import Config
from config.settings import Settings
from connectors.kit.throttle import Budget, lift_pause, read_budget, redis_pool
from sync.desk.queue import AWAY, QueueHealth, QueueProblem, WorkerHealth
from sync.work.ring import DrainJob, RingQueue
from sync.work.valkey import judge

#: So old an answer is still good for a page.
_FRESH_S: Final = 1.0
#: Workers send a heartbeat every 45 s at the latest, while they wait and while their horse runs.
_SILENT: Final = dt.timedelta(seconds=120)
_MAX_WORKERS: Final = 200


class Vitals:
    """Looks at one installation's Redis. Safe to share among threads."""

    def __init__(self, settings: Settings, config: Config) -> None:
        """Nothing is asked before `look`."""
        self._settings, self._config = settings, config
        self._pool = redis_pool(settings.redis_url.reveal())
        self._lock = threading.Lock()
        self._seen = AWAY
        self._seen_at = float("-inf")

    def look(self) -> QueueHealth:
        """How it stands, at most a second ago. Those who come together wait for one look."""
        with self._lock:
            if time.monotonic() - self._seen_at > _FRESH_S:
                self._seen = self._look()
                self._seen_at = time.monotonic()
            return self._seen

    def lift(self, connection: str) -> bool | None:
        """End the pause that a system asked for, in every process; None where the queue's server does not answer."""
        with self._lock:
            self._seen_at = float("-inf")
        return lift_pause(connection, pool=self._pool)

    def close(self) -> None:
        """Give the connections back."""
        self._pool.disconnect()

    def _look(self) -> QueueHealth:
        redis = Redis(connection_pool=self._pool)
        try:
            info, problems = _server(redis)
            queue = RingQueue.of(self._settings.instance, redis)
            return QueueHealth(
                answers=True,
                problems=problems,
                depth=queue.count,
                oldest_at=_oldest(queue),
                workers=_workers(queue),
                version=str(info.get("valkey_version") or info.get("redis_version", "")),
                policy=str(info.get("maxmemory_policy", "")),
                persistence=_persistence(info),
                memory=int(info.get("used_memory", 0)),
                memory_limit=int(info.get("maxmemory", 0)),
                budgets=self._budgets(),
            )
        except RedisError:
            return AWAY

    def _budgets(self) -> dict[str, Budget]:
        found = {}
        for name, connection in self._config.connections.items():
            budget = read_budget(name, connection.rate_per_s, pool=self._pool)
            if budget is None:
                break
            found[name] = budget
        return found


def look_once(settings: Settings, config: Config) -> QueueHealth:
    """One look, for a command."""
    vitals = Vitals(settings, config)
    try:
        return vitals.look()
    finally:
        vitals.close()


def _server(redis: Redis) -> tuple[Mapping[str, Any], tuple[QueueProblem, ...]]:
    before = time.time()
    seconds, microseconds = redis.time()
    middle = (before + time.time()) / 2
    info: Mapping[str, Any] = redis.info()
    found = judge(info, seconds + microseconds / 1e6 - middle)
    return info, tuple(QueueProblem(problem.cause, problem.text, problem.fatal) for problem in found)


def _persistence(info: Mapping[str, Any]) -> str:
    if info.get("aof_enabled"):
        return "aof" if info.get("aof_last_write_status", "ok") == "ok" else "aof_failing"
    return "none"


def _oldest(queue: RingQueue) -> dt.datetime | None:
    """When the ring at the head of the queue was put in; None for an empty queue, or one that was just taken."""
    ids = queue.get_job_ids(0, 1)
    if not ids:
        return None
    put_in = queue.connection.hget(DrainJob.key_for(ids[0]), "enqueued_at")
    return _moment(as_text(put_in)) if put_in else None


def _workers(queue: RingQueue) -> tuple[WorkerHealth, ...]:
    """Read by one pipeline: RQ's own `Worker.all` makes a worker, with a look-up of its address, for each key."""
    keys = sorted(as_text(key) for key in get_keys(queue=queue, connection=queue.connection))[:_MAX_WORKERS]
    pipeline = queue.connection.pipeline(transaction=False)
    for key in keys:
        pipeline.hgetall(key)
    rows: list[dict[bytes, bytes]] = pipeline.execute() if keys else []
    # A worker that was killed leaves its key in the set for a while, and an empty hash.
    return tuple(_worker(key, _decoded(row)) for key, row in zip(keys, rows, strict=True) if row)


def _decoded(row: Mapping[bytes, bytes]) -> dict[str, str]:
    """Whoever can write to Redis wrote it; what is no text must not end the page."""
    return {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in row.items()}


def _worker(key: str, row: Mapping[str, str]) -> WorkerHealth:
    beat_at = _moment(row.get("last_heartbeat", ""))
    pid = row.get("pid", "")
    return WorkerHealth(
        name=key.rpartition(":")[2],
        host=row.get("hostname", ""),
        pid=int(pid) if pid.isdigit() else None,
        state=row.get("state", ""),
        beat_at=beat_at,
        started_at=_moment(row.get("birth", "")),
        done=_number(row.get("successful_job_count", "")),
        failed=_number(row.get("failed_job_count", "")),
        silent=beat_at is None or dt.datetime.now(dt.UTC) - beat_at > _SILENT,
    )


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0


def _moment(text: str) -> dt.datetime | None:
    """None for what is no time."""
    try:
        return utcparse(text)
    except ValueError:
        return None
