"""What a profile needs to know of the base mapping that it extends: where the records of an order come from.

By this a rule for a line finds the element of the source behind it (`item`), and a field that no rule wrote can say
from which path of the source the base mapping took it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final


@dataclasses.dataclass(frozen=True, slots=True)
class Elements:
    """Where the records of one scope come from."""

    #: The list in the source, the key in its elements, and the field of our record that has the key's value.
    source: str
    key: str
    field: str = "external_id"


@dataclasses.dataclass(frozen=True, slots=True)
class Base:
    """One base mapping, as far as profiles look behind it."""

    #: Scope -> its elements; a scope that is not here has no `item`.
    elements: Mapping[str, Elements]
    #: Scope -> the object in the source.
    objects: Mapping[str, str]
    #: Canonical field -> what the base mapping reads for it; of a record, relative to its element.
    paths: Mapping[str, Mapping[str, tuple[str, ...]]]


_WOO_ADDRESS: Final = {
    **{name: (name,) for name in ("first_name", "last_name", "company", "city", "country", "phone", "email")},
    "street": ("address_1",),
    "street_2": ("address_2",),
    "postal_code": ("postcode",),
    "region": ("state",),
}
_WOO_ORDER: Final = {
    "number": ("number",),
    "external_id": ("id",),
    "version": ("date_modified_gmt", "date_created_gmt"),
    "placed_at": ("date_created_gmt",),
    "placed_on": ("date_created", "date_created_gmt"),
    "updated_at": ("date_modified_gmt", "date_created_gmt"),
    "currency": ("currency",),
    "state": ("status",),
    "source_state": ("status",),
    "payment_state": ("status", "date_paid_gmt", "total", "refunds", "meta_data"),
    "fulfilment_state": ("status", "meta_data"),
    "customer.external_id": ("customer_id",),
    "customer.guest": ("customer_id",),
    **{f"customer.{name}": (f"billing.{name}",) for name in ("first_name", "last_name", "company", "email", "phone")},
    "customer.vat_id": ("meta_data",),
    "coupons": ("coupon_lines",),
    "totals.lines": ("line_items",),
    "totals.discount": ("discount_total",),
    "totals.shipping": ("shipping_lines",),
    "totals.fees": ("fee_lines",),
    "totals.tax": ("total_tax",),
    "totals.grand": ("total",),
    "totals.rounding": ("total", "line_items", "shipping_lines", "fee_lines", "total_tax"),
    "tax_included": ("prices_include_tax",),
    "note": ("customer_note",),
    "test": ("meta_data",),
    "po_number": ("meta_data",),
    "payment_terms": ("meta_data",),
    "payment_method": ("payment_method",),
    "attributes": ("created_via", "parent_id", "meta_data"),
}
_WOO_CHARGE: Final = {"external_id": ("id",), "total": ("total",), "tax": ("total_tax",), "tax_lines": ("taxes",)}
_WOO_LINE: Final = {
    **_WOO_CHARGE,
    "sku": ("sku",),
    "name": ("name",),
    "quantity": ("quantity",),
    "unit_price": ("subtotal", "quantity"),
    "subtotal": ("subtotal",),
    "discounts": ("subtotal", "total"),
    "tax_class": ("tax_class",),
    "product_id": ("product_id",),
    "variant_id": ("variation_id",),
    "gift_card": ("meta_data",),
    "bundle_parent": ("bundled_by", "composite_parent"),
    "attributes": ("meta_data",),
}

BASES: Final[Mapping[str, Base]] = {
    "woocommerce": Base(
        elements={
            "lines": Elements("line_items", "id"),
            "shipping_lines": Elements("shipping_lines", "id"),
            "fees": Elements("fee_lines", "id"),
            "tax_lines": Elements("tax_lines", "rate_id", "code"),
            "refunds": Elements("refunds", "id"),
        },
        objects={"billing": "billing", "shipping": "shipping"},
        paths={
            "order": _WOO_ORDER,
            "billing": _WOO_ADDRESS,
            "shipping": _WOO_ADDRESS,
            "lines": _WOO_LINE,
            "shipping_lines": {**_WOO_CHARGE, "code": ("method_id",), "title": ("method_title",)},
            "fees": {**_WOO_CHARGE, "title": ("name",)},
            "tax_lines": {
                "code": ("rate_id",),
                "title": ("label",),
                "rate": ("rate_percent",),
                "amount": ("tax_total", "shipping_tax_total"),
                "compound": ("compound",),
            },
            "refunds": {"external_id": ("id",), "amount": ("total",), "reason": ("reason",)},
            # The order's own fields: it has no list of payments.
            "payments": {
                "gateway": ("payment_method",),
                "title": ("payment_method_title",),
                "amount": ("total",),
                "reference": ("transaction_id",),
                "paid_at": ("date_paid_gmt",),
                "fee": ("meta_data",),
            },
        },
    ),
}


def behind(base: Base | None, scope: str, payload: Mapping[str, Any], records: Sequence[Any]) -> list[Any]:
    """For each record of a scope the element of the source that it was made of; None where there is none."""
    known = base.elements.get(scope) if base else None
    found = payload.get(known.source) if known else None
    if known is None or not isinstance(found, list):
        return [None] * len(records)
    by_key = {str(each.get(known.key)): each for each in found if isinstance(each, dict)}
    return [by_key.get(getattr(record, known.field)) for record in records]
