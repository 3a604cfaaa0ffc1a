"""Everything that the demo runs on: two shops, two ERPs, and Crossdock as a user would start it."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from config.logging import configure_logging
from config.settings import Settings
from connectors.kit.errors import ConnectorError
from connectors.kit.http import HttpClient
from sync.cli.demo.configuration import (
    BACKLOG_DAYS,
    OUTLET,
    SHOP,
    Secrets,
    variables,
    without_ours,
    write_configuration,
    write_environment,
)
from sync.cli.demo.screen import Say, Screen
from sync.cli.demo.services import DemoFailed, Service
from sync.desk import accounts
from sync.store.audit import Actor
from sync.work.run import held
from sync.work.runtime import Runtime

#: Who may do everything in the console.
LOGIN: Final = "demo"
#: Articles that each shop sells; different numbers, so that no order number stands for two orders.
_SKUS: Final = {SHOP: 60, OUTLET: 900}
#: Installing Tryton on a slow line; everything else is ready in seconds.
_INSTALL_S: Final = 1_200.0
_START_S: Final = 90.0
_TICK_S: Final = 0.1
_OK: Final = 200


class World:
    """The demo's services; `running_world` ends them."""

    def __init__(self, folder: Path, environ: Mapping[str, str], backlog: Mapping[str, int], lock: int) -> None:
        """`backlog`: channel -> how many orders its shop has at the beginning. Starts nothing yet."""
        self.folder, self._base, self._lock = folder, without_ours(environ), lock
        self._secrets = Secrets()
        #: Of Crossdock: its own variables, without the rest of the environment.
        self.variables: dict[str, str] = {}
        self.shops = {name: self._shop(name, orders) for name, orders in backlog.items()}
        self.erp = self._sandbox("sandbox-erp", "erp", *self._erp_options())
        self.tryton = self._sandbox("Tryton", "tryton", "--dir", str(folder / "tryton"))
        self.crossdock: Service | None = None
        #: Of the console's first user; made up for this run.
        self.password = ""
        self._controls: dict[str, HttpClient] = {}
        self._runtime: Runtime | None = None

    @property
    def services(self) -> list[Service]:
        """All of them, in the order in which they are ended."""
        mine = [self.crossdock] if self.crossdock is not None else []
        return [*mine, *self.shops.values(), self.erp, self.tryton]

    @property
    def runtime(self) -> Runtime:
        """The demo's own look at Crossdock's database; only after `start_crossdock`."""
        assert self._runtime is not None
        return self._runtime

    @property
    def log(self) -> Path:
        """What `crossdock run` says."""
        return self.folder / "crossdock.log"

    # -- starting ----------------------------------------------------------------------------------------------

    def start_sandboxes(self, screen: Screen) -> None:
        """Both shops and both ERPs. Raises DemoFailed."""
        for service in (self.tryton, *self.shops.values(), self.erp):
            service.start()
        with screen.step("two WooCommerce shops and a small fast ERP (sandboxes with fault injection)") as say:
            for service in (*self.shops.values(), self.erp):
                _await(service.is_ready, service, say, _START_S)
        with screen.step("Tryton, a real ERP, on SQLite") as say:
            _await(self.tryton.is_ready, self.tryton, say, _INSTALL_S)
        self._secrets.take_tryton(self.tryton.facts)

    def start_crossdock(self, screen: Screen) -> None:
        """Write its configuration, run it, wait until it takes webhooks. Raises DemoFailed."""
        write_configuration(
            self.folder / "config",
            shop=self.shops[SHOP].facts["url"],
            outlet=self.shops[OUTLET].facts["url"],
            erp=self.erp.facts["url"],
            tryton=self.tryton.facts,
        )
        self.variables = variables(self.folder, self._secrets)
        write_environment(self.folder / "environment", self.variables)
        env = {**self._base, **self.variables}
        service = self.crossdock = Service(
            "Crossdock",
            [sys.executable, "-m", "sync.cli", "run"],
            log=self.log,
            env=env,
            pass_fds=[self._lock],
        )
        service.start()
        with screen.step("Crossdock: queue, web, two workers, scheduler") as say:
            _await(lambda: _answers(self.variables["CROSSDOCK_PUBLIC_URL"] + "/readyz"), service, say, _START_S)
        settings = Settings.from_env(env)
        # Nothing of the demo's own says anything below a warning; where it does, it must not tear the live lines.
        log = (self.folder / "demo.log").open("a", encoding="utf-8")
        configure_logging(settings, "demo", secrets=self._secrets.by_variable.values(), stream=log)
        self._runtime = Runtime(settings)
        self.password = accounts.new_password()
        accounts.add_user(self._runtime.store, LOGIN, self.password, "admin", actor=Actor("demo", "crossdock demo"))
        screen.say(f"  the console: {self.console} [dim]sign in as[/] {LOGIN} [dim]with[/] {self.password}")

    @property
    def console(self) -> str:
        """Where people look at it."""
        return self.variables["CROSSDOCK_PUBLIC_URL"] + "/"

    def restart_tryton(self) -> None:
        """Start it again where it was, with what it had; `is_ready` says when it answers."""
        self.tryton.start("--port", str(urlsplit(self._tryton_url).port))

    def stop_tryton(self) -> None:
        """Ask it to end; the address stays known for `restart_tryton`."""
        self._tryton_url = str(self.tryton.facts["url"])
        self.tryton.ask_to_end()

    # -- using -------------------------------------------------------------------------------------------------

    def control(self, service: Service, path: str, body: Any = None, *, method: str = "") -> Any:
        """Ask a sandbox for something; without `body` and `method` it is only read. Raises DemoFailed."""
        url = str(service.facts["url"])
        client = self._controls.setdefault(url, HttpClient(url, allow_hosts=("127.0.0.1",)))
        try:
            if body is None and not method:
                return client.get(f"_sandbox/{path}").data
            return client.request(method or "POST", f"_sandbox/{path}", json=body).data
        except ConnectorError as error:
            raise DemoFailed(f"{service.name} does not do what the demo asks: {error}", service.log) from error

    def placed(self) -> dict[str, int]:
        """Channel -> how many orders its shop has."""
        return {name: int(self.control(shop, "shop")["orders"]) for name, shop in self.shops.items()}

    def demand(self) -> None:
        """Raises DemoFailed when something has ended that should run."""
        for service in self.services:
            service.demand()

    def end(self, screen: Screen) -> None:
        """End everything that runs, Crossdock first: it ends its calls before those whom it calls are gone."""
        if self._runtime is not None:
            self._runtime.__exit__(None, None, None)
        for client in self._controls.values():
            client.close()
        running = [service for service in self.services if not service.ended]
        if not running:
            return
        with screen.step("everything is stopped") as say:
            for service in running:
                say(service.name)
                service.end()

    # -- what they are -----------------------------------------------------------------------------------------

    def _shop(self, name: str, orders: int) -> Service:
        owner = {SHOP: "SHOP", OUTLET: "OUTLET"}[name]
        keys = ("--key", self._secrets[f"DEMO_{owner}_KEY"], "--secret", self._secrets[f"DEMO_{owner}_SECRET"])
        backlog = ("--orders", str(orders), "--days", str(BACKLOG_DAYS), "--variety", "demo")
        return self._sandbox(name, "woocommerce", *keys, *backlog, "--skus", str(_SKUS[name]))

    def _erp_options(self) -> list[str]:
        ledger = ("--ledger", str(self.folder / "sandbox-erp.ledger"))
        return [*ledger, "--api-key", self._secrets["DEMO_ERP_KEY"], "--latency-ms", "20", "--settle-s", "3"]

    def _sandbox(self, name: str, system: str, *options: str) -> Service:
        return Service(
            name,
            [sys.executable, "-m", "sync.cli", "sandbox", system, *options],
            log=self.folder / f"{name.lower()}.log",
            env=self._base,
            announces=True,
            pass_fds=[self._lock],
        )


@contextlib.contextmanager
def running_world(
    folder: Path, screen: Screen, *, environ: Mapping[str, str], backlog: Mapping[str, int]
) -> Iterator[World]:
    """A world in `folder`, which is emptied first; at the end everything that it started is ended.

    Raises sync.work.run.Taken while another demo, or what is left of a killed one, uses the folder.
    """
    with held(folder, patience_s=30) as lock:
        for entry in folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "run.lock":
                entry.unlink()
        # Configuration, logs and databases of made-up people; still nobody else's business.
        folder.chmod(0o700)
        world = World(folder, environ, backlog, lock)
        try:
            yield world
        finally:
            world.end(screen)


def _await(ready: Callable[[], bool], service: Service, say: Say, patience_s: float) -> None:
    until = time.monotonic() + patience_s
    while not ready():
        service.demand()
        if time.monotonic() > until:
            raise DemoFailed(f"{service.name} is not ready after {patience_s:.0f} s", service.log)
        say(service.last_words()[:100])
        time.sleep(_TICK_S)


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == _OK
    except OSError:
        return False
    finally:
        connection.close()
