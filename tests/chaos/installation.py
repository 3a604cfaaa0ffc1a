"""One installation with everything around it, on free ports of loopback and sockets in one folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Final

from config.settings import Settings
from connectors.kit.base import ConnectorSettings
from connectors.kit.throttle import lift_pause, redis_pool
from connectors.sandbox.erp import DEFAULT_API_KEY
from connectors.sandbox.woocommerce.process import DEFAULT_KEY, DEFAULT_SECRET
from connectors.sandbox_erp import SandboxErp
from connectors.woocommerce import WooCommerce
from sync.cli.processes import prepare_database
from sync.desk.switching import resume_by_hand
from sync.rules.systems import Systems, read_config
from sync.store.audit import Actor
from sync.store.engine import Store
from tests.chaos import within
from tests.chaos.plan import Plan
from tests.chaos.scale import DEADLINE_S, SETTLE_S
from tests.chaos.services import Crossdock, Postgres, Sandbox, Service, Valkey, is_up, until
from tests.faultproxy import RemoteProxy
from tests.shared import REPOSITORY

CHANNEL: Final = "web"
WEBHOOK_SECRET: Final = "wh_of_the_chaos"
ARTICLES: Final = 60
_LOOPBACK: Final = ("127.0.0.1",)

_CONFIGURATION: Final = Template("""
connections:
  shop:
    system: woocommerce
    url: $shop
    auth:
      key: $${env:CHAOS_SHOP_KEY}
      secret: $${env:CHAOS_SHOP_SECRET}
    webhook_secrets: ["$${env:CHAOS_WEBHOOK_SECRET}"]
    allow_hosts: [127.0.0.1]
    deadline_s: ${deadline_s}s
    settle_s: ${settle_s}s
  erp:
    system: sandbox_erp
    url: $erp
    auth:
      key: $${env:CHAOS_ERP_KEY}
    allow_hosts: [127.0.0.1]
    deadline_s: ${deadline_s}s
    settle_s: ${settle_s}s
    options:
      enforced_key: $enforced
      settle_bound_s: $settle_bound_s
channels:
  $channel:
    source: shop
    erp: erp
    canary: 0
    policies:
      start_at: $start_at
      home_country: DE
      target: {fee_account: 6855}
      rules:
        duplicate_order: off
    after_import:
      refunds: posted
      payments: posted
      fees: posted
      post_invoices: on
      invoices: link
    stock:
      push: on
      freeze: [GUTSCHEIN-25]
    schedules:
      pull_every_s: 2s
      follow_every_s: 2s
      stock_every_s: 2s
      webhook_check_every_s: 1m
      resync_every_s: 1m
