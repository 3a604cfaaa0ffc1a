"""Everything that an order charges, as one list: its lines, shipping and fees, each with the product that it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from mappings.base import TargetOptions
from mappings.canonical.money import Money
from mappings.canonical.records import Fee, Order, ShippingLine, TaxLine

#: Codes of the service products, unless the policy's `target` section names others.
SERVICE_PRODUCTS: Final = {"shipping_product": "SHIPPING", "fee_product": "FEE", "rounding_product": "ROUNDING"}


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


def service_code(setting: str, options: TargetOptions) -> str:
    """The product code that the channel names for a service, else the usual one."""
    return str(options.settings.get(setting, SERVICE_PRODUCTS[setting]))
