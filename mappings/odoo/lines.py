"""The lines of a sale, and the rounding line that makes Odoo's total the shop's total."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Unmapped
from mappings.canonical.records import Order
from mappings.canonical.words import say
from mappings.charges import Charge, charges, shared_out
from mappings.odoo.arithmetic import predict, rounded
from mappings.pricing import SaleLine, priced
from mappings.wanted import COMPANY, currency_ref, product_ref, rounding_ref, tax_ref


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of the payload, with what Odoo will compute from it."""

    charge: Charge
    product: JsonDict
    amounts: SaleLine

    def payload(self, *, shipping: bool) -> JsonDict:
        """The line's values; `shipping` where the module is there that tells delivery lines apart."""
        delivery = {"is_delivery": self.charge.path.startswith("shipping_lines")} if shipping else {}
        return {
            "product_id": self.product["id"],
            "product_uom_qty": f"{self.amounts.quantity:f}",
            "price_unit": f"{self.amounts.price:f}",
            "name": self.charge.title or self.charge.code,
            "tax_ids": [tax["id"] for tax in self.amounts.taxes],
            **delivery,
        }


def sale_lines(order: Order, resolved: Resolved, options: TargetOptions) -> list[Line]:
    """The lines without rounding; only for an order that has no problem with its charges."""
    unit, digits = rounding_unit(order, resolved), int(resolved[COMPANY]["price_digits"])
    lines: list[Line] = []
    for charge in (part for each in charges(order, options) for part in shared_out(each, unit)):
        taxes = tuple(resolved[ref] for tax in charge.tax_lines if (ref := tax_ref(tax, order)) in resolved)
        prices = priced(charge, taxes, unit, digits, ROUND_HALF_UP)
        lines.extend(Line(charge, resolved[product_ref(charge)], amounts) for amounts in prices)
    return lines


def payloads(lines: Iterable[Line], resolved: Resolved) -> list[JsonDict]:
    """Every line's values."""
    shipping = "is_delivery" in resolved[COMPANY].get("line_fields", ())
    return [line.payload(shipping=shipping) for line in lines]


def rounding_payload(product: JsonDict, difference: Decimal) -> JsonDict:
    """The named rounding line; it carries no tax."""
    return {
        "product_id": product["id"],
        "product_uom_qty": "1",
        "price_unit": f"{difference:f}",
        "name": "Rounding",
        "tax_ids": [],
    }


def rounding_unit(order: Order, resolved: Resolved) -> Decimal:
    """The smallest amount of the order's currency in the ERP."""
    return Decimal(resolved[currency_ref(order)]["rounding"])


def rounding_difference(order: Order, lines: Iterable[Line], resolved: Resolved, expected: Decimal) -> Decimal:
    """What a rounding line must carry: the expected total less what Odoo makes of `lines`."""
    amounts = [line.amounts for line in lines]
    return expected - sum(predict(amounts, rounding_unit(order, resolved), resolved[COMPANY]["tax_rounding"]))


def rounding_problems(
    order: Order, lines: Sequence[Line], resolved: Resolved, options: TargetOptions, expected: Decimal
) -> Iterator[Problem]:
    """A difference that is more than rounding, or one that cannot be written."""
    unit = rounding_unit(order, resolved)
    difference = rounding_difference(order, lines, resolved, expected)
    taxed = sum(1 for line in lines if line.amounts.taxes)
    # A shop that rounds the tax of every line and an ERP that rounds once differ by up to half a unit a line.
    limit = unit * max(Decimal(options.totals_threshold), Decimal(taxed) / 2)
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
    elif abs(difference) > limit:
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


def _table(lines: Sequence[Line], unit: Decimal) -> str:
    """One entry a line: what the shop says and what the ERP's rates make of it."""
    rows: list[str] = []
    for line in lines:
        untaxed, tax = predict([line.amounts], unit, "round_globally")
        shop = f"{line.charge.total.amount:f} + {line.charge.tax.amount:f} tax"
        rows.append(f"{line.charge.path} {line.charge.code}: shop {shop}, ERP {untaxed:f} + {tax:f} tax")
    return "; ".join(rows)
