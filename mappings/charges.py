"""Everything that an order charges, as one list: its lines, shipping and fees, each with the product that it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from mappings.base import TargetOptions
from mappings.canonical.money import Money, to_unit
from mappings.canonical.records import Fee, Order, ShippingLine, TaxLine

#: Codes of the service products, unless the policy's `target` section names others.
SERVICE_PRODUCTS: Final = {"shipping_product": "SHIPPING", "fee_product": "FEE", "rounding_product": "ROUNDING"}
#: The same for what only some refunds need: an ERP without it takes every sale.
REFUND_PRODUCTS: Final = {"refund_product": "REFUND"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One thing that the customer pays for (or gets back: a negative fee)."""

    #: Where it stands in the canonical order.
    path: str
    #: Where the reason for its product stands: the SKU of a line, else the charge itself.
    code_path: str
    #: Code of the product in the ERP; empty for a line that has no SKU.
    code: str
    title: str
    quantity: Decimal
    #: Net after discounts.
    total: Money
    #: Net before discounts; equal to `total` where there was none.
    subtotal: Money
    tax: Money
    tax_lines: tuple[TaxLine, ...]


def charges(order: Order, options: TargetOptions) -> Iterator[Charge]:
    """In the order in which the shop shows them."""
    for index, line in enumerate(order.lines):
        path = f"lines[{index}]"
        yield Charge(
            path=path,
            code_path=f"{path}.sku",
            code=line.sku or str(options.settings.get("free_text_product", "")),
            title=line.name,
            quantity=line.quantity,
            total=line.total,
            subtotal=line.subtotal,
            tax=line.tax,
            tax_lines=line.tax_lines,
        )
    services: tuple[tuple[str, str, tuple[ShippingLine | Fee, ...]], ...] = (
        ("shipping_lines", "shipping_product", order.shipping_lines),
        ("fees", "fee_product", order.fees),
    )
    for name, setting, items in services:
        for index, item in enumerate(items):
            path = f"{name}[{index}]"
            yield Charge(
                path=path,
                code_path=path,
                code=service_code(setting, options),
                title=item.title,
                quantity=Decimal(1),
                total=item.total,
                subtotal=item.total,
                tax=item.tax,
                tax_lines=item.tax_lines,
            )


def shared_out(charge: Charge, unit: Decimal) -> list[Charge]:
    """The charge itself, or one for each tax where each was taken of another part of it; `unit`: smallest amount.

    A discount that is entered as a negative fee lowers everything in a WooCommerce basket: it carries the taxes of
    all articles, each on their share. As one line, the ERP would take every tax of the whole.
    """
    taxes = [tax for tax in charge.tax_lines if tax.rate]
    plain = all(tax.rate is not None and not tax.compound for tax in charge.tax_lines)
    if charge.quantity != 1 or len(taxes) < 2 or not plain or _on_the_whole(charge, taxes, unit):  # noqa: PLR2004
        return [charge]
    total = charge.total.amount
    bases = [_base(tax) for tax in taxes]
    rest = total - sum(bases, Decimal(0))
    # What is shown of a tax may be rounded, and a base is known as little as its tax.
    if abs(rest) <= sum((unit * 50 / _rate(tax) for tax in taxes), Decimal(0)):
        bases, rest = [base * total / (total - rest) for base in bases], Decimal(0)
    elif (rest > 0) != (total > 0):
        return [charge]
    shares = [to_unit(base, unit, ROUND_HALF_EVEN) for base in bases]
    if rest:
        # A part of it was not taxed at all.
        untaxed = tuple(tax for tax in charge.tax_lines if not tax.rate)
        parts = [*_parts(charge, shares, taxes), _part(charge, total - sum(shares, Decimal(0)), untaxed)]
    else:
        shares[-1] = total - sum(shares[:-1], Decimal(0))
        parts = _parts(charge, shares, taxes)
    return [part for part in parts if part.total]


def _on_the_whole(charge: Charge, taxes: Sequence[TaxLine], unit: Decimal) -> bool:
    """Whether each tax is that of the whole charge, as where a state and a city both tax it."""
    return all(abs(tax.amount.amount - charge.total.amount * _rate(tax) / 100) <= unit for tax in taxes)


def _rate(tax: TaxLine) -> Decimal:
    assert tax.rate is not None
    return tax.rate


def _base(tax: TaxLine) -> Decimal:
    return tax.amount.amount * 100 / _rate(tax)


def _parts(charge: Charge, shares: Sequence[Decimal], taxes: Sequence[TaxLine]) -> list[Charge]:
    return [_part(charge, share, (tax,)) for share, tax in zip(shares, taxes, strict=True)]


def _part(charge: Charge, amount: Decimal, taxes: tuple[TaxLine, ...]) -> Charge:
    currency = charge.total.currency
    tax = Money(sum((each.amount.amount for each in taxes), Decimal(0)), currency)
    total = Money(amount, currency)
    return dataclasses.replace(charge, total=total, subtotal=total, tax=tax, tax_lines=taxes)


def service_code(setting: str, options: TargetOptions) -> str:
    """The product code that the channel names for a service, else the usual one."""
    return str(options.settings.get(setting, (SERVICE_PRODUCTS | REFUND_PRODUCTS)[setting]))
