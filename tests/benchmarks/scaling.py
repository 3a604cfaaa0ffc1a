"""How a backlog drains with 1, 2 and 4 workers on each database, what of the machine that takes, and what it leaves.

    .venv/bin/python -m tests.benchmarks.scaling [--orders 1200] [--workers 1 2 4] [--rounds 1]

Everything of the grown setup is a process of its own here: workers, dispatcher, database server, Valkey and an ERP that
takes 20 ms for every call. The limit is a load generator that makes the same calls over 32 connections and stores
nothing. CPU is that of everybody who belongs to Crossdock; the ERP's own is shown beside it, for it takes from the same
cores. Only the ratios mean anything on another day.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import os
import time
from pathlib import Path

from sqlalchemy import text

from tests.benchmarks import straight
from tests.benchmarks.backlog import make_backlog
from tests.benchmarks.databases import database
from tests.benchmarks.drain import CONNECTIONS, LONGEST_S, QUEUE, commands, dispatching, faults, open_items
from tests.benchmarks.installation import LATENCY_MS, Installation, running_erp, running_valkey, scratch, until
from tests.benchmarks.procfs import children, cpu_s
from tests.benchmarks.report import console, goal, median, ratio, table

DATABASES = ("sqlite", "postgres")
GOAL_COMMANDS = 2
#: The size of a database is said for so many orders.
PER = 100_000


@dataclasses.dataclass(frozen=True)
class Run:
    per_s: float
    #: CPU time for one order in ms, of the workers and of the database's server.
    workers_ms: float
    database_ms: float
    #: Share of all cores that Crossdock and the ERP took while it lasted.
    busy: float
    commands: float
    transactions: float | None
    #: Bytes that the database grew by, for one order with its customer, documents and attempts.
    size: float
    faults: int


def measure(kind, workers, backlog):
    with (
        scratch() as folder,
        database(kind) as url,
        running_erp(folder) as erp,
        running_valkey() as valkey,
        contextlib.closing(Installation(folder, valkey, erp_url=erp.url, CROSSDOCK_DATABASE=url)) as crossdock,
    ):
        empty = size_of(crossdock.store)
        backlog.receive(crossdock.store)
        redis = valkey.client()
        with crossdock.workers(workers) as started, dispatching(crossdock):
            pids = [worker.pid for worker in started]
            others = [erp.process_id, valkey.process_id]
            servers = backends(crossdock.store)
            before = commands(redis), transactions(crossdock.store), cpu_s(pids), server_cpu_s(servers), cpu_s(others)
            begun = time.perf_counter()
            crossdock.ring()
            until(lambda: not open_items(crossdock.store), "the backlog is worked off", within_s=LONGEST_S, every_s=0.1)
            spent = time.perf_counter() - begun
            until(lambda: not redis.llen(QUEUE) and not any(map(children, pids)), "the drains end", within_s=30)
            after = commands(redis), transactions(crossdock.store), cpu_s(pids), server_cpu_s(servers), cpu_s(others)
        done = len(backlog.bodies)
        moved, written, worked, served, others_took = (
            None if late is None else late - early for early, late in zip(before, after, strict=True)
        )
        return Run(
            per_s=done / spent,
            workers_ms=worked / done * 1000,
            database_ms=served / done * 1000,
            busy=(worked + served + others_took) / spent / os.cpu_count(),
            commands=moved / done,
            transactions=None if written is None else written / done,
            size=(size_of(crossdock.store) - empty) / done,
            faults=faults(erp, backlog),
        )


# --- what the database says of itself -----------------------------------------------------------------------------


def size_of(store):
    """Bytes on the disk, indexes and all."""
    if not store.is_sqlite:
        return store.read(lambda c: c.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(store.engine.url.database).stat().st_size


def transactions(store):
    """Committed and rolled back, of everybody; SQLite does not count."""
    if store.is_sqlite:
        return None
    query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
    return store.read(lambda c: c.execute(text(query)).scalar_one())


def backends(store):
    """The server's first process, of which all its others are children; None where the database is a file."""
    if store.is_sqlite:
        return None
    backend = store.read(lambda c: c.execute(text("SELECT pg_backend_pid()")).scalar_one())
    return int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])


def server_cpu_s(server):
    return 0.0 if server is None else cpu_s([server, *children(server)])


# --- the table ----------------------------------------------------------------------------------------------------


def show(measured, limit, backlog):
    rows = []
    for (kind, workers), runs in measured.items():
        alone = median(measured[kind, min(number for name, number in measured if name == kind)], "per_s")
        per_s, wrote = median(runs, "per_s"), median(runs, "transactions")
        rows.append(
            (
                kind,
                str(workers),
                f"{per_s:,.0f}",
                ratio(per_s, alone),
                ratio(per_s, limit),
                f"{median(runs, 'workers_ms'):.2f}",
                f"{median(runs, 'database_ms'):.2f}",
                f"{median(runs, 'busy'):.0%}",
                f"{median(runs, 'commands'):.2f}",
                None if wrote is None else f"{wrote:.2f}",
                f"{median(runs, 'size') * PER / 1e6:,.0f}",
                sum(run.faults for run in runs),
            )
        )
    size = f"{len(backlog.bodies):,} orders of {backlog.size / 1000:.1f} kB"
    title = f"scaling: {size} to an ERP at {LATENCY_MS} ms; the load generator makes {limit:,.0f} orders/s (limit)"
    headings = (
        *("database", "workers", "orders/s", "of fewest", "of limit", "workers ms", "database ms", "cores"),
        *("Redis", "commits", "MB per 100,000", "faults"),
    )
    return table(title, headings, rows)


LEGEND = (
    "ms: CPU for an order. cores: how busy they were, with the ERP's own share. "
    "Redis: commands, commits: of PostgreSQL, both for an order."
)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=1200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args(arguments)
    backlog = make_backlog(options.orders)
    screen = console()
    measured = {case: [] for case in itertools.product(DATABASES, options.workers)}
    with screen.status("the load generator") as status:
        with scratch() as folder, running_erp(folder) as erp:
            sales = straight.sale_payloads(erp, backlog)
            limit = straight.run(erp, sales, bulk=1, connections=CONNECTIONS)
        for turn, (kind, workers) in itertools.product(range(options.rounds), measured):
            status.update(f"round {turn + 1} of {options.rounds}: {kind}, {workers} workers")
            measured[kind, workers].append(measure(kind, workers, backlog))
    most = max(median(runs, "commands") for runs in measured.values())
    found = sum(run.faults for runs in measured.values() for run in runs)
    screen.print(
        show(measured, limit, backlog),
        LEGEND,
        goal("Redis commands for an order of a backlog", most, "<=", GOAL_COMMANDS),
        goal("faults in the ERP's ledger", found, "<=", 0),
        sep="\n",
    )


if __name__ == "__main__":
    main()
