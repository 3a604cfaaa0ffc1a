"""A refund as Odoo keeps it: a credit note with positive lines, and what of the goods comes back.

Its total is what the shop gave back, to the cent: what Odoo will make of the lines is predicted, as for a sale, and a
named rounding line carries the rest.
"""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.facets import OrderRefund
from mappings.canonical.records import Order
from mappings.canonical.words import say
from mappings.charges import Charge, shared_out
from mappings.odoo.arithmetic import predict
from mappings.odoo.lines import Line, rounding_unit
from mappings.odoo.sale import sale_key
from mappings.pricing import priced
from mappings.refunding import refund_charges, refund_problems
from mappings.wanted import COMPANY, product_ref, rounding_ref, tax_ref


def refund_key(order_id: str, refund_id: str, options: TargetOptions) -> str:
    """Second half of the credit note's external id: the sale's own, and the refund's id."""
    return f"{sale_key(order_id, options)}:refund:{refund_id}"


def refund_payload(
    order: Order, refund: OrderRefund, survey: JsonDict, resolved: Resolved, options: TargetOptions
) -> JsonDict:
    """The credit note as a draft, with its key. Raises Problems with everything that is in the way.

    `back`: id of a product -> pieces that come back, or are not to leave; the rest of the sale's goods stay.
    """
    parts = list(refund_charges(order, refund, options))
    problems = list(refund_problems(parts, order, resolved))
    if survey["currency_id"]["name"] != order.currency:
        reason = say(
            "the sale is in %(currency)s in the ERP, the refund in %(refund)s",
            currency=survey["currency_id"]["name"],
            refund=order.currency,
        )
        problems.append(Problem("unmapped", "currency", reason, f"currency:{order.currency}"))
    if problems:
        raise Problems(problems)
    return {
        "key": refund_key(order.external_id, refund.external_id, options),
        "sale": survey["id"],
        "date": refund.refunded_at.date().isoformat(),
        "note": _note(order, refund),
        "back": _back(parts, refund, resolved),
        "lines": _lines(parts, order, refund, resolved, options),
    }


def _back(parts: Sequence[Charge], refund: OrderRefund, resolved: Resolved) -> dict[str, str]:
    if not refund.restock:
        return {}
    pieces: dict[str, Decimal] = {}
    for part in parts:
        product = resolved[product_ref(part)]
        if part.quantity < 0 and product.get("type") != "service":
            number = str(product["id"])
            pieces[number] = pieces.get(number, Decimal(0)) - part.quantity
    return {number: f"{quantity:f}" for number, quantity in pieces.items()}


def _lines(
    parts: Sequence[Charge], order: Order, refund: OrderRefund, resolved: Resolved, options: TargetOptions
) -> list[JsonDict]:
    unit, digits = rounding_unit(order, resolved), int(resolved[COMPANY]["price_digits"])
    lines: list[Line] = []
    for part in (share for each in parts for share in shared_out(_given(each), unit)):
        taxes = tuple(resolved[ref] for tax in part.tax_lines if (ref := tax_ref(tax, order)) in resolved)
        prices = priced(part, taxes, unit, digits, ROUND_HALF_UP)
        lines.extend(Line(part, resolved[product_ref(part)], amounts) for amounts in prices)
    made = sum(predict([line.amounts for line in lines], unit, resolved[COMPANY]["tax_rounding"]))
    payloads = [_line(line) for line in lines]
    if difference := options.rounded(refund.amount) - made:
        taxed = sum(1 for line in lines if line.amounts.taxes)
        if abs(difference) > unit * max(Decimal(options.totals_threshold), Decimal(taxed) / 2):
            reason = say(
                "the ERP would credit %(made)s, the shop gave back %(amount)s", made=made, amount=refund.amount
            )
            step = say("compare the refund's lines and taxes in the shop and in the ERP")
            raise Problems([Problem("totals_mismatch", "refund.amount", reason, "", step)])
        if rounding_ref(options) not in resolved:
            raise Unmapped("sku", rounding_ref(options).value, path="refund.amount")
        payloads.append(_rounding(resolved[rounding_ref(options)], difference))
    return payloads


def _given(charge: Charge) -> Charge:
    """The same with the signs of a credit note, where everything that is given back is positive."""
    return dataclasses.replace(
        charge,
        quantity=abs(charge.quantity),
        total=-charge.total,
        subtotal=-charge.subtotal,
        tax=-charge.tax,
        tax_lines=tuple(dataclasses.replace(tax, amount=-tax.amount) for tax in charge.tax_lines),
    )


def _line(line: Line) -> JsonDict:
    return {
        "product_id": line.product["id"],
        "name": line.charge.title or line.charge.code,
        "quantity": f"{line.amounts.quantity:f}",
        "price_unit": f"{line.amounts.price:f}",
        "tax_ids": [tax["id"] for tax in line.amounts.taxes],
    }


def _rounding(product: JsonDict, difference: Decimal) -> JsonDict:
    """The named rounding line; it carries no tax."""
    return {
        "product_id": product["id"],
        "name": "Rounding",
        "quantity": "1",
        "price_unit": f"{difference:f}",
        "tax_ids": [],
    }


def _note(order: Order, refund: OrderRefund) -> str:
    """What people read below the lines, as the HTML that Odoo keeps there."""
    told = [f"Refund {refund.external_id} of order {order.number}"]
    told += [f"Reason: {refund.reason}"] if refund.reason else []
    return f"<p>{'<br>'.join(html.escape(line, quote=False) for line in told)}</p>"
