"""Which articles go together, so that a shop that is written to product by product is called as rarely as it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def families(entries: Iterable[T], parent_of: Callable[[T], str]) -> dict[str, list[T]]:
    """Entries by the product that they belong to, in the order of each family's first; the others under nothing."""
    found: dict[str, list[T]] = {}
    for entry in entries:
        found.setdefault(parent_of(entry), []).append(entry)
    return found


def batches(due: Sequence[tuple[int, str]], size: int) -> list[list[int]]:
    """(item, its parent or nothing) in batches of at most `size` items.

    A family is parted only where it is larger than a batch, so its writes are as few calls as they can be:
    for n variations of a product n / size, rounded up. What belongs to nobody fills whole batches.
    """
    by_parent = families(due, lambda entry: entry[1])
    found = _cut([item for item, _ in by_parent.pop("", [])], size)
    for family in by_parent.values():
        for piece in _cut([item for item, _ in family], size):
            if not found or len(found[-1]) + len(piece) > size:
                found.append([])
            found[-1] += piece
    return found


def calls(entries: Sequence[T], size: int, parent_of: Callable[[T], str]) -> list[list[T]]:
    """The entries as the calls that write them: at most `size` in each, of one family."""
    return [call for family in families(entries, parent_of).values() for call in _cut(family, size)]


def _cut(entries: Sequence[T], size: int) -> list[list[T]]:
    return [list(entries[start : start + size]) for start in range(0, len(entries), size)]
