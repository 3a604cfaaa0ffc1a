"""What a sale needs to know from Odoo before it can be written; `mappings.wanted` says what the values mean."""

from __future__ import annotations

from typing import Final

from mappings.base import TargetOptions
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.charges import REFUND_PRODUCTS, SERVICE_PRODUCTS, service_code
from mappings.wanted import (
    COMPANY,
    address_refs,
    carrier_ref,
    charge_refs,
    currency_ref,
    party_ref,
    payment_term_ref,
    rounding_ref,
    warehouse_ref,
)

#: Products that a channel need not name.
_NAMED_PRODUCTS: Final = ("free_text_product", *REFUND_PRODUCTS)


def references(order: Order, options: TargetOptions) -> frozenset[Ref]:
    """Every ref of the order; those marked `optional` may stay unresolved."""
    return frozenset(
        {
            COMPANY,
            currency_ref(order),
            party_ref(order, options),
            rounding_ref(options),
            *(ref for ref in (payment_term_ref(order, options), carrier_ref(order, options)) if ref and ref.value),
            *named_warehouse(options),
            *address_refs(order),
            *charge_refs(order, options),
        }
    )


def standing(options: TargetOptions) -> frozenset[Ref]:
    """What the channel's policy names, before there is any order."""
    named = {kind: str(options.settings.get(kind, "")) for kind in ("payment_term", "carrier")}
    products = {service_code(setting, options) for setting in SERVICE_PRODUCTS}
    products |= {str(options.settings[setting]) for setting in _NAMED_PRODUCTS if options.settings.get(setting)}
    return frozenset(
        {
            COMPANY,
            *named_warehouse(options),
            *(Ref(kind, value) for kind, value in named.items() if value),
            *(Ref("product", code) for code in products),
        }
    )


def named_warehouse(options: TargetOptions) -> frozenset[Ref]:
    """The warehouse that is to send the goods; none leaves it to Odoo."""
    ref = warehouse_ref(options)
    return frozenset({ref} if ref.value else ())
