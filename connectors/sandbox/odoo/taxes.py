"""Net and tax of lines, as the company is set to round."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from connectors.sandbox.odoo.database import Database, Json, number, to_cents, total


def taxed(db: Database, lines: Iterable[Json], quantity: str) -> tuple[Decimal, Decimal]:
    """Net and tax of lines: each tax rounded once over all of them, or line by line, as the company is set."""
    [company] = list(db.all("res.company"))
    globally = company["tax_calculation_rounding_method"] == "round_globally"
    net, sums = Decimal(0), dict[int, Decimal]()
    for line in lines:
        base = amount_of(line, quantity)
        net += to_cents(base)
        for tax in line.get("tax_ids") or []:
            amount = (base if globally else to_cents(base)) * number(db.get("account.tax", tax)["amount"]) / 100
            sums[tax] = sums.get(tax, Decimal(0)) + (amount if globally else to_cents(amount))
    return net, total(to_cents(each) for each in sums.values())


def amount_of(line: Json, quantity: str) -> Decimal:
    """Pieces x price, less the discount, unrounded."""
    price = number(line.get("price_unit")) * (1 - number(line.get("discount")) / 100)
    return price * number(line.get(quantity))
