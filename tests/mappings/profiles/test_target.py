"""What a profile adds to an ERP's payload, and what stays the base mapping's."""

from __future__ import annotations

import dataclasses
import textwrap
from decimal import Decimal

import pytest

from mappings.base import TargetOptions
from mappings.canonical.errors import Problems
from mappings.canonical.refs import Ref
from mappings.profiles import profiled_facets, profiled_target, read_profile
from mappings.registry import ERP_FACETS, TARGETS
from tests.mappings.orders import line, make_order, shipping_line
from tests.mappings.profiles.profiles import Tables, refusals
from tests.mappings.tryton_cases import OPTIONS, taxed

ENGRAVED = line("SKU-A", "2", "20.00", "3.80", attributes={"engraving": "Oma", "weight": "1500"})
ORDER = make_order(
    lines=(ENGRAVED, line("SKU-B", "1", "5.00", "0.95")),
    shipping_lines=(taxed(shipping_line("4.12", "0.78"), "19"),),
    attributes={"gift": True, "wish": "24.12.2026"},
)

TRYTON = """
settings:
  - {to: payment_term, when: order.billing.country == 'DE', constant: 30 days}
  - {to: carrier, copy: order.payment_method, then: [{lookup: {table: carrier, otherwise: DHL}}]}
order:
  - {to: x_gift, copy: order.attributes.gift}
  - {to: x_total, copy: order.totals.grand, as: decimal}
  - {to: x_wish, copy: order.attributes.wish, then: [{day: "%d.%m.%Y"}], as: day}
  - {to: x_reference, concatenate: [payload.reference, order.currency], with: "/"}
  - {to: price_list, copy: order.currency, then: [{lookup: price_list}], as: whole}
lines:
  - {to: x_engraving, copy: item.attributes.engraving}
  - {to: x_weight, copy: item.attributes.weight, then: [{number: {per: "1000"}}], as: float}
  - {to: x_article, when: item.external_id, constant: "yes", as: flag}
party:
  - {to: x_source, constant: webshop}
"""


def profile(rules=TRYTON, system="tryton"):
    text = textwrap.indent(textwrap.dedent(rules), "    ")
    return read_profile(f"profile: p\nextends: woocommerce\nerp:\n  {system}:\n{text}", "p.yaml")


def options(**settings):
    return dataclasses.replace(
        OPTIONS,
        settings={**OPTIONS.settings, **settings},
        lookup=Tables({("price_list", "EUR"): "7"}),
    )


BASE = TARGETS["tryton"]
MAPPING = profiled_target(BASE, profile(), "tryton")


def sale(order=ORDER, mapping=MAPPING, given=None):
    given = given or options()
    return mapping.sale(order, mapping.offline_references(order, given), given)


def lines_of(payload):
    return payload["lines"][0][1]


def test_an_erp_gets_the_fields_of_its_own_modules_in_their_types():
    payload = sale()
    assert payload["x_gift"] is True
    assert payload["x_total"] == {"__class__": "Decimal", "decimal": f"{ORDER.totals.grand.amount:f}"}
    assert payload["x_wish"] == {"__class__": "date", "year": 2026, "month": 12, "day": 24}
    assert payload["x_reference"] == f"{ORDER.number}/EUR"
    assert payload["price_list"] == 7


def test_a_line_of_the_erp_knows_the_canonical_line_behind_it():
    a, b, shipping = lines_of(sale())
    assert (a["x_engraving"], a["x_weight"], a["x_article"]) == ("Oma", 1.5, True)
    assert "x_engraving" not in b
    assert b["x_article"] is True
    assert "x_article" not in shipping


def test_a_canonical_line_that_became_two_is_behind_both_and_its_twin_behind_its_own():
    odd = line("SKU-A", "1000", "333.33", "0.00", tax_lines=(), attributes={"engraving": "first"})
    twin = line("SKU-A", "3", "1.00", "0.00", tax_lines=(), attributes={"engraving": "second"})
    lines = lines_of(sale(make_order(lines=(odd, twin), shipping_lines=(), grand="334.33")))
    assert [each["x_engraving"] for each in lines if "x_engraving" in each] == ["first", "first", "second"]


def test_what_the_base_mapping_writes_stays_as_it_is():
    base, made = sale(mapping=BASE, given=options(payment_term="30 days", carrier="DHL")), sale()
    assert {name: made[name] for name in base if name != "lines"} == {
        name: value for name, value in base.items() if name != "lines"
    }
    for ours, theirs in zip(lines_of(made), lines_of(base), strict=True):
        assert theirs.items() <= ours.items() or all(ours[name] == theirs[name] for name in theirs)


