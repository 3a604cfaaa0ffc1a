"""Pieces of shipments find their lines, and no line ever gets more than was ordered."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sync.rules.allot import allot

ARTICLES = st.sampled_from(["A", "B", "C"])
PIECES = st.integers(0, 6).map(Decimal)
ORDERED = st.lists(st.tuples(ARTICLES, PIECES), max_size=5).map(
    lambda lines: {f"l{number}": line for number, line in enumerate(lines)}
)
SHIPMENTS = st.lists(st.lists(st.tuples(ARTICLES, PIECES), max_size=4), max_size=4)


def test_the_first_line_of_an_article_is_filled_first():
    ordered = {"l1": ("A", Decimal(2)), "l2": ("A", Decimal(3)), "l3": ("B", Decimal(1))}
    first, second = allot(ordered, [[("A", Decimal(3))], [("A", Decimal(2)), ("B", Decimal(1))]])
    assert first == {"l1": 2, "l2": 1}
    assert second == {"l2": 2, "l3": 1}


def test_what_nobody_ordered_is_nobodys():
    assert allot({"l1": ("A", Decimal(1))}, [[("A", Decimal(3)), ("X", Decimal(1))]]) == [{"l1": 1}]


def whole(*pairs):
    return [(code, Decimal(quantity)) for code, quantity in pairs]


def test_a_bundle_has_left_as_often_as_all_of_its_parts_have():
    ordered = {"set": ("SET", Decimal(2)), "cup": ("CUP", Decimal(4)), "pot": ("POT", Decimal(2))}
    shipments = [whole(("CUP", 3), ("POT", 1)), whole(("POT", 1)), whole(("CUP", 1))]
    allotted = allot(ordered, shipments, bundles={"set": ["cup", "pot"]})
    assert [found.get("set", 0) for found in allotted] == [1, 0, 1]


def test_a_bundle_that_the_erp_ships_by_itself_is_sent_when_it_is():
    ordered = {"set": ("SET", Decimal(1)), "cup": ("CUP", Decimal(1))}
    bundles = {"set": ["cup"]}
    assert allot(ordered, [whole(("CUP", 1))], bundles=bundles, waiting=["SET"]) == [{"cup": 1}]
    assert allot(ordered, [whole(("CUP", 1)), whole(("SET", 1))], bundles=bundles) == [{"cup": 1}, {"set": 1}]


def test_a_kit_has_left_with_the_last_of_what_the_order_does_not_name():
    ordered = {"kit": ("KIT", Decimal(1)), "tea": ("TEA", Decimal(1))}
    first, second = whole(("LID", 1), ("TEA", 1)), whole(("JUG", 1))
    assert allot(ordered, [first], waiting=["JUG"]) == [{"tea": 1}]
    assert allot(ordered, [first, second]) == [{"tea": 1}, {"kit": 1}]


@given(ORDERED, SHIPMENTS)
def test_no_line_gets_more_than_was_ordered_and_no_article_more_than_was_shipped(ordered, shipments):
    allotted = allot(ordered, shipments)
    assert len(allotted) == len(shipments)
    per_line: Counter[str] = Counter()
    for pieces, found in zip(shipments, allotted, strict=True):
        per_line.update(found)
        for article in {code for code, _ in pieces}:
            shipped = sum(quantity for code, quantity in pieces if code == article)
            assert sum(quantity for line, quantity in found.items() if ordered[line][0] == article) <= shipped
    assert all(taken <= ordered[line][1] for line, taken in per_line.items())


@given(ORDERED)
def test_all_that_was_ordered_finds_its_line_however_it_is_shipped(ordered):
    each = [[(code, quantity)] for code, quantity in ordered.values()]
    total: Counter[str] = Counter()
    for found in allot(ordered, each):
        total.update(found)
    assert {line: total[line] for line in ordered} == {line: quantity for line, (_, quantity) in ordered.items()}
