"""What Tryton's mapping reads and writes of what hangs on an order; the survey is one of a real Tryton 8.2."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical.errors import MappingError, Problems
from mappings.canonical.facets import InvoiceState, OrderRefund, RefundLine, SaleState, ShipmentState
from mappings.canonical.money import Money
from mappings.canonical.records import Payment, TaxLine
from mappings.canonical.refs import Ref
from mappings.pricing import SaleLine
from mappings.refunding import refund_charges
from mappings.registry import ERP_FACETS, TARGETS
from mappings.tryton.arithmetic import predict
from tests.mappings.orders import ADDRESS, fee, line, make_order, money, shipping_line
from tests.mappings.tryton_cases import MAPPING, OPTIONS, taxed

FACETS = ERP_FACETS["tryton"]
RECORDED = json.loads(
    (Path(__file__).parent / "golden" / "tryton_survey.json").read_text(), parse_float=Decimal, parse_int=int
)
NOW = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def survey():
    return copy.deepcopy(RECORDED)


def stands(survey):
    return FACETS.standing(survey, OPTIONS)


def known(order, *refunds):
    """What a Tryton would answer for the order and its refunds, offline."""
    resolved = dict(MAPPING.offline_references(order, OPTIONS))
    for refund in refunds:
        for ref in FACETS.refund_references(order, refund, OPTIONS) - resolved.keys():
            assert ref.kind == "product", "everything else of a refund is the order's"
            resolved[ref] = {"id": f"<product:{ref.value}>", "unit": "<unit>", "unit_digits": 4}
    return resolved


def options(**settings):
    return dataclasses.replace(OPTIONS, settings={**OPTIONS.settings, **settings})


# How a sale stands


def test_a_recorded_life_is_read_whole(survey):
    standing = stands(survey)
    assert (standing.state, standing.told, standing.total) == (SaleState.DONE, "done, sent, paid", money("34.65"))
    assert [(each.code, each.quantity, each.total) for each in standing.lines] == [
        ("TASSE-ROT", 2, Decimal("20.00")),
        ("SIEB-ST", 1, Decimal("5.00")),
        ("SHIPPING", 1, Decimal("4.12")),
    ]
    assert [
        (each.state, each.back, {line.code: line.quantity for line in each.lines}) for each in standing.shipments
    ] == [
        (ShipmentState.SENT, False, {"TASSE-ROT": 1}),
        (ShipmentState.SENT, False, {"TASSE-ROT": 1, "SIEB-ST": 1}),
        (ShipmentState.SENT, True, {"TASSE-ROT": 1}),
    ]
    assert [(each.state, each.total, each.open, each.refund_key) for each in standing.invoices] == [
        (InvoiceState.PAID, money("34.65"), money("0"), ""),
        (InvoiceState.DRAFT, money("-13.89"), money("-13.89"), "life:refund:r1"),
    ]
    assert [(each.reference, each.amount) for each in standing.payments] == [
        ("shop:life:pay:ch_1", money("10.00")),
        ("shop:life:pay:#2", money("24.65")),
    ]
    assert [(each.key, each.total) for each in standing.refunds] == [("life:refund:r1", money("-13.89"))]
    assert dict(standing.fields)["shipment_address"] == "Zoë Żółć, Lange Straße 5, 10115, Berlin, DE"


@pytest.mark.parametrize(
    ("state", "shipped", "invoiced", "meant"),
    [
        ("draft", "none", "none", SaleState.DRAFT),
        ("quotation", "none", "none", SaleState.QUOTED),
        ("confirmed", "none", "none", SaleState.CONFIRMED),
        ("processing", "none", "awaiting payment", SaleState.CONFIRMED),
        ("processing", "waiting", "pending", SaleState.CONFIRMED),
        ("processing", "partially shipped", "paid", SaleState.PARTLY_SHIPPED),
        ("processing", "sent", "awaiting payment", SaleState.SHIPPED),
        ("processing", "exception", "paid", SaleState.HELD),
        ("processing", "sent", "exception", SaleState.HELD),
        ("done", "sent", "paid", SaleState.DONE),
        ("cancelled", "none", "none", SaleState.CANCELLED),
    ],
)
def test_a_sale_in_process_is_told_by_its_goods_and_held_where_either_part_waits_for_a_person(
    survey, state, shipped, invoiced, meant
):
    survey |= {"state": state, "shipment_state": shipped, "invoice_state": invoiced}
    assert stands(survey).state is meant


@pytest.mark.parametrize(
    ("place", "path"),
    [
        (lambda survey: survey, "state"),
        (lambda survey: survey["shipments"][1], "shipments[1].state"),
        (lambda survey: survey["invoices"][0], "invoices[0].state"),
    ],
)
def test_a_state_that_nobody_knows_is_named(survey, place, path):
    place(survey)["state"] = "frozen"
    with pytest.raises(MappingError, match="frozen") as caught:
        stands(survey)
    assert caught.value.path == path


def test_goods_of_another_order_in_a_merged_shipment_are_not_this_ones(survey):
    moves = survey["shipments"][0]["outgoing_moves"]
    moves.append({**moves[0], "origin": "sale.line,999999", "quantity": Decimal(7)})
    moves.append({**moves[0], "state": "cancelled", "quantity": Decimal(5)})
    assert [each.quantity for each in stands(survey).shipments[0].lines] == [1]


@pytest.mark.parametrize(
    ("written", "packages", "numbers"),
    [
        ("JD-1", [], ["JD-1"]),
        ("JD-1, JD-2;JD-1\nJD-3 ", [], ["JD-1", "JD-2", "JD-3"]),
        (None, [], []),
        ("JD-1", [("JD-1", "https://t.example/JD-1"), (None, None), ("JD-2", None)], ["JD-1", "JD-2"]),
    ],
)
def test_every_parcel_of_a_shipment_is_told_once(survey, written, packages, numbers):
    rows = [{"shipping_reference": number, "shipping_tracking_url": url} for number, url in packages]
    survey["shipments"][0] |= {"shipping_reference": written, "root_packages": rows}
    assert [each.tracking_number for each in stands(survey).shipments[0].parcels] == numbers


def test_without_the_modules_for_parcels_and_carriers_a_shipment_is_read_all_the_same(survey):
    for name in ("shipping_reference", "root_packages", "carrier"):
        del survey["shipments"][0][name]
    assert (stands(survey).shipments[0].parcels, stands(survey).shipments[0].carrier) == ((), "")


def test_a_payment_in_another_currency_is_told_in_the_invoices(survey):
    survey["invoices"][0]["payment_lines"][0]["amount_second_currency"] = Decimal("-11.00")
    assert stands(survey).payments[0].amount == money("11.00")


def test_titles_between_the_lines_are_no_lines(survey):
    survey["lines"].append({**survey["lines"][0], "type": "comment", "product": None})
    assert len(stands(survey).lines) == 3


# Refunds


def refund_of(amount, *lines, goodwill="0.00", restock=True):
    return OrderRefund(
        external_id="r1",
        amount=money(amount),
        lines=lines,
        goodwill=money(goodwill),
        reason="",
        refunded_at=NOW,
        restock=restock,
    )


def given_back(kind, origin, quantity, total, tax, **changes):
    values = {"origin": origin, "kind": kind, "sku": origin.removeprefix("line-"), "title": origin}
    taxes = (TaxLine(code="1", title="VAT", rate=None, amount=money(tax)),)
    amounts = {"quantity": Decimal(quantity), "total": money(total), "tax": money(tax), "tax_lines": taxes}
    return RefundLine(**(values | amounts | changes))


def written(order, refund, survey, chosen=OPTIONS):
    return FACETS.refund(order, refund, survey, known(order, refund), chosen)


def lines_of(payload):
    return payload["lines"][0][1]


def order_with_shipping(*lines, **changes):
    shipping = (taxed(shipping_line("4.12", "0.78"), "19"),)
    lines = lines or (line("SKU-A", "2", "20.00", "3.80"), line("SKU-B", "1", "5.00", "0.95"))
    parts = (*lines, *shipping, *changes.get("fees", ()))
    grand = sum((part.total.amount + part.tax.amount for part in parts), Decimal(0))
    return make_order(lines=lines, shipping_lines=shipping, grand=f"{grand:f}", **changes)


def test_a_refund_is_a_sale_of_its_own_that_names_what_it_refunds(survey):
    payload = written(
        order_with_shipping(), refund_of("11.90", given_back("line", "line-SKU-A", "1", "10.00", "1.90")), survey
    )
    assert (payload["web_id"], payload["origin"]) == ("17:refund:r1", f"sale.sale,{survey['id']}")
    assert payload["party"] == survey["party"]
    assert payload["invoice_address"] == survey["invoice_address"]["id"]
    [only] = lines_of(payload)
    assert (only["quantity"], only["unit_price"]["decimal"], only["taxes"]) == (
        -1,
        "10.0000",
        [["add", ["<tax:DE:19>"]]],
    )


@pytest.mark.parametrize(
    ("refund", "method"),
    [
        (refund_of("11.90", given_back("line", "line-SKU-A", "1", "10.00", "1.90")), "order"),
        (refund_of("11.90", given_back("line", "line-SKU-A", "1", "10.00", "1.90"), restock=False), "manual"),
        (refund_of("4.90", given_back("shipping", "s1", "0", "4.12", "0.78")), "manual"),
        (refund_of("1.19", given_back("line", "line-SKU-A", "0", "1.00", "0.19")), "manual"),
        (refund_of("5.00", goodwill="5.00"), "manual"),
    ],
)
def test_a_return_shipment_is_made_only_where_pieces_come_back(survey, refund, method):
    assert written(order_with_shipping(), refund, survey)["shipment_method"] == method


def test_money_for_an_article_without_pieces_is_booked_on_the_refund_product(survey):
    refund = refund_of("1.19", given_back("line", "line-SKU-A", "0", "1.00", "0.19"))
    [only] = lines_of(written(order_with_shipping(), refund, survey))
    assert (only["product"], only["quantity"], only["unit_price"]["decimal"]) == ("<product:REFUND>", 1, "-1.0000")


def test_the_channel_names_the_product_of_goodwill(survey):
    order, refund, chosen = order_with_shipping(), refund_of("5.00", goodwill="5.00"), options(refund_product="KULANZ")
    assert Ref("product", "KULANZ") in FACETS.refund_references(order, refund, chosen)
    assert Ref("product", "KULANZ") in MAPPING.standing(chosen)
    assert Ref("product", "REFUND") not in MAPPING.standing(OPTIONS), "an ERP without it takes every sale"


def test_goodwill_lowers_the_tax_of_every_rate_by_its_share(survey):
    tea = (TaxLine(code="2", title="", rate=Decimal(7), amount=money("0.70")),)
    order = order_with_shipping(line("A", "1", "9.00", "1.71"), line("TEE", "1", "10.00", "0.70", tax_lines=tea))
    refund = refund_of("5.00", goodwill="5.00")
    found = [(each.total, [tax.rate for tax in each.tax_lines]) for each in refund_charges(order, refund, OPTIONS)]
    # 15.61 were charged at 19 % and 10.70 at 7 %.
    assert found == [(money("-2.50"), [Decimal(19)]), (money("-1.90"), [Decimal(7)])]
    plain = [each.tax_lines for each in refund_charges(order, refund, options(goodwill_tax="none"))]
    assert plain == [()]


def test_goodwill_carries_no_tax_where_the_order_has_none_that_can_be_told(survey):
    unknown = (TaxLine(code="1", title="VAT", rate=None, amount=money("1.90")),)
    order = make_order(lines=(line("A", "1", "10.00", "1.90", tax_lines=unknown),), shipping_lines=(), grand="11.90")
    [only] = refund_charges(order, refund_of("5.00", goodwill="5.00"), OPTIONS)
    assert (only.total, only.tax_lines) == (money("-5.00"), ())


def test_a_tax_that_was_not_given_back_is_not_credited(survey):
    refund = refund_of("10.00", given_back("line", "line-SKU-A", "1", "10.00", "0.00"))
    [only] = lines_of(written(order_with_shipping(), refund, survey))
    assert only["taxes"] == []


def test_a_discount_off_several_rates_is_given_back_as_it_was_taken(survey):
    """Both taxes stand on one negative fee, each on its share."""
    taxes = (
        TaxLine(code="1", title="", rate=Decimal(19), amount=money("-1.05")),
        TaxLine(code="2", title="", rate=Decimal(7), amount=money("-0.31")),
    )
    discount = dataclasses.replace(fee("-10.00", "-1.36"), tax_lines=taxes)
    order = order_with_shipping(fees=(discount,))
    back = given_back("fee", "f1", "0", "-10.00", "-1.36", tax_lines=taxes)
    cups = given_back("line", "line-SKU-A", "2", "20.00", "3.80")
    payload = written(order, refund_of("12.44", cups, back), survey)
    assert [each["unit_price"]["decimal"] for each in lines_of(payload)][1:] == ["5.5500", "4.4500"]


def test_more_than_rounding_is_held(survey):
    refund = refund_of("13.00", given_back("line", "line-SKU-A", "1", "10.00", "1.90"))
    with pytest.raises(Problems, match=r"would credit 11\.90.*gave back 13\.00 EUR") as caught:
        written(order_with_shipping(), refund, survey)
    assert [problem.cause for problem in caught.value.problems] == ["totals_mismatch"]


def test_everything_that_a_refund_lacks_is_said_at_once(survey):
    order = order_with_shipping()
    refund = refund_of("17.85", given_back("line", "line-SKU-A", "1", "10.00", "1.90"), goodwill="5.95")
    resolved = {
        ref: value for ref, value in known(order, refund).items() if ref.value not in {"SKU-A", "REFUND", "DE:19"}
    }
    with pytest.raises(Problems) as caught:
        FACETS.refund(order, refund, survey, resolved, OPTIONS)
    assert [problem.subject for problem in caught.value.problems] == [
        "sku:SKU-A",
        "tax:DE:19",
        "sku:REFUND",
        "tax:DE:19",
    ]


def cents(low, high):
    return st.integers(low, high).map(lambda number: Decimal(number).scaleb(-2))


def rounded(amount):
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@st.composite
def refunds(draw):
    """Some pieces of some lines, a part of the shipping and goodwill; the shop rounds each line's tax by itself."""
    rates = {"1": Decimal(19), "2": Decimal(7)}
    lines, back = [], []
    for index in range(draw(st.integers(1, 4))):
        code = draw(st.sampled_from(sorted(rates)))
        quantity, total = draw(st.integers(1, 9)), draw(cents(1, 99_999))
        tax = rounded(total * rates[code] / 100)
        taxes = (TaxLine(code=code, title="", rate=rates[code], amount=money(f"{tax}")),)
        lines.append(line(f"S{index}", str(quantity), f"{total}", f"{tax}", tax_lines=taxes))
        pieces = draw(st.integers(0, quantity))
        part = rounded(total * pieces / quantity) if pieces else draw(cents(0, int(total * 100)))
        part_tax = rounded(part * rates[code] / 100)
        given_taxes = (TaxLine(code=code, title="", rate=None, amount=money(f"{part_tax}")),)
        values = {"tax_lines": given_taxes}
        back.append(given_back("line", f"line-S{index}", str(pieces), f"{part}", f"{part_tax}", **values))
    order = order_with_shipping(*lines)
    goodwill = draw(cents(0, 5_000))
    amount = sum((each.total.amount + each.tax.amount for each in back), goodwill)
    return order, refund_of(f"{amount}", *back, goodwill=f"{goodwill}", restock=draw(st.booleans()))