""")


class Installation:
    """Nothing runs before `start`."""

    def __init__(self, folder: Path, plan: Plan, *, removed: str = ""):
        """`removed`: see `within.REMOVED`."""
        self.folder, self.plan = folder, plan
        self.ledgers = {name: folder / f"{name}.jsonl" for name in ("shop", "erp")}
        self.captured, self.replayed = folder / "delivered.jsonl", folder / "replayed.jsonl"
        web = free_port()
        self.web_url = f"http://127.0.0.1:{web}/webhooks/shop"
        self.shop = self._shop(free_port())
        self.erp = self._erp(free_port())
        self.valkey = Valkey(folder)
        self.postgres: Postgres | None = None
        self.proxies: dict[str, RemoteProxy] = {}
        self.env = {
            "PATH": os.environ["PATH"],
            "CROSSDOCK_CONFIG": str(folder / "config"),
            "CROSSDOCK_STATE": str(folder / "state"),
            "CROSSDOCK_LISTEN": f"127.0.0.1:{web}",
            "CROSSDOCK_PUBLIC_URL": f"http://127.0.0.1:{web}",
            "CROSSDOCK_WORKERS": str(plan.workers),
            "CROSSDOCK_WEB_PROCESSES": "1" if plan.database == "sqlite" else "2",
            "CROSSDOCK_LOG_FORMAT": "json",
            "CHAOS_SHOP_KEY": DEFAULT_KEY,
            "CHAOS_SHOP_SECRET": DEFAULT_SECRET,
            "CHAOS_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "CHAOS_ERP_KEY": DEFAULT_API_KEY,
            within.FOLDER: str(folder),
            within.REMOVED: removed,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent / "wrapper"), str(REPOSITORY)]),
        }

    def _shop(self, port: int) -> Sandbox:
        options = ["--state-file", str(self.ledgers["shop"]), "--deliveries-file", str(self.captured)]
        options += ["--seed", str(self.plan.seed), "--settle-s", str(SETTLE_S), "--delay-s", "0.1"]
        options += [
            "--skus",
            str(ARTICLES),
            "--duplicate",
            "0.3",
            "--reorder",
            "0.3",
            "--late",
            "0.1",
            "--drop",
            "0.1",
            "--runners",
            "3",
        ]
        options += ["--webhook-url", self.web_url, "--webhook-secret", WEBHOOK_SECRET]
        return Sandbox("shop", "connectors.sandbox.woocommerce", self.folder, port, *options)

    def _erp(self, port: int) -> Sandbox:
        options = ["--ledger", str(self.ledgers["erp"]), "--latency-ms", "10", "--settle-s", str(SETTLE_S)]
        # As many as the shop sells: the rest would be compared with it each time.
        options += [
            "--articles",
            str(ARTICLES),
            "--racy-confirm",
            "--enforce-key" if self.plan.enforces_keys else "--no-enforce-key",
        ]
        return Sandbox("erp", "connectors.sandbox.erp", self.folder, port, *options)

    # --- starting -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """All of it. Raises ServiceError, ConfigError."""
        if self.plan.database == "postgresql":
            (place := self.folder / "pg").mkdir()
            self.postgres = Postgres(place)
        for service in self.services:
            service.start()
        self.shop.await_ready()
        self.erp.await_ready()
        until(lambda: is_up(self.valkey), "Valkey answers", self.valkey.demand)
        self._connect_lines()
        self._configure()
        self.settings = Settings.from_env(self.env)
        direct = self._direct_url()
        prepare_database(Settings.from_env({**self.env, "CROSSDOCK_DATABASE": direct}))
        self.store = Store.open(direct)
        self.crossdock = Crossdock(self.folder, self.env)
        self.crossdock.start()
        until(lambda: "worker-1" in self.crossdock.named(), "Crossdock runs", self.crossdock.demand)
        self.systems = self._own_systems()
        key = {"key": DEFAULT_KEY, "secret": DEFAULT_SECRET}
        self.shop_api = WooCommerce(
            ConnectorSettings(name="shop", url=self.shop.url, deadline_s=2.0, allow_hosts=_LOOPBACK, **key)
        )
        self.erp_api = SandboxErp(
            ConnectorSettings(name="erp", url=self.erp.url, key=DEFAULT_API_KEY, deadline_s=2.0, allow_hosts=_LOOPBACK)
        )

    def resume(self, connection: str) -> bool:
        """`crossdock resume CONNECTION`: whether there was a pause. Raises DatabaseBusy."""
        pool = redis_pool(self.settings.redis_url.reveal())
        lift = functools.partial(lift_pause, pool=pool)
        try:
            return resume_by_hand(self.store, "connection", connection, actor=Actor("chaos"), lift=lift).ended
        finally:
            pool.disconnect()

    @property
    def services(self) -> list[Service]:
        """What stands around Crossdock."""
        return [self.shop, self.erp, self.valkey, *([self.postgres] if self.postgres else [])]

    def _connect_lines(self) -> None:
        """Everything that Crossdock says goes through a proxy; what this run itself asks does not."""
        queue = f"unix:{self.folder / 'queue.sock'}"
        self.proxies = {
            "shop": RemoteProxy(self.shop.url.removeprefix("http://")),
            "erp": RemoteProxy(self.erp.url.removeprefix("http://")),
            "queue": RemoteProxy(f"unix:{self.valkey.socket}", listen=queue),
        }
        self.env["CROSSDOCK_REDIS"] = f"unix://{self.folder / 'queue.sock'}"
        if self.postgres is not None:
            self.postgres.await_ready()
            proxy = self.proxies["database"] = RemoteProxy(f"unix:{self.postgres.socket}")
            self.env["CROSSDOCK_DATABASE"] = self.postgres.url(proxy.port)

    def _configure(self) -> None:
        configuration = self.folder / "config"
        configuration.mkdir()
        text = _CONFIGURATION.substitute(
            shop=f"http://{self.proxies['shop'].address}",
            erp=f"http://{self.proxies['erp'].address}",
            deadline_s=DEADLINE_S,
            settle_s=SETTLE_S,
            settle_bound_s=SETTLE_S + 0.5,
            enforced=str(self.plan.enforces_keys).lower(),
            channel=CHANNEL,
            start_at=(dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat(timespec="seconds"),
        )
        (configuration / "crossdock.yaml").write_text(text, "utf-8")

    def _direct_url(self) -> str:
        if self.postgres is None:
            return Settings.from_env(self.env).database_url.reveal()
        return f"postgresql+psycopg://postgres@/postgres?host={self.postgres.socket.parent}"

    def _own_systems(self) -> Systems:
        """This run's own look at both sides, for the proof."""
        return Systems(read_config(self.settings))

    def stop_crossdock(self) -> None:
        """As systemd would; what runs ends what it is doing."""
        for pid in self.crossdock.everybody():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.crossdock.kill(signal.SIGTERM)

    def close(self) -> None:
        """End everything, Crossdock first."""
        if hasattr(self, "crossdock"):
            self.stop_crossdock()
        for proxy in self.proxies.values():
            proxy.close()
        for service in self.services:
            service.kill()
        for name in ("shop_api", "erp_api", "systems", "store"):
            if hasattr(self, name):
                getattr(self, name).close()


@contextlib.contextmanager
def running(folder: Path, plan: Plan, *, removed: str = "") -> Iterator[Installation]:
    """An installation for the length of the `with` block."""
    installation = Installation(folder, plan, removed=removed)
    try:
        installation.start()
        yield installation
    finally:
        installation.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
