"""Tryton's mapping: golden payloads, and the rule behind each part of them."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest

from mappings.base import SourceOptions, TargetOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Address, Fee, TaxLine
from mappings.canonical.refs import Ref
from mappings.pricing import SaleLine
from mappings.registry import SOURCES
from mappings.tryton.arithmetic import predict
from mappings.tryton.lines import charge_lines, rounding_difference
from mappings.wanted import COMPANY, party_ref
from tests.contract.recorded_orders import recorded_orders, refusals
from tests.mappings.orders import ADDRESS, line, make_order, money, shipping_line
from tests.mappings.tryton_cases import B2B, CASES, FOLDER, MAPPING, OPTIONS, payload_of, text_of


def known(order, options=OPTIONS):
    return dict(MAPPING.offline_references(order, options))


def without(resolved, kind):
    return {ref: value for ref, value in resolved.items() if ref.kind != kind}


def lines_of(payload):
    return payload["lines"][0][1]


def total_of(payload, resolved):
    """What Tryton makes of the payload's lines."""
    taxes = {value["id"]: value for ref, value in resolved.items() if ref.kind == "tax"}
    sale_lines = [
        SaleLine(
            Decimal(str(each["quantity"])),
            Decimal(each["unit_price"]["decimal"]),
            tuple(taxes[number] for _, ids in each["taxes"] for number in ids),
        )
        for each in lines_of(payload)
    ]
    unit = next(value["rounding"] for ref, value in resolved.items() if ref.kind == "currency")
    return predict(sale_lines, unit, "document").total


def causes(order, resolved, options=OPTIONS):
    with pytest.raises(Problems) as caught:
        MAPPING.sale(order, resolved, options)
    return [problem.cause for problem in caught.value.problems]


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_payload_is_the_golden_one(name):
    assert text_of(payload_of(CASES[name]())) == (FOLDER / f"{name}.json").read_text()


def test_every_golden_file_has_its_order():
    assert {path.stem for path in FOLDER.glob("*.json")} == CASES.keys()


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_lines_come_to_the_shops_total(name):
    order = CASES[name]()
    payload = json.loads(json.dumps(payload_of(order)))
    assert total_of(payload, known(order)) == OPTIONS.rounded(order.totals.grand)


@pytest.mark.parametrize(
    "recorded",
    [recorded for recorded in recorded_orders() if recorded.where not in refusals()],
    ids=lambda recorded: recorded.where,
)
def test_every_recorded_order_comes_to_the_shops_total(recorded):
    order = SOURCES["woocommerce"].order(recorded.body, SourceOptions())
    options = TargetOptions(channel="shop", settings={"free_text_product": "FREETEXT"})
    resolved = known(order, options)
    assert MAPPING.party(order, resolved, options) is None
    assert total_of(MAPPING.sale(order, resolved, options), resolved) == options.rounded(order.totals.grand)


# References


def test_the_key_is_the_external_id_not_the_number():
    assert MAPPING.sale_key("17", OPTIONS) == "17"
    assert payload_of(make_order(shipping_lines=(), grand="29.75"))["web_id"] == "17"


def test_a_tax_is_asked_for_by_country_and_rate():
    refs = MAPPING.references(make_order(), OPTIONS)
    assert {ref.value for ref in refs if ref.kind == "tax"} == {"DE:19"}


def test_the_orders_own_payment_terms_come_before_the_channels():
    asked = [
        {ref for ref in MAPPING.references(order, OPTIONS) if ref.kind == "payment_term"}
        for order in (make_order(), make_order(payment_terms="Net 30 days"))
    ]
    assert asked == [{Ref("payment_term", "Direct")}, {Ref("payment_term", "Net 30 days")}]


def test_a_region_is_asked_for_only_where_a_parcel_needs_it():
    german = dataclasses.replace(ADDRESS, region="BE")
    american = Address(street="1 Main St", city="Reno", region="NV", country="US", last_name="Doe")
    refs = MAPPING.references(make_order(billing=german, shipping=american), OPTIONS)
    assert {ref.value for ref in refs if ref.kind == "subdivision"} == {"US-NV"}


# Party and addresses


