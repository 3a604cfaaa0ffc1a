"""Marshmallow fields over texts: each says what it found, what it expected and how it is documented.

A field takes what `config.yamlfile` reads and `config.references` resolves: texts, lists and mappings. What it refuses
is a `Complaint`, which the loader makes a `Problem` with its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from marshmallow import ValidationError, fields

from config.kinds import Kind
from config.model import NO_SECRET, Secret
from config.problems import shown
from config.references import Resolved

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Complaint:
    """A problem before its place is known."""

    found: str
    expected: str = ""
    next_step: str = ""
    #: It is the key that is wrong, not its value.
    at_key: bool = False


def complaint(found: str, expected: str = "", next_step: str = "") -> ValidationError:
    """The error that a field raises; marshmallow only carries it."""
    return ValidationError([Complaint(found, expected, next_step)])


def shown_value(value: object) -> str:
    """Like `shown`, but what came from the environment or a file appears as its reference."""
    return shown(value.written if isinstance(value, Resolved) else value)


class ConfigField(fields.Field[T]):
    """A field with what the reference page says about it."""

    #: Completes "found ..., expected ...".
    expected: str

    def __init__(
        self, description: str, expected: str, *, example: str = "", default: str = "", required: bool = False
    ) -> None:
        """`default` is how the default reads where the dataclass does not say it."""
        metadata = {"description": description, "example": example, "default": default}
        super().__init__(required=required, metadata=metadata)
        self.expected = expected

    def _take(self, value: Any) -> T:
        raise NotImplementedError

    def _deserialize(self, value: Any, *_of_marshmallow: Any, **_context: Any) -> T:
        return self._take(value)


class Scalar(ConfigField[T]):
    """One text, read by its kind."""

    def __init__(
        self, kind: Kind[T], description: str, *, example: str = "", default: str = "", required: bool = False
    ) -> None:
        super().__init__(description, kind.expected, example=example, default=default, required=required)
        self._kind = kind

    def _take(self, value: Any) -> T:
        if not isinstance(value, str):
            raise complaint(shown(value), self.expected)
        text = str(value)
        try:
            return self._kind.read(text)
        except ValueError:
            found = shown_value(value)
        # A hint quotes the text, so there is none for a text that the file does not show.
        hint = "" if isinstance(value, Resolved) else self._kind.hint(text)
        raise complaint(found, self.expected, hint)


class Address(Scalar[str]):
    """A URL; one with a user in it is not shown, because a password may stand beside it."""

    def _take(self, value: Any) -> str:
        if isinstance(value, str) and "@" in value and not isinstance(value, Resolved):
            raise complaint("an address with a user in it", self.expected, self._kind.hint("@"))
        return super()._take(value)


class SecretText(ConfigField[Secret]):
    """A secret: a reference to the environment or a file, or empty; never the text itself."""

    def __init__(self, description: str, *, example: str = "", required: bool = False) -> None:
        super().__init__(description, "${env:NAME} or ${file:PATH}", example=example, required=required)

    def _take(self, value: Any) -> Secret:
        if not isinstance(value, str):
            raise complaint(shown(value), self.expected)
        if isinstance(value, Resolved) and value.whole:
            if not value:
                raise complaint(f"{value.written}, which is empty", "a secret", "leave the key out where there is none")
            return Secret(str(value))
        if not value and not isinstance(value, Resolved):
            return NO_SECRET
        step = "put it into the environment or a file: configuration files are copied, committed and shown to people"
        raise complaint("a secret written into the file", self.expected, step)


class ListOf(ConfigField[tuple[T, ...]], Generic[T]):
    """A list of one kind of field."""

    def __init__(self, item: ConfigField[T], description: str, *, example: str = "") -> None:
        super().__init__(description, "a list", example=example)
        self.item = item

    def _take(self, value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise complaint(shown_value(value), self.expected, "write each item on a line of its own after a -")
        return tuple(_each(dict(enumerate(value)), lambda _, item: self.item.deserialize(_filled(item))).values())


class MapOf(ConfigField[dict[str, T]], Generic[T]):
    """A mapping from one kind of key to one kind of value."""

    def __init__(
        self, key: Kind[str], item: ConfigField[T], description: str, *, example: str = "", default: str = ""
    ) -> None:
        super().__init__(description, "a mapping", example=example, default=default)
        self.key, self.item = key, item

    def _take(self, value: Any) -> dict[str, T]:
        if not isinstance(value, dict):
            raise complaint(shown_value(value), self.expected)

        def take(key: str, item: Any) -> T:
            check_key(self.key, key)
            return self.item.deserialize(_filled(item))

        return _each(value, take)


class Free(ConfigField[dict[str, Any]]):
    """A mapping whose keys only its connector or mapping knows: texts, and lists and mappings of texts."""

    def __init__(self, description: str, *, example: str = "") -> None:
        super().__init__(description, "a mapping", example=example)

    def _take(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise complaint(shown_value(value), self.expected)
        return {key: _plain(item) for key, item in value.items()}


def check_key(kind: Kind[str], key: str) -> None:
    """Raise a complaint about the key itself unless it is of its kind."""
    try:
        kind.read(key)
    except ValueError:
        raise ValidationError([Complaint(shown(key), kind.expected, kind.hint(key), at_key=True)]) from None


_K = TypeVar("_K", int, str)


def _each(items: Mapping[_K, Any], take: Callable[[_K, Any], T]) -> dict[_K, T]:
    """Every item taken; all that are refused are raised together, under their keys."""
    taken: dict[_K, T] = {}
    refused: dict[_K, Any] = {}
    for key, item in items.items():
        try:
            taken[key] = take(key, item)
        except ValidationError as error:
            refused[key] = error.messages
    if refused:
        raise ValidationError(refused)
    return taken


def _filled(item: object) -> object:
    """Inside a list or mapping an empty value is an empty text; only a schema's key may be left empty."""
    return "" if item is None else item


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return "" if value is None else str(value)
