"""Reading a connection's `options`: what only its system knows, as texts of the configuration or as Python values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from connectors.kit.errors import ConnectionBroken
from connectors.kit.words import say

_FLAGS: Final = {"true": True, "false": False}
T = TypeVar("T")


class Options:
    """Reads one connection's options by kind; what cannot be used raises ConnectionBroken naming it.

    The configuration file hands every scalar over as text, so that no YAML rule can change an id; tests and code
    hand over Python values. Both are taken.
    """

    def __init__(self, system: str, given: Mapping[str, Any], known: Collection[str]) -> None:
        """Refuses an option that the system does not have."""
        self._system = system
        self._given = given
        if unknown := sorted(set(given) - set(known)):
            raise ConnectionBroken(
                say(
                    "%(system)s has no option %(unknown)s; it has %(known)s",
                    system=system,
                    unknown=repr(unknown[0]),
                    known=", ".join(sorted(known)),
                ),
                code="option",
            )

    def refusal(self, name: str, expected: str) -> ConnectionBroken:
        """What says that an option cannot be used as it was given."""
        found = self._given.get(name)
        return ConnectionBroken(
            say(
                "option %(name)s of %(system)s must be %(expected)s, not %(found)s",
                name=repr(name),
                system=self._system,
                expected=expected,
                found=repr(found),
            ),
            code="option",
        )

    def text(self, name: str, default: str = "") -> str:
        """A text, or a number that is meant as one (an id); never empty where there is a default."""
        value = self._given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.refusal(name, "a text")
        if default and value == "":
            raise self.refusal(name, "a text that is not empty")
        return str(value)

    def address(self, name: str, default: str) -> str:
        """An http(s) address for people's browsers, without a slash at its end; the default is not looked at."""
        value = self.text(name)
        if not value:
            return default
        try:
            parts = urlsplit(value)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise self.refusal(name, "an address such as https://host/path")
        return value.rstrip("/")

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds."""
        value = self._given.get(name, default)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value)
        if type(value) is not int or not low <= value <= high:
            raise self.refusal(name, f"a whole number from {low} to {high}")
        return value

    def seconds(self, name: str, default: T) -> float | T:
        """A number of seconds, not negative."""
        value = self._given.get(name)
        if value is None:
            return default
        try:
            seconds = float(value) if not isinstance(value, bool) else -1.0
        except (TypeError, ValueError):
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            raise self.refusal(name, "a number of seconds")
        return seconds

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._given.get(name, default)
        value = _FLAGS.get(value, value) if isinstance(value, str) else value
        if not isinstance(value, bool):
            raise self.refusal(name, "true or false")
        return value

    def one_of(self, name: str, choices: Collection[str], default: str) -> str:
        """One word of several."""
        value = self._given.get(name, default)
        if value not in choices:
            raise self.refusal(name, " or ".join(choices))
        return str(value)

    def texts(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """A list of texts, each once."""
        value = self._given.get(name, default)
        if (
            not isinstance(value, list | tuple)
            or not value
            or not all(isinstance(item, str) and item for item in value)
        ):
            raise self.refusal(name, "a list of texts")
        return tuple(dict.fromkeys(value))
