"""JSON as it must be read where money and ids are inside: exact, unambiguous, bounded.

`json.loads` takes NaN, silently keeps the last of two equal keys, turns 1e400 into infinity and 0.1 into a float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from connectors.kit.words import say

#: Deeper than any order, shallow enough that no later recursion (copying, dumping, comparing) can run out of stack.
MAX_DEPTH = 100
#: Longest fraction in characters; amounts have under 40.
MAX_NUMBER = 400
#: `Decimal("1e999999999")` is cheap to hold and takes a gigabyte to print.
MAX_EXPONENT = 400

#: Every escape in turn, so that an escaped backslash is never taken for the beginning of the next; group 1 is half of
#: a character above U+FFFF without its other half.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F])|.)", flags=re.DOTALL
)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: Two halves that surely belong together: no other backslash stands before them. Begun with the look behind, it would
#: be tried at every character of a page.
_PAIR = re.compile(r"\\u(?<!\\\\u)[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
#: Everything but the brackets, which are left when these bytes are taken out.
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_CONTAINERS = frozenset({dict, list})


class InvalidJson(ValueError):
    """The text is not JSON that can be trusted; the message says why and never quotes the text."""


def loads(text: bytes | str) -> Any:
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
    except InvalidJson:
        raise
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at character {error.pos}"
    except UnicodeError:
        problem = "it is not UTF-8"
    except RecursionError:
        problem = f"it is nested deeper than {MAX_DEPTH} levels"
    except ValueError:
        problem = "a number in it is too long"
    else:
        _check_depth(text, value)
        _check_halves(text)
        return value
    # Raised outside of the handlers: the original exceptions carry the whole text along.
    raise InvalidJson(problem)


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except ArithmeticError:
        # An exponent that Decimal itself cannot hold.
        raise InvalidJson("a number in it is too long or too large") from None
    if len(text) > MAX_NUMBER or abs(number.adjusted()) > MAX_EXPONENT:
        raise InvalidJson("a number in it is too long or too large")
    return number


def _refuse_constant(name: str) -> None:
    msg = say("it holds %(name)s, which is no number", name=name)
    raise InvalidJson(msg)


def _check_halves(text: str) -> None:
    """Raise InvalidJson when there is half of a character without its other half.

    A page with one emoji has thousands of escapes; counting tells nearly always that none of them is alone.
    """
    halves = len(_SURROGATE.findall(text))
    if halves != 2 * len(_PAIR.findall(text)) and any(escape[1] for escape in _ESCAPE.finditer(text)):
        raise InvalidJson("it holds half of a character")


def _refuse_equal_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidJson("an object in it has the same name twice")
    return found


def _check_depth(text: str, value: object) -> None:
    """Raise InvalidJson when `value`, read from `text`, is too deep.

    The brackets alone tell it: each round takes the innermost pairs out. Walking through the value costs as much as
    reading it, and is done only where brackets inside of texts leave a doubt.
    """
    brackets = text.encode("utf-8", "surrogatepass").translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if _is_too_deep(value):
        msg = say("it is nested deeper than %(max_depth)s levels", max_depth=MAX_DEPTH)
        raise InvalidJson(msg)


def _is_too_deep(value: object) -> bool:
    """Level by level instead of recursively: the depth of the stack is the very thing in doubt."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if type(child) in _CONTAINERS]
        if not level:
            return False
    return True


def _children(node: object) -> Iterable[Any]:
    if type(node) is dict:
        return node.values()
    return node if type(node) is list else ()
