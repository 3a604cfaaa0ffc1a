"""Databases with the schema in them, made once and copied: a migration a test would be most of the test."""

from __future__ import annotations

import datetime as dt
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url

from sync.store.engine import Store
from sync.store.migrate import migrate
from sync.store.tables import metadata


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


def _url(server: str, name: str) -> str:
    return make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


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


@pytest.fixture
def postgres_store(postgres_server: str, migrated_postgres: str) -> Iterator[Store]:
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{migrated_postgres}"')
    store = open_store(_url(postgres_server, name))
    yield store
    store.close()
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    """A migrated, empty store; the test runs on each kind."""
    return request.getfixturevalue(f"{request.param}_store")


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
