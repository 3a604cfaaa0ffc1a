"""How long it takes to show thousands of changed quantities in a shop, how many calls that is, and what nothing costs.

    .venv/bin/python -m tests.benchmarks.stock [--articles 10000] [--rounds 2]

The shipped WooCommerce connector sets a sandbox shop over HTTP; the ERP's side is in memory, the ledger a SQLite file.
The limit is the same calls, a look and a write for each hundred articles, made by a bare client in the same run.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import functools
import http.client
import logging
import math
import statistics
import time
from decimal import Decimal
from urllib.parse import urlsplit

import orjson
import requests
import structlog

from config.model import Auth, Secret
from config.model import Connection as Account
from connectors.kit.auth import OAuth1
from connectors.kit.http import HttpClient
from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.woocommerce.process import DEFAULT_KEY, DEFAULT_SECRET
from connectors.sandbox_erp.stock import STOCK_BATCH
from sync.rules.systems import Systems
from sync.store.engine import Store
from sync.store.migrate import migrate
from tests.benchmarks.counting import counted
from tests.benchmarks.installation import scratch
from tests.benchmarks.report import console, goal, ratio, table
from tests.benchmarks.resync import serving
from tests.sync.flows.stock_world import ONE, StockWorld

_BULK = 100


@dataclasses.dataclass
class Run:
    name: str
    seconds: float
    cpu_s: float
    looks: int
    writes: int
    statements: int | None = None


@contextlib.contextmanager
def counting():
    """(method, path) of every call that a connector makes."""
    calls = collections.Counter()
    send = HttpClient.request

    def request(self, method, path, **options):
        calls[method] += 1
        return send(self, method, path, **options)

    HttpClient.request = request
    try:
        yield calls
    finally:
        HttpClient.request = send


class World(StockWorld):
    """The ERP in memory, and a shop that is a process of its own."""

    def __init__(self, store, url):
        super().__init__(store)
        shop = Account(
            name=f"shop-{ONE}",
            system="woocommerce",
            url=url,
            auth=Auth(key=Secret(DEFAULT_KEY), secret=Secret(DEFAULT_SECRET)),
            allow_hosts=("127.0.0.1",),
        )
        self.config = dataclasses.replace(self.config, connections={**self.config.connections, shop.name: shop})
        self.systems = Systems(self.config)
        self.systems._made["erp"] = self.erp
        # As many as the sandbox ERP is asked for at once.
        self.erp.stock_batch = STOCK_BATCH
        self.runtime.config, self.runtime.systems = self.config, self.systems

    def run(self, *, full=False):
        """The ERP is read and every channel told, then the drains go on until nothing is due."""
        self.read()
        if full:
            self.reader().everything()
            self.mark_everything()
        while self.spread():
            continue
        while self.push():
            continue


def timed(name, world, work):
    """One run with what it cost."""
    with counting() as calls, counted(world.store) as counts:
        begun, cpu = time.perf_counter(), time.process_time()
        work()
        seconds, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    return Run(name, seconds, cpu_s, calls["GET"], calls["POST"], counts.total)


def bare(url, skus, quantity):
    """The same looks and writes over one connection, signed before anything is measured, with nothing else done."""
    auth, host = OAuth1(DEFAULT_KEY, DEFAULT_SECRET), urlsplit(url).netloc
    batches = [skus[start : start + _BULK] for start in range(0, len(skus), _BULK)]
    address = f"{url}/wp-json/wc/v3/products"
    fields = {"_fields": "id,sku", "per_page": str(_BULK)}
    looks = [
        requests.Request("GET", address, params={**fields, "sku": ",".join(batch)}, auth=auth).prepare()
        for batch in batches
    ]
    begun, cpu = time.perf_counter(), time.process_time()
    connection = http.client.HTTPConnection(host)
    found = [row["id"] for look in looks for row in orjson.loads(_answer(connection, look))]
    spent = time.perf_counter() - begun
    bodies = [
        {"update": [{"id": each, "stock_quantity": quantity} for each in found[start : start + _BULK]]}
        for start in range(0, len(found), _BULK)
    ]
    writes = [requests.Request("POST", f"{address}/batch", json=body, auth=auth).prepare() for body in bodies]
    begun = time.perf_counter()
    for write in writes:
        orjson.loads(_answer(connection, write))
    connection.close()
    seconds, cpu_s = spent + time.perf_counter() - begun, time.process_time() - cpu
    return Run("limit: a bare client", seconds, cpu_s, len(looks), len(writes))


def _answer(connection, request):
    connection.request(request.method, request.path_url, body=request.body, headers=dict(request.headers))
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"the shop answered {answer.status}: {body[:300]}")
    return body


def measure(world, url, skus, rounds):
    """The first run, then in turns: the limit, everything changed, nothing changed, everything compared."""
    change(world, skus, 1)
    runs = [timed("first run: every article is new", world, world.run)]
    for number in range(rounds):
        runs.append(bare(url, skus, 500 + number))
        # The bare client's figures are gone from the shop before ours are judged.
        world.run(full=True)
        change(world, skus, 10 + number)
        runs.append(timed("every article has changed", world, world.run))
        runs.append(timed("nothing has changed", world, world.run))
        runs.append(
            timed("nothing has changed, every article compared", world, functools.partial(world.run, full=True))
        )
    return runs


def change(world, skus, quantity):
    """People count the ERP's goods."""
    for sku in skus:
        world.erp.put_there(sku, Decimal(quantity))


