# ruff: noqa: INP001 - beside the scripts that use it, no package
"""A real Tryton and `crossdock run` in a temporary folder, for the walk-throughs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import requests
import shots

from config.settings import Settings
from sync.cli.demo.services import Service
from sync.desk import accounts
from sync.desk.orders import Tab, list_page
from sync.store.audit import Actor
from sync.store.search import Paging, Wanted
from sync.work.runtime import Runtime

#: A whole Tryton is set up on the first run, and 200 sales go into it one by one.
PATIENCE_S: Final = 900.0


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Tryton with the sandbox catalogue; yields what it says of itself."""
    command = [*shots.CLI, "sandbox", "tryton", "--dir", str(folder / "tryton")]
    own = dict(Settings.from_env().environ)
    tryton = Service("Tryton", command, log=folder / "tryton.log", env=own, announces=True)
    tryton.start()
    try:
        shots.await_that(tryton.is_ready, "Tryton", patience_s=PATIENCE_S)
        yield tryton.facts
    finally:
        tryton.end()


@contextlib.contextmanager
def crossdock(folder: Path, configuration: str, facts: Mapping[str, Any], **more: str) -> Iterator[dict[str, str]]:
    """Crossdock with this configuration, which names the facts of Tryton; yields the environment of its commands."""
    named = {"url": facts["url"], "login": facts["login"], "database": facts["database"]}
    text = configuration.format(**named, web_shop=facts["web_shop_name"], **more)
    (folder / "crossdock.yaml").write_text(text, "utf-8")
    secrets = {"TRYTON_KEY": facts["rest_key"], "TRYTON_PASSWORD": facts["password"]}
    environ = {**Settings.from_env().environ, **shots.variables_of(folder), **secrets}
    service = Service("Crossdock", [*shots.CLI, "run"], log=folder / "crossdock.log", env=environ)
    service.start()
    try:
        shots.await_that(lambda: _answers(environ["CROSSDOCK_LISTEN"]), "Crossdock")
        with Runtime(Settings.from_env(environ)) as runtime:
            accounts.add_user(runtime.store, "anna", shots.PASSWORD, "admin", actor=Actor("anna", "terminal on hub-1"))
        yield environ
    finally:
        service.end()


def _answers(listen: str) -> bool:
    try:
        return requests.get(f"http://{listen}/readyz", timeout=10).ok
    except requests.RequestException:
        return False


def carried(environ: Mapping[str, str], *, orders: int = 0, held: int | None = None) -> None:
    """No order is on its way any more: at least so many have come, and so many wait for a person."""

    def rests() -> bool:
        with Runtime(Settings.from_env(environ)) as runtime:
            counts = counts_of(runtime)
        moving = counts[Tab.WAY] + counts[Tab.DOUBT]
        return moving == 0 and counts[Tab.ALL] >= orders and held in {None, counts[Tab.NEEDS]}

    shots.await_that(rests, "the orders", patience_s=PATIENCE_S)


def counts_of(runtime: Runtime) -> Mapping[Tab, int]:
    """How many orders stand where."""
    return list_page(runtime.store, runtime.config, Wanted(), Tab.ALL, Paging(limit=1)).counts


def under_way(runtime: Runtime) -> int:
    """Orders that go on by themselves."""
    counts = counts_of(runtime)
    return counts[Tab.WAY] + counts[Tab.DOUBT]
