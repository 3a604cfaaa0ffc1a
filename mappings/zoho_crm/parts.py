"""The parts of a sales order or quote that carry money, as Zoho CRM computes them.

A line comes to `Quantity` x `List_Price`, less its own discount, plus its own taxes. Off the sum of these goes the
discount of the whole order, then come the taxes of the whole order on what is left, and `Adjustment`, which may be
negative. The totals are formulas of the CRM; the vendor's own examples do not add up, so that all is computed anew and
proven against `Grand_Total`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.canonical.currencies import minor_unit
from mappings.canonical.money import WIDE, Money, money_sum, shares
from mappings.canonical.records import Discount, Fee, OrderLine, TaxLine

_Data = Mapping[str, Any]
_HUNDRED: Final = Decimal(100)
_WHOLE: Final = "order discount"


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The records that carry money."""

    lines: tuple[OrderLine, ...]
    fees: tuple[Fee, ...]


def read_parts(data: _Data, currency: str, codes: _Data) -> Parts:
    """The parts of the loaded record; `codes` are those of products whose line does not say it."""
    lines = [_line(raw, currency, codes) for raw in data["lines"]]
    fees: list[Fee] = []
    taxed = any(line.tax for line in lines)
    off = _reduction(data["discount"], _gross(lines, currency))
    if off and taxed:
        # The taxes of the lines stay as they are: it is taken off what they come to with them.
        fees.append(_charge("discount", "Discount", -off))
    elif off:
        lines = _spread(lines, off, _reduced)
    left = _gross(lines, currency) - (off if taxed else Money(Decimal(0), currency))
    for tax in _taxes(data["taxes"], left, data["tax"], currency):
        lines = _spread(lines, tax.amount, lambda line, share, tax=tax: _taxed(line, share, tax))  # type: ignore[misc]
    if data["adjustment"]:
        fees.append(_charge("adjustment", "Adjustment", plain_money(data["adjustment"], currency)))
    return Parts(tuple(lines), tuple(fees))


def deal_line(data: _Data, currency: str) -> OrderLine:
    """The one line of a deal that has none: its amount, of the article that the connection's options name."""
    amount = plain_money(data["grand"], currency)
    return OrderLine(
        external_id=data["id"],
        sku=data["around"]["article"],
        name=data["number"],
        quantity=Decimal(1),
        unit_price=amount,
        subtotal=amount,
        total=amount,
        tax=Money(Decimal(0), currency),
    )


def _line(raw: _Data, currency: str, codes: _Data) -> OrderLine:
    product = raw["product"]
    price, quantity = Money(raw["price"], currency), raw["quantity"]
    counted = Money(WIDE.multiply(raw["price"], quantity), currency).quantized(_digits(currency))
    charged = counted if raw["total"] is None else plain_money(raw["total"], currency)
    off = _reduction(raw["discount"], charged)
    total = charged - off
    taxes = _taxes(raw["taxes"], total, raw["tax"] or Decimal(0), currency)
    return OrderLine(
        external_id=raw["id"],
        sku=product["code"] or str(codes.get(product["id"]) or ""),
        name=product["name"] or raw["description"],
        quantity=quantity,
        unit_price=price,
        subtotal=charged,
        total=total,
        tax=money_sum((tax.amount for tax in taxes), currency),
        tax_lines=tuple(taxes),
        discounts=(Discount(code="", amount=off),) if off.amount > 0 else (),
        product_id=product["id"],
        attributes={"description": raw["description"]} if raw["description"] else {},
    )


def _taxes(raw: Sequence[_Data] | None, base: Money, stated: Decimal, currency: str) -> list[TaxLine]:
    """Each tax with its amount; of one that has none, its percentage of `base`. One without a name where only a sum is.

    Zoho writes the percentages of all taxes of the organisation, with zero for those that do not apply.
    """
    found = [
        TaxLine(
            code=tax["name"] or tax["display_name"] or tax["id"],
            title=tax["display_name"] or tax["name"],
            rate=tax["percentage"],
            amount=_share(tax, base, currency),
        )
        for tax in raw or ()
        if tax["percentage"] or tax["value"]
    ]
    if found or not stated:
        return found
    rate = _rate(stated, base)
    return [TaxLine(code="Tax", title="Tax", rate=rate, amount=plain_money(stated, currency))]


def _rate(tax: Decimal, base: Money) -> Decimal | None:
    """The percentage, where it is a whole one; else nobody can say."""
    if not base:
        return None
    rate = WIDE.divide(WIDE.multiply(tax, _HUNDRED), base.amount)
    whole = rate.quantize(Decimal(1))
    again = Money(WIDE.divide(WIDE.multiply(base.amount, whole), _HUNDRED), base.currency)
    return whole if again.quantized(_digits(base.currency)) == plain_money(tax, base.currency) else None


def _share(tax: _Data, base: Money, currency: str) -> Money:
    if tax["value"] is not None:
        return plain_money(tax["value"], currency)
    percent = Money(WIDE.divide(WIDE.multiply(base.amount, tax["percentage"]), _HUNDRED), currency)
    return percent.quantized(_digits(currency))


def _reduction(told: tuple[Decimal, bool] | None, base: Money) -> Money:
    if told is None:
        return Money(Decimal(0), base.currency)
    number, percent = told
    if not percent:
        return plain_money(number, base.currency)
    share = Money(WIDE.divide(WIDE.multiply(base.amount, number), _HUNDRED), base.currency)
    return share.quantized(_digits(base.currency))


def _spread(
    lines: Sequence[OrderLine], amount: Money, change: Callable[[OrderLine, Money], OrderLine]
) -> list[OrderLine]:
    """What the whole order bears, on its lines by what each comes to."""
    weights = [(line.total + line.tax).amount for line in lines]
    parts = shares(amount, weights, max(_digits(amount.currency), amount.digits)) if lines else []
    return [change(line, share) if share else line for line, share in zip(lines, parts, strict=True)]


def _reduced(line: OrderLine, share: Money) -> OrderLine:
    off = (*line.discounts, Discount(code=_WHOLE, amount=share))
    return dataclasses.replace(line, total=line.total - share, discounts=off)


def _taxed(line: OrderLine, share: Money, tax: TaxLine) -> OrderLine:
    more = (*line.tax_lines, dataclasses.replace(tax, amount=share))
    return dataclasses.replace(line, tax=line.tax + share, tax_lines=more)


def _gross(lines: Sequence[OrderLine], currency: str) -> Money:
    return money_sum((line.total + line.tax for line in lines), currency)


def _charge(external_id: str, title: str, amount: Money) -> Fee:
    return Fee(external_id=external_id, title=title, total=amount, tax=Money(Decimal(0), amount.currency))


def _digits(currency: str) -> int:
    return minor_unit(currency, {})


def plain_money(amount: Decimal, currency: str) -> Money:
    """In the decimals of the currency: JSON numbers have lost their zeros. More where they say something."""
    plain = Money(amount, currency)
    rounded = plain.quantized(_digits(currency))
    return rounded if rounded == plain else plain
