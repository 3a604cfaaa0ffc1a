"""Lines of text that an order's record shows: each number once, and what people have written beside it stays."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from mappings.canonical.facets import Invoice, InvoiceState
from mappings.canonical.money import Money
from mappings.facets import Billed
from mappings.zoho_crm import FACETS
from tests.mappings.zoho_orders import order_of, record


def billed(number="INV1", still_open="50.69", *, credit=False):
    """Of a credit note the amounts are below zero."""
    order = order_of(record())
    zero = Money(Decimal(0), "EUR")
    invoice = Invoice(
        external_id="1",
        number=number,
        state=InvoiceState.POSTED,
        dated_on=dt.date(2026, 11, 22),
        due_on=None,
        net=order.totals.grand,
        tax=zero,
        total=-order.totals.grand if credit else order.totals.grand,
        open=Money(Decimal(still_open), "EUR"),
    )
    return Billed(order=order, invoice=invoice, link="https://x.example/1")


def lines(payload):
    return payload["Crossdock_Invoices"].split("\n")


def test_a_line_has_the_place_of_the_one_of_the_same_number():
    first = FACETS.invoice_marks([billed()], record(Crossdock_Invoices="rung up on Monday"))
    assert lines(first) == [
        "rung up on Monday",
        "INV1 | 2026-11-22 | 50.69 EUR | open 50.69 EUR | https://x.example/1",
    ]
    paid = FACETS.invoice_marks([billed(still_open="0"), billed("GS2", credit=True)], first)
    assert lines(paid)[:2] == ["rung up on Monday", "INV1 | 2026-11-22 | 50.69 EUR | paid | https://x.example/1"]
    assert lines(paid)[2].startswith("GS2 | 2026-11-22 | -50.69 EUR")
    assert FACETS.invoice_marks([billed(still_open="0")], paid) == {}


def test_an_invoice_without_a_number_is_none_yet():
    assert FACETS.invoice_marks([billed("")], {}) == {}


def test_the_number_in_the_erp_is_said_once():
    assert FACETS.sale_marks is not None
    marked = FACETS.sale_marks(["SO1", "SO2"], {})
    assert marked == {"Crossdock_ERP_Number": "SO1, SO2"}
    assert FACETS.sale_marks(["SO1", "SO2"], marked) == {}
