"""Whatever a source sends: a profile makes an order of it or says what is wrong, and nothing else ever comes out."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.profiles import profiled_source, read_profile
from mappings.registry import SOURCES
from tests.mappings.profiles.profiles import over_woocommerce
from tests.mappings.profiles.test_whole import CSV, row
from tests.mappings.woocommerce_orders import woo_line, woo_order

WHOLE = profiled_source(None, read_profile(CSV, "farm.yaml"))
WOO = profiled_source(None, read_profile(Path(__file__).with_name("woocommerce_whole.yaml").read_text(), "w.yaml"))
#: Every verb and every step meets whatever stands at `source.x`.
OVER = profiled_source(
    SOURCES["woocommerce"],
    over_woocommerce(
        """
        order:
          - {to: note, copy: source.x, then: [trim, {case: title}, {cut: 9}, unescape]}
          - {to: po_number, copy: source.x, then: [{replace: {any: digits, with: "##"}}, {split: {by: "#", take: -1}}]}
          - {to: tags, copy: source.x}
          - {to: coupons, copy: source.x, then: [{split: ","}]}
          - {to: attributes.all, copy: source.x}
          - {to: attributes.some, copy: "source.x[?a > `1`].b[]"}
          - {to: attributes.text, concatenate: [source.x.a, source.x.b]}
          - {to: attributes.found, set: "find(source.x, 'a', `1`) || keys(source.x) || text(source.x)"}
          - {to: test, copy: source.x, then: [{flag: {true_for: ["1"], false_for: ["0", ""]}}]}
          - {to: payment_terms, set: "not_null(source.x, 'x')", then: [{number: {times: "2", per: "3"}}]}
          - {to: customer.vat_id, copy: source.x, then: [{date: {format: "%d.%m.%Y", zone: Europe/Berlin}}]}
          - {to: customer.company, copy: source.x, then: [{date: epoch_ms}]}
          - {to: customer.phone, set: digits(source.x)}
        lines:
          - {to: quantity, copy: source.x}
          - {to: discounts, map: {each: source.x, rules: [{to: code, copy: item.a}, {to: amount, copy: item.b}]}}
        """
    ),
)

TEXTS = st.text(max_size=12) | st.sampled_from(["", "1", "12,50", "2026-11-22", "24.12.2026", "\x00", "\ud800", "&#0;"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**40, -1, Decimal("1E+30"), Decimal("0.10"), Decimal("1e-25")])
    | TEXTS
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcxyz"), inner, max_size=4)
)


def order_or_problems(mapping: Any, payload: Any) -> None:
    try:
        order = mapping.order(payload, SourceOptions())
    except Problems:
        return
    assert isinstance(order, Order)
    assert order_from_json(order_to_json(order)) == order


@settings(deadline=None, max_examples=150)
@given(x=JSON)
def test_any_value_under_any_rule_over_a_base_mapping(x: Any):
    order_or_problems(OVER, woo_order(line_items=[woo_line(price=10)], x=x))


@settings(deadline=None, max_examples=100)
@given(name=st.sampled_from(sorted(row())), value=JSON)
def test_any_value_in_any_column_of_a_whole_profile(name: str, value: Any):
    order_or_problems(WHOLE, {"rows": [row(**{name: value})]})


@settings(deadline=None, max_examples=100)
@given(name=st.sampled_from(sorted(woo_order())), value=JSON)
def test_any_value_in_any_field_of_a_whole_order(name: str, value: Any):
    order_or_problems(WOO, woo_order(**{"line_items": [woo_line(price=10)], name: value}))


@settings(deadline=None, max_examples=50)
@given(payload=st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_any_object_at_all(payload: Any):
    order_or_problems(WHOLE, payload)
    order_or_problems(WOO, payload)
