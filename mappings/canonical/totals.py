"""The proof of totals: what the parts of an order add up to against what the shop charged.

The shop's grand total is the truth. Shops round each line, or only the sum, and show amounts that they store with
more decimals, so that the parts may miss the total by a few units of the last decimal. That difference gets a name,
`Totals.rounding`, and travels with the order; a larger one means that we do not understand the order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import MappingError
from mappings.canonical.facets import RefundLine
from mappings.canonical.money import WIDE, Money, money_sum
from mappings.canonical.records import Fee, OrderLine, ShippingLine, Totals
from mappings.canonical.words import say

#: No currency has more; a total with more was asked for with more (WooCommerce's `dp=6`).
_MOST_DECIMALS: Final = 4
#: What a shop has at least that was asked for more.
_USUAL_DECIMALS: Final = 2
_NAME_WIDTH: Final = 36


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """The sums that the source states itself."""

    #: Net and positive; already inside the lines.
    discount: Money
    tax: Money
    #: What the shop charged.
    grand: Money


def last_decimal(grand: Decimal, currency: str, *, as_text: bool = True) -> Decimal:
    """One unit of the last decimal that the shop writes, read off its grand total.

    "73.06" has hundredths, "18000" has ones; "73.060000", which is more than any shop counts in, has hundredths too. A
    JSON number (`as_text` false) has lost its trailing zeros, so it has at least the usual decimals of the currency.
    """
    written = _decimals(grand)
    if not as_text:
        digits = max(_decimals(WIDE.normalize(grand)), minor_unit(currency, {}))
    elif written > _MOST_DECIMALS:
        digits = max(_decimals(WIDE.normalize(grand)), _USUAL_DECIMALS)
    else:
        digits = written
    return Decimal(1).scaleb(-digits)


def _decimals(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def prove(
    lines: Iterable[OrderLine],
    shipping_lines: Iterable[ShippingLine],
    fees: Iterable[Fee],
    stated: Stated,
    *,
    tolerance: Decimal,
    path: str,
) -> Totals:
    """The totals of an order whose parts tie to the shop's total within `tolerance` (an amount).

    Raises MappingError with cause `totals_mismatch` at `path`, with all the parts in a table.
    """
    lines, shipping_lines, fees = tuple(lines), tuple(shipping_lines), tuple(fees)
    currency = stated.grand.currency
    totals = Totals(
        lines=money_sum((line.total for line in lines), currency),
        discount=stated.discount,
        shipping=money_sum((line.total for line in shipping_lines), currency),
        fees=money_sum((fee.total for fee in fees), currency),
        tax=stated.tax,
        grand=stated.grand,
        rounding=Money(Decimal(0), currency),
    )
    parts = totals.lines + totals.shipping + totals.fees + totals.tax
    rounding = totals.grand - parts
    if rounding.amount.copy_abs() <= tolerance:
        return dataclasses.replace(totals, rounding=rounding)
    table = "\n".join(_table(lines, shipping_lines, fees, totals))
    raise MappingError(
        path,
        say(
            "the parts of the order add up to %(parts)s, the shop says %(grand)s: a difference "
            "of %(rounding)s, where %(tolerance)s at most may be carried as rounding\n%(table)s",
            parts=parts,
            grand=totals.grand,
            rounding=rounding,
            tolerance=f"{tolerance:f}",
            table=table,
        ),
        cause="totals_mismatch",
        next_step=say(
            "compare the order with its page in the shop; correct it there, or raise the channel's threshold"
        ),
    )


def prove_refund(
    lines: Sequence[RefundLine], amount: Money, difference: Money, tolerance: Decimal, *, path: str
) -> None:
    """Raises MappingError (`totals_mismatch`) at `path` where the lines of a refund give back more than it does.

    `difference` is what the amount has beyond its lines; nobody could say what more than `tolerance` below zero means.
    """
    if difference.amount >= -tolerance:
        return
    rows = [_row(f"{line.quantity:f} x {line.title}", line.total, line.tax) for line in lines]
    table = "\n".join([_row("given back", "net", "tax"), *rows])
    raise MappingError(
        path,
        say(
            "the lines of the refund add up to %(sum)s, the shop says %(amount)s: a difference of %(difference)s, "
            "where %(tolerance)s at most may be carried as rounding\n%(table)s",
            sum=amount - difference,
            amount=amount,
            difference=difference,
            tolerance=f"{tolerance:f}",
            table=table,
        ),
        cause="totals_mismatch",
        next_step=say(
            "compare the refund with its order's page in the shop; delete it there and make it anew, or book it by "
            "hand in the ERP"
        ),
    )


def _table(
    lines: Iterable[OrderLine], shipping_lines: Iterable[ShippingLine], fees: Iterable[Fee], totals: Totals
) -> Iterator[str]:
    """Net amount and tax of every part, then the sums."""
    yield _row("part", "net", "tax")
    for line in lines:
        yield _row(f"{line.quantity:f} x {line.sku or '(no SKU)'} {line.name}", line.total, line.tax)
    for shipping in shipping_lines:
        yield _row(f"shipping: {shipping.title}", shipping.total, shipping.tax)
    for fee in fees:
        yield _row(f"fee: {fee.title}", fee.total, fee.tax)
    net = totals.lines + totals.shipping + totals.fees
    parts: tuple[OrderLine | ShippingLine | Fee, ...] = (*lines, *shipping_lines, *fees)
    taxes = money_sum((part.tax for part in parts), totals.grand.currency)
    yield _row("sum of the parts", net, taxes)
    yield _row("stated by the shop", totals.grand - totals.tax, totals.tax)


def _row(label: str, net: Money | str, tax: Money | str) -> str:
    short = label if len(label) <= _NAME_WIDTH else label[: _NAME_WIDTH - 3] + "..."
    amounts = (f"{cell.amount:f}" if isinstance(cell, Money) else cell for cell in (net, tax))
    return f"  {short:<{_NAME_WIDTH}}" + "".join(f"{cell:>16}" for cell in amounts)
