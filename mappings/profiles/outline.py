"""A document of a source as a tree whose every value has the path by which a rule reads it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: Elements of one list that are told; the others look like them.
MOST_ELEMENTS: Final = 20
#: Entries of a whole tree: what a page can bear.
MOST_NODES: Final = 2_000
#: Characters of one value.
_SHOWN: Final = 120
#: What an expression may name without quotes.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Node:
    """One value of a document."""

    #: The key, or `[3]` in a list.
    name: str
    #: By which a rule of the order reads it: `source.rows[0]."Order no"`.
    path: str
    #: By which a rule for the records of the list that it is in does: `item."Order no"`; empty outside of lists.
    item: str
    #: What it is, cut; empty for what has children.
    value: str
    children: tuple[Node, ...] = ()
    #: Children that are not told.
    more: int = 0


def outline(document: Mapping[str, Any], most: int = MOST_NODES) -> tuple[Node, ...]:
    """The tree of a document, with at most so many nodes."""
    return tuple(_Outline(most).children(document, "source", ""))


def step_of(name: str) -> str:
    """A key as an expression names it: quoted where it is no plain word."""
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


class _Outline:
    def __init__(self, most: int) -> None:
        self._left = most

    def children(self, value: Any, path: str, item: str) -> Iterator[Node]:
        if isinstance(value, dict):
            for name, below in value.items():
                step = step_of(name)
                yield from self._node(str(name), below, f"{path}.{step}", f"{item}.{step}" if item else "")
        elif isinstance(value, list):
            for index, below in enumerate(value[:MOST_ELEMENTS]):
                yield from self._node(f"[{index}]", below, f"{path}[{index}]", "item")

    def _node(self, name: str, value: Any, path: str, item: str) -> Iterator[Node]:
        if self._left <= 0:
            return
        self._left -= 1
        children = tuple(self.children(value, path, item))
        length = len(value) if isinstance(value, dict | list) else 0
        yield Node(name, path, item, "" if length else _shown(value), children, length - len(children))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
