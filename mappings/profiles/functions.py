"""The functions of expressions: a closed list, each of them documented here and nowhere else.

JMESPath's own functions are not there but for those of the same name below: nothing sorts, sums or maps by an
expression, so nothing computes with amounts and nothing costs more than its arguments are long.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError

from mappings.canonical.fields import Number
from mappings.canonical.fields import shown as shown_value
from mappings.canonical.words import say
from mappings.profiles.bounds import MAX_TEXT, PARTED, Budget, Failed, room_for, sized

#: What an argument may be -> how messages call it.
KINDS: Final[Mapping[str, str]] = {
    "any": say("any value"),
    "scalar": say("text, a number, true or false"),
    "text": say("text"),
    "list": say("a list"),
    "object": say("an object"),
    "size": say("a whole number from 0 to 65535"),
}


#: Making a field costs more than using it.
_NUMBER: Final = Number()
_NO_DIGIT: Final = re.compile("[^0-9]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """One function: what it takes, what it does; null as an argument gives null unless `nulls`."""

    name: str
    #: Argument name -> kind; the last one may repeat where `variadic`.
    arguments: Mapping[str, str]
    meaning: str
    example: str
    run: Callable[[Sequence[Any], Budget], Any]
    nulls: bool = False
    variadic: bool = False

    @property
    def signature(self) -> str:
        """`replace(text, old, new)`."""
        return f"{self.name}({', '.join(self.arguments)}{', ...' if self.variadic else ''})"

    def takes(self, count: int) -> bool:
        """Whether it may be called with so many arguments."""
        return count >= len(self.arguments) if self.variadic else count == len(self.arguments)

    @property
    def types(self) -> tuple[type | tuple[type, ...], ...]:
        """What each argument must be an instance of; `size` is looked at more closely."""
        return tuple(_TYPES[kind] for kind in self.arguments.values())

    def __call__(self, values: Sequence[Any], budget: Budget) -> Any:
        """The result. Raises Failed for an argument of another kind."""
        if not self.nulls and None in values:
            return None
        kinds = list(self.arguments.items())
        for index, value in enumerate(values):
            name, kind = kinds[min(index, len(kinds) - 1)]
            if not _is(kind, value):
                raise Failed(
                    say(
                        "%(function)s takes %(kind)s as %(argument)s, and was given %(value)s",
                        function=self.name,
                        kind=KINDS[kind],
                        argument=name,
                        value=shown_value(value),
                    )
                )
        return self.run(values, budget)


_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "any": object,
    "scalar": (str, bool, int, Decimal),
    "text": str,
    "list": list,
    "object": dict,
    "size": int,
}


def _is(kind: str, value: object) -> bool:
    if kind == "size":
        return type(value) is int and 0 <= value <= MAX_TEXT
    return isinstance(value, _TYPES[kind])


def as_text(value: object) -> str:
    """A scalar as people write it: `2.50`, `true`; never an exponent."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 256:  # noqa: PLR2004 - far beyond any id, and str() may refuse it
        raise Failed(say("found an enormous number, expected text"))
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _number(values: Sequence[Any], _: Budget) -> Decimal:
    try:
        return _NUMBER.read(values[0])
    except ValidationError as error:
        raise Failed(error.messages[0]) from None


def _replace(values: Sequence[Any], budget: Budget) -> str:
    text, old, new = values
    if not old:
        raise Failed(say("replace cannot look for an empty text"))
    # Counted before it is made: a short text can become a huge one.
    room_for(len(text) + text.count(old) * (len(new) - len(old)))
    return sized(text.replace(old, new), budget)


def _split(values: Sequence[Any], budget: Budget) -> list[str]:
    text, by = values
    if not by:
        raise Failed(say("split needs a separator"))
    parts: list[str] = [part.strip() for part in text.split(by)]
    budget.spend(len(parts))
    return parts


