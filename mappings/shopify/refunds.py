"""One refund of an order: what was given back of which line, and whether the goods come back.

The money is that of its transactions; its lines say what it was for. What the shop kept or gave beyond its lines stands
in `orderAdjustments` (REFUND_DISCREPANCY): it is goodwill, below zero where it was kept. A refund may have lines and no
money (pieces that were paid for and taken out: the money follows, without lines), or money and no lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict, SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.facets import OrderRefund, RefundLine
from mappings.canonical.money import Money
from mappings.canonical.records import Order, OrderLine, TaxLine
from mappings.canonical.totals import last_decimal, prove_refund
from mappings.canonical.validation import load_strictly
from mappings.canonical.words import say
from mappings.shopify import schema
from mappings.shopify.meaning import RESTOCKS
from mappings.shopify.parts import Side
from mappings.shopify.removed import given_back
from mappings.shopify.shapes import GRAPHQL, REST

_Data = Mapping[str, Any]
#: The older way to say that shipping was given back.
_SHIPPING_REFUND: Final = "shipping_refund"


def refund_from_shopify(payload: JsonDict, order: Order, options: SourceOptions) -> OrderRefund | None:
    """The canonical refund; None for one without money whose pieces are no part of the order any more.

    Raises Problems with everything that is wrong, lines that give back more than the money and nothing says why.
    """
    style = GRAPHQL if "refundLineItems" in payload else REST
    data, problems = load_strictly(schema.REFUND[style], payload)
    if not problems and data["created_at"] is None and data["processed_at"] is None:
        problems = [Problem(cause="mapping", path="processedAt", reason=say("is missing"))]
    if problems:
        raise Problems(problems)
    side = Side(lambda bag: bag.presentment, order.currency, _as_order(order))
    amount, external_id = given_back(data, side), data["gid"] or data["id"]
    if not amount and external_id not in {known.external_id for known in order.refunds}:
        return None
    lines = tuple(_lines(data, order, side))
    goodwill = amount - side.sum(line.total + line.tax for line in lines)
    if lines and amount:
        unit = last_decimal(amount.amount, order.currency)
        tolerance = options.totals_threshold * unit + _kept(data, side)
        prove_refund(
            lines, amount, goodwill, tolerance, path="totalRefundedSet" if style == GRAPHQL else "transactions"
        )
    return OrderRefund(
        external_id=external_id,
        amount=amount,
        lines=lines,
        goodwill=goodwill,
        reason=data["note"],
        refunded_at=data["processed_at"] or data["created_at"],
        restock=any(line["restock_type"] in RESTOCKS for line in data["refund_line_items"]),
    )


def _as_order(order: Order) -> dict[str, Any]:
    """What reading amounts without a bag needs to know of the order."""
    return {"currency": order.currency, "presentment_currency": order.currency, "taxes_included": order.tax_included}


def _kept(data: _Data, side: Side) -> Decimal:
    """How much of its lines the shop says that it kept."""
    told = (adjustment for adjustment in data["order_adjustments"] if adjustment["kind"] != _SHIPPING_REFUND)
    return sum(
        (abs(side.amount(each, "amount").amount) + abs(side.amount(each, "tax_amount").amount) for each in told),
        Decimal(0),
    )


def _lines(data: _Data, order: Order, side: Side) -> Iterator[RefundLine]:
    known = {line.external_id: line for line in order.lines}
    mixed = {line["restock_type"] in RESTOCKS for line in data["refund_line_items"]} == {True, False}
    for raw in data["refund_line_items"]:
        of_order, tax = known.get(raw["line_item_id"]), side.amount(raw, "total_tax")
        subtotal = side.amount(raw, "subtotal")
        stays = mixed and raw["restock_type"] not in RESTOCKS
        yield RefundLine(
            origin=raw["line_item_id"],
            kind="line",
            sku=of_order.sku if of_order else "",
            title=of_order.name if of_order else "",
            quantity=Decimal(0) if stays else raw["quantity"],
            total=subtotal - tax if order.tax_included else subtotal,
            tax=tax,
            tax_lines=tuple(_taxes(of_order, tax)),
        )
    yield from _shipping(data, order, side)
    for duty in data["duties"] or ():
        yield _charge("fee", "duty", side.of(duty["amount_set"]), side.zero())


def _shipping(data: _Data, order: Order, side: Side) -> Iterator[RefundLine]:
    origin = order.shipping_lines[0].external_id if order.shipping_lines else ""
    told = [
        (raw["shipping_line_id"] or origin, side.amount(raw, "subtotal_amount"), side.amount(raw, "tax_amount"))
        for raw in data["refund_shipping_lines"]
    ] or [
        (origin, -side.amount(raw, "amount"), -side.amount(raw, "tax_amount"))
        for raw in data["order_adjustments"]
        if raw["kind"] == _SHIPPING_REFUND
    ]
    for line, amount, tax in told:
        if amount or tax:
            yield _charge("shipping", line, amount - tax if order.tax_included else amount, tax)


def _charge(kind: str, origin: str, total: Money, tax: Money) -> RefundLine:
    return RefundLine(origin=origin, kind=kind, sku="", title=kind, quantity=Decimal(0), total=total, tax=tax)


def _taxes(line: OrderLine | None, tax: Money) -> Iterator[TaxLine]:
    """The refund says only the sum; each rate gets its share, the last one what is left."""
    if line is None or not line.tax:
        return
    left = tax
    for place, each in enumerate(line.tax_lines, 1):
        share = Money(tax.amount * each.amount.amount / line.tax.amount, tax.currency).quantized(tax.digits)
        share = left if place == len(line.tax_lines) else share
        left -= share
        yield TaxLine(code=each.code, title=each.title, rate=each.rate, amount=share, compound=each.compound)
