"""The shelf of `connectors.kit.tokens` in Redis. A help and no truth: where Redis is away, each process goes alone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final, TypeVar

import redis

_PREFIX: Final = "crossdock:token"
#: Deletes a turn that is still ours, in one step.
_GIVE_UP: Final = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end"
_T = TypeVar("_T")


class RedisShelf:
    """See `connectors.kit.tokens.Shelf`."""

    def __init__(self, pool: redis.ConnectionPool) -> None:
        self._redis: redis.Redis = redis.Redis(connection_pool=pool)

    def get(self, name: str) -> bytes | None:
        """What lies there."""
        found = self._ask(lambda: self._redis.get(f"{_PREFIX}:{name}"), None)
        return found if isinstance(found, bytes) else None

    def put(self, name: str, value: bytes, ttl_s: float) -> None:
        """Lay it there."""
        self._ask(lambda: self._redis.set(f"{_PREFIX}:{name}", value, px=max(1, int(ttl_s * 1000))), None)

    def claim(self, name: str, ttl_s: float) -> str | None:
        """Take the turn; the empty mark where nobody can be asked."""
        mark = secrets.token_hex(8)
        key, ttl = f"{_PREFIX}:turn:{name}", max(1, int(ttl_s * 1000))
        nobody: str | None = ""
        return self._ask(lambda: mark if self._redis.set(key, mark, px=ttl, nx=True) else None, nobody)

    def give_up(self, name: str, mark: str) -> None:
        """Give the turn up."""
        if mark:
            self._ask(lambda: self._redis.eval(_GIVE_UP, 1, f"{_PREFIX}:turn:{name}", mark), None)

    @staticmethod
    def _ask(question: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return question()
        except (redis.RedisError, OSError):
            return otherwise
