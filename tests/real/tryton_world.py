"""Putting into a real Tryton whatever an order needs: the tests ask about orders, not about master data."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from connectors.kit.base import ConnectorSettings
from connectors.sandbox.tryton import Erp
from connectors.sandbox.tryton.admin import Admin
from connectors.tryton import Tryton
from mappings.base import TargetOptions
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.registry import TARGETS

MAPPING = TARGETS["tryton"]
OPTIONS = TargetOptions(channel="shop", settings={"free_text_product": "FREETEXT", "warehouse": "WH1"})


def connect(erp: Erp, *, login: bool = True, web_shop: str = "", **settings: Any) -> Tryton:
    values: dict[str, Any] = {"name": "erp", "url": erp.url, "key": erp.rest_key, "allow_hosts": ("127.0.0.1",)}
    if login:
        values |= {"login": erp.login, "password": erp.password}
    options = {"database": erp.database, "web_shop": web_shop or erp.web_shop_name, **settings.pop("options", {})}
    return Tryton(ConnectorSettings(**(values | settings), options=options))


def new_web_shop(erp: Erp) -> str:
    """A web shop of its own, so that a test sees its own sales only; its name."""
    name = f"Shop {uuid.uuid4().hex[:8]}"
    admin = erp.admin()
    warehouses = [["add", list(erp.warehouses.values())]]
    admin.create("web.shop", {"name": name, "company": erp.company, "warehouses": warehouses})
    return name


def furnish(admin: Admin, company: int, orders: Iterable[Order]) -> None:
    """Add the products, taxes, countries and currencies of `orders` that the ERP lacks."""
    refs = {ref for order in orders for ref in MAPPING.references(order, OPTIONS)}
    _add_products(admin, {ref.value for ref in refs if ref.kind == "product"})
    _add_taxes(admin, company, [ref for ref in refs if ref.kind == "tax"])
    _add_named(admin, "country.country", {ref.value for ref in refs if ref.kind == "country"}, {})
    rate = {"rates": [["create", [{"rate": Decimal(1)}]]], "rounding": Decimal("0.01"), "digits": 2}
    _add_named(admin, "currency.currency", {ref.value for ref in refs if ref.kind == "currency"}, rate)


def _add_products(admin: Admin, codes: set[str]) -> None:
    missing = codes - {row["code"] for row in admin.read("product.product", [["code", "in", list(codes)]], ["code"])}
    category = admin.one("product.category", [["accounting", "=", True]])
    unit = admin.one("product.uom", [["name", "=", "Unit"]])
    common = {"type": "service", "salable": True, "account_category": category, "list_price": Decimal(1)}
    units = {"default_uom": unit, "sale_uom": unit}
    admin.create(
        "product.template",
        *(
            {**common, **units, "name": code, "products": [["create", [{"suffix_code": code}]]]}
            for code in sorted(missing)
        ),
    )


def _add_taxes(admin: Admin, company: int, refs: Iterable[Ref]) -> None:
    known = admin.read("account.tax", [], ["name", "rate", "invoice_account"])
    rates = {row["rate"] * 100 for row in known}
    names = {row["name"] for row in known}
    account = known[0]["invoice_account"]
    for ref in refs:
        rate = Decimal(ref.hint["rate"] or "7.5")
        if (ref.hint["rate"] and rate in rates) or (not ref.hint["rate"] and ref.value in names):
            continue
        # A rate that the shop does not say is known by the code of the tax alone.
        name = f"Tax {rate}%" if ref.hint["rate"] else ref.value
        accounts = {"invoice_account": account, "credit_note_account": account}
        values = {"name": name, "description": name, "type": "percentage", "rate": rate / 100, "company": company}
        admin.create("account.tax", {**values, **accounts})
        rates.add(rate)
        names.add(name)


def _add_named(admin: Admin, model: str, codes: set[str], values: Mapping[str, Any]) -> None:
    known = {row["code"] for row in admin.read(model, [["code", "in", list(codes)]], ["code"])}
    admin.create(model, *({"code": code, "name": code, **values} for code in sorted(codes - known)))


def resolved_with_parties(target: Tryton, orders: Iterable[Order]) -> list[Mapping[Ref, Any]]:
    """What each order's mapping asked for, after the parties and addresses that were missing have been made."""
    answers = []
    for order in orders:
        refs = MAPPING.references(order, OPTIONS)
        known = target.resolve(refs)
        if (payload := MAPPING.party(order, known, OPTIONS)) is not None:
            target.save_party(payload)
            known = target.resolve(refs)
        answers.append(known)
    return answers