@given(refunds())
def test_every_refund_comes_to_the_shops_amount_to_the_cent(case):
    order, refund = case
    resolved = known(order, refund)
    payload = FACETS.refund(order, refund, RECORDED, resolved, OPTIONS)
    taxes = {value["id"]: value for ref, value in resolved.items() if ref.kind == "tax"}
    made = [
        SaleLine(
            Decimal(str(each["quantity"])),
            Decimal(each["unit_price"]["decimal"]),
            tuple(taxes[number] for _, ids in each["taxes"] for number in ids),
        )
        for each in lines_of(payload)
    ]
    assert predict(made, Decimal("0.01"), "document").total == -refund.amount.amount
    pieces = sum((each.quantity for each in refund.lines), Decimal(0))
    goods = [each for each in lines_of(payload) if each["product"].startswith("<product:S") and each["quantity"] < 0]
    assert -sum(Decimal(str(each["quantity"])) for each in goods) == pieces


# Payments


def paid(amount, reference="", gateway="stripe"):
    return Payment(gateway=gateway, title="Card", amount=money(amount), reference=reference, paid_at=NOW)


METHOD = {Ref("payment_method", "stripe"): {"id": 4, "name": "Web payment"}}


def open_for(survey, amount):
    survey["invoices"][0] |= {"state": "posted", "amount_to_pay": Decimal(amount)}
    return survey


