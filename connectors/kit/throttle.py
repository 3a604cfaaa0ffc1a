"""The rate limit of one connection, shared by all processes through Redis, local and careful without it.

Redis is a help here, not a truth: a limiter that cannot reach it goes on at half the rate per process, so that an
outage of Redis costs speed and never an order. So every process keeps the pauses that it was told for itself too; what
ends them all before their time is a mark that `lift_pause` leaves and that is read with the pause itself.
"""

from __future__ import annotations

import dataclasses
import fractions
import random
import secrets
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from connectors.kit.errors import RateLimited
from connectors.kit.retry_after import LONGEST_S, SHORTEST_S
from connectors.kit.words import say

#: How long Redis is left alone after it failed: every try can cost SOCKET_TIMEOUT_S of a worker's time.
REST_S = 5.0
SOCKET_TIMEOUT_S = 0.5
#: How old our knowledge of a pause may be; it spares a Redis command on most calls.
PAUSE_AGE_S = 0.25
#: A call that waits looks again so often whether somebody has lifted the pause.
LOOK_S = 2.0
_PREFIX = "crossdock:throttle"
_T = TypeVar("_T")
_AWAY = (redis.RedisError, StorageError, OSError)


def redis_pool(url: str) -> redis.ConnectionPool:
    """A pool that fails within SOCKET_TIMEOUT_S and sends nothing twice (redis-py's default does both)."""
    return redis.ConnectionPool.from_url(
        url,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=SOCKET_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


class ConnectionThrottle:
    """Lets calls of one connection through at `rate_per_s`, and none at all while the other system wants a pause."""

    def __init__(
        self,
        connection: str,
        rate_per_s: float | None = None,
        *,
        pool: redis.ConnectionPool | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`rate_per_s` None means that only asked-for pauses count; `pool` None that nothing is shared."""
        self._connection = connection
        self._clock, self._sleep = clock, sleep
        self._shared = None if pool is None else _Shared(connection, rate_per_s, pool)
        # Nobody knows how many processes there are; half the rate each is what a small set-up can stand.
        self._alone = _Window(connection, rate_per_s if pool is None else _half(rate_per_s), MemoryStorage())
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._paused_until = 0.0
        #: The newest mark of `lift_pause` that was seen here.
        self._lifted: bytes | None = None
        self._pause_read_at = float("-inf")

    def wait(self, deadline_s: float) -> None:
        """Return when one more call may go out; raises RateLimited when that is later than the deadline."""
        until = self._clock() + deadline_s
        while (pause := self._claim()) > 0:
            if self._clock() + pause > until:
                raise self._refusal(pause)
            # A little apart, so that all who wait do not come back at the same moment.
            step = min(pause, LOOK_S)
            self._sleep(step + random.uniform(0, 0.1 * step))  # noqa: S311  # no secret

    def slow_down(self, seconds: float) -> None:
        """The other system asked for a pause: no process sends anything on this connection for so long."""
        seconds = min(max(seconds, 0.0), LONGEST_S)
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)
        self._ask(lambda shared: shared.pause(seconds), None)

    def _refusal(self, pause: float) -> RateLimited:
        asked = self._paused_until > self._clock()
        text = (
            say("%(connection)s has asked us to wait, and that is not over yet", connection=self._connection)
            if asked
            else say(
                "the rate limit of connection %(connection)s has no room before the call's deadline",
                connection=self._connection,
            )
        )
        return RateLimited(
            text,
            retry_after_s=min(max(pause, SHORTEST_S), LONGEST_S),
            code="" if asked else RateLimited.OWN_RATE,
            status=None,
        )

    def _claim(self) -> float:
        """Take a place; 0 when there was one, else the seconds until it is worth asking again."""
        pause = self._pause_left()
        if pause > 0:
            return pause
        claimed = self._ask(lambda shared: shared.window.claim(), None)
        return self._alone.claim() if claimed is None else claimed

    def _pause_left(self) -> float:
        now = self._clock()
        if now - self._pause_read_at >= PAUSE_AGE_S:
            self._pause_read_at = now
            seen = self._ask(lambda shared: shared.look(), None)
            with self._lock:
                self._take(seen, now)
        return self._paused_until - now

    def _take(self, seen: tuple[float, bytes | None] | None, now: float) -> None:
        """What Redis says: a new mark ends what was told before it; a pause that stands there now was told after it."""
        if seen is None:
            return
        left, lifted = seen
        if lifted is not None and lifted != self._lifted:
            self._paused_until = 0.0
        self._lifted = lifted
        self._paused_until = max(self._paused_until, now + left)

    def _ask(self, question: Callable[[_Shared], _T], otherwise: _T) -> _T:
        """Ask Redis, unless there is none or it has just failed."""
        if self._shared is None or self._clock() < self._away_until:
            return otherwise
        try:
            return question(self._shared)
        except _AWAY:
            self._away_until = self._clock() + REST_S
            return otherwise


class _Window:
    """A moving window of `limits`: exact, and a burst is never more than one window's worth."""

    def __init__(self, connection: str, rate_per_s: float | None, storage: MemoryStorage | RedisStorage) -> None:
        self._limiter = MovingWindowRateLimiter(storage)
        self._item = None if rate_per_s is None else _item(rate_per_s)
        self._connection = connection

    def claim(self) -> float:
        if self._item is None or self._limiter.hit(self._item, _PREFIX, self._connection):
            return 0.0
        reset_at = self._limiter.get_window_stats(self._item, _PREFIX, self._connection).reset_time
        # `limits` counts by the wall clock; a jump of it must neither spin nor stall.
        return min(max(reset_at - time.time(), 0.01), self._item.get_expiry())

    def room(self) -> tuple[int | None, int | None, int | None]:
        """(calls a window, seconds a window, calls that still fit in); Nones where nothing is limited."""
        if self._item is None:
            return None, None, None
        left = self._limiter.get_window_stats(self._item, _PREFIX, self._connection).remaining
        return self._item.amount, self._item.get_expiry(), left


class _Storage(RedisStorage):
    """Imports the client that we use, not every other that may be installed: in each drain that took 70 ms."""

    DEPENDENCIES = {"redis": RedisStorage.DEPENDENCIES["redis"]}  # noqa: RUF012 - its type is the base class's


class _Shared:
    """What all processes see of one connection."""

    def __init__(self, connection: str, rate_per_s: float | None, pool: redis.ConnectionPool) -> None:
        self._redis: redis.Redis = redis.Redis(connection_pool=pool)
        self._key = f"{_PREFIX}:pause:{connection}"
        self._lifted = f"{_PREFIX}:lifted:{connection}"
        self.window = _Window(connection, rate_per_s, _Storage("redis://", connection_pool=pool))

    def pause(self, seconds: float) -> None:
        """Only ever lengthens: a short answer to one worker does not end the long pause told to another."""
        if self.pause_left() < seconds:
            self._redis.set(self._key, "1", px=max(1, int(seconds * 1000)))

    def pause_left(self) -> float:
        return max(0.0, self._redis.pttl(self._key) / 1000)

    def look(self) -> tuple[float, bytes | None]:
        """(seconds that the pause still lasts, the mark of who lifted one last), in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.pttl(self._key)
        pipeline.get(self._lifted)
        left, lifted = pipeline.execute()
        return max(0.0, left / 1000), lifted

    def lift(self) -> bool:
        """The mark lives longer than any pause that it ends."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.delete(self._key)
        pipeline.set(self._lifted, secrets.token_hex(8), ex=int(2 * LONGEST_S))
        deleted, _ = pipeline.execute()
        return bool(deleted)


@dataclasses.dataclass(frozen=True, slots=True)
class Budget:
    """What one connection may send now; `limit` and `left` are None without a rate of ours."""

    #: Calls in each window, how long a window is, and how many of them may still go out in this one.
    limit: int | None
    window_s: int | None
    left: int | None
    #: For how long the other system wants no call at all.
    paused_s: float


def read_budget(connection: str, rate_per_s: float | None, *, pool: redis.ConnectionPool) -> Budget | None:
    """What all processes together may still send, for people to see; takes nothing. None when Redis is away."""
    shared = _Shared(connection, rate_per_s, pool)
    try:
        paused_s = shared.pause_left()
        return Budget(*shared.window.room(), paused_s)
    except _AWAY:
        return None


def lift_pause(connection: str, *, pool: redis.ConnectionPool) -> bool | None:
    """End the pause that the other system asked for, in every running process within LOOK_S; whether there was one.

    None when Redis is away: then each process keeps what it was told until its time is over.
    """
    try:
        return _Shared(connection, None, pool).lift()
    except _AWAY:
        return None


def _half(rate_per_s: float | None) -> float | None:
    return None if rate_per_s is None else rate_per_s / 2


def _item(rate_per_s: float) -> RateLimitItem:
    """2.5 a second is 5 in 2 seconds; the shortest window that says the rate exactly, or nearly and below."""
    rate = fractions.Fraction(rate_per_s).limit_denominator(60)
    if rate == 0 or rate > rate_per_s * (1 + 1e-9):
        rate = fractions.Fraction(1, -int(-1 // rate_per_s)) if rate_per_s < 1 else fractions.Fraction(int(rate_per_s))
    return RateLimitItemPerSecond(rate.numerator, rate.denominator)
