"""What a sale needs to know from Tryton before it can be written.

An empty value asks for the default: the company and web shop of the connection, the shop's first warehouse, the
company's payment term. A tax is asked for as `<country>:<rate in percent>` (`AT:20`), which a row of the look-up
table `tax` may turn into the name or id of a tax in Tryton.
"""

from __future__ import annotations

from typing import Final

from mappings.base import TargetOptions
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.charges import REFUND_PRODUCTS, SERVICE_PRODUCTS, service_code
from mappings.wanted import (
    COMPANY,
    account_ref,
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

WEB_SHOP: Final = Ref("web_shop", "")


def references(order: Order, options: TargetOptions) -> frozenset[Ref]:
    """Every ref of the order; those marked `optional` may stay unresolved."""
    return frozenset(
        {
            COMPANY,
            WEB_SHOP,
            currency_ref(order),
            party_ref(order, options),
            warehouse_ref(options),
            payment_term_ref(order, options),
            rounding_ref(options),
            *([carrier] if (carrier := carrier_ref(order, options)) else []),
            *address_refs(order),
            *charge_refs(order, options),
        }
    )


def standing(options: TargetOptions) -> frozenset[Ref]:
    """What the channel's policy names or leaves to Tryton, before there is any order."""
    named = {kind: str(options.settings.get(kind, "")) for kind in ("payment_term", "carrier")}
    products = {service_code(setting, options) for setting in SERVICE_PRODUCTS}
    products |= {str(options.settings[setting]) for setting in _NAMED_PRODUCTS if options.settings.get(setting)}
    return frozenset(
        {
            COMPANY,
            WEB_SHOP,
            warehouse_ref(options),
            *(Ref(kind, value) for kind, value in named.items() if value),
            *(Ref("product", code) for code in products),
            *([account_ref(options)] if options.settings.get("fee_account") else []),
        }
    )
