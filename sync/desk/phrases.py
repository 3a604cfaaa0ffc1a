"""Texts for people with their values apart: whoever shows one can translate it first.

`say` and `say_many` mark their literals for the catalogue of translations, as `gettext` and `ngettext` would.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Phrase:
    """A text with `%(name)s` for each of its values; `many` where the text depends on `count`."""

    one: str
    many: str = ""
    count: int | None = None
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        """In English."""
        return (self.many if self.many and self.count != 1 else self.one) % self.values


class Refusal(Exception):
    """Something was not done, and why, in plain words."""

    def __init__(self, phrase: Phrase) -> None:
        """The words; without a full stop where they become a part of a sentence."""
        super().__init__(str(phrase))
        self.phrase = phrase


def say(text: str, **values: object) -> Phrase:
    """One text."""
    return Phrase(text, values=values)


def say_many(one: str, many: str, count: int, **values: object) -> Phrase:
    """A text for one and for any other `count`; `%(count)s` may stand in both."""
    return Phrase(one, many, count, {"count": count, **values})
