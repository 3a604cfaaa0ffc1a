"""Expressions mean what JMESPath means, read exact numbers, and say what they read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jmespath
import pytest

from mappings.profiles.bounds import Budget, Failed
from mappings.profiles.closures import compiled
from mappings.profiles.expressions import ExpressionError, compile_expression
from mappings.profiles.functions import FUNCTIONS

DOCUMENT = {
    "a": {"b": {"c": 7, "d": "text", "e": None, "f": True, "g": False, "h": 0}, "list": [3, 1, 2], "empty": []},
    "items": [
        {"key": "x", "value": "1", "n": 1, "deep": [[1, 2], [3]]},
        {"key": "y", "value": "2", "n": 2, "deep": [[4], 5]},
        {"key": "x", "value": None, "n": 3},
        "no object",
    ],
    "by_name": {"one": {"v": 1}, "two": {"v": 2}, "three": 3},
    "nothing": None,
    "zero": 0,
    "blank": "",
}

#: Every kind of node, in the ways that they are put together.
SAMPLES = [
    *("a", "a.b.c", "a.b.nope.c", "a.list", "a.list[0]", "a.list[-1]", "a.list[9]", "a.list[1:]", "a.list[::-1]"),
    *(
        "a.list[:2].x",
        "items[0].key",
        "items[*].key",
        "items[].key",
        "items[*].deep",
        "items[].deep[]",
        "items[*].deep[0]",
    ),
    *("items[?key=='x'].value", "items[?key=='x'].value | [0]", "items[?key=='x'] | [1].n", "items[?n > `1`].n"),
    *("items[?n >= `2` && key=='x'].n", "items[?!(n == `1`)].n", "items[?value].key", "items[?key=='x' || n==`2`].n"),
    *("by_name.*.v", "*.b", "by_name.*", "[a.b.c, zero]", "{x: a.b.c, y: items[0].key}", "a.[list, empty]"),
    *(
        "a.{l: list, n: nope}",
        "nothing.[x]",
        "a.b.c == `7`",
        "a.b.c != `7`",
        "a.b.d < 'u'",
        "a.list > `1`",
        "zero || 'x'",
    ),
    *("blank || 'x'", "a.empty || 'x'", "nothing || 'x'", "zero && 'x'", "blank && 'x'", "!zero", "!blank", "!a.b.f"),
    *("a.b.f == `1`", "zero == `false`", "a.b.g == `0`", "a.list == `[3, 1, 2]`", "a.b.e == `null`", "`[1, [2]]`[]"),
    *("@.a.b.c", "a.b | c", "(a || b).list[0]", "items[*].[key, n]", "items[?deep[0][0] == `1`].n", "a.list[*].x"),
    *("items[1:3].key", "items[:1][].key", 'a."b".c', "'raw'", '`"json"`', "a.b.*", "items[*].*", "items[*].{k: key}"),
    *("a.list[?@ > `1`]", "a.list[?@ > `1`] | [0]", "a.b.c && a.b.d", 'items[?contains(`["x"]`, key)].n'),
]


@pytest.mark.parametrize("text", [each for each in SAMPLES if "contains" not in each])
def test_an_expression_means_what_it_means_to_the_library(text: str):
    ours = compiled(jmespath.compile(text).parsed)
    assert ours(DOCUMENT, Budget()) == jmespath.search(text, DOCUMENT)
    assert type(ours(DOCUMENT, Budget())) is type(jmespath.search(text, DOCUMENT))


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_every_function_has_an_example_that_works_and_takes_null_for_nothing(function: Any):
    assert compile_expression(function.example)({}, Budget()) is not None
    if not function.nulls:
        nulls = ", ".join(["`null`"] * len(function.arguments))
        assert compile_expression(f"{function.name}({nulls})")({}, Budget()) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("replace('a-b-c', '-', '')", "abc"),
        ("split(' a ;b', ';')", ["a", "b"]),
        ("join('-', ['a', `null`, `2`])", "a-2"),
        ("digits('+49 (0) 30')", "49030"),
        ("cut('abcdef', `3`)", "abc"),
        ("number('7.50') == `7.5`", True),
        ("number('0.1') == `0.1`", True),
        ("text(`true`)", "true"),
        ("text(source.price)", "2.50"),
        ("source.price == `2.5`", True),
        ("source.price < `2.6`", True),
        ("find(source.rates, 'id', `2`).name", "two"),
        ("find(source.rates, 'id', '3')", None),
        ("unique(['a', 'b', 'a'])", ["a", "b"]),
        ("contains(source.rates[].name, 'two')", True),
        ("contains('abc', 'bc')", True),
        ("length(source.rates)", 2),
        ("starts_with('INV-1', 'INV')", True),
        ("not_null(source.no, source.rates[0].name)", "one"),
    ],
)
def test_functions_do_what_their_page_says(text: str, value: Any):
    source = {"price": Decimal("2.50"), "rates": [{"id": 1, "name": "one"}, {"id": "2", "name": "two"}]}
    assert compile_expression(text)({"source": source}, Budget()) == value


@pytest.mark.parametrize(
    "text", ["upper(`7`)", "join(',', ['a', ['b']])", "split('a', '')", "number('many')", "length(`7`)"]
)
def test_a_function_refuses_what_it_cannot_take_in_words(text: str):
    with pytest.raises(Failed) as failed:
        compile_expression(text)({}, Budget())
    assert str(failed.value.args[0])


@pytest.mark.parametrize(
    ("text", "found", "hint"),
    [
        ("sum(source.prices)", "the function sum", "money is carried, never computed"),
        ("uper(source.x)", "the function uper", "did you mean 'upper'?"),
        ("sort_by(source.x, &y)", "the function sort_by", ""),
        ("trim(&source.x)", "a reference to an expression (&)", ""),
        ("trim()", "trim with 0 arguments", ""),
        ("source.x ==", "no expression: it ends too early", ""),
        ("source..x", "no expression: it cannot go on so at character 8", ""),
        ("", "nothing", ""),
        ("[" * 33 + "a" + "]" * 33, "an expression that nests too deep", ""),
        ("!" * 400 + "a", "an expression that nests too deep", ""),
        ("a" + "[*]" * 160, "an expression that nests too deep", ""),
        ("a" * 501, "an expression of 501 characters", ""),
    ],
)
def test_what_is_no_expression_of_ours_says_what_is_wrong(text: str, found: str, hint: str):
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text)
    assert refused.value.found == found
    assert refused.value.next_step.startswith(hint)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!source.paid", True),
        ("!source.sent", False),
        ("!source.list[?@ > `5`]", True),
        ("source.sent && !source.paid", True),
    ],
)
def test_not_means_the_whole_path_behind_it(text: str, value: bool):  # noqa: FBT001 - the case
    assert compile_expression(text)({"source": {"paid": False, "sent": True, "list": [1]}}, Budget()) is value


def test_texts_and_numbers_are_never_less_or_more_than_each_other():
    assert compile_expression("source.x > `1`")({"source": {"x": "text"}}, Budget()) is None


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("source.a.b", [("source", "a", "b")]),
        ("source.a[0].b[?x=='1'].c", [("source", "a")]),
        ("source.rows[*].x", [("source", "rows")]),
        ("find(source.rates, 'id', item.id).name", [("source", "rates"), ("item", "id")]),
        ("source.a && !this.b || order.c", [("source", "a"), ("this", "b"), ("order", "c")]),
        ("[source.a, {x: order.b}]", [("source", "a"), ("order", "b")]),
        ("source.a.[b, c]", [("source", "a")]),
        ("source.a | b", [("source", "a")]),
        ("`1`", []),
    ],
)
def test_what_an_expression_reads_is_known_without_running_it(text: str, paths: list[tuple[str, ...]]):
    assert list(compile_expression(text).paths) == paths


@pytest.mark.parametrize(
    ("text", "selects"),
    [
        *(
            ("source.a.b", True),
            ("source.a[?b > `1`].c | [0]", True),
            ("source.a || source.b", True),
            ("{x: source.a}", True),
        ),
        *(("upper(source.a)", False), ("source.a || 'x'", False), ("source.a == 'x'", False), ("`1`", False)),
    ],
)
def test_a_selection_gives_only_what_it_was_given(text: str, selects: bool):  # noqa: FBT001 - the case
    assert compile_expression(text).selects is selects
