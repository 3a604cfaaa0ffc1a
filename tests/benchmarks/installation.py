"""An installation on this machine for the length of a benchmark: its ERP, its queue, its workers, each a real process.

Everything listens on loopback or on a unix socket, lives in a folder of its own, and is stopped when the block ends.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from string import Template

from config.settings import Settings
from connectors.sandbox.erp import DEFAULT_API_KEY
from connectors.sandbox.ledger import read_ledger
from connectors.sandbox.woocommerce.process import DEFAULT_KEY, DEFAULT_SECRET
from sync.cli.processes import prepare_database
from sync.store.engine import Store
from sync.work.bell import Bell
from sync.work.processes import die_with_parent
from tests.benchmarks.backlog import CHANNEL, DAYS
from tests.shared import REPOSITORY
from tests.valkey import ValkeyServer

LATENCY_MS = 20
WEBHOOK_SECRET = "wh_of_the_benchmarks"
#: Of a call. Short, because a dead worker's items are taken over after three of them.
DEADLINE_S = 4
#: No effect of the ERP lands later than this after its request.
SETTLE_S = 1

_CONFIGURATION = Template("""
connections:
  shop:
    system: woocommerce
    url: $shop
    auth:
      key: $${env:BENCH_SHOP_KEY}
      secret: $${env:BENCH_SHOP_SECRET}
    webhook_secrets: ["$${env:BENCH_WEBHOOK_SECRET}"]
    allow_hosts: [127.0.0.1]
  erp:
    system: sandbox_erp
    url: $erp
    auth:
      key: $${env:BENCH_ERP_KEY}
    deadline_s: ${deadline_s}s
    allow_hosts: [127.0.0.1]
    options:
      bulk: $bulk
channels:
  $channel:
    source: shop
    erp: erp
    canary: 0
    policies:
      start_at: $start_at
      home_country: DE
    schedules:
      pull_every_s: 1h
""")


@contextlib.contextmanager
def scratch():
    """A folder beside the real state folder: what a disk costs must be in the figures."""
    # Asked to end, a benchmark still stops what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    folder = REPOSITORY / "var" / "bench" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def process(arguments, log, env=None):
    """A Python process, which is ended with the block; its output goes to the file `log`."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=REPOSITORY,
            env=env,
            stdout=output,
            stderr=output,
            # A worker's horse belongs to it: both are ended as one.
            start_new_session=True,
            # Killed, it leaves nothing behind either.
            preexec_fn=functools.partial(die_with_parent, os.getpid(), signal.SIGKILL),  # noqa: PLW1509 - we have one thread
        )
    try:
        yield started
    finally:
        if started.poll() is None:
            started.terminate()
            try:
                started.wait(15)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


def until(condition, what, *, within_s, every_s=0.02):
    """Wait for it, and end the benchmark when it does not come."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise SystemExit(f"{what} within {within_s:.0f} s: no")
        time.sleep(every_s)
    return found


class Erp:
    """The sandbox ERP as a process, with its ledger."""

    def __init__(self, url, ledger, process_id):
        self.url = url
        self.ledger = ledger
        self.process_id = process_id

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    def times(self, kind):
        """When each effect of this kind came about, in seconds since 1970, in their order."""
        return [
            dt.datetime.fromisoformat(entry.at).timestamp() for entry in read_ledger(self.ledger) if entry.kind == kind
        ]


@contextlib.contextmanager
def running_erp(folder, *, latency_ms=LATENCY_MS):
    ledger, log = folder / "erp.jsonl", folder / "erp.log"
    options = ["--latency-ms", str(latency_ms), "--settle-s", str(SETTLE_S), "--enforce-key", "--ledger", str(ledger)]
    with process(["-m", "connectors.sandbox.erp", *options], log) as started:
        line = until(lambda: log.read_text() if log.read_text().endswith("\n") else "", "the ERP starts", within_s=30)
        yield Erp(json.loads(line)["url"], ledger, started.pid)


@contextlib.contextmanager
def running_valkey():
    # A socket's path is short, and that of a repository may be long.
    folder = Path(tempfile.mkdtemp(prefix="cd-bench-"))
    server = ValkeyServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


class Installation:
    """Crossdock with a configuration, an empty SQLite database and a queue; workers are started on demand."""

    def __init__(self, folder, valkey, *, erp_url, shop_url="http://127.0.0.1:9", bulk=1, **variables):
        self.folder = folder
        start_at = dt.datetime.now(dt.UTC) - dt.timedelta(days=DAYS + 1)
        configuration = folder / "config"
        configuration.mkdir()
        text = _CONFIGURATION.substitute(
            shop=shop_url,
            erp=erp_url,
            deadline_s=DEADLINE_S,
            bulk=bulk,
            channel=CHANNEL,
            start_at=start_at.isoformat(timespec="seconds"),
        )
        (configuration / "crossdock.yaml").write_text(text, "utf-8")
        self.env = {
            "PATH": os.environ["PATH"],
            "CROSSDOCK_CONFIG": str(configuration),
            "CROSSDOCK_STATE": str(folder),
            "CROSSDOCK_REDIS": valkey.url.reveal(),
            "CROSSDOCK_LOG_FORMAT": "json",
            "BENCH_SHOP_KEY": DEFAULT_KEY,
            "BENCH_SHOP_SECRET": DEFAULT_SECRET,
            "BENCH_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "BENCH_ERP_KEY": DEFAULT_API_KEY,
            **variables,
        }
        self.settings = Settings.from_env(self.env)
        prepare_database(self.settings)
        self.store = Store.open(self.settings.database_url.reveal())
        self.bell = Bell(self.settings.redis_url, longest_call_s=DEADLINE_S)

    def close(self):
        self.bell.close()
        self.store.close()

    @contextlib.contextmanager
    def workers(self, count):
        """So many `crossdock worker`, ready to be rung."""
        with contextlib.ExitStack() as stack:
            logs = [self.folder / f"worker-{uuid.uuid4().hex}.log" for _ in range(count)]
            started = [stack.enter_context(process(["-m", "sync.cli", "worker"], log, self.env)) for log in logs]
            for log in logs:
                until(lambda log=log: "worker_started" in log.read_text(), "a worker starts", within_s=30)
            yield started

    def log(self):
        """What the workers said."""
        return "\n".join(path.read_text() for path in self.folder.glob("worker-*.log"))

    def ring(self):
        self.bell.ring(CHANNEL, "order", again=True)
