"""What the version before has left: its jobs, its rows, and a migration that was cut off."""

from __future__ import annotations

import datetime as dt
import inspect
import logging
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from redis import Redis
from rq.utils import import_attribute
from sqlalchemy import BigInteger, Boolean, DateTime, Integer, LargeBinary, MetaData, select, text

from config.settings import Settings
from connectors.kit.base import Delivery, Envelope
from sync import cli
from sync.rules.lookups import load_lookups
from sync.store import migrate as migrating
from sync.store.migrate import HEAD, SchemaMismatch, migrate, schema_problem
from sync.store.orders import list_orders
from sync.store.tables import metadata
from sync.work import jobs
from sync.work.purging import purge
from sync.work.receive import Receiver
from sync.work.ring import ALLOWED_JOBS, DRAIN, DrainJob
from tests.databases import open_store, url_of
from tests.shared import REPOSITORY
from tests.sync.flows.world import CHANNEL, World

#: What any released or unreleased version has put into a queue: name of the function, its arguments. Only added to.
OLD_JOBS = [("sync.work.jobs.drain", ["web", "order"]), ("sync.work.jobs.drain", ["web", "stock"])]
LONG_AGO = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)


# --- jobs -------------------------------------------------------------------------------------------------------


@pytest.mark.fault("G5")
@pytest.mark.parametrize(("name", "arguments"), OLD_JOBS)
def test_jobs_of_every_version_before_still_run(name, arguments):
    assert name in ALLOWED_JOBS
    inspect.signature(import_attribute(name)).bind(*arguments)
    job = DrainJob.create(name, args=arguments, timeout=60, serializer="json", connection=Redis())
    job.check()
    assert (job.func_name, list(job.args)) == (name, arguments)


def test_what_is_put_into_the_queue_now_stands_in_the_list_of_what_has_to_run_for_ever():
    assert DRAIN in {name for name, _ in OLD_JOBS}


# --- rows -------------------------------------------------------------------------------------------------------