def test_equal_payments_without_a_transaction_are_kept_apart():
    order = make_order(
        payments=(paid("5.00"), paid("5.00"), paid("5.00", "ch_1"), paid("1.00", "ch_2"), paid("1.00", "ch_2"))
    )
    references = [FACETS.payment_reference(order, each, OPTIONS) for each in order.payments]
    assert references == [
        "shop:17:pay:#1",
        "shop:17:pay:#2",
        "shop:17:pay:ch_1",
        "shop:17:pay:ch_2#4",
        "shop:17:pay:ch_2#5",
    ]


def test_a_payment_goes_to_the_invoice_that_is_open_for_exactly_so_much(survey):
    larger = {**open_for(survey, "40.00")["invoices"][0], "id": 90}
    exact = {**larger, "id": 91, "amount_to_pay": Decimal("34.65")}
    survey["invoices"] = [larger, exact]
    payload = FACETS.payment(make_order(), paid("34.65", "ch_1"), survey, METHOD, OPTIONS)
    assert (payload["invoice"], payload["payment_method"], payload["description"]) == (91, 4, "shop:17:pay:ch_1")
    assert payload["amount"] == {"__class__": "Decimal", "decimal": "34.65"}
    assert FACETS.payment(make_order(), paid("36.00"), survey, METHOD, OPTIONS)["invoice"] == 90


