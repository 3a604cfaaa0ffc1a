"""A ring as it lies in Redis: the one RQ job that there is, the queue that holds it, and what is refused.

Whoever can write to Redis can put anything into the queue, and RQ would run it: a hash that names `os.system` is
executed, one that cannot be read ends the worker and every worker after it. So a job is looked at before anything is
done with it: only a drain, only with two short texts, with nothing attached. What does not fit is moved aside and the
worker goes on.
"""

from __future__ import annotations

import re
from typing import Any, Final, Self, cast

import structlog
from redis import Redis, RedisError
from rq.exceptions import DeserializationError, NoSuchJobError
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.queue import Queue

#: The only functions that a worker runs.
ALLOWED_JOBS: Final = frozenset({"sync.work.jobs.drain"})
DRAIN: Final = "sync.work.jobs.drain"
#: A finished ring is only of interest to somebody who is looking at this moment.
RESULT_TTL_S: Final = 60
#: A failed one is kept so long that Monday's reader finds Friday's; what it was about stands in the database.
FAILURE_TTL_S: Final = 4 * 24 * 3600
#: Refused jobs lie under `refused:<key>` for so long.
REFUSED_TTL_S: Final = 7 * 24 * 3600
_MAX_TIMEOUT_S: Final = 3600
_MAX_TEXT: Final = 128
_JOB_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
#: A crashed cleaner must not keep the others from cleaning for RQ's quarter of an hour.
_MAINTENANCE_LOCK_S: Final = 60

_log = structlog.get_logger(__name__)


class RefusedJob(Exception):
    """A job in the queue is none of ours; its text says what is wrong with it."""


class DrainJob(Job):
    """A job that is what we put there, or is not fetched at all."""

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Self:  # noqa: A002 - RQ's
        """As in RQ, but what is not ours does not exist: it is moved aside. Raises NoSuchJobError."""
        try:
            job = cast("Self", super().fetch(id, connection=connection, serializer=serializer))
            job.check()
        except NoSuchJobError as error:
            # Also what RQ says of a hash without a payload, which it would leave there for ever.
            if connection is not None and connection.exists(cls.key_for(id)):
                _move_aside(connection, cls.key_for(id), error)
            raise
        except (RefusedJob, DeserializationError, ValueError, TypeError, KeyError, AttributeError) as error:
            # Whatever RQ trips over while it reads the hash: dates, numbers, JSON and enumerations of any kind.
            if connection is not None:
                _move_aside(connection, cls.key_for(id), error)
            raise NoSuchJobError(f"job {id!r} was refused") from error
        return job

    def check(self) -> None:
        """Raise RefusedJob, or what RQ raises for a payload that cannot be read, unless this is a ring."""
        if self.func_name not in ALLOWED_JOBS:
            raise RefusedJob(f"function {str(self.func_name)[:_MAX_TEXT]!r} is not allowed")
        if self.instance is not None or self.kwargs:
            raise RefusedJob("an instance or named arguments")
        if not _are_two_texts(self.args):
            raise RefusedJob("arguments other than a channel and a kind")
        if self._success_callback_name or self._failure_callback_name or self._stopped_callback_name or self.webhooks:
            raise RefusedJob("a callback or webhook")
        if self._dependency_ids or self.repeats_left or self.retries_left or self.group_id or self.has_rate_limit:
            raise RefusedJob("a dependency, repetition, group or limit")
        if self.timeout is None or not 0 < self.timeout <= _MAX_TIMEOUT_S:
            raise RefusedJob("a time-out that we do not set")

    @property
    def func(self) -> Any:
        """The function, checked once more where it is about to be called."""
        self.check()
        return super().func


class RingQueue(Queue):
    """The one queue of an installation."""

    job_class = DrainJob

    @classmethod
    def of(cls, instance: str, connection: Redis) -> Self:
        """The queue of this installation; several share a server under different names."""
        return cls(instance, connection=connection, job_class=DrainJob, serializer="json")

    def ring(self, channel: str, kind: str, *, timeout_s: int) -> None:
        """Put one drain into the queue. Raises RedisError."""
        # No RQ retry: what a killed drain leaves is found by its lease, and a repeated job would only claim again.
        self.enqueue_call(
            DRAIN,
            args=(channel, kind),
            timeout=timeout_s,
            result_ttl=RESULT_TTL_S,
            failure_ttl=FAILURE_TTL_S,
            description=f"drain {channel} {kind}",
        )

    def acquire_maintenance_lock(self) -> bool:
        """As in RQ, for a minute."""
        return bool(self.connection.set(self.registry_cleaning_key, 1, nx=True, ex=_MAINTENANCE_LOCK_S))

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> Any:
        """As in RQ, without entries that cannot be the id of a job: RQ would end the worker over each of them."""
        while (moved := super().lmove(connection, queue_key, timeout)) is not None:
            if _JOB_ID.fullmatch(moved[1]):
                break
            connection.lrem(IntermediateQueue.get_intermediate_queue_key(queue_key), 0, moved[1])
            _log.error("job_refused", job=repr(moved[1][:64]), reason="no id of a job")
        return moved


def _are_two_texts(args: object) -> bool:
    if not isinstance(args, list | tuple) or len(args) != 2:  # noqa: PLR2004
        return False
    return all(isinstance(text, str) and 0 < len(text) <= _MAX_TEXT for text in args)


def _move_aside(connection: Redis, key: bytes | str, error: Exception) -> None:
    """Rename the hash, so that nothing fetches it again and a person can still look at it."""
    name = key.decode("utf-8", "replace") if isinstance(key, bytes) else key
    aside = f"refused:{name}"
    _log.error("job_refused", job=name, reason=f"{type(error).__name__}: {error}"[:500], kept_as=aside)
    try:
        connection.rename(name, aside)
        connection.expire(aside, REFUSED_TTL_S)
    except RedisError as failed:
        # Gone already, or the server is: either way nobody runs it.
        _log.warning("job_not_moved", job=name, error=type(failed).__name__)
