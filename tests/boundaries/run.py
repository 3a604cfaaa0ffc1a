"""One run: an ERP, a drain that is struck at one boundary, whoever comes after it, and the verdict."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace

import structlog
from sqlalchemy import select

from config.model import Config
from connectors.tryton import Tryton
from sync.desk import outcomes
from sync.rules import systems as rules_systems
from sync.rules.systems import Systems
from sync.store.backlog import due_channels
from sync.store.engine import DatabaseBusy
from sync.store.tables import leases
from sync.work.dispatch import Dispatcher
from sync.work.drain import drain_channel
from sync.work.stock import settle
from tests.boundaries import forks, removals, world
from tests.boundaries.cases import LEASE_BASE_S, LEASE_S, TRYTON_SETTLE_S, Case
from tests.boundaries.change import Change
from tests.boundaries.erps import erp_of
from tests.boundaries.judge import changes, is_quiet, our_faults, snapshot
from tests.boundaries.life import Life
from tests.boundaries.points import Blow, Points
from tests.boundaries.split import Divided
from tests.boundaries.stock import Stock
from tests.boundaries.stories import Shop, amounts, nobody
from tests.logs import log_plainly

#: A run that is not quiet by then has a defect.
LIMIT_S = 90.0
STORIES = {story.name: story for story in (Life, Change, Stock, Divided)}
_LOOK_S = 0.25


@dataclasses.dataclass
class Outcome:
    """How one run ended."""

    at: int
    #: `killed`, `stopped`, or `whole` where the drain had fewer boundaries.
    end: str = "whole"
    where: str = ""
    #: The boundaries that the drain crossed; empty where it did not live to say.
    crossed: list[str] = dataclasses.field(default_factory=list)
    faults: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def scale_time() -> None:
    """Seconds instead of minutes, wherever people would have to wait; in this process and its children."""
    rules_systems.LEASE_BASE_S = LEASE_BASE_S
    rules_systems.SETTLE_BEYOND_S = 0.1
    outcomes.PROBE_S = 0.3
    outcomes.LATER_S = 0.1
    settle.ROUND_S = 0.3
    Tryton.settle_bound_s = TRYTON_SETTLE_S


class Run:
    """Everything of one run; made in a process of its own that has no threads yet."""

    def __init__(self, case: Case, databases: world.Databases, books: Path, folder: Path, at: int):
        self._case = case
        self._databases = databases
        self._folder = folder
        prepared = books.parent
        self._story = STORIES[case.story].read(prepared) if case.story else None
        self._shop = Shop(case, self._story.shop(prepared), folder) if self._story else None
        self._erp = erp_of(case, self._story.books(prepared) if self._story else books, folder)
        self._place = databases.copy(case, folder)
        self._outcome = Outcome(at)
        self._tag = folder.name if case.tryton else ""
        told = [world.Entry(int(number), "") for number in self._story.orders] if self._story else None
        self._orders = told or world.entries(case, self._tag)
        #: The leases that were seen last, each with its heartbeat.
        self._standing: set[tuple[str, int]] = set()
        #: The process that stands still; 0 when there is none.
        self._asleep = 0
        self._witness = folder / "struck"
        self._count = folder / "crossed"

    def __call__(self) -> Outcome:
        begun = time.monotonic()
        removals.take_out(self._case.removed)
        try:
            with self._erp.running(), self._shop_running():
                self._live_through()
        except Exception as error:
            raise RuntimeError(f"{self._case} at {self._outcome.at} ({self._outcome.where})") from error
        finally:
            self._databases.drop(self._case, self._place)
        self._outcome.seconds = round(time.monotonic() - begun, 2)
        return self._outcome

    def warm(self) -> None:
        """Drain once in this process, unharmed and without leaving a thread, a connection or a change behind."""
        with self._erp.running(), self._shop_running():
            self._open()
            self._dispatcher.recover()
            self._drain()
            is_quiet(self._store)
            our_faults(self._store, self._orders)
            snapshot(self._store)
            self._systems.target.close()
            self._systems.source.close()
            self._store.close()
        self._databases.drop(self._case, self._place)

    def _shop_running(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext() if self._shop is None else self._shop.running()

    def _config(self) -> Config:
        if self._shop is None:
            return world.config(self._folder, self._erp.connection())
        story, erp, shop = self._story, self._erp.connection(), self._shop.connection()
        return world.config(self._folder, erp, shop, story.after, story.stock, routing=story.routing)

    def _live_through(self) -> None:
        if self._case.tryton:
            store = self._databases.open(self._case, self._place)
            world.receive(store, self._orders)
            store.close()
        pid = forks.fork(self._be_struck)
        status = forks.wait_or_stop(pid)
        self._outcome.where = self._witness.read_text() if self._witness.exists() else ""
        if status is None:
            self._outcome.end = "stopped"
            self._stand_by(pid)
        else:
            self._open()
        if status == 0:
            self._outcome.crossed = json.loads(self._count.read_text())
        elif status == -signal.SIGKILL:
            self._outcome.end = "killed"
        elif status is not None:
            self._blame([f"the drain ended with {status}"])
        self._until_quiet()
        mapping, options = self._systems.target_mapping, self._systems.target_options
        wanted = {str(order.number): world.TOTAL for order in self._orders}
        if self._story is not None:
            wanted = amounts(self._story.sales())
        self._blame(self._erp.faults({mapping.sale_key(number, options): wanted[number] for number in wanted}))
        self._blame(our_faults(self._store, self._orders))
        if self._story is not None:
            self._blame(self._story.faults(self._erp, self._shop.ledger))

    def _blame(self, faults: list[str]) -> None:
        self._outcome.faults.extend(faults)

    # --- the drain that is struck -------------------------------------------------------------------------------

    def _be_struck(self) -> None:
        forks.complain_to(self._folder / "drain.log")
        log_to(self._folder / "drain.log")
        store = self._databases.open(self._case, self._place)
        made = Systems(self._config())
        blow = signal.SIGKILL if self._case.blow == "kill" else signal.SIGSTOP
        points = Points(Blow(self._outcome.at, blow), self._witness)
        points.watch_store(store.engine)
        points.watch_kit()
        if self._story is not None:
            self._story.be_struck(store, made)
        else:
            drain_channel(store, made.channel(world.CHANNEL), "order", ring=nobody)
        self._count.write_text(json.dumps(points.crossed))

    # --- whoever comes after it ---------------------------------------------------------------------------------

    def _open(self) -> None:
        log_to(self._folder / "after.log")
        self._store = self._databases.open(self._case, self._place)
        self._made = made = Systems(self._config())
        self._systems = made.channel(world.CHANNEL)
        runtime = SimpleNamespace(store=self._store, systems=made, config=made.config, bell=None)
        self._dispatcher = Dispatcher(runtime)

    def _until_quiet(self) -> None:
        # With something taken out it is expected to have one.
        limit_s = LIMIT_S / 10 if self._case.removed else LIMIT_S
        until = time.monotonic() + limit_s
        looked = 0.0
        while time.monotonic() < until:
            with contextlib.suppress(DatabaseBusy):
                self._dispatcher.recover()
                looked = time.monotonic()
                self._drain()
                if is_quiet(self._store) and not self._erp.is_busy() and self._is_settled():
                    return
            time.sleep(self._pause_s(looked))
        self._blame([f"not quiet after {limit_s:.0f} s"])

    def _pause_s(self, looked: float) -> float:
        """Until a lease that was seen for the first time at `looked` can end: nobody may take it over before.

        Looks in between would find nothing, and were a third of what a run cost.
        """
        with contextlib.suppress(DatabaseBusy):
            standing = set(self._store.read(lambda c: c.execute(select(leases.c.token, leases.c.beat)).all()))
            new, self._standing = standing - self._standing, standing
            if new:
                return max(0.0, looked + self._systems.lease_s - time.monotonic())
        return _LOOK_S

    def _drain(self) -> None:
        while self._store.read(due_channels) and drain_channel(self._store, self._systems, "order", ring=nobody):
            pass
        if self._story is not None:
            self._story.go_on(self._store, self._made)

    def _is_settled(self) -> bool:
        return self._story is None or self._story.is_settled(self._store)

    # --- a stopped one ------------------------------------------------------------------------------------------

    def _stand_by(self, pid: int) -> None:
        """What the others do while it stands still; it goes on in the end, or it ends here."""
        self._asleep = pid
        try:
            self._open()
            woken = self._go_on_beside() if self._case.blow == "pause" else self._take_over()
        finally:
            if self._asleep:
                os.kill(self._asleep, signal.SIGKILL)
        if woken != 0:
            words = (self._folder / "drain.log").read_text()[-2000:]
            self._blame([f"the drain ended with {woken} after its pause: {words}"])

    def _late_order(self, customer: str) -> None:
        order = world.Entry(len(self._orders) + 1, customer, self._tag)
        self._orders.append(order)
        world.receive(self._store, [order])

    def _take_over(self) -> int:
        """Its lease ends, another drain finishes its work; then it wakes up and must not touch anything of ours."""
        if self._blocks_everybody():
            # One writer at a time: nobody can take its lease over either, so it is no zombie when it wakes.
            time.sleep(LEASE_S)
            return self._wake()
        had_lease = self._store.read(lambda c: c.execute(leases.select()).first()) is not None
        self._until_quiet()
        self._late_order("late")
        before = snapshot(self._store)
        status = self._wake()
        if had_lease:
            self._blame([f"the zombie wrote: {change}" for change in changes(before, snapshot(self._store))])
        return status

    def _blocks_everybody(self) -> bool:
        """On SQLite a process that stands still in a write transaction, its heart's included, stops all others."""
        try:
            self._store.write(lambda _: None)
        except DatabaseBusy:
            return True
        return False

    def _go_on_beside(self) -> int:
        """Another drain works on what comes meanwhile; the lease of the paused one stays its own."""
        if not self._blocks_everybody():
            self._late_order("new")
            self._drain()
        return self._wake()

    def _wake(self) -> int:
        # Once it is waited for, its number may be another process's.
        pid, self._asleep = self._asleep, 0
        os.kill(pid, signal.SIGCONT)
        return forks.wait(pid)


def log_to(path: Path) -> None:
    log_plainly(structlog.PrintLoggerFactory(path.open("a", buffering=1)))
