"""Shops and an ERP in memory that know stock, with real orders, real drains, a real database and a clock to turn."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select, text, update

from config.model import Channel, Config, Policies, StockPolicy
from config.model import Connection as Account
from connectors.kit.base import JsonDict, Rank, Result
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.permits import demand_permit
from connectors.kit.stock import (
    Location,
    ShopStock,
    StockChanges,
    StockReading,
    StockResult,
    StockSource,
    StockTarget,
    StockWrite,
)
from sync.flows.pull import pull
from sync.flows.stock.reading import Reader
from sync.flows.stock.spread import mark_everything, spread
from sync.rules.stock_systems import stock_systems
from sync.rules.systems import Systems
from sync.store.channels import start_channel
from sync.store.engine import Store
from sync.store.issues import list_open
from sync.store.stock.items import KIND, mark_stock
from sync.store.stock.shown import Shown, load_shown
from sync.store.tables import captured_lines, channel_states, issue_documents, issues, work_items
from sync.work.dispatch import Dispatcher
from sync.work.drain import drain_channel
from sync.work.stock.drain import drain_stock
from sync.work.stock.run import run_stock
from tests.databases import forward, now
from tests.sync.flows.erp import Erp
from tests.sync.flows.shop import PLACED, Shop
from tests.sync.flows.world import Bell

GO_LIVE = PLACED - dt.timedelta(days=1)
ONE, TWO = "web", "market"
MAIN, SECOND = "MAIN", "SECOND"


class Warehouse(Erp, StockSource):
    """The books with goods in them: the figure is what people put there, minus confirmed sales."""

    figure = "available"
    reserves_at = Rank.CONFIRMED
    stock_batch = 25

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        #: (article, place) -> what people put there.
        self.put: dict[tuple[str, str], Decimal] = {}
        self.places = [MAIN, SECOND]
        self.ordered: dict[str, list[JsonDict]] = {}
        self.moved: list[str] = []
        self.stock_errors: collections.deque[ConnectorError] = collections.deque()
        self.readings: list[list[str] | None] = []
        #: Happens after the ERP has answered and before its answer arrives.
        self.on_the_way: Callable[[], None] = lambda: None

    def put_there(self, sku: str, quantity: object, place: str = MAIN) -> None:
        self.put[sku, place] = Decimal(str(quantity))
        self.moved.append(sku)

    def sold(self, sku: str) -> Decimal:
        """In confirmed sales."""
        confirmed = {sale.key for sale in self.sales.values() if sale.rank is Rank.CONFIRMED}
        lines = (line for key, lines in self.ordered.items() if key in confirmed for line in lines)
        return sum((Decimal(line["quantity"]) for line in lines if line["product"] == sku), Decimal(0))

    def figure_of(self, sku: str, place: str = MAIN) -> Decimal:
        """Sales are sent from the first place."""
        return self.put.get((sku, place), Decimal(0)) - (self.sold(sku) if place == MAIN else 0)

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        for payload in payloads:
            self.ordered[payload["external_key"]] = payload["lines"]
        return super().create_sales(payloads)

    def _advance(self, number: int, rank: Rank) -> Result:
        result = super()._advance(number, rank)
        if result.document is not None:
            self.moved += [line["product"] for line in self.ordered[result.document.key]]
        return result

    def list_locations(self) -> list[Location]:
        self._stumble()
        return [Location(code, code, code.title()) for code in self.places]

    def read_stock(self, locations: Sequence[str], skus: Sequence[str] | None = None) -> Iterator[list[StockReading]]:
        self._stumble()
        self.readings.append(None if skus is None else list(skus))
        known = {sku for sku, _ in self.put}
        wanted = sorted(known if skus is None else known & set(skus))
        answer = [StockReading(sku, place, self.figure_of(sku, place)) for sku in wanted for place in locations]
        self.on_the_way()
        yield answer

    def pull_stock_changes(self, checkpoint: str | None) -> Iterator[StockChanges]:
        self._stumble()
        begin = 0 if checkpoint is None else int(checkpoint)
        moved = frozenset() if checkpoint is None else frozenset(self.moved[begin:])
        yield StockChanges(moved, str(len(self.moved)))

    def _stumble(self) -> None:
        if self.stock_errors:
            raise self.stock_errors.popleft()


class Counter(Shop, StockTarget):
    """A shop that counts: its own sales lower what it shows, and whatever is written replaces it."""

    stock_bulk = 100
    write_deadline_s = 10.0
    compares_stock = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.articles: dict[str, list[ShopStock]] = {}
        self.looks: list[list[str]] = []
        self.writes: list[list[StockWrite]] = []
        self.look_errors: collections.deque[Exception] = collections.deque()
        self.write_errors: collections.deque[Exception] = collections.deque()
        self.refused: set[str] = set()
        #: A write whose answer is lost lands all the same.
        self.lands = False
        #: Sees every figure in the moment in which it lands.
        self.watch: Callable[[str, Decimal], None] = lambda sku, quantity: None
        #: Happens after the shop has said what it shows.
        self.on_the_way: Callable[[], None] = lambda: None

    def offer(self, sku: str, quantity: object = 0, **changes: Any) -> None:
        kept = {"external_id": str(len(self.articles) + 1), **changes}
        shown = None if quantity is None else Decimal(str(quantity))
        self.articles.setdefault(sku, []).append(ShopStock(sku=sku, quantity=shown, **kept))

    def shows(self, sku: str) -> Decimal | None:
        return self.articles[sku][0].quantity

    def take(self, sku: str, quantity: int = 1) -> None:
        """A sale lowers what the shop shows."""
        self._set(sku, (self.shows(sku) or Decimal(0)) - quantity)

    def sell(self, sku: str, quantity: int = 1) -> str:
        """An order comes in, as WooCommerce does it."""
        order = self.place(sku=sku)
        self.orders[order]["line_items"][0]["quantity"] = quantity
        placed = f"{now():%Y-%m-%dT%H:%M:%S}"
        self.orders[order] |= {"date_created_gmt": placed, "date_modified_gmt": placed}
        self.take(sku, quantity)
        return order

    def _set(self, sku: str, quantity: Decimal, *, backorders: bool | None = None) -> None:
        for index, article in enumerate(self.articles[sku]):
            values = {name: getattr(article, name) for name in article.__slots__}
            values |= {"quantity": quantity} | ({} if backorders is None else {"backorders": backorders})
            self.articles[sku][index] = ShopStock(**values)

    def find_stock(self, skus: Sequence[str]) -> dict[str, list[ShopStock]]:
        if self.look_errors:
            raise self.look_errors.popleft()
        self.looks.append(list(skus))
        found = {sku: list(self.articles[sku]) for sku in skus if sku in self.articles}
        self.on_the_way()
        return found

    def write_stock(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        demand_permit()
        error = self.write_errors.popleft() if self.write_errors else None
        if error is not None and not self.lands:
            raise error
        self.writes.append(list(writes))
        results = [self._write(write) for write in writes]
        if error is not None:
            raise error
        return results

    def _write(self, write: StockWrite) -> StockResult:
        if write.article.sku in self.refused:
            return StockResult(error=RecordRejected("not this one", code="not_this"))
        self.watch(write.article.sku, write.quantity)
        self._set(write.article.sku, write.quantity, backorders=write.backorders)
        return StockResult(write.quantity)


class StockWorld:
    """Two shops with a channel each, into one ERP."""

    def __init__(
        self, store: Store, *, policies: dict[str, Any] | None = None, channels: Sequence[str] = (ONE,), **stock: Any
    ) -> None:
        self.store = store
        self.erp = Warehouse(bulk=10)
        self.shops = {name: Counter() for name in channels}
        policy = Policies(start_at=GO_LIVE, **(policies or {}))
        accounts = {f"shop-{name}": "woocommerce" for name in channels} | {"erp": "sandbox_erp"}
        self.config = Config(
            folder=Path("config"),
            connections={
                name: Account(name=name, system=system, url="http://x.test") for name, system in accounts.items()
            },
            channels={
                name: Channel(
                    name=name,
                    source=f"shop-{name}",
                    erp="erp",
                    policies=policy,
                    stock=StockPolicy(**{"push": True, **stock}),
                )
                for name in channels
            },
        )
        self.systems = Systems(self.config)
        self.systems._made |= {f"shop-{name}": shop for name, shop in self.shops.items()} | {"erp": self.erp}
        self.bell = Bell()
        self.runtime: Any = SimpleNamespace(
            store=store, config=self.config, systems=self.systems, bell=self.bell, settings=None
        )
        self.dispatcher = Dispatcher(self.runtime)
        for name in channels:
            store.write(lambda c, name=name: start_channel(c, name, GO_LIVE))
        store.write(lambda c: c.execute(update(channel_states).values(trusted_since=GO_LIVE)))

    @property
    def shop(self) -> Counter:
        return self.shops[ONE]

    # --- what happens -------------------------------------------------------------------------------------------

    def offer(self, sku: str, there: object = 0, shown: object = 0) -> None:
        """An article that the ERP and every shop have."""
        self.erp.articles.setdefault(sku, dict(self.erp.articles["TASSE"], id=sku))
        self.erp.put_there(sku, there)
        for shop in self.shops.values():
            shop.offer(sku, shown)

    def pull(self, channel: str = ONE) -> None:
        pull(self.store, self.shops[channel], f"shop-{channel}", [channel], since=GO_LIVE)

    def capture(self, channel: str = ONE) -> None:
        """Pull the orders of a channel and carry them over."""
        self.pull(channel)
        drain_channel(self.store, self.systems.channel(channel), "order", ring=self.bell.ring)

    def reader(self) -> Reader:
        return Reader(self.store, self.config, "erp", self.erp)

    def read(self) -> None:
        self.reader().changed()

    def spread(self) -> int:
        return spread(self.store, self.config)

    def push(self, channel: str = ONE) -> int:
        """Tell the channels, and let one of them look."""
        self.spread()
        return drain_stock(self.store, self.config, stock_systems(self.systems, channel), ring=self.bell.ring)

    def run(self, channel: str = ONE, *, full: bool = False) -> str:
        """What the scheduler does, and then the drains."""
        said = run_stock(self.runtime, channel, full=full, pull_orders=lambda: self.capture(channel))
        self.push(channel)
        return said

    def mark(self, *skus: str, facets: Sequence[str] = ("level",), channel: str = ONE) -> None:
        self.store.write(lambda c: mark_stock(c, channel, skus, facets))

    def mark_everything(self, channel: str = ONE) -> int:
        return mark_everything(self.store, self.config, channel)

    def forward(self, seconds: float) -> None:
        forward(self.store, seconds)

    def change_stock(self, channel: str, **rules: Any) -> None:
        """Another configuration of a channel's stock, and a restart with it."""
        before = self.config.channels[channel]
        after = dataclasses.replace(before, stock=dataclasses.replace(before.stock, **rules))
        self.config = dataclasses.replace(self.config, channels={**self.config.channels, channel: after})
        self.systems.config = self.runtime.config = self.config

    # --- what stands --------------------------------------------------------------------------------------------

    def shown(self, sku: str, channel: str = ONE) -> Shown:
        return self.store.read(lambda c: load_shown(c, channel, [sku]))[sku, ""]

    def item(self, sku: str, channel: str = ONE) -> Any:
        table = work_items.c
        query = select(work_items).where(table.channel == channel, table.kind == KIND, table.external_id == sku)
        return self.store.read(lambda c: c.execute(query).one())

    def captured(self, sku: str = "TASSE") -> list[Any]:
        query = select(captured_lines).where(captured_lines.c.sku == sku).order_by(captured_lines.c.order_id)
        return self.store.read(lambda c: list(c.execute(query)))

    def causes(self) -> dict[str, int]:
        return {issue.cause: issue.documents for issue in self.store.read(list_open)}

    def documents(self, cause: str) -> set[tuple[str, str]]:
        """(channel, external id) of what stands in the open issue."""
        query = (
            select(work_items.c.channel, work_items.c.external_id)
            .join(issue_documents, issue_documents.c.item_id == work_items.c.id)
            .join(issues, issues.c.id == issue_documents.c.issue_id)
            .where(issues.c.cause == cause, issue_documents.c.closed_at.is_(None), issues.c.closed_at.is_(None))
        )
        return set(self.store.read(lambda c: [tuple(row) for row in c.execute(query)]))

    def hold_back(self, order: str, channel: str = ONE) -> None:
        """Its document never reached the state in which the ERP reserves."""
        self.store.write(lambda c: c.execute(text("UPDATE captured_lines SET reserved_at = NULL")))
