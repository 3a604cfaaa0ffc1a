"""The sandbox ERP's mapping of the way back: standing, refunds, payments, changes."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from mappings.base import TargetOptions
from mappings.canonical.errors import MappingError, Problems
from mappings.canonical.facets import InvoiceState, OrderRefund, RefundLine, SaleState, ShipmentState
from mappings.canonical.records import Payment
from mappings.canonical.refs import Ref
from mappings.registry import ERP_FACETS, TARGETS
from tests.mappings.orders import line, make_order, money

FACETS = ERP_FACETS["sandbox_erp"]
MAPPING = TARGETS["sandbox_erp"]
OPTIONS = TargetOptions(channel="demo")
ORDER = make_order()
REFUNDED_AT = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC)


def known(refs):
    return {
        ref: {"id": number, "code": ref.value}
        for number, ref in enumerate(sorted(refs, key=lambda ref: (ref.kind, ref.value)), start=1)
    }


RESOLVED = known(MAPPING.references(ORDER, OPTIONS))


def survey(**changes):
    """ORDER's sale, confirmed."""
    payload = MAPPING.sale(ORDER, RESOLVED, OPTIONS)
    codes = {answer["id"]: ref.value for ref, answer in RESOLVED.items() if ref.kind == "product"}
    lines = [{**each, "number": n, "code": codes[each["product"]]} for n, each in enumerate(payload["lines"], start=1)]
    values = {
        **payload,
        "id": 7,
        "number": "SO000007",
        "state": "confirmed",
        "total": "34.65",
        "delivery": "waiting",
        "billing": "waiting",
        "lines": lines,
        "shipments": [],
        "invoices": [],
        "refunds": [],
        "payments": [],
    }
    return values | changes


def invoice(**changes):
    values = {
        "id": 3, "sale": 7, "credits": None, "currency": "EUR", "untaxed": "29.12", "tax": "5.53", "total": "34.65",
        "state": "posted", "number": "INV000003", "dated_on": "2026-11-21", "due_on": "2026-12-05", "paid": "0",
        "open": "34.65", "payments": [],
    }  # fmt: skip
    return values | changes


def refund(*lines, amount="11.90", goodwill="0.00", restock=True, external_id="5"):
    return OrderRefund(
        external_id=external_id,
        amount=money(amount),
        lines=lines,
        goodwill=money(goodwill),
        reason="broken",
        refunded_at=REFUNDED_AT,
        restock=restock,
    )


def back(quantity="1", total="10.00", tax="1.90", *, kind="line", origin="line-SKU-A", sku="SKU-A"):
    return RefundLine(
        origin=origin,
        kind=kind,
        sku=sku,
        title="Article",
        quantity=Decimal(quantity),
        total=money(total),
        tax=money(tax),
    )


def refund_payload(given, options=OPTIONS):
    resolved = known(FACETS.refund_references(ORDER, given, options))
    payload = FACETS.refund(ORDER, given, survey(), resolved, options)
    codes = {answer["id"]: ref.value for ref, answer in resolved.items()}
    return payload, [
        (codes[each["product"]], each["quantity"], each["amount"], each["tax"]) for each in payload["lines"]
    ]


# Standing


@pytest.mark.parametrize(
    ("state", "delivery", "billing", "expected"),
    [
        ("draft", "none", "none", SaleState.DRAFT),
        ("quoted", "none", "none", SaleState.QUOTED),
        ("cancelled", "exception", "exception", SaleState.CANCELLED),
        ("confirmed", "waiting", "waiting", SaleState.CONFIRMED),
        ("confirmed", "waiting", "paid", SaleState.CONFIRMED),
        ("confirmed", "none", "posted", SaleState.CONFIRMED),
        ("confirmed", "none", "paid", SaleState.DONE),
        ("confirmed", "partial", "paid", SaleState.PARTLY_SHIPPED),
        ("confirmed", "sent", "posted", SaleState.SHIPPED),
        ("confirmed", "sent", "paid", SaleState.DONE),
        ("confirmed", "exception", "paid", SaleState.HELD),
        ("confirmed", "sent", "exception", SaleState.HELD),
    ],
)
def test_the_state_follows_from_goods_and_invoices(state, delivery, billing, expected):
    standing = FACETS.standing(survey(state=state, delivery=delivery, billing=billing), OPTIONS)
    assert standing.state is expected
    assert all(word in standing.told for word in (state, delivery, billing))


