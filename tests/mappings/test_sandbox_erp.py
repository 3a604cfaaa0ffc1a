"""The sandbox ERP's mapping: pure, complete, and equal to the shop's total to the cent."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import sandbox_erp
from mappings.base import TargetOptions
from mappings.canonical.errors import Problems
from mappings.canonical.records import Address, Customer
from mappings.canonical.refs import Ref
from mappings.registry import TARGETS
from tests.mappings.orders import fee, line, make_order, money, shipping_line

GOLDEN = Path(__file__).parent / "golden" / "sandbox_erp_sale.json"
OPTIONS = TargetOptions(channel="demo")


def known(order, options=OPTIONS):
    """An ERP that knows everything that the order asks for."""
    refs = sorted(sandbox_erp.references(order, options), key=lambda ref: (ref.kind, ref.value))
    return {ref: {"id": number} for number, ref in enumerate(refs, start=1)}


def total_of(payload):
    """What the ERP makes of the lines, as it documents it: the sum of their amounts and taxes."""
    return sum((Decimal(entry["amount"]) + Decimal(entry["tax"]) for entry in payload["lines"]), Decimal(0))


def test_the_payload_is_the_golden_one():
    order = make_order(fees=(fee("-1.00", "-0.19"),), grand="33.45", note="Bitte klingeln", po_number="PO-7")

    payload = sandbox_erp.sale(order, known(order), OPTIONS)

    assert payload == json.loads(GOLDEN.read_text())


def test_the_same_order_gives_the_same_payload():
    order = make_order()
    assert sandbox_erp.sale(order, known(order), OPTIONS) == sandbox_erp.sale(order, known(order), OPTIONS)


def test_the_registry_has_the_mapping():
    assert TARGETS["sandbox_erp"] is sandbox_erp.MAPPING


def test_the_key_names_channel_and_external_id_not_the_number():
    assert sandbox_erp.sale_key("99", OPTIONS) == "demo:99"


def test_every_line_has_its_product_asked_for_and_services_have_theirs():
    order = make_order(fees=(fee("1.00", "0.19"),), grand="35.85")
    values = {ref.value for ref in sandbox_erp.references(order, OPTIONS) if ref.kind == "product"}
    assert values == {"SKU-A", "SKU-B", "SHIPPING", "FEE", "ROUNDING"}


def test_the_policy_names_other_service_products():
    options = dataclasses.replace(OPTIONS, settings={"shipping_product": "VERSAND"})
    assert Ref("product", "VERSAND") in sandbox_erp.references(make_order(), options)


def test_an_order_without_rounding_asks_for_no_rounding_product():
    assert Ref("product", "ROUNDING") not in sandbox_erp.references(make_order(), OPTIONS)


def test_what_rounding_leaves_is_a_line_of_its_own():
    order = make_order(lines=(line("SKU-A", "3", "18.906542", "1.323458"),), shipping_lines=(), grand="20.25")

    payload = sandbox_erp.sale(order, known(order), OPTIONS)

    assert [(entry["origin"], entry["amount"], entry["tax"]) for entry in payload["lines"]] == [
        ("line-SKU-A", "18.91", "1.32"),
        ("rounding", "0.02", "0.00"),
    ]
    assert total_of(payload) == Decimal("20.25")


def test_a_currency_without_decimals_is_rounded_and_the_shops_decimals_are_named():
    order = make_order(
        lines=(line("SKU-A", "1", "3.36", "0.64", currency="JPY"),), shipping_lines=(), grand="4.00", currency="JPY"
    )
    assert OPTIONS.rounded(order.totals.grand) == Decimal(4)
    assert total_of(sandbox_erp.sale(order, known(order), OPTIONS)) == Decimal(4)


def test_a_connection_may_name_the_decimals_of_a_currency():
    order = make_order(
        lines=(line("SKU-A", "1", "3.36", "0.00", currency="JPY"),), shipping_lines=(), grand="3.36", currency="JPY"
    )
    options = dataclasses.replace(OPTIONS, minor_units={"JPY": 2})
    assert options.rounded(order.totals.grand) == Decimal("3.36")
    assert [entry["amount"] for entry in sandbox_erp.sale(order, known(order, options), options)["lines"]] == ["3.36"]


amounts = st.decimals(min_value=-500, max_value=5000, places=6)


@given(
    nets=st.lists(st.tuples(amounts, amounts), min_size=1, max_size=30),
    digits=st.sampled_from([0, 2, 3]),
    shop_rounding=st.decimals(min_value=Decimal("-0.05"), max_value=Decimal("0.05"), places=2),
)
def test_the_lines_always_add_up_to_the_expected_total(nets, digits, shop_rounding):
    lines = tuple(line("SKU-A", "1", f"{net:f}", f"{tax:f}") for net, tax in nets)
    grand = sum((net + tax for net, tax in nets), shop_rounding)
    order = make_order(lines=lines, shipping_lines=(), grand=f"{grand:f}")
    options = dataclasses.replace(OPTIONS, minor_units={"EUR": digits})

    assert total_of(sandbox_erp.sale(order, known(order, options), options)) == options.rounded(order.totals.grand)


def test_lines_that_do_not_make_the_total_are_refused():
    order = make_order()
    broken = dataclasses.replace(order, totals=dataclasses.replace(order.totals, grand=money("35.65")))

    with pytest.raises(Problems) as caught:
        sandbox_erp.sale(broken, known(broken), OPTIONS)

    assert [problem.cause for problem in caught.value.problems] == ["totals_mismatch"]


def test_all_unknown_products_are_reported_at_once_with_their_paths():
    order = make_order(
        lines=(line("SKU-A", "1", "20.00", "3.80"), line("", "1", "5.00", "0.95"), line("SKU-C", "1", "0.00", "0.00")),
        grand="34.65",
    )
    resolved = {ref: {"id": 1} for ref in known(order) if ref.value not in {"SKU-A", "SKU-C"}}

    with pytest.raises(Problems) as caught:
        sandbox_erp.sale(order, resolved, OPTIONS)

    assert [(problem.cause, problem.path, problem.subject) for problem in caught.value.problems] == [
        ("unmapped", "lines[0].sku", "sku:SKU-A"),
        ("unknown_sku", "lines[1].sku", "line:Article "),
        ("unmapped", "lines[2].sku", "sku:SKU-C"),
    ]


def test_a_party_that_the_erp_has_needs_no_write():
    order = make_order()
    assert sandbox_erp.party(order, known(order), OPTIONS) is None


def test_a_missing_party_is_written_under_its_match_key():
    assert sandbox_erp.party(make_order(), {}, OPTIONS) == {
        "code": "email:zoe@example.com",
        "name": "Zoë Żółć",
        "email": "Zoe@Example.com",
        "phone": "",
        "vat_id": "",
    }


def test_a_sale_without_its_party_is_refused():
    order = make_order()
    resolved = {ref: answer for ref, answer in known(order).items() if ref.kind != "party"}
    with pytest.raises(Problems) as caught:
        sandbox_erp.sale(order, resolved, OPTIONS)
    assert [problem.subject for problem in caught.value.problems] == ["party:email:zoe@example.com"]


@pytest.mark.parametrize(
    ("customer", "billing", "code", "name"),
    [
        (Customer(external_id="5", guest=False, vat_id="de 123.456-789", company="Müller GmbH"), Address(),
         "vat:DE123456789", "Müller GmbH"),
        (Customer(external_id="5", guest=False, email=" A@B.DE "), Address(first_name="Ann"), "email:a@b.de", "Ann"),
        (Customer(external_id="5", guest=False), Address(company="Acme"), "customer:demo:5", "Acme"),
        (Customer(external_id="", guest=True), Address(), "order:demo:17", "Zoë Żółć"),
    ],
)  # fmt: skip
def test_the_match_ladder_goes_from_vat_id_to_the_order_itself(customer, billing, code, name):
    order = make_order(customer=customer, billing=billing, shipping_lines=(shipping_line("4.12", "0.78"),))
    payload = sandbox_erp.party(order, {}, OPTIONS)
    assert (payload["code"], payload["name"]) == (code, name)
