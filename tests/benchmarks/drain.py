"""How fast a backlog reaches an ERP that takes 20 ms for every call, against the naive build and against the limit.

    .venv/bin/python -m tests.benchmarks.drain [--orders 1200] [--naive 60] [--rounds 2]

`shipped` rows are real `crossdock worker` processes with everything on: leases, intents, attempts, bindings, look-up
before write, SQLite with full sync. Every row of the table was measured in this run, in turn with the others; only the
ratios mean anything on another day. The last run kills a worker (-9) in the middle, and the ERP's ledger is judged.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import os
import signal
import sys
import threading
import time

from redis import Redis
from sqlalchemy import func, select

from connectors.sandbox.erp.audit import check_ledger
from sync.store.tables import work_items
from sync.work.dispatch import Dispatcher
from sync.work.runtime import Runtime
from tests.benchmarks import naive, straight
from tests.benchmarks.backlog import make_backlog
from tests.benchmarks.installation import (
    LATENCY_MS,
    Installation,
    process,
    running_erp,
    running_valkey,
    scratch,
    until,
)
from tests.benchmarks.procfs import children, cpu_s
from tests.benchmarks.report import console, goal, median, ratio, table

GOAL_OF_NAIVE = 10
GOAL_OF_LIMIT = 0.7
GOAL_BULK = 4
GOAL_COMMANDS = 2
CONNECTIONS = 32
BULK = 50
#: Patience with one case.
LONGEST_S = 120
QUEUE = "rq:queue:crossdock"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    kind: str
    workers: int = 0
    bulk: int = 1


CASES = (
    Case("limit: load generator", "straight"),
    Case("naive: an RQ job per order", "naive", workers=1),
    Case("shipped", "shipped", workers=1),
    Case("shipped", "shipped", workers=2),
    Case("limit: load generator", "straight", bulk=BULK),
    Case("shipped", "shipped", workers=2, bulk=BULK),
)


@dataclasses.dataclass(frozen=True)
class Run:
    per_s: float
    #: Of the workers, for one order; start-up not in it.
    cpu_ms: float | None = None
    #: Redis commands, all of them, for one order.
    commands: float | None = None
    faults: int = 0


# --- one case ---------------------------------------------------------------------------------------------------


def measure(case, backlog, first_few):
    with scratch() as folder, running_erp(folder) as erp:
        if case.kind == "straight":
            sales = straight.sale_payloads(erp, backlog)
            return Run(straight.run(erp, sales, bulk=case.bulk, connections=CONNECTIONS))
        with running_valkey() as valkey:
            if case.kind == "naive":
                return run_naive(folder, erp, valkey, first_few)
            return run_shipped(case, folder, erp, valkey, backlog)


def run_naive(folder, erp, valkey, backlog):
    """From the first sale to the last confirmation: what starting the worker costs is not in it."""
    jobs = naive.queue(valkey.url.reveal())
    for body in backlog.bodies:
        jobs.enqueue(naive.send, erp.url, body.decode(), result_ttl=60)
    before = commands(jobs.connection)
    with process(["-m", "tests.benchmarks.naive", valkey.url.reveal()], folder / "naive.log") as worker:
        until(lambda: worker.poll() is not None, "the naive build works off its jobs", within_s=LONGEST_S)
    created, confirmed = erp.times("sale.create"), erp.times("sale.confirm")
    per_s = len(confirmed) / (confirmed[-1] - created[0])
    return Run(per_s, commands=(commands(jobs.connection) - before) / len(confirmed), faults=faults(erp, backlog))


def run_shipped(case, folder, erp, valkey, backlog):
    with contextlib.closing(Installation(folder, valkey, erp_url=erp.url, bulk=case.bulk)) as crossdock:
        backlog.receive(crossdock.store)
        redis = valkey.client()
        with crossdock.workers(case.workers) as workers, dispatching(crossdock):
            pids = [worker.pid for worker in workers]
            before, cpu = commands(redis), cpu_s(pids)
            begun = time.perf_counter()
            crossdock.ring()
            until(lambda: not open_items(crossdock.store), "the backlog is worked off", within_s=LONGEST_S, every_s=0.1)
            spent = time.perf_counter() - begun
            # Ended horses count among their workers' children.
            until(lambda: not redis.llen(QUEUE) and not any(map(children, pids)), "the drains end", within_s=30)
            used = cpu_s(pids) - cpu
            count = len(backlog.bodies)
            return Run(
                count / spent, used / count * 1000, (commands(redis) - before) / count, faults=faults(erp, backlog)
            )


def open_items(store):
    table = work_items.c
    return store.read(
        lambda c: c.execute(select(func.count()).select_from(work_items).where(table.wanted > table.done)).scalar_one()
    )


def faults(erp, backlog):
    found = check_ledger(erp.ledger, backlog.expected())
    if found:
        sys.stderr.write("\n  ".join(["the ledger is not clean:", *found[:5], ""]))
    return len(found)


def commands(redis: Redis):
    """How many commands the server has executed, this very question left out."""
    stats = redis.info("commandstats")
    return sum(entry["calls"] for name, entry in stats.items() if name not in {"cmdstat_info", "cmdstat_llen"})


# --- kill -9 in the middle --------------------------------------------------------------------------------------


def kill_in_the_middle(backlog):
    """(seconds from the kill until all was done, faults of the ledger)."""
    with (
        scratch() as folder,
        running_erp(folder) as erp,
        running_valkey() as valkey,
        contextlib.closing(Installation(folder, valkey, erp_url=erp.url)) as crossdock,
    ):
        backlog.receive(crossdock.store)
        with crossdock.workers(2) as workers, dispatching(crossdock):
            crossdock.ring()
            half = len(backlog.bodies) // 2
            until(lambda: len(erp.times("sale.confirm")) >= half, "half of the backlog", within_s=LONGEST_S)
            victim = next(each for each in workers if children(each.pid))
            os.killpg(victim.pid, signal.SIGKILL)
            killed = time.perf_counter()
            victim.wait()
            until(lambda: not open_items(crossdock.store), "all is recovered", within_s=LONGEST_S, every_s=0.1)
            return time.perf_counter() - killed, faults(erp, backlog)


@contextlib.contextmanager
def dispatching(crossdock):
    """The dispatcher, as the scheduler runs it, but for its pulls: there is no shop."""
    stop = threading.Event()

    def look():
        with Runtime(crossdock.settings) as runtime:
            dispatcher = Dispatcher(runtime)
            while not stop.wait(0.5):
                dispatcher.look()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


# --- the table --------------------------------------------------------------------------------------------------


def show(measured, backlog):
    limits = {case.bulk: median(runs, "per_s") for case, runs in measured.items() if case.kind == "straight"}
    naive_per_s = next(median(runs, "per_s") for case, runs in measured.items() if case.kind == "naive")
    rows = []
    for case, runs in measured.items():
        per_s, cpu, redis = median(runs, "per_s"), median(runs, "cpu_ms"), median(runs, "commands")
        rows.append(
            (
                case.name,
                case.workers or None,
                case.bulk,
                f"{per_s:,.0f}",
                ratio(per_s, limits[case.bulk]),
                ratio(per_s, naive_per_s),
                None if cpu is None else f"{cpu:.2f}",
                None if redis is None else f"{redis:.2f}",
                sum(run.faults for run in runs),
            )
        )
    size = f"{len(backlog.bodies):,} orders of {backlog.size / 1000:.1f} kB"
    title = f"drain: {size} to an ERP at {LATENCY_MS} ms; create, confirm, read back"
    headings = ("case", "workers", "a call", "orders/s", "of limit", "x naive", "CPU ms", "Redis", "faults")
    return table(title, headings, rows)


LEGEND = "a call: orders in one. CPU: of the workers, Redis: commands, both for an order. faults: in the ERP's ledger."


def goals(measured):
    rate = {(case.kind, case.workers, case.bulk): median(runs, "per_s") for case, runs in measured.items()}
    redis = next(median(runs, "commands") for case, runs in measured.items() if (case.workers, case.bulk) == (2, 1))
    shipped = rate["shipped", 2, 1]
    yield goal("two workers, of the naive build", shipped / rate["naive", 1, 1], ">=", GOAL_OF_NAIVE, unit="x")
    yield goal("two workers, of the limit", shipped / rate["straight", 0, 1], ">=", GOAL_OF_LIMIT, unit="x")
    yield goal(f"{BULK} orders a call, of one a call", rate["shipped", 2, BULK] / shipped, ">=", GOAL_BULK, unit="x")
    yield goal("Redis commands for an order of a backlog", redis, "<=", GOAL_COMMANDS)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=1200)
    parser.add_argument("--naive", type=int, default=60, help="orders of the naive build, which takes long for them")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args(arguments)
    backlog, first_few = make_backlog(options.orders), make_backlog(options.naive)
    screen = console()
    measured = {case: [] for case in CASES}
    with screen.status("") as status:
        for turn, case in itertools.product(range(options.rounds), CASES):
            how = f"{case.name}, {case.workers} workers, {case.bulk} a call"
            status.update(f"round {turn + 1} of {options.rounds}: {how}")
            measured[case].append(measure(case, backlog, first_few))
        screen.print(show(measured, backlog), LEGEND, *goals(measured), sep="\n")
        status.update("kill -9 of a worker in the middle")
        seconds, found = kill_in_the_middle(backlog)
    screen.print(goal(f"faults after a worker's kill -9 ({seconds:.0f} s until all was done)", found, "<=", 0))


if __name__ == "__main__":
    main()