def test_everything_that_hangs_on_the_sale_is_read():
    parcel = {"number": "T-1", "url": "https://parcels.example/T-1"}
    shipment = {
        "id": 4, "sale": 7, "number": "OUT000004", "state": "sent", "back": False, "warehouse": "MAIN",
        "lines": [{"product": 1, "code": "SKU-A", "quantity": "2"}], "carrier": "DHL", "tracking": [parcel],
        "sent_on": "2026-11-22",
    }  # fmt: skip
    refunded = {
        "id": 9, "external_key": "demo:17:refund:5", "number": "RF000001", "state": "draft", "total": "-11.90",
        "currency": "EUR",
        "lines": [{"number": 1, "code": "SKU-A", "quantity": "-1", "amount": "-10.00", "description": "Tea"}],
    }  # fmt: skip
    note = invoice(id=5, sale=9, credits=3, untaxed="-10.00", tax="-1.90", total="-11.90", open="-11.90", state="draft",
                   number="", dated_on="", due_on="")  # fmt: skip
    payment = {"id": 1, "reference": "demo:17:pay:t-9", "amount": "5.00", "currency": "EUR"}
    standing = FACETS.standing(
        survey(shipments=[shipment], invoices=[invoice(paid="5.00", open="29.65"), note], refunds=[refunded],
               payments=[payment]), OPTIONS)  # fmt: skip

    [sent] = standing.shipments
    assert (sent.state, sent.carrier, sent.sent_on) == (ShipmentState.SENT, "DHL", dt.date(2026, 11, 22))
    assert [(each.tracking_number, each.tracking_url) for each in sent.parcels] == [("T-1", parcel["url"])]
    billed, credited = standing.invoices
    assert (billed.open, billed.due_on, billed.refund_key, billed.credit) == (
        money("29.65"), dt.date(2026, 12, 5), "", False,
    )  # fmt: skip
    assert (credited.state, credited.refund_key, credited.credit, credited.dated_on) == (
        InvoiceState.DRAFT, "demo:17:refund:5", True, None,
    )  # fmt: skip
    assert [(each.key, each.total) for each in standing.refunds] == [("demo:17:refund:5", money("-11.90"))]
    [taken_back] = standing.refunds[0].lines
    assert (taken_back.code, taken_back.quantity, taken_back.total) == ("SKU-A", -1, Decimal("-10.00"))
    assert [(each.reference, each.amount) for each in standing.payments] == [("demo:17:pay:t-9", money("5.00"))]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"state": "melted"}, "state"),
        ({"delivery": "by drone"}, "state"),
        ({"invoices": [invoice(open="much")]}, "invoices[0]"),
        ({"invoices": [invoice(state="lost")]}, "state"),
        ({"shipments": [{"number": "OUT1"}]}, "shipment OUT1"),
        ({"total": None}, ""),
    ],
)
def test_what_is_not_understood_is_named(changes, path):
    with pytest.raises(MappingError) as caught:
        FACETS.standing(survey(**changes), OPTIONS)
    assert caught.value.path == path


# Refunds


def test_a_refund_of_pieces_has_its_key_its_sale_and_negative_lines():
    payload, lines = refund_payload(refund(back()))
    assert (payload["external_key"], payload["sale"], payload["restock"]) == ("demo:17:refund:5", 7, True)
    assert payload["external_key"] == FACETS.refund_key("17", "5", OPTIONS)
    assert payload["sale_date"] == "2026-11-25"
    assert lines == [("SKU-A", "-1", "-10.00", "-1.90")]