def test_what_is_paid_out_goes_to_a_credit_note_of_a_refund(survey):
    credit = survey["refunds"][0]["invoices"][0]
    credit |= {"state": "posted", "amount_to_pay": Decimal("-13.89")}
    payload = FACETS.payment(make_order(), paid("-13.89"), open_for(survey, "34.65"), METHOD, OPTIONS)
    assert payload["invoice"] == credit["id"]


@pytest.mark.parametrize(("amount", "state"), [("34.66", "posted"), ("34.65", "draft"), ("-1.00", "posted")])
def test_a_payment_for_which_nothing_is_open_says_what_is(survey, amount, state):
    open_for(survey, "34.65")["invoices"][0]["state"] = state
    with pytest.raises(Problems, match=r"INV-\d+-\d+: \w+, 34\.65 EUR") as caught:
        FACETS.payment(make_order(), paid(amount), survey, METHOD, OPTIONS)
    assert [problem.cause for problem in caught.value.problems] == ["not_payable"]


def test_a_gateway_without_a_method_is_a_row_that_is_missing(survey):
    assert FACETS.payment_references(paid("1.00", gateway="klarna"), OPTIONS) == {Ref("payment_method", "klarna")}
    assert FACETS.payment_references(paid("1.00"), options(payment_method="Bank")) == {Ref("payment_method", "Bank")}
    with pytest.raises(Problems) as caught:
        FACETS.payment(make_order(), paid("1.00", gateway="klarna"), open_for(survey, "34.65"), METHOD, OPTIONS)
    assert [problem.subject for problem in caught.value.problems] == ["payment_method:klarna"]