def at_first_revision(store):
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))

    def begin(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    store.write(begin)


def value_for(column, number):
    """Something that such a column may hold."""
    if column.foreign_keys:
        return 1
    for kind, value in ((Boolean, False), (BigInteger, number), (Integer, number), (DateTime, LONG_AGO)):
        if isinstance(column.type, kind):
            return value
    if isinstance(column.type, LargeBinary):
        return zlib.compress(b'{"lines": [{"sku": "A"}]}')
    words = {"state": "done", "facets": "[]", "approved": "[]", "details": "[]", "channel": "web", "kind": "order"}
    words |= {"grand": "1.00", "currency": "EUR", "placed_on": "2026-01-05", "scope": "global", "outcome": "done"}
    return words.get(column.name, "x")[: column.type.length or 10]


def fill(store):
    """One row in every table, as an early version may have written it; answers the names of the tables."""
    before = MetaData()
    before.reflect(store.engine)
    tables = [table for table in before.sorted_tables if table.name not in {"alembic_version", "document_links"}]

    def write(connection):
        for table in tables:
            row = {column.name: value_for(column, 1) for column in table.columns if column.name != "id"}
            if store.is_sqlite:
                # Without a zone, as the column types of ours write it there.
                row = {name: each.replace(tzinfo=None) if each is LONG_AGO else each for name, each in row.items()}
            connection.execute(table.insert().values(row))

    store.write(write)
    return {table.name for table in tables}


@pytest.mark.fault("G5")
def test_a_database_of_the_first_version_is_upgraded_with_every_row_and_works(database_url):
    store = open_store(database_url)
    at_first_revision(store)
    filled = fill(store)
    assert len(filled) > 15
    migrate(store)
    assert schema_problem(store) == ""
    counts = store.read(lambda c: {name: len(c.execute(select(metadata.tables[name])).all()) for name in filled})
    assert counts == dict.fromkeys(filled, 1)
    world = World(store)
    order = world.shop.place()
    world.carry()
    assert world.item(order).state == "done"
    # What was there is read, listed and deleted like any other.
    assert "x" in {row.external_id for row in store.read(lambda c: list_orders(c, "web", "erp"))}
    assert store.read(lambda c: load_lookups(c, world.config.channels["web"])) is not None
    days = dict.fromkeys(("payloads", "calls", "history", "audit"), 40)
    assert sum(purge(store, days, rest=lambda _: False).values()) > 0
    store.close()


# --- a migration that was cut off -------------------------------------------------------------------------------

_CUT_OFF = textwrap.dedent(
    """
    import os, sys
    from alembic import op
    from sync.store.engine import Store
    from sync.store.migrate import migrate

    left = int(sys.argv[2])
    real = op.create_index

    def dies(*words, **more):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return real(*words, **more)

    op.create_index = dies
    migrate(Store.open(sys.argv[1]))
    """
)


@pytest.mark.fault("A22")
@pytest.mark.parametrize("after", [0, 25])
def test_a_migration_that_is_killed_in_the_middle_is_run_again(store_of_first_version, after):
    store = store_of_first_version
    command_line = [sys.executable, "-c", _CUT_OFF, url_of(store), str(after)]
    done = subprocess.run(command_line, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    assert "has revision 0001" in schema_problem(store)
    migrate(store)
    assert schema_problem(store) == ""
    assert store.read(lambda c: len(c.execute(text("SELECT id FROM orders")).all())) == 1


@pytest.fixture
def store_of_first_version(database_url):
    store = open_store(database_url)
    at_first_revision(store)
    fill(store)
    store.close()
    yield store
    store.close()


# --- and the version after --------------------------------------------------------------------------------------


@pytest.mark.fault("G6")
@pytest.mark.parametrize("words", [["init"], ["worker"], ["scheduler"], ["status"], ["user", "list"]], ids=" ".join)
def test_no_process_works_on_a_database_from_the_future(sqlite_store, tmp_path, monkeypatch, capsys, words):
    sqlite_store.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    # What a worker hands over to its drains would be handed over to the next tests.
    monkeypatch.setattr(jobs, "_prepared", None)
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "crossdock.yaml").write_text("connections: {}\nchannels: {}\n")
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(folder))
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CROSSDOCK_DATABASE", url_of(sqlite_store))
    monkeypatch.setattr("sys.argv", ["crossdock", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    logging.captureWarnings(capture=False)
    said = capsys.readouterr().err
    assert (stop.value.code, f"which a newer Crossdock has written; this one knows up to {HEAD}" in said) == (
        1,
        True,
    ), said


@pytest.mark.fault("G5")
def test_while_machines_are_upgraded_one_by_one_deliveries_are_taken_and_no_drain_of_the_old_version_begins(
    store, tmp_path, monkeypatch
):
    """As docs/operations.md has it: the schema is the newer one's already, the processes are not."""
    widened = ("ALTER TABLE events ADD COLUMN later VARCHAR(8) DEFAULT '' NOT NULL", "CREATE TABLE later (id INTEGER)")
    store.write(lambda c: [c.execute(text(statement)) for statement in widened])
    store.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    receiver = Receiver(url_of(store), {"shop": [CHANNEL]}, lambda *_: True)
    receiver.receive("shop", Delivery("order.updated", "7", Envelope("7", "1", {"id": 7})), b'{"id": 7}')
    receiver.close()
    monkeypatch.setattr(jobs, "_prepared", (Settings.from_env(settings_of(store, tmp_path)), World(store).config))
    with pytest.raises(SchemaMismatch, match="which a newer Crossdock has written"):
        jobs.drain(CHANNEL, "order")
    [item] = store.read(lambda c: c.execute(select(metadata.tables["work_items"])).all())
    assert (item.external_id, item.state, item.attempts) == ("7", "ready", 0)


def settings_of(store, folder):
    return {
        "CROSSDOCK_DATABASE": url_of(store),
        "CROSSDOCK_STATE": str(folder),
    }