def test_money_without_pieces_moves_no_article():
    _, lines = refund_payload(refund(back("0", "2.00", "0.38"), amount="2.38"))
    assert lines == [("REFUND", "-1", "-2.00", "-0.38")]


def test_shipping_fees_and_goodwill_are_given_back_as_services():
    given = refund(
        back("0", "4.12", "0.78", kind="shipping", origin="s1"), back("0", "1.00", "0.19", kind="fee", origin="f1"),
        amount="10.00", goodwill="3.91",
    )  # fmt: skip
    _, lines = refund_payload(given)
    assert lines == [
        ("SHIPPING", "-1", "-4.12", "-0.78"),
        ("FEE", "-1", "-1.00", "-0.19"),
        ("REFUND", "-1", "-3.91", "0.00"),
    ]


def test_the_policy_names_another_product_for_goodwill():
    options = dataclasses.replace(OPTIONS, settings={"refund_product": "KULANZ"})
    _, lines = refund_payload(refund(amount="5.00", goodwill="5.00"), options)
    assert lines == [("KULANZ", "-1", "-5.00", "0.00")]


def test_what_rounding_leaves_is_a_line_of_its_own():
    _, lines = refund_payload(refund(back("1", "10.004", "1.904"), back("1", "10.004", "1.904"), amount="23.82"))
    assert lines[-1] == ("ROUNDING", "-1", "-0.02", "0.00")


def test_a_refund_whose_lines_are_not_its_amount_is_refused():
    given = refund(back(), amount="12.90")
    with pytest.raises(Problems) as caught:
        refund_payload(given)
    assert [problem.cause for problem in caught.value.problems] == ["totals_mismatch"]


def test_all_that_is_in_the_way_is_told_at_once():
    given = refund(back(sku=""), back(sku="GONE"), amount="23.80")
    with pytest.raises(Problems) as caught:
        FACETS.refund(ORDER, given, survey(), {}, OPTIONS)
    assert [problem.cause for problem in caught.value.problems] == ["unknown_sku", "unmapped"]


# Payments


def paid(amount="34.65", reference="t-9", gateway="paypal"):
    return Payment(gateway=gateway, title="", amount=money(amount), reference=reference, paid_at=REFUNDED_AT)


METHOD = {Ref("payment_method", "paypal"): {"id": 1, "code": "paypal"}}


def test_a_payment_names_its_invoice_and_its_reference():
    payment = paid()
    order = dataclasses.replace(ORDER, payments=(payment,))
    assert FACETS.payment(order, payment, survey(invoices=[invoice()]), METHOD, OPTIONS) == {
        "reference": "demo:17:pay:t-9",
        "invoice": 3,
        "amount": "34.65",
        "currency": "EUR",
        "method": "paypal",
        "paid_on": "2026-11-25",
    }


def test_a_fee_names_its_account_and_its_payments_reference():
    payment = dataclasses.replace(paid(), fee=money("1.15"))
    order, fees = (
        dataclasses.replace(ORDER, payments=(payment,)),
        TargetOptions(channel="demo", settings={"fee_account": "6855"}),
    )
    account = Ref("account", "6855")
    known = {**METHOD, account: {"id": 2, "code": "6855"}}
    assert FACETS.fee_references(payment, fees) == known.keys()
    assert FACETS.fee(order, payment, known, fees) == {
        "reference": "demo:17:pay:t-9:fee",
        "account": "6855",
        "method": "paypal",
        "amount": "1.15",
        "currency": "EUR",
        "booked_on": "2026-11-25",
    }
    with pytest.raises(Problems, match="6855"):
        FACETS.fee(order, payment, METHOD, fees)


