"""Hostile profiles are refused, or stopped at the same step on every machine; none is measured by a clock."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from marshmallow import ValidationError

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.profiles import profiled_source
from mappings.profiles.bounds import MAX_RULES, MAX_STEPS, MAX_TEXT, Budget, Failed, TooMuch, measured
from mappings.profiles.engine import Work
from mappings.profiles.expressions import ExpressionError, compile_expression
from mappings.profiles.functions import FUNCTIONS
from mappings.profiles.steps import STEPS
from mappings.registry import SOURCES
from tests.mappings.profiles.profiles import Tables, over_woocommerce, refusals
from tests.mappings.woocommerce_orders import woo_line, woo_order

MANY = ", ".join(f"a{index}: b" for index in range(201))
HEAD = "profile: p\nextends: woocommerce\nsource:\n  order:\n"


class Counting(Budget):
    """A budget that remembers the most that was taken at once."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        super().__init__(steps)
        self.most = 0

    def spend(self, steps: int) -> None:
        self.most = max(self.most, steps)
        super().spend(steps)


def evaluated(text: str, source: Any, budget: Budget | None = None) -> Any:
    return compile_expression(text)({"source": source}, budget or Budget())


def piped(part: str, times: int) -> str:
    return " | ".join(["source.x", *[part] * times])


@pytest.mark.parametrize(
    "text",
    [
        piped("[@, @]", 20),
        piped("{a: @, b: @}", 18),
        piped("[@, @]", 20) + " == " + "`1`",
        f"({piped('[@, @]', 18)}) == ({piped('[@, @]', 18)})",
    ],
)
def test_a_value_that_doubles_with_every_pipe_is_not_gone_through(text: str):
    """A million leaves that share their halves: made in twenty steps, and measured before anybody looks at them."""
    budget = Counting()
    if text.endswith("`1`"):
        assert evaluated(text, {"x": 1}, budget) is False
        return
    with pytest.raises(TooMuch):
        evaluated(text, {"x": 1}, budget)
    assert budget.left < 0


def test_a_list_that_doubles_with_every_flattening_is_stopped_before_it_fills_the_memory():
    budget = Counting()
    with pytest.raises(TooMuch):
        evaluated(piped("[@, @][]", 30), {"x": [1, 2, 3, 4]}, budget)
    assert budget.most <= 2 * MAX_STEPS


def test_projections_in_projections_pay_for_every_element():
    rows = [{"y": [{"z": [1] * 50}] * 50}] * 50
    with pytest.raises(TooMuch):
        evaluated("source.x[*].y[*].z[?@ == `1`]", {"x": rows})


def test_a_search_for_each_element_pays_for_the_list_that_it_searches():
    rows, find = [{"id": str(index)} for index in range(2000)], compile_expression("find(source.rows, 'id', item.id)")
    budget = Budget()

    def search_all() -> None:
        for row in rows:
            find({"source": {"rows": rows}, "item": row}, budget)

    with pytest.raises(TooMuch):
        search_all()


@pytest.mark.parametrize(
    "text",
    [
        "replace(source.x, 'a', source.x)",
        "join(source.x, source.many)",
        "join('', [source.x, source.x])",
        "upper(source.sharp)",
    ],
)
def test_a_text_is_measured_before_it_is_made(text: str):
    source = {"x": "a" * (MAX_TEXT - 1), "many": ["b"] * 1000, "sharp": "ß" * (MAX_TEXT - 1)}
    with pytest.raises(Failed, match="characters, expected"):
        evaluated(text, source)


def test_a_value_that_nests_too_deep_is_refused():
    with pytest.raises(Failed, match="nested more than"):
        evaluated(piped("[@]", 40), {"x": 1})


def test_what_stands_in_the_source_is_copied_however_deep_it_is():
    deep: Any = "x"
    for _ in range(60):
        deep = [deep]
    assert evaluated("source.deep", {"deep": deep}) is deep


def test_measuring_costs_what_it_counts():
    budget = Budget()
    measured([[1, 2], {"a": [3]}], budget)
    assert MAX_STEPS - budget.left == 10


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ("".join("    - {to: note, constant: x}\n" for _ in range(MAX_RULES + 1)), f"{MAX_RULES + 1} rules"),
        ('    - {to: note, set: "' + "a || " * 120 + 'a"}', "an expression of 601 characters"),
        ("    - {to: note, set: '" + "[" * 40 + "]" * 40 + "'}", "nests too deep"),
        ("    - {to: note, set: '" + "(" * 33 + "a" + ")" * 33 + "'}", "nests too deep"),
        ("    - {to: a" + ".a" * 300 + ", constant: x}", "the field"),
        ("    - {to: attributes" + ".a" * 20 + ", constant: x}", "names with dots between them"),
        ("    - " + "[" * 30 + "]" * 30, "nested too deep"),
        ("    - {to: note, copy: source.x, then: [{day: '%d%d%d%d%d'}]}", "expected iso, epoch"),
        ("    - {to: note, copy: source.x, then: [{day: '%Z'}]}", "expected iso, epoch"),
        (f"    - {{to: note, copy: source.x, then: [{{choose: {{of: {{{MANY}}}}}}}]}}", "expected a mapping of words"),
    ],
)
def test_a_profile_out_of_all_proportion_is_refused_when_it_is_read(rules: str, told: str):
    assert any(told in each for each in refusals(HEAD + rules))