def show(screen, runs, articles):
    limit = statistics.median(run.seconds for run in runs if run.name.startswith("limit"))
    rows = []
    for name in dict.fromkeys(run.name for run in runs):
        same = [run for run in runs if run.name == name]
        seconds = statistics.median(run.seconds for run in same)
        cpu = statistics.median(run.cpu_s for run in same) / articles * 1000
        statements = same[0].statements
        rows.append(
            (
                name,
                f"{seconds:,.2f}",
                f"{articles / seconds:,.0f}",
                ratio(limit, seconds),
                f"{cpu:.3f}",
                str(same[0].looks),
                str(same[0].writes),
                None if statements is None else f"{statements / articles:.2f}",
            )
        )
    headings = ("case", "seconds", "articles/s", "of limit", "CPU ms", "look calls", "write calls", "statements")
    screen.print(table(f"stock of {articles:,} articles into a sandbox shop", headings, rows))
    screen.print("CPU of this process and database statements, both for an article; the shop has the other core.")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--articles", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args(arguments)
    screen = console()
    # As an installation logs: a line for each article would be a part of what is measured.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    # Variations are set below their parent, a call for each parent.
    alone = [product for product in catalogue(options.articles) if not product.parent_sku and "," not in product.sku]
    skus = [product.sku for product in alone]
    with (
        screen.status(f"a shop with {options.articles:,} articles"),
        scratch() as folder,
        serving(["-m", "connectors.sandbox.woocommerce", "--skus", str(options.articles)], folder / "shop.log") as url,
        contextlib.closing(Store.open(f"sqlite:///{folder / 'stock.sqlite'}")) as store,
    ):
        migrate(store)
        world = World(store, url)
        runs = measure(world, url, skus, options.rounds)
        world.systems.close()
    show(screen, runs, len(skus))
    changed = [run for run in runs if run.name == "every article has changed"]
    quiet = [run for run in runs if run.name.startswith("nothing")]
    screen.print(goal("write calls for every article", max(run.writes for run in changed), "<=", calls_for(skus)))
    screen.print(goal("write calls where nothing has changed", max(run.writes for run in quiet), "<=", 0))


def calls_for(skus):
    """A hundred a call."""
    return math.ceil(len(skus) / _BULK)


if __name__ == "__main__":
    main()
