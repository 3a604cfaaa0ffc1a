"""What happens in the demo: a backlog, customers who buy meanwhile, and everything that goes wrong on the way.

An act is a generator that is advanced a few times a second: it yields while it waits, so that all of them, and the
counts on the screen, go on side by side.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import Final

from sync.cli.demo.configuration import CHANNELS, PULL_EVERY_S, SHOP
from sync.cli.demo.counts import Counts, count
from sync.cli.demo.screen import Screen
from sync.cli.demo.services import DemoFailed, Service
from sync.cli.demo.world import World
from sync.store.orders import list_orders
from sync.store.schedule import list_schedules

Act = Iterator[None]

#: Held on purpose, in each shop.
PLANTS: Final = ("unknown_sku", "totals_mismatch", "over_limit")
#: Long enough for an outage, a pause and a look-up after it; then something is wrong.
_STALL_S: Final = 240.0
_TICK_S: Final = 0.2
_LATENCY_S: Final = 90.0
#: Part of the backlog that is done when something goes wrong.
_SOME: Final = 0.2
#: Request at which the sandbox ERP stumbles: after the replies that get lost, and well within the smallest backlog.
_STUMBLES_AT: Final = 150
_ORDERS_PATH: Final = "/wp-json/wc/v3/orders"
_UNRULY: Final = {"duplicate": 0.6, "reorder": 0.6, "late": 0.3, "late_s": 3.0, "jitter_s": 1.0}
_ORDERLY: Final = {"duplicate": 0.0, "reorder": 0.0, "late": 0.0, "jitter_s": 0.3}


class Story:
    """One performance."""

    def __init__(self, world: World, screen: Screen, *, live: int) -> None:
        """`live`: how many orders customers place while the backlog is worked off."""
        self._world, self._screen, self._live = world, screen, live
        self._counts: dict[str, Counts] = {}
        #: Number of the sandbox ERP's outage among its faults.
        self._outage = 0
        #: Channel -> order id -> what was planted in it.
        self.planted: dict[str, dict[str, str]] = {}
        #: Channel -> orders a second while its backlog was worked off, outages included.
        self.pace: dict[str, float] = {}
        #: Channel -> seconds from the checkout to the confirmed sale.
        self.latencies: dict[str, list[float]] = {}

    def set_scene(self) -> None:
        """Before Crossdock starts: what is planted, and a shop that answers 429 to the first pull."""
        for name, shop in self._world.shops.items():
            made = [self._world.control(shop, "plant", {"what": what}) for what in PLANTS]
            self.planted[name] = {str(entry["id"]): entry["what"] for entry in made}
        burst = {"kind": "status", "status": 429, "retry_after": "3", "method": "GET", "path": _ORDERS_PATH}
        self._world.control(self._world.shops[SHOP], "faults", {**burst, "nth": 2, "count": 6})
        lost = {"kind": "commit_then_drop", "method": "POST", "path": "/api/sales", "nth": 40, "count": 3}
        # Set before anything is sent: a backlog this fast is over before anybody who watches it could step in.
        outage = {"kind": "status", "status": 503, "path": "/api/*", "nth": _STUMBLES_AT, "count": None}
        _, self._outage = self._world.control(self._world.erp, "faults", [lost, outage])["numbers"]

    def play(self) -> None:
        """Until everything is where it belongs and nothing new comes. Raises DemoFailed."""
        self._run([self._customers(), self._tryton_goes_away(), self._erp_stumbles(), self._keep_pace()])
        told = self._fired(self._world.shops[SHOP])["status"]
        self._screen.note(f"{SHOP} answered 429 to {told} calls, and each was made again when it had said")

    def settle(self) -> None:
        """Once more, with nothing happening. Raises DemoFailed."""
        self._run([])

    def _run(self, acts: list[Act]) -> None:
        quiet = self._quiet()
        moved, before = time.monotonic(), self._counts
        with self._screen.counting(CHANNELS) as counter:
            while acts or next(quiet, "quiet") != "quiet":
                self._world.demand()
                self._counts = count(self._world.runtime, self._world.placed())
                counter.show(self._counts)
                acts = [act for act in acts if next(act, "over") != "over"]
                if self._counts != before:
                    moved, before = time.monotonic(), self._counts
                if time.monotonic() - moved > _STALL_S:
                    raise DemoFailed(f"nothing has moved for {_STALL_S:.0f} s", self._world.log)
                time.sleep(_TICK_S)

    def idle(self) -> None:
        """Show the counts until somebody stops us."""
        with self._screen.counting(CHANNELS) as counter:
            while True:
                self._world.demand()
                counter.show(count(self._world.runtime, self._world.placed()))
                time.sleep(_TICK_S)

    # -- acts --------------------------------------------------------------------------------------------------

    def _customers(self) -> Act:
        """Customers buy while the backlog is worked off; the shop's webhooks come doubled, late and out of order."""
        shop = self._world.shops[SHOP]
        while self._world.control(shop, "shop")["webhooks"] == 0 or not self._part_done(SHOP, _SOME / 2):
            yield
        self._world.control(shop, "webhooks", _UNRULY)
        for seed in range(100, 100 + self._live):
            self._world.control(shop, "orders", {"count": 1, "seed": seed, "variety": "demo"})
            yield
        self._world.control(shop, "webhooks", {"forge": 3})
        while self._world.control(shop, "shop")["deliveries_waiting"]:
            yield
        sent = self._world.control(shop, "deliveries")["sent"]
        forged = [entry for entry in sent if entry["forged"]]
        refused = sum(entry["status"] == 401 for entry in forged)  # noqa: PLR2004 - Unauthorized
        self._screen.note(
            f"{self._live} customers bought meanwhile: {len(sent) - len(forged)} webhooks, some doubled, late, out of "
            f"order; {refused} of {len(forged)} forged ones refused"
        )
        self._world.control(shop, "webhooks", _ORDERLY)

    def _tryton_goes_away(self) -> Act:
        """It is shut down in the middle of its work and started again."""
        while not self._part_done(SHOP, _SOME):
            yield
        done = self._counts[SHOP].in_erp
        self._world.stop_tryton()
        while not self._world.tryton.ended:
            yield
        self._screen.note(f"Tryton was shut down after {done} sales; orders wait")
        yield from _pause(4.0)
        self._world.restart_tryton()
        while not self._world.tryton.is_ready():
            yield
        self._screen.note("Tryton is back")

    def _erp_stumbles(self) -> Act:
        """503 for a while; three replies have been lost before, after the sales were made."""
        while not (fired := self._fired(self._world.erp))["status"]:
            yield
        yield from _pause(4.0)
        self._world.control(self._world.erp, f"faults/{self._outage}", method="DELETE")
        self._screen.note(
            f"the sandbox ERP answered 503 for 4 s; before, the replies to {fired['commit_then_drop']} sales "
            "that it had made were lost"
        )

    def _fired(self, sandbox: Service) -> dict[str, int]:
        """Kind of a sandbox's fault -> how often it has struck."""
        return {entry["kind"]: entry["fired"] for entry in self._world.control(sandbox, "faults")}

    def _keep_pace(self) -> Act:
        """How fast each backlog goes."""
        begun: dict[str, float] = {}
        while len(self.pace) < len(CHANNELS):
            for name, found in self._counts.items():
                if found.in_erp and name not in begun:
                    begun[name] = time.monotonic()
                if name in begun and name not in self.pace and found.seen and not found.to_go:
                    self.pace[name] = found.in_erp / max(time.monotonic() - begun[name], _TICK_S)
            yield

    def _part_done(self, channel: str, part: float) -> bool:
        found = self._counts.get(channel)
        return found is not None and found.in_erp >= part * found.placed

    # -- quiet -------------------------------------------------------------------------------------------------

    def _quiet(self) -> Act:
        """Ends when nothing is under way and a pull of each shop, begun after that, has found nothing new."""
        still_since: dt.datetime | None = None
        while True:
            waiting = [self._world.control(shop, "shop")["deliveries_waiting"] for shop in self._world.shops.values()]
            if any(waiting) or any(found.to_go for found in self._counts.values()) or not self._counts:
                still_since = None
            elif still_since is None:
                still_since = dt.datetime.now(dt.UTC)
            elif self._pulled_in_vain(still_since):
                return
            yield

    def _pulled_in_vain(self, since: dt.datetime) -> bool:
        rows = {row.name: row for row in self._world.runtime.store.read(list_schedules)}
        for name in self._world.shops:
            row = rows.get(f"pull:{name}")
            # It began a round before the next one is due.
            if row is None or row.last_at is None or not row.last_ok:
                return False
            begun = row.next_at - dt.timedelta(seconds=PULL_EVERY_S)
            if not since <= begun <= row.last_at or not row.message.endswith(", 0 to look at"):
                return False
        return True

    # -- latency -----------------------------------------------------------------------------------------------

    def buy_one_by_one(self, count_each: int) -> None:
        """With all quiet: how long from the checkout to the confirmed sale. Raises DemoFailed."""
        with self._screen.step(f"{count_each} more customers in each shop, one after the other") as say:
            for name, shop in self._world.shops.items():
                for number in range(count_each):
                    say(CHANNELS[name])
                    asked = {"count": 1, "seed": 500 + number, "variety": "demo"}
                    (placed,) = self._world.control(shop, "orders", asked)["ids"]
                    self.latencies.setdefault(name, []).append(self._await_sale(name, str(placed)))

    def _await_sale(self, channel: str, order: str) -> float:
        begun = time.monotonic()
        target = self._world.runtime.config.channels[channel].erp
        while time.monotonic() - begun < _LATENCY_S:
            self._world.demand()
            orders = self._world.runtime.store.read(lambda c: list_orders(c, channel, target))
            if any(each.external_id == order and each.erp_id for each in orders):
                return time.monotonic() - begun
            time.sleep(_TICK_S / 4)
        raise DemoFailed(f"order {order} of {channel} is not in the ERP after {_LATENCY_S:.0f} s", self._world.log)


def _pause(seconds: float) -> Act:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
