"""What a channel's shop shows of the ERP's stock."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Final


class HeldOrders(enum.StrEnum):
    """What orders that wait for a person do to the stock that a channel shows."""

    COUNT = "count"
    IGNORE = "ignore"


class Backorders(enum.StrEnum):
    """Whether a shop may sell what is not there."""

    LEAVE = "leave"
    YES = "yes"
    NO = "no"


class MissingArticles(enum.StrEnum):
    """What is said of an article that the ERP has and the shop has not."""

    HOLD = "hold"
    IGNORE = "ignore"


#: In `StockPolicy.freeze`: every article of the channel.
EVERYTHING: Final = "*"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StockPolicy:
    """What a channel's shop shows of the ERP's stock."""

    push: bool = False
    held_orders: HeldOrders = HeldOrders.COUNT
    #: Units that are never shown.
    safety: Decimal = Decimal(0)
    #: The same in percent of what the ERP has; both are taken off.
    safety_percent: Decimal = Decimal(0)
    #: Percent of what is available that this channel may sell.
    share: Decimal = Decimal(100)
    #: The most that is shown; None shows all.
    cap: Decimal | None = None
    #: Decimals of a shown quantity; the rest is cut off.
    decimals: int = 0
    backorders: Backorders = Backorders.LEAVE
    #: ERP warehouses that the one place of the shop shows; empty for all that the ERP has.
    warehouses: tuple[str, ...] = ()
    #: For a shop with places of its own: its place -> the ERP warehouses that it shows.
    locations: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    #: The shop's SKUs that are left as they are; `*` for all.
    freeze: tuple[str, ...] = ()
    missing: MissingArticles = MissingArticles.IGNORE

    @property
    def places(self) -> Mapping[str, tuple[str, ...]]:
        """The shop's place (empty for a shop without places) -> warehouses; empty for all that the ERP has."""
        return self.locations or {"": self.warehouses}

    def is_frozen(self, sku: str) -> bool:
        """Whether the shop keeps what it shows for this article."""
        return EVERYTHING in self.freeze or sku in self.freeze
