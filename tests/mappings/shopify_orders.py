"""A Shopify order for tests: small, complete, in both spellings, changed where a test wants it different."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from mappings.base import SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.shopify import order_from_shopify

ADDRESS = {
    "first_name": "Jürgen",
    "last_name": "Großmann",
    "company": "Teehaus «Łódź» & Co.",
    "address1": "Straße des 17. Juni 135",
    "address2": "Hinterhaus",
    "city": "Köln",
    "province": "Nordrhein-Westfalen",
    "province_code": None,
    "zip": "50667",
    "country_code": "DE",
    "phone": "+49 221 000111",
}


def bag(
    shop: str, presentment: str | None = None, *, currency: str = "EUR", other: str | None = None
) -> dict[str, Any]:
    return {
        "shop_money": {"amount": shop, "currency_code": currency},
        "presentment_money": {"amount": presentment or shop, "currency_code": other or currency},
    }


def tax(amount: str, rate: str = "0.19", title: str = "USt") -> dict[str, Any]:
    return {"title": title, "rate": Decimal(rate), "price": amount, "price_set": bag(amount)}


def off(amount: str, index: int = 0) -> dict[str, Any]:
    return {"amount": amount, "amount_set": bag(amount), "discount_application_index": index}


def shop_line(**changes: Any) -> dict[str, Any]:
    """Two sieves at 11.90 with tax, 2.38 off by a code for the whole order: 21.42, of it 3.42 tax."""
    line: dict[str, Any] = {
        "id": 4001,
        "sku": "SIEB-ST",
        "title": "Teesieb",
        "name": "Teesieb - fein",
        "variant_title": "fein",
        "quantity": 2,
        "current_quantity": 2,
        "price": "11.90",
        "price_set": bag("11.90"),
        "discount_allocations": [off("2.38")],
        "tax_lines": [tax("3.42")],
        "duties": [],
        "gift_card": False,
        "requires_shipping": True,
        "product_id": 14,
        "variant_id": 141,
        "properties": [{"name": "Gravur", "value": "für Ömer"}],
    }
    return line | changes


def shop_order(**changes: Any) -> dict[str, Any]:
    """One line of 21.42 and shipping of 4.90, prices with tax: 26.32 EUR, of it 4.20 tax, paid by card."""
    order: dict[str, Any] = {
        "id": 5001,
        "name": "#1001",
        "created_at": "2026-11-22T00:01:55+01:00",
        "processed_at": "2026-11-22T00:01:55+01:00",
        "updated_at": "2026-11-22T00:01:56+01:00",
        "cancelled_at": None,
        "closed_at": None,
        "currency": "EUR",
        "presentment_currency": "EUR",
        "taxes_included": True,
        "duties_included": False,
        "total_price": "26.32",
        "total_price_set": bag("26.32"),
        "current_total_price_set": bag("26.32"),
        "total_tax": "4.20",
        "total_tax_set": bag("4.20"),
        "total_discounts": "2.38",
        "total_tip_received": "0.00",
        "financial_status": "paid",
        "fulfillment_status": None,
        "test": False,
        "note": "Bitte klingeln",
        "tags": "stamm, b2c",
        "email": "juergen@example.test",
        "phone": None,
        "po_number": None,
        "source_name": "web",
        "note_attributes": [],
        "payment_gateway_names": ["shopify_payments"],
        "payment_terms": None,
        "discount_codes": [{"code": "TEE10", "amount": "2.38", "type": "percentage"}],
        "discount_applications": [{"type": "discount_code", "code": "TEE10"}],
        "customer": {"id": 77, "first_name": "Jürgen", "last_name": "Großmann", "email": "juergen@example.test"},
        "company": None,
        "billing_address": dict(ADDRESS),
        "shipping_address": dict(ADDRESS),
        "line_items": [shop_line()],
        "shipping_lines": [
            {
                "id": 6001,
                "title": "DHL",
                "code": "dhl",
                "price": "4.90",
                "price_set": bag("4.90"),
                "discounted_price": "4.90",
                "discounted_price_set": bag("4.90"),
                "tax_lines": [tax("0.78")],
                "is_removed": False,
            }
        ],
        "tax_lines": [tax("4.20")],
        "transactions": [paid("26.32")],
        "refunds": [],
    }
    return order | changes


def paid(amount: str, kind: str = "sale", number: int = 8001, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "kind": kind,
        "status": "success",
        "gateway": "shopify_payments",
        "amount": amount,
        "processed_at": "2026-11-22T00:01:55+01:00",
        **changes,
    }


def refunded(amount: str | None = None, lines: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A refund of an amount with its lines; without an amount only pieces were taken out."""
    return {
        "id": 9001,
        "created_at": "2026-11-23T10:00:00+01:00",
        "processed_at": "2026-11-23T10:00:00+01:00",
        "note": "zu spät",
        "refund_line_items": lines or [],
        "refund_shipping_lines": [],
        "duties": [],
        "order_adjustments": [],
        "transactions": [] if amount is None else [paid(amount, kind="refund", number=8101)],
        **changes,
    }


