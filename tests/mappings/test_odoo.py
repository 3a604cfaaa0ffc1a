"""Odoo's mapping: what it predicts, and the rule behind each part of the payload."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from mappings.base import SourceOptions, TargetOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Address, Customer, TaxLine
from mappings.canonical.refs import Ref
from mappings.odoo import MAPPING, addresses
from mappings.odoo.arithmetic import predict
from mappings.pricing import SaleLine
from mappings.registry import SOURCES, TARGETS
from mappings.wanted import COMPANY, party_ref
from tests.contract.recorded_orders import recorded_orders, refusals
from tests.mappings.orders import fee, line, make_order, shipping_line

OPTIONS = TargetOptions(channel="web")
CENT = Decimal("0.01")
VAT = {"id": 1, "rate": Decimal(15)}


def taxed(charge):
    tax = TaxLine(code="1", title="VAT", rate=Decimal(19), amount=charge.tax)
    return dataclasses.replace(charge, tax_lines=(tax,))


def ordered(**changes):
    """The usual order; its shipping and fees say which tax they carry."""
    changes = {"shipping_lines": (shipping_line("4.12", "0.78"),), **changes}
    for name in ("shipping_lines", "fees"):
        changes[name] = tuple(map(taxed, changes.get(name, ())))
    return make_order(**changes)


def known(order, options=OPTIONS):
    return dict(MAPPING.offline_references(order, options))


def total_of(payload, resolved, rounding="round_globally"):
    taxes = {value["id"]: value for ref, value in resolved.items() if ref.kind == "tax"}
    lines = [
        SaleLine(
            Decimal(each["product_uom_qty"]), Decimal(each["price_unit"]), tuple(taxes[tax] for tax in each["tax_ids"])
        )
        for each in payload["order_line"]
    ]
    unit = next(value["rounding"] for ref, value in resolved.items() if ref.kind == "currency")
    return sum(predict(lines, unit, rounding))


def problems(order, resolved, options=OPTIONS):
    with pytest.raises(Problems) as caught:
        MAPPING.sale(order, resolved, options)
    return {problem.cause: problem for problem in caught.value.problems}


def test_the_registry_has_the_mapping():
    assert TARGETS["odoo"] is MAPPING


def test_tax_is_rounded_once_over_all_lines_or_line_by_line():
    """12.50 x 2, 19.90 and 4.90 at 15 %: a recorded sale shows 57.27, the sum of its rounded lines is 57.28."""
    lines = [
        SaleLine(Decimal(2), Decimal("12.50"), (VAT,)),
        SaleLine(Decimal(1), Decimal("19.90"), (VAT,)),
        SaleLine(Decimal(1), Decimal("4.90"), (VAT,)),
    ]
    assert predict(lines, CENT, "round_globally") == (Decimal("49.80"), Decimal("7.47"))
    assert predict(lines, CENT, "round_per_line") == (Decimal("49.80"), Decimal("7.48"))


@pytest.mark.parametrize(
    "recorded",
    [recorded for recorded in recorded_orders() if recorded.where not in refusals()],
    ids=lambda recorded: recorded.where,
)
@pytest.mark.parametrize("rounding", ["round_globally", "round_per_line"])
def test_every_recorded_order_comes_to_the_shops_total(recorded, rounding):
    order = SOURCES["woocommerce"].order(recorded.body, SourceOptions())
    options = TargetOptions(channel="shop", settings={"free_text_product": "FREETEXT"})
    resolved = known(order, options)
    resolved[COMPANY] = {**resolved[COMPANY], "tax_rounding": rounding}
    assert MAPPING.party(order, resolved, options) is None
    payload = MAPPING.sale(order, resolved, options)
    assert total_of(payload, resolved, rounding) == options.rounded(order.totals.grand)
    assert all(abs(Decimal(each["price_unit"]).as_tuple().exponent) <= 2 for each in payload["order_line"])


def test_the_same_order_gives_the_same_payload_and_its_key_names_channel_and_order():
    order = ordered()
    payload = MAPPING.sale(order, known(order), OPTIONS)
    assert payload == MAPPING.sale(order, known(order), OPTIONS)
    assert payload["key"] == payload["origin"] == f"web:{order.external_id}"
    assert payload["client_order_ref"] == order.number


def test_a_discount_entered_as_a_negative_fee_is_a_line_and_the_total_ties():
    order = ordered(fees=(fee("-1.00", "-0.19"),), grand="33.45")
    resolved = known(order)
    assert total_of(MAPPING.sale(order, resolved, OPTIONS), resolved) == Decimal("33.45")


def test_pieces_that_no_price_of_two_decimals_gives_become_two_lines():
    order = ordered(lines=(line("A", "3", "10.00", "1.90"),), shipping_lines=(), fees=(), grand="11.90")
    lines = MAPPING.sale(order, known(order), OPTIONS)["order_line"]
    assert [(each["product_uom_qty"], each["price_unit"]) for each in lines] == [("2", "3.33"), ("1", "3.34")]


def test_the_shipping_line_is_told_apart_where_odoo_can():
    order = ordered()
    resolved = known(order)
    assert [each["is_delivery"] for each in MAPPING.sale(order, resolved, OPTIONS)["order_line"]].count(True) == 1
    resolved[COMPANY] = {**resolved[COMPANY], "line_fields": []}
    assert "is_delivery" not in MAPPING.sale(order, resolved, OPTIONS)["order_line"][0]


def test_a_currency_without_a_price_list_is_refused_unless_it_is_the_companys():
    order = ordered()
    currency = next(ref for ref in known(order) if ref.kind == "currency")
    resolved = known(order)
    resolved[currency] = {**resolved[currency], "pricelist": None}
    assert "pricelist_id" not in MAPPING.sale(order, resolved, OPTIONS)
    resolved[COMPANY] = {**resolved[COMPANY], "currency": "USD"}
    assert problems(order, resolved)["unmapped"].subject == f"currency:{order.currency}"


def test_a_code_of_several_products_is_held_with_their_names():
    order = ordered()
    resolved = known(order)
    product = Ref("product", order.lines[0].sku)
    resolved[product] = {"id": None, "candidates": [{"id": 1, "name": "Cup"}, {"id": 2, "name": "Old cup"}]}
    assert "Cup, Old cup" in str(problems(order, resolved)["unknown_sku"].reason)


def test_only_what_is_named_is_written_and_asked_for():
    order = ordered()
    plain = MAPPING.sale(order, known(order), OPTIONS)
    assert not {"warehouse_id", "payment_term_id"} & plain.keys()
    assert not {ref.kind for ref in MAPPING.references(order, OPTIONS)} & {"warehouse", "payment_term"}
    options = dataclasses.replace(OPTIONS, settings={"warehouse": "MAIN", "payment_term": "30 Days"})
    named = MAPPING.sale(order, known(order, options), options)
    assert (named["warehouse_id"], named["payment_term_id"]) == ("<warehouse:MAIN>", "<payment_term:30 Days>")
    resolved = {ref: value for ref, value in known(order, options).items() if ref.kind != "warehouse"}
    assert problems(order, resolved, options)["unmapped"].subject == "warehouse:MAIN"


# Customers


def test_a_new_customer_has_the_billing_address_as_its_own_and_another_one_as_a_child():
    order = ordered()
    delivery = dataclasses.replace(order.billing, street="Work 1", region="")
    order = dataclasses.replace(order, shipping=delivery)
    resolved = {ref: value for ref, value in known(order).items() if ref.kind != "party"}
    payload = MAPPING.party(order, resolved, OPTIONS)
    assert payload["ref"] == party_ref(order, OPTIONS).value
    assert payload["street"] == order.billing.street
    [child] = payload["addresses"]
    assert (child["type"], child["street"]) == ("delivery", "Work 1")
    assert child["key"] == addresses.address_key(payload["key"], child)


def test_a_known_customer_gets_what_is_missing_and_nothing_is_ever_changed():
    order = ordered()
    resolved = known(order)
    ref = party_ref(order, OPTIONS)
    resolved[ref] = {**resolved[ref], "addresses": resolved[ref]["addresses"][:1]}
    assert MAPPING.party(order, resolved, OPTIONS) is None or order.shipping != order.billing
    moved = dataclasses.replace(order, shipping=dataclasses.replace(order.shipping, street="New 2"))
    payload = MAPPING.party(moved, resolved, OPTIONS)
    assert payload.keys() == {"id", "key", "addresses"}
    assert "address_missing" in problems(moved, resolved)


def test_a_company_is_one_and_its_vat_id_compact():
    customer = Customer(external_id="1", guest=False, company="Firma GmbH", vat_id="de 123.456-789", email="a@b.de")
    order = ordered(customer=customer)
    resolved = {ref: value for ref, value in known(order).items() if ref.kind != "party"}
    payload = MAPPING.party(order, resolved, OPTIONS)
    assert (payload["name"], payload["is_company"], payload["vat"]) == ("Firma GmbH", True, "DE123456789")


def test_addresses_are_the_same_whatever_their_case_and_spaces():
    first = addresses.values(Address(first_name="Ada", last_name="Nord", street="Weg  1", city="Berlin"), {}, "x")
    second = addresses.values(Address(first_name="ADA", last_name="Nord ", street="weg 1", city="berlin"), {}, "x")
    assert addresses.same(first, second)
    assert addresses.address_key("k", first) == addresses.address_key("k", second)
    assert not addresses.same(first, {**second, "zip": "10115"})


def test_several_customers_of_one_address_are_held():
    order = ordered()
    resolved = known(order)
    ref = party_ref(order, OPTIONS)
    resolved[ref] = {
        "id": None,
        "candidates": [{"id": 1, "code": "a", "name": "A"}, {"id": 2, "code": None, "name": "B"}],
    }
    assert "ambiguous_party" in problems(order, resolved)
