"""How fast a shop is read again in which nothing has changed, and what that leaves behind: the checkpoint, no more.

    .venv/bin/python -m tests.benchmarks.resync [--orders 20000] [--rounds 2]

The shipped WooCommerce connector reads a sandbox shop's pages over HTTP, 100 orders each; every order is stored and
done. The limit is the same pages read by a bare client and parsed by orjson, in the same run. What the database holds
is compared row by row.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime as dt
import functools
import gc
import http.client
import itertools
import json
import statistics
import time
from urllib.parse import urlsplit

import orjson
import requests
from sqlalchemy import delete, update

from connectors.kit.auth import OAuth1
from connectors.sandbox.woocommerce.process import DEFAULT_KEY, DEFAULT_SECRET
from sync.flows.pull import pull
from sync.store.backlog import due_channels
from sync.store.tables import checkpoints, work_items
from sync.work.runtime import Runtime
from tests.benchmarks.backlog import CHANNEL, DAYS
from tests.benchmarks.counting import counted, fingerprints
from tests.benchmarks.installation import Installation, process, running_valkey, scratch, until
from tests.benchmarks.report import console, goal, ratio, table

GOAL_PER_S = 4000
_PAGE = 100


@dataclasses.dataclass
class Run:
    name: str
    seconds: float
    cpu_s: float
    #: None where nothing is stored.
    statements: int | None = None
    written: str = ""


@contextlib.contextmanager
def running_shop(folder, orders):
    """What making the pages costs the shop is not our affair: from the second time on they are served from memory."""
    options = ["--orders", str(orders), "--days", str(DAYS), "--variety", "demo", "--skus", "1000"]
    with (
        serving(["-m", "connectors.sandbox.woocommerce", *options], folder / "shop.log") as shop,
        serving(["-m", "tests.benchmarks.replay", shop], folder / "replay.log") as url,
    ):
        yield url


@contextlib.contextmanager
def serving(arguments, log):
    with process(arguments, log):
        yield json.loads(until(lambda: _line(log), f"{arguments[1]} is ready", within_s=240, every_s=0.2))["url"]


def _line(log):
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    return lines[0] if lines else ""


def timed(name, work):
    begun, cpu = time.perf_counter(), time.process_time()
    work()
    return Run(name, time.perf_counter() - begun, time.process_time() - cpu)


def signed_pages(shop, orders):
    """Requests for every page, signed before anything is measured."""
    pages = range(1, -(-orders // _PAGE) + 1)
    address = f"{shop}/wp-json/wc/v3/orders?per_page={_PAGE}&order=asc&orderby=id&page="
    auth = OAuth1(DEFAULT_KEY, DEFAULT_SECRET)
    return [requests.Request("GET", f"{address}{page}", auth=auth).prepare() for page in pages]


def bare(shop, pages, orders):
    """Every page once, over one connection: the shop's share and the parsing, with nothing else done."""
    connection = http.client.HTTPConnection(urlsplit(shop).netloc)
    seen = 0
    for page in pages:
        connection.request("GET", page.path_url, headers=dict(page.headers))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise SystemExit(f"the shop answered {answer.status}: {body[:300]}")
        seen += len(orjson.loads(body))
    connection.close()
    # The trash is a list of its own.
    assert seen <= orders, (seen, orders)


def read_again(runtime, since, orders):
    """A pull from the beginning: as after `rewind`, or where a checkpoint was lost."""
    runtime.store.write(lambda c: c.execute(delete(checkpoints)))
    done = pull(runtime.store, runtime.systems.connector("shop"), "shop", [CHANNEL], since=since)
    if done.seen < orders:
        raise SystemExit(f"{done.seen} of {orders} orders were read")
    return done


def measure(runtime, shop, orders, rounds):
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=DAYS + 1)
    store = runtime.store
    first = timed("first pull: every order is new", lambda: read_again(runtime, since, orders))
    # What a drain leaves behind; draining them all is another benchmark's.
    done = {"state": "done", "done": work_items.c.wanted, "done_digest": work_items.c.event_digest}
    store.write(lambda c: c.execute(update(work_items).values(done)))
    before = fingerprints(store)
    # As the scheduler does, who pulls.
    gc.collect()
    gc.freeze()
    runs = [first]
    # Fills the replay with what the limit asks for.
    bare(shop, signed_pages(shop, orders), orders)
    for _ in range(rounds):
        runs.append(
            timed("limit: a bare client and orjson", functools.partial(bare, shop, signed_pages(shop, orders), orders))
        )
        with counted(store) as counts:
            run = timed("re-sync: nothing has changed", lambda: read_again(runtime, since, orders))
        # The one DELETE is ours: it takes the checkpoint away.
        run.statements, run.written = counts.total - 1, ", ".join(counts.written)
        runs.append(run)
    after = fingerprints(store)
    return runs, [name for name in before if before[name] != after[name]], store.read(due_channels)


def show(screen, runs, orders):
    limit = statistics.median(run.seconds for run in runs if run.name.startswith("limit"))
    rows = []
    for name, group in itertools.groupby(sorted(runs, key=lambda run: run.name), key=lambda run: run.name):
        same = list(group)
        seconds = statistics.median(run.seconds for run in same)
        statements = same[0].statements
        rows.append(
            (
                name,
                f"{orders / seconds:,.0f}",
                ratio(limit, seconds),
                f"{statistics.median(run.cpu_s for run in same) / orders * 1000:.3f}",
                None if statements is None else f"{statements / orders:.3f}",
                same[0].written,
            )
        )
    headings = ("case", "orders/s", "of limit", "CPU ms", "statements", "tables written")
    screen.print(table(f"re-sync of {orders:,} orders from a sandbox shop", headings, rows))
    screen.print("CPU of this process and database statements, both for an order; the shop has the other core.")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args(arguments)
    screen = console()
    with (
        screen.status(f"a shop with {options.orders:,} orders") as status,
        scratch() as folder,
        running_shop(folder, options.orders) as shop,
        running_valkey() as valkey,
        contextlib.closing(Installation(folder, valkey, erp_url="http://127.0.0.1:9", shop_url=shop)) as crossdock,
        Runtime(crossdock.settings) as runtime,
    ):
        status.update("read, and read again")
        runs, changed, due = measure(runtime, shop, options.orders, options.rounds)
    show(screen, runs, options.orders)
    again = [run for run in runs if run.name.startswith("re-sync")]
    reached = options.orders / statistics.median(run.seconds for run in again)
    screen.print(goal("read again, orders a second", reached, ">=", GOAL_PER_S))
    screen.print(goal("tables changed but the checkpoints", len(set(changed) - {"checkpoints"}), "<=", 0))
    screen.print(goal("items to be looked at, so calls to the ERP", len(due), "<=", 0))


if __name__ == "__main__":
    main()
