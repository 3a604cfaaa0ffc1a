r"""What a look-up row fits: a value, or a pattern with `*`, and conditions on what else is known. Pure.

    19-*                              any value that begins with 19-
    \*                                a star itself
    country=DE; rate=19..19.5         the country is DE and the rate from 19 to 19.5, both included
    title=MwSt*                       the title begins with MwSt

A pattern means the whole value, and knows no other sign than the star: matching one takes a time that grows with the
lengths of both, whatever it says. Upper and lower case differ, as they do in shops and ERPs.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final

from mappings.canonical.words import Phrase, say

_STAR: Final = re.compile(r"(?<!\\)\*")
_LONGEST_NUMBER: Final = 20
_INFINITE: Final = Decimal("Infinity")


class Kind(enum.StrEnum):
    """What a fact is, and so what a condition on it looks like."""

    TEXT = "text"
    #: A condition is a number or a range.
    NUMBER = "number"
    #: Two capitals.
    COUNTRY = "country"


#: What the conditions of a table ask for, by name.
Facts = Mapping[str, Kind]
NONE_DECLARED: Final[Facts] = MappingProxyType({})


class PatternRefused(Exception):
    """A condition cannot be read."""

    def __init__(self, phrase: Phrase) -> None:
        """Why."""
        super().__init__(phrase)
        self.phrase = phrase


def escaped(value: str) -> str:
    """How a value is written down that means itself."""
    return value.replace("*", r"\*")


@dataclasses.dataclass(frozen=True, slots=True)
class Glob:
    """A text in which stars stand for anything."""

    #: What stands between the stars; one piece means that there is none.
    pieces: tuple[str, ...]

    @classmethod
    def read(cls, text: str) -> Glob:
        """From how it is written down."""
        return cls(tuple(piece.replace(r"\*", "*") for piece in _STAR.split(text)))

    @property
    def is_exact(self) -> bool:
        """Whether it fits one text alone."""
        return len(self.pieces) == 1

    @property
    def literal(self) -> int:
        """How many characters it names."""
        return sum(map(len, self.pieces))

    def fits(self, text: str) -> bool:
        """Whether it is this text, or a pattern of it."""
        first, *middle = self.pieces
        if not middle:
            return text == first
        last = middle.pop()
        end = len(text) - len(last)
        if end < len(first) or not text.startswith(first) or not text.endswith(last):
            return False
        # The first place of each piece leaves the most room for the others.
        at = len(first)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    def meets(self, other: Glob) -> bool:
        """Whether there is a text that both fit."""
        if self.is_exact:
            return other.fits(self.pieces[0])
        if other.is_exact:
            return self.fits(other.pieces[0])
        # Between a common beginning and a common end there is room for the pieces of both.
        return _one_begins_other(self.pieces[0], other.pieces[0]) and _one_begins_other(
            self.pieces[-1][::-1], other.pieces[-1][::-1]
        )


def _one_begins_other(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """From one number to another, both included."""

    low: Decimal
    high: Decimal

    @classmethod
    def read(cls, text: str) -> Range:
        """From `19`, `19..19.5`, `19..` or `..7`. Raises PatternRefused."""
        low, dots, high = text.partition("..")
        if not dots:
            return cls(_number(low), _number(low))
        found = cls(_number(low) if low.strip() else -_INFINITE, _number(high) if high.strip() else _INFINITE)
        if found.low > found.high:
            raise PatternRefused(say("the range %(range)s ends before it begins", range=text))
        return found

    def fits(self, text: str) -> bool:
        """Whether a text is a number in between."""
        try:
            return self.low <= _number(text) <= self.high
        except PatternRefused:
            return False

    def meets(self, other: Range) -> bool:
        """Whether a number is in both."""
        return self.low <= other.high and other.low <= self.high

    @property
    def text(self) -> str:
        """Its one spelling."""
        if self.low == self.high:
            return f"{self.low:f}"
        return "..".join("" if each.is_infinite() else f"{each:f}" for each in (self.low, self.high))


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text.strip()) if len(text) <= _LONGEST_NUMBER else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER:
        raise PatternRefused(say("%(text)s is no number; write 19, 19..19.5, 19.. or ..7", text=repr(text[:40])))
    return number.normalize() + 0


@dataclasses.dataclass(frozen=True, slots=True)
class Conditions:
    """What else must be true for a row to count; all of it."""

    tests: Mapping[str, Glob | Range]
    #: Their one spelling.
    text: str

    @classmethod
    def read(cls, text: str, facts: Facts = NONE_DECLARED) -> Conditions:
        """From `country=DE; rate=19..19.5`; an empty text is no condition. Raises PatternRefused.

        `facts` are those of the table; a name that is none of them is read as a text.
        """
        tests: dict[str, Glob | Range] = {}
        words: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in text.split(";"))):
            name, sign, wanted = (each.strip() for each in part.partition("="))
            if not sign or not name or not wanted:
                raise PatternRefused(
                    say(
                        "a condition is written name=value, several with a semicolon between, not %(found)s", found=part
                    )
                )
            if name in tests:
                raise PatternRefused(say("there are two conditions on %(name)s", name=name))
            tests[name] = test = _test(facts.get(name, Kind.TEXT), wanted)
            words[name] = test.text if isinstance(test, Range) else wanted
        return cls(tests, "; ".join(f"{name}={words[name]}" for name in sorted(words)))

    def fit(self, facts: Mapping[str, Any]) -> bool:
        """Whether all of it is true; what is not known fits nothing but a star."""
        return all(test.fits(str(facts.get(name, ""))) for name, test in self.tests.items())

    def meet(self, others: Conditions) -> bool:
        """Whether there are facts that both fit: what only one of them asks for can always be."""
        return all(_meet(test, others.tests[name]) for name, test in self.tests.items() if name in others.tests)

    @property
    def weight(self) -> tuple[int, int, Decimal]:
        """How much they say; more beats less: how many, how many characters they name, how narrow their range is."""
        named = sum(test.literal for test in self.tests.values() if isinstance(test, Glob))
        widths = [test.high - test.low for test in self.tests.values() if isinstance(test, Range)]
        return len(self.tests), named, -min(widths, default=_INFINITE)


def _test(kind: Kind, wanted: str) -> Glob | Range:
    return Range.read(wanted) if kind is Kind.NUMBER else Glob.read(wanted)


def _meet(one: Glob | Range, other: Glob | Range) -> bool:
    if isinstance(one, Glob) and isinstance(other, Glob):
        return one.meets(other)
    # One name always asks for one sort of test.
    return isinstance(one, Range) and isinstance(other, Range) and one.meets(other)
