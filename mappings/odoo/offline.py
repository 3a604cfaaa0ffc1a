"""Stand-ins for what an Odoo would answer, so that a payload can be shown without asking one.

They know everything that the order asks for. Ids say what they stand for: `<product:SKU-1>`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.currencies import minor_unit
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.odoo import addresses
from mappings.odoo.references import references
from mappings.pricing import offline_rate
from mappings.wanted import party_code, party_ref


def offline(order: Order, options: TargetOptions) -> Resolved:
    """A value for every ref of the order."""
    known = {ref: _value(ref, order, options) for ref in references(order, options)}
    known[party_ref(order, options)] |= _party(order, options, known, name=buyers.party_name(order))
    return known


def made_party(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """The customer with both addresses; what the ERP has of it already keeps its ids."""
    ref = party_ref(order, options)
    known = buyers.known_party(order, resolved, options) or {}
    made = _party(order, options, resolved, name=known.get("name") or buyers.party_name(order))
    there = list(known.get("addresses", ()))
    return {"id": f"<party:{ref.value}>", **made, **known, "addresses": there + made["addresses"]}


def _value(ref: Ref, order: Order, options: TargetOptions) -> JsonDict:
    value: JsonDict = {"id": f"<{ref.kind}:{ref.value}>" if ref.value else f"<{ref.kind}>"}
    details: dict[str, Any] = {
        "company": {
            "currency": order.currency,
            "tax_rounding": "round_globally",
            "price_digits": 2,
            "sale_fields": ["carrier_id"],
            "line_fields": ["is_delivery"],
        },
        "currency": {
            "rounding": Decimal(1).scaleb(-minor_unit(ref.value, options.minor_units)),
            "pricelist": f"<pricelist:{ref.value}>",
        },
        "product": {"unit": "<unit>", "unit_digits": 4, "list_price": None, "salable": True, "taxes": []},
        "tax": {"type": "percent", "rate": offline_rate(ref, order, options)},
    }
    return {**value, **details.get(ref.kind, {})}


def _party(order: Order, options: TargetOptions, known: Resolved, *, name: str) -> JsonDict:
    uses = {"invoice": buyers.billing(order), "delivery": buyers.shipping(order)}
    return {
        "code": party_code(order, options),
        "name": name,
        "addresses": [
            {"id": f"<{use} address>", **addresses.values(address, known, name)} for use, address in uses.items()
        ],
    }
