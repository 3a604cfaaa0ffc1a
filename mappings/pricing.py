"""What of a charge an ERP can take as a line: its product, its taxes, and a unit price of so many decimals."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

from mappings.base import Resolved, TargetOptions
from mappings.canonical.errors import Problem, Unmapped
from mappings.canonical.money import to_unit
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.charges import Charge, charges
from mappings.wanted import product_ref, tax_ref

#: A tax as the connector resolves it: id, type, rate in percent, amount, sequence, update_unit_price, childs.
Tax = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class SaleLine:
    """What the amounts of a sale depend on; `price` is the unit price that is really sent."""

    quantity: Decimal
    price: Decimal
    taxes: tuple[Tax, ...] = ()

    @property
    def base(self) -> Decimal:
        """Quantity x price, unrounded."""
        return self.quantity * self.price


def charge_problems(order: Order, resolved: Resolved, options: TargetOptions) -> Iterator[Problem]:
    """Every reason why a charge cannot become a line: no SKU, unknown product, broken quantity, unknown tax."""
    for charge in charges(order, options):
        yield from _product_problems(charge, resolved)
        if charge.tax and not charge.tax_lines:
            reason = say(
                "%(title)s carries %(tax)s of tax, but the shop does not say which tax",
                title=repr(charge.title),
                tax=charge.tax,
            )
            yield Problem(
                "unknown_tax", f"{charge.path}.tax_lines", reason, charge.code, say("name the tax in the shop")
            )
        for index, tax in enumerate(charge.tax_lines):
            path = f"{charge.path}.tax_lines[{index}]"
            ref = tax_ref(tax, order)
            if ref not in resolved and not ref.optional:
                yield from Unmapped("tax", ref.value, path=path).problems
            elif ref in resolved and resolved[ref].get("id") is None:
                names = ", ".join(each["name"] for each in resolved[ref].get("candidates", ()))
                reason = say(
                    "several taxes of the ERP have the rate of %(value)s: %(names)s", value=repr(ref.value), names=names
                )
                next_step = say(
                    "add a row for %(value)s to the tax look-up that names one of them", value=repr(ref.value)
                )
                yield Problem("ambiguous_tax", path, reason, f"tax:{ref.value}", next_step)


def _product_problems(charge: Charge, resolved: Resolved) -> Iterator[Problem]:
    if not charge.code:
        reason = say(
            "the line %(title)s has no SKU, so no product of the ERP can be found for it", title=repr(charge.title)
        )
        next_step = say(
            "give the product a SKU in the shop, or name a `free_text_product` in the channel's target policy"
        )
        yield Problem("unknown_sku", charge.code_path, reason, charge.title, next_step)
        return
    product = resolved.get(product_ref(charge))
    if product is None:
        yield from Unmapped("sku", charge.code, path=charge.code_path).problems
        return
    if product.get("id") is None:
        names = ", ".join(str(each["name"]) for each in product.get("candidates", ()))
        reason = say("several products of the ERP have the code %(code)s: %(names)s", code=charge.code, names=names)
        next_step = say("give each product a code of its own in the ERP, then retry")
        yield Problem("unknown_sku", charge.code_path, reason, charge.code, next_step)
        return
    digits = product.get("unit_digits")
    if digits is not None and charge.quantity != charge.quantity.quantize(Decimal(1).scaleb(-digits)):
        reason = say(
            "quantity %(quantity)s has more than the %(digits)s decimals that the ERP's unit allows",
            quantity=f"{charge.quantity:f}",
            digits=digits,
        )
        next_step = say("sell it in whole units, or give the product a finer unit in the ERP")
        yield Problem("unit_digits", f"{charge.path}.quantity", reason, charge.code, next_step)


def priced(
    charge: Charge, taxes: Sequence[Tax], unit: Decimal, digits: int, rounding: str = ROUND_HALF_EVEN
) -> list[SaleLine]:
    """One line whose amount is the charge's net total, or two where no price of so many `digits` gives it.

    With four, 1000 pieces for 333.33 cannot be had at one price; 700 at 0.3333 and 300 at 0.3334 can.
    """
    if not charge.quantity:
        return [SaleLine(charge.quantity, Decimal(0), tuple(taxes))]
    total, quantity = to_unit(charge.total.amount, unit, rounding), charge.quantity
    step = Decimal(1).scaleb(-digits)
    price = (charge.total.amount / quantity).quantize(step, rounding=rounding)
    if to_unit(price * quantity, unit, rounding) == total or quantity != quantity.to_integral_value():
        return [SaleLine(quantity, price, tuple(taxes))]
    low = (total / quantity).quantize(step, rounding=ROUND_FLOOR)
    dearer = ((total - low * quantity) / step).to_integral_value()
    return [SaleLine(quantity - dearer, low, tuple(taxes)), SaleLine(dearer, low + step, tuple(taxes))]


def offline_rate(ref: Ref, order: Order, options: TargetOptions) -> Decimal | None:
    """The rate of a tax that nobody was asked for: what the shop says, else what its amounts come to; percent."""
    if ref.kind != "tax" or ref.hint["rate"]:
        return Decimal(ref.hint["rate"]) if ref.kind == "tax" else None
    taxed = [
        (charge.total.amount, tax.amount.amount)
        for charge in charges(order, options)
        for tax in charge.tax_lines
        if tax.code == ref.hint["code"]
    ]
    base = sum((total for total, _ in taxed), Decimal(0))
    return round(sum((amount for _, amount in taxed), Decimal(0)) / base * 100, 1) if base else Decimal(0)
