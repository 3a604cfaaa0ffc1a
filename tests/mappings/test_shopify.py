"""An order of Shopify: taxes, discounts, two moneys, tips, duties, edits; the same from REST and GraphQL."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from mappings.canonical.records import FulfilmentState, OrderState, PaymentState
from mappings.canonical.schemas import order_from_json, order_to_json
from tests.mappings.shopify_orders import (
    bag,
    given,
    off,
    order_of,
    over_graphql,
    paid,
    problems_of,
    refunded,
    shop_line,
    shop_order,
    tax,
)


def amounts(order):
    totals = order.totals
    return {
        name: f"{getattr(totals, name).amount:f}" for name in ("lines", "shipping", "fees", "tax", "grand", "rounding")
    }


def test_prices_with_tax_become_net_and_tie():
    order = order_of(shop_order())
    assert amounts(order) == {
        "lines": "18.00",
        "shipping": "4.12",
        "fees": "0",
        "tax": "4.20",
        "grand": "26.32",
        "rounding": "0.00",
    }
    [line] = order.lines
    assert (f"{line.subtotal.amount:f}", f"{line.total.amount:f}", f"{line.tax.amount:f}") == ("20.00", "18.00", "3.42")
    [discount] = line.discounts
    assert (discount.code, discount.amount.amount) == ("TEE10", Decimal("2.00"))
    assert (line.tax_lines[0].rate, line.tax_lines[0].code) == (Decimal(19), "USt 19%")
    assert order.totals.discount.amount == Decimal("2.00")


def test_prices_without_tax_have_it_on_top():
    line = shop_line(price="10.00", price_set=bag("10.00"), discount_allocations=[off("2.00")])
    order = shop_order(taxes_included=False, line_items=[line])
    order["shipping_lines"][0] |= {"discounted_price": "4.12", "discounted_price_set": bag("4.12")}
    assert amounts(order_of(order)) == amounts(order_of(shop_order()))


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"company": {"id": 5, "location_id": 6}, "customer": None},
        {"cancelled_at": "2026-11-22T00:05:00+01:00"},
        {"refunds": [refunded("10.71", [given(1, "10.71", "1.71")])], "financial_status": "partially_refunded"},
        {"line_items": [shop_line(current_quantity=1)], "current_total_price_set": bag("15.61"), "transactions": []},
        {"billing_address": None, "shipping_address": None, "customer": None, "email": ""},
    ],
    ids=["plain", "company", "cancelled", "refunded", "edited", "nobody"],
)
def test_graphql_rest_and_json_say_the_same_order(change):
    rest = order_of(shop_order(**copy.deepcopy(change)))
    graphql = order_of(over_graphql(shop_order(**copy.deepcopy(change))))
    assert graphql == rest
    assert order_from_json(order_to_json(rest)) == rest


def test_a_webhook_without_transactions_says_the_same_but_for_how_it_was_paid():
    body = shop_order()
    del body["transactions"]
    told, read = order_of(body), order_of(shop_order())
    assert dataclasses.replace(told, payments=read.payments) == read
    [payment] = told.payments
    assert (payment.amount, payment.reference) == (read.totals.grand, "")


def test_the_shops_zone_says_on_which_day_it_was_placed():
    order = order_of(over_graphql(shop_order()))
    assert order.placed_at == dt.datetime(2026, 11, 21, 23, 1, 55, tzinfo=dt.UTC)
    assert order.placed_on == dt.date(2026, 11, 22)
    assert order.version == "2026-11-21T23:01:56"


def two_moneys(body):
    """What the shop counts in EUR the customer paid in CHF."""
    body |= {"presentment_currency": "CHF", "total_price_set": bag("26.32", "25.00", other="CHF")}
    body |= {"total_tax_set": bag("4.20", "3.99", other="CHF"), "tax_lines": []}
    body |= {"current_total_price_set": bag("26.32", "25.00", other="CHF")}
    [line], [shipping] = body["line_items"], body["shipping_lines"]
    line |= {"price_set": bag("11.90", "11.30", other="CHF")}
    line["discount_allocations"][0]["amount_set"] = bag("2.38", "2.26", other="CHF")
    line["tax_lines"][0]["price_set"] = bag("3.42", "3.25", other="CHF")
    shipping |= {"discounted_price_set": bag("4.90", "4.66", other="CHF")}
    shipping["tax_lines"][0]["price_set"] = bag("0.78", "0.74", other="CHF")
    body["transactions"][0]["amount_set"] = bag("26.32", "25.00", other="CHF")
    return body


def test_both_moneys_are_kept_and_the_customers_is_booked():
    order = order_of(two_moneys(shop_order()))
    assert order.currency == "CHF"
    assert str(order.totals.grand) == "25.00 CHF"
    assert str(order.payments[0].amount) == "25.00 CHF"
    assert order.shop_totals is not None
    assert str(order.shop_totals.grand) == "26.32 EUR"
    assert str(order.shop_totals.tax) == "4.20 EUR"


def test_a_plain_amount_of_an_order_in_two_currencies_is_never_guessed():
    body = two_moneys(shop_order())
    del body["line_items"][0]["price_set"]
    [problem] = problems_of(body)
    assert (problem.path, problem.cause) == ("line_items[0].price", "mapping")


def test_a_tip_at_the_checkout_is_a_charge_and_no_article():
    tip = shop_line(
        id=4002,
        sku=None,
        title="Trinkgeld",
        name="Trinkgeld",
        price="3.00",
        price_set=bag("3.00"),
        quantity=1,
        current_quantity=1,
        discount_allocations=[],
        tax_lines=[],
        requires_shipping=False,
        product_id=None,
        variant_id=None,
    )
    body = shop_order(total_tip_received="3.00", total_price="29.32", total_price_set=bag("29.32"))
    at_checkout = order_of(body | {"line_items": [shop_line(), tip]})
    at_the_till = order_of(body)
    for order in (at_checkout, at_the_till):
        assert [(fee.title, str(fee.total)) for fee in order.fees] == [("Tip", "3.00 EUR")]
        assert [line.sku for line in order.lines] == ["SIEB-ST"]
        assert not order.totals.rounding


def test_duties_come_on_top_unless_the_prices_hold_them():
    duty = {"id": "gid://shopify/Duty/3", "price_set": bag("2.50"), "tax_lines": []}
    dutied = shop_order(line_items=[shop_line(duties=[duty])], total_price="28.82", total_price_set=bag("28.82"))
    [fee] = order_of(dutied).fees
    assert (fee.external_id, str(fee.total)) == ("duty:3", "2.50 EUR")
    held = shop_order(line_items=[shop_line(duties=[duty])], duties_included=True)
    assert order_of(held).fees == ()


def test_a_gift_card_pays_as_any_payment_does_and_another_one_is_sold():
    paying = [paid("6.32", gateway="gift_card"), paid("20.00", number=8002), paid("20.00", kind="authorization")]
    order = order_of(shop_order(line_items=[shop_line(gift_card=True)], transactions=paying))
    assert [(payment.gateway, str(payment.amount)) for payment in order.payments] == [
        ("gift_card", "6.32 EUR"),
        ("shopify_payments", "20.00 EUR"),
    ]
    assert str(order.totals.grand) == "26.32 EUR"
    assert order.lines[0].gift_card


def test_only_what_succeeded_has_paid():
    tries = [paid("26.32", status="failure"), paid("26.32", status="pending", number=8002), paid("26.32", kind="void")]
    assert order_of(shop_order(transactions=tries, financial_status="pending")).payments == ()


def test_what_a_gateway_kept_counts_in_the_orders_money_alone():
    body = over_graphql(shop_order())
    body["transactions"][0]["fees"] = [{"amount": {"amount": "0.84", "currencyCode": "EUR"}}]
    assert str(order_of(body).payments[0].fee) == "0.84 EUR"
    body["transactions"][0]["fees"] = [{"amount": {"amount": "0.84", "currencyCode": "USD"}}]
    assert order_of(body).payments[0].fee is None


def test_a_company_and_its_location_are_named():
    body = over_graphql(shop_order())
    body["purchasingEntity"] = {
        "company": {"id": "gid://shopify/Company/5", "name": "Teehaus AG", "externalId": "K-5"},
        "location": {"id": "gid://shopify/CompanyLocation/6", "name": "Lager Nord"},
    }
    order = order_of(body)
    assert order.customer.company == "Teehaus AG"
    assert order.attributes["company_external_id"] == "K-5"
    assert (order.attributes["company_location_id"], order.attributes["company_location"]) == ("6", "Lager Nord")


def test_an_order_of_a_test_says_so_and_one_of_nobody_goes_nowhere():
    body = over_graphql(shop_order())
    line = body["lineItems"]["nodes"][0] | {"variant": None, "product": None}
    nobody = dict.fromkeys(("customer", "billingAddress", "shippingAddress"))
    order = order_of({**body, **nobody, "test": True, "lineItems": {**body["lineItems"], "nodes": [line]}})
    assert order.test
    assert not order_of(body).test
    assert (order.billing.city, order.shipping.city) == ("", "")


# Edits


def edited(**changes):
    """One of the two pieces was taken out: 10.71 of the 26.32."""
    line = shop_line(current_quantity=1)
    return shop_order(line_items=[line], current_total_price_set=bag("15.61"), **changes)


def test_pieces_that_were_taken_out_before_they_were_paid_are_no_part_of_the_order():
    order = order_of(
        edited(transactions=[], financial_status="pending", refunds=[refunded(lines=[given(1, "10.71", "1.71")])])
    )
    assert str(order.totals.grand) == "15.61 EUR"
    assert (order.lines[0].quantity, str(order.lines[0].total), str(order.lines[0].tax)) == (1, "9.00 EUR", "1.71 EUR")
    assert order.refunds == ()
    later = order_of(edited(transactions=[paid("15.61")], refunds=[refunded(lines=[given(1, "10.71", "1.71")])]))
    assert later.totals == order.totals


def test_pieces_that_were_paid_for_are_a_refund_whose_money_comes_later():
    order = order_of(edited(refunds=[refunded(lines=[given(1, "10.71", "1.71")])]))
    assert str(order.totals.grand) == "26.32 EUR"
    assert [str(refund.amount) for refund in order.refunds] == ["0.00 EUR"]


def test_a_line_that_is_gone_whole_is_left_out():
    gone = shop_line(id=4002, current_quantity=0)
    body = shop_order(line_items=[shop_line(), gone], total_price="47.74", total_price_set=bag("47.74"))
    order = order_of(body)
    assert [line.external_id for line in order.lines] == ["4001"]
    assert str(order.totals.grand) == "26.32 EUR"


def test_a_cancelled_order_stays_what_it_was():
    body = edited(cancelled_at="2026-11-22T00:05:00+01:00", transactions=[], financial_status="voided")
    order = order_of(body)
    assert order.state is OrderState.CANCELLED
    assert str(order.totals.grand) == "26.32 EUR"


def test_a_shipping_line_that_was_taken_out_is_not_charged():
    removed = shop_order()["shipping_lines"][0] | {"id": 6002, "is_removed": True}
    body = shop_order()
    body["shipping_lines"].append(removed)
    assert len(order_of(body).shipping_lines) == 1


# States


@pytest.mark.parametrize(
    ("change", "state", "payment", "fulfilment"),
    [
        ({}, OrderState.PROCESSING, PaymentState.PAID, FulfilmentState.UNFULFILLED),
        ({"financial_status": "pending"}, OrderState.ON_HOLD, PaymentState.UNPAID, FulfilmentState.UNFULFILLED),
        ({"financial_status": None}, OrderState.ON_HOLD, PaymentState.UNPAID, FulfilmentState.UNFULFILLED),
        (
            {"financial_status": "authorized"},
            OrderState.PROCESSING,
            PaymentState.AUTHORIZED,
            FulfilmentState.UNFULFILLED,
        ),
        ({"fulfillment_status": "partial"}, OrderState.PROCESSING, PaymentState.PAID, FulfilmentState.PARTIAL),
        ({"fulfillment_status": "fulfilled"}, OrderState.COMPLETED, PaymentState.PAID, FulfilmentState.FULFILLED),
        ({"fulfillment_status": "ON_HOLD"}, OrderState.ON_HOLD, PaymentState.PAID, FulfilmentState.UNFULFILLED),
        ({"financial_status": "refunded"}, OrderState.REFUNDED, PaymentState.REFUNDED, FulfilmentState.UNFULFILLED),
        (
            {"cancelled_at": "2026-11-22T00:05:00Z"},
            OrderState.CANCELLED,
            PaymentState.PAID,
            FulfilmentState.UNFULFILLED,
        ),
    ],
)
def test_what_the_shops_words_mean(change, state, payment, fulfilment):
    order = order_of(shop_order(**change))
    assert (order.state, order.payment_state, order.fulfilment_state) == (state, payment, fulfilment)


def test_a_word_that_nobody_has_explained_stops_the_order_until_somebody_does():
    body = shop_order(financial_status="teleported")
    [problem] = problems_of(body)
    assert (problem.cause, problem.subject) == ("unmapped", "order_state:teleported")
    assert order_of(body, order_states={"teleported": OrderState.PROCESSING}).state is OrderState.PROCESSING


# What is wrong


def test_everything_that_is_wrong_is_told_at_once_in_the_payloads_own_words():
    body = over_graphql(shop_order())
    body["totalPriceSet"]["shopMoney"]["amount"] = "26,32"
    del body["lineItems"]["nodes"][0]["discountAllocations"]
    del body["taxesIncluded"]
    assert {problem.path for problem in problems_of(body)} == {
        "totalPriceSet",
        "lineItems.nodes[0].discountAllocations",
        "taxesIncluded",
    }


@pytest.mark.parametrize(
    ("payload", "what"),
    [
        ({"shipment_status": None, "line_items": []}, "a fulfilment"),
        ({"happened_at": "2026-11-22T10:00:00Z", "line_items": []}, "a movement of goods"),
        ({"invoice_url": "https://shop.example/1", "line_items": []}, "a draft order"),
    ],
)
def test_what_has_lines_and_is_no_order_gets_one_plain_reason(payload, what):
    [problem] = problems_of(payload)
    assert (problem.path, problem.reason.startswith(what)) == ("", True)


def test_half_of_the_lines_are_no_order():
    body = over_graphql(shop_order())
    body["lineItems"]["pageInfo"]["hasNextPage"] = True
    [problem] = problems_of(body)
    assert problem.path == "lineItems.pageInfo"


def test_a_discount_that_no_line_carries_is_held():
    body = shop_order(line_items=[shop_line(discount_allocations=[])])
    [problem] = problems_of(body)
    assert problem.cause == "totals_mismatch"
    assert "SIEB-ST" in problem.reason


def test_a_number_beyond_every_reader_goes_by_its_gid():
    body = shop_order(id=820982911946154500, admin_graphql_api_id="gid://shopify/Order/820982911946154508")
    assert order_of(body).external_id == "820982911946154508"


def test_two_rates_on_one_line_are_told_apart():
    line = shop_line(tax_lines=[tax("2.00", "0.1", "State"), tax("1.42", "0.0725", "City")])
    codes = [each.code for each in order_of(shop_order(line_items=[line])).lines[0].tax_lines]
    assert codes == ["State 10%", "City 7.25%"]