def given(quantity: int, subtotal: str, with_tax: str, line: int = 4001, restock: str = "return") -> dict[str, Any]:
    return {
        "line_item_id": line,
        "line_item": {"id": line},
        "quantity": quantity,
        "restock_type": restock,
        "subtotal": Decimal(subtotal),
        "subtotal_set": bag(subtotal),
        "total_tax": Decimal(with_tax),
        "total_tax_set": bag(with_tax),
    }


#: REST name -> GraphQL name, where the case alone does not make it.
_NAMES = {
    "currency": "currencyCode",
    "presentment_currency": "presentmentCurrencyCode",
    "financial_status": "displayFinancialStatus",
    "fulfillment_status": "displayFulfillmentStatus",
    "note_attributes": "customAttributes",
    "properties": "customAttributes",
    "gift_card": "isGiftCard",
    "country_code": "countryCodeV2",
}
_LINE = {"price_set": "originalUnitPriceSet"}
_CONNECTIONS = {"lineItems", "shippingLines", "refundLineItems", "refundShippingLines", "orderAdjustments"}


def over_graphql(order: dict[str, Any]) -> dict[str, Any]:
    """The same order as our query would have it answered."""
    changed: dict[str, Any] = _camel(order, "order")
    changed["shop"] = {"ianaTimezone": "Europe/Berlin"}
    return changed


def _camel(value: Any, where: str) -> Any:  # noqa: C901, PLR0912 - one row after the other
    if isinstance(value, list):
        return [_camel(entry, where) for entry in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, child in value.items():
        key = _NAMES.get(name, re.sub("_([a-z0-9])", lambda letter: letter[1].upper(), name))
        if name == "id" and where != "id":
            found["id"] = f"gid://shopify/{where.title()}/{child}"
        elif name in {"product_id", "variant_id"}:
            found[key[:-2]] = None if child is None else {"id": f"gid://shopify/X/{child}"}
        elif name == "line_item_id":
            found["lineItem"] = {"id": f"gid://shopify/LineItem/{child}"}
        elif name in {"financial_status", "fulfillment_status", "kind", "status", "restock_type"}:
            found[key] = child.upper() if child else ("UNFULFILLED" if name == "fulfillment_status" else None)
        elif name == "discount_application_index":
            found["discountApplication"] = {"index": child, "code": "TEE10"}
        elif name in {"properties", "note_attributes"}:
            found[key] = [{"key": pair["name"], "value": pair["value"]} for pair in child]
        elif name == "tags":
            found[key] = child.split(", ")
        elif name == "discount_codes":
            found[key] = [code["code"] for code in child]
        elif name.endswith("_at") and child:
            found[key] = "2026-11-21T23" + child[13:-6] + "Z" if child.startswith("2026-11-22T00") else child
        elif name == "company" and isinstance(child, dict):
            found["purchasingEntity"] = {"company": {"id": "gid://shopify/Company/5"}, "location": {"id": "6"}}
        elif name == "line_item":
            continue
        elif name in {"shop_money", "presentment_money"}:
            found[key] = {
                "amount": f"{Decimal(child['amount']):.1f}" if child["amount"].endswith("0") else child["amount"]
            }
            found[key]["currencyCode"] = child["currency_code"]
        elif name == "amount" and where == "transactions":
            found["amountSet"] = _camel(bag(child), "")
        elif name == "price_set" and where in {"line_items", "shipping_lines"}:
            found["originalUnitPriceSet" if where == "line_items" else "originalPriceSet"] = _camel(child, "")
        elif name == "amount_set" and where == "discount_allocations":
            found["allocatedAmountSet"] = _camel(child, "")
        elif name not in {"price", "amount", "subtotal", "total_tax", "total_price", "discounted_price"}:
            found[key] = _camel(child, name)
        if key in _CONNECTIONS:
            found[key] = {"nodes": found[key], "pageInfo": {"hasNextPage": False}}
    return found


def order_of(payload: dict[str, Any], **options: Any) -> Order:
    return order_from_shopify(payload, SourceOptions(**options))


def problems_of(payload: dict[str, Any]) -> tuple[Problem, ...]:
    try:
        order_of(payload)
    except Problems as problems:
        return problems.problems
    raise AssertionError("it maps")