# Fees

FEES = options(fee_account="6855")
BOOKED = METHOD | {
    Ref("account", "6855"): {"id": 71, "code": "6855", "name": "Payment services"},
    Ref("company", ""): {"id": 1, "currency": "EUR"},
}


def test_a_fee_is_booked_under_its_payments_reference_on_the_account_that_the_policy_names():
    payment = dataclasses.replace(paid("34.65", "ch_1"), fee=money("0.685"))
    order = make_order(payments=(payment,))
    assert FACETS.fee_references(payment, FEES) == BOOKED.keys()
    payload = FACETS.fee(order, payment, BOOKED, FEES)
    assert (payload["payment_method"], payload["account"]) == (4, 71)
    assert payload["description"] == FACETS.fee_reference(order, payment, FEES) == "shop:17:pay:ch_1:fee"
    assert payload["amount"] == {"__class__": "Decimal", "decimal": "0.69"}


@pytest.mark.parametrize(
    ("known", "cause", "told"),
    [
        ({**BOOKED, Ref("account", "6855"): {"id": None, "candidates": []}}, "unmapped", "account look-up .*6855"),
        ({**BOOKED, Ref("company", ""): {"id": 1, "currency": "CHF"}}, "fee_not_booked", "0.68 EUR .* CHF"),
        ({ref: value for ref, value in BOOKED.items() if ref.kind != "payment_method"}, "unmapped", "stripe"),
    ],
)
def test_a_fee_that_cannot_be_booked_says_why(known, cause, told):
    payment = dataclasses.replace(paid("34.65", "ch_1"), fee=money("0.68"))
    with pytest.raises(Problems, match=told) as caught:
        FACETS.fee(make_order(payments=(payment,)), payment, known, FEES)
    assert [problem.cause for problem in caught.value.problems] == [cause]


