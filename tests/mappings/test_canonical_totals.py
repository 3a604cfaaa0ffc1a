"""Totals are proven, a small difference gets a name, and no sum is ever rounded."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappings.canonical.errors import MappingError
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Totals
from mappings.canonical.totals import Stated, last_decimal, prove
from tests.mappings.orders import fee, line, money, shipping_line


@pytest.mark.parametrize(
    ("grand", "currency", "unit"),
    [
        ("73.06", "EUR", "0.01"),
        ("70.00", "EUR", "0.01"),
        ("73.060000", "EUR", "0.01"),  # read with dp=6
        ("70.000000", "EUR", "0.01"),
        ("18000", "CLP", "1"),
        ("18000", "HUF", "1"),  # ISO says two decimals, shops use none
        ("3.36", "JPY", "0.01"),  # an order in yen in a shop with two decimals
        ("3.00", "JPY", "0.01"),
        ("1.250", "KWD", "0.001"),
        ("1.250", "EUR", "0.001"),
        ("207.670000", "KWD", "0.01"),  # dinars in a shop with two decimals, read with dp=6
        ("1.2345", "EUR", "0.0001"),
        ("0.00", "EUR", "0.01"),
        ("0", "EUR", "1"),
    ],
)
def test_the_last_decimal_is_the_one_that_the_shop_writes(grand: str, currency: str, unit: str):
    assert last_decimal(Decimal(grand), currency) == Decimal(unit)


@pytest.mark.parametrize(
    ("grand", "currency", "unit"),
    [("73.1", "EUR", "0.01"), ("70", "EUR", "0.01"), ("70", "JPY", "1"), ("0", "EUR", "0.01")],
)
def test_a_total_sent_as_number_has_at_least_the_usual_decimals(grand: str, currency: str, unit: str):
    assert last_decimal(Decimal(grand), currency, as_text=False) == Decimal(unit)


def proven(grand: str, tolerance: str = "0.05") -> Totals:
    return prove(
        [line("SKU-A", "2", "20.00", "3.80"), line("SKU-B", "1", "5.00", "0.95")],
        [shipping_line("4.12", "0.78")],
        [fee("-2.00", "-0.38")],
        Stated(discount=money("1.00"), tax=money("5.15"), grand=money(grand)),
        tolerance=Decimal(tolerance),
        path="total",
    )


def test_parts_that_tie_have_no_rounding():
    totals = proven("32.27")
    assert (totals.lines, totals.shipping, totals.fees) == (money("25.00"), money("4.12"), money("-2.00"))
    assert totals.discount == money("1.00")
    assert not totals.rounding


@pytest.mark.parametrize(("grand", "rounding"), [("32.28", "0.01"), ("32.22", "-0.05"), ("32.32", "0.05")])
def test_a_difference_within_the_tolerance_is_named(grand: str, rounding: str):
    assert proven(grand).rounding == money(rounding)


@pytest.mark.parametrize("grand", ["32.33", "32.21", "0.00", "-32.27"])
def test_a_larger_difference_is_refused_with_a_table_of_the_parts(grand: str):
    with pytest.raises(MappingError) as caught:
        proven(grand)
    (problem,) = caught.value.problems
    assert (problem.cause, problem.path) == ("totals_mismatch", "total")
    assert problem.next_step
    rows = problem.reason.splitlines()
    assert rows[0].startswith(f"the parts of the order add up to 32.27 EUR, the shop says {grand} EUR")
    assert rows[2].split() == ["2", "x", "SKU-A", "Article", "SKU-A", "20.00", "3.80"]
    assert rows[-2].split() == ["sum", "of", "the", "parts", "27.12", "5.15"]
    assert len({len(row) for row in rows[1:]}) == 1


def test_a_tolerance_of_nothing_is_exact():
    with pytest.raises(MappingError):
        proven("32.28", "0")
    assert proven("32.27", "0")


def test_sums_of_many_digits_are_exact():
    large, small = Money(Decimal("999999999999999.00"), "EUR"), Money(Decimal("0.00000000000000000001"), "EUR")
    total = money_sum([large, small, large], "EUR")
    assert total.amount == Decimal("1999999999999998.00000000000000000001")
    assert total - large - large == small
    assert total + -total == total - total


def test_money_of_two_currencies_is_never_added():
    with pytest.raises(ValueError, match="USD"):
        money("1.00") + money("1.00", "USD")


@pytest.mark.parametrize("amount", [1.5, 1, "1.00", None])
def test_money_is_decimal(amount: object):
    with pytest.raises(TypeError):
        Money(amount, "EUR")  # type: ignore[arg-type]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_money_is_finite(amount: str):
    with pytest.raises(ValueError, match="finite"):
        Money(Decimal(amount), "EUR")


def test_money_is_written_without_exponent():
    assert str(Money(Decimal("1E+3"), "JPY")) == "1000 JPY"
    assert money("1.005").quantized(2) == money("1.01")
    assert money("3.360").digits == 3
