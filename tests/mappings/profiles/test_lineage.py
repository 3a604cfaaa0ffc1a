"""Every field of an order answers where it came from: source path and raw value, base or rule, row of a table."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mappings.base import SourceOptions
from mappings.canonical.schemas import order_to_json
from mappings.profiles import profiled_source, read_profile
from mappings.profiles.bases import BASES
from mappings.profiles.lineage import LookedUp, Origin, Read
from mappings.profiles.tracing import trace_order, trace_sale
from mappings.registry import SOURCES, TARGETS
from tests.mappings.profiles.profiles import Tables, over_woocommerce
from tests.mappings.profiles.test_target import OPTIONS, ORDER, options, profile
from tests.mappings.profiles.test_whole import CSV, ROWS
from tests.mappings.woocommerce_orders import woo_line, woo_order

BASE = SOURCES["woocommerce"]
RULES = """
order:
  - {to: payment_terms, copy: source.payment_method, then: [{lookup: payment_term}]}
  - {to: attributes.vat, copy: source.number}
lines:
  - {to: sku, set: upper(item.sku)}
"""
SAMPLE = woo_order(line_items=[woo_line(sku="sieb-st")])


def traced(rules: str = RULES) -> dict[str, Origin]:
    lookup = Tables({("payment_term", "stripe"): "prepaid"})
    _, origins = trace_order(BASE, over_woocommerce(rules), SAMPLE, SourceOptions(lookup=lookup))
    return {origin.field: origin for origin in origins}


def test_a_field_that_a_rule_wrote_names_the_rule_what_it_read_and_its_row():
    assert traced()["payment_terms"] == Origin(
        field="payment_terms",
        value="prepaid",
        by="rule",
        where="p.yaml:6:7",
        word="copy",
        reads=(Read("source.payment_method", "stripe"),),
        lookups=(LookedUp("payment_term", "stripe", "prepaid"),),
    )
    assert traced()["lines[0].sku"].reads == (Read("item.sku", "sieb-st"),)
    assert traced()["attributes.vat"].value == "WC-19"


def test_what_a_rule_read_is_told_as_it_was_before_it_wrote():
    told = traced("order:\n  - {to: note, concatenate: [order.note, order.number], with: '/'}")["note"]
    assert told.value == f"{SAMPLE['customer_note']}/WC-19"
    assert told.reads[0] == Read("order.note", SAMPLE["customer_note"])


def test_a_field_of_the_base_mapping_names_its_path_and_raw_value():
    origins, by = traced(), f"woocommerce:{BASE.version}"
    assert origins["number"] == Origin(
        field="number", value="WC-19", by="base", where=by, reads=(Read("source.number", "WC-19"),)
    )
    assert origins["lines[0].name"].reads == (Read("source.line_items[0].name", "Teesieb &amp; Kanne"),)
    assert origins["billing.street"].reads == (Read("source.billing.address_1", "Straße des 17. Juni 135"),)
    assert origins["totals.grand"].reads == (Read("source.total", SAMPLE["total"]),)


def test_every_field_of_the_order_has_an_origin():
    order, origins = trace_order(BASE, None, SAMPLE, SourceOptions(), system="woocommerce")
    fields = {origin.field for origin in origins}
    for name, value in order_to_json(order).items():
        assert name in fields or any(each.startswith((f"{name}.", f"{name}[")) for each in fields) or value == []


def test_tracing_changes_nothing_of_the_result():
    lookup = Tables({("payment_term", "stripe"): "prepaid"})
    profile_, options_ = over_woocommerce(RULES), SourceOptions(lookup=lookup)
    assert trace_order(BASE, profile_, SAMPLE, options_)[0] == profiled_source(BASE, profile_).order(SAMPLE, options_)


def test_what_no_rule_of_a_whole_profile_wrote_says_how_it_was_made():
    _, origins = trace_order(None, read_profile(CSV, "farm.yaml"), {"rows": ROWS}, SourceOptions())
    told = {origin.field: origin for origin in origins}
    assert told["placed_on"].word == "the day of `placed_at` in UTC"
    assert told["lines[0].sku"].where == "farm.yaml:28:9"
    assert told["lines[0].subtotal"].word == "`total`: no discount"


def test_the_fields_of_a_payload_say_which_rule_added_them():
    mapping = TARGETS["tryton"]
    resolved = mapping.offline_references(ORDER, OPTIONS)
    rules = profile("order:\n  - {to: x_gift, copy: order.attributes.gift}")
    payload, origins = trace_sale(mapping, rules, "tryton", ORDER, (resolved, options()))
    told = {origin.field: origin for origin in origins}
    assert payload["x_gift"] is True
    assert (told["x_gift"].by, told["x_gift"].reads) == ("rule", (Read("order.attributes.gift", value=True),))
    assert (told["web_id"].by, told["web_id"].where) == ("base", f"tryton:{mapping.version}")


# --- the table of the base mapping's paths is true ---------------------------------------------------------------

#: Source path -> another value that the base mapping takes.
OTHER: dict[str, Any] = {
    "id": 77,
    "status": "completed",
    "date_created_gmt": "2026-11-20T23:01:55",
    "customer_id": 0,
    "prices_include_tax": False,
    "total_tax": "4.59",
    "discount_total": "2.01",
    "total": "28.69",
    "country": "AT",
    "quantity": 3,
    "subtotal": "23.00",
    "product_id": 77,
    "variation_id": 77,
    "coupon_lines": [{"id": 1, "code": "x"}],
    "line_items": [],
    "fee_lines": [{"id": 1, "name": "x", "total": "0.00", "total_tax": "0.00", "taxes": []}],
    "taxes": [],
}
#: Read for more than itself, or proven against the rest: another value alone refuses the order.
PROVEN = {"currency", "line_items", "shipping_lines", "fee_lines", "meta_data"}


@pytest.mark.parametrize("scope", ["order", "billing", "shipping", "lines", "shipping_lines"])
def test_another_value_at_the_path_of_a_field_is_another_value_of_the_field(scope: str):
    base = BASES["woocommerce"]
    wanted = order_to_json(BASE.order(SAMPLE, SourceOptions()))
    for field, paths in base.paths[scope].items():
        path = paths[0]
        if len(paths) > 1 or path in PROVEN:
            continue
        changed = copy.deepcopy(SAMPLE)
        within = changed
        if scope in base.objects:
            within = changed[base.objects[scope]]
        elif scope in base.elements:
            within = changed[base.elements[scope].source][0]
        *above, last = path.split(".")
        for name in above:
            within = within[name]
        within[last] = OTHER.get(last, "other@example.test")
        if last == "total" and scope != "order":
            within[last] = f"{float(SAMPLE['line_items'][0]['total']) + 0.01:.2f}" if scope == "lines" else "4.13"
        made = order_to_json(BASE.order(changed, SourceOptions()))
        assert value_at(made, scope, field) != value_at(wanted, scope, field), (scope, field, path)


def value_at(order: dict[str, Any], scope: str, field: str) -> Any:
    value: Any = order if scope == "order" else order[scope][0] if isinstance(order[scope], list) else order[scope]
    for name in field.split("."):
        value = value[name]
    return value
