"""A discount of a whole order, shared out over its lines as the shops do it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

#: The code that customers enter for it, as in the recorded shops.
CODE: Final = "SOMMER10"


def shares(amounts: Sequence[Decimal], percent: Decimal, unit: Decimal) -> list[Decimal]:
    """What `percent` of all amounts takes off each, in whole units; who lost most by rounding bears what is left."""
    whole = (sum(amounts, Decimal(0)) * percent / 100).quantize(unit, ROUND_HALF_UP)
    exact = [amount * percent / 100 for amount in amounts]
    taken = [each.quantize(unit, ROUND_DOWN) for each in exact]
    left = int((whole - sum(taken, Decimal(0))) / unit)
    for place in sorted(range(len(exact)), key=lambda place: taken[place] - exact[place])[:left]:
        taken[place] += unit
    return taken
