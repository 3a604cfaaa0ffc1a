"""The proof of an order's total, for people: what its parts add up to, and the rounding by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mappings.canonical.money import WIDE
from sync.desk.phrases import Phrase, say


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One summand; a discount is negative."""

    label: Phrase
    amount: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One position that was charged: an article, shipping or a fee. Amounts are net."""

    sku: str
    name: str
    quantity: Decimal | None
    subtotal: Decimal
    discount: Decimal
    total: Decimal
    tax: Decimal
    #: The rates in percent, as the shop says them.
    rates: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class TotalsProof:
    """The order's money on one page."""

    currency: str
    lines: tuple[Line, ...]
    parts: tuple[Part, ...]
    #: What the shop charged.
    grand: Decimal

    @property
    def sum(self) -> Decimal:
        """Of the parts, exactly."""
        total = Decimal(0)
        for part in self.parts:
            total = WIDE.add(total, part.amount)
        return total

    @property
    def ties(self) -> bool:
        """Whether the parts are the total."""
        return self.sum == self.grand


def prove_totals(order: Mapping[str, Any]) -> TotalsProof:
    """From the canonical order's JSON."""
    totals = {name: Decimal(amount) for name, amount in order["totals"].items()}
    parts = (
        Part(say("Articles before discounts"), WIDE.add(totals["lines"], totals["discount"])),
        Part(say("Discounts"), -totals["discount"]),
        Part(say("Shipping"), totals["shipping"]),
        Part(say("Fees"), totals["fees"]),
        Part(say("Tax"), totals["tax"]),
        Part(say("Rounding by the shop"), totals["rounding"]),
    )
    lines = (
        *(_line(line, line["sku"], line["name"], Decimal(line["quantity"])) for line in order["lines"]),
        *(_line(line, "", line["title"] or "Shipping", None) for line in order["shipping_lines"]),
        *(_line(line, "", line["title"], None) for line in order["fees"]),
    )
    shown = tuple(part for part in parts if part.amount or part is parts[0])
    return TotalsProof(order["currency"], lines, shown, totals["grand"])


def _line(line: Mapping[str, Any], sku: str, name: str, quantity: Decimal | None) -> Line:
    total = Decimal(line["total"])
    subtotal = Decimal(line.get("subtotal", line["total"]))
    rates = (f"{Decimal(tax['rate']):f}" for tax in line["tax_lines"] if tax["rate"] is not None)
    return Line(
        sku, name, quantity, subtotal, WIDE.subtract(subtotal, total), total, Decimal(line["tax"]), tuple(rates)
    )
