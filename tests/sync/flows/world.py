"""A whole installation in one process: shop and ERP in memory, a real database, real drains, and a clock to turn."""

from __future__ import annotations

import datetime as dt
import functools
import threading
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, select, update

from config.model import DEFAULT_RULES, AfterImport, Channel, Config, Mode, Policies
from config.model import Connection as Account
from sync.desk.outcomes import PROBE_S
from sync.flows.pull import Pulled, pull
from sync.rules.state_words import state_words
from sync.rules.systems import Systems
from sync.store.channels import start_channel
from sync.store.engine import Store
from sync.store.inbox import NewEvent, record_events
from sync.store.issues import list_open
from sync.store.orders import StoredOrder, find_orders, list_orders
from sync.store.tables import bindings, channel_states, intents, leases, orders, work_items
from sync.work.dispatch import Dispatcher
from sync.work.drain import drain_channel
from tests.databases import forward
from tests.sync.flows.erp import Crash, Erp, Sale
from tests.sync.flows.shop import PLACED, Shop

T = TypeVar("T")
CHANNEL = "web"
GO_LIVE = PLACED - dt.timedelta(days=1)


class Bell:
    """Remembers who was rung for."""

    def __init__(self) -> None:
        self.rings: list[tuple[str, str]] = []

    def ring(self, channel: str, kind: str, *, again: bool = False) -> bool:
        self.rings.append((channel, kind))
        return True


class FragileStore(Store):
    """Strikes before or after the n-th transaction: `strike` raises Crash, or does what it likes."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.engine)
        self.strike: Callable[[], None] = lambda: None
        self.countdown = 0

    def read(self, work: Callable[[Connection], T]) -> T:
        self._boundary()
        return super().read(work)

    def write(self, work: Callable[[Connection], T]) -> T:
        self._boundary()
        result = super().write(work)
        self._boundary()
        return result

    def _boundary(self) -> None:
        # On a slow machine the heart beats while a drain counts, and would die alone.
        if self.countdown and threading.current_thread().name != "heartbeat":
            self.countdown -= 1
            if not self.countdown:
                self.strike()


class World:
    """What a test holds in its hands."""

    #: Given by the fixture `passing_time`.
    time: Any = SimpleNamespace(ahead_s=0.0)

    def __init__(
        self,
        store: Store,
        *,
        enforced: bool = True,
        bulk: int = 1,
        concurrency: int = 2,
        channels: Iterable[str] = (CHANNEL,),
        trusted: bool = True,
        rules: dict[str, Mode] | None = None,
        **policies: Any,
    ) -> None:
        self.store = store
        self.shop = Shop()
        self.erp = Erp(enforced=enforced, bulk=bulk, concurrency=concurrency)
        policy = Policies(start_at=GO_LIVE, rules=dict(DEFAULT_RULES) | (rules or {}), **policies)
        after = AfterImport(state_back=state_words("woocommerce", {}).default)
        self.config = Config(
            folder=Path("config"),
            connections={
                "shop": Account(name="shop", system="woocommerce", url="http://shop.test"),
                "erp": Account(name="erp", system="sandbox_erp", url="http://erp.test"),
            },
            channels={
                name: Channel(name=name, source="shop", erp="erp", policies=policy, after_import=after)
                for name in channels
            },
        )
        self.systems = Systems(self.config)
        self.systems._made |= {"shop": self.shop, "erp": self.erp}
        self.bell = Bell()
        self.fragile = FragileStore(store)
        self.fragile.strike = self._die
        self.runtime: Any = SimpleNamespace(
            store=store,
            config=self.config,
            systems=self.systems,
            bell=self.bell,
            settings=SimpleNamespace(public_url="https://hub.test"),
        )
        self.dispatcher = Dispatcher(self.runtime)
        # That a taker must have seen the same heartbeat for a whole lease has a test of its own.
        self.dispatcher._lease_s = {"erp": 0.0}
        for name in channels:
            store.write(functools.partial(start_channel, channel=name, start_at=GO_LIVE))
        if trusted:
            self.write(lambda c: c.execute(update(channel_states).values(trusted_since=GO_LIVE)))

    # --- the database -------------------------------------------------------------------------------------------

    def write(self, work: Callable[[Connection], T]) -> T:
        return self.store.write(work)

    def item(self, external_id: str, channel: str = CHANNEL) -> Row[Any]:
        return next(row for row in self.items() if (row.channel, row.external_id) == (channel, external_id))

    def items(self) -> list[Row[Any]]:
        return self.rows(select(work_items).order_by(work_items.c.id))

    def rows(self, query: Any) -> list[Row[Any]]:
        return self.store.read(lambda c: list(c.execute(query)))

    def open_intents(self) -> list[Row[Any]]:
        return self.rows(select(intents).where(intents.c.closed_at.is_(None)))

    def leases(self) -> list[Row[Any]]:
        return self.rows(select(leases))

    def bindings(self, external_id: str | None = None) -> list[Row[Any]]:
        """The living ones."""
        query = select(bindings, orders.c.external_id.label("order")).join(orders, orders.c.id == bindings.c.order_id)
        found = self.rows(query.where(bindings.c.ended_at.is_(None)))
        return [row for row in found if external_id in {None, row.order}]

    def order(self, external_id: str, channel: str = CHANNEL) -> StoredOrder:
        found = self.store.read(lambda c: list_orders(c, channel, "erp"))
        return next(order for order in found if order.external_id == external_id)

    def find(self, number: str) -> list[StoredOrder]:
        return self.store.read(lambda c: find_orders(c, number, dict.fromkeys(self.config.channels, "erp")))

    def causes(self) -> dict[str, int]:
        """Cause of every open issue -> its documents."""
        return {issue.cause: issue.documents for issue in self.store.read(list_open)}

    # --- what happens -------------------------------------------------------------------------------------------

    def tell(self, *events: NewEvent) -> None:
        """Webhooks arrive."""
        self.write(lambda c: record_events(c, events, {"shop": list(self.config.channels)}))

    def pull(self) -> Pulled:
        return pull(self.store, self.shop, "shop", list(self.config.channels), since=GO_LIVE)

    def drain(self, channel: str = CHANNEL) -> int:
        """One drain, on a store that may break; Crash is caught, and nothing of the dead one goes on."""
        try:
            return drain_channel(self.fragile, self.systems.channel(channel), "order", ring=self.bell.ring)
        except Crash:
            return -1
        finally:
            self.fragile.countdown = 0
            self.erp.is_dead = False

    def carry(self) -> None:
        """Pull and drain."""
        self.pull()
        for channel in self.config.channels:
            self.drain(channel)

    def _die(self) -> None:
        self.erp.is_dead = True
        raise Crash

    def forward(self, seconds: float) -> None:
        """Time passes everywhere."""
        forward(self.store, seconds)
        self.time.ahead_s += seconds
        self.erp.forward(seconds)

    def settle(self) -> None:
        """So much time that nothing can land any more, no lease lives and no pause of ours holds."""
        self.forward(self.erp.write_deadline_s + (self.erp.settle_bound_s or 0.0) + PROBE_S + 30.0)
        self.dispatcher.recover()

    def sales(self, external_id: str, channel: str = CHANNEL) -> list[Sale]:
        return self.erp.standing(f"{channel}:{external_id}")

    def totals(self, external_id: str) -> list[Decimal]:
        return [sale.total for sale in self.sales(external_id)]
