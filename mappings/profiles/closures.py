"""From the tree of a JMESPath expression to one function: what the interpreter of the library does, without the tree.

A plain path costs a tenth of what interpreting it does, and everything that repeats is counted (`bounds`). The meaning
is JMESPath's, held against the library's own interpreter by a test; three things differ on purpose: the functions are
ours, decimal numbers of the document and of the expression are exact, and lists or objects are compared only within
the budget.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.profiles.bounds import PARTED, Budget, measured
from mappings.profiles.functions import FUNCTIONS, Function, same

#: A node of the library's tree: `type`, `children`, sometimes `value`.
Node = Mapping[str, Any]
Run = Callable[[Any, Budget], Any]

_CAN_BE_EMPTY: Final = (str, *PARTED)
_NUMBERS: Final = (int, Decimal)

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "gt": operator.gt,
    "lte": operator.le,
    "gte": operator.ge,
}


def compiled(node: Node) -> Run:
    """The function of a node whose functions and types are known to be there."""
    return _MAKERS[node["type"]](node)


def size(node: Node) -> int:
    """How many nodes it has: what one evaluation may cost."""
    return 1 + sum(size(child) for child in node["children"] if isinstance(child, Mapping))


def is_false(value: Any) -> bool:
    """JMESPath's idea of nothing: null, false, and whatever is empty; zero is something."""
    return not value and (value is None or value is False or isinstance(value, _CAN_BE_EMPTY))


def _identity(_: Node) -> Run:
    return lambda value, _: value


def _literal(node: Node) -> Run:
    literal = exact(node["value"])
    return lambda _, __: literal


