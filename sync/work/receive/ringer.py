"""Rings after a commit from a thread of its own, so that a queue that hangs never delays an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

import redis.exceptions
import structlog

from sync.work.receive.keeper import Keeper

log = structlog.get_logger(__name__)

#: (channel, kind) of a drain.
Bell = tuple[str, str]


class Ringer:
    """Remembers which drains to ring and rings each once, however often it was asked for meanwhile.

    A ring that fails is dropped: the dispatcher rings for everything that is due.
    """

    def __init__(self, ring: Callable[[str, str], object]) -> None:
        """`ring(channel, kind)` may raise redis.exceptions.RedisError or OSError."""
        self._ring = ring
        self._wake = threading.Condition()
        self._pending: set[Bell] = set()
        self._ended = False
        self.keeper = Keeper("ringer", self._serve)

    def ring(self, bells: Iterable[Bell]) -> None:
        """Have these rung soon; returns at once."""
        with self._wake:
            self._pending.update(bells)
            self._wake.notify()
        self.keeper.ensure()

    def close(self, timeout_s: float) -> bool:
        """Ring what is pending and end; whether it ended in time."""
        with self._wake:
            self._ended = True
            self._wake.notify()
        return self.keeper.end(timeout_s)

    def _serve(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._pending or self._ended)
                bells, self._pending = self._pending, set()
                if not bells:
                    return
            for channel, kind in sorted(bells):
                self._ring_one(channel, kind)

    def _ring_one(self, channel: str, kind: str) -> None:
        try:
            self._ring(channel, kind)
        except (redis.exceptions.RedisError, OSError) as error:
            log.warning("ring_failed", channel=channel, kind=kind, error=type(error).__name__)