def test_the_account_of_fees_stands_among_what_a_channel_needs_to_find():
    account = Ref("account", "6855")
    assert account in TARGETS["tryton"].standing(FEES)
    assert account in TARGETS["sandbox_erp"].standing(FEES)
    assert all(ref.kind != "account" for ref in TARGETS["tryton"].standing(OPTIONS))


# Changes

ALL = frozenset({"lines", "invoice_address", "shipment_address", "note", "reference"})


def as_surveyed(order):
    """The order's own sale, as a survey would say it."""
    resolved = known(order)
    sale = MAPPING.sale(order, resolved, OPTIONS)
    party = next(value for ref, value in resolved.items() if ref.kind == "party")
    addresses = {each["id"]: {**each, "country": {"code": ADDRESS.country}} for each in party["addresses"]}
    lines = [
        {
            "id": index,
            "type": "line",
            "product": {"id": each["product"], "code": each["product"].removeprefix("<product:").removesuffix(">")},
            "quantity": Decimal(str(each["quantity"])),
            "unit_price": Decimal(each["unit_price"]["decimal"]),
            "taxes": [number for _, ids in each["taxes"] for number in ids],
            "description": each["description"],
        }
        for index, each in enumerate(lines_of(sale), 1)
    ]
    parts = {name: addresses[sale[name]] for name in ("invoice_address", "shipment_address")}
    return {"id": 7, "comment": sale["comment"], "reference": sale["reference"], "lines": lines, **parts}


def changed(before, after, fields=ALL):
    return FACETS.change(after, as_surveyed(before), fields, known(after), OPTIONS)


def test_a_sale_that_is_as_it_should_be_is_not_written_to():
    assert changed(order_with_shipping(), order_with_shipping()) is None


def test_lines_that_stay_are_not_touched():
    after = order_with_shipping(line("SKU-A", "2", "20.00", "3.80"), line("SKU-B", "3", "15.00", "2.85"))
    [[delete, gone], [create, [new]]] = changed(order_with_shipping(), after)["lines"]
    assert (delete, gone, create) == ("delete", [2], "create")
    assert (new["product"], new["quantity"]) == ("<product:SKU-B>", 3)


def test_one_of_two_equal_lines_is_removed():
    twice = order_with_shipping(line("SKU-A", "1", "5.00", "0.95"), line("SKU-A", "1", "5.00", "0.95"))
    once = order_with_shipping(line("SKU-A", "1", "5.00", "0.95"))
    assert changed(twice, once) == {"lines": [["delete", [2]]]}


def test_only_the_named_fields_are_written():
    moved = dataclasses.replace(ADDRESS, street="Neue Straße 7")
    after = order_with_shipping(line("SKU-C", "1", "5.00", "0.95"), shipping=moved, note="ring twice", number="1002")
    before = order_with_shipping()
    assert changed(before, after).keys() == {"lines", "shipment_address", "comment", "reference"}
    written_ = [set(changed(before, after, frozenset({name})) or ()) for name in sorted(ALL)]
    assert written_ == [set(), {"lines"}, {"comment"}, {"reference"}, {"shipment_address"}]


