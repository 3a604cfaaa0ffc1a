"""What lines come to, as the recorded shop computes it: in whole cents, gross first, then net."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connectors.sandbox.discounts import shares

Json = dict[str, Any]
_SOURCE: Final = "PROMOTION:1"
_KIND: Final = "DISTRIBUTED_ORDER_PROMOTION"


def net(gross: Decimal, percent: Decimal) -> int:
    """A gross amount without its tax."""
    return _whole(gross * 100 / (100 + percent))


def promote(order: Json, percent: Decimal) -> None:
    """Share out what a promotion takes off the goods; the lines and the order say it."""
    lines = order["lines"]
    gross = [Decimal(line["unitPriceWithTax"] * line["quantity"]) for line in lines]
    for line, off in zip(lines, shares(gross, percent, Decimal(1)), strict=True):
        line["discounts"] = [_adjustment(percent, net(off, _rate(line)), off)] if off else []
    told = [each for line in lines for each in line["discounts"]]
    kept = [each for each in order["discounts"] if each["adjustmentSource"] != _SOURCE]
    sums = [sum(each[name] for each in told) for name in ("amount", "amountWithTax")]
    order["discounts"] = [_adjustment(percent, -sums[0], Decimal(-sums[1])), *kept] if told else kept


def prorate(line: Json) -> None:
    """The amounts of a line by its pieces and its share of the promotion."""
    gross, pieces = line["unitPriceWithTax"] * line["quantity"], line["quantity"]
    left = gross + sum(each["amountWithTax"] for each in line["discounts"])
    line |= {
        "linePriceWithTax": gross,
        "linePrice": net(Decimal(gross), _rate(line)),
        "proratedLinePriceWithTax": left,
        "proratedLinePrice": net(Decimal(left), _rate(line)),
    }
    if line["discounts"]:
        line["proratedUnitPriceWithTax"] = _whole(Decimal(left) / pieces)
        line["proratedUnitPrice"] = _whole(Decimal(line["proratedLinePrice"]) / pieces)


def _adjustment(percent: Decimal, amount: int, off: Decimal) -> Json:
    source = {"adjustmentSource": _SOURCE, "type": _KIND, "description": f"Sommer {percent:f} %"}
    return source | {"amount": -amount, "amountWithTax": -int(off)}


def _rate(line: Json) -> Decimal:
    [tax] = line["taxLines"]
    return Decimal(tax["taxRate"])


def _whole(units: Decimal) -> int:
    return int(units.quantize(Decimal(1), rounding=ROUND_HALF_UP))