def exact(value: Any) -> Any:
    """The value with floats as the decimals that they were written as."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list):
        return [exact(each) for each in value]
    return {key: exact(each) for key, each in value.items()} if isinstance(value, dict) else value


def _field(node: Node) -> Run:
    name = node["value"]

    def run(value: Any, _: Budget) -> Any:
        return value.get(name) if isinstance(value, dict) else None

    return run


def _index(node: Node) -> Run:
    index = node["value"]

    def run(value: Any, _: Budget) -> Any:
        if isinstance(value, list) and -len(value) <= index < len(value):
            return value[index]
        return None

    return run


def _slice(node: Node) -> Run:
    part = slice(*node["children"])

    def run(value: Any, budget: Budget) -> Any:
        if not isinstance(value, list):
            return None
        budget.spend(1 + len(value))
        return value[part]

    return run


def _chain(node: Node) -> Run:
    """Of one thing after the other: `a.b`, `a[0]`, `a | b`."""
    names = _names(node)
    if names is not None:
        return _path(names)
    runs = [compiled(child) for child in node["children"]]

    def run(value: Any, budget: Budget) -> Any:
        for each in runs:
            value = each(value, budget)
        return value

    return run


def _names(node: Node) -> list[str] | None:
    """The names of a path of nothing but fields."""
    if node["type"] == "subexpression" and all(child["type"] == "field" for child in node["children"]):
        return [child["value"] for child in node["children"]]
    return None


def _path(names: Sequence[str]) -> Run:
    if len(names) == 2:  # noqa: PLR2004 - a root and a field of it, which is what most expressions are
        first, second = names

        def field(value: Any, _: Budget) -> Any:
            if isinstance(value, dict) and isinstance(found := value.get(first), dict):
                return found.get(second)
            return None

        return field

    def run(value: Any, _: Budget) -> Any:
        for name in names:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    return run


def _projection(node: Node) -> Run:
    base, each = (compiled(child) for child in node["children"])
    cost = 1 + size(node["children"][1])

    def run(value: Any, budget: Budget) -> Any:
        elements = base(value, budget)
        if not isinstance(elements, list):
            return None
        budget.spend(1 + cost * len(elements))
        return [made for element in elements if (made := each(element, budget)) is not None]

    return run


def _value_projection(node: Node) -> Run:
    base, each = (compiled(child) for child in node["children"])
    cost = 1 + size(node["children"][1])

    def run(value: Any, budget: Budget) -> Any:
        found = base(value, budget)
        if not isinstance(found, dict):
            return None
        budget.spend(1 + cost * len(found))
        return [made for element in found.values() if (made := each(element, budget)) is not None]

    return run


def _filter(node: Node) -> Run:
    base, each, condition = (compiled(child) for child in node["children"])
    cost = 1 + size(node["children"][1]) + size(node["children"][2])
    if (sought := _sought(node["children"][2])) is not None:
        name, word = sought

        def found(value: Any, budget: Budget) -> Any:
            elements = base(value, budget)
            if not isinstance(elements, list):
                return None
            budget.spend(1 + cost * len(elements))
            return [
                made
                for element in elements
                if isinstance(element, dict)
                and element.get(name) == word
                and (made := each(element, budget)) is not None
            ]

        return found

    def run(value: Any, budget: Budget) -> Any:
        elements = base(value, budget)
        if not isinstance(elements, list):
            return None
        budget.spend(1 + cost * len(elements))
        return [
            made
            for element in elements
            if not is_false(condition(element, budget)) and (made := each(element, budget)) is not None
        ]

    return run


def _sought(node: Node) -> tuple[str, str] | None:
    """The field and the text of a condition such as `key == 'x'`: how the entries of a shop are found."""
    if node["type"] != "comparator" or node["value"] != "eq":
        return None
    left, right = node["children"]
    if left["type"] == "field" and right["type"] == "literal" and isinstance(right["value"], str):
        return left["value"], right["value"]
    return None


def _flatten(node: Node) -> Run:
    base = compiled(node["children"][0])

    def run(value: Any, budget: Budget) -> Any:
        elements = base(value, budget)
        if not isinstance(elements, list):
            return None
        merged: list[Any] = []
        for element in elements:
            parts = element if isinstance(element, list) else [element]
            budget.spend(1 + len(parts))
            merged.extend(parts)
        return merged

    return run


def _select_list(node: Node) -> Run:
    runs = [compiled(child) for child in node["children"]]

    def run(value: Any, budget: Budget) -> Any:
        return None if value is None else [each(value, budget) for each in runs]

    return run


def _select_dict(node: Node) -> Run:
    runs = [(child["value"], compiled(child["children"][0])) for child in node["children"]]

    def run(value: Any, budget: Budget) -> Any:
        return None if value is None else {name: each(value, budget) for name, each in runs}

    return run


def _comparator(node: Node) -> Run:
    left, right = (compiled(child) for child in node["children"])
    kind = node["value"]
    if kind in _ORDERS:
        order = _ORDERS[kind]

        def compare(value: Any, budget: Budget) -> Any:
            one, other = left(value, budget), right(value, budget)
            alike = (_is_number(one) and _is_number(other)) or (isinstance(one, str) and isinstance(other, str))
            return order(one, other) if alike else None

        return compare
    wanted = kind == "eq"
    word = exact(node["children"][1].get("value")) if node["children"][1]["type"] == "literal" else None
    if isinstance(word, str):
        return lambda value, budget: (left(value, budget) == word) is wanted

    def equal(value: Any, budget: Budget) -> Any:
        return _equal(left(value, budget), right(value, budget), budget) is wanted

    return equal


def _equal(left: Any, right: Any, budget: Budget) -> bool:
    if isinstance(left, PARTED) and isinstance(right, PARTED):
        # Both are finite now, and comparing costs no more than they were measured at.
        return bool(measured(left, budget) == measured(right, budget))
    return same(left, right)


def _is_number(value: Any) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _or(node: Node) -> Run:
    left, right = (compiled(child) for child in node["children"])

    def run(value: Any, budget: Budget) -> Any:
        found = left(value, budget)
        return right(value, budget) if is_false(found) else found

    return run


def _and(node: Node) -> Run:
    left, right = (compiled(child) for child in node["children"])

    def run(value: Any, budget: Budget) -> Any:
        found = left(value, budget)
        return found if is_false(found) else right(value, budget)

    return run


def _not(node: Node) -> Run:
    inner = compiled(node["children"][0])
    return lambda value, budget: is_false(inner(value, budget))


def _function(node: Node) -> Run:
    function = FUNCTIONS[node["value"]]
    runs = [compiled(child) for child in node["children"]]
    if len(runs) == 1 and not function.nulls and not function.variadic:
        return _function_of_one(function, runs[0])

    def run(value: Any, budget: Budget) -> Any:
        budget.spend(1)
        return function([each(value, budget) for each in runs], budget)

    return run


def _function_of_one(function: Function, argument: Run) -> Run:
    """The most usual kind without its ceremonies."""
    [kind] = function.types

    def run(value: Any, budget: Budget) -> Any:
        budget.left = left = budget.left - 1
        if left < 0:
            budget.spend(0)
        given = argument(value, budget)
        if given is None:
            return None
        # What is refused is refused there, in words.
        return function.run((given,), budget) if isinstance(given, kind) else function((given,), budget)

    return run


_MAKERS: Final[Mapping[str, Callable[[Node], Run]]] = {
    "and_expression": _and,
    "comparator": _comparator,
    "current": _identity,
    "field": _field,
    "filter_projection": _filter,
    "flatten": _flatten,
    "function_expression": _function,
    "identity": _identity,
    "index": _index,
    "index_expression": _chain,
    "literal": _literal,
    "multi_select_dict": _select_dict,
    "multi_select_list": _select_list,
    "not_expression": _not,
    "or_expression": _or,
    "pipe": _chain,
    "projection": _projection,
    "slice": _slice,
    "subexpression": _chain,
    "value_projection": _value_projection,
}

#: Every kind of node that is understood.
NODES: Final = frozenset(_MAKERS) | {"key_val_pair"}
