"""What the gateway kept, as each plugin writes it; shapes as in the plugins' own sources."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import UNREAD_FEES, Order
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.profiles import profiled_source, read_profile
from mappings.registry import SOURCES
from sync.rules.likeness import material_of
from tests.mappings.orders import money
from tests.mappings.woocommerce_orders import mapped, with_meta

BREAKDOWN = {
    "gross_amount": {"currency_code": "EUR", "value": "28.70"},
    "paypal_fee": {"currency_code": "EUR", "value": "1.15"},
    "net_amount": {"currency_code": "EUR", "value": "27.55"},
}


def told(**meta: Any) -> Order:
    return mapped(with_meta(*meta.items()))


def fee_of(order: Order) -> Decimal | None:
    [payment] = order.payments
    return None if payment.fee is None else payment.fee.amount


def unread(order: Order) -> Any:
    return order.attributes.get(UNREAD_FEES)


@pytest.mark.parametrize(
    ("meta", "fee"),
    [
        ({"_stripe_fee": "0.68", "_stripe_net": "28.02", "_stripe_currency": "EUR"}, "0.68"),
        ({"_wcpay_transaction_fee": "0.92", "_wcpay_net": "27.78"}, "0.92"),
        ({"_wcpay_transaction_fee": Decimal("0.92"), "_wcpay_intent_currency": "eur"}, "0.92"),
        ({"_ppcp_paypal_fees": BREAKDOWN, "PayPal Transaction Fee": "1.15"}, "1.15"),
        ({"PayPal Transaction Fee": "1.15"}, "1.15"),
        ({"_paypal_transaction_fee": "1.15"}, "1.15"),
        # A sum that PHP made in binary.
        ({"_stripe_fee": Decimal("1.5699999999999998"), "_stripe_currency": "EUR"}, "1.57"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_each_gateways_fee_is_read_where_its_plugin_writes_it(meta: dict[str, Any], fee: str):
    order = told(**meta)
    assert fee_of(order) == Decimal(fee)
    assert order.payments[0].amount == money("28.70"), "a payment stays what the customer paid"
    assert unread(order) is None


@pytest.mark.parametrize(
    ("meta", "found"),
    [
        ({"_stripe_fee": "0.74", "_stripe_currency": "USD"}, {"_stripe_fee": "'0.74' USD"}),
        ({"_stripe_fee": "0.68"}, {"_stripe_fee": "'0.68'"}),
        ({"_wcpay_transaction_fee": "1", "_wcpay_intent_currency": "usd"}, {"_wcpay_transaction_fee": "'1' USD"}),
        ({"_wcpay_transaction_fee": "28.70"}, {"_wcpay_transaction_fee": "'28.70' EUR"}),
        ({"_wcpay_transaction_fee": "-0.92"}, {"_wcpay_transaction_fee": "'-0.92' EUR"}),
        ({"PayPal Transaction Fee": "1,15"}, {"PayPal Transaction Fee": "'1,15' EUR"}),
        ({"PayPal Transaction Fee": {"a": 1}}, {"PayPal Transaction Fee": "an object EUR"}),
        # The bare number beside it is the same one, in a currency that it does not name.
        (
            {
                "_ppcp_paypal_fees": {"paypal_fee": {"currency_code": "USD", "value": "1.30"}},
                "PayPal Transaction Fee": "1.30",
            },
            {"_ppcp_paypal_fees": "'1.30' USD"},
        ),
    ],
)
def test_what_is_no_amount_in_the_orders_currency_below_the_payment_is_left_out_and_told(
    meta: dict[str, Any], found: dict[str, str]
):
    order = told(**meta)
    assert fee_of(order) is None
    assert unread(order) == found


def test_a_customer_who_tried_two_gateways_leaves_the_fee_to_a_person():
    order = told(**{"_wcpay_transaction_fee": "0.92", "PayPal Transaction Fee": "1.15"})
    assert fee_of(order) is None
    assert unread(order).keys() == {"_wcpay_transaction_fee", "PayPal Transaction Fee"}


def test_one_key_that_says_two_things_says_nothing():
    payload = with_meta(("PayPal Transaction Fee", "1.15"))
    again = {"id": 99, "key": "PayPal Transaction Fee", "value": "1.40"}
    order = mapped({**payload, "meta_data": [*payload["meta_data"], again]})
    assert (fee_of(order), unread(order)) == (None, {"PayPal Transaction Fee": "a list EUR"})
    same = {**again, "value": "1.15"}
    assert fee_of(mapped({**payload, "meta_data": [*payload["meta_data"], same]})) == Decimal("1.15")


@pytest.mark.parametrize("meta", [{"_stripe_fee": ""}, {"_ppcp_paypal_fees": {"net_amount": {}}}, {"_stripe_net": "1"}])
def test_a_gateway_that_has_not_settled_yet_says_nothing(meta: dict[str, Any]):
    assert (fee_of(told(**meta)), unread(told(**meta))) == (None, None)


def test_a_gateway_that_kept_nothing_has_no_fee():
    order = told(_wcpay_transaction_fee="0.00")
    assert (fee_of(order), unread(order)) == (None, None)


def test_stripes_plugin_divides_three_decimals_wrongly_so_that_is_left_out():
    order = mapped(with_meta(("_stripe_fee", "6.80"), ("_stripe_currency", "KWD"), currency="KWD"))
    assert (fee_of(order), unread(order)) == (None, {"_stripe_fee": "'6.80' KWD / 10"})


def test_the_fee_is_the_gateways_and_not_the_gift_cards():
    card = {"id": 2, "code": "SU9F-MGB5", "amount": 20}
    payload = with_meta(("_wcpay_transaction_fee", "0.40"), gift_cards=[card])
    assert [payment.fee for payment in mapped(payload).payments] == [None, money("0.40")]
    unpaid = mapped({**payload, "date_paid_gmt": None})
    assert [payment.fee for payment in unpaid.payments] == [None]


def test_a_fee_that_comes_later_remakes_no_sale():
    before, after = told(), told(_stripe_fee="0.68", _stripe_currency="EUR")
    assert material_of(order_to_json(before)) == material_of(order_to_json(after))


def test_an_order_that_was_stored_before_there_were_fees_is_read():
    stored = order_to_json(told())
    assert stored["payments"][0].pop("fee") is None
    assert order_from_json(stored) == told()


PROFILE = """\
profile: fees
extends: woocommerce
source:
  payments:
    - {to: fee, copy: "source.meta_data[?key == '_my_fee'].value | [0]"}
