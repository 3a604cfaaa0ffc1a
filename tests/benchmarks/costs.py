"""What one order of a backlog costs in the database, and what the processes hold in memory while orders come and go.

    .venv/bin/python -m tests.benchmarks.costs [--orders 300] [--per-s 20] [--seconds 8]

First a drain in this process with every statement counted. Then web, one worker and the dispatcher as real processes:
signed webhooks come in at a steady rate, and the ERP's ledger tells when each order arrived there.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import itertools
import json
import re
import statistics
import time

from connectors.sandbox.ledger import read_ledger
from sync.work.drain import drain_channel
from sync.work.runtime import Runtime
from tests.benchmarks.backlog import CHANNEL, make_backlog
from tests.benchmarks.counting import counted
from tests.benchmarks.drain import commands, dispatching, open_items
from tests.benchmarks.installation import (
    WEBHOOK_SECRET,
    Installation,
    process,
    running_erp,
    running_valkey,
    scratch,
    until,
)
from tests.benchmarks.load import load
from tests.benchmarks.procfs import children, memory_mb, resident_mb
from tests.benchmarks.report import console, goal, table

GOAL_MB = 150
#: What the study's prototype made possible, with a worker that never forks.
GOAL_P50_MS, GOAL_P99_MS = 30, 150
_LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)")


def count_statements(orders):
    """Statements and write transactions of a drain, by verb and table."""
    with (
        scratch() as folder,
        running_erp(folder, latency_ms=0) as erp,
        running_valkey() as valkey,
        contextlib.closing(Installation(folder, valkey, erp_url=erp.url)) as crossdock,
    ):
        make_backlog(orders).receive(crossdock.store)
        with Runtime(crossdock.settings) as runtime, counted(runtime.store) as counts:
            systems = runtime.systems.channel(CHANNEL)
            looked = drain_channel(runtime.store, systems, "order", ring=lambda *_: None, drain_s=300)
    if looked < orders:
        raise SystemExit(f"{looked} of {orders} orders were looked at")
    return counts


def show_statements(counts, orders):
    rows = [
        (f"{verb} {name}".strip(), count, f"{count / orders:.3f}")
        for (verb, name), count in counts.statements.most_common(12)
    ]
    rows.append(("all statements", counts.total, f"{counts.total / orders:.3f}"))
    rows.append(("write transactions, each one sync", counts.write_commits, f"{counts.write_commits / orders:.3f}"))
    return table(f"database: a backlog of {orders:,} orders in batches of 64", ("statement", "times", "an order"), rows)


# --- the whole way ----------------------------------------------------------------------------------------------


def webhooks(backlog):
    """Signed deliveries of new orders; an order's number is what its customer will read."""
    for body in backlog.bodies:
        document = json.loads(body) | {"status": "processing"}
        raw = json.dumps(document).encode()
        signature = base64.b64encode(hmac.new(WEBHOOK_SECRET.encode(), raw, hashlib.sha256).digest()).decode()
        head = (
            "POST /webhooks/shop HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"X-WC-Webhook-Topic: order.updated\r\nX-WC-Webhook-Resource: order\r\nX-WC-Webhook-Event: updated\r\n"
            f"X-WC-Webhook-Signature: {signature}\r\nContent-Length: {len(raw)}\r\n\r\n"
        )
        yield str(document["id"]), head.encode() + raw


@contextlib.contextmanager
def running_web(crossdock):
    log = crossdock.folder / "web.log"
    env = crossdock.env | {"CROSSDOCK_LISTEN": "127.0.0.1:0"}
    with process(["-m", "sync.cli", "web"], log, env) as started:
        found = until(lambda: _LISTENS.search(log.read_text()), "web listens", within_s=60)
        yield started, int(found[1])


def family(pid):
    """The process and everything below it."""
    below = [pid]
    for each in below:
        with contextlib.suppress(FileNotFoundError):
            below += children(each)
    return below


def whole_way(per_s, seconds):
    """(rows of the table, milliseconds from sending to the ERP, memory in MB at its most)."""
    backlog = make_backlog(int(per_s * seconds) + 200, seed=7)
    sent, memory = {}, []
    with (
        scratch() as folder,
        running_erp(folder) as erp,
        running_valkey() as valkey,
        contextlib.closing(Installation(folder, valkey, erp_url=erp.url)) as crossdock,
        running_web(crossdock) as (web, port),
        crossdock.workers(1) as [worker],
        dispatching(crossdock),
    ):
        stream = webhooks(backlog)
        redis = valkey.client()

        def next_request():
            number, request = next(stream)
            sent[number] = time.time()
            return request

        def remember():
            pids = [*family(web.pid), *family(worker.pid)]
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                memory.append((memory_mb(pids), resident_mb(pids)))

        remember()
        # The first orders find caches that are cold.
        load(port, next_request, seconds=1, connections=4, per_s=10)
        until(lambda: sent and not open_items(crossdock.store), "the first orders arrive", within_s=60)
        warm, before = len(sent), commands(redis)
        accepted = load(port, next_request, seconds=seconds, connections=8, per_s=per_s)
        remember()
        until(lambda: not open_items(crossdock.store), "all orders arrive", within_s=120)
        remember()
        used = commands(redis) - before
        arrived = {
            entry.key.partition(":")[2]: dt.datetime.fromisoformat(entry.at).timestamp()
            for entry in read_ledger(erp.ledger)
            if entry.kind == "sale.confirm"
        }
    measured = [(arrived[number] - at) * 1000 for number, at in itertools.islice(sent.items(), warm, None)]
    return accepted, sorted(measured), memory, used / max(1, len(measured))


def percentile(values, percent):
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--per-s", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args(arguments)
    screen = console()
    with screen.status("a drain with its statements counted") as status:
        screen.print(show_statements(count_statements(options.orders), options.orders))
        status.update("the whole way of live orders")
        accepted, latencies, memory, used = whole_way(options.per_s, options.seconds)
    most = max(proportional for proportional, _ in memory)
    rows = [
        ("accepted", f"{accepted.percentile(50):.0f}", f"{accepted.percentile(99):.0f}", accepted.accepted),
        (
            "confirmed in the ERP",
            f"{percentile(latencies, 50):.0f}",
            f"{percentile(latencies, 99):.0f}",
            len(latencies),
        ),
    ]
    title = f"the whole way at {options.per_s:g} orders/s, one worker, ERP at 20 ms: milliseconds from sending"
    screen.print(table(title, ("until", "p50", "p99", "orders"), rows))
    resident = max(resident for _, resident in memory)
    screen.print(
        f"web and worker: {memory[0][0]:.0f} MB at rest, {most:.0f} MB at most with what they share counted once; "
        f"{resident:.0f} MB resident at most"
    )
    screen.print(f"Redis: {used:.1f} commands for a live order, which rings for itself where it comes alone")
    screen.print(goal("deliveries that were refused", accepted.errors, "<=", 0))
    screen.print(goal("to the ERP, p50", percentile(latencies, 50), "<=", GOAL_P50_MS, unit=" ms"))
    screen.print(goal("to the ERP, p99", percentile(latencies, 99), "<=", GOAL_P99_MS, unit=" ms"))
    screen.print(goal("memory of web and worker at rest", memory[0][0], "<=", GOAL_MB, unit=" MB"))
    screen.print(goal("memory of web and worker with a drain at work", most, "<=", GOAL_MB, unit=" MB"))


if __name__ == "__main__":
    main()
