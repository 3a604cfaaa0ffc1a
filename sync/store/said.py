"""Texts for people as they are kept: in English, and what it takes to say the same in another language.

The database keeps a phrase as its English text, a separator, and its parts as JSON, so whoever looks into a table reads
it, and a row that an older version wrote is a text like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from connectors.kit.words import Phrase as ConnectorPhrase
from mappings.canonical.words import Phrase

#: ASCII's record separator: nothing that people read has one, and what others send is rid of it.
_SEPARATOR: Final = "\x1e"
_MARK: Final = "\x1esaid"


def is_phrase(text: object) -> TypeGuard[Phrase]:
    """Whether a text can be translated: one of ours with its values, wherever it was made."""
    return isinstance(text, Phrase | ConnectorPhrase)


def dump_said(value: object) -> str:
    """JSON that keeps what is said in it apart from its values; times become text."""
    return json.dumps(_packed(value), ensure_ascii=False, default=str)


def load_said(text: str) -> Any:
    """The inverse."""
    return json.loads(text, object_hook=_unpacked)


class Said(TypeDecorator[str]):
    """A column of texts for people."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """With its parts; what somebody else has written cannot pretend to have any."""
        if value is None:
            return None
        if not is_phrase(value):
            return value.replace(_SEPARATOR, " ")
        return f"{value.replace(_SEPARATOR, ' ')}{_SEPARATOR}{dump_said(value)}"

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """A Phrase where it was kept as one."""
        if value is None or _SEPARATOR not in value:
            return value
        phrase: str = load_said(value.partition(_SEPARATOR)[2])
        return phrase


def _packed(value: object) -> object:
    if is_phrase(value):
        parts = [
            value.template,
            value.plural,
            value.number,
            {name: _packed(each) for name, each in value.values.items()},
        ]
        return {_MARK: parts}
    if isinstance(value, Mapping):
        return {name: _packed(entry) for name, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_packed(entry) for entry in value]
    return value


def _unpacked(data: dict[str, Any]) -> Any:
    # Inner ones come first, so the values of a phrase are what they were already.
    return Phrase(*data[_MARK]) if _MARK in data else data
