"""Amounts as GraphQL writes them, in the two currencies of an order."""

from __future__ import annotations

import dataclasses
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

CENT: Final = Decimal("0.01")


@dataclasses.dataclass(frozen=True, slots=True)
class Till:
    """What one customer pays in. The shop's own money is converted part by part, so its parts may miss their sum."""

    shop: str
    currency: str
    #: How much of the customer's currency one of the shop's is worth.
    rate: Decimal = Decimal(1)

    def price(self, amount: Decimal) -> Decimal:
        """A price of the shop's, as this customer sees it."""
        return (amount * self.rate).quantize(CENT, rounding=ROUND_HALF_UP)

    def bag(self, amount: Decimal) -> dict[str, Any]:
        """An amount that the customer sees, in both moneys."""
        return {
            "shopMoney": {"amount": _text(amount / self.rate), "currencyCode": self.shop},
            "presentmentMoney": {"amount": _text(amount), "currencyCode": self.currency},
        }


def seen(bag: dict[str, Any]) -> Decimal:
    """What the customer sees of it."""
    return Decimal(bag["presentmentMoney"]["amount"])


def inside(gross: Decimal, percent: Decimal) -> Decimal:
    """The tax in a gross amount."""
    return (gross * percent / (100 + percent)).quantize(CENT, rounding=ROUND_HALF_UP)


def _text(amount: Decimal) -> str:
    # As GraphQL writes it: "10.0", "10.5", "10.55".
    text = f"{amount.quantize(CENT, rounding=ROUND_HALF_UP).normalize():f}"
    return text if "." in text else f"{text}.0"