@pytest.mark.parametrize(
    ("references", "expected"),
    [
        (("a", "b"), ("demo:17:pay:a", "demo:17:pay:b")),
        (("", ""), ("demo:17:pay:#1", "demo:17:pay:#2")),
        (("a", "a"), ("demo:17:pay:a#1", "demo:17:pay:a#2")),
    ],
)
def test_two_payments_of_one_amount_are_kept_apart(references, expected):
    payments = tuple(paid("5.00", reference) for reference in references)
    order = dataclasses.replace(ORDER, payments=payments)
    assert tuple(FACETS.payment_reference(order, payment, OPTIONS) for payment in payments) == expected


def test_the_invoice_with_exactly_so_much_open_is_paid_before_a_larger_one():
    invoices = [invoice(), invoice(id=4, open="5.00")]
    payment = paid("5.00")
    assert FACETS.payment(ORDER, payment, survey(invoices=invoices), METHOD, OPTIONS)["invoice"] == 4
    assert FACETS.payment(ORDER, paid("6.00"), survey(invoices=invoices), METHOD, OPTIONS)["invoice"] == 3


@pytest.mark.parametrize(
    "found", [[], [invoice(state="draft")], [invoice(open="1.00")], [invoice(open="-34.65", total="-34.65")]]
)
def test_without_an_invoice_that_is_open_for_it_nothing_is_paid(found):
    with pytest.raises(Problems) as caught:
        FACETS.payment(ORDER, paid(), survey(invoices=found), METHOD, OPTIONS)
    assert [problem.cause for problem in caught.value.problems] == ["not_payable"]


def test_an_unknown_method_is_a_row_of_the_look_up():
    assert FACETS.payment_references(paid(gateway="klarna"), OPTIONS) == {Ref("payment_method", "klarna")}
    with pytest.raises(Problems) as caught:
        FACETS.payment(ORDER, paid(gateway="klarna"), survey(invoices=[invoice()]), METHOD, OPTIONS)
    assert [problem.subject for problem in caught.value.problems] == ["payment_method:klarna"]


# Changes


ALL = frozenset({"lines", "invoice_address", "shipment_address", "note", "reference"})


def test_a_sale_that_is_as_the_order_wants_it_needs_no_change():
    assert FACETS.change(ORDER, survey(), ALL, RESOLVED, OPTIONS) is None
    stands, wanted = FACETS.standing(survey(), OPTIONS), FACETS.wanted(ORDER, RESOLVED, OPTIONS)
    assert wanted.fields == stands.fields
    assert wanted.total == stands.total
    same = [dataclasses.replace(each, external_id="") for each in stands.lines]
    assert list(wanted.lines) == same


def test_only_named_fields_that_differ_are_written():
    stands = survey(note="theirs", reference="mine")
    assert FACETS.change(ORDER, stands, ALL, RESOLVED, OPTIONS) == {"note": "", "reference": "1001"}
    assert FACETS.change(ORDER, stands, frozenset({"reference"}), RESOLVED, OPTIONS) == {"reference": "1001"}
    assert FACETS.change(ORDER, stands, frozenset(), RESOLVED, OPTIONS) is None


def test_a_line_that_was_changed_is_written_with_all_lines():
    edited = make_order(lines=(line("SKU-A", "3", "30.00", "5.70"), line("SKU-B", "1", "5.00", "0.95")), grand="46.55")
    change = FACETS.change(edited, survey(), ALL, RESOLVED, OPTIONS)
    assert [each["quantity"] for each in change["lines"]] == ["3", "1", "1"]
    assert change.keys() == {"lines"}


def test_the_policy_names_the_warehouse_and_the_sale_goes_there():
    options = dataclasses.replace(OPTIONS, settings={"warehouse": "NORTH"})
    refs = MAPPING.references(ORDER, options)
    assert Ref("warehouse", "NORTH") in refs
    assert MAPPING.sale(ORDER, known(refs), options)["warehouse"] == "NORTH"
    with pytest.raises(Problems) as caught:
        MAPPING.sale(ORDER, RESOLVED, options)
    assert [problem.subject for problem in caught.value.problems] == ["warehouse:NORTH"]
