"""One refund of an order: what was given back of which line.

Vendure says of a refund how many pieces of which line it is about, and one total; what of it was for which line it does
not say. A piece is worth what the line says (`proratedUnitPriceWithTax`, by which the shop itself reckons); what is
above the pieces and the shipping is goodwill. Where it is less (a fee was kept, or the total was typed in), the pieces
share what there is. A refund of more than one payment can give is continued on the next one, and both name all pieces:
they are counted once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.money import Money, money_sum
from mappings.canonical.records import Order, OrderLine, ShippingLine, TaxLine
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.vendure import schema
from mappings.vendure.marks import reference
from mappings.vendure.meaning import SETTLED

_Data = Mapping[str, Any]
_FAILED: Final = "Failed"


def refund_from_vendure(payload: JsonDict, order: Order, options: SourceOptions) -> OrderRefund | None:
    """The canonical refund; None for one whose money has not gone back, or never will. Raises Problems.

    One of ours counts from its beginning: we have decided it, and must know it again.
    """
    data, problems = load_strictly(schema.REFUND, payload)
    if not problems:
        problems = _strange_lines(data, order)
    if problems:
        raise Problems(problems)
    if data["state"] != SETTLED and not refund_mark(payload):
        return None
    digits = order.totals.grand.digits
    amount = Money(data["total"].scaleb(-digits), order.currency)
    lines = () if data["continues"] else tuple(_lines(data, order, amount, digits))
    goodwill = amount - money_sum((line.total + line.tax for line in lines), order.currency)
    return OrderRefund(
        external_id=data["id"],
        amount=amount,
        lines=lines,
        goodwill=goodwill,
        reason=data["reason"],
        refunded_at=data["updated_at"] or data["created_at"],
        restock=options.refunds_restock and any(line.quantity for line in lines),
    )


def refund_mark(payload: JsonDict) -> str:
    """Our key of a refund of the shop; empty for one that somebody else made, and for one that came to nothing."""
    return "" if payload.get("state") == _FAILED else reference(str(payload.get("reason") or ""))


def _strange_lines(data: _Data, order: Order) -> list[Problem]:
    known = {line.external_id for line in order.lines}
    return [
        Problem(
            cause="mapping",
            path=f"lines[{place}].orderLineId",
            reason=say("found %(line)s, expected one of the order's lines", line=repr(line["order_line_id"])),
        )
        for place, line in enumerate(data["lines"])
        if line["order_line_id"] not in known
    ]


def _lines(data: _Data, order: Order, amount: Money, digits: int) -> list[RefundLine]:
    """What the pieces and the shipping are worth, or their share of the refund where it is less."""
    known = {line.external_id: line for line in order.lines}
    parts: list[tuple[OrderLine | ShippingLine, Decimal, Money]] = []
    for piece in data["lines"]:
        line = known[piece["order_line_id"]]
        if piece["quantity"]:
            parts.append((line, piece["quantity"], _worth(line, piece["quantity"], digits)))
    goods = money_sum((worth for _, _, worth in parts), order.currency)
    shipping = Money(data["shipping"].scaleb(-digits), order.currency)
    if shipping and order.shipping_lines and (goods + shipping).amount <= amount.amount:
        parts.append((order.shipping_lines[0], Decimal(0), shipping))
    elif goods.amount > amount.amount:
        parts = _shared(parts, goods, amount, digits)
    return [_line(part, quantity, gross, digits) for part, quantity, gross in parts]


def _worth(line: OrderLine, quantity: Decimal, digits: int) -> Money:
    """So many pieces at the price of one, which the shop rounds first; all of them are worth what the line is."""
    gross = line.total + line.tax
    if quantity >= line.quantity:
        return gross
    one = Money(gross.amount / line.quantity, gross.currency).quantized(digits)
    return Money(one.amount * quantity, gross.currency)


def _shared(
    parts: Sequence[tuple[OrderLine | ShippingLine, Decimal, Money]], goods: Money, amount: Money, digits: int
) -> list[tuple[OrderLine | ShippingLine, Decimal, Money]]:
    found, left = [], amount
    for line, quantity, worth in parts[:-1]:
        share = Money(amount.amount * worth.amount / goods.amount, amount.currency).quantized(digits)
        left -= share
        found.append((line, quantity, share))
    line, quantity, _ = parts[-1]
    return [*found, (line, quantity, left)]


def _line(part: OrderLine | ShippingLine, quantity: Decimal, gross: Money, digits: int) -> RefundLine:
    """Net and tax in the proportion in which the order's line has them."""
    whole = part.total + part.tax
    share = gross.amount * part.tax.amount / whole.amount if whole else Decimal(0)
    tax = Money(share, gross.currency).quantized(digits)
    is_line = isinstance(part, OrderLine)
    return RefundLine(
        origin=part.external_id,
        kind="line" if is_line else "shipping",
        sku=part.sku if isinstance(part, OrderLine) else "",
        title=part.name if isinstance(part, OrderLine) else part.title,
        quantity=quantity,
        total=gross - tax,
        tax=tax,
        tax_lines=tuple(_taxes(part, tax, digits)),
    )


def _taxes(part: OrderLine | ShippingLine, tax: Money, digits: int) -> list[TaxLine]:
    found, left = [], tax
    for line in part.tax_lines[:-1]:
        share = Money(tax.amount * line.amount.amount / part.tax.amount, tax.currency).quantized(digits)
        left -= share
        found.append(dataclasses.replace(line, amount=share))
    return [*found, *(dataclasses.replace(line, amount=left) for line in part.tax_lines[-1:])]
