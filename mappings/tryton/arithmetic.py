"""What Tryton will make of the lines of a sale: untaxed, tax and total amount, to the last digit.

Written after what the server does (observed on 8.2, modules `sale`, `account` and `currency`), so that the rounding
line can be known before the sale is created:

* a line's amount is quantity x unit price, rounded half to even to the currency's `rounding`;
* taxes are computed unrounded per line and added up over all lines that have the same taxes and the same sign;
* each tax of such a group is then rounded; what the roundings of several taxes add up to is given back in whole
  units, so that the group's tax is the rounding of its sum;
* with the company's tax rounding `line`, both steps happen for every line alone instead.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from mappings.canonical.money import to_unit
from mappings.pricing import SaleLine, Tax


@dataclasses.dataclass(frozen=True, slots=True)
class Amounts:
    """The amounts that the sale will show."""

    untaxed: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """Untaxed and tax together."""
        return self.untaxed + self.tax


def rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """`amount` as a multiple of `unit`, half to even, as a Tryton currency rounds."""
    return to_unit(amount, unit, ROUND_HALF_EVEN)


def predict(lines: Sequence[SaleLine], unit: Decimal, tax_rounding: str) -> Amounts:
    """The sale's amounts; `unit` is the currency's `rounding`, `tax_rounding` is `document` or `line`."""
    untaxed = sum((rounded(line.base, unit) for line in lines), Decimal(0))
    tax = Decimal(0)
    for group in _groups(lines):
        for together in [group] if tax_rounding == "document" else [[line] for line in group]:
            tax += _rounded_sum(_tax_amounts(together), unit)
    return Amounts(untaxed, tax)


def _groups(lines: Iterable[SaleLine]) -> Iterable[list[SaleLine]]:
    groups: dict[tuple[tuple[int, ...], bool], list[SaleLine]] = defaultdict(list)
    for line in lines:
        groups[tuple(tax["id"] for tax in _sorted(line.taxes)), line.base >= 0].append(line)
    return groups.values()


def _tax_amounts(lines: Iterable[SaleLine]) -> list[Decimal]:
    """The unrounded amount of each tax over `lines`, in the order in which the server meets the taxes."""
    amounts: dict[int, Decimal] = {}
    for line in lines:
        for tax, amount in _unit_taxes(_sorted(line.taxes), line.price):
            amounts[tax] = amounts.get(tax, Decimal(0)) + amount * line.quantity
    return list(amounts.values())


def _unit_taxes(taxes: Iterable[Tax], price: Decimal) -> list[tuple[int, Decimal]]:
    """Each tax on one unit; taxes of a later `sequence` see the price that earlier ones may have raised."""
    found: list[tuple[int, Decimal]] = []
    for _, group in itertools.groupby(taxes, key=lambda tax: tax.get("sequence")):
        raised = Decimal(0)
        for tax in group:
            values: list[tuple[int, Decimal]] = []
            if tax.get("type", "percentage") == "percentage":
                values.append((tax["id"], price * tax["rate"] / 100))
            elif tax["type"] == "fixed":
                values.append((tax["id"], tax["amount"]))
            values.extend(_unit_taxes(tax.get("childs", ()), price))
            if tax.get("update_unit_price"):
                raised += sum((amount for _, amount in values), Decimal(0))
            found.extend(values)
        price += raised
    return found


def _sorted(taxes: Iterable[Tax]) -> list[Tax]:
    return sorted(taxes, key=lambda tax: (tax.get("sequence") is not None, tax.get("sequence") or 0, tax["id"]))


def _rounded_sum(amounts: Sequence[Decimal], unit: Decimal) -> Decimal:
    """Each amount rounded and added up, less what the roundings together gave or took beyond half a unit."""
    each = [rounded(amount, unit) for amount in amounts]
    if not any(each):
        return Decimal(0)
    total = sum(each, Decimal(0))
    return total - rounded(total - sum(amounts, Decimal(0)), unit)
