"""The doorbell: tells a worker that a channel has something to do. It may ring twice or not at all.

What there is to do stands in the database. A ring that is lost costs the time until `dispatch` rings again, one that
comes twice finds nothing to claim. So nothing here is allowed to wait or to fail: Redis away or hung costs a caller at
most about a second, once, and the answer says whether the ring is known to be in the queue.
"""

from __future__ import annotations

import threading
import time
from typing import Final

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.model import Secret
from sync.work.ring import RingQueue

#: One drain claims for at most so long, then it rings again and ends, so that channels take turns.
DRAIN_S: Final = 20.0
#: What a drain may need beyond its last call: to acknowledge, to write its attempts, to ring.
DRAIN_MARGIN_S: Final = 60.0
#: A lost ring keeps later ones of its kind away no longer than this.
PENDING_S: Final = 15
#: After a failure nobody tries again for so long: a hung server must not cost every caller its time-out.
REST_S: Final = 1.0
#: Of connecting, and of one answer. The retries of redis-py are off: a repeated RPUSH rings twice.
_TIMEOUT_S: Final = 0.5

_log = structlog.get_logger(__name__)


def job_timeout_s(longest_call_s: float) -> int:
    """After how many seconds a drain is killed, where no call that it makes may take longer than this."""
    return round(DRAIN_S + longest_call_s + DRAIN_MARGIN_S)


class Bell:
    """Rings for one installation. Safe to share among threads, and to use in a process forked from its owner's."""

    def __init__(self, redis_url: Secret, *, instance: str = "crossdock", longest_call_s: float = 60.0) -> None:
        """`longest_call_s` is the longest deadline that any connection gives one call."""
        self._redis = Redis.from_url(
            redis_url.reveal(),
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._queue = RingQueue.of(instance, self._redis)
        self._instance = instance
        self._timeout_s = job_timeout_s(longest_call_s)
        self._lock = threading.Lock()
        self._rest_until = 0.0
        #: Rings that were put into the queue / that found one waiting already / that Redis did not take.
        self.rung = self.waiting = self.failed = 0

    def ring(self, channel: str, kind: str, *, again: bool = False) -> bool:
        """Ask for one drain of the channel's items of this kind; True if one is known to wait in the queue.

        A ring that finds an earlier one still waiting does nothing, unless `again` asks for one more worker.
        """
        if time.monotonic() < self._rest_until:
            return self._count("failed", answer=False)
        try:
            if not again and not self._redis.set(self._pending(channel, kind), 1, nx=True, ex=PENDING_S):
                return self._count("waiting", answer=True)
            self._queue.ring(channel, kind, timeout_s=self._timeout_s)
        except RedisError as error:
            self._rest_until = time.monotonic() + REST_S
            # The class alone: the text of a connection error may hold the server's address.
            _log.warning("ring_failed", channel=channel, kind=kind, error=type(error).__name__)
            return self._count("failed", answer=False)
        return self._count("rung", answer=True)

    def answer(self, channel: str, kind: str) -> None:
        """Say that a drain has begun; before it claims, so that what is marked from now on rings anew."""
        try:
            self._redis.delete(self._pending(channel, kind))
        except RedisError as error:
            _log.warning("answer_failed", channel=channel, kind=kind, error=type(error).__name__)

    def is_reachable(self) -> bool:
        """Whether Redis answers now; within about a second."""
        try:
            return bool(self._redis.ping())
        except RedisError:
            return False

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def _pending(self, channel: str, kind: str) -> str:
        return f"{self._instance}:ring:{channel}:{kind}"

    def _count(self, counter: str, *, answer: bool) -> bool:
        with self._lock:
            setattr(self, counter, getattr(self, counter) + 1)
        return answer
