"""What WooCommerce's fields mean, one fact a test; the numbers come from recorded shops."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from mappings.canonical.records import Address, Customer, Discount, FulfilmentState, OrderState, PaymentState
from mappings.woocommerce.meaning import ORDER_STATES, VAT_ID_KEYS
from tests.mappings.orders import money
from tests.mappings.woocommerce_orders import ADDRESS, mapped, problems_of, with_meta, woo_line, woo_order


def test_names_are_unescaped_once_and_notes_are_left_alone():
    order = mapped(woo_order(customer_note="5 &lt; 6 &amp; &copy"))
    assert order.lines[0].name == "Teesieb & Kanne"
    assert order.billing.company == order.customer.company == "Teehaus «Łódź» & Co."
    assert order.note == "5 &lt; 6 &amp; &copy"
    twice = mapped(woo_order(line_items=[woo_line(name="&amp;lt;b&amp;gt; &#8211; R&D &copy now")]))
    assert twice.lines[0].name == "&lt;b&gt; \u2013 R&D &copy now"


def test_head_of_the_order():
    order = mapped(woo_order())
    assert (order.number, order.external_id, order.currency) == ("WC-19", "19", "EUR")
    assert order.placed_at == dt.datetime(2026, 11, 21, 23, 1, 55, tzinfo=dt.UTC)
    assert order.placed_on == dt.date(2026, 11, 22), "the day in the shop's own zone"
    assert (order.coupons, order.tax_included, order.payment_method) == (("sommer10",), True, "stripe")
    assert order.attributes == {"created_via": "checkout"}


def test_the_version_is_the_time_of_the_last_change_and_sorts_as_text():
    assert mapped(woo_order()).version == "2026-11-21T23:01:56"
    never_changed = mapped(woo_order(date_modified_gmt=None))
    assert never_changed.version == "2026-11-21T23:01:55"
    assert never_changed.updated_at == never_changed.placed_at
    assert never_changed.version < mapped(woo_order()).version


def test_the_day_falls_back_to_utc_where_the_shop_does_not_say_its_own():
    payload = woo_order()
    del payload["date_created"]
    assert mapped(payload).placed_on == dt.date(2026, 11, 21)


def test_addresses_and_customer():
    order = mapped(woo_order())
    assert order.billing == Address(
        first_name="Jürgen",
        last_name="Großmann",
        company="Teehaus «Łódź» & Co.",
        street="Straße des 17. Juni 135",
        street_2="Hinterhaus",
        city="Köln",
        postal_code="50667",
        region="DE-NW",
        country="DE",
        email="juergen@example.test",
        phone="+49 221 000111",
    )
    assert order.shipping.email == ""
    assert order.customer == Customer(
        external_id="7",
        guest=False,
        first_name="Jürgen",
        last_name="Großmann",
        company="Teehaus «Łódź» & Co.",
        email="juergen@example.test",
        phone="+49 221 000111",
    )


@pytest.mark.parametrize("nobody", [0, "0"])
def test_customer_0_is_a_guest(nobody: object):
    customer = mapped(woo_order(customer_id=nobody)).customer
    assert (customer.guest, customer.external_id) == (True, "")


def test_an_empty_address_may_come_as_php_writes_it():
    assert mapped(woo_order(shipping=[])).shipping == Address()
    assert [problem.path for problem in problems_of(woo_order(billing=[1]))] == ["billing"]


def test_a_line_is_net_and_its_discount_is_already_inside():
    (line,) = mapped(woo_order()).lines
    assert (line.subtotal, line.total, line.tax) == (money("22.00"), money("20.00"), money("3.80"))
    assert line.discounts == (Discount(code="sommer10", amount=money("2.00")),)
    assert line.unit_price == money("11.00")
    assert line.tax_included
    assert (line.product_id, line.variant_id, line.sku) == ("14", "", "SIEB-ST")
    assert line.attributes == {"meta": {"farbe": "blau"}, "stock_taken": True}


def test_the_discount_of_several_coupons_belongs_to_none_of_them():
    coupons = [{"code": "a"}, {"code": "b"}]
    order = mapped(woo_order(coupon_lines=coupons))
    assert order.coupons == ("a", "b")
    assert order.lines[0].discounts == (Discount(code="", amount=money("2.00")),)


def test_a_price_raised_by_hand_is_no_discount():
    assert mapped(woo_order(line_items=[woo_line(subtotal="18.00")])).lines[0].discounts == ()


@pytest.mark.parametrize(
    ("subtotal", "quantity", "unit_price"),
    [
        ("22.47", 3, "7.49"),
        ("18.91", 3, "6.303333333333"),
        ("22.00", "2", "11.00"),
        ("10.00", 1.5, None),
        ("10.00", "0.5", "20.00"),
        ("0.00", 0, "0.00"),
        ("1.00", 8, "0.125"),
    ],
)
def test_the_unit_price_is_unrounded_and_bounded(subtotal: str, quantity: Any, unit_price: str | None):
    line = woo_line(subtotal=subtotal, quantity=quantity)
    if quantity == 0:
        line |= {"total": "0.00", "total_tax": "0.00"}
        payload = woo_order(line_items=[line], total="4.90", total_tax="0.78")
    else:
        payload = woo_order(line_items=[line])
    if unit_price is None:
        assert [problem.path for problem in problems_of(payload)] == ["line_items[0].quantity"], "a float"
        return
    assert f"{mapped(payload).lines[0].unit_price.amount:f}" == unit_price


def test_a_fractional_quantity_is_kept():
    assert mapped(woo_order(line_items=[woo_line(quantity=Decimal("0.29999999999999999"))])).lines[
        0
    ].quantity == Decimal("0.3")


def test_money_for_nothing_sold_is_a_problem():
    payload = woo_order(line_items=[woo_line(quantity=0)], total="99.00")
    assert [(problem.path, problem.cause) for problem in problems_of(payload)] == [
        ("line_items[0].quantity", "mapping"),
        ("total", "totals_mismatch"),
    ]


@pytest.mark.parametrize(
    ("sku", "text"),
    [(None, ""), ("", ""), ("SIEB-ST", "SIEB-ST"), (12345, "12345"), ("00123", "00123"), (" A&amp;B ", " A&amp;B ")],
)
def test_a_sku_is_text_exactly_as_written(sku: object, text: str):
    assert mapped(woo_order(line_items=[woo_line(sku=sku)])).lines[0].sku == text


def test_a_bundled_line_names_its_parent():
    lines = [woo_line(), woo_line(id=5, total="0.00", subtotal="0.00", total_tax="0.00", bundled_by=4)]
    assert [line.bundle_parent for line in mapped(woo_order(line_items=lines)).lines] == ["", "4"]
    lines[1] |= {"bundled_by": "", "composite_parent": "4"}
    assert mapped(woo_order(line_items=lines)).lines[1].bundle_parent == "4"


def test_a_sold_gift_card_is_marked():
    meta = [{"key": "wc_gc_giftcard_amount", "value": "20"}]
    assert mapped(woo_order(line_items=[woo_line(meta_data=meta)])).lines[0].gift_card


def test_taxes_are_named_by_the_rates_of_the_order():
    order = mapped(woo_order())
    (tax,) = order.lines[0].tax_lines
    assert (tax.code, tax.title, tax.rate, tax.amount) == ("1", "MwSt 19 %", Decimal(19), money("3.8"))
    assert order.shipping_lines[0].tax_lines[0].title == "MwSt 19 %"
    assert order.tax_lines[0].amount == money("4.58")


def test_a_rate_with_binary_noise_is_the_rate_that_was_meant():
    payload = woo_order()
    payload["tax_lines"][0]["rate_percent"] = Decimal("2.6000000000000001")
    assert str(mapped(payload).lines[0].tax_lines[0].rate) == "2.6"


def test_a_rate_that_the_order_does_not_list_keeps_its_id_and_one_without_amount_is_none():
    shares = [{"id": 6, "total": "3.80"}, {"id": 7, "total": ""}]
    (tax,) = mapped(woo_order(line_items=[woo_line(taxes=shares)])).lines[0].tax_lines
    assert (tax.code, tax.title, tax.rate) == ("6", "", None)


def test_a_shop_before_3_7_sends_no_rate():
    payload = woo_order()
    del payload["tax_lines"][0]["rate_percent"]
    assert mapped(payload).tax_lines[0].rate is None


def test_a_negative_fee_lowers_the_total():
    fee = {"id": 8, "name": "Rabatt &amp; Co", "total": "-5.00", "total_tax": "-0.95", "taxes": []}
    order = mapped(woo_order(fee_lines=[fee], total="22.75", total_tax="3.63"))
    assert order.fees[0].total == order.totals.fees == money("-5.00")
    assert order.fees[0].title == "Rabatt & Co"


def test_totals_are_the_shops_and_rounding_has_a_name():
    totals = mapped(woo_order(total="28.71")).totals
    assert (totals.grand, totals.tax, totals.discount) == (money("28.71"), money("4.58"), money("2.00"))
    assert totals.rounding == money("0.01")


def test_the_threshold_is_the_channels():
    assert [problem.cause for problem in problems_of(woo_order(total="28.80"))] == ["totals_mismatch"]
    assert mapped(woo_order(total="28.80"), totals_threshold=10).totals.rounding == money("0.10")
    assert problems_of(woo_order(total="28.71"), totals_threshold=0)


def test_a_read_with_six_decimals_ties_within_the_shops_own_decimals():
    line = woo_line(total="20.003361", total_tax="3.800639")
    order = mapped(woo_order(line_items=[line], total="28.700000", total_tax="4.580000"))
    assert order.totals.rounding == money("-0.003361")
    assert f"{order.lines[0].total.amount:f}" == "20.003361"


def test_yen_with_decimals_stay_as_the_shop_wrote_them():
    line = woo_line(subtotal="2.80", total="2.80", total_tax="0.56", taxes=[])
    payload = woo_order(currency="JPY", line_items=[line], shipping_lines=[], total="3.36", total_tax="0.56")
    assert str(mapped(payload).totals.grand) == "3.36 JPY"
    assert problems_of({**payload, "total": "3.42"})


def test_amounts_sent_as_numbers_are_read_and_a_float_is_not():
    line = woo_line(total=20, subtotal=22, total_tax=Decimal("3.8"))
    assert mapped(woo_order(line_items=[line], total=Decimal("28.7"))).totals.grand.amount == Decimal("28.7")
    assert problems_of(woo_order(line_items=[line], total=Decimal("28.76")))
    (problem,) = problems_of(woo_order(total=28.7))
    assert (problem.path, problem.reason) == ("total", "found 28.7, expected an amount such as 12.50")


def test_the_price_of_a_line_is_never_looked_at():
    assert mapped(woo_order(line_items=[woo_line(price="nonsense")])) == mapped(woo_order())


@pytest.mark.parametrize("word", ORDER_STATES)
def test_every_state_of_core_is_known(word: str):
    order = mapped(woo_order(status=word))
    assert (order.state, order.source_state) == (ORDER_STATES[word], word)


@pytest.mark.fault("B20")
def test_an_unknown_state_is_named_until_somebody_says_what_it_means():
    payload = woo_order(status="partially-shipped")
    (problem,) = problems_of(payload)
    assert (problem.cause, problem.path, problem.subject) == ("unmapped", "status", "order_state:partially-shipped")
    assert "'partially-shipped'" in problem.reason
    order = mapped(payload, order_states={"partially-shipped": OrderState.PROCESSING})
    assert (order.state, order.source_state) == (OrderState.PROCESSING, "partially-shipped")


REFUND = {"id": 31, "reason": "Bruch &ndash; 2 Stück", "total": "-6.00", "total_tax": "-0.96"}


def test_refunds_are_positive_and_leave_the_total_alone():
    order = mapped(woo_order(refunds=[REFUND]))
    (refund,) = order.refunds
    assert (refund.external_id, refund.amount, refund.reason) == ("31", money("6.00"), "Bruch \u2013 2 Stück")
    assert order.totals.grand == money("28.70")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, PaymentState.PAID),
        ({"date_paid_gmt": None}, PaymentState.UNPAID),
        ({"refunds": [REFUND]}, PaymentState.PARTIALLY_REFUNDED),
        ({"refunds": [REFUND], "date_paid_gmt": None}, PaymentState.UNPAID),
        ({"refunds": [{**REFUND, "total": "-28.70"}]}, PaymentState.REFUNDED),
        ({"status": "refunded"}, PaymentState.REFUNDED),
        (
            {"date_paid_gmt": None, "meta_data": [{"key": "_intention_status", "value": "requires_capture"}]},
            PaymentState.AUTHORIZED,
        ),
        ({"meta_data": [{"key": "_stripe_charge_captured", "value": "no"}]}, PaymentState.PAID),
    ],
)
def test_what_is_paid(changes: dict[str, Any], state: PaymentState):
    assert mapped(woo_order(**changes)).payment_state is state


def test_an_order_over_nothing_has_nothing_to_wait_for():
    free = woo_line(total="0.00", subtotal="0.00", total_tax="0.00")
    payload = woo_order(line_items=[free], shipping_lines=[], total="0.00", total_tax="0.00", date_paid_gmt=None)
    assert mapped(payload).payment_state is PaymentState.PAID


def test_a_payment_is_the_total_by_the_orders_gateway_once_it_is_paid():
    (payment,) = mapped(woo_order()).payments
    assert (payment.gateway, payment.title, payment.reference) == ("stripe", "Karte & mehr", "ch_1")
    assert (payment.amount, payment.paid_at) == (money("28.70"), dt.datetime(2026, 11, 21, 23, 2, tzinfo=dt.UTC))
    assert mapped(woo_order(date_paid_gmt=None)).payments == ()


CARD = {"id": 2, "code": "SU9F-MGB5", "amount": 20}


def test_a_gift_card_is_a_payment_where_the_total_is_the_full_one():
    card, rest = mapped(woo_order(gift_cards=[CARD])).payments
    assert (card.gateway, card.reference, card.amount) == ("gift_card", "SU9F-MGB5", money("20"))
    assert (rest.gateway, rest.amount) == ("stripe", money("8.70"))


def test_a_gift_card_is_a_negative_fee_where_the_total_is_already_lower():
    order = mapped(woo_order(gift_cards=[CARD], total="8.70"))
    assert (order.fees[0].external_id, order.fees[0].total) == ("gift_card:2", money("-20"))
    assert [payment.amount for payment in order.payments] == [money("8.70")]
    assert not order.totals.rounding


def test_a_gift_card_explains_no_other_difference():
    (problem,) = problems_of(woo_order(gift_cards=[CARD], total="9.70"))
    assert problem.cause == "totals_mismatch"
    assert "28.70 EUR" in problem.reason


@pytest.mark.parametrize(
    ("status", "meta", "state"),
    [
        ("processing", [], FulfilmentState.UNFULFILLED),
        ("completed", [], FulfilmentState.FULFILLED),
        ("processing", [("_fulfillment_status", "partially_fulfilled")], FulfilmentState.PARTIAL),
        ("processing", [("_fulfillment_status", "fulfilled")], FulfilmentState.FULFILLED),
        ("completed", [("_fulfillment_status", "partially_fulfilled")], FulfilmentState.FULFILLED),
        ("refunded", [("_fulfillment_status", "no_fulfillments")], FulfilmentState.UNFULFILLED),
    ],
)
def test_what_is_sent(status: str, meta: list[tuple[str, str]], state: FulfilmentState):
    assert mapped(with_meta(*meta, status=status)).fulfilment_state is state


@pytest.mark.parametrize("key", VAT_ID_KEYS)
def test_a_vat_id_is_found_under_the_key_of_its_plugin(key: str):
    assert mapped(with_meta((key, " DE123456789 "))).customer.vat_id == "DE123456789"


def test_business_fields_come_from_meta():
    order = mapped(with_meta(("_po_number", 4711), ("_payment_terms", "NET30"), ("vat_number", "")))
    assert (order.po_number, order.payment_terms, order.customer.vat_id) == ("4711", "NET30", "")


@pytest.mark.parametrize(("key", "value"), [("_wcpay_mode", "test"), ("_ppcp_paypal_payment_mode", "sandbox")])
def test_a_payment_in_test_mode_makes_a_test_order(key: str, value: str):
    assert mapped(with_meta((key, value))).test
    assert not mapped(with_meta((key, "live"))).test


def test_custom_fields_are_kept_and_what_plugins_park_is_not():
    order = mapped(
        with_meta(
            ("gift_message", "Alles Gute"),
            ("_billing_floor", "3"),
            ("_wc_other/shop/slot", "am"),
            ("loyalty", 12),
            ("weight", Decimal("1.50")),
            ("_internal", "x"),
            ("serialised", "a\x00b"),
            ("list", [1]),
            ("long", "x" * 2000),
            ("gift_message", "twice"),
            ("_subscription_renewal", "282"),
            parent_id=280,
        )
    )
    assert order.attributes == {
        "created_via": "checkout",
        "parent_id": "280",
        "subscription_renewal": "282",
        "meta": {
            "gift_message": "Alles Gute",
            "_billing_floor": "3",
            "_wc_other/shop/slot": "am",
            "loyalty": 12,
            "weight": "1.5",
        },
    }


@pytest.mark.parametrize("meta", [None, {}, "", 7])
def test_meta_data_that_is_no_list_is_named(meta: object):
    assert [problem.path for problem in problems_of(woo_order(meta_data=meta))] == ["meta_data"]


def test_entries_of_meta_data_that_are_none_are_left_out():
    assert mapped(woo_order(meta_data=[None, 5, {}, {"key": 1, "value": 2}, {"key": "a"}])).attributes == {
        "created_via": "checkout"
    }


def test_nulls_and_numbers_where_text_is_documented_are_read():
    billing = {**ADDRESS, "postcode": 50667, "phone": None, "company": None, "country": None}
    order = mapped(woo_order(billing=billing, transaction_id=None, number=19, customer_note=None))
    assert (order.billing.postal_code, order.billing.phone, order.billing.company) == ("50667", "", "")
    assert (order.billing.country, order.number, order.note) == ("", "19", "")


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({"id": 29}, "deleted"),
        ({"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}, "cannot_view"),
        ({}, "expected a WooCommerce order"),
        ({"webhook_id": "1"}, "expected a WooCommerce order"),
        ({"id": 30, "amount": "5.00", "refunded_by": 1, "line_items": []}, "a refund"),
    ],
)
def test_what_is_no_order_gets_one_plain_reason(payload: dict[str, Any], says: str):
    (problem,) = problems_of(payload)
    assert problem.path == ""
    assert says in problem.reason


def test_a_broken_text_never_reaches_the_database():
    payload = woo_order(customer_note="a\x00b", line_items=[woo_line(name="\ud83d")])
    assert [problem.path for problem in problems_of(payload)] == ["customer_note", "line_items[0].name"]


def test_a_country_by_its_name_is_a_problem():
    (problem,) = problems_of(woo_order(billing={**ADDRESS, "country": "Germany"}))
    assert (problem.path, problem.reason) == (
        "billing.country",
        "found 'Germany', expected a country code of two letters such as DE",
    )
