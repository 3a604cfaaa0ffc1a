"""Reading JSON text strictly: exact numbers, no doubtful values, and no text that can take the process down.

`json.loads` alone accepts NaN, turns 1e400 into infinity, keeps the last of two equal keys without a word, and
leaves RecursionError and ValueError to its caller. The connectors' kit reads what comes over HTTP by the same rules
with errors of its own; neither side may import the other.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from decimal import Decimal
from typing import Any, Final, NoReturn

from mappings.canonical.errors import MappingError
from mappings.canonical.words import say

#: Levels of nesting; the deepest order that we ever saw has nine.
MAX_DEPTH: Final = 100
#: Characters of a number with a fraction or an exponent, and the largest exponent; a double needs 24 and 324.
MAX_NUMBER: Final = 400
#: Half of a character above U+FFFF, which may only stand beside its other half.
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def read_json(data: bytes | str) -> Any:
    """What `data` says, with every number that has a fraction or an exponent as Decimal.

    A leading byte order mark is skipped. Raises MappingError with an empty path for anything that is not one JSON
    document in UTF-8: NaN and infinities, a key twice in one object, half a character, numbers out of all
    proportion, more than MAX_DEPTH levels.
    """
    text = (_decoded(data) if isinstance(data, bytes) else data).removeprefix("\ufeff")
    if not text.strip():
        raise MappingError("", say("the text is empty, expected JSON"))
    try:
        value = _DECODER.decode(text)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except json.JSONDecodeError as exc:
        reason = say(
            "not JSON: %(msg)s (line %(lineno)s, column %(colno)s)", msg=exc.msg, lineno=exc.lineno, colno=exc.colno
        )
    except UnicodeEncodeError:
        reason = say("a text in it holds half a character (a lone surrogate)")
    except RecursionError:
        reason = say("nested more than %(max_depth)s levels deep", max_depth=MAX_DEPTH)
    except ValueError:
        reason = say("a whole number in it has more digits than can be read")
    else:
        # Counting the brackets is ten times cheaper than walking the value, and enough for most orders.
        if text.count("{") + text.count("[") <= MAX_DEPTH or not _deeper_than(value, MAX_DEPTH):
            return value
        reason = say("nested more than %(max_depth)s levels deep", max_depth=MAX_DEPTH)
    # Raised outside of the handlers: the original errors carry the whole text along.
    raise MappingError("", reason)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as exc:
        found = f"byte 0x{data[exc.start]:02x} at offset {exc.start}"
    raise MappingError("", say("not UTF-8 text (%(found)s), expected JSON in UTF-8", found=found))


def _deeper_than(value: object, levels: int) -> bool:
    """Whether containers nest more than `levels` deep; level by level, as recursion is what we guard against."""
    level = [value]
    for _ in range(levels):
        children = itertools.chain.from_iterable(
            container.values() if isinstance(container, dict) else container
            for container in level
            if isinstance(container, dict | list)
        )
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:  # the exponent is beyond what Decimal can hold
        number = Decimal("NaN")
    if len(text) > MAX_NUMBER or not number.is_finite() or abs(number.adjusted()) > MAX_NUMBER:
        raise MappingError("", say("the number %(text)s is out of all proportion", text=text[:24]))
    return number


def _constant(name: str) -> NoReturn:
    raise MappingError("", say("%(name)s is not a JSON number", name=name))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = counts.most_common(1)[0][0]
        raise MappingError(
            "", say("the key %(twice)s stands twice in one object: which one counts?", twice=repr(twice[:100]))
        )
    return value


_DECODER: Final = json.JSONDecoder(parse_float=_decimal, parse_constant=_constant, object_pairs_hook=_object)
