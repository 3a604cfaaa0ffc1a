"""One run: start everything, load and faults, heal, wait until nothing moves any more, and the verdict."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from connectors.kit.errors import ConnectorError
from connectors.sandbox.erp.audit_facets import papers
from connectors.sandbox.ledger import read_ledger
from mappings.canonical.records import Order
from sync.desk.proof import prove_channel
from sync.desk.steering import retry_orders
from sync.store import schedule
from sync.store.audit import Actor
from sync.store.engine import DatabaseBusy
from sync.store.switches import pauses
from sync.store.tables import attempts, captured_lines, metadata, schedules, touched_stock, work_items
from tests.boundaries.judge import is_quiet
from tests.chaos import recovery
from tests.chaos.checker import Evidence, check
from tests.chaos.installation import ARTICLES, CHANNEL, WEBHOOK_SECRET, Installation, running
from tests.chaos.load import Load, Replays
from tests.chaos.nemesis import Nemesis
from tests.chaos.plan import Plan
from tests.chaos.services import ServiceError

#: A run that has not come to rest by then has a defect.
QUIET_S: Final = 120.0
#: Shorter runs measure no recovery: it takes as long as they do.
_LONG_S: Final = 30.0
#: Errands that people have not got done by then.
_ERRANDS_S: Final = 60.0
#: Between two nights, while people still wait for something.
_DAY_S: Final = 15.0
_TICK_S: Final = 0.05
#: What the scheduler does by itself, asked for at once when all is well again; the full comparison of stock comes at
#: night otherwise.
_ROUNDS: Final = ("pull:shop", "follow:erp", f"stock-full:{CHANNEL}", f"nightly:{CHANNEL}")
#: What a person is asked to look at that was only killed too often.
_KILLED: Final = "kills_the_worker"

Say = Callable[[str], None]


@dataclasses.dataclass(slots=True)
class Result:
    """What a run came to."""

    faults: list[str] = dataclasses.field(default_factory=list)
    #: What is printed: heading -> name -> count.
    counts: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    quiet_s: float = 0.0
    recovery: recovery.Recovery = dataclasses.field(default_factory=recovery.Recovery)
    folder: Path = Path()


def run(plan: Plan, folder: Path, say: Say, *, removed: str = "") -> Result:
    """`removed` is a safeguard that is taken out. Raises ServiceError where the run itself cannot be had."""
    result = Result(folder=folder)
    with running(folder, plan, removed=removed) as at:
        load = Load(plan.seed, at.shop, at.erp, connector=at.shop_api, books=at.erp_api, channel=CHANNEL)
        replays = Replays(at.web_url, WEBHOOK_SECRET, at.captured, at.replayed)
        nemesis = Nemesis(at, replays)
        _rage(plan, load, nemesis, say)
        say("healing")
        nemesis.heal()
        replays.close()
        people = _People(at)
        with _stopwatch(result):
            _finish_errands(load, nemesis, people, result)
            say("every errand is done")
            _come_to_rest(at, nemesis, people, result, say)
            say("nothing moves any more")
        if not result.faults and plan.seconds >= _LONG_S:
            say("a worker is killed while it holds work, and nothing else happens")
            result.recovery = recovery.measure(at, plan.seed)
            result.faults += result.recovery.faults()
            _come_to_rest(at, nemesis, people, result, say)
            say("and nothing moves again")
        if not result.faults:
            # What moves while it is judged would be taken for a fault.
            at.stop_crossdock()
            result.faults += check(_evidence(at))
            result.faults += _proof(at)
        if result.faults:
            _write_down(at)
        result.counts = {
            "people": load.done,
            "faults": nemesis.done,
            "replayed deliveries, by answer": {str(status): n for status, n in sorted(replays.statuses.items())},
            "tries": _tries(at),
            "recoveries": {**_said(at), **people.done},
        }
    return result


@contextlib.contextmanager
def _stopwatch(result: Result) -> Iterator[None]:
    begun = time.monotonic()
    yield
    result.quiet_s = round(time.monotonic() - begun, 1)


def _rage(plan: Plan, load: Load, nemesis: Nemesis, say: Say) -> None:
    begun = time.monotonic()
    while (now_s := time.monotonic() - begun) < plan.seconds:
        for line in nemesis.work(now_s):
            say(line)
        load.work(now_s)
        time.sleep(_TICK_S)
    load.close()


def _finish_errands(load: Load, nemesis: Nemesis, people: _People, result: Result) -> None:
    """What people wanted to do while nobody answered."""
    begun = night = time.monotonic()
    later_s = 10_000.0
    while load.waiting and time.monotonic() - begun < _ERRANDS_S:
        for _ in range(20):
            load.work(later_s)
        later_s += 1.0
        nemesis.wake()
        with contextlib.suppress(DatabaseBusy):
            people.look()
            if time.monotonic() > night:
                people.sleep()
                night = time.monotonic() + _DAY_S
        time.sleep(_TICK_S)
    if load.waiting:
        result.faults.append(f"{load.waiting} errands of people came to no end: an order is not in the ERP")


class _People:
    """What somebody has to do by hand when all is well again; counted."""

    def __init__(self, at: Installation) -> None:
        self._at = at
        self.done: dict[str, int] = {}

    def look(self) -> None:
        """End the pauses that wait for a person or that a system asked for, and try again what only died too often."""
        store = self._at.store
        for pause in store.read(pauses):
            if (pause.until is None or pause.asked) and self._at.resume(pause.name):
                self._note("pauses ended by hand")
        if count := retry_orders(store, cause=_KILLED, actor=Actor("chaos")):
            self.done["retried by hand"] = self.done.get("retried by hand", 0) + count

    def sleep(self) -> None:
        """The night comes: orders of which no webhook came, while the shop's clock was wrong, are found by then."""
        self._at.store.write(lambda c: schedule.ask(c, f"nightly:{CHANNEL}"))

    def _note(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1


def _come_to_rest(at: Installation, nemesis: Nemesis, people: _People, result: Result, say: Say) -> None:
    """Twice in a row nothing moves, after every schedule has run once more."""
    begun, calm, asked = time.monotonic(), 0, False
    open_ = "nobody could look"
    while time.monotonic() - begun < QUIET_S:
        time.sleep(0.5)
        nemesis.wake()
        with contextlib.suppress(DatabaseBusy):
            people.look()
            open_ = _what_is_open(at)
            if open_:
                calm = 0
                continue
            if not asked:
                asked = True
                for name in _ROUNDS:
                    at.store.write(lambda c, name=name: schedule.ask(c, name))
                continue
            calm += 1
            if calm >= 2:
                return
    result.faults.append(f"not quiet {QUIET_S:.0f} s after all was well again: {open_}")
    say(f"still open: {open_}")


def _what_is_open(at: Installation) -> str:
    """In words; empty when nothing moves."""
    store = at.store
    if not is_quiet(store):
        table = work_items.c
        busy = table.state.in_(("ready", "leased", "reconcile"))
        rows = store.read(
            lambda c: c.execute(
                select(table.kind, table.state, func.count()).where(busy).group_by(table.kind, table.state)
            ).all()
        )
        said = ", ".join(f"{count} {kind} {state}" for kind, state, count in rows)
        reasons = store.read(lambda c: list(c.execute(select(table.external_id, table.reason).where(busy).limit(5))))
        return f"{said or 'a lease or an intent'} {[(number, str(reason)) for number, reason in reasons]}"
    for table, what in ((touched_stock, "articles to be told of"), (captured_lines, "sales not in the ERP's stock")):
        if count := store.read(lambda c, table=table: c.execute(select(func.count()).select_from(table)).scalar_one()):
            return f"{count} {what}"
    asked = store.read(lambda c: list(c.execute(select(schedules.c.name).where(schedules.c.asked)).scalars()))
    if asked:
        return f"asked for and not run: {', '.join(asked)}"
    if waiting := (at.shop.try_ask("shop") or {}).get("deliveries_waiting", 1):
        return f"{waiting} deliveries of the shop"
    if (at.erp.try_ask("info") or {}).get("pending_effects", 1):
        return "an effect that has yet to land in the ERP"
    return ""


def _write_down(at: Installation) -> None:
    """Every row of the database, for whoever has to find out; bodies are left out."""
    tables = at.store.read(
        lambda c: {
            table.name: [
                {name: value for name, value in row._mapping.items() if not isinstance(value, bytes)}
                for row in c.execute(select(table))
            ]
            for table in metadata.sorted_tables
        }
    )
    at.folder.joinpath("database.json").write_text(json.dumps(tables, default=str, indent=1), "utf-8")


# --- the verdict ------------------------------------------------------------------------------------------------


def _evidence(at: Installation) -> Evidence:
    return Evidence(
        shop_ledger=at.ledgers["shop"],
        erp_ledger=at.ledgers["erp"],
        deliveries=(at.captured, at.replayed),
        store=at.store,
        channel=CHANNEL,
        articles=ARTICLES,
        payments=_payments(at),
        fees=_fees(at),
    )


def _fees(at: Installation) -> dict[str, tuple[str, Decimal]]:
    """Reference -> order and amount of all that gateways kept, as the shop says."""
    systems = at.systems.channel(CHANNEL)
    assert systems.erp_facets is not None
    numbers = {entry.external_id for entry in read_ledger(at.ledgers["shop"]) if entry.kind.startswith("order.")}
    found = {}
    for order in _orders(at, sorted(numbers)):
        for payment in order.payments:
            if payment.fee is not None:
                reference = systems.erp_facets.fee_reference(order, payment, systems.target_options)
                found[reference] = (order.external_id, systems.target_options.rounded(payment.fee))
    return found


def _orders(at: Installation, numbers: list[str]) -> Iterator[Order]:
    """As the shop has them now; what is gone there is left out."""
    systems = at.systems.channel(CHANNEL)
    for start in range(0, len(numbers), 50):
        for envelope in at.shop_api.fetch_orders(numbers[start : start + 50]):
            if not envelope.deleted:
                yield systems.source_mapping.order(envelope.payload, systems.source_options)


def _payments(at: Installation) -> dict[str, Decimal]:
    """What was paid of each order whose goods have left: its invoice is posted, and takes it."""
    systems = at.systems.channel(CHANNEL)
    sent = [key.removeprefix(f"{CHANNEL}:") for key, paper in papers(at.ledgers["erp"]).items() if paper.sent]
    found: dict[str, Decimal] = {}
    assert systems.erp_facets is not None
    for order in _orders(at, sent):
        for payment in order.payments:
            reference = systems.erp_facets.payment_reference(order, payment, systems.target_options)
            found[reference] = payment.amount.amount
    return found


def _proof(at: Installation) -> Iterator[str]:
    """The product's own word, from fresh lists: it must find what the checker finds."""
    try:
        proof = prove_channel(at.store, at.systems.channel(CHANNEL))
    except ConnectorError as error:
        yield f"the proof could not be had: {error}"
        return
    if not proof.holds:
        yield from (f"the proof: {each.kind} order {each.number}" for each in proof.differences)


def _tries(at: Installation) -> dict[str, int]:
    table = attempts.c
    query = select(table.outcome, func.count()).group_by(table.outcome)
    return {str(outcome): count for outcome, count in at.store.read(lambda c: c.execute(query).all())}


#: Event of the log -> what it is called in the table.
_EVENTS: Final = {
    "lease_expired": "leases of dead drains ended",
    "orphaned_intent": "intents without an owner found",
    "lease_lost": "drains that found their lease gone",
    "connection_paused": "pauses of a connection",
    "drain_killed": "horses killed",
    "scheduler_started": "schedulers begun",
    "worker_started": "workers begun",
    "subscription_reactivated": "subscriptions switched on again",
    "order_kills_the_worker": "orders set aside for killing workers",
    "order_failed_inside": "DEFECTS",
    "schedule_failed_inside": "DEFECTS",
}


def _said(at: Installation) -> dict[str, int]:
    found: collections.Counter[str] = collections.Counter()
    for line in at.crossdock.log.read_text("utf-8", "replace").splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and (name := _EVENTS.get(str(entry.get("event")))):
                found[name] += 1
    return dict(found)


def orders_in(ledger: Path) -> int:
    """How many the shop has."""
    return len({entry.external_id for entry in read_ledger(ledger) if entry.kind.startswith("order.")})


def keep(result: Result, to: Path) -> Path:
    """Put everything of a red run where it stays; answers where."""
    target = to / result.folder.name
    shutil.copytree(result.folder, target, ignore=shutil.ignore_patterns("*.sock", "pg", "valkey"), dirs_exist_ok=True)
    return target


__all__ = ["Result", "ServiceError", "keep", "orders_in", "run"]
