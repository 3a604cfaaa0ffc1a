"""Long lists in statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

#: SQLite takes no more values in one statement than some thousands, and a list of this length plans well on both.
MAX_LIST: Final = 500


def in_lists(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in lists that one statement takes."""
    for start in range(0, len(values), MAX_LIST):
        yield values[start : start + MAX_LIST]
