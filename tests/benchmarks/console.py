"""How long the console's lists take in the database: every tab, search, filter and page of many orders.

    .venv/bin/python -m tests.benchmarks.console [--orders 100000] [--database sqlite|postgres]

Two shops sell through one ERP. Most orders are done, some hundreds stand in each other state, and some could never be
read. Each figure is the median of a few repetitions on an open connection; `worst` is the slowest of all.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
import functools
import random
import statistics
import time
from decimal import Decimal

from sqlalchemy import insert, select

from connectors.kit.strict_json import loads
from mappings.base import SourceOptions
from mappings.canonical.schemas import order_to_json
from mappings.registry import SOURCES
from sync.store.bindings import NewBinding, save_bindings
from sync.store.bodies import dump_json, pack
from sync.store.engine import Store
from sync.store.issues import Cause, Stop, open_issues
from sync.store.migrate import migrate
from sync.store.orders import OrderRow, find_orders, save_orders
from sync.store.search import Paging, Sort, Wanted, count_by_state, load_page
from sync.store.states import ItemState
from sync.store.tables import work_items
from tests.benchmarks.backlog import make_backlog
from tests.benchmarks.databases import database
from tests.benchmarks.report import console, goal, table

GOAL_MS = 500
TARGETS = {"web": "erp", "outlet": "erp"}
_PAGE = 500
_DAYS = 365
_BEGUN = dt.datetime(2025, 11, 1, tzinfo=dt.UTC)
#: The share of each state; the rest is done.
_SHARES = {
    ItemState.HELD: 0.002,
    ItemState.PARKED: 0.001,
    ItemState.RECONCILE: 0.0002,
    ItemState.READY: 0.004,
    ItemState.LEASED: 0.0006,
    ItemState.WAITING: 0.02,
    ItemState.SKIPPED: 0.03,
}
_NAMES = ("Anna", "Björn", "Chiara", "Dmitri", "Émilie", "Fatma", "Grace", "Hans", "İpek", "José")
_FAMILIES = ("Müller", "Nowak", "O'Brien", "Petrov", "Quist", "Rossi", "Schmidt", "Tanaka", "Usman", "Vogel")


@dataclasses.dataclass
class Case:
    name: str
    wanted: Wanted
    paging: Paging = dataclasses.field(default_factory=Paging)


def seed(store, count, *, progress=lambda _: None):
    """`count` orders as drains have left them."""
    chance = random.Random(7)
    bodies = _bodies()
    states = [state for state, share in _SHARES.items() for _ in range(max(1, round(count * share)))]
    states += [ItemState.DONE] * (count - len(states))
    chance.shuffle(states)
    for numbers in _batches(count):
        store.write(functools.partial(_seed_page, numbers=numbers, states=states, bodies=bodies, count=count))
        progress(numbers[-1] + 1)


def _batches(count):
    return [range(start, min(start + _PAGE, count)) for start in range(0, count, _PAGE)]


def _bodies():
    """Canonical orders of the usual sizes, compressed."""
    source = SOURCES["woocommerce"]
    mapped = [source.order(loads(body), SourceOptions()) for body in make_backlog(50).bodies]
    return [pack(dump_json(order_to_json(order))) for order in mapped]


def _seed_page(connection, numbers, states, bodies, count):
    rows = [_item(number, states[number], count) for number in numbers]
    connection.execute(insert(work_items), rows)
    query = select(work_items.c.channel, work_items.c.external_id, work_items.c.id).where(
        work_items.c.external_id.in_([row["external_id"] for row in rows])
    )
    ids = {(channel, external_id): item_id for channel, external_id, item_id in connection.execute(query)}
    made = [
        _order(number, row, ids[row["channel"], row["external_id"]], bodies)
        for number, row in zip(numbers, rows, strict=True)
        # Every tenth of what is parked was never read.
        if row["state"] != "parked" or number % 10
    ]
    for channel in TARGETS:
        chosen = [row for row in made if row.channel == channel]
        order_ids = save_orders(connection, chosen)
        done = {row["external_id"] for row in rows if row["channel"] == channel and row["state"] == "done"}
        save_bindings(connection, [_sale(row, order_ids[row.external_id]) for row in chosen if row.external_id in done])
    stopped = [
        (ids[row["channel"], row["external_id"]], number)
        for number, row in zip(numbers, rows, strict=True)
        if row["state"] in {"held", "parked"}
    ]
    open_issues(connection, [Stop(item_id, _cause(number)) for item_id, number in stopped])


def _placed(number, count):
    return _BEGUN + dt.timedelta(days=_DAYS) * number / count


def _item(number, state, count):
    at = _placed(number, count)
    return {
        "channel": "web" if number % 3 else "outlet",
        "kind": "order",
        "external_id": str(number),
        "state": state.value,
        "due_at": at,
        "reason": "" if state is ItemState.DONE else "the reason is usually a sentence of about this length, or two",
        "event_digest": f"{number:032x}",
        "done_digest": f"{number:032x}",
        "created_at": at,
        "updated_at": at + dt.timedelta(hours=1),
    }


def _order(number, row, item_id, bodies):
    name = f"{_NAMES[number % 10]} {_FAMILIES[number // 10 % 10]}{number // 100 or ''}"
    return OrderRow(
        item_id=item_id,
        channel=row["channel"],
        external_id=row["external_id"],
        number=f"N{number}",
        email=f"customer{number % 20_000}@example.com",
        customer=name,
        likeness=f"{number:032x}",
        source_state="processing",
        version="1",
        currency="JPY" if number % 997 == 0 else "EUR",
        grand=Decimal(number * 7919 % 50_000) / 100,
        placed_at=row["created_at"],
        placed_on=row["created_at"].date(),
        mapping_version="shop:1/erp:1",
        material=f"{number:032x}",
        canonical=bodies[number % len(bodies)],
        skus=frozenset(f"SKU-{(number * step) % 3000}" for step in range(1, 2 + number % 3)),
    )


def _sale(row, order_id):
    return NewBinding(
        connection="erp",
        kind="sale",
        external_id=str(500_000 + int(row.external_id)),
        order_id=order_id,
        key=f"{row.channel}:{row.external_id}",
        number=f"SO{row.external_id}",
        state="confirmed",
        rank=3,
        total=f"{row.grand:f}",
        tax="0",
    )


def _cause(number):
    if number % 2:
        return Cause(cause="value_limit", channel="web", title="the order is above the limit")
    return Cause(cause="unknown_sku", subject=f"sku:SKU-{number % 30}", channel="web", title="no such article")


def cases(count):
    """What people look for, and what is hardest for the database."""
    number = str(count // 2 + 1)
    needs = (ItemState.HELD, ItemState.PARKED)
    june = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    yield Case("tab: needs you", Wanted(states=needs))
    yield Case("tab: waiting", Wanted(states=(ItemState.WAITING,)))
    yield Case("tab: done", Wanted(states=(ItemState.DONE,)))
    yield Case("tab: all", Wanted())
    yield Case("all, by amount", Wanted(), Paging(sort=Sort.AMOUNT))
    yield Case("all, by change", Wanted(), Paging(sort=Sort.CHANGED))
    yield Case("done, oldest first", Wanted(states=(ItemState.DONE,)), Paging(descending=False))
    yield Case("one channel", Wanted(channel="outlet"))
    yield Case("one cause", Wanted(cause="unknown_sku"))
    yield Case("a month", Wanted(since=june, until=june + dt.timedelta(days=30)))
    yield Case("needs you, a whole year", Wanted(states=needs, since=_BEGUN, until=_BEGUN + dt.timedelta(days=400)))
    yield Case("a rare currency", Wanted(currency="JPY"))
    yield Case("a rare currency, done", Wanted(currency="JPY", states=(ItemState.DONE,)))
    yield Case("an amount", Wanted(low=Decimal(100), high=Decimal(101)))
    yield Case("an amount, by change", Wanted(low=Decimal(100), high=Decimal(101)), Paging(sort=Sort.CHANGED))
    yield Case("search: shop's number", Wanted(text=f"N{number}"))
    yield Case("search: shop's id", Wanted(text=number))
    yield Case("search: ERP's number", Wanted(text=f"SO{number}"))
    yield Case("search: our key", Wanted(text="web:1000"))
    yield Case("search: e-mail", Wanted(text="Customer77@example.com"))
    yield Case("search: SKU", Wanted(text="SKU-7"))
    yield Case("search: a name", Wanted(text="müller12"))
    yield Case("search: half of all names", Wanted(text="a"))
    yield Case("search: nothing", Wanted(text="there is no such text"))


def timed(store, work, rounds):
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        result = store.read(work)
        seconds.append(time.perf_counter() - begun)
    return result, statistics.median(seconds) * 1000


def measure(store, case, rounds):
    """(name, orders found, ms of the tabs' counts, ms of the first page, ms of a page far behind)."""
    counts, count_ms = timed(store, lambda c: count_by_state(c, case.wanted, TARGETS), rounds)
    total = sum(counts[state] for state in case.wanted.states or ItemState)
    page, page_ms = timed(store, lambda c: load_page(c, case.wanted, case.paging, TARGETS, counts), rounds)
    expected = min(total, case.paging.limit)
    if len(page.rows) != expected:
        raise SystemExit(f"{case.name}: {len(page.rows)} rows where {expected} were counted")
    last_ms = None
    if page.next is not None:
        turned = dataclasses.replace(case.paging, descending=not case.paging.descending)
        far = store.read(lambda c: load_page(c, case.wanted, turned, TARGETS, counts))
        paging = dataclasses.replace(case.paging, before=far.previous, after=far.next)
        _, last_ms = timed(store, lambda c: load_page(c, case.wanted, paging, TARGETS, counts), rounds)
    return case.name, total, count_ms, page_ms, last_ms


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args(arguments)
    screen = console()
    with (
        screen.status(f"seeding {options.orders:,} orders") as status,
        database(options.database) as url,
        contextlib.closing(Store.open(url)) as store,
    ):
        migrate(store)
        seed(store, options.orders, progress=lambda done: status.update(f"seeded {done:,} of {options.orders:,}"))
        status.update("looking")
        rows = [measure(store, case, options.rounds) for case in cases(options.orders)]
        _, find_ms = timed(store, lambda c: find_orders(c, "nothing like it", TARGETS), options.rounds)
    headings = ("list", "orders", "counts ms", "page ms", "far page ms")
    shown = [
        (name, f"{total:,}", f"{counts:.1f}", f"{page:.1f}", None if far is None else f"{far:.1f}")
        for name, total, counts, page, far in rows
    ]
    screen.print(table(f"lists of {options.orders:,} orders on {options.database}", headings, shown))
    worst = max(counts + max(page, far or 0.0) for _, _, counts, page, far in rows)
    screen.print(goal("worst list with its counts", worst, "<=", GOAL_MS, unit=" ms"))
    screen.print(goal("an order by a number that nobody has", find_ms, "<=", GOAL_MS, unit=" ms"))


if __name__ == "__main__":
    main()
