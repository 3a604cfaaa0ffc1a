"""Lines of text that an order's record shows: each number once, and what people have written beside it stays."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

from mappings.canonical.countries import country_code
from mappings.canonical.facets import Invoice, InvoiceState
from mappings.canonical.money import Money
from mappings.crm import buyer_of
from mappings.facets import Billed
from mappings.zoho_crm import ACCOUNTS, FACETS
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


def test_an_account_is_made_of_the_company_and_of_a_person_with_the_address():
    order = order_of(record())
    who = buyer_of(order)
    told = ACCOUNTS.account(who)
    assert (told["Account_Name"], told["vat_id"]) == (order.customer.company, order.customer.vat_id)
    assert (told["Billing_City"], told["Billing_Country"]) == ("Berlin", "Germany")
    assert country_code(told["Billing_Country"]) == order.billing.country
    alone = dataclasses.replace(who, company="", first_name="Anna", last_name="Müller", email="a@b.example")
    assert ACCOUNTS.account(alone)["Account_Name"] == "Anna Müller (a@b.example)"
    assert ACCOUNTS.account(dataclasses.replace(alone, last_name="", first_name=""))["Account_Name"] == "a@b.example"


def test_an_account_that_is_to_be_told_from_another_says_by_what():
    who = buyer_of(order_of(record()), apart=True)
    assert ACCOUNTS.account(who)["Account_Name"] == f"{who.company} ({who.vat_id})"
    unregistered = dataclasses.replace(who, vat_id="")
    assert ACCOUNTS.account(unregistered)["Account_Name"] == f"{who.company} (10623 Berlin)"


def test_a_contact_has_the_last_name_that_the_crm_demands():
    who = dataclasses.replace(buyer_of(order_of(record())), first_name="Anna", last_name="", email="a@b.example")
    assert ACCOUNTS.contact(who, "17") == {
        "Last_Name": "Anna",
        "Email": "a@b.example",
        "Account_Name": {"id": "17"},
        **({"Phone": who.phone} if who.phone else {}),
    }
