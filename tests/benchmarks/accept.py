"""How many deliveries a second are accepted, durably, against a null Flask handler on the same gunicorn.

    .venv/bin/python -m tests.benchmarks.accept [--seconds 4] [--rounds 1] [--database sqlite|postgres|both]

Every row of the table was measured in this run, in turn with the others; only the ratios mean anything on another day.
`busy` rows: two drains that commit batches of 64 and a pull that saves pages of 50 write at the same time.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from sync.store.engine import Store
from sync.store.migrate import migrate
from tests.benchmarks.databases import empty_database, postgres_server
from tests.benchmarks.load import load
from tests.benchmarks.report import console, goal, median, ratio, table
from tests.shared import REPOSITORY
from tests.webapp.served import Server
from tests.webapp.shop import sign

GOAL_P99_MS = 100
GOAL_OF_NULL = 0.5
CONNECTIONS = 32
#: Deliveries a second of the paced rows: more than any shop of this size sends.
PACE_PER_S = 150
SHIPPED = "tests.benchmarks.accept_apps:shipped_app()"
NULL = "tests.benchmarks.accept_apps:null_app()"
COMMIT_EACH = "tests.benchmarks.accept_apps:commit_each_app()"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    app: str
    database: str = "sqlite"
    processes: int = 1
    busy: bool = False
    per_s: float | None = None


@dataclasses.dataclass(frozen=True)
class Run:
    per_s: float
    p50: float
    p99: float
    errors: int
    #: Of the web processes, for one accepted delivery.
    cpu_ms: float
    memory_mb: float


def cases(databases):
    yield Case("null Flask handler", NULL)
    yield Case("null Flask handler", NULL, per_s=PACE_PER_S)
    for database in databases:
        yield Case("a commit per request", COMMIT_EACH, database)
        yield Case("shipped, idle", SHIPPED, database)
        yield Case("shipped, idle, 2 processes", SHIPPED, database, processes=2)
        yield Case("shipped, busy", SHIPPED, database, busy=True)
        yield Case("shipped, idle", SHIPPED, database, per_s=PACE_PER_S)
        yield Case("shipped, busy", SHIPPED, database, busy=True, per_s=PACE_PER_S)


def requests():
    """Signed deliveries of 2.4 kB, each of another order."""
    lines = [
        {"id": line, "sku": f"SKU-{line}", "name": f"Article {line} in blue, size L", "quantity": 2, "price": "9.90"}
        | {"taxes": [{"id": 1, "total": "1.88", "subtotal": "1.88"}], "meta_data": [], "total": "19.80"}
        for line in range(9)
    ]
    for number in itertools.count():
        order = {"id": f"{uuid.uuid4().hex[:8]}-{number}", "updated": "2026-01-01T00:00:00", "total": "99.00"}
        body = json.dumps({**order, "billing": {"first_name": "Ada", "city": "Köln"}, "line_items": lines}).encode()
        head = (
            "POST /webhooks/shop HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"X-Shop-Topic: order.updated\r\nX-Shop-Signature: {sign(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


@contextlib.contextmanager
def others(url, *, busy):
    """Two drains and a pull at work on the same database."""
    command = [sys.executable, "-m", "tests.benchmarks.background"]
    kinds = ["drain", "drain", "pull"] if busy else []
    running = [subprocess.Popen([*command, kind, url], cwd=REPOSITORY) for kind in kinds]
    try:
        yield
        if failed := [process.args for process in running if process.poll() is not None]:
            raise SystemExit(f"ended by itself: {failed}")
    finally:
        for process in running:
            process.kill()
            process.wait()


def workers(server):
    """Process ids of the web processes, without gunicorn's arbiter."""
    return Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()


def memory_mb(server):
    pages = [int(Path(f"/proc/{worker}/statm").read_text().split()[1]) for worker in workers(server)]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_ms(server):
    stats = [Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split() for worker in workers(server)]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK") * 1000


