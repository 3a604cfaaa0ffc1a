"""The life of an article as a state machine: sales, captures, confirmations, readings and pushes in any order.

Orders are edited, held for a person, carried over as drafts and cancelled; the ERP is away; a channel is frozen; the
answer to a write is lost. What must stay true whenever a figure lands in a shop: it is no more than what the ERP had,
minus every sale that we know of, as far as the policy counts it; no more than the shop showed while the ERP is away;
and nothing at all while the channel is frozen. What people did to the ERP's stock since the reading began nobody can
know; the largest figure of that time stands for it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable
from decimal import Decimal

import structlog
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from config.model import HeldOrders
from connectors.kit.errors import OutcomeUnknown
from sync.store.engine import Store
from sync.store.items import find
from sync.store.marking import mark
from sync.store.orders import OrderRow, save_orders
from sync.store.stock.captured import Taken, capture, hold, let_go, reserve
from sync.store.stock.levels import Read, begin_reading, note_away, save_levels
from tests.databases import empty, now
from tests.logs import log_plainly
from tests.sync.flows.stock_world import MAIN, ONE, TWO, StockWorld

SKU = "TASSE"
CHOICE = st.integers(0, 1000)
CHANNELS = st.sampled_from([ONE, TWO])
#: Pushes within which both shops must show what is there.
_ROUNDS = 20
#: What may happen between the shop's word on what it shows and our write.
MEANWHILE = st.sampled_from(["", "capture", "confirm", "see", "hold", "edit"])
#: Of a write that landed, or that did not; mostly the answer arrives.
LOST = st.sampled_from(["", "", "", "lands", "gets lost"])


@dataclasses.dataclass
class Sale:
    """One order of a shop."""

    number: int
    channel: str
    quantity: int
    #: Our document id, once we know it.
    order_id: int = 0
    confirmed: bool = False
    seen: bool = False
    cancelled: bool = False
    #: A person has to look at it first.
    held: bool = False

    @property
    def counts(self) -> bool:
        """Whether we know of it, held or not."""
        return bool(self.order_id) and not self.cancelled

    @property
    def is_open(self) -> bool:
        """Whether anything may still become of it: the ERP has not taken it out of its figure."""
        return self.counts and not self.confirmed


@dataclasses.dataclass
class Reading:
    """A call that has begun; `answer` is what the ERP said, once it did."""

    began: dt.datetime
    #: How often people had changed the ERP's stock when it began.
    since: int
    answer: Decimal | None = None


class StockLife(RuleBasedStateMachine):
    """One article, two shops, one ERP."""

    #: Set by the test; emptied for each example.
    store: Store

    @initialize(there=st.integers(0, 9), held_orders=st.sampled_from(HeldOrders))
    def begin(self, there: int = 5, held_orders: HeldOrders = HeldOrders.COUNT) -> None:
        log_plainly(structlog.ReturnLoggerFactory())
        empty(self.store)
        self.world = StockWorld(self.store, channels=(ONE, TWO), held_orders=held_orders)
        self.ignores_held = held_orders is HeldOrders.IGNORE
        #: What people put there, oldest first; sales are not in it.
        self.put = [Decimal(there)]
        self.sales: list[Sale] = []
        self.readings: list[Reading] = []
        self.newest: Reading | None = None
        self.away = False
        self.frozen: set[str] = set()
        #: While a push runs: whether the ERP was away when it began, and what the shop said that it shows.
        self.kept_down, self.looked = False, Decimal(0)
        for name, shop in self.world.shops.items():
            shop.offer(SKU, 0)
            shop.watch = functools.partial(self._judge, name)

    def _judge(self, channel: str, sku: str, quantity: Decimal) -> None:
        assert self.newest is not None, f"{channel} shows {quantity} of {sku} and nobody has asked the ERP"
        assert channel not in self.frozen, f"{channel} shows {quantity} of {sku}, and is frozen"
        if self.kept_down:
            assert quantity <= self.looked, f"{channel} shows {quantity}, not {self.looked}, while the ERP is away"
        known = sum(sale.quantity for sale in self.sales if sale.counts and not (sale.held and self.ignores_held))
        most = max(*self.put[self.newest.since :], Decimal(-999)) - known
        assert quantity <= max(most, Decimal(0)), f"{channel} shows {quantity}, and {most} are there for sure"

    def _pick(self, choice: int, which: Callable[[Sale], bool]) -> Sale | None:
        fitting = [sale for sale in self.sales if which(sale)]
        return fitting[choice % len(fitting)] if fitting else None

    # --- in the shops and in the ERP ----------------------------------------------------------------------------

    @rule(channel=CHANNELS, quantity=st.integers(1, 3), at_once=st.booleans())
    def sell(self, channel: str, quantity: int, *, at_once: bool = False) -> None:
        if len(self.sales) < 8:
            sale = Sale(len(self.sales) + 1, channel, quantity)
            self.sales.append(sale)
            self.world.shops[channel].take(SKU, quantity)
            if at_once:
                self._capture(sale)

    @rule(choice=CHOICE)
    def edit(self, choice: int = 0) -> None:
        """A customer takes one piece more; we hear of it at once."""
        if sale := self._pick(choice, lambda sale: sale.is_open and not sale.held and sale.quantity < 5):
            sale.quantity += 1
            self.world.shops[sale.channel].take(SKU, 1)
            self.store.write(lambda c: capture(c, "erp", [_taken(sale)]))

    @rule(there=st.integers(0, 9))
    def put_there(self, there: int) -> None:
        self.put.append(Decimal(there))

    @rule(choice=CHOICE)
    def confirm(self, choice: int = 0) -> None:
        """The ERP takes it out of its figure; that its document stands there we see later."""
        if sale := self._pick(choice, lambda sale: sale.is_open and not sale.held):
            sale.confirmed = True

    # --- what we do ---------------------------------------------------------------------------------------------

    @rule(choice=CHOICE)
    def capture(self, choice: int = 0) -> None:
        if sale := self._pick(choice, lambda sale: not sale.order_id):
            self._capture(sale)

    def _capture(self, sale: Sale) -> None:
        external_id = str(sale.number)
        moment = now()

        def work(c) -> None:
            mark(c, sale.channel, "order", [external_id], facet="order")
            row = OrderRow(
                item_id=find(c, sale.channel, "order", external_id) or 0,
                channel=sale.channel,
                external_id=external_id,
                number=external_id,
                email="",
                customer="",
                likeness="",
                source_state="processing",
                version="",
                currency="EUR",
                grand=Decimal(1),
                placed_at=moment,
                placed_on=moment.date(),
                mapping_version="",
                material="",
                canonical=b"",
            )
            sale.order_id = save_orders(c, [row])[external_id]
            capture(c, "erp", [_taken(sale)])

        self.store.write(work)

    @rule(choice=CHOICE)
    def hold(self, choice: int = 0) -> None:
        """Its drain ends with a question to a person."""
        if sale := self._pick(choice, lambda sale: sale.is_open):
            self._hold(sale, held=True)

    @rule(choice=CHOICE)
    def draft(self, choice: int = 0) -> None:
        """Its drain ends well, and the ERP has a draft of it that reserves nothing."""
        if sale := self._pick(choice, lambda sale: sale.is_open):
            self._hold(sale, held=False)

    def _hold(self, sale: Sale, *, held: bool) -> None:
        sale.held = held
        self.store.write(lambda c: hold(c, {sale.order_id: held}))

    @rule(choice=CHOICE)
    def see(self, choice: int = 0) -> None:
        if sale := self._pick(choice, lambda sale: sale.confirmed and not sale.seen):
            sale.seen = True
            self.store.write(lambda c: reserve(c, [sale.order_id]))

    @rule(choice=CHOICE)
    def cancel(self, choice: int) -> None:
        if sale := self._pick(choice, lambda sale: sale.is_open):
            sale.cancelled = True
            self.store.write(lambda c: let_go(c, [sale.order_id]))

    @rule()
    def begin_reading(self) -> None:
        if len(self.readings) < 3:
            self.readings.append(Reading(begin_reading(self.store, "erp"), len(self.put) - 1))

    @precondition(lambda self: self.readings)
    @rule(choice=CHOICE)
    def answer(self, choice: int = 0) -> None:
        open_ones = [reading for reading in self.readings if reading.answer is None]
        if open_ones:
            sold = sum(sale.quantity for sale in self.sales if sale.confirmed)
            open_ones[choice % len(open_ones)].answer = self.put[-1] - sold

    @precondition(lambda self: any(reading.answer is not None for reading in self.readings))
    @rule(choice=CHOICE)
    def end_reading(self, choice: int = 0) -> None:
        ended = [reading for reading in self.readings if reading.answer is not None]
        reading = ended[choice % len(ended)]
        self.readings.remove(reading)
        if self.newest is None or self.newest.began < reading.began:
            self.newest = reading
        assert reading.answer is not None
        read = Read(SKU, MAIN, reading.answer)
        self.store.write(lambda c: save_levels(c, "erp", reading.began, [SKU], [read]))
        self.away = False
        self.store.write(lambda c: note_away(c, "erp", ""))

    @rule()
    def lose_the_erp(self) -> None:
        """A reading that was tried had no answer; the next one that has ends it."""
        self.away = True
        self.store.write(lambda c: note_away(c, "erp", "nobody answers"))

    @rule(channel=CHANNELS)
    def freeze(self, channel: str) -> None:
        self._freeze(self.frozen ^ {channel})

    def _freeze(self, frozen: set[str]) -> None:
        self.frozen = frozen
        for name in (ONE, TWO):
            self.world.change_stock(name, freeze=(SKU,) if name in frozen else ())

    @rule(channel=CHANNELS, meanwhile=MEANWHILE, lost=LOST, choice=CHOICE)
    def push(self, channel: str, meanwhile: str = "", lost: str = "", choice: int = 0) -> None:
        """With something else that happens while the shop says what it shows."""
        shop = self.world.shops[channel]
        self.kept_down = self.away

        def on_the_way() -> None:
            self.looked = shop.shows(SKU)
            if meanwhile:
                getattr(self, meanwhile)(choice)

        shop.on_the_way, shop.lands = on_the_way, lost == "lands"
        if lost:
            shop.write_errors.append(OutcomeUnknown("no answer came"))
        self.world.forward(20)
        self.world.push(channel)
        shop.on_the_way = lambda: None
        shop.write_errors.clear()
        self.kept_down = False

    @rule(channel=CHANNELS)
    def compare(self, channel: str) -> None:
        self.world.mark(SKU, facets=("full",), channel=channel)

    # --- and how it must end ------------------------------------------------------------------------------------

    @rule()
    def rest(self) -> None:
        """Everything is known, confirmed, seen and read: both shops show what the ERP has, to the piece."""
        self._freeze(set())
        for sale in self.sales:
            if not sale.order_id:
                self._capture(sale)
            if sale.held:
                self._hold(sale, held=False)
            if sale.counts:
                sale.confirmed = True
                if not sale.seen:
                    sale.seen = True
                    self.store.write(lambda c, sale=sale: reserve(c, [sale.order_id]))
        self.compare(ONE)
        self.compare(TWO)
        there = max(self.put[-1] - sum(sale.quantity for sale in self.sales if sale.confirmed), Decimal(0))
        for _ in range(_ROUNDS):
            # One that begins in the very millisecond in which a document was seen does not count for it.
            self.readings.clear()
            self.begin_reading()
            self.answer()
            self.end_reading()
            for channel in (ONE, TWO):
                self.world.pull(channel)
                self.store.write(_no_orders)
                self.push(channel)
            if all(shop.shows(SKU) == there for shop in self.world.shops.values()):
                return
        raise AssertionError(f"{there} are there, and {[shop.shows(SKU) for shop in self.world.shops.values()]} shown")

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.rest()


def _taken(sale: Sale) -> Taken:
    return Taken(sale.order_id, {(SKU, ""): Decimal(sale.quantity)})


def _no_orders(connection) -> None:
    """Their drains are no part of this: all orders have been looked at."""
    connection.exec_driver_sql("UPDATE work_items SET state = 'done', done = wanted WHERE kind = 'order'")
