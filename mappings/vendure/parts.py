"""The parts of a Vendure order that carry money: lines, shipping, surcharges, taxes, payments, refunds.

Vendure counts in whole units of the last decimal and rounds a price without tax by itself, so that a price with tax is
never the product of the one without. A line's worth is `proratedLinePrice`, with the discounts of the whole order.

Pieces that are cancelled after the order was placed leave its quantities and its total; `orderPlacedQuantity` and the
payments stay. What was cancelled *and* given back is a refund and stays in the order as it was sold, or it would be
taken away twice; what was cancelled alone is no part of the order any more. A cancelled order stays what it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from mappings.canonical.money import Money, unit_price
from mappings.canonical.records import Discount, Fee, OrderLine, Payment, Refund, ShippingLine, TaxLine
from mappings.vendure.meaning import CANCELLED, SETTLED

_Data = Mapping[str, Any]
_ONE: Final = Decimal(1)
_ZERO: Final = Decimal(0)
_HUNDRED: Final = Decimal(100)
#: What `cancelOrder` writes where it takes the shipping out too.
_CANCELLED_SHIPPING: Final = "CANCEL_ORDER"


class Coins:
    """The shop's whole numbers as amounts of money."""

    def __init__(self, data: _Data) -> None:
        self.currency: str = data["currency_code"]
        self.digits = int(data["money_strategy_precision"])

    def of(self, units: Decimal) -> Money:
        """An amount; a fraction of the smallest unit is rounded as the shop does."""
        return Money(whole(units).scaleb(-self.digits), self.currency)


def whole(units: Decimal) -> Decimal:
    """In whole units."""
    return units.quantize(_ONE, rounding=ROUND_HALF_UP)


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The records that carry money, and what they come to as the order was sold."""

    lines: tuple[OrderLine, ...]
    shipping_lines: tuple[ShippingLine, ...]
    fees: tuple[Fee, ...]
    grand: Money
    tax: Money


@dataclasses.dataclass(slots=True)
class _Sold:
    """One line as it was sold, in units: pieces, before discounts, after them, with tax."""

    raw: _Data
    pieces: Decimal
    subtotal: Decimal
    net: Decimal
    gross: Decimal
    #: Net and gross of the pieces that the shop's totals do not have any more.
    net_back: Decimal
    gross_back: Decimal


def settled_refunds(data: _Data) -> list[_Data]:
    """The refunds whose money has gone back, oldest first."""
    refunds = [refund for payment in data["payments"] for refund in payment["refunds"] if refund["state"] == SETTLED]
    return sorted(refunds, key=lambda refund: (refund["created_at"], len(refund["id"]), refund["id"]))


def _brought_back(data: _Data) -> dict[str, Decimal]:
    """Line -> pieces that the total does not have any more and the order still has."""
    refunded: dict[str, Decimal] = {}
    for refund in settled_refunds(data):
        for line in refund["lines"] if not refund["continues"] else ():
            refunded[line["order_line_id"]] = refunded.get(line["order_line_id"], _ZERO) + line["quantity"]
    found = {}
    for line in data["lines"]:
        gone = max(line["order_placed_quantity"] - line["quantity"], _ZERO)
        found[line["id"]] = gone if data["state"] == CANCELLED else min(gone, refunded.get(line["id"], _ZERO))
    return found


def read_parts(data: _Data) -> Parts:
    """The parts of the loaded order, as it was sold."""
    coins, back = Coins(data), _brought_back(data)
    sold = [_sold(line, back[line["id"]]) for line in data["lines"]]
    shipping_net, shipping_gross = _shipping(data)
    shipping_tax = shipping_gross - data["shipping_with_tax"] - (shipping_net - data["shipping"])
    tax = sum((each["tax_total"] for each in data["tax_summary"]), shipping_tax)
    tax += sum((each.gross_back - each.net_back for each in sold), _ZERO)
    grand = data["total_with_tax"] + sum((each.gross_back for each in sold), shipping_gross - data["shipping_with_tax"])
    off = _as_paid(data, sold, grand)
    grand, tax = grand + off, tax + off
    kept = [each for each in sold if each.pieces > 0]
    rates = [*data["tax_summary"], *(tax for line in data["lines"] for tax in line["tax_lines"])]
    lines = tuple(_line(each, coins, data["coupon_codes"]) for each in kept)
    shipping = tuple(_shipping_lines(data, coins, shipping_net, shipping_gross, rates))
    fees = tuple(_fee(place, each, coins) for place, each in enumerate(data["surcharges"], 1))
    return Parts(lines, shipping, fees, coins.of(grand), coins.of(tax))


def _sold(line: _Data, back: Decimal) -> _Sold:
    gross_back = line["prorated_unit_price_with_tax"] * back
    net_back = whole(gross_back / (1 + sum((tax["tax_rate"] for tax in line["tax_lines"]), _ZERO) / _HUNDRED))
    saved_back = (line["unit_price"] - line["prorated_unit_price"]) * back
    return _Sold(
        raw=line,
        pieces=line["quantity"] + back,
        subtotal=line["line_price"] + net_back + saved_back,
        net=line["prorated_line_price"] + net_back,
        gross=line["prorated_line_price_with_tax"] + gross_back,
        net_back=net_back,
        gross_back=gross_back,
    )


def _as_paid(data: _Data, sold: Sequence[_Sold], grand: Decimal) -> Decimal:
    """By how much the pieces' rounded prices are off: what was paid says. The largest line carries it."""
    back = [each for each in sold if each.gross_back]
    paid = sum((each["amount"] for each in data["payments"] if each["state"] == SETTLED), _ZERO)
    pieces = sum((each.pieces for each in back), _ZERO)
    off = paid - grand
    if not back or not paid or abs(off) > pieces:
        return _ZERO
    largest = max(back, key=lambda each: each.gross)
    largest.gross += off
    return off