def measure(case, seconds, postgres):
    """One case on an empty database and a fresh gunicorn."""
    folder = REPOSITORY / "var" / "bench" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    stream = requests()
    try:
        with empty_database(case.database, folder, postgres) as url:
            store = Store.open(url)
            migrate(store)
            store.close()
            server = Server(folder, url, app=case.app, CROSSDOCK_WEB_PROCESSES=str(case.processes)).start()
            try:
                load(server.port, lambda: next(stream), seconds=0.5, connections=CONNECTIONS)
                with others(url, busy=case.busy):
                    if case.busy:
                        # Their start takes a core each; what is measured is their work.
                        load(server.port, lambda: next(stream), seconds=1.5, connections=4)
                    before = cpu_ms(server)
                    result = load(
                        server.port,
                        lambda: next(stream),
                        seconds=seconds,
                        connections=CONNECTIONS,
                        per_s=case.per_s,
                    )
                    spent = cpu_ms(server) - before
                return Run(
                    per_s=result.per_s,
                    p50=result.percentile(50),
                    p99=result.percentile(99),
                    errors=result.errors,
                    cpu_ms=spent / max(1, result.accepted),
                    memory_mb=memory_mb(server),
                )
            finally:
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


HEADINGS = (
    "case",
    "database",
    "load",
    "accepted/s",
    "of null",
    "p50 ms",
    "p99 ms",
    "of null",
    "CPU ms",
    "errors",
    "MB",
)


def show(measured):
    null = {case.per_s: runs for case, runs in measured.items() if case.app == NULL}
    rows = []
    for case, runs in measured.items():
        base = null[case.per_s]
        rows.append(
            (
                case.name,
                None if case.app == NULL else case.database,
                f"{case.per_s:.0f}/s" if case.per_s else "saturated",
                f"{median(runs, 'per_s'):,.0f}",
                None if case.per_s else ratio(median(runs, "per_s"), median(base, "per_s")),
                f"{median(runs, 'p50'):.1f}",
                f"{median(runs, 'p99'):.1f}",
                ratio(median(runs, "p99"), median(base, "p99")),
                f"{median(runs, 'cpu_ms'):.2f}",
                sum(run.errors for run in runs),
                f"{median(runs, 'memory_mb'):.0f}",
            )
        )
    title = f"accepted deliveries: durable before the 202, 2.4 kB, {CONNECTIONS} keep-alive connections"
    return table(title, HEADINGS, rows)


def goals(measured):
    null = next(runs for case, runs in measured.items() if case.app == NULL and not case.per_s)
    for case, runs in measured.items():
        if case.app != SHIPPED or case.processes > 1:
            continue
        name = f"{case.name}, {case.database}, " + (f"{case.per_s:.0f}/s" if case.per_s else "saturated")
        yield goal(f"{name}: p99", median(runs, "p99"), "<=", GOAL_P99_MS, unit=" ms")
        if not case.per_s and not case.busy:
            reached = median(runs, "per_s") / median(null, "per_s")
            yield goal(f"{name}: accepted, of the null handler", reached, ">=", GOAL_OF_NULL, unit="x")


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--database", choices=["sqlite", "postgres", "both"], default="both")
    parser.add_argument("--saturated", action="store_true", help="leave out the rows at a pace")
    options = parser.parse_args(arguments)
    databases = ["sqlite", "postgres"] if options.database == "both" else [options.database]
    screen = console()
    todo = [case for case in cases(databases) if not (options.saturated and case.per_s)]
    measured = {case: [] for case in todo}
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(postgres_server()) if "postgres" in databases else ""
        with screen.status("") as status:
            for turn, case in itertools.product(range(options.rounds), todo):
                status.update(f"round {turn + 1} of {options.rounds}: {case.name}, {case.database}")
                measured[case].append(measure(case, options.seconds, postgres))
    screen.print(show(measured), *goals(measured), sep="\n")


if __name__ == "__main__":
    main()
