"""One article on its way through a batch, and what a drain of stock hands to its flow."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Connection

from config.model import Backorders, Config, StockPolicy
from connectors.kit.stock import ShopStock
from mappings.canonical.words import say
from sync.flows.context import Clock
from sync.rules.stock import Articles, Sum
from sync.rules.stock_systems import StockSystems
from sync.rules.stops import Later
from sync.store.engine import Store
from sync.store.items import Item
from sync.store.leases import Lease, demand_lease
from sync.store.stock.captured import Captured
from sync.store.stock.items import FULL
from sync.store.stock.levels import Level
from sync.store.stock.shown import Shown

T = TypeVar("T")


class Waits(Later):
    """The shop shows less than all that we know explains: orders are pulled first."""


@dataclasses.dataclass(slots=True)
class Place:
    """One article in one place of the shop, on its way through a batch."""

    #: The ERP warehouses that it shows; empty for all.
    warehouses: tuple[str, ...]
    #: What was known of it before.
    before: Shown
    sum: Sum | None = None
    #: What the shop showed when this batch looked.
    article: ShopStock | None = None
    #: What is to be written; None where it shows that already.
    wanted: Decimal | None = None
    #: What is to be kept of it.
    after: Shown | None = None
    #: It would show more, and the ERP is away.
    kept_down: bool = False
    #: It would show more, and the shop shows less than all that we know explains.
    unexplained: bool = False

    @property
    def seen(self) -> Decimal | None:
        """What the shop shows as far as is known by now."""
        return self.article.quantity if self.article is not None else self.before.seen


@dataclasses.dataclass(slots=True)
class StockPiece:
    """One claimed article and what became of it."""

    item: Item
    #: The shop's SKU.
    sku: str
    #: The ERP's code.
    code: str
    places: dict[str, Place]
    levels: Sequence[Level] = ()
    lines: Sequence[Captured] = ()
    error: Exception | None = None
    #: Why nothing more is to be done, or what was done.
    done: str = ""
    #: Not carried at all, and why.
    skipped: str = ""
    #: Why it waits for the ERP; the next reading that succeeds takes it up again.
    waits: str = ""
    started_at: dt.datetime = dataclasses.field(default_factory=lambda: dt.datetime.now(dt.UTC))

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do for it in this batch."""
        return bool(self.error or self.done or self.skipped or self.waits)

    @property
    def must_look(self) -> bool:
        """Whether what we believe of the shop is not enough: somebody asked, or a worker died over it."""
        return FULL in self.item.facets or self.item.suspect


@dataclasses.dataclass(slots=True)
class StockDrain:
    """One drain's surroundings."""

    store: Store
    config: Config
    systems: StockSystems
    lease: Lease
    clock: Clock
    articles: Articles
    progress: Callable[[], None] = lambda: None

    @property
    def policy(self) -> StockPolicy:
        """What the channel says of its stock."""
        return self.systems.channel.stock

    @property
    def backorders(self) -> bool | None:
        """Whether the shop may sell what is not there; None leaves that to the shop."""
        return {Backorders.LEAVE: None, Backorders.YES: True, Backorders.NO: False}[self.policy.backorders]

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` under the fence. Raises LeaseLost, DatabaseBusy."""

        def fenced(connection: Connection) -> T:
            demand_lease(connection, self.lease)
            return work(connection)

        return self.store.write(fenced)


def what_stands(piece: StockPiece) -> str:
    """How the work on one article ended."""
    shown = [(place.after or place.before).seen for place in piece.places.values()]
    return say(
        "the shop shows %(shown)s", shown=", ".join("nothing" if each is None else f"{each:f}" for each in shown)
    )
