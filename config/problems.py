"""What is wrong with the configuration, in words for the person who wrote it: where, found, expected, next step."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Iterable

#: Longer texts are cut in messages: the place is named anyway.
_SHOWN_CHARS = 60


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position in a file; lines and columns count from 1, 0 means "not known"."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])

    @property
    def file_line(self) -> str:
        """`file:line`, as `Config.where` gives it."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. `found` and `expected` complete "found ..., expected ..."; neither holds a secret."""

    place: Place
    #: `connections.shop.url`; empty where the file itself is the problem.
    path: str
    found: str
    expected: str = ""
    #: What to do, as a sentence without its full stop; empty where `expected` says it.
    next_step: str = ""

    def __str__(self) -> str:
        place = ": ".join(part for part in (str(self.place), self.path) if part)
        expected = f", expected {self.expected}" if self.expected else ""
        return f"{place}: found {self.found}{expected}" + (f"; {self.next_step}" if self.next_step else "")


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds everything that is wrong with it, in order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        if not self.problems:
            raise ValueError("ConfigError without a problem")
        super().__init__("\n".join(str(problem) for problem in self.problems))


def visible(text: str) -> str:
    """The text on one line, with everything that a terminal would obey written as an escape."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shown(value: object) -> str:
    """A value as it stands in the file, for `Problem.found`; cut when long, on one line, nothing unprintable."""
    if isinstance(value, str):
        return repr(str(value) if len(value) <= _SHOWN_CHARS else value[: _SHOWN_CHARS - 3] + "...")
    if value is None:
        return "nothing"
    return "a mapping" if isinstance(value, dict) else "a list"


def did_you_mean(word: str, known: Collection[str], *, prefix: str = "", cutoff: float = 0.6) -> str:
    """`did you mean 'url'?`, or an empty text when nothing that is known comes close (`cutoff` as in difflib).

    `prefix` is what all names share: it is left out of `word` and `known`, and put back into the answer.
    """
    by_folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=cutoff)
    return f"did you mean {prefix + by_folded[close[0]]!r}?" if close else ""


def one_of(known: Iterable[str]) -> str:
    """`one of a, b, c`, for `Problem.expected`."""
    return "one of " + ", ".join(map(visible, known))