def _line(sold: _Sold, coins: Coins, coupons: Sequence[str]) -> OrderLine:
    raw = sold.raw
    subtotal, total, gross = coins.of(sold.subtotal), coins.of(sold.net), coins.of(sold.gross)
    saved = subtotal - total
    coupon = coupons[0] if len(coupons) == 1 else ""
    told = next((each["description"] for each in raw["discounts"]), "")
    return OrderLine(
        external_id=raw["id"],
        sku=raw["product_variant"]["sku"],
        name=raw["product_variant"]["name"],
        quantity=sold.pieces,
        unit_price=unit_price(subtotal, sold.pieces),
        subtotal=subtotal,
        total=total,
        tax=gross - total,
        tax_lines=tuple(_taxes(raw["tax_lines"], gross - total)),
        discounts=(Discount(code=coupon or told, amount=saved),) if saved.amount > 0 else (),
        variant_id=raw["product_variant"]["id"],
    )


def _taxes(rates: Sequence[_Data], tax: Money) -> Iterator[TaxLine]:
    """The line's tax, shared out by the rates where there are several; the last one has the rest."""
    if not rates:
        return
    whole_rate = sum((rate["tax_rate"] for rate in rates), _ZERO)
    left = tax
    for rate in rates[:-1]:
        share = tax.amount * rate["tax_rate"] / whole_rate if whole_rate else _ZERO
        part = Money(share, tax.currency).quantized(tax.digits)
        left -= part
        yield _tax_line(rate, part)
    yield _tax_line(rates[-1], left)


def _tax_line(rate: _Data, amount: Money) -> TaxLine:
    """Vendure has no ids of rates in an order: what it is called and its percentage together name one."""
    code = f"{rate['description']} {rate['tax_rate']:f}%".strip()
    return TaxLine(code=code, title=rate["description"], rate=rate["tax_rate"], amount=amount)


def _shipping(data: _Data) -> tuple[Decimal, Decimal]:
    """Shipping of the whole order, net and gross; what a cancellation took out of it is brought back."""
    net, gross = data["shipping"], data["shipping_with_tax"]
    for discount in data["discounts"] if data["state"] == CANCELLED else ():
        if discount["adjustment_source"] == _CANCELLED_SHIPPING:
            net, gross = net - discount["amount"], gross - discount["amount_with_tax"]
    return net, gross


def _shipping_lines(
    data: _Data, coins: Coins, net: Decimal, gross: Decimal, rates: Iterable[_Data]
) -> Iterator[ShippingLine]:
    """The order says what shipping comes to; of several lines each says its own, and the last has the rest."""
    raws = data["shipping_lines"]
    known = list(rates)
    for place, raw in enumerate(raws, 1):
        is_last = place == len(raws)
        line_gross = gross if is_last else whole(raw["discounted_price_with_tax"])
        told = raw["discounted_price"]
        line_net = net if is_last else whole(told if told is not None else net * line_gross / gross if gross else _ZERO)
        net, gross = net - line_net, gross - line_gross
        tax = coins.of(line_gross - line_net)
        rate = _rate(line_net, line_gross, known)
        method = raw["shipping_method"] or {"code": "", "name": ""}
        yield ShippingLine(
            external_id=raw["id"] or f"shipping:{place}",
            code=method["code"],
            title=method["name"] or method["code"],
            total=coins.of(line_net),
            tax=tax,
            tax_lines=(_tax_line(rate, tax),) if rate is not None else (),
        )


def _rate(net: Decimal, gross: Decimal, known: Iterable[_Data]) -> _Data | None:
    """The rate that makes the one of the other, of those that the order has; the shop does not name it at the line."""
    if net == gross:
        return None
    fitting = [rate for rate in known if abs(net * (1 + rate["tax_rate"] / _HUNDRED) - gross) <= _ONE]
    return next((rate for rate in fitting if "shipping" in rate["description"].lower()), next(iter(fitting), None))


def _fee(place: int, raw: _Data, coins: Coins) -> Fee:
    total = coins.of(raw["price"])
    tax = coins.of(raw["price_with_tax"]) - total
    return Fee(
        external_id=raw["id"] or f"surcharge:{place}",
        title=raw["description"],
        total=total,
        tax=tax,
        tax_lines=tuple(_taxes(raw["tax_lines"], tax)),
    )


def read_payments(data: _Data) -> tuple[Payment, ...]:
    """What came in: each settled payment."""
    coins = Coins(data)
    return tuple(
        Payment(
            gateway=raw["method"],
            title=raw["method"],
            amount=coins.of(raw["amount"]),
            reference=raw["transaction_id"] or raw["id"],
            paid_at=raw["created_at"] or data["order_placed_at"],
        )
        for raw in data["payments"]
        if raw["state"] == SETTLED
    )


def read_refunds(data: _Data) -> tuple[Refund, ...]:
    """The order's own summary of its refunds, oldest first."""
    coins = Coins(data)
    return tuple(
        Refund(external_id=raw["id"], amount=coins.of(raw["total"]), reason=raw["reason"])
        for raw in settled_refunds(data)
    )


def read_tax_totals(parts: Parts) -> tuple[TaxLine, ...]:
    """Each rate once, with what it comes to on the order as it was sold."""
    found: dict[str, TaxLine] = {}
    charged: tuple[OrderLine | ShippingLine | Fee, ...] = (*parts.lines, *parts.shipping_lines, *parts.fees)
    for each in charged:
        for tax in each.tax_lines:
            known = found.get(tax.code)
            found[tax.code] = tax if known is None else dataclasses.replace(known, amount=known.amount + tax.amount)
    return tuple(found.values())