def test_what_is_wanted_is_said_in_the_words_of_what_stands():
    order = order_with_shipping()
    wanted = FACETS.wanted(order, known(order), OPTIONS)
    assert [(each.code, each.quantity, each.total) for each in wanted.lines] == [
        ("SKU-A", 2, Decimal("20.00")),
        ("SKU-B", 1, Decimal("5.00")),
        ("SHIPPING", 1, Decimal("4.12")),
    ]
    assert dict(wanted.fields) == {
        "invoice_address": "Zoë Żółć, Lange Straße 5, 10115, Berlin, DE",
        "shipment_address": "Zoë Żółć, Lange Straße 5, 10115, Berlin, DE",
        "note": "Order 1001",
        "reference": "1001",
    }
    assert wanted.total == money("34.65")


def test_every_facet_has_its_function():
    assert all(getattr(FACETS, field.name) is not None for field in dataclasses.fields(FACETS))


def test_of_a_collected_invoice_the_sale_has_what_its_own_lines_say(survey):
    lines = [
        {"origin": f"sale.line,{survey['lines'][0]['id']}", "amount": Decimal("12.50")},
        {"origin": "sale.line,999999", "amount": Decimal("40.00")},
        {"origin": None, "amount": Decimal("1.00")},
    ]
    invoice = survey["invoices"][0]
    invoice |= {"sales": [survey["id"]], "lines": lines}
    alone = stands(survey).invoices[0]
    assert (alone.collected, alone.part) == (False, None)
    invoice["sales"] = [survey["id"], 999]
    collected = stands(survey).invoices[0]
    assert (collected.collected, collected.part) == (True, Money(Decimal("12.50"), "EUR"))
    assert collected.total == alone.total


# What people credit of an invoice by the wizard, without a return sale


def credited(survey, **changes):
    """The survey with a credit note of one piece of its first invoice."""
    invoice = survey["invoices"][0]
    invoice["lines"] = [{"id": 50, "origin": f"sale.line,{survey['lines'][0]['id']}", "amount": Decimal("10.00")}]
    line = {
        "id": 51,
        "type": "line",
        "origin": "account.invoice.line,50",
        "product": {"code": "TASSE-ROT"},
        "quantity": Decimal(-1),
        "unit_price": Decimal("10.00"),
        "amount": Decimal("-10.00"),
        "description": "",
    }
    credit = {
        **invoice,
        "id": 99,
        "refund": "invoice-99",
        "number": "INV-9",
        "state": "posted",
        "sales": [],
        "lines": [line],
        "untaxed_amount": Decimal("-10.00"),
        "tax_amount": Decimal("-1.90"),
        "total_amount": Decimal("-11.90"),
        "amount_to_pay": Decimal("-11.90"),
    }
    survey["credits"] = [credit | changes]
    return FACETS.standing(survey, OPTIONS)


def test_a_credit_note_of_an_invoice_is_a_credit_of_the_sale_that_bears_no_key(survey):
    before = FACETS.standing(survey, OPTIONS)
    standing = credited(survey)
    [made] = [each for each in standing.refunds if each.external_id == "invoice-99"]
    assert (made.key, made.number, made.state, made.total) == ("", "INV-9", SaleState.CONFIRMED, money("-11.90"))
    assert [(each.code, each.quantity) for each in made.lines] == [("TASSE-ROT", -1)]
    [note] = [each for each in standing.invoices if each.external_id == "99"]
    assert (note.state, note.open, note.collected) == (InvoiceState.POSTED, money("-11.90"), False)
    assert (len(standing.refunds), len(standing.invoices)) == (len(before.refunds) + 1, len(before.invoices) + 1)


@pytest.mark.parametrize("changes", [{"state": "draft"}, {"state": "cancelled"}, {"total_amount": Decimal("1.00")}])
def test_a_draft_says_nothing_yet_and_what_credits_a_credit_nothing_at_all(survey, changes):
    before = FACETS.standing(survey, OPTIONS)
    standing = credited(survey, **changes)
    assert (standing.refunds, len(standing.invoices)) == (before.refunds, len(before.invoices))


def test_what_is_credited_of_an_invoice_over_several_sales_is_shown_and_is_no_refund_of_one(survey):
    before = FACETS.standing(survey, OPTIONS)
    survey["invoices"][0]["sales"] = [survey["id"], 4711]
    standing = credited(survey)
    assert standing.refunds == before.refunds
    [note] = [each for each in standing.invoices if each.external_id == "99"]
    assert note.collected