def test_a_known_party_with_both_addresses_needs_nothing():
    order = make_order()
    assert MAPPING.party(order, known(order), OPTIONS) is None


def test_a_new_party_carries_our_key_its_addresses_and_its_vat_id():
    order = make_order(customer=B2B)
    payload = MAPPING.party(order, without(known(order), "party"), OPTIONS)
    assert (payload["code"], payload["name"]) == ("vat:DE136695976", "ACME GmbH")
    assert payload["identifiers"] == [["create", [{"type": "eu_vat", "code": "DE136695976"}]]]
    [[_, [address]]] = payload["addresses"]
    assert (address["invoice"], address["delivery"], address["party_name"]) == (True, True, "Zoë Żółć")


def test_a_number_of_no_eu_country_is_an_identifier_without_type():
    order = make_order(customer=dataclasses.replace(B2B, vat_id="CHE-123.456.788"))
    payload = MAPPING.party(order, without(known(order), "party"), OPTIONS)
    assert payload["identifiers"] == [["create", [{"code": "CHE123456788"}]]]


@pytest.mark.parametrize(
    "changes",
    [{"city": "BERLIN "}, {"street": "Lange  Straße 5"}, {"first_name": "zoë "}],
    ids=["case", "inner spaces", "outer spaces"],
)
def test_an_address_that_differs_in_spelling_alone_is_the_same(changes):
    order = make_order()
    again = dataclasses.replace(order, billing=dataclasses.replace(ADDRESS, **changes))
    assert MAPPING.party(again, known(order), OPTIONS) is None


def test_another_address_is_added_and_none_is_written_to():
    order = make_order()
    moved = dataclasses.replace(order, shipping=dataclasses.replace(ADDRESS, street="Neue Straße 1"))
    payload = MAPPING.party(moved, known(order), OPTIONS)
    assert payload.keys() == {"id", "code", "addresses"}
    [[command, [added]]] = payload["addresses"]
    assert (command, added["street"], added.get("invoice"), added["delivery"]) == (
        "create",
        "Neue Straße 1",
        None,
        True,
    )


def test_an_address_without_name_in_the_erp_is_the_partys():
    order = make_order(customer=B2B, billing=dataclasses.replace(ADDRESS, first_name="", last_name=""))
    resolved = known(dataclasses.replace(order, shipping=order.billing))
    party = next(value for ref, value in resolved.items() if ref.kind == "party")
    for address in party["addresses"]:
        address["party_name"] = None
    assert MAPPING.party(dataclasses.replace(order, shipping=Address()), resolved, OPTIONS) is None


def test_an_order_without_delivery_address_is_delivered_to_the_invoice_address():
    order = make_order(shipping=Address())
    assert MAPPING.party(order, known(order), OPTIONS) is None


def test_several_parties_with_one_email_are_nobody():
    order = make_order()
    ref = next(ref for ref in known(order) if ref.kind == "party")
    twice = [{"id": 1, "name": "A", "code": "1"}, {"id": 2, "name": "B", "code": "2"}]
    resolved = {**known(order), ref: {"id": None, "candidates": twice}}
    with pytest.raises(Problems, match=r"A \(1\), B \(2\)") as caught:
        MAPPING.party(order, resolved, OPTIONS)
    assert [problem.cause for problem in caught.value.problems] == ["ambiguous_party"]


# Lines


def test_a_discount_shows_where_the_erp_can_keep_the_price_before_it():
    order = CASES["tax_included_with_coupon"]()
    resolved = known(order)
    [with_field] = lines_of(MAPPING.sale(order, resolved, OPTIONS))
    resolved[COMPANY] = {**resolved[COMPANY], "line_fields": []}
    [without_field] = lines_of(MAPPING.sale(order, resolved, OPTIONS))
    assert (with_field["unit_price"]["decimal"], with_field["base_price"]["decimal"]) == ("9.0000", "10.0000")
    assert "base_price" not in without_field


def test_without_the_shipping_cost_module_its_fields_are_not_sent():
    order = make_order(shipping_lines=(), grand="29.75")
    resolved = known(order)
    resolved[COMPANY] = {**resolved[COMPANY], "sale_fields": []}
    assert not {"carrier", "shipment_cost_method"} & MAPPING.sale(order, resolved, OPTIONS).keys()