def test_billions_of_rules_by_aliases_are_refused():
    lines = ["profile: p", "extends: woocommerce", "source:", "  order:", "    - &a0 {to: note, constant: x}"]
    lines += [f"    - &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]" for n in range(9)]
    assert any("too many values" in each for each in refusals("\n".join(lines)))


@pytest.mark.parametrize(
    "rule",
    [
        "{to: attributes.x, set: 'length(" + piped("[@, @][]", 25) + ")'}",
        "{to: attributes.x, copy: '" + piped("[@, @]", 25) + "'}",
        "{to: note, concatenate: [" + ", ".join(["\"join('', source.line_items[*].big)\""] * 30) + "], with: ''}",
        "{to: note, copy: source.huge, then: [{replace: {any: letters, with: 'xxxxxxxxxxxxxxxxxxxx'}}]}",
    ],
)
def test_one_document_that_costs_too_much_fails_and_the_next_one_does_not(rule: str):
    mapping = profiled_source(SOURCES["woocommerce"], over_woocommerce(f"order:\n  - {rule}"))
    hostile = woo_order(line_items=[woo_line(big="b" * 3000)], x=1, huge="a" * 9000)
    with pytest.raises(Problems) as raised:
        mapping.order(hostile, SourceOptions())
    assert "p.yaml:5:7" in str(raised.value.problems[0].reason)
    quiet = profiled_source(SOURCES["woocommerce"], over_woocommerce("order:\n  - {to: note, constant: x}"))
    assert quiet.order(hostile, SourceOptions()).note == "x"


def test_rules_for_thousands_of_lines_stay_within_the_budget():
    """What honest profiles do on the largest orders that anybody has seen costs a fraction of it."""
    rules = "lines:\n" + "".join(
        f"  - {{to: attributes.a{n}, copy: \"item.meta_data[?key=='farbe'].value | [0]\"}}\n" for n in range(20)
    )
    line = woo_line(subtotal="0.00", total="0.00", total_tax="0.00", taxes=[])
    order = woo_order(line_items=[woo_line(price=10), *[{**line, "id": 100 + n} for n in range(499)]])
    made = profiled_source(SOURCES["woocommerce"], over_woocommerce(rules)).order(order, SourceOptions())
    assert made.lines[499].attributes["a19"] == "blau"


#: What patterns that look back, or conversions that count digits, would take hours for.
SLOW = 200_000
ENDLESS = {
    "digits": "9" * SLOW,
    "an exponent": "1e" + "9" * SLOW,
    "groups": "1," * (SLOW // 2),
    "blanks": "2026-01-01" + " " * SLOW,
    "ampersands": "&" * SLOW,
    "an entity": "&#" + "1" * SLOW,
    "letters that grow": "ß" * SLOW,
    "quotes": "'" * SLOW,
}
FORMS = ("source.x", "source.x, source.x", "source.x, ',', '.'", "source.x, `0`, `5`", "[source.x], 'x', 'x'")


def ends(run: Callable[[], Any]) -> bool:
    """Whatever it says of the text, it has an end."""
    with contextlib.suppress(Failed, ValidationError):
        run()
    return True


@pytest.mark.parametrize("step", STEPS)
def test_no_step_takes_longer_than_its_text_is(step: str):
    """Nothing here looks at a clock: what is worse than linear would not end before the test is given up."""
    example = STEPS[step].example
    written = f"{{{example}}}" if ":" in example else example
    profile = over_woocommerce(f"order:\n  - {{to: attributes.x, copy: source.x, then: [{written}]}}")
    act = profile.source["order"].rules[0].steps[0].act
    assert all(ends(lambda text=text: act(text, Work(Tables({})), {})) for text in ENDLESS.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_takes_longer_than_its_text_is(name: str):
    compiled = []
    for form in FORMS:
        with contextlib.suppress(ExpressionError):
            compiled.append(compile_expression(f"{name}({form})"))
    assert compiled
    calls = [(run, {"source": {"x": text}}) for run in compiled for text in ENDLESS.values()]
    assert all(ends(lambda run=run, roots=roots: run(roots, Budget())) for run, roots in calls)
