"""What is written almost like something: suggestions for people, never acted upon by themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rapidfuzz import fuzz, process

#: Percent of likeness below which a suggestion is a guess.
_LEAST: Final = 70.0
_MOST: Final = 3
_SAME: Final = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Suggestion:
    """What a value may be meant as."""

    target: str
    #: Percent; 100 where signs between the parts, and case, are all that differs.
    likeness: int


class Similar:
    """Known names, made ready once: a catalogue is asked for each value that nobody knows."""

    def __init__(self, names: Mapping[str, str] | Iterable[str]) -> None:
        """Names -> what they are; names alone are themselves."""
        pairs = names if isinstance(names, Mapping) else {name: name for name in names}
        #: Folded name -> what it is; of names that differ in signs and case only, the first in order.
        self._folded: dict[str, str] = {}
        for name in sorted(pairs):
            if folded := _folded(name):
                self._folded.setdefault(folded, pairs[name])

    def to(self, value: str) -> list[Suggestion]:
        """What comes close, the closest first, each target once."""
        folded = _folded(value)
        if not folded:
            return []
        found = process.extract(folded, self._folded.keys(), scorer=fuzz.ratio, score_cutoff=_LEAST, limit=3 * _MOST)
        # Of equal ones always the same first, whatever the order in which they came.
        ordered = sorted(found, key=lambda each: (-each[1], each[0]))
        best: dict[str, int] = {}
        for name, score, _ in ordered:
            best.setdefault(self._folded[name], round(score))
        return [Suggestion(target, likeness) for target, likeness in best.items()][:_MOST]


def meant_by(suggestions: Sequence[Suggestion]) -> str:
    """The one name that differs in signs and case alone; empty where people must choose."""
    same = [each.target for each in suggestions if each.likeness == _SAME]
    return same[0] if len(same) == 1 else ""


def _folded(text: str) -> str:
    """Signs between the parts of a name, and its case, are what people write differently."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())
