"""JSON as it must be read where money and ids are inside: exact, unambiguous, bounded.

`json.loads` takes NaN, silently keeps the last of two equal keys, turns 1e400 into infinity and 0.1 into a float.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

#: Deeper than any order, shallow enough that no later recursion (copying, dumping, comparing) can run out of stack.
MAX_DEPTH = 100
#: Longest fraction in characters; amounts have under 40.
MAX_NUMBER = 400
#: `Decimal("1e999999999")` is cheap to hold and takes a gigabyte to print.
MAX_EXPONENT = 400

#: Half of a character above U+FFFF; only in company of the other half may it stand.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_CONTAINERS = frozenset({dict, list})


class InvalidJson(ValueError):
    """The text is not JSON that can be trusted; the message says why and never quotes the text."""


def loads(text: bytes | str) -> Any:  # noqa: ANN401  # JSON is what it is
    """Read JSON: fractions and exponents become Decimal, a leading byte order mark is skipped.

    Raises InvalidJson for bad UTF-8, half surrogates, bad JSON, NaN and infinities, equal keys in one object, more
    than MAX_DEPTH levels, fractions out of all proportion and integers of more digits than Python reads (4,300).
    """
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")
        value = json.loads(
            text, parse_float=_decimal, parse_constant=_refuse_constant, object_pairs_hook=_refuse_equal_names
        )
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False, default=str).encode()
    except InvalidJson:
        raise
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}"
    except UnicodeError:
        problem = "it is not UTF-8, or holds half a character"
    except RecursionError:
        problem = f"it is nested deeper than {MAX_DEPTH} levels"
    except ValueError:
        problem = "a number in it is too long"
    else:
        _check_depth(value)
        return value
    # Raised outside of the handlers: the original exceptions carry the whole text along.
    raise InvalidJson(problem)


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > MAX_NUMBER or abs(number.adjusted()) > MAX_EXPONENT:
        raise InvalidJson("a number in it is too long or too large")
    return number


def _refuse_constant(name: str) -> None:
    msg = f"it holds {name}, which is no number"
    raise InvalidJson(msg)


def _refuse_equal_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidJson("an object in it has the same name twice")
    return found


def _check_depth(value: object) -> None:
    """Level by level instead of recursively: the depth of the stack is the very thing in doubt."""
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                deeper += [child for child in node.values() if type(child) in _CONTAINERS]
            elif isinstance(node, list):
                deeper += [child for child in node if type(child) in _CONTAINERS]
        if not deeper:
            return
        level = deeper
    msg = f"it is nested deeper than {MAX_DEPTH} levels"
    raise InvalidJson(msg)
