"""Canonical orders for tests: one complete order, changed where a test wants it different."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from mappings.canonical.money import Money
from mappings.canonical.records import (
    Address,
    Customer,
    Fee,
    FulfilmentState,
    Order,
    OrderLine,
    OrderState,
    PaymentState,
    ShippingLine,
    TaxLine,
    Totals,
)


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(Decimal(amount), currency)


def line(sku: str, quantity: str, total: str, tax: str, *, currency: str = "EUR", **changes: Any) -> OrderLine:
    values: dict[str, Any] = {
        "external_id": f"line-{sku}",
        "sku": sku,
        "name": f"Article {sku}",
        "quantity": Decimal(quantity),
        "unit_price": Money(Decimal(total) / (Decimal(quantity) or 1), currency),
        "subtotal": money(total, currency),
        "total": money(total, currency),
        "tax": money(tax, currency),
        "tax_lines": (TaxLine(code="1", title="VAT", rate=Decimal(19), amount=money(tax, currency)),),
    }
    return OrderLine(**(values | changes))


def shipping_line(total: str, tax: str, *, currency: str = "EUR") -> ShippingLine:
    return ShippingLine(
        external_id="s1", code="flat_rate", title="Standard", total=money(total, currency), tax=money(tax, currency)
    )


def fee(total: str, tax: str, *, currency: str = "EUR") -> Fee:
    return Fee(external_id="f1", title="Gift wrap", total=money(total, currency), tax=money(tax, currency))


ADDRESS = Address(
    first_name="Zoë",
    last_name="Żółć",
    street="Lange Straße 5",
    city="Berlin",
    postal_code="10115",
    country="DE",
    email="zoe@example.com",
)


def totals(order_lines: Any, shipping: Any, fees: Any, grand: str, currency: str) -> Totals:
    """The sums of the parts; what is left to `grand` is the rounding."""

    def summed(parts: Any, name: str) -> Money:
        return Money(sum((getattr(part, name).amount for part in parts), Decimal(0)), currency)

    parts = [*order_lines, *shipping, *fees]
    tax = summed(parts, "tax")
    net = [summed(order_lines, "total"), summed(shipping, "total"), summed(fees, "total")]
    rounding = Decimal(grand) - tax.amount - sum(amount.amount for amount in net)
    return Totals(
        lines=net[0],
        discount=Money(Decimal(0), currency),
        shipping=net[1],
        fees=net[2],
        tax=tax,
        grand=money(grand, currency),
        rounding=Money(rounding, currency),
    )


def make_order(
    *,
    lines: tuple[OrderLine, ...] | None = None,
    shipping_lines: tuple[ShippingLine, ...] | None = None,
    fees: tuple[Fee, ...] = (),
    grand: str = "34.65",
    currency: str = "EUR",
    **changes: Any,
) -> Order:
    """Two articles and shipping, 34.65 EUR with tax, of a guest; its totals always tie to `grand`."""
    if lines is None:
        lines = (line("SKU-A", "2", "20.00", "3.80"), line("SKU-B", "1", "5.00", "0.95"))
    if shipping_lines is None:
        shipping_lines = (shipping_line("4.12", "0.78"),)
    placed = dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)
    values: dict[str, Any] = {
        "number": "1001",
        "external_id": "17",
        "version": "2026-11-20T23:30:00",
        "placed_at": placed,
        "placed_on": dt.date(2026, 11, 21),
        "updated_at": placed,
        "currency": currency,
        "state": OrderState.PROCESSING,
        "source_state": "processing",
        "payment_state": PaymentState.PAID,
        "fulfilment_state": FulfilmentState.UNFULFILLED,
        "customer": Customer(external_id="", guest=True, first_name="Zoë", last_name="Żółć", email="Zoe@Example.com"),
        "billing": ADDRESS,
        "shipping": ADDRESS,
        "lines": lines,
        "shipping_lines": shipping_lines,
        "fees": fees,
        "tax_lines": (),
        "coupons": (),
        "payments": (),
        "refunds": (),
        "totals": totals(lines, shipping_lines, fees, grand, currency),
        "tax_included": False,
        "payment_method": "bacs",
    }
    return Order(**(values | changes))
