"""A refund as Tryton keeps it: a return sale with negative lines, which makes the credit note and takes goods back.

Its total is what the shop gave back, to the cent: what Tryton will make of the lines is predicted, as for a sale, and
a named rounding line carries the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.facets import OrderRefund
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.charges import Charge, shared_out
from mappings.pricing import priced
from mappings.refunding import refund_charges, refund_problems, refund_refs
from mappings.tryton import wire
from mappings.tryton.arithmetic import predict
from mappings.tryton.lines import PRICE_DIGITS, Line, line_payloads, rounding_limit, rounding_payload, rounding_unit
from mappings.tryton.references import WEB_SHOP
from mappings.tryton.sale import sale_key
from mappings.wanted import COMPANY, product_ref, rounding_ref, tax_ref


def refund_key(order_id: str, refund_id: str, options: TargetOptions) -> str:
    """`web_id` of the return sale: the sale's own, and the refund's id."""
    return f"{sale_key(order_id, options)}:refund:{refund_id}"


def refund_references(order: Order, refund: OrderRefund, options: TargetOptions) -> frozenset[Ref]:
    """Products and taxes of what is given back; everything else stands in the sale that is refunded."""
    return refund_refs(order, refund, options) | {WEB_SHOP}


def refund_payload(
    order: Order, refund: OrderRefund, survey: JsonDict, resolved: Resolved, options: TargetOptions
) -> JsonDict:
    """The return sale as a draft, with its key. Raises Problems with everything that is in the way."""
    parts = list(refund_charges(order, refund, options))
    if problems := list(refund_problems(parts, order, resolved)):
        raise Problems(problems)
    comes_back = refund.restock and any(part.quantity < 0 for part in parts)
    payload: JsonDict = {
        "company": survey["company"],
        "web_shop": resolved[WEB_SHOP]["id"],
        "web_id": refund_key(order.external_id, refund.external_id, options),
        "origin": f"sale.sale,{survey['id']}",
        "reference": order.number,
        "sale_date": wire.date(refund.refunded_at.date()),
        "party": survey["party"],
        "invoice_address": (survey["invoice_address"] or {}).get("id"),
        "shipment_address": (survey["shipment_address"] or {}).get("id"),
        "currency": survey["currency"]["id"],
        "warehouse": survey["warehouse"],
        "payment_term": survey["payment_term"],
        "invoice_method": "order",
        # `manual`: goods are credited, and no return shipment waits for what the customer keeps.
        "shipment_method": "order" if comes_back else "manual",
        "comment": "\n".join(_comment(order, refund)),
        "lines": wire.create(_lines(parts, order, refund, resolved, options)),
    }
    if "shipment_cost_method" in resolved[COMPANY].get("sale_fields", ()):
        payload |= {"carrier": None, "shipment_cost_method": None}
    return payload


def _lines(
    parts: Sequence[Charge], order: Order, refund: OrderRefund, resolved: Resolved, options: TargetOptions
) -> list[JsonDict]:
    unit = rounding_unit(order, resolved)
    lines: list[Line] = []
    for part in (share for each in parts for share in shared_out(each, unit)):
        taxes = tuple(resolved[ref] for tax in part.tax_lines if (ref := tax_ref(tax, order)) in resolved)
        lines.extend(
            Line(part, resolved[product_ref(part)], amounts) for amounts in priced(part, taxes, unit, PRICE_DIGITS)
        )
    expected = -options.rounded(refund.amount)
    made = predict([line.amounts for line in lines], unit, resolved[COMPANY]["tax_rounding"]).total
    payloads = line_payloads(lines, with_base_price=False)
    if difference := expected - made:
        if abs(difference) > rounding_limit(lines, unit, options):
            reason = say(
                "the ERP would credit %(made)s, the shop gave back %(amount)s", made=-made, amount=refund.amount
            )
            step = say("compare the refund's lines and taxes in the shop and in the ERP")
            raise Problems([Problem("totals_mismatch", "refund.amount", reason, "", step)])
        if rounding_ref(options) not in resolved:
            raise Unmapped("sku", rounding_ref(options).value, path="refund.amount")
        payloads.append(rounding_payload(resolved[rounding_ref(options)], difference))
    return payloads


def _comment(order: Order, refund: OrderRefund) -> Iterator[str]:
    yield f"Refund {refund.external_id} of order {order.number}"
    if refund.reason:
        yield f"Reason: {refund.reason}"