def _join(values: Sequence[Any], budget: Budget) -> str:
    separator, parts = values
    budget.spend(len(parts))
    if any(isinstance(part, PARTED) for part in parts):
        raise Failed(say("join takes a list of texts"))
    texts = [as_text(part) for part in parts if part is not None]
    room_for(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return sized(separator.join(texts), budget)


def _contains(values: Sequence[Any], budget: Budget) -> bool:
    within, sought = values
    if isinstance(within, str):
        return isinstance(sought, str) and sought in within
    if not isinstance(within, list):
        raise Failed(say("contains looks into text or a list"))
    budget.spend(len(within))
    return any(same(each, sought) for each in within)


def same(left: object, right: object) -> bool:
    """Whether two scalars are equal; true is not 1."""
    return isinstance(left, bool) == isinstance(right, bool) and left == right


def _find(values: Sequence[Any], budget: Budget) -> Any:
    elements, key, sought = values
    budget.spend(len(elements))
    wanted = as_text(sought)
    for each in elements:
        if isinstance(each, dict):
            found = each.get(key)
            if isinstance(found, _TYPES["scalar"]) and as_text(found) == wanted:
                return each
    return None


def _length(values: Sequence[Any], _: Budget) -> int:
    if not isinstance(values[0], str | list | dict):
        raise Failed(say("length measures text, a list or an object"))
    return len(values[0])


def _unique(values: Sequence[Any], budget: Budget) -> list[Any]:
    budget.spend(len(values[0]))
    if any(isinstance(each, PARTED) for each in values[0]):
        raise Failed(say("unique takes a list of texts or numbers"))
    return list({(type(each) is bool, each): each for each in values[0]}.values())


def _digits(values: Sequence[Any], budget: Budget) -> str:
    return sized(_NO_DIGIT.sub("", values[0]), budget)


def _listed(values: Sequence[Any], budget: Budget) -> list[Any]:
    budget.spend(len(values[0]))
    return list(values[0])


def _values(values: Sequence[Any], budget: Budget) -> list[Any]:
    return _listed([values[0].values()], budget)


_ALL: Final = (
    Function(
        "text",
        {"value": "scalar"},
        say("A number or truth value as text."),
        "text(`7`)",
        lambda v, b: sized(as_text(v[0]), b),
    ),
    Function("number", {"value": "scalar"}, say("Text as a number, for comparisons."), "number('7.5') > `7`", _number),
    Function(
        "trim",
        {"text": "text"},
        say("Without blanks at both ends."),
        "trim(' a ')",
        lambda v, b: sized(v[0].strip(), b),
    ),
    Function("upper", {"text": "text"}, say("In capitals."), "upper('de')", lambda v, b: sized(v[0].upper(), b)),
    Function("lower", {"text": "text"}, say("In small letters."), "lower('DE')", lambda v, b: sized(v[0].lower(), b)),
    Function(
        "cut",
        {"text": "text", "length": "size"},
        say("Its first characters."),
        "cut('abcdef', `3`)",
        lambda v, b: sized(v[0][: v[1]], b),
    ),
    Function("digits", {"text": "text"}, say("Its digits alone."), "digits('+49 (0) 30')", _digits),
    Function(
        "replace",
        {"text": "text", "old": "text", "new": "text"},
        say("Every `old` as `new`; no patterns."),
        "replace('a-b', '-', '')",
        _replace,
    ),
    Function(
        "split",
        {"text": "text", "by": "text"},
        say("Its parts between the separators, trimmed."),
        "split('a; b', ';')",
        _split,
    ),
    Function(
        "join",
        {"by": "text", "list": "list"},
        say("The texts of a list, with `by` between them; null is left out."),
        "join(', ', ['a', 'b'])",
        _join,
    ),
    Function(
        "contains",
        {"in": "any", "value": "scalar"},
        say("Whether a text or a list has it."),
        "contains(['a', 'b'], 'b')",
        _contains,
    ),
    Function(
        "starts_with",
        {"text": "text", "start": "text"},
        say("Whether it begins so."),
        "starts_with('INV-1', 'INV-')",
        lambda v, _: v[0].startswith(v[1]),
    ),
    Function(
        "ends_with",
        {"text": "text", "end": "text"},
        say("Whether it ends so."),
        "ends_with('a.pdf', '.pdf')",
        lambda v, _: v[0].endswith(v[1]),
    ),
    Function(
        "length",
        {"value": "any"},
        say("Characters of a text, elements of a list, keys of an object."),
        "length('abc')",
        _length,
    ),
    Function(
        "find",
        {"list": "list", "key": "text", "value": "scalar"},
        say("The first object of a list with this value, as text, in its `key`: how one list refers to another."),
        "find([{id: '1', name: 'x'}], 'id', `1`).name",
        _find,
    ),
    Function(
        "not_null",
        {"value": "any"},
        say("The first of the values that is not null."),
        "not_null(`null`, 'b')",
        lambda v, _: next((each for each in v if each is not None), None),
        nulls=True,
        variadic=True,
    ),
    Function(
        "unique",
        {"list": "list"},
        say("Each value once, in the order of their first appearance."),
        "unique(['a', 'b', 'a'])",
        _unique,
    ),
    Function("keys", {"object": "object"}, say("The names in an object."), "keys({a: 'x'})", _listed),
    Function("values", {"object": "object"}, say("The values in an object."), "values({a: 'x'})", _values),
)

FUNCTIONS: Final[Mapping[str, Function]] = {function.name: function for function in _ALL}

#: What JMESPath has and we have not, for the sake of amounts.
ARITHMETIC: Final = frozenset({"abs", "avg", "ceil", "floor", "sum", "max", "min", "max_by", "min_by"})
