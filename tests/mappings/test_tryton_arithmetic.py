"""Tryton's arithmetic: small cases whose result the server showed, and what holds for all of them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.pricing import SaleLine
from mappings.tryton.arithmetic import predict, rounded

CENT = Decimal("0.01")


def tax(number, rate, **values):
    return {"id": number, "type": "percentage", "rate": Decimal(rate), "childs": [], **values}


def sold(quantity, price, *taxes):
    return SaleLine(Decimal(quantity), Decimal(price), taxes)


VAT = tax(1, "19")


@pytest.mark.parametrize(
    ("amount", "unit", "result"),
    [("0.005", "0.01", "0.00"), ("0.015", "0.01", "0.02"), ("-0.025", "0.01", "-0.02"), ("3.36", "1", "3")],
)
def test_half_a_unit_goes_to_the_even_neighbour(amount, unit, result):
    assert rounded(Decimal(amount), Decimal(unit)) == Decimal(result)


def test_a_documents_tax_is_rounded_once():
    lines = [sold(1, "0.33", VAT)] * 3
    assert predict(lines, CENT, "document").tax == Decimal("0.19")
    assert predict(lines, CENT, "line").tax == Decimal("0.18")


def test_what_is_given_back_is_rounded_apart_from_what_is_sold():
    lines = [sold(1, "0.13", VAT), sold(1, "-0.10", VAT)]
    assert predict(lines, CENT, "document").tax == Decimal("0.00")


def test_several_taxes_of_a_line_come_to_the_rounding_of_their_sum():
    # 0.125 and 0.125 are each rounded to 0.12; together they are 0.25, so the cent is given back.
    lines = [sold(1, "2.50", tax(1, "5"), tax(2, "5"))]
    assert predict(lines, CENT, "document").tax == Decimal("0.25")


def test_a_later_tax_is_taken_on_the_price_that_an_earlier_one_raised():
    first = tax(1, "10", sequence=1, update_unit_price=True)
    assert predict([sold(1, "100", first, tax(2, "10", sequence=2))], CENT, "document").tax == Decimal("21.00")


def test_a_fixed_tax_is_taken_for_each_piece():
    fixed = {"id": 1, "type": "fixed", "amount": Decimal("0.13"), "rate": None, "childs": []}
    assert predict([sold(3, "100", fixed)], CENT, "document").tax == Decimal("0.39")


def test_the_parts_of_a_tax_are_taken_with_it():
    group = {"id": 1, "type": "none", "rate": None, "childs": [tax(2, "5"), tax(3, "2")]}
    assert predict([sold(1, "100", group)], CENT, "document").tax == Decimal("7.00")


prices = st.decimals(min_value="-1000", max_value="1000", places=4)
some_lines = st.lists(st.builds(sold, st.integers(0, 99), prices, st.just(VAT)), max_size=20)


@given(some_lines, st.sampled_from(["document", "line"]))
def test_amounts_are_whole_units(lines, mode):
    amounts = predict(lines, CENT, mode)
    assert amounts.untaxed % CENT == 0
    assert amounts.tax % CENT == 0


@given(some_lines)
def test_tax_is_within_half_a_cent_for_each_sign(lines):
    exact = sum((each.base * Decimal("0.19") for each in lines), Decimal(0))
    assert abs(predict(lines, CENT, "document").tax - exact) <= CENT


@given(some_lines, st.randoms())
def test_the_order_of_lines_does_not_matter(lines, dice):
    shuffled = list(lines)
    dice.shuffle(shuffled)
    assert predict(shuffled, CENT, "document") == predict(lines, CENT, "document")
