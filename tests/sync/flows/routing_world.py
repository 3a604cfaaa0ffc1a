"""Shops whose orders are sent from several warehouses of one ERP."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from config.model import Needs, RoutingRule
from connectors.kit.base import JsonDict, Rank, Ref, Result
from sync.store.engine import Store
from sync.store.orders import StoredOrder, load_order
from sync.store.tables import order_routes
from sync.work.drain import drain_channel
from tests.mappings.woocommerce_orders import woo_line
from tests.sync.flows.shop import payload
from tests.sync.flows.stock_world import MAIN, ONE, SECOND, StockWorld, Warehouse

ALL = RoutingRule(name="default", warehouses=(MAIN, SECOND))


def always(warehouse: str, **conditions: Any) -> RoutingRule:
    return RoutingRule(name=f"to_{warehouse.lower()}", warehouses=(warehouse,), needs=Needs.ALWAYS, **conditions)


class Depots(Warehouse):
    """The books of an ERP that takes what it sends from the warehouse that the sale names."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        #: Key of a sale -> the warehouse that it names; empty where it names none.
        self.sent_from: dict[str, str] = {}

    def _known(self, ref: Ref) -> JsonDict | None:
        if ref.kind != "warehouse":
            return super()._known(ref)
        return {"id": ref.value, "code": ref.value} if ref.value in self.places else None

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        self.sent_from |= {each["external_key"]: each.get("warehouse", "") for each in payloads}
        return super().create_sales(payloads)

    def figure_of(self, sku: str, place: str = MAIN) -> Decimal:
        confirmed = {
            sale.key
            for sale in self.sales.values()
            if sale.rank is Rank.CONFIRMED and (self.sent_from[sale.key] or MAIN) == place
        }
        lines = [line for key in confirmed for line in self.ordered[key] if line["product"] == sku]
        return self.put.get((sku, place), Decimal(0)) - sum((Decimal(each["quantity"]) for each in lines), Decimal(0))


class RoutedWorld(StockWorld):
    """Its channels all have the same rules."""

    def __init__(
        self,
        store: Store,
        *rules: RoutingRule,
        routing: dict[str, Any] | None = None,
        channels: Sequence[str] = (ONE,),
        **options: Any,
    ) -> None:
        super().__init__(store, channels=channels, **options)
        self.erp: Depots = Depots(bulk=10)
        self.systems._made["erp"] = self.erp
        self.change(rules=rules or (ALL,), **(routing or {}))

    def change(self, **changes: Any) -> None:
        """The configuration says something else of the routing."""
        channels: Any = self.config.channels
        for name, channel in list(channels.items()):
            channels[name] = dataclasses.replace(channel, routing=dataclasses.replace(channel.routing, **changes))

    def stock(self, sku: str, **places: int) -> None:
        """So many pieces in each warehouse."""
        if sku not in self.shop.articles:
            self.offer(sku)
        for place, pieces in places.items():
            self.erp.put_there(sku, pieces, place)

    def buy(self, *lines: tuple[str, int], channel: str = ONE, to: dict[str, str] | None = None, **changes: Any) -> str:
        """An order, which nobody has pulled yet; `to` changes its shipping address."""
        shop = self.shops[channel]
        number = len(shop.versions) + 1
        items = [
            woo_line(
                id=index,
                quantity=quantity,
                sku=sku,
                subtotal="10.00",
                total="10.00",
                subtotal_tax="0.00",
                total_tax="0.00",
                taxes=[],
            )
            for index, (sku, quantity) in enumerate(lines, 1)
        ]
        order = payload(number, total=f"{10 * len(items)}.00", line_items=items, **changes)
        order["shipping"] = order["shipping"] | (to or {})
        return shop.put(order)

    def drain(self, channel: str = ONE) -> None:
        drain_channel(self.store, self.systems.channel(channel), "order", ring=self.bell.ring)

    def sent_from(self, order: str, channel: str = ONE) -> str | None:
        """The warehouse that the order's sale names; None while there is no sale."""
        key = f"{channel}:{order}"
        return self.erp.sent_from[key] if self.erp.standing(key) else None

    def order(self, external_id: str, channel: str = ONE) -> StoredOrder:
        found = self.store.read(lambda c: load_order(c, channel, external_id, "erp"))
        assert found is not None
        return found

    def routes(self) -> list[tuple[str, str, bool]]:
        """(rule, warehouse, short) of every order, in the order in which they came."""
        query = select(order_routes.c.rule, order_routes.c.warehouse, order_routes.c.short)
        rows = self.store.read(lambda c: c.execute(query.order_by(order_routes.c.order_id)).all())
        return [(row.rule, row.warehouse, row.short) for row in rows]

    def places(self, sku: str = "TASSE") -> list[tuple[str, Decimal]]:
        """(warehouse, pieces) of what orders take of an article and the ERP does not know yet."""
        return [(row.location, Decimal(row.quantity)) for row in self.captured(sku)]