def test_a_total_that_no_price_of_four_decimals_gives_is_split():
    first, second = lines_of(payload_of(CASES["price_of_no_four_decimals"]()))
    assert (first["quantity"], first["unit_price"]["decimal"]) == (700, "0.3333")
    assert (second["quantity"], second["unit_price"]["decimal"]) == (300, "0.3334")


def test_the_rounding_line_is_named_untaxed_and_last():
    *_, last = lines_of(payload_of(CASES["hundred_lines"]()))
    assert (last["description"], last["taxes"], last["quantity"]) == ("Rounding", [], 1)


def test_no_rounding_line_where_nothing_is_to_round():
    descriptions = [each["description"] for each in lines_of(payload_of(CASES["net_prices_and_shipping"]()))]
    assert "Rounding" not in descriptions


def test_hundred_roundings_of_half_a_cent_are_arithmetic():
    order = CASES["hundred_lines"]()
    resolved = known(order)
    difference = rounding_difference(order, charge_lines(order, resolved, OPTIONS), resolved, Decimal("146.00"))
    assert Decimal("0.05") < abs(difference) <= Decimal("0.50")


def test_more_than_rounding_is_held_with_a_table_of_the_lines():
    order = make_order(shipping_lines=(), grand="29.75")
    resolved = {
        ref: {**value, "rate": Decimal(7)} if ref.kind == "tax" else value for ref, value in known(order).items()
    }
    with pytest.raises(Problems, match=r"SKU-A: shop 20.00 \+ 3.80 tax, ERP 20.00 \+ 1.40 tax"):
        MAPPING.sale(order, resolved, OPTIONS)
    assert causes(order, resolved) == ["totals_mismatch"]


def test_a_currency_that_the_erp_rounds_more_coarsely_is_held():
    order = make_order(lines=(line("A", "1", "1.005", "0", tax_lines=()),), shipping_lines=(), grand="1.005")
    options = dataclasses.replace(OPTIONS, minor_units={"EUR": 3})
    resolved = {
        ref: {**value, "rounding": Decimal("0.01")} if ref.kind == "currency" else value
        for ref, value in known(order, options).items()
    }
    assert causes(order, resolved, options) == ["totals_mismatch"]


def test_everything_that_is_wrong_is_said_at_once():
    order = make_order(
        lines=(
            line("", "1", "1.00", "0.19", name="Deleted"),
            line("NONE", "1", "1.00", "0.19"),
            line("HALF", "0.5", "1.00", "0.19"),
        ),
        shipping_lines=(shipping_line("4.12", "0.78"),),
        grand="8.47",
    )
    resolved = {ref: value for ref, value in known(order).items() if ref.value not in {"NONE", "DE:19"}}
    half = next(ref for ref in resolved if ref.value == "HALF")
    resolved[half] = {**resolved[half], "unit_digits": 0}
    expected = ["unknown_sku", "unmapped", "unmapped", "unmapped", "unit_digits", "unmapped", "unknown_tax"]
    assert causes(order, resolved) == expected


def test_a_line_without_sku_is_booked_on_the_product_that_the_channel_names():
    order = make_order(lines=(line("", "1", "1.00", "0.19", name="Deleted"),), shipping_lines=(), grand="1.19")
    options = TargetOptions(channel="shop", settings={"free_text_product": "FREETEXT"})
    [first] = lines_of(MAPPING.sale(order, known(order, options), options))
    assert (first["product"], first["description"]) == ("<product:FREETEXT>", "Deleted")


def test_a_tax_of_which_the_erp_has_several_is_named():
    order = make_order(shipping_lines=(), grand="29.75")
    several = {"id": None, "candidates": [{"id": 1, "name": "19% goods"}, {"id": 2, "name": "19% services"}]}
    resolved = {ref: several if ref.kind == "tax" else value for ref, value in known(order).items()}
    with pytest.raises(Problems, match="19% goods, 19% services"):
        MAPPING.sale(order, resolved, OPTIONS)


