"""A WooCommerce order for tests: small, complete, changed where a test wants it different."""

from __future__ import annotations

from typing import Any

from mappings.base import SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.woocommerce import order_from_woocommerce

ADDRESS = {
    "first_name": "Jürgen",
    "last_name": "Großmann",
    "company": "Teehaus «Łódź» &amp; Co.",
    "address_1": "Straße des 17. Juni 135",
    "address_2": "Hinterhaus",
    "city": "Köln",
    "state": "DE-NW",
    "postcode": "50667",
    "country": "DE",
    "email": "juergen@example.test",
    "phone": "+49 221 000111",
}


def woo_line(**changes: Any) -> dict[str, Any]:
    """Two sieves for 20.00 net after a discount of 2.00, and 3.80 of tax."""
    line: dict[str, Any] = {
        "id": 4,
        "name": "Teesieb &amp; Kanne",
        "product_id": 14,
        "variation_id": 0,
        "quantity": 2,
        "tax_class": "",
        "subtotal": "22.00",
        "subtotal_tax": "4.18",
        "total": "20.00",
        "total_tax": "3.80",
        "taxes": [{"id": 1, "total": "3.8", "subtotal": "4.18"}],
        "meta_data": [{"id": 9, "key": "farbe", "value": "blau"}, {"id": 10, "key": "_reduced_stock", "value": "2"}],
        "sku": "SIEB-ST",
        "price": 10.0,
    }
    return line | changes


def woo_order(**changes: Any) -> dict[str, Any]:
    """One line, shipping of 4.12 + 0.78: 28.70 EUR."""
    order: dict[str, Any] = {
        "id": 19,
        "parent_id": 0,
        "number": "WC-19",
        "status": "processing",
        "currency": "EUR",
        "prices_include_tax": True,
        "date_created": "2026-11-22T00:01:55",
        "date_created_gmt": "2026-11-21T23:01:55",
        "date_modified_gmt": "2026-11-21T23:01:56",
        "date_paid_gmt": "2026-11-21T23:02:00",
        "discount_total": "2.00",
        "discount_tax": "0.38",
        "shipping_total": "4.12",
        "total": "28.70",
        "total_tax": "4.58",
        "customer_id": 7,
        "billing": dict(ADDRESS),
        "shipping": {key: value for key, value in ADDRESS.items() if key != "email"},
        "payment_method": "stripe",
        "payment_method_title": "Karte &amp; mehr",
        "transaction_id": "ch_1",
        "customer_note": "Bitte „leise“ & schnell 😀",
        "created_via": "checkout",
        "meta_data": [],
        "line_items": [woo_line()],
        "tax_lines": [
            {
                "rate_id": 1,
                "label": "MwSt 19 %",
                "compound": False,
                "tax_total": "3.80",
                "shipping_tax_total": "0.78",
                "rate_percent": 19,
            }
        ],
        "shipping_lines": [
            {
                "id": 6,
                "method_title": "DHL Paket",
                "method_id": "flat_rate",
                "total": "4.12",
                "total_tax": "0.78",
                "taxes": [{"id": 1, "total": "0.78", "subtotal": ""}],
            }
        ],
        "fee_lines": [],
        "coupon_lines": [{"id": 7, "code": "sommer10", "discount": "2", "discount_tax": "0.38"}],
        "refunds": [],
    }
    return order | changes


def with_meta(*entries: tuple[str, Any], **changes: Any) -> dict[str, Any]:
    return woo_order(meta_data=[{"id": 1, "key": key, "value": value} for key, value in entries], **changes)


def mapped(payload: dict[str, Any], **options: Any) -> Order:
    return order_from_woocommerce(payload, SourceOptions(**options))


def problems_of(payload: dict[str, Any], **options: Any) -> list[Problem]:
    try:
        mapped(payload, **options)
    except Problems as problems:
        return list(problems.problems)
    return []
