"""Money: exact amounts in one currency, in the scale that their source wrote."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Final, Self

#: Decimals of a unit price that does not come out even: 18.91 / 3.
_UNIT_PRICE_DECIMALS: Final = 12
#: Wide enough that no sum of one order is ever rounded; the default context rounds at 28 digits without a word.
WIDE: Final = Context(prec=80)


@dataclasses.dataclass(frozen=True, slots=True)
class Money:
    """An exact amount; it keeps the scale that the source wrote (a real shop writes JPY 3.36)."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is not money: floats, NaN and infinities never get this far."""
        amount: object = self.amount
        if not isinstance(amount, Decimal):
            raise TypeError(f"Money takes a Decimal, not {type(amount).__name__}")
        if not amount.is_finite():
            raise ValueError(f"Money must be finite, not {amount}")

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{other.currency} cannot be added to {self.currency}")
        return other.amount

    def __add__(self, other: Money) -> Self:
        """Exact sum in the same currency."""
        return type(self)(WIDE.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: Money) -> Self:
        """Exact difference in the same currency."""
        return type(self)(WIDE.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> Self:
        """The same amount with the other sign."""
        return type(self)(WIDE.minus(self.amount), self.currency)

    def __bool__(self) -> bool:
        """Whether the amount is not zero."""
        return bool(self.amount)

    def __str__(self) -> str:
        """`12.50 EUR`, never in exponent notation."""
        return f"{self.amount:f} {self.currency}"

    @property
    def digits(self) -> int:
        """How many decimals the source wrote."""
        exponent = self.amount.as_tuple().exponent
        return max(0, -exponent) if isinstance(exponent, int) else 0

    def quantized(self, digits: int) -> Self:
        """Rounded half up to `digits` decimals, as a target needs it."""
        unit = Decimal(1).scaleb(-digits)
        return type(self)(self.amount.quantize(unit, rounding=ROUND_HALF_UP, context=WIDE), self.currency)


def to_unit(amount: Decimal, unit: Decimal, rounding: str) -> Decimal:
    """`amount` as a multiple of `unit`, as a currency with such a smallest amount rounds."""
    return (amount / unit).quantize(Decimal(1), rounding=rounding) * unit


def money_sum(amounts: Iterable[Money], currency: str) -> Money:
    """Exact sum; zero in `currency` for an empty list."""
    total = Money(Decimal(0), currency)
    for amount in amounts:
        total += amount
    return total


def shares(amount: Money, weights: Sequence[Decimal], digits: int) -> list[Money]:
    """The amount in parts as large as their weights, each in whole units of `digits` decimals; they add up exactly.

    What rounding leaves goes to the parts that lost most by it, a fraction of a unit to the first. Equal parts where
    nothing has a weight.
    """
    total = sum(weights, Decimal(0))
    weights, total = (weights, total) if total else ([Decimal(1)] * len(weights), Decimal(len(weights)))
    unit = Decimal(1).scaleb(-digits)
    exact = [WIDE.divide(WIDE.multiply(amount.amount, weight), total) for weight in weights]
    rounded = [part.quantize(unit, rounding=ROUND_DOWN, context=WIDE) for part in exact]
    rest = WIDE.subtract(amount.amount, sum(rounded, Decimal(0)))
    step = unit.copy_sign(rest)
    neediest = sorted(range(len(exact)), key=lambda index: -abs(exact[index] - rounded[index]))
    for index in neediest:
        if abs(rest) < unit:
            break
        rounded[index] += step
        rest -= step
    if rest:
        rounded[0] += rest
    return [Money(part, amount.currency) for part in rounded]


def unit_price(subtotal: Money, quantity: Decimal) -> Money:
    """The price of one: in the subtotal's decimals where it comes out even, else unrounded (to twelve decimals)."""
    if not quantity:
        return subtotal
    price = Money(WIDE.divide(subtotal.amount, quantity), subtotal.currency).quantized(_UNIT_PRICE_DECIMALS)
    rounded = price.quantized(subtotal.digits)
    return rounded if rounded == price else Money(WIDE.normalize(price.amount), subtotal.currency)