def test_settings_are_chosen_for_each_order_and_resolved_with_it():
    german, refs = sale(), MAPPING.references(ORDER, options())
    assert Ref("payment_term", "30 days") in refs
    assert Ref("carrier", "DHL") in refs
    assert german["payment_term"] == "<payment_term:30 days>"
    austrian = dataclasses.replace(ORDER, billing=dataclasses.replace(ORDER.billing, country="AT"))
    assert sale(austrian)["payment_term"] == "<payment_term:Direct>"


def test_the_warehouse_of_the_channel_or_its_routing_stands_above_a_rule():
    mapping = profiled_target(BASE, profile("settings:\n  - {to: warehouse, constant: WH2}"), "tryton")
    assert Ref("warehouse", "WH2") in mapping.references(ORDER, OPTIONS)
    routed = dataclasses.replace(OPTIONS, settings={"warehouse": "WH1"})
    assert Ref("warehouse", "WH1") in mapping.references(ORDER, routed)


def test_a_party_that_is_made_gets_fields_and_one_that_is_there_keeps_its_own():
    known = dict(MAPPING.offline_references(ORDER, options()))
    new = {ref: value for ref, value in known.items() if ref.kind != "party"}
    made = MAPPING.party(ORDER, new, options())
    assert made is not None
    assert made["x_source"] == "webshop"
    assert MAPPING.party(ORDER, known, options()) == BASE.party(ORDER, known, options())


def test_a_row_that_is_missing_stops_the_sale_with_its_table():
    with pytest.raises(Problems) as raised:
        sale(given=OPTIONS)
    assert [(problem.cause, problem.subject) for problem in raised.value.problems] == [("unmapped", "price_list:EUR")]


def test_a_value_that_does_not_fit_its_type_stops_the_sale_with_its_field():
    with pytest.raises(Problems) as raised:
        sale(dataclasses.replace(ORDER, attributes={"wish": "soon"}))
    [problem] = raised.value.problems
    assert problem.path == "x_wish"
    assert "found 'soon'" in str(problem.reason)


@pytest.mark.parametrize("field", ["web_id", "party", "lines", "reference", "comment", "currency"])
def test_what_the_way_back_compares_is_not_a_rules_to_write(field: str):
    [told] = refusals(
        f"profile: p\nextends: woocommerce\nerp:\n  tryton:\n    order:\n      - {{to: {field}, constant: x}}"
    )
    assert "which the base mapping writes" in told


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{to: x, copy: order.total.grand}", "did you mean 'order.totals.grand'?"),
        ("{to: x, copy: source.total}", "expected a path that begins with order, payload"),
        ("{to: x, copy: order.totals.grand, then: [{number: {times: 2}}]}", "money is carried, never computed"),
        ("{to: x, constant: many, as: decimal}", "expected an amount such as 12.50"),
        ("{to: x, constant: many, as: money}", "expected one of whole, flag, decimal, float, day, time"),
        ("{to: a.b, constant: x}", "expected one name of a field of the other system"),
    ],
)
def test_a_rule_for_an_erp_is_checked_when_it_is_read(rule: str, expected: str):
    told = refusals(f"profile: p\nextends: woocommerce\nerp:\n  tryton:\n    order:\n      - {rule}")
    assert expected in told[0]


def test_a_profile_for_another_erp_leaves_this_one_alone():
    assert profiled_target(BASE, profile("order: []", "sandbox_erp"), "tryton") is BASE
    assert (
        profiled_facets(ERP_FACETS["tryton"], BASE, profile("order: []", "sandbox_erp"), "tryton")
        is (ERP_FACETS["tryton"])
    )


def test_a_line_that_an_edit_adds_has_what_lines_of_a_new_sale_have():
    base = TARGETS["sandbox_erp"]
    rules = profile("lines:\n  - {to: x_engraving, copy: item.attributes.engraving}", "sandbox_erp")
    mapping = profiled_target(base, rules, "sandbox_erp")
    facets = profiled_facets(ERP_FACETS["sandbox_erp"], mapping, rules, "sandbox_erp")
    given = TargetOptions(channel="shop")
    resolved = mapping.offline_references(ORDER, given)
    stands = base.sale(ORDER, resolved, given)
    stands["lines"] = stands["lines"][1:]
    change = facets.change(ORDER, stands, frozenset({"lines"}), resolved, given)
    assert change is not None
    assert [each.get("x_engraving") for each in change["lines"]][:2] == ["Oma", None]
    assert Decimal(change["lines"][0]["amount"]) == Decimal("20.00")


def test_the_version_of_a_target_mapping_names_the_profile():
    assert MAPPING.version == f"{BASE.version}+{profile().version}"
