"""The time that one method has for all of its calls."""

from __future__ import annotations

import time
from typing import Final

from connectors.kit.errors import Transient

_SHORTEST_CALL_S: Final = 0.5


class Until:
    """When the last write of one method must have ended.

    The caller counts on `write_deadline_s` for the whole method (its lease, the settle time), also where a refused
    batch makes many calls of one.
    """

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        self._end = time.monotonic() + seconds

    def left_s(self) -> float:
        """Seconds for the next call. Raises Transient when it could not be answered any more."""
        left = self._end - time.monotonic()
        if left < _SHORTEST_CALL_S:
            raise Transient("not sent: the calls before it took all the time there was")
        return left
