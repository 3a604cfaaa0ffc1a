"""The lines of a sale, and the rounding line that makes Tryton's total the shop's total."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Unmapped
from mappings.canonical.records import Order
from mappings.canonical.words import say
from mappings.charges import Charge, charges, shared_out
from mappings.pricing import SaleLine, priced
from mappings.tryton import wire
from mappings.tryton.arithmetic import predict, rounded
from mappings.wanted import COMPANY, currency_ref, product_ref, rounding_ref, tax_ref

#: Decimals of a unit price, `[product] price_decimal` of the server; more are refused.
PRICE_DIGITS: Final = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of the payload, with what Tryton will compute from it."""

    charge: Charge
    product: JsonDict
    amounts: SaleLine

    def payload(self, *, base_price: Decimal | None = None) -> JsonDict:
        """The line's JSON; `base_price` is the price before discount, where the ERP can keep one."""
        values: JsonDict = {
            "type": "line",
            "product": self.product["id"],
            "unit": self.product.get("unit"),
            "quantity": wire.quantity(self.amounts.quantity),
            "unit_price": wire.decimal(self.amounts.price),
            "description": self.charge.title or None,
            "taxes": wire.link([tax["id"] for tax in self.amounts.taxes]),
        }
        return values if base_price is None else {**values, "base_price": wire.decimal(base_price)}


def charge_lines(order: Order, resolved: Resolved, options: TargetOptions) -> list[Line]:
    """The lines without rounding; only for an order that has no `charge_problems`."""
    unit = rounding_unit(order, resolved)
    lines: list[Line] = []
    for charge in (part for each in charges(order, options) for part in shared_out(each, unit)):
        product = resolved[product_ref(charge)]
        taxes = tuple(resolved[ref] for tax in charge.tax_lines if (ref := tax_ref(tax, order)) in resolved)
        lines.extend(Line(charge, product, amounts) for amounts in priced(charge, taxes, unit, PRICE_DIGITS))
    return lines


def rounding_unit(order: Order, resolved: Resolved) -> Decimal:
    """The smallest amount of the order's currency in the ERP."""
    return Decimal(resolved[currency_ref(order)]["rounding"])


def rounding_difference(order: Order, lines: Iterable[Line], resolved: Resolved, expected: Decimal) -> Decimal:
    """What a rounding line must carry: the expected total less what Tryton makes of `lines`."""
    amounts = [line.amounts for line in lines]
    return expected - predict(amounts, rounding_unit(order, resolved), resolved[COMPANY]["tax_rounding"]).total


def rounding_problems(
    order: Order, lines: Sequence[Line], resolved: Resolved, options: TargetOptions, expected: Decimal
) -> Iterator[Problem]:
    """A difference that is more than rounding, or one that cannot be written."""
    unit = rounding_unit(order, resolved)
    difference = rounding_difference(order, lines, resolved, expected)
    if rounded(expected, unit) != expected:
        reason = say(
            "the ERP rounds %(currency)s to %(unit)s, so a sale cannot be %(expected)s",
            currency=order.currency,
            unit=unit,
            expected=expected,
        )
        next_step = say(
            "set `minor_units: {%(currency)s: ...}` of the connection to what the ERP's currency says",
            currency=order.currency,
        )
        yield Problem("totals_mismatch", "currency", reason, order.currency, next_step)
    elif abs(difference) > rounding_limit(lines, unit, options):
        reason = say(
            "the ERP would make %(value)s of it, the shop charged %(expected)s: %(lines)s",
            value=expected - difference,
            expected=expected,
            lines=_table(lines, unit),
        )
        next_step = say("compare the taxes of these lines in the shop and in the ERP")
        yield Problem("totals_mismatch", "totals.grand", reason, "", next_step)
    elif difference and rounding_ref(options) not in resolved:
        yield from Unmapped("sku", rounding_ref(options).value, path="totals.rounding").problems


def rounding_limit(lines: Sequence[Line], unit: Decimal, options: TargetOptions) -> Decimal:
    """The channel's threshold, or half a unit for every taxed line where that is more.

    A shop that rounds the tax of every line and an ERP that rounds once per tax differ by up to half a unit a line:
    arithmetic, not a mistake.
    """
    taxed = sum(1 for line in lines if line.amounts.taxes)
    return unit * max(Decimal(options.totals_threshold), Decimal(taxed) / 2)


def rounding_payload(product: JsonDict, difference: Decimal) -> JsonDict:
    """The named rounding line; it carries no tax."""
    return {
        "type": "line",
        "product": product["id"],
        "unit": product.get("unit"),
        "quantity": 1,
        "unit_price": wire.decimal(difference),
        "description": "Rounding",
        "taxes": [],
    }


def line_payloads(lines: Iterable[Line], *, with_base_price: bool) -> list[JsonDict]:
    """Every line's JSON; the price before discount only where there was a discount and the ERP has a field for it."""
    payloads: list[JsonDict] = []
    for line in lines:
        charge, base = line.charge, None
        if with_base_price and charge.quantity and charge.subtotal.amount != charge.total.amount:
            step = Decimal(1).scaleb(-PRICE_DIGITS)
            base = (charge.subtotal.amount / charge.quantity).quantize(step, rounding=ROUND_HALF_EVEN)
        payloads.append(line.payload(base_price=base))
    return payloads


def _table(lines: Sequence[Line], unit: Decimal) -> str:
    """One entry a line: what the shop says and what the ERP's rates make of it."""
    rows: list[str] = []
    for line in lines:
        erp: Any = predict([line.amounts], unit, "document")
        shop = f"{line.charge.total.amount:f} + {line.charge.tax.amount:f} tax"
        rows.append(f"{line.charge.path} {line.charge.code}: shop {shop}, ERP {erp.untaxed:f} + {erp.tax:f} tax")
    return "; ".join(rows)
