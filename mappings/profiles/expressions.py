"""Expressions: JMESPath with our functions, compiled once, bounded before and while they run.

What an expression reads stands at its beginning: `source.billing.company`, `order.customer.email`, `this.sku`,
`item.meta`. So what it depends on is known without running it, and a name that is none is told with its place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError, LexerError, ParseError

from config.problems import did_you_mean
from mappings.canonical.words import say
from mappings.profiles.bounds import MAX_EXPRESSION, MAX_NESTING, PARTED, Budget, measured
from mappings.profiles.closures import NODES, Node, Run, compiled
from mappings.profiles.functions import ARITHMETIC, FUNCTIONS

#: Nodes whose other parts read of what their first part gives.
_ON_ITS_FIRST: Final = frozenset({"index_expression", "projection", "value_projection", "filter_projection", "flatten"})

#: `("source", "billing", "company")`.
Path = tuple[str, ...]


class ExpressionError(ValueError):
    """A text that is no expression of ours."""

    def __init__(self, found: str, expected: str = "", next_step: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.next_step = found, expected, next_step


@dataclasses.dataclass(frozen=True, slots=True)
class Expression:
    """One compiled expression."""

    text: str
    #: What it reads, each as far as plain names go, in the order of their appearance.
    paths: tuple[Path, ...]
    #: It calls nothing and says nothing of its own: each value that it gives is one that it was given.
    selects: bool
    #: It is one path of plain names.
    plain: bool
    #: It reads nothing at all: always the same.
    fixed: bool
    #: Its value among the roots. Raises Failed, TooMuch when the budget is spent.
    evaluate: Run = dataclasses.field(repr=False)

    def __call__(self, roots: Mapping[str, Any], budget: Budget) -> Any:
        """See `evaluate`."""
        return self.evaluate(roots, budget)


def compile_expression(text: str) -> Expression:
    """The expression. Raises ExpressionError with what is wrong with it."""
    _check_size(text)
    try:
        node: Node = _negated_whole(jmespath.compile(text).parsed)
        _check_node(node)
    except RecursionError:
        raise _too_deep() from None
    except (LexerError, ParseError) as error:
        raise ExpressionError(
            say("no expression: %(reason)s", reason=_reason(error, text)),
            say("JMESPath such as source.billing.company"),
        ) from None
    except JMESPathError:
        raise ExpressionError(say("nothing"), say("JMESPath such as source.billing.company")) from None
    paths = tuple(dict.fromkeys(_paths(node)))
    plain = len(paths) == 1 and _path_of(node) == paths[0]
    run = compiled(node)
    return Expression(text, paths, _selects(node), plain, not paths, run if plain else _measuring(run))


def _measuring(run: Run) -> Run:
    """What the source holds is finite; what an expression makes of it is measured first."""

    def evaluate(roots: Any, budget: Budget) -> Any:
        value = run(roots, budget)
        return measured(value, budget) if isinstance(value, PARTED) else value

    return evaluate


def _check_size(text: str) -> None:
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(
            say("an expression of %(length)s characters", length=len(text)),
            say("at most %(most)s", most=MAX_EXPRESSION),
            say("divide it over several rules, by way of attributes.x"),
        )
    deepest = depth = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTING:
        raise _too_deep()


def _too_deep() -> ExpressionError:
    return ExpressionError(say("an expression that nests too deep"), say("at most %(most)s levels", most=MAX_NESTING))


def _reason(error: LexerError | ParseError, text: str) -> str:
    place = getattr(error, "lex_position", getattr(error, "lexer_position", None))
    if place is None or place >= len(text):
        return say("it ends too early")
    return say("it cannot go on so at character %(place)s", place=place + 1)


def _negated_whole(node: Node) -> Node:
    """`!order.test` as everybody means it: the library's parser takes it for `(!order).test`, which is always null."""
    children = [_negated_whole(child) if isinstance(child, Mapping) else child for child in node["children"]]
    first = children[0] if children else None
    if (
        isinstance(first, Mapping)
        and first["type"] == "not_expression"
        and node["type"] in _ON_ITS_FIRST | {"subexpression"}
    ):
        [negated] = first["children"]
        return {**first, "children": [{**node, "children": [negated, *children[1:]]}]}
    return {**node, "children": children}


def _check_node(node: Node, depth: int = 0) -> None:
    if depth > 2 * MAX_NESTING:
        raise _too_deep()
    kind = node["type"]
    if kind not in NODES:
        raise ExpressionError(say("a reference to an expression (&)"), "", say("no function takes one"))
    if kind == "function_expression":
        _check_call(node)
    for child in _children(node):
        _check_node(child, depth + 1)


def _check_call(node: Node) -> None:
    name = node["value"]
    if name in ARITHMETIC:
        raise ExpressionError(
            say("the function %(name)s", name=name),
            say("no arithmetic"),
            say("money is carried, never computed: copy the amount that the source states"),
        )
    if name not in FUNCTIONS:
        raise ExpressionError(
            say("the function %(name)s", name=name),
            say("one of %(names)s", names=", ".join(FUNCTIONS)),
            did_you_mean(name, FUNCTIONS),
        )
    if not FUNCTIONS[name].takes(len(node["children"])):
        raise ExpressionError(
            say("%(name)s with %(count)s arguments", name=name, count=len(node["children"])), FUNCTIONS[name].signature
        )


def _children(node: Node) -> Iterator[Node]:
    # A slice has numbers for children.
    return (child for child in node["children"] if isinstance(child, Mapping))


def _selects(node: Node) -> bool:
    """Conditions may say what they like: they choose, and nothing of them is in the result."""
    kind, children = node["type"], list(_children(node))
    if kind == "filter_projection":
        return _selects(children[0]) and _selects(children[1])
    made_here = {"function_expression", "literal", "comparator", "not_expression"}
    return kind not in made_here and all(map(_selects, children))


def _path_of(node: Node) -> Path | None:
    """The names that a node reads one after the other from what it is given; None where it is no plain path."""
    names, whole = _leading(node)
    return names if whole else None


def _leading(node: Node) -> tuple[Path, bool]:
    """The plain names with which a node begins, and whether these are all of it."""
    kind, children = node["type"], list(_children(node))
    if kind == "field":
        return (node["value"],), True
    if kind in _ON_ITS_FIRST:
        return _leading(children[0])[0], False
    if kind != "subexpression":
        return (), False
    names: Path = ()
    for child in children:
        more, whole = _leading(child)
        names += more
        if not whole:
            return names, False
    return names, True


def _paths(node: Node) -> Iterator[Path]:
    """What a node reads from the roots; what is read of an element of a list is no root's."""
    kind, children = node["type"], list(_children(node))
    if names := _leading(node)[0]:
        yield names
    elif kind in _ON_ITS_FIRST or kind in {"subexpression", "pipe"}:
        # What follows is read of what the first part gave.
        yield from _paths(children[0])
    elif kind == "current":
        yield ("@",)
    else:
        for child in children:
            yield from _paths(child)
