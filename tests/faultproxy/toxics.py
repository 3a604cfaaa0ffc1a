"""What may be wrong with a line: one toxic is one kind of trouble, in one direction, for some time."""

from __future__ import annotations

import dataclasses
import enum
import random
import threading
import time
from collections.abc import Mapping
from typing import Any


class ToxicError(ValueError):
    """A toxic cannot be used; the text says why."""


class Kind(enum.StrEnum):
    """Of a toxic; in brackets what it needs."""

    #: Everything comes `hold_s` later, and up to `jitter_s` more.
    LATENCY = "latency"
    #: No more than `bytes_per_s` go through.
    BANDWIDTH = "bandwidth"
    #: That one side has hung up is passed on `hold_s` later.
    SLOW_CLOSE = "slow_close"
    #: Connections are taken, and nothing comes through. Closed when it ends, or after `hold_s`: what came is lost.
    TIMEOUT = "timeout"
    #: The connection is reset (RST) at its next byte, after `hold_s`.
    RESET = "reset"
    #: Bytes come in pieces of `piece_bytes`, with `hold_s` between them.
    SLICE = "slice"
    #: Closed in order (FIN) after `limit_bytes` of the connection.
    LIMIT = "limit"


class Direction(enum.StrEnum):
    """Seen from who has dialled."""

    #: What it sends.
    UP = "up"
    #: What it is answered.
    DOWN = "down"
    BOTH = "both"


_NEEDS = {
    Kind.BANDWIDTH: "bytes_per_s",
    Kind.SLICE: "piece_bytes",
    Kind.LIMIT: "limit_bytes",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """One kind of trouble. It begins `after_s` from when it was added, and ends by itself `for_s` later if given."""

    kind: Kind
    direction: Direction = Direction.BOTH
    after_s: float = 0.0
    for_s: float | None = None
    hold_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    piece_bytes: int = 0
    limit_bytes: int = -1
    #: Of each connection; chosen by `seed` in the order in which they come.
    probability: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        needed = _NEEDS.get(self.kind)
        least = 0 if self.kind is Kind.LIMIT else 1
        if needed and getattr(self, needed) < least:
            raise ToxicError(f"{self.kind} needs {needed} of {least} or more, not {getattr(self, needed)}")


def toxic_from_json(script: Mapping[str, Any]) -> Toxic:
    """Raises ToxicError with the offending field."""
    unknown = script.keys() - {field.name for field in dataclasses.fields(Toxic)}
    if unknown:
        raise ToxicError(f"unknown field {min(unknown)!r}")
    try:
        kind = Kind(script.get("kind", ""))
        direction = Direction(script.get("direction", Direction.BOTH))
    except ValueError as error:
        raise ToxicError(f"{error}; kinds are {', '.join(Kind)}, directions {', '.join(Direction)}") from None
    return Toxic(**{**script, "kind": kind, "direction": direction})


class Dose:
    """A toxic in use, with what it has done."""

    def __init__(self, number: int, toxic: Toxic) -> None:
        self.number = number
        self.toxic = toxic
        #: Connections that it has touched.
        self.touched = 0
        self._random = random.Random(toxic.seed)
        self._from = time.monotonic() + toxic.after_s
        self._until = float("inf") if toxic.for_s is None else self._from + toxic.for_s
        self._chosen: dict[int, bool] = {}
        self._lock = threading.Lock()
        self._taken_out = threading.Event()

    def take_out(self) -> None:
        """It ends now."""
        self._taken_out.set()

    @property
    def over(self) -> bool:
        """It never acts again."""
        return self._taken_out.is_set() or time.monotonic() >= self._until

    def acts_on(self, connection: int, direction: Direction) -> bool:
        """Whether it acts now on this connection."""
        if self.over or time.monotonic() < self._from or self.toxic.direction not in {Direction.BOTH, direction}:
            return False
        with self._lock:
            if connection not in self._chosen:
                self._chosen[connection] = self._random.random() < self.toxic.probability
                self.touched += self._chosen[connection]
            return self._chosen[connection]

    def pause_s(self) -> float:
        """How long a latency holds what comes now."""
        with self._lock:
            return self.toxic.hold_s + self._random.random() * self.toxic.jitter_s
