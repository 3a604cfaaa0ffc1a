"""Company, currencies, chart of accounts, fiscal years and taxes: what Tryton needs before it can sell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.sandbox.tryton.admin import Admin

#: ISO code -> name, numeric code, decimals. The company's own comes first.
CURRENCIES: Final = {
    "EUR": ("Euro", "978", 2),
    "JPY": ("Yen", "392", 0),
    "KWD": ("Kuwaiti dinar", "414", 3),
    "USD": ("US dollar", "840", 2),
    "GBP": ("Pound sterling", "826", 2),
    "CHF": ("Swiss franc", "756", 2),
}

#: Name -> percent: what a German shop that also delivers to Austria charges. A rate of zero is a tax too.
TAXES: Final = {
    "VAT DE 19%": Decimal(19),
    "VAT DE 7%": Decimal(7),
    "VAT AT 20%": Decimal(20),
    "VAT 0%": Decimal(0),
}


def make_currencies(admin: Admin) -> dict[str, int]:
    """ISO code -> id; each with a rate of one, which no test relies on."""
    first_day = dt.date(2000, 1, 1)
    values = [
        {
            "name": name,
            "code": code,
            "numeric_code": numeric,
            "digits": digits,
            "rounding": Decimal(1).scaleb(-digits),
            "rates": [["create", [{"date": first_day, "rate": Decimal(1)}]]],
        }
        for code, (name, numeric, digits) in CURRENCIES.items()
    ]
    return dict(zip(CURRENCIES, admin.create("currency.currency", *values), strict=True))


def make_company(admin: Admin, currency: int) -> int:
    """The one company; the administrator works for it afterwards."""
    address = {"street": "1 Depot Road", "city": "Testville", "postal_code": "10000"}
    (party,) = admin.create("party.party", {"name": "Test Trading Ltd", "addresses": [["create", [address]]]})
    (company,) = admin.create("company.company", {"party": party, "currency": currency, "timezone": "Europe/Berlin"})
    users = admin.search("res.user", [["login", "=", "admin"]])
    admin.call("model.res.user.write", users, {"companies": [["add", [company]]], "company": company})
    admin.refresh()
    return company


def make_chart(admin: Admin, company: int) -> dict[str, int]:
    """The universal chart of accounts; kind of account -> id."""
    template = admin.xml_id("account", "account_template_root_en")
    chosen = {"account": {"company": company, "account_template": template}}
    session, _, _ = admin.call("wizard.account.create_chart.create")
    admin.call("wizard.account.create_chart.execute", session, chosen, "create_account")
    open_ = [["company", "=", company], ["closed", "!=", True]]
    accounts = {
        kind: admin.one("account.account", [*open_, [f"type.{kind}", "=", True]])
        for kind in ("receivable", "payable", "revenue", "expense")
    }
    accounts["cash"] = admin.one("account.account", [*open_, ["code", "=", "1.1.1"]])
    accounts["tax"] = admin.one("account.account", [*open_, ["name", "ilike", "%tax%"], ["type", "!=", None]])
    properties = {
        "company": company,
        "account_receivable": accounts["receivable"],
        "account_payable": accounts["payable"],
        "category_account_expense": accounts["expense"],
        "category_account_revenue": accounts["revenue"],
    }
    forms = {**chosen, "properties": properties}
    admin.call("wizard.account.create_chart.execute", session, forms, "create_properties")
    admin.call("wizard.account.create_chart.delete", session)
    return accounts


def make_fiscal_years(admin: Admin, company: int, years: Iterable[int]) -> None:
    """Years with monthly periods and their own number series; an invoice can only be posted inside of one."""
    kinds = {row["name"]: row["id"] for row in admin.read("ir.sequence.type", [], ["name"])}
    for year in years:
        moves, invoices = admin.create(
            "ir.sequence.strict",
            {"name": f"Account Move {year}", "company": company, "sequence_type": kinds["Account Move"]},
            {
                "name": f"Invoice {year}",
                "company": company,
                "sequence_type": kinds["Invoice"],
                "prefix": f"INV-{year}-",
                "padding": 5,
            },
        )
        names = ("out_invoice_sequence", "in_invoice_sequence", "out_credit_note_sequence", "in_credit_note_sequence")
        numbering = {"company": company, **dict.fromkeys(names, invoices)}
        ids = admin.create(
            "account.fiscalyear",
            {
                "name": str(year),
                "company": company,
                "start_date": dt.date(year, 1, 1),
                "end_date": dt.date(year, 12, 31),
                "move_sequence": moves,
                "invoice_sequences": [["create", [numbering]]],
            },
        )
        admin.call("model.account.fiscalyear.create_period", ids)


def make_taxes(admin: Admin, company: int, account: int) -> dict[str, int]:
    """Name -> id of every customer tax."""
    values = [
        {
            "name": name,
            "description": name,
            "type": "percentage",
            "rate": percent / 100,
            "company": company,
            "invoice_account": account,
            "credit_note_account": account,
        }
        for name, percent in TAXES.items()
    ]
    return dict(zip(TAXES, admin.create("account.tax", *values), strict=True))


def make_payment_means(admin: Admin, company: int, currency: int, cash: int) -> dict[str, int]:
    """A payment term for web orders (the company's default), and ways to book a payment."""
    (term,) = admin.create(
        "account.invoice.payment_term", {"name": "Direct", "lines": [["create", [{"type": "remainder"}]]]}
    )
    admin.call("model.account.configuration.write", [1], {"default_customer_payment_term": term})
    journal = admin.one("account.journal", [["type", "=", "cash"]])
    values: Sequence[dict[str, Any]] = [
        {"name": "Web payment", "company": company, "journal": journal, "credit_account": cash, "debit_account": cash}
    ]
    (method,) = admin.create("account.invoice.payment.method", *values)
    card = {"name": "Card payments", "company": company, "currency": currency, "process_method": "manual"}
    (payment_journal,) = admin.create("account.payment.journal", card)
    return {"payment_term": term, "payment_method": method, "payment_journal": payment_journal}
