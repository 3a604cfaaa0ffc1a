"""Dividing an amount by weights: exact, in whole units, and no part further from its share than a unit."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical.money import Money, money_sum, shares


@given(
    st.decimals("-1000", "1000", places=2),
    st.lists(st.decimals("0", "500", places=2), min_size=1, max_size=8),
    st.integers(0, 2),
)
def test_parts_add_up_to_the_whole_and_are_near_their_share(amount, weights, digits):
    parts = shares(Money(amount, "EUR"), weights, digits)
    assert money_sum(parts, "EUR").amount == amount
    total, unit = sum(weights), Decimal(1).scaleb(-digits)
    if total:
        for part, weight in list(zip(parts, weights, strict=True))[1:]:
            assert abs(part.amount - amount * weight / total) <= unit


def test_nothing_has_a_weight():
    assert [str(part) for part in shares(Money(Decimal("0.05"), "EUR"), [Decimal(0)] * 2, 2)] == [
        "0.03 EUR",
        "0.02 EUR",
    ]
