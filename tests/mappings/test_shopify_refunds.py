"""Refunds of Shopify: lines, shipping, goodwill, what was kept; without money, without lines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.money import money_sum
from mappings.shopify.refunds import refund_from_shopify
from tests.mappings.shopify_orders import bag, given, order_of, over_graphql, refunded, shop_line, shop_order


def read(refund, **changes):
    order = order_of(shop_order(refunds=[refund], **changes))
    rest = refund_from_shopify(refund, order, SourceOptions())
    spelled = over_graphql(shop_order(refunds=[refund], **changes))["refunds"][0]
    assert refund_from_shopify(spelled, order, SourceOptions()) == rest
    if rest is not None:
        lines = money_sum((line.total + line.tax for line in rest.lines), order.currency)
        assert lines + rest.goodwill == rest.amount
    return rest


def test_a_piece_comes_back_with_its_net_its_tax_and_its_rate():
    found = read(refunded("10.71", [given(1, "10.71", "1.71")]))
    [line] = found.lines
    assert (str(line.total), str(line.tax), line.quantity, line.sku) == ("9.00 EUR", "1.71 EUR", 1, "SIEB-ST")
    assert [(tax.code, str(tax.amount)) for tax in line.tax_lines] == [("USt 19%", "1.71 EUR")]
    assert found.restock
    assert not found.goodwill


def test_without_included_taxes_the_subtotal_is_net():
    line = shop_line(price="10.00", price_set=bag("10.00"), discount_allocations=[{"amount": "2.00"}])
    line["discount_allocations"][0] |= {"amount_set": bag("2.00"), "discount_application_index": 0}
    body = {"taxes_included": False, "line_items": [line], "total_price": "27.10", "total_price_set": bag("27.10")}
    found = read(refunded("10.71", [given(1, "9.00", "1.71")]), **body)
    assert str(found.lines[0].total) == "9.00 EUR"


def test_shipping_comes_back_in_the_new_and_in_the_old_way():
    new = refunded("4.90", refund_shipping_lines=[
        {"shipping_line": {"id": 6001}, "subtotal_amount_set": bag("4.90"), "tax_amount_set": bag("0.78")}
    ])  # fmt: skip
    old = refunded("4.90", order_adjustments=[
        {"kind": "shipping_refund", "amount": "-4.90", "amount_set": bag("-4.90"), "tax_amount_set": bag("-0.78")}
    ])  # fmt: skip
    order = order_of(shop_order())
    for refund in (new, old):
        [line] = refund_from_shopify(refund, order, SourceOptions()).lines
        assert (line.kind, line.origin, str(line.total), str(line.tax)) == ("shipping", "6001", "4.12 EUR", "0.78 EUR")


def test_money_without_lines_is_goodwill_and_moves_no_goods():
    found = read(refunded("5.00"))
    assert (str(found.goodwill), found.lines, found.restock) == ("5.00 EUR", (), False)


def test_what_the_shop_says_that_it_kept_is_negative_goodwill():
    kept = {"reason": "restock_discrepancy", "amount": "3.00", "amount_set": bag("3.00"), "tax_amount_set": bag("0.00")}
    found = read(refunded("7.71", [given(1, "10.71", "1.71")], order_adjustments=[kept]))
    assert str(found.goodwill) == "-3.00 EUR"


def test_lines_above_the_money_that_nothing_explains_are_held_with_their_table():
    with pytest.raises(Problems) as caught:
        read(refunded("7.71", [given(1, "10.71", "1.71")]))
    [problem] = caught.value.problems
    assert problem.cause == "totals_mismatch"
    assert "Teesieb" in problem.reason


def test_pieces_without_money_are_a_refund_only_where_they_were_paid_for():
    refund = refunded(lines=[given(1, "10.71", "1.71")])
    changes = {"line_items": [shop_line(current_quantity=1)], "current_total_price_set": bag("15.61")}
    found = read(refund, **changes)
    assert (str(found.amount), str(found.goodwill), found.lines[0].quantity) == ("0.00 EUR", "-10.71 EUR", 1)
    assert read(refund, **changes, transactions=[], financial_status="pending") is None


def test_of_goods_that_stay_with_the_customer_only_the_money_comes_back():
    assert not read(refunded("10.71", [given(1, "10.71", "1.71", restock="no_restock")])).restock
    second = shop_line(id=4002, discount_allocations=[], tax_lines=[], price="5.00", price_set=bag("5.00"))
    lines = [given(1, "10.71", "1.71"), given(1, "5.00", "0.00", line=4002, restock="no_restock")]
    body = {"line_items": [shop_line(), second], "total_price": "36.32", "total_price_set": bag("36.32")}
    found = read(refunded("15.71", lines), **body)
    assert found.restock
    assert [line.quantity for line in found.lines] == [Decimal(1), Decimal(0)]
