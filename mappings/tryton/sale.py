"""The payload that creates an order's sale, complete: the server runs no on_change, so nothing is defaulted there."""

from __future__ import annotations

from collections.abc import Iterator

from mappings import buyers
from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.pricing import charge_problems
from mappings.tryton import wire
from mappings.tryton.lines import (
    charge_lines,
    line_payloads,
    rounding_difference,
    rounding_payload,
    rounding_problems,
)
from mappings.tryton.parties import invoice_and_delivery
from mappings.tryton.references import WEB_SHOP
from mappings.wanted import (
    COMPANY,
    carrier_ref,
    currency_ref,
    party_ref,
    payment_term_ref,
    rounding_ref,
    warehouse_ref,
)


def sale_key(external_id: str, options: TargetOptions) -> str:  # noqa: ARG001 -- the signature is TargetMapping's
    """`web_id`, which the server keeps unique within a web shop: the order's external id."""
    return external_id


def sale(order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """The sale as a draft, with its key. Raises Problems with everything that is in the way."""
    problems = [*_header_problems(order, resolved, options), *charge_problems(order, resolved, options)]
    if problems:
        raise Problems(problems)
    invoice_address, shipment_address = invoice_and_delivery(order, resolved, options)
    if invoice_address is None or shipment_address is None:
        reason = say("the party in the ERP lacks the order's invoice or delivery address")
        raise Problems(
            [Problem("address_missing", "billing", reason, next_step=say("retry: the address is added first"))]
        )
    payload: JsonDict = {
        "company": resolved[COMPANY]["id"],
        "web_shop": resolved[WEB_SHOP]["id"],
        "web_id": sale_key(order.external_id, options),
        "reference": order.number,
        "sale_date": wire.date(order.placed_on),
        "party": resolved[party_ref(order, options)]["id"],
        "invoice_address": invoice_address,
        "shipment_address": shipment_address,
        "currency": resolved[currency_ref(order)]["id"],
        "warehouse": resolved[warehouse_ref(options)]["id"],
        "payment_term": _optional_id(payment_term_ref(order, options), resolved),
        "invoice_method": str(options.settings.get("invoice_method", "order")),
        "shipment_method": str(options.settings.get("shipment_method", "order")),
        "comment": "\n".join(_comment(order)) or None,
        "lines": wire.create(_lines(order, resolved, options)),
    }
    if "shipment_cost_method" in resolved[COMPANY].get("sale_fields", ()):
        # Without a method the ERP adds no shipping cost of its own: the shop's amount is a line already.
        payload |= {"carrier": _optional_id(carrier_ref(order, options), resolved), "shipment_cost_method": None}
    return payload


def _header_problems(order: Order, resolved: Resolved, options: TargetOptions) -> Iterator[Problem]:
    yield from buyers.party_problems(order, resolved, options)
    yield from buyers.country_problems(order, resolved)
    needed = (COMPANY, WEB_SHOP, currency_ref(order), warehouse_ref(options), payment_term_ref(order, options))
    carrier = carrier_ref(order, options)
    for ref in (*needed, *([carrier] if carrier else [])):
        if ref not in resolved and not ref.optional:
            yield from Unmapped(ref.kind, ref.value, path=ref.path).problems


def _lines(order: Order, resolved: Resolved, options: TargetOptions) -> list[JsonDict]:
    lines, expected = charge_lines(order, resolved, options), options.rounded(order.totals.grand)
    if problems := list(rounding_problems(order, lines, resolved, options, expected)):
        raise Problems(problems)
    payloads = line_payloads(lines, with_base_price="base_price" in resolved[COMPANY].get("line_fields", ()))
    if difference := rounding_difference(order, lines, resolved, expected):
        payloads.append(rounding_payload(resolved[rounding_ref(options)], difference))
    return payloads


def _comment(order: Order) -> Iterator[str]:
    """What people look for in a sale that has no field of its own."""
    yield f"Order {order.number}"
    if order.po_number:
        yield f"PO number: {order.po_number}"
    if order.coupons:
        yield f"Coupons: {', '.join(order.coupons)}"
    for payment in order.payments:
        if not payment.amount:
            # Of an order that was split, another part is paid with it.
            continue
        reference = f", {payment.reference}" if payment.reference else ""
        yield f"Payment: {payment.title or payment.gateway} {payment.amount}{reference}"
    if order.customer.vat_id:
        yield f"VAT id: {order.customer.vat_id}"
    if order.note:
        yield f"Customer note: {order.note}"


def _optional_id(ref: Ref | None, resolved: Resolved) -> int | None:
    return resolved[ref]["id"] if ref is not None and ref in resolved else None
