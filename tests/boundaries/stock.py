"""A shop whose stock is to change: some of it up, some down, one article with a sale that Crossdock has not heard of.

The drain of the shop's stock is struck. What it left is judged by the shop's own ledger: at the end every article shows
what the rules say of what the ERP has, and on the way none ever showed more.
"""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

from sqlalchemy import delete, exists, select

from config.model import StockPolicy
from connectors.kit.errors import Transient
from connectors.sandbox.ledger import read_ledger
from sync.flows.pull import pull
from sync.flows.stock.reading import Reader
from sync.flows.stock.spread import spread
from sync.rules.stock_systems import stock_systems
from sync.rules.systems import Systems
from sync.store.engine import Store
from sync.store.tables import captured_lines, touched_stock
from sync.work.stock.drain import drain_stock
from sync.work.stock.run import run_stock
from tests.boundaries.erps import Sandbox
from tests.boundaries.stories import Story, nobody
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, CUP, POT, TEA, Trade

#: Two variations of one product: a call of their own.
RED, BLUE = "TASSE-ROT", "TASSE-BLAU"
#: What somebody counts in the ERP while the shop shows 5000 of each.
COUNTED = {TEA: 7000, POT: 40, CUP: 6000, RED: 5200, BLUE: 12}
#: Pieces that the shop sold and nobody has heard of.
UNHEARD = 3


@dataclasses.dataclass(frozen=True)
class Stock(Story):
    """Five articles."""

    name: ClassVar[str] = "stock"
    stock: ClassVar[StockPolicy] = StockPolicy(push=True, safety=Decimal(5))

    #: Product of the shop -> what it is to show in the end, and must never be set beyond.
    shown: dict[str, str]
    #: Entries of the shop's ledger that come before all this.
    before: int

    @classmethod
    def live(cls, trade: Trade) -> Self:
        known = trade.buy((POT, 2))
        Reader(trade.store, trade.config, "erp", trade.systems.connector("erp")).changed()
        trade.store.write(lambda c: c.execute(delete(touched_stock).where(touched_stock.c.sku.not_in(COUNTED))))
        trade.show_stock()
        # Since the orders were pulled.
        unheard = trade.buy((TEA, UNHEARD))
        for code, quantity in COUNTED.items():
            trade.in_erp("PUT", "stock", {"code": code, "quantity": str(quantity)})
        Reader(trade.store, trade.config, "erp", trade.systems.connector("erp")).changed()
        spread(trade.store, trade.config)
        rows = trade.in_shop("GET", f"products?sku={','.join(COUNTED)}")
        # The pieces of the known order are reserved there, and on hand still.
        left = {TEA: COUNTED[TEA] - UNHEARD, POT: COUNTED[POT] - 2}
        return cls(
            orders={number: trade.order(number)["total"] for number in (known, unheard)},
            shown={str(row["id"]): str(left.get(row["sku"], COUNTED[row["sku"]]) - 5) for row in rows},
            before=trade.shop.shop.ledger.count,
        )

    def be_struck(self, store: Store, made: Systems) -> None:
        drain_stock(store, made.config, stock_systems(made, CHANNEL), ring=nobody)

    def go_on(self, store: Store, made: Systems) -> None:
        """What the schedule does, again and again: orders, what moved in the ERP, the shop."""
        runtime: Any = SimpleNamespace(store=store, config=made.config, systems=made, bell=SimpleNamespace(ring=nobody))
        # On a busy machine a call may take longer than is allowed here; the schedule runs again.
        with contextlib.suppress(Transient):
            run_stock(runtime, CHANNEL, full=False, pull_orders=lambda: self._orders(store, made))
        drain_stock(store, made.config, stock_systems(made, CHANNEL), ring=nobody)

    def _orders(self, store: Store, made: Systems) -> None:
        pull(store, made.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        super().be_struck(store, made)

    def is_settled(self, store: Store) -> bool:
        """Nothing counts any more that a reading has yet to end, and every channel was told of everything."""
        left = select(exists(captured_lines.select()) | exists(touched_stock.select()))
        return not store.read(lambda c: c.execute(left).scalar_one())

    def faults(self, erp: Sandbox, shop: Path) -> list[str]:
        faults, last = [], {}
        for entry in read_ledger(shop):
            if not entry.kind.startswith("product") or entry.external_id not in self.shown:
                continue
            last[entry.external_id] = quantity = Decimal(entry.document["stock_quantity"])
            most = Decimal(self.shown[entry.external_id])
            if entry.seq > self.before and entry.kind == "product.stock" and quantity > most:
                faults.append(f"{entry.key} was set to {quantity}, and {most} are there")
        wrong = {number: shown for number, shown in last.items() if shown != Decimal(self.shown[number])}
        return [
            *faults,
            *(f"product {number} shows {shown}, not {self.shown[number]}" for number, shown in wrong.items()),
        ]