def test_a_rate_of_zero_that_the_erp_lacks_is_left_out():
    order = CASES["free_and_zero_rated"]()
    resolved = {ref: value for ref, value in known(order).items() if ref.value != "DE:0"}
    assert lines_of(MAPPING.sale(order, resolved, OPTIONS))[1]["taxes"] == []


def discount_fee(total, *taxes):
    """A fee with (percent, amount) of each of its taxes."""
    return Fee(
        external_id="f1",
        title="Treuerabatt",
        total=money(total),
        tax=money(f"{sum(Decimal(amount) for _, amount in taxes):f}"),
        tax_lines=tuple(
            TaxLine(code=str(number), title=f"{percent} %", rate=Decimal(percent), amount=money(amount))
            for number, (percent, amount) in enumerate(taxes, start=1)
        ),
    )


@pytest.mark.parametrize(
    ("fee", "shares"),
    [
        # 0.46 off a basket of 112.22 at 19 % and 90.64 at 7 %, as WooCommerce writes it.
        (discount_fee("-0.46", ("19", "-0.048348"), ("7", "-0.014388")), [("-0.25", "19"), ("-0.21", "7")]),
        # The same with taxes rounded to the cent: what the shares lack is given to them.
        (discount_fee("-10.00", ("19", "-1.05"), ("7", "-0.31")), [("-5.55", "19"), ("-4.45", "7")]),
        # A third of the basket was not taxed.
        (discount_fee("-9.00", ("19", "-0.57"), ("7", "-0.21")), [("-3.00", "19"), ("-3.00", "7"), ("-3.00", "")]),
    ],
)
def test_a_discount_off_a_basket_of_several_rates_carries_each_tax_on_its_share(fee, shares):
    grand = Decimal("29.75") + fee.total.amount + fee.tax.amount
    order = make_order(fees=(fee,), shipping_lines=(), grand=f"{grand:.2f}")
    resolved = known(order)
    lines = charge_lines(order, resolved, OPTIONS)
    amounts = [each.amounts for each in lines if each.charge.path == "fees[0]"]
    found = [(f"{each.base:.2f}", *(f"{tax['rate']:f}" for tax in each.taxes)) for each in amounts]
    assert found == [tuple(filter(None, share)) for share in shares]
    assert abs(rounding_difference(order, lines, resolved, order.totals.grand.amount)) <= Decimal("0.01")


def test_two_taxes_on_the_whole_of_a_charge_stay_on_one_line():
    order = make_order(fees=(discount_fee("10.00", ("5", "0.50"), ("9.975", "0.9975")),), grand="46.15")
    lines = [each for each in charge_lines(order, known(order), OPTIONS) if each.charge.path == "fees[0]"]
    assert [len(each.amounts.taxes) for each in lines] == [2]


def test_a_party_that_would_be_made_lets_a_dry_run_go_on_to_the_sale():
    order = make_order(shipping_lines=(), grand="29.75")
    options = TargetOptions(channel="web")
    ref = party_ref(order, options)
    known = {key: value for key, value in MAPPING.offline_references(order, options).items() if key != ref}
    assert MAPPING.party(order, known, options) is not None
    resolved = {**known, ref: MAPPING.party_made(order, ref, known, options)}
    assert MAPPING.party(order, resolved, options) is None
    sale = MAPPING.sale(order, resolved, options)
    assert sale["party"] == f"<party:{ref.value}>"
    assert sale["invoice_address"] == "<invoice address>"


def test_what_the_erp_has_of_a_party_keeps_its_ids_in_a_dry_run():
    order = make_order(shipping_lines=(), grand="29.75")
    options = TargetOptions(channel="web")
    ref = party_ref(order, options)
    known = MAPPING.offline_references(order, options)
    whole = known[ref] | {"id": 7}
    [invoice, delivery] = whole["addresses"]
    there = {**known, ref: whole | {"addresses": [invoice | {"id": 70}]}}
    made = {**there, ref: MAPPING.party_made(order, ref, there, options)}
    sale = MAPPING.sale(order, made, options)
    assert (sale["party"], sale["invoice_address"]) == (7, 70)
    assert sale["shipment_address"] in {70, delivery["id"]}
