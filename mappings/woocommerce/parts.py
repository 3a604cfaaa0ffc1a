"""The parts of a WooCommerce order that carry money: lines, shipping, fees, taxes, payments, refunds.

Every amount of a line, shipping line or fee is net, also in a shop that shows gross prices, and the discount is
already inside `line.total`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from mappings.canonical.errors import Problem
from mappings.canonical.money import Money, money_sum, unit_price
from mappings.canonical.records import Discount, Fee, OrderLine, Payment, Refund, ShippingLine, TaxLine
from mappings.canonical.words import say
from mappings.woocommerce.meaning import GIFT_CARD_KEYS, custom_fields, stock_movements

_Data = Mapping[str, Any]

#: `Payment.gateway` of what was paid by gift card.
GIFT_CARD: Final = "gift_card"


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The records that carry money."""

    lines: tuple[OrderLine, ...]
    shipping_lines: tuple[ShippingLine, ...]
    fees: tuple[Fee, ...]
    tax_lines: tuple[TaxLine, ...]


def read_parts(data: _Data) -> Parts:
    """The parts of the loaded order."""
    currency: str = data["currency"]
    rates = {rate["rate_id"]: rate for rate in data["tax_lines"]}
    codes = [coupon["code"] for coupon in data["coupon_lines"]]
    coupon = codes[0] if len(codes) == 1 else ""
    included: bool = data["prices_include_tax"]
    return Parts(
        lines=tuple(_line(line, currency, rates, coupon, included=included) for line in data["line_items"]),
        shipping_lines=tuple(_shipping_line(line, currency, rates) for line in data["shipping_lines"]),
        fees=tuple(_fee(fee, currency, rates) for fee in data["fee_lines"]),
        tax_lines=tuple(_tax_total(rate, currency) for rate in data["tax_lines"]),
    )


def _line(line: _Data, currency: str, rates: _Data, coupon: str, *, included: bool) -> OrderLine:
    subtotal, total = Money(line["subtotal"], currency), Money(line["total"], currency)
    saved = subtotal - total
    meta = custom_fields(line["meta_data"])
    return OrderLine(
        external_id=line["id"],
        sku=line["sku"],
        name=line["name"],
        quantity=line["quantity"],
        unit_price=unit_price(subtotal, line["quantity"]),
        subtotal=subtotal,
        total=total,
        tax=Money(line["total_tax"], currency),
        tax_lines=shares(line["taxes"], currency, rates),
        # Which of several coupons took how much off which line is not said.
        discounts=(Discount(code=coupon, amount=saved),) if saved.amount > 0 else (),
        tax_included=included,
        tax_class=line["tax_class"],
        product_id=_known(line["product_id"]),
        variant_id=_known(line["variation_id"]),
        gift_card=not GIFT_CARD_KEYS.isdisjoint(line["meta_data"]),
        bundle_parent=_known(line["bundled_by"] or line["composite_parent"]),
        attributes={**({"meta": meta} if meta else {}), **stock_movements(line["meta_data"])},
    )


def quantity_problems(lines: Iterable[OrderLine]) -> Iterator[Problem]:
    """Lines that cost something for nothing sold."""
    for index, line in enumerate(lines):
        if not line.quantity and (line.total or line.subtotal or line.tax):
            reason = say("found a quantity of 0 for %(total)s, expected what was sold for it", total=line.total)
            yield Problem(cause="mapping", path=f"line_items[{index}].quantity", reason=reason)


def _shipping_line(line: _Data, currency: str, rates: _Data) -> ShippingLine:
    return ShippingLine(
        external_id=line["id"],
        code=line["method_id"],
        title=line["method_title"],
        total=Money(line["total"], currency),
        tax=Money(line["total_tax"], currency),
        tax_lines=shares(line["taxes"], currency, rates),
    )


def _fee(fee: _Data, currency: str, rates: _Data) -> Fee:
    return Fee(
        external_id=fee["id"],
        title=fee["name"],
        total=Money(fee["total"], currency),
        tax=Money(fee["total_tax"], currency),
        tax_lines=shares(fee["taxes"], currency, rates),
    )


def shares(shares: Iterable[_Data], currency: str, rates: _Data) -> tuple[TaxLine, ...]:
    """The taxes of one line, named by the order's own list of rates; a rate that is not in it keeps its id."""
    return tuple(
        _tax_line(share["id"], rates.get(share["id"]), Money(share["total"], currency))
        for share in shares
        if share["total"] is not None
    )


def _tax_total(rate: _Data, currency: str) -> TaxLine:
    amount = Money(rate["tax_total"], currency) + Money(rate["shipping_tax_total"], currency)
    return _tax_line(rate["rate_id"], rate, amount)


def _tax_line(code: str, rate: _Data | None, amount: Money) -> TaxLine:
    if rate is None:
        return TaxLine(code=code, title="", rate=None, amount=amount)
    return TaxLine(code=code, title=rate["label"], rate=rate["rate_percent"], amount=amount, compound=rate["compound"])


def read_refunds(data: _Data) -> tuple[Refund, ...]:
    """The order's own summary of its refunds, newest first; WooCommerce writes them negative."""
    return tuple(
        Refund(
            external_id=refund["id"],
            amount=Money(refund["total"].copy_abs(), data["currency"]),
            reason=refund["reason"],
        )
        for refund in data["refunds"]
    )


def read_payments(data: _Data, grand: Money, *, gift_cards_in_total: bool) -> tuple[Payment, ...]:
    """What was paid by gift card, and once the shop says when it was paid, the rest by the order's gateway, last."""
    currency, paid_at = grand.currency, data["date_paid_gmt"]
    cards = tuple(
        Payment(
            gateway=GIFT_CARD,
            title="Gift card",
            amount=Money(card["amount"], currency),
            reference=card["code"] or card["id"],
            paid_at=paid_at,
        )
        for card in ([] if gift_cards_in_total else data["gift_cards"])
    )
    rest = grand - money_sum((card.amount for card in cards), currency)
    if paid_at is None or rest.amount <= 0:
        return cards
    gateway = Payment(
        gateway=data["payment_method"],
        title=data["payment_method_title"],
        amount=rest,
        reference=data["transaction_id"],
        paid_at=paid_at,
    )
    return (*cards, gateway)


def gift_card_fees(data: _Data) -> tuple[Fee, ...]:
    """Redeemed gift cards as negative charges without tax, for a shop that takes them out of its total."""
    currency = data["currency"]
    return tuple(
        Fee(
            external_id=f"gift_card:{card['id'] or card['code']}",
            title=f"Gift card {card['code']}".strip(),
            total=-Money(card["amount"], currency),
            tax=Money(Decimal(0), currency),
        )
        for card in data["gift_cards"]
    )


def _known(external_id: str) -> str:
    """WooCommerce writes 0 for "none"."""
    return "" if external_id == "0" else external_id
