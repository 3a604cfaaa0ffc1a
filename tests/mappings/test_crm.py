"""A customer's history as a CRM is told it: each entry says what happened, and ends with what it is found again by."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from mappings.canonical.facets import (
    Invoice,
    InvoiceState,
    Parcel,
    Shipment,
    ShipmentState,
    ShippedLine,
    facet_to_json,
    invoice_from_json,
    shipment_from_json,
)
from mappings.canonical.money import Money
from mappings.crm import invoice_entry, order_entry, parcel_entry
from mappings.facets import Billed, Sent
from mappings.registry import CRM_FACETS
from tests.mappings.zoho_orders import order_of, record


@pytest.fixture
def order():
    return order_of(record())


def test_an_order_says_when_where_and_of_what_it_is(order):
    entry = order_entry(order, "shop:17:order", "Shop Nord")
    [head, *lines] = entry.lines
    assert head == f"{order.placed_on} | {order.totals.grand} | Shop Nord"
    assert len(lines) == len(order.lines)
    assert order.number in entry.title
    assert order_entry(order, "k", "").lines[0] == f"{order.placed_on} | {order.totals.grand}"


def test_an_order_of_many_lines_says_how_many_more_there_are(order):
    many = dataclasses.replace(order, lines=order.lines[:1] * 23)
    entry = order_entry(many, "k", "")
    assert (len(entry.lines), entry.lines[-1]) == (22, "+ 3")


def test_a_parcel_says_what_is_in_it_and_where_to_follow_it(order):
    shipment = Shipment(
        external_id="7",
        number="OUT7",
        state=ShipmentState.SENT,
        sent_on=dt.date(2026, 11, 22),
        carrier="dhl",
        parcels=(Parcel(tracking_number="T-1"),),
        lines=(),
    )
    sent = Sent(
        order=order,
        shipment=shipment,
        pieces={order.lines[0].external_id: Decimal("2.0")},
        carrier="DHL",
        tracking_url="https://t.example/T-1",
        notify=False,
        key="web-17-7",
    )
    entry = parcel_entry(sent)
    assert entry.lines[0] == "OUT7 | 2026-11-22 | DHL | T-1 | https://t.example/T-1"
    assert entry.lines[1] == f"2 x {order.lines[0].name}"
    assert entry.key == "web-17-7"


@pytest.mark.parametrize(("credit", "what"), [(False, "Invoice INV1 of"), (True, "Credit note INV1 of")])
def test_an_invoice_says_its_total_and_of_a_collected_one_the_part(order, credit, what):
    zero = Money(Decimal(0), "EUR")
    invoice = Invoice(
        external_id="1",
        number="INV1",
        state=InvoiceState.POSTED,
        dated_on=dt.date(2026, 11, 22),
        due_on=None,
        net=order.totals.grand,
        tax=zero,
        total=-order.totals.grand if credit else order.totals.grand,
        open=zero,
        collected=True,
        part=Money(Decimal("3.10"), "EUR"),
    )
    entry = invoice_entry(Billed(order=order, invoice=invoice, link="https://x.example/1"), "k")
    assert entry.title.startswith(what)
    assert entry.lines == (f"2026-11-22 | {invoice.total} | of it 3.10 EUR | https://x.example/1",)


@pytest.mark.parametrize("system", sorted(CRM_FACETS))
def test_an_entry_is_known_again_by_its_key_and_others_are_nobodys(system, order):
    facets, entry = CRM_FACETS[system], order_entry(order, "shop:17:order", "Shop Nord")
    assert facets.entry is not None
    assert facets.entry_key(facets.entry(entry)) == "shop:17:order"
    assert facets.entry_key({"Note_Content": "called on Monday", "entry_text_field": "called"}) == ""
    hostile = dataclasses.replace(entry, lines=("Ref. somebody-else", *entry.lines))
    assert facets.entry_key(facets.entry(hostile)) == "shop:17:order"


def test_what_is_kept_of_parcels_and_invoices_reads_back_as_it_was(order):
    shipment = Shipment(
        external_id="7",
        number="OUT7",
        state=ShipmentState.SENT,
        sent_on=None,
        lines=(ShippedLine(code="TEA", quantity=Decimal("2.50")),),
        parcels=(Parcel(tracking_number="T-1", tracking_url="https://t.example/T-1"),),
        back=True,
    )
    money = Money(Decimal("-3.10"), "EUR")
    invoice = Invoice(
        external_id="1",
        number="INV1",
        state=InvoiceState.PAID,
        dated_on=dt.date(2026, 11, 22),
        due_on=None,
        net=money,
        tax=money,
        total=money,
        open=money,
        refund_key="r",
        collected=True,
        part=money,
    )
    assert shipment_from_json(facet_to_json(shipment)) == shipment
    assert invoice_from_json(facet_to_json(invoice)) == invoice
    alone = dataclasses.replace(invoice, part=None)
    assert invoice_from_json(facet_to_json(alone)) == alone
