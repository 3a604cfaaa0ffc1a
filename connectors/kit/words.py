"""Texts for people with their values apart: whoever shows one can translate it first.

The same as `mappings.canonical.words`, and its reasons stand there: connectors and mappings do not know each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Self


class Phrase(str):
    """A text with `%(name)s` for each of its values; `plural` where it depends on `number`."""

    __slots__ = ("number", "plural", "template", "values")

    template: str
    plural: str
    number: int | None
    values: Mapping[str, str | float]

    def __new__(
        cls, template: str, plural: str = "", number: int | None = None, values: Mapping[str, object] | None = None
    ) -> Self:
        """In English. Values become text, or stay numbers; one that is a Phrase itself is translated with it."""
        # `str` of an error is what it was raised with, so words inside of words stay translatable.
        kept = {name: value if isinstance(value, int | float) else str(value) for name, value in (values or {}).items()}
        chosen = plural if plural and number != 1 else template
        made = super().__new__(cls, chosen % kept if kept else chosen)
        made.template, made.plural, made.number, made.values = template, plural, number, kept
        return made

    def __str__(self) -> str:
        """Itself: `str(error)` keeps what the error was raised with."""
        return self

    def __reduce__(self) -> tuple[type[Phrase], tuple[object, ...]]:
        """Copied and pickled with its parts."""
        return Phrase, (self.template, self.plural, self.number, dict(self.values))

    def filled(self, **values: object) -> Phrase:
        """The same text with these values."""
        return Phrase(self.template, self.plural, self.number, values)

    def mapped(self, change: Callable[[str], str]) -> Phrase:
        """The same text with each value changed, those inside of values too."""

        def changed(value: str | float) -> str | float:
            if isinstance(value, Phrase):
                return value.mapped(change)
            return change(value) if isinstance(value, str) else value

        return self.filled(**{name: changed(value) for name, value in self.values.items()})


def say(template: str, /, **values: object) -> Phrase:
    """One text. Without values its `%` stand for themselves."""
    return Phrase(template, values=values)


def say_many(one: str, many: str, count: int, /, **values: object) -> Phrase:
    """A text for one and for any other `count`; `%(count)s` may stand in both."""
    return Phrase(one, many, count, {"count": count, **values})


def quote(text: str) -> Phrase:
    """Somebody else's words, or names alone: nobody translates them."""
    return say("%(text)s", text=text)


def joined(separator: str, texts: Iterable[str]) -> Phrase:
    """Several texts in one, each translated by itself; `separator` is punctuation."""
    values = {f"text_{index}": text for index, text in enumerate(texts)}
    return Phrase(separator.join(f"%({name})s" for name in values), values=values)
