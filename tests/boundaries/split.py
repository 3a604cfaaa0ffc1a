"""The story of an order that is divided: no warehouse has all of it, so it becomes a sale for each of two."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from pathlib import Path
from typing import ClassVar, Self

from config.model import Routing, RoutingRule, Split, StockPolicy
from sync.flows.pull import pull
from tests.boundaries.erps import Sandbox
from tests.boundaries.stories import Story
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, POT, TEA, Trade


@dataclasses.dataclass(frozen=True)
class Divided(Story):
    """Struck is the drain that chooses the warehouses and makes both sales."""

    name: ClassVar[str] = "divided"
    stock: ClassVar[StockPolicy] = StockPolicy(push=True)
    routing: ClassVar[Routing] = Routing(
        rules=(RoutingRule(name="default", warehouses=("MAIN", "NORTH"), split=Split.LINES),)
    )

    #: Id under which each part is known -> total of its sale.
    parts: dict[str, str]

    @classmethod
    def live(cls, trade: Trade) -> Self:
        for code, warehouse, there in ((TEA, "NORTH", "9"), (TEA, "MAIN", "0"), (POT, "MAIN", "9")):
            trade.in_erp("PUT", "stock", {"code": code, "quantity": there, "warehouse": warehouse})
        number = trade.buy((TEA, 2), (POT, 1))
        pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        order = trade.order(number)
        [tea] = [line for line in order["line_items"] if line["sku"] == TEA]
        second = Decimal(tea["total"]) + Decimal(tea["total_tax"])
        # The dearer part is the first, and bears the order's own key.
        first = Decimal(order["total"]) - second
        return cls(orders={number: order["total"]}, parts={number: f"{first}", f"{number}:part:2": f"{second}"})

    def sales(self) -> dict[str, str]:
        return self.parts

    def faults(self, erp: Sandbox, shop: Path) -> list[str]:
        return []
