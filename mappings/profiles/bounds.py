"""How much a profile may ask of one document, and how it is counted.

Nothing here looks at a clock: a hostile profile ends at the same step on every machine. A closure of an expression
costs at most its own length each time it runs, so only what repeats is counted: the elements that projections, filters
and flattening go through (each with the length of what is done to it), the records of scopes, and the size of what
functions make.
"""

from __future__ import annotations

from typing import Any, Final

from mappings.canonical.words import say

#: Of one profile.
MAX_RULES: Final = 500
#: Characters of one expression, and how deep its parts may nest.
MAX_EXPRESSION: Final = 500
MAX_NESTING: Final = 32
#: Steps for one document: 500 lines with 40 rules that each look through a list of ten.
MAX_STEPS: Final = 250_000
#: Characters of a text that a function or a step makes: what an order can hold.
MAX_TEXT: Final = 65_535
#: Levels of a list or object that an expression makes.
MAX_DEPTH: Final = 32
#: What has parts. A tuple: `dict | list` makes a new type each time that it is asked, in as long as a rule takes.
PARTED: Final = (dict, list)


class Failed(Exception):
    """An expression, function or step cannot do what it is asked to with this value; the text is for people."""


class TooMuch(Failed):
    """The profile asks for more than any document may cost; nothing of it is done any more."""


class Budget:
    """The steps that are left for one document."""

    __slots__ = ("left",)

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self.left = steps

    def spend(self, steps: int) -> None:
        """Take these steps off. Raises TooMuch when there are not so many."""
        self.left -= steps
        if self.left < 0:
            raise TooMuch(
                say("the profile takes more than %(steps)s steps on this document and was stopped", steps=MAX_STEPS)
            )


def room_for(length: int) -> None:
    """Asked before a text of this length is made. Raises Failed for one that no order can hold."""
    if length > MAX_TEXT:
        raise Failed(
            say("it makes a text of %(length)s characters, expected %(most)s at most", length=length, most=MAX_TEXT)
        )


def sized(text: str, budget: Budget) -> str:
    """A text that was just made, paid for. Raises Failed for one that no order can hold."""
    length, left = len(text), budget.left
    if length < 256 and left > 0:  # noqa: PLR2004 - nearly all of them are short
        budget.left = left - 1
        return text
    room_for(length)
    budget.spend(1 + length // 256)
    return text


def measured(value: Any, budget: Budget) -> Any:
    """A value whose every part is paid for, shared parts as often as they appear. Raises Failed beyond MAX_DEPTH.

    `[@, @] | [@, @] | ...` shares its halves and costs nothing to make, yet has a million leaves for whoever goes
    through it: this is who does so first.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for each in level:
            if isinstance(each, PARTED):
                budget.spend(1 + len(each))
                below.extend(
                    part for part in (each.values() if isinstance(each, dict) else each) if isinstance(part, PARTED)
                )
        if not below:
            return value
        level = below
    raise Failed(say("it makes a value nested more than %(levels)s levels deep", levels=MAX_DEPTH))
