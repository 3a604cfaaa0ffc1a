"""What the options of steps may be: how each is read, and how it stands in the JSON Schema."""

from __future__ import annotations

import dataclasses
import re
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from mappings.canonical.words import say
from mappings.profiles.times import check_format

WORD_PATTERN: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_WHOLE: Final = re.compile(r"-?[0-9]{1,4}")
_FACTOR: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_MOST: Final = 200
_FLAGS: Final = {"yes": True, "true": True, "no": False, "false": False}

JsonSchema = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value in a profile: texts, lists and mappings of texts are what YAML gives."""

    #: Completes "found ..., expected ...".
    expected: str
    #: Raises ValueError for anything else.
    read: Callable[[Any], Any]
    schema: JsonSchema


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One option of a step."""

    kind: Kind
    meaning: str
    default: Any = None
    required: bool = False


def _anything(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError(value)


def _characters(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MOST:
        raise ValueError(value)
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str) or not WORD_PATTERN.fullmatch(value):
        raise ValueError(value)
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, str) or not _WHOLE.fullmatch(value):
        raise ValueError(value)
    return int(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, str) or value not in _FLAGS:
        raise ValueError(value)
    return _FLAGS[value]


def _factor(value: Any) -> Decimal:
    if not isinstance(value, str) or not _FACTOR.fullmatch(value) or not Decimal(value):
        raise ValueError(value)
    return Decimal(value)


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    if not items or len(items) > _MOST or not all(isinstance(item, str) for item in items):
        raise ValueError(value)
    return tuple(items)


def _choices(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not 0 < len(value) <= _MOST:
        raise ValueError(value)
    return {key: _anything(item) for key, item in value.items()}


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(value: Any) -> zoneinfo.ZoneInfo:
    if not isinstance(value, str) or value not in _zones():
        raise ValueError(value)
    return zoneinfo.ZoneInfo(value)


def one_of(*words: str) -> Kind:
    """One of a closed list of words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(value)
        return str(value)

    shown = ", ".join(repr(word) if not word.isalpha() else word for word in words)
    return Kind(say("one of %(words)s", words=shown), read, {"enum": list(words)})


#: A scalar that an editor may take for a number or a truth value: here it is text all the same.
_SCALAR: Final[JsonSchema] = {"type": ["string", "number", "boolean"]}

ANYTHING: Final = Kind(say("text"), _anything, _SCALAR)
CHARACTERS: Final = Kind(
    say("a text of 1 to 200 characters"),
    _characters,
    {"type": ["string", "number"], "minLength": 1, "maxLength": _MOST},
)
WORD: Final = Kind(
    say("a name of small letters, digits and _"), _word, {"type": "string", "pattern": f"^{WORD_PATTERN.pattern}$"}
)
WHOLE: Final = Kind(say("a whole number"), _whole, {"type": "integer", "minimum": -9999, "maximum": 9999})
FLAG: Final = Kind(say("yes or no"), _flag, {"enum": ["yes", "no", True, False]})
FACTOR: Final = Kind(
    say("a number above 0 such as 1000 or 0.4536"),
    _factor,
    {"type": ["string", "number"], "pattern": f"^{_FACTOR.pattern}$", "exclusiveMinimum": 0},
)
TEXT: Final = Kind(
    say("a text or a list of texts"),
    _texts,
    {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": _MOST}]},
)
CHOICES: Final = Kind(
    say("a mapping of words to words"),
    _choices,
    {"type": "object", "additionalProperties": _SCALAR, "minProperties": 1, "maxProperties": _MOST},
)
ZONE: Final = Kind(say("a time zone such as Europe/Berlin"), _zone, {"type": "string"})
#: A look-up table has a handful.
MOST_FACTS: Final = 8


def _no_expressions(value: Any) -> Any:
    raise ValueError(value)


#: Names with expressions: whoever reads rules compiles them, as all others.
FACTS: Final = Kind(
    say("a mapping of names to expressions"),
    _no_expressions,
    {
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/expression"},
        "propertyNames": {"pattern": f"^{WORD_PATTERN.pattern}$"},
        "minProperties": 1,
        "maxProperties": MOST_FACTS,
    },
)
FORMAT: Final = Kind(say("iso, epoch, epoch_ms or a format such as %d.%m.%Y %H:%M"), check_format, {"type": "string"})
