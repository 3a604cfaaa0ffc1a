"""What Odoo will make of the lines of a sale: untaxed, tax and total amount, to the last digit.

After recordings of 19 (company setting `round_globally`) and the vendor's documentation of the other setting:

* a line's amount is quantity x unit price, rounded half up to the currency's `rounding`;
* `round_globally`: each tax is computed unrounded per line, added up over all lines, and rounded once;
* `round_per_line`: each tax is computed on the rounded amount of each line and rounded there.

What a module makes otherwise shows when the sale is read back: it is held then, not corrected.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from mappings.canonical.money import to_unit
from mappings.pricing import SaleLine


def rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """`amount` as a multiple of `unit`, half away from zero, as an Odoo currency rounds."""
    return to_unit(amount, unit, ROUND_HALF_UP)


def predict(lines: Sequence[SaleLine], unit: Decimal, tax_rounding: str) -> tuple[Decimal, Decimal]:
    """Untaxed amount and tax of the sale; `unit` is the currency's `rounding`."""
    untaxed, per_tax = Decimal(0), defaultdict[int, Decimal](Decimal)
    globally = tax_rounding == "round_globally"
    for line in lines:
        amount = rounded(line.base, unit)
        untaxed += amount
        base = line.base if globally else amount
        for tax in line.taxes:
            exact = base * tax["rate"] / 100
            per_tax[tax["id"]] += exact if globally else rounded(exact, unit)
    return untaxed, sum((rounded(amount, unit) for amount in per_tax.values()), Decimal(0))
