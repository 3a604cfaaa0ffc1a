"""One basket that every source can sell, and the order that it must end as, wherever it comes from and goes to.

Three articles of two tax rates, ten percent off all of them, a parcel. Every step of it has a trap of a cent: the
discount is 5.902, one line's share of it is rounded up, no net price times its pieces is the gross one, and a shop that
rounds the tax of each line charges one cent less than an ERP that rounds each tax once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

TEA, SIEVE, SPOONS = "TEE-ASSAM-100", "SIEB-ST", "1E5"
#: Article, pieces: 7.49, 3.33 and 9.95 each with tax; 7.00, 2.80 and 8.36 without.
BASKET: Final = ((TEA, 3), (SIEVE, 5), (SPOONS, 2))
PERCENT_OFF: Final = Decimal(10)
#: Of the parcel, with and without tax.
PARCEL, PARCEL_NET = Decimal("4.90"), Decimal("4.12")
GRAND: Final = Decimal("58.02")


@dataclasses.dataclass(frozen=True, slots=True)
class End:
    """What stands in an ERP, as the ERP itself shows it."""

    #: Article -> (pieces, net). An ERP whose prices have two decimals needs two lines for two pieces at 15.05.
    lines: Mapping[str, tuple[Decimal, Decimal]]
    #: Percent -> what it is taken of.
    taxed: Mapping[Decimal, Decimal]
    tax: Decimal
    total: Decimal


#: Before the cent of the shop's rounding, which is a line with a name, the ERPs come to 58.03.
END: Final = End(
    lines={
        TEA: (Decimal(3), Decimal("18.90")),
        SIEVE: (Decimal(5), Decimal("12.60")),
        SPOONS: (Decimal(2), Decimal("15.05")),
        "SHIPPING": (Decimal(1), PARCEL_NET),
        "ROUNDING": (Decimal(1), Decimal("-0.01")),
    },
    taxed={Decimal(7): Decimal("18.90"), Decimal(19): Decimal("31.77")},
    tax=Decimal("7.36"),
    total=GRAND,
)


def end_of(rows: list[tuple[str, Decimal, Decimal, list[Decimal]]], tax: Decimal, total: Decimal) -> End:
    """From an ERP's lines: article, pieces, net, percents."""
    lines: dict[str, tuple[Decimal, Decimal]] = {}
    taxed: dict[Decimal, Decimal] = {}
    for code, pieces, net, rates in rows:
        known = lines.get(code, (Decimal(0), Decimal(0)))
        lines[code] = (known[0] + pieces, known[1] + net)
        for rate in rates:
            taxed[rate] = taxed.get(rate, Decimal(0)) + net
    return End(lines, taxed, tax, total)
