from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from config.model import DEFAULT_RULES, Mode, Policies
from mappings.canonical.refs import Ref
from sync.rules.lookups import NO_LOOKUPS, Lookups
from sync.rules.verify import RULES, Facts, verify
from tests.mappings.orders import ADDRESS, line, make_order

TEA = {"id": 1, "unit_digits": 0, "list_price": Decimal("10.00"), "taxes": [{"id": 1, "rate": "19"}], "salable": True}
KNOWN = {Ref("product", "TEA"): TEA, Ref("country", "DE"): {"id": 49}}
GOOD = make_order(lines=(line("TEA", "2", "20.00", "3.80"),), shipping_lines=(), grand="23.80", payment_method="card")


def checked(rule: str, mode: Mode = Mode.HOLD, approved: tuple[str, ...] = (), order: Any = GOOD, **facts: Any):
    """(causes that hold, causes that warn) with every other rule off."""
    rules = dict.fromkeys(DEFAULT_RULES, Mode.OFF) | {rule: mode}
    policies = facts.pop("policies", {})
    values = {"resolved": KNOWN, "lookups": NO_LOOKUPS} | facts
    holds, warnings = verify(order, Facts(policies=Policies(rules=rules, **policies), **values), frozenset(approved))
    return [problem.cause for problem in holds], [problem.cause for problem in warnings]


def order(**changes: Any) -> Any:
    return dataclasses.replace(GOOD, **changes)


def lines(*given: Any) -> Any:
    return order(lines=given)


AN_HOUR = dt.timedelta(hours=1)
BAD: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "duplicate_order": [("the same within the window", "duplicate_order", {"alike": [("7", "WC-7", GOOD.placed_at)]})],
    "unknown_sku": [
        ("no such article", "unknown_sku", {"order": lines(line("NOPE", "1", "1.00", "0.19"))}),
        ("no SKU at all", "unknown_sku", {"order": lines(line("", "1", "1.00", "0.19"))}),
    ],
    "unit": [("half a cup", "unit", {"order": lines(line("TEA", "1.5", "15.00", "2.85"))})],
    "price": [
        ("dearer", "price", {"order": lines(line("TEA", "1", "11.01", "2.09"))}),
        ("cheaper", "price", {"order": lines(line("TEA", "1", "8.99", "1.71"))}),
    ],
    "tax": [
        (
            "another rate",
            "tax",
            {"resolved": KNOWN | {Ref("product", "TEA"): TEA | {"taxes": [{"id": 2, "rate": "7"}]}}},
        )
    ],
    "payment_method": [("no row", "unmapped", {})],
    "address": [
        ("no town", "address", {"order": order(billing=dataclasses.replace(ADDRESS, city=" "))}),
        ("half a shipping address", "address", {"order": order(shipping=dataclasses.replace(ADDRESS, street=""))}),
        ("no such country", "unmapped", {"order": order(billing=dataclasses.replace(ADDRESS, country="XX"))}),
    ],
    "test_order": [("a test", "test_order", {"order": order(test=True)})],
    "value_limit": [("above", "value_limit", {"policies": {"value_limits": {"EUR": Decimal("23.79")}}})],
}
CASES = [(rule, cause, facts) for rule, cases in BAD.items() for _, cause, facts in cases]
NAMES = [f"{rule}: {name}" for rule, cases in BAD.items() for name, *_ in cases]

FINE: dict[str, list[dict[str, Any]]] = {
    "duplicate_order": [{}, {"alike": [("7", "WC-7", GOOD.placed_at - AN_HOUR)]}],
    "unknown_sku": [{}],
    "unit": [{}, {"order": lines(line("TEA", "2.00", "20.00", "3.80"))}],
    "price": [
        {},
        {"order": lines(line("TEA", "1", "11.00", "2.09"))},
        {"resolved": {Ref("product", "TEA"): TEA | {"list_price": None}}},
    ],
    "tax": [{}, {"policies": {"home_country": "AT"}, "resolved": {Ref("product", "TEA"): TEA | {"taxes": []}}}],
    "payment_method": [
        {"lookups": Lookups.of({("payment_method", "card"): "Card"})},
        {"order": order(payment_method="")},
    ],
    "address": [
        {},
        {
            "order": order(
                shipping=dataclasses.replace(ADDRESS, first_name="", street="", city="", postal_code="", country="")
            )
        },
    ],
    "test_order": [{}],
    "value_limit": [
        {},
        {"policies": {"value_limits": {"EUR": Decimal("23.80")}}},
        {"policies": {"value_limits": {"USD": Decimal(1)}}},
    ],
}


def test_every_rule_has_its_cases():
    assert set(BAD) == set(FINE) == set(RULES) == set(DEFAULT_RULES) - {"totals"}


@pytest.mark.parametrize(("rule", "cause", "facts"), CASES, ids=NAMES)
def test_a_rule_holds_warns_or_is_off(rule, cause, facts):
    assert checked(rule, Mode.HOLD, **facts) == ([cause], [])
    assert checked(rule, Mode.WARN, **facts) == ([], [cause])
    assert checked(rule, Mode.OFF, **facts) == ([], [])


@pytest.mark.parametrize(("rule", "cause", "facts"), CASES, ids=NAMES)
def test_an_approved_cause_holds_nothing_and_is_still_told(rule, cause, facts):
    assert checked(rule, Mode.HOLD, (cause,), **facts) == ([], [cause])
    assert checked(rule, Mode.HOLD, ("another",), **facts) == ([cause], [])


@pytest.mark.parametrize(("rule", "facts"), [(rule, facts) for rule, cases in FINE.items() for facts in cases])
def test_what_is_right_is_let_pass(rule, facts):
    assert checked(rule, **facts) == ([], [])


def test_all_that_is_wrong_is_told_at_once():
    bad = order(test=True, lines=(line("NOPE", "1", "1.00", "0.19"), line("NIX", "1", "1.00", "0.19")))
    holds, _ = verify(bad, Facts(policies=Policies(), resolved=KNOWN, lookups=NO_LOOKUPS), frozenset())
    assert [problem.cause for problem in holds] == ["unknown_sku", "unknown_sku", "test_order"]
    assert [problem.path for problem in holds][:2] == ["lines[0].sku", "lines[1].sku"]
    assert all(problem.next_step for problem in holds)
