"""Reading JSON text strictly: exact numbers, no doubtful values, and no text that can take the process down.

`json.loads` alone accepts NaN, turns 1e400 into infinity, keeps the last of two equal keys without a word, and
leaves RecursionError and ValueError to its caller.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final, NoReturn

from mappings.canonical.errors import MappingError

#: Levels of nesting; the deepest order that we ever saw has nine.
MAX_DEPTH: Final = 100
#: Digits of one number, with sign, point and exponent; a double needs 24 at most.
MAX_NUMBER: Final = 100
_BYTE_ORDER_MARK: Final = "\ufeff"


def read_json(data: bytes | str) -> Any:  # noqa: ANN401 - JSON is any of seven types, and the caller looks
    """What `data` says, with every number that has a fraction or an exponent as Decimal.

    Raises MappingError with an empty path for anything that is not one JSON document in UTF-8 without byte order
    mark: NaN and Infinity, a key twice in one object, numbers of more than MAX_NUMBER characters, more than
    MAX_DEPTH levels.
    """
    text = _decoded(data) if isinstance(data, bytes) else data
    if not text.strip():
        raise MappingError("", "the text is empty, expected JSON")
    if text.startswith(_BYTE_ORDER_MARK):
        raise MappingError("", "the text starts with a byte order mark, expected JSON in UTF-8 without one")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        raise MappingError("", f"not JSON: {exc.msg} (line {exc.lineno}, column {exc.colno})") from None
    except RecursionError:
        raise MappingError("", f"nested more than {MAX_DEPTH} levels deep") from None
    # Counting the brackets is ten times cheaper than walking the value, and enough for most orders.
    if text.count("{") + text.count("[") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise MappingError("", f"nested more than {MAX_DEPTH} levels deep")
    return value


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        found = f"byte 0x{data[exc.start]:02x} at offset {exc.start}"
        raise MappingError("", f"not UTF-8 text ({found}), expected JSON in UTF-8") from None


def _deeper_than(value: object, levels: int) -> bool:
    """Whether containers nest more than `levels` deep; level by level, as recursion is what we guard against."""
    level = [value]
    for _ in range(levels + 1):
        level = [
            child
            for container in level
            if isinstance(container, dict | list)
            for child in (container.values() if isinstance(container, dict) else container)
        ]
        if not level:
            return False
    return True


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER:
        raise MappingError("", f"a number of {len(text)} digits ({text[:12]}...), expected {MAX_NUMBER} at most")
    return int(text)


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER:
        raise MappingError("", f"a number of {len(text)} characters ({text[:12]}...), expected {MAX_NUMBER} at most")
    try:
        return Decimal(text)
    except ArithmeticError:  # the exponent is beyond what Decimal can hold
        raise MappingError("", f"the number {text} is out of range") from None


def _constant(name: str) -> NoReturn:
    raise MappingError("", f"{name} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise MappingError("", f"the key {twice[:100]!r} stands twice in one object: which one counts?")
    return value


_DECODER: Final = json.JSONDecoder(
    parse_float=_decimal, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_object
)
