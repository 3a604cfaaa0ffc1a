"""Resolved references, believed for a while; shared by the threads of one connector."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

#: Entries kept at most; beyond that everything is asked again, which is rare and cheap.
_MAX_ENTRIES: Final = 50_000


class Aged(Generic[Key, Value]):
    """Found values by key, each with its age. What was not found is never kept: it may be added at any moment."""

    def __init__(self, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[Key, tuple[float, Value]] = {}

    def get_many(self, keys: Iterable[Key], max_age_s: float | None = None) -> dict[Key, Value]:
        """Those that are known and young enough; `max_age_s` can ask for younger ones than usual."""
        oldest = self._clock() - min(self._max_age_s, self._max_age_s if max_age_s is None else max_age_s)
        with self._lock:
            found = {key: self._entries[key] for key in keys if key in self._entries}
        return {key: value for key, (at, value) in found.items() if at > oldest}

    def put_many(self, values: Mapping[Key, Value]) -> None:
        """Keep values as of now."""
        now = self._clock()
        with self._lock:
            if len(self._entries) + len(values) > _MAX_ENTRIES:
                self._entries.clear()
            self._entries.update({key: (now, value) for key, value in values.items()})

    def forget(self, keys: Iterable[Key] | None = None) -> None:
        """Ask again, for some keys or for everything."""
        with self._lock:
            for key in list(self._entries) if keys is None else keys:
                self._entries.pop(key, None)
