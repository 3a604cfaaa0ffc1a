"""What a fresh stand-in has: a company in Germany, two warehouses, taxes, the catalogue and the services."""

from __future__ import annotations

from typing import Any, Final

from connectors.sandbox.catalogue import SERVICES, TAX_PERCENT, catalogue
from connectors.sandbox.odoo import customs
from connectors.sandbox.odoo.database import Database, Json

_COUNTRIES: Final = (
    *(("AT", "Austria"), ("AU", "Australia"), ("BE", "Belgium"), ("BR", "Brazil"), ("CA", "Canada")),
    *(("CH", "Switzerland"), ("CN", "China"), ("CZ", "Czech Republic"), ("DE", "Germany"), ("DK", "Denmark")),
    *(("ES", "Spain"), ("FI", "Finland"), ("FR", "France"), ("GB", "United Kingdom"), ("IE", "Ireland")),
    *(("IT", "Italy"), ("JP", "Japan"), ("LU", "Luxembourg"), ("NL", "Netherlands"), ("NO", "Norway")),
    *(("PL", "Poland"), ("PT", "Portugal"), ("SE", "Sweden"), ("US", "United States")),
)
_STATES: Final = (("US", "CA", "California"), ("US", "NY", "New York"), ("CA", "ON", "Ontario"), ("IT", "MI", "Milano"))
_CURRENCIES: Final = (("EUR", 2), ("USD", 2), ("GBP", 2), ("CHF", 2), ("CNY", 2), ("JPY", 0), ("PLN", 2), ("KWD", 3))
_WAREHOUSES: Final = (("MAIN", "Hauptlager"), ("SHOP", "Laden"))


def set_up(db: Database, *, articles: int, tax_rounding: str) -> None:
    """Fill an empty database."""
    db.begin()
    currencies = {code: _currency(db, code, digits)["id"] for code, digits in _CURRENCIES}
    countries = {code: db.insert("res.country", {"code": code, "name": name})["id"] for code, name in _COUNTRIES}
    for country, code, name in _STATES:
        db.insert("res.country.state", {"code": code, "name": name, "country_id": countries[country]})
    company = db.insert(
        "res.company",
        {
            "name": "Teeladen Müller GmbH",
            "currency_id": currencies["EUR"],
            "country_id": countries["DE"],
            "tax_calculation_rounding_method": tax_rounding,
        },
    )
    own = db.insert("res.partner", {"name": company["name"], "is_company": True, "active": True, "type": "contact"})
    db.update("res.company", company, {"partner_id": own["id"]})
    for name in ("OdooBot", "Default", "Public", "Administrator"):
        db.insert("res.users", {"name": name, "login": name.lower()})
    user = {"name": "Integration", "login": "integration", "company_ids": [company["id"]], "company_id": company["id"]}
    db.insert("res.users", user)
    for code, number in currencies.items():
        values = {"name": f"Shop {code}", "currency_id": number, "active": True, "sequence": 10}
        db.insert("product.pricelist", values)
    customs.set_up(db)
    _books(db)
    _places(db, company["id"])
    _goods(db, articles, {"company_id": company["id"], "country_id": countries["DE"]})
    db.insert("delivery.carrier", {"name": "Fast Parcel", "active": True})
    db.commit()


def _currency(db: Database, code: str, digits: int) -> Json:
    return db.insert(
        "res.currency", {"name": code, "rounding": 10.0**-digits, "decimal_places": digits, "active": True}
    )


def _books(db: Database) -> None:
    db.insert("account.account", {"code": "1410", "name": "Receivables", "account_type": "asset_receivable"})
    db.insert("account.account", {"code": "6855", "name": "Bank fees", "account_type": "expense"})
    outstanding = {"code": "1461", "name": "Outstanding Receipts", "account_type": "asset_current"}
    waiting = db.insert("account.account", outstanding)["id"]
    db.insert("account.journal", {"name": "Customer Invoices", "code": "INV", "type": "sale"})
    for code, name in (("BNK1", "Bank"), ("PPL", "PayPal")):
        own = db.insert("account.account", {"code": f"18{code}", "name": name, "account_type": "asset_cash"})["id"]
        journal = db.insert("account.journal", {"name": name, "code": code, "type": "bank", "default_account_id": own})
        way = {"name": "Manual Payment", "journal_id": journal["id"], "payment_account_id": waiting}
        db.insert("account.payment.method.line", way)
    db.insert("account.payment.term", {"name": "Immediate Payment", "active": True, "days": 0})
    db.insert("account.payment.term", {"name": "30 Days", "active": True, "days": 30})
    db.insert("decimal.precision", {"name": "Product Price", "digits": 2})


def _places(db: Database, company: int) -> None:
    customers = db.insert("stock.location", {"name": "Customers", "usage": "customer"})["id"]
    vendors = db.insert("stock.location", {"name": "Vendors", "usage": "supplier"})["id"]
    for code, name in _WAREHOUSES:
        stock = db.insert("stock.location", {"name": f"{code}/Stock", "usage": "internal"})
        values = {"name": name, "code": code, "company_id": company, "lot_stock_id": stock["id"], "active": True}
        warehouse = db.insert("stock.warehouse", values)
        db.update("stock.location", stock, {"warehouse_id": warehouse["id"]})
        for column, kind, source, target in (
            ("in_type_id", "incoming", vendors, stock["id"]),
            ("out_type_id", "outgoing", stock["id"], customers),
        ):
            made = db.insert(
                "stock.picking.type",
                {
                    "name": "Receipts" if kind == "incoming" else "Delivery Orders",
                    "code": kind,
                    "warehouse_id": warehouse["id"],
                    "default_location_src_id": source,
                    "default_location_dest_id": target,
                },
            )
            db.update("stock.warehouse", warehouse, {column: made["id"]})


def _goods(db: Database, articles: int, taxed: dict[str, Any]) -> None:
    taxes = {}
    for name, percent in TAX_PERCENT.items():
        values = {
            "name": f"{percent:f}% USt",
            "description": f"USt {percent:f}%",
            "amount": float(percent),
            "amount_type": "percent",
            "type_tax_use": "sale",
            "price_include": False,
            "include_base_amount": False,
            "active": True,
            "sequence": 1,
        }
        taxes[name] = db.insert("account.tax", values | taxed)["id"]
    unit = db.insert("uom.uom", {"name": "Units", "rounding": 1.0})["id"]
    common = {"uom_id": unit, "active": True, "sale_ok": True, "invoice_policy": "order", "barcode": None}
    place = next(db.all("stock.location", usage="internal"))["id"]
    for article in catalogue(articles):
        product = db.insert(
            "product.product",
            {
                **common,
                "default_code": article.sku,
                "name": article.name,
                "lst_price": float(article.net_price),
                "taxes_id": [taxes[article.tax_class]],
                "type": "service" if article.virtual else "consu",
                "is_storable": not article.virtual,
            },
        )
        if not article.virtual:
            values = {"product_id": product["id"], "location_id": place, "reserved_quantity": 0.0}
            db.insert("stock.quant", {**values, "quantity": float(article.stock)})
    for service in SERVICES:
        values = {"default_code": service.sku, "name": service.name, "lst_price": 0.0, "taxes_id": []}
        db.insert("product.product", {**common, **values, "type": "service", "is_storable": False})
