"""A list of what changed, from which a reader can go on anywhere without a loss."""

from __future__ import annotations

import bisect
from collections.abc import Callable


class ChangeLog:
    """Numbers every change of a record, from 1, in the order in which it became visible.

    Its number is a perfect place to go on from: it is given when the change is committed, so no lower one can appear
    later, and a record that changes during a walk moves to the end and comes again.
    """

    def __init__(self) -> None:
        self._records: list[int] = []
        self._times: list[str] = []
        self._newest: dict[int, int] = {}

    @property
    def last(self) -> int:
        """The number of the newest change; 0 before the first."""
        return len(self._records)

    def touch(self, record: int, at: str) -> None:
        """`record` changed at this time (ISO-8601 in UTC)."""
        # A clock that was set back must not unsort the times.
        self._times.append(max(at, self._times[-1]) if self._times else at)
        self._records.append(record)
        self._newest[record] = len(self._records)

    def before(self, moment: str) -> int:
        """The number of the last change before `moment`."""
        return bisect.bisect_left(self._times, moment)

    def after(
        self, number: int, limit: int, wanted: Callable[[int], bool] = lambda _: True
    ) -> tuple[list[tuple[int, int]], int]:
        """Up to `limit` records with the number of their newest change, and the number up to which all is told."""
        found: list[tuple[int, int]] = []
        for position in range(number, len(self._records)):
            record = self._records[position]
            if self._newest[record] == position + 1 and wanted(record):
                if len(found) == limit:
                    return found, position
                found.append((record, position + 1))
        return found, max(number, len(self._records))
