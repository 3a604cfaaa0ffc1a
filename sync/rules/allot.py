"""Which pieces of a shipment belong to which line of the order: the ERP knows articles, the shop knows lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

#: Line of the order -> its article's code in the ERP, and how many were ordered.
Ordered = Mapping[str, tuple[str, Decimal]]


def allot(ordered: Ordered, shipments: Iterable[Sequence[tuple[str, Decimal]]]) -> list[dict[str, Decimal]]:
    """For each shipment (article, pieces), in their order: line of the order -> pieces.

    Of two lines with the same article the first is filled first. No line ever gets more than was ordered of it; what
    an ERP ships beyond that is nobody's (a replacement, a sample).
    """
    left = {line: quantity for line, (_, quantity) in ordered.items()}
    return [_of_one(ordered, left, pieces) for pieces in shipments]


def _of_one(ordered: Ordered, left: dict[str, Decimal], pieces: Sequence[tuple[str, Decimal]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for article, quantity in pieces:
        rest = quantity
        for line, (code, _) in ordered.items():
            taken = min(rest, left[line]) if code == article else Decimal(0)
            if taken > 0:
                left[line] -= taken
                rest -= taken
                found[line] = found.get(line, Decimal(0)) + taken
    return found
