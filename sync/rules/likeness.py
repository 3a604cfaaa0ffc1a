"""Fingerprints of an order: what its sale is made from, and what makes two orders look alike."""

from __future__ import annotations

from typing import Any

from mappings.canonical.records import Order
from sync.store.bodies import digest, dump_json

#: Parts of the canonical order that a sale in the ERP is made from. States, payments, refunds, notes and vendor
#: attributes change while an order lives; they are facets of their own and never remake the sale.
_MATERIAL = (
    "number",
    "currency",
    "customer",
    "billing",
    "shipping",
    "shipping_lines",
    "fees",
    "totals",
    "po_number",
    "payment_terms",
)
_LINE_MATERIAL = ("external_id", "sku", "quantity", "total", "tax", "tax_lines")


def material_of(canonical: dict[str, Any]) -> str:
    """Digest of what the sale is made from; `canonical` is the order's JSON."""
    material = {name: canonical.get(name) for name in _MATERIAL}
    material["lines"] = [{name: line.get(name) for name in _LINE_MATERIAL} for line in canonical["lines"]]
    return digest(dump_json(material))


def likeness_of(order: Order) -> str:
    """Digest of customer, lines and total: equal for two orders that a hasty customer placed twice."""
    customer = order.customer
    who = customer.external_id or (customer.email or order.billing.email).lower() or order.billing.phone
    lines = sorted((line.sku or line.name, f"{line.quantity.normalize():f}") for line in order.lines)
    return digest(dump_json([who, lines, order.currency, f"{order.totals.grand.amount:f}"]))
