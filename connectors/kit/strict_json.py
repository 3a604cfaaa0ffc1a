"""JSON as it must be read where money and ids are inside: exact, unambiguous, bounded.

`json.loads` takes NaN, silently keeps the last of two equal keys, turns 1e400 into infinity and 0.1 into a float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

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
#: The end of a name that `text.count('":')` does not see.
_SPACED_COLON = re.compile(r'"[ \t\r\n]+:')
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
        value = json.loads(text, parse_float=_decimal, parse_constant=_refuse_constant)
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
        _check_names(text, _count_names(value))
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
    msg = f"it holds {name}, which is no number"
    raise InvalidJson(msg)


def _check_halves(text: str) -> None:
    """Raise InvalidJson when there is half of a character without its other half.

    A page with one emoji has thousands of escapes; counting tells nearly always that none of them is alone.
    """
    halves = len(_SURROGATE.findall(text))
    if halves != 2 * len(_PAIR.findall(text)) and any(escape[1] for escape in _ESCAPE.finditer(text)):
        raise InvalidJson("it holds half of a character")


def _check_names(text: str, kept: int) -> None:
    r"""Raise InvalidJson when an object has a name twice; `kept` is how many names the result has.

    A lost name cannot be seen in the result, and the hook of `json` that sees it makes every page half as fast. So
    names are counted: in valid JSON `":` ends a name, or stands in a string as `\":`. Hence as many in the text as
    in the result prove that none is lost; only a doubt pays for the hook.
    """
    if text.count('":') != kept or _SPACED_COLON.search(text):
        json.loads(text, object_pairs_hook=_refuse_equal_names)


def _refuse_equal_names(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _value in pairs}) != len(pairs):
        raise InvalidJson("an object in it has the same name twice")


def _count_names(value: object) -> int:
    """How many names all objects of a document have together. Raises InvalidJson when it is too deep.

    Level by level instead of recursively: the depth of the stack is the very thing in doubt.
    """
    names = 0
    level = [value]
    for _ in range(MAX_DEPTH):
        deeper: list[Any] = []
        for node in level:
            if type(node) is dict:
                names += len(node)
                children: Iterable[Any] = node.values()
            elif type(node) is list:
                children = node
            else:
                continue
            # Most objects are leaves, and this finds it out without a loop of Python.
            if not _CONTAINERS.isdisjoint(map(type, children)):
                deeper += [child for child in children if type(child) in _CONTAINERS]
        if not deeper:
            return names
        level = deeper
    msg = f"it is nested deeper than {MAX_DEPTH} levels"
    raise InvalidJson(msg)
