"""The parts of an order of Fxiaoke that carry money: its lines, the discount of the whole, freight, tax.

An order has no field for tax. Where the connection says at which percent, every amount holds it and is taken apart
here, line by line; else amounts are what they are. The discount of the whole order is in its amount alone: it is
spread over the lines, to the cent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Final

from marshmallow import ValidationError

from mappings.base import JsonDict
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.fields import Amount, CurrencyCode, Number
from mappings.canonical.money import WIDE, Money, money_sum, unit_price
from mappings.canonical.records import Discount, OrderLine, ShippingLine, TaxLine
from mappings.canonical.totals import last_decimal
from mappings.canonical.words import say

_Data = Mapping[str, Any]
_HUNDRED: Final = Decimal(100)
FREIGHT: Final = "freight"


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """The records that carry money."""

    lines: tuple[OrderLine, ...]
    shipping_lines: tuple[ShippingLine, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Money:
    """In which currency the order is written, and how finely."""

    currency: str
    #: One unit of the last decimal of the order's amount.
    unit: Decimal
    #: Decimals of a tax.
    digits: int

    def of(self, amount: Decimal) -> Money:
        return Money(amount, self.currency)


def currency_of(data: _Data, payload: JsonDict) -> str:
    """The order's own currency where it names one, else the tenant's. Raises Problems."""
    settings = data["settings"]
    field = settings["currency_field"]
    value = payload["SalesOrderObj"].get(field) if field else None
    return str(settings["currency"] if value in (None, "") else _read(CurrencyCode(), value, f"SalesOrderObj.{field}"))


def read_parts(data: _Data, payload: JsonDict) -> Parts:
    """The parts of the loaded order, the discount of the whole spread over the lines. Raises Problems."""
    stated = data["order"]["order_amount"]
    currency = currency_of(data, payload)
    unit = last_decimal(stated, currency, as_text=isinstance(payload["SalesOrderObj"]["order_amount"], str))
    exponent = unit.as_tuple().exponent
    written = -exponent if isinstance(exponent, int) else 0
    money = _Money(currency, unit, max(written, minor_unit(currency, {})))
    gross, freight = _charged(data), _freight(data, payload)
    rates = [_rate(data, raw, index) for index, raw in enumerate(payload["SalesOrderProductObj"])]
    off = _shares(gross, _discount(data, sum(gross, Decimal(0)), stated - freight, unit), unit)
    names = {product["id"]: product["name"] for product in data["products"]}
    skus = _skus(data, payload)
    lines = tuple(
        _line(line, names, skus, money, (gross[index], off[index], rates[index]))
        for index, line in enumerate(data["lines"])
    )
    return Parts(lines, _shipping(freight, data["settings"]["tax_rate"], money))


def _charged(data: _Data) -> list[Decimal]:
    """What each line comes to before the discount of the whole. Raises Problems for lines that do not say."""
    problems: list[Problem] = []
    found: list[Decimal] = []
    for index, line in enumerate(data["lines"]):
        path = f"SalesOrderProductObj[{index}]"
        price, quantity, amount = line["sales_price"], line["quantity"], line["subtotal"]
        if amount is None and price is None:
            reason = say("is missing, and so is sales_price: expected one of them")
            problems.append(Problem(cause="mapping", path=f"{path}.subtotal", reason=reason))
            continue
        amount = WIDE.multiply(price, quantity) if amount is None else amount
        if not quantity and amount:
            reason = say("found a quantity of 0 for %(total)s, expected what was sold for it", total=f"{amount:f}")
            problems.append(Problem(cause="mapping", path=f"{path}.quantity", reason=reason))
        found.append(amount)
    if problems:
        raise Problems(problems)
    return found


def _discount(data: _Data, lines: Decimal, goods: Decimal, unit: Decimal) -> Decimal:
    """What the discount of the whole (`discount`, the percent that is left to pay) takes off the lines.

    Only what it explains, as finely as it is written: any other difference is for the proof of the totals.
    """
    percent, off = data["order"]["discount"], lines - goods
    if percent is None or off <= 0 or not 0 <= percent < _HUNDRED:
        return Decimal(0)
    exponent = percent.as_tuple().exponent
    half = Decimal(5).scaleb(min(exponent, 0) - 1 if isinstance(exponent, int) else -1)
    slack = WIDE.divide(WIDE.multiply(lines, max(half, Decimal("0.005"))), _HUNDRED) + unit
    explained = WIDE.divide(WIDE.multiply(lines, _HUNDRED - percent), _HUNDRED)
    return off if abs(explained - off) <= slack else Decimal(0)


def _shares(amounts: Sequence[Decimal], off: Decimal, unit: Decimal) -> list[Decimal]:
    """`off` over the amounts, in whole units and in proportion; what is left goes where most was cut off."""
    whole = sum(amounts, Decimal(0))
    if not off or not whole:
        return [Decimal(0)] * len(amounts)
    exact = [WIDE.divide(WIDE.multiply(off, amount), whole) for amount in amounts]
    shares = [WIDE.multiply(WIDE.divide(each, unit).to_integral_value(ROUND_DOWN), unit) for each in exact]
    rest = off - sum(shares, Decimal(0))
    for index in sorted(range(len(exact)), key=lambda place: shares[place] - exact[place]):
        step = min(unit, rest)
        shares[index] += step
        rest -= step
    return shares


def _rate(data: _Data, raw: JsonDict, index: int) -> Decimal | None:
    field = data["settings"]["tax_rate_field"]
    value = raw.get(field) if field else None
    if value in (None, ""):
        found: Decimal | None = data["settings"]["tax_rate"]
        return found
    rate: Decimal = _read(Number(), value, f"SalesOrderProductObj[{index}].{field}")
    return rate


def _freight(data: _Data, payload: JsonDict) -> Decimal:
    field = data["settings"]["freight_field"]
    value = payload["SalesOrderObj"].get(field) if field else None
    if value in (None, ""):
        return Decimal(0)
    amount: Decimal = _read(Amount(numbers=True), value, f"SalesOrderObj.{field}")
    return amount


def _skus(data: _Data, payload: JsonDict) -> dict[str, str]:
    """Product -> our name for it, from the field that the connection names."""
    field = data["settings"]["sku_field"]
    rows = zip(data["products"], payload["ProductObj"], strict=True)
    return {product["id"]: str(raw.get(field) or "").strip() for product, raw in rows}


def _line(
    line: _Data, names: Mapping[str, str], skus: Mapping[str, str], money: _Money, sums: tuple[Decimal, Decimal, Any]
) -> OrderLine:
    gross, off, rate = sums
    subtotal, _tax = _apart(gross, rate, money)
    total, tax = _apart(gross - off, rate, money)
    saved = subtotal - total
    told = {name: line[name] for name in ("unit", "remark", "price_book_product_id") if line[name]}
    return OrderLine(
        external_id=line["id"],
        sku=skus.get(line["product_id"], ""),
        name=line["product_name"] or names.get(line["product_id"]) or line["product"],
        quantity=line["quantity"],
        unit_price=unit_price(subtotal, line["quantity"]),
        subtotal=subtotal,
        total=total,
        tax=tax,
        tax_lines=_tax_lines(rate, tax),
        discounts=(Discount(code="discount", amount=saved),) if saved.amount > 0 else (),
        tax_included=rate is not None,
        product_id=line["product_id"],
        attributes=told,
    )


def _apart(amount: Decimal, rate: Decimal | None, money: _Money) -> tuple[Money, Money]:
    """Net and tax of an amount that holds its tax."""
    if rate is None:
        return money.of(amount), money.of(Decimal(0))
    net = WIDE.divide(WIDE.multiply(amount, _HUNDRED), _HUNDRED + rate)
    net = net.quantize(Decimal(1).scaleb(-money.digits), rounding=ROUND_HALF_UP, context=WIDE)
    return money.of(net), money.of(amount) - money.of(net)


def _tax_lines(rate: Decimal | None, tax: Money) -> tuple[TaxLine, ...]:
    if rate is None:
        return ()
    return (TaxLine(code=f"{rate:f}", title=f"VAT {rate:f}%", rate=rate, amount=tax),)


def _shipping(freight: Decimal, rate: Decimal | None, money: _Money) -> tuple[ShippingLine, ...]:
    if not freight:
        return ()
    net, tax = _apart(freight, rate, money)
    return (
        ShippingLine(
            external_id=FREIGHT, code=FREIGHT, title="Freight", total=net, tax=tax, tax_lines=_tax_lines(rate, tax)
        ),
    )


def read_taxes(parts: Parts) -> tuple[TaxLine, ...]:
    """One of each rate, over all lines and the freight."""
    return tuple(_summed([tax for each in charged(parts) for tax in each.tax_lines]))


def charged(parts: Parts) -> tuple[OrderLine | ShippingLine, ...]:
    """Whatever is taxed."""
    return (*parts.lines, *parts.shipping_lines)


def _summed(taxes: Sequence[TaxLine]) -> Iterator[TaxLine]:
    for code in dict.fromkeys(tax.code for tax in taxes):
        same = [tax for tax in taxes if tax.code == code]
        amount = money_sum((tax.amount for tax in same), same[0].amount.currency)
        yield dataclasses.replace(same[0], amount=amount)


def _read(field: Any, value: object, path: str) -> Any:
    """A field that the connection names. Raises Problems."""
    try:
        return field.read(value)
    except ValidationError as error:
        raise Problems([Problem(cause="mapping", path=path, reason=error.messages[0])]) from None
