"""Slows down who tries passwords: by address, by account from one address, and by account as a whole.

Nobody can lock somebody else out: what strangers do to an account only makes its sign-ins take turns. The counters
are in the installation's Redis, so that all web processes count together, and in this process while that one is away.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

import structlog
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.model import Secret
from webapp.addresses import customer_network

log = structlog.get_logger(__name__)

#: Tries from one address (an IPv6 network of one customer), whatever the account.
PER_ADDRESS: Final = (RateLimitItemPerMinute(20), RateLimitItemPerHour(120))
#: Tries for one account from one address.
PER_PAIR: Final = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
#: Tries for one account from everywhere: from then on its sign-ins take turns.
PER_ACCOUNT: Final = (RateLimitItemPerHour(50),)
#: How long a turn takes, how many wait at a time, and what the others are told.
TURN_S: Final = 1.0
_WAITERS: Final = 2
_OTHERS_WAIT_S: Final = 3
#: How long Redis is left alone after it failed; each try may cost its time-out.
REST_S: Final = 30.0
_TIMEOUT_S: Final = 0.5
T = TypeVar("T")


class SignInThrottle:
    """Counts tries before they are made, so that many at once count as many."""

    def __init__(self, redis_url: Secret, *, instance: str) -> None:
        self._pool = ConnectionPool.from_url(
            redis_url.reveal(),
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            # redis-py's own retries would hold a sign-in up for seconds.
            retry=Retry(NoBackoff(), 0),
        )
        shared = RedisStorage("redis://", connection_pool=self._pool, key_prefix=f"{instance}:sign-in")
        self._shared, self._alone = MovingWindowRateLimiter(shared), MovingWindowRateLimiter(MemoryStorage())
        self._rest_until = 0.0
        self._turns = threading.BoundedSemaphore(_WAITERS)

    def wait_s(self, login: str, address: str) -> int:
        """Count one try; in how many seconds it may be made: 0 for now, which may itself have taken a turn."""
        account, network = _digest(login), customer_network(address)
        rules: list[tuple[RateLimitItem, tuple[str, ...]]] = [(item, ("address", network)) for item in PER_ADDRESS]
        rules += [(item, ("pair", account, network)) for item in PER_PAIR]
        refused = [(item, key) for item, key in rules if not self._ask(lambda one, i=item, k=key: one.hit(i, *k))]  # type: ignore[misc]
        if refused:
            return max(self._left_s(item, key) for item, key in refused)
        calm = [self._ask(lambda one, i=item: one.hit(i, "account", account)) for item in PER_ACCOUNT]  # type: ignore[misc]
        return 0 if all(calm) else self._take_turn()

    def token_wait_s(self, address: str) -> int:
        """Count one wrong token of the API; in how many seconds the next may be tried, 0 for now.

        Only wrong ones are counted, so a good one is never slowed down by what its neighbour mistypes. Nobody finds a
        token by trying: this spares the log and the database a program that does not give up.
        """
        key = ("token", customer_network(address))
        refused = [item for item in PER_ADDRESS if not self._ask(lambda one, i=item: one.hit(i, *key))]  # type: ignore[misc]
        return max((self._left_s(item, key) for item in refused), default=0)

    def succeeded(self, login: str, address: str) -> None:
        """Forget what this person mistyped."""
        key = ("pair", _digest(login), customer_network(address))
        for item in PER_PAIR:
            self._ask(lambda one, i=item: one.clear(i, *key))  # type: ignore[misc]

    def close(self) -> None:
        """Give the connections back."""
        self._pool.disconnect()

    def _take_turn(self) -> int:
        if not self._turns.acquire(blocking=False):
            return _OTHERS_WAIT_S
        try:
            time.sleep(TURN_S)
        finally:
            self._turns.release()
        return 0

    def _left_s(self, item: RateLimitItem, key: tuple[str, ...]) -> int:
        stats = self._ask(lambda one: one.get_window_stats(item, *key))
        return max(1, math.ceil(stats.reset_time - time.time()))

    def _ask(self, question: Callable[[MovingWindowRateLimiter], T]) -> T:
        """The shared counters' answer; our own's while Redis is away."""
        if time.monotonic() >= self._rest_until:
            try:
                return question(self._shared)
            except RedisError as error:
                self._rest_until = time.monotonic() + REST_S
                # The class alone: the text of a connection error may hold the server's address.
                log.warning("sign_in_limits_alone", error=type(error).__name__)
        return question(self._alone)


def _digest(login: str) -> str:
    """A key of fixed length: a stranger does not write our Redis."""
    return hashlib.blake2b(login.encode("utf-8", "replace"), digest_size=12).hexdigest()