"""


def ruled(*meta: tuple[str, Any]) -> Order:
    profiled = profiled_source(SOURCES["woocommerce"], read_profile(PROFILE, "fees.yaml"))
    return profiled.order(with_meta(*meta), SourceOptions())


def test_a_profile_says_the_fee_of_any_other_gateway():
    assert fee_of(ruled(("_my_fee", "0.40"))) == Decimal("0.40")
    assert fee_of(ruled(("_wcpay_transaction_fee", "0.92"))) == Decimal("0.92"), "what is not there changes nothing"


@pytest.mark.parametrize("value", ["-0.40", "0.00"])
def test_a_profiles_fee_is_above_zero(value: str):
    with pytest.raises(Problems, match="above 0"):
        ruled(("_my_fee", value))


@given(st.dictionaries(
    st.sampled_from(["_stripe_fee", "_stripe_currency", "_wcpay_transaction_fee", "_ppcp_paypal_fees"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.decimals(allow_nan=False)
    | st.lists(st.none(), max_size=1)
    | st.dictionaries(st.sampled_from(["paypal_fee"]), st.text(max_size=5) | st.none(), max_size=1),
    max_size=4,
))  # fmt: skip
def test_whatever_a_plugin_writes_an_order_is_read(meta: dict[str, Any]):
    order = told(**meta)
    fee = fee_of(order)
    assert fee is None or 0 < fee < order.payments[0].amount.amount
    assert order_from_json(order_to_json(order)) == order
