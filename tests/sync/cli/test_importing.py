"""A file of orders from the terminal: shown first, taken whole, and what is bad is a file for whoever corrects it."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
from sqlalchemy import func, select

from connectors.jsonhooks import JsonHooks
from connectors.kit.base import ConnectorSettings
from sync.store.engine import Store
from sync.store.inbox import record_events
from sync.store.tables import work_items
from sync.work.receive.receipts import make_events
from tests.sync.cli.test_commands import Installation
from tests.sync.flows.test_files import HEAD, PROFILE, row

CONFIG = """\
connections:
  table: {system: csv, options: {order_column: Order}}
  erp: {system: tryton, url: https://erp.example, auth: {key: "${env:ERP_KEY}"}, options: {database: t}}
channels:
  web: {source: table, erp: erp, profile: profiles/table.yaml}
"""
GOOD = (row("A"), row("B", "3,00"))
BAD = (row("=C", "zwölf"),)


@pytest.fixture
def table(tmp_path, monkeypatch, capsys):
    home = Installation(tmp_path, monkeypatch, capsys)
    folder = home.folder / "config"
    # Not beside it: every YAML file of the folder would be read as configuration.
    (folder / "profiles").mkdir()
    (folder / "profiles" / "table.yaml").write_text(PROFILE, "utf-8")
    (folder / "crossdock.yaml").write_text(CONFIG, "utf-8")
    home.run("init")
    yield home
    # The commands log to the stream that this test captured.
    logging.getLogger().handlers.clear()


def given(home: Installation, *rows: str) -> str:
    path = home.folder / "a.csv"
    path.write_bytes((HEAD + "".join(rows)).encode("cp1252"))
    return str(path)


def items(home: Installation) -> int:
    store = Store.open(f"sqlite:///{home.folder}/state/crossdock.db")
    try:
        return store.read(lambda c: c.execute(select(func.count()).select_from(work_items)).scalar_one())
    finally:
        store.close()


def test_a_file_is_shown_and_taken(table):
    file = given(table, *GOOD)
    shown = table.run("import-csv", "table", file, "--dry-run")
    assert "2 orders: 2 new, 0 changed, 0 as before, 0 bad; the good ones come to 15.00 EUR" in shown
    assert "cells between ;" in shown
    assert items(table) == 0
    assert "2 orders taken" in table.run("import-csv", "table", file, "--yes")
    assert items(table) == 2
    assert "nothing new" in table.run("import-csv", "table", file, "--yes")


def test_a_file_with_something_bad_is_not_taken_unless_somebody_says_so(table):
    file, errors = given(table, *GOOD, *BAD), table.folder / "errors.csv"
    told = table.run("import-csv", "table", file, "--yes", "--errors", str(errors), status=1)
    assert "nothing was taken" in told
    assert items(table) == 0
    assert "4,'=C,Net," in errors.read_text("utf-8")
    table.run("import-csv", "table", file, "--yes", "--good-only")
    assert items(table) == 2


def test_what_is_no_such_file_or_connection_is_told(table):
    (table.folder / "c.csv").write_text("Nr;Net\n1;2\n", "utf-8")
    assert "'Order' among them; nothing was taken" in table.run(
        "import-csv", "table", str(table.folder / "c.csv"), status=1
    )
    assert "those that do: table" in table.run("import-csv", "erp", str(table.folder / "c.csv"), status=2)


def test_a_source_that_only_sends_is_not_pulled(table):
    assert "cannot be asked" in table.run("pull", "web", status=1)


# --- deliveries that nobody could read ---------------------------------------------------------------------------

HOOKS = """\
connections:
  hooks: {system: json, webhook_secrets: ["${env:ERP_KEY}"], options: {id: nr}}
  erp: {system: tryton, url: https://erp.example, auth: {key: "${env:ERP_KEY}"}, options: {database: t}}
channels:
  web: {source: hooks, erp: erp, profile: profiles/table.yaml}
"""


def test_what_nobody_could_read_is_read_again_by_the_options_of_today(table):
    config = table.folder / "config" / "crossdock.yaml"
    config.write_text(HOOKS, "utf-8")
    body = b'{"no": "A"}'
    store = Store.open(f"sqlite:///{table.folder}/state/crossdock.db")
    delivery = JsonHooks(ConnectorSettings(name="x", url="", webhook_secrets=("s",), options={"id": "nr"}))
    rows = list(make_events("hooks", delivery.read_again("", body), body, dt.datetime.now(dt.UTC)))
    store.write(lambda c: record_events(c, rows, {"hooks": ["web"]}))
    store.close()
    assert "--discard" in table.run("read-again", "hooks", status=1)
    assert items(table) == 0
    config.write_text(HOOKS.replace("id: nr", "id: no"), "utf-8")
    assert "1 deliveries read, 0 still cannot" in table.run("read-again", "hooks")
    assert items(table) == 1
    assert "those that do: hooks" in table.run("read-again", "erp", status=2)
