"""The database engine and the two ways to use it: `Store.read` and `Store.write`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

#: PostgreSQL: serialization failure, deadlock, lock not available, admin shutdown, cannot connect now.
_REPEATABLE_SQLSTATES = frozenset({"40001", "40P01", "55P03", "57P01", "57P03", "08006", "08003"})
_TRIES = 4
T = TypeVar("T")


class DatabaseBusy(Exception):
    """The database did not take the transaction within its time; nothing of it was kept."""


def make_engine(url: str, *, busy_timeout_s: float = 5.0) -> Engine:
    """An engine for `sqlite:///path` (WAL, full sync, writers BEGIN IMMEDIATE) or `postgresql+psycopg://...`.

    Make it after a fork, never before. `busy_timeout_s` is how long SQLite waits for the write lock in one try.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": busy_timeout_s, "check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # psycopg 3 is the only driver that is tested; a plain postgresql:// URL means it too.
    return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # pysqlite's own transaction handling would begin late and as a reader; ours begins in _begin_sqlite.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that becomes a writer fails at once in WAL when another wrote meanwhile: writers say so at their start.
    writes = connection.get_execution_options().get("crossdock_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def is_repeatable(error: DBAPIError) -> bool:
    """Whether the whole transaction may simply be run again: nothing of it was kept."""
    original = error.orig
    if isinstance(original, sqlite3.OperationalError):
        return "locked" in str(original) or "busy" in str(original)
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate in _REPEATABLE_SQLSTATES:
        return True
    # A connection that the server closed before the statement ran; with an unclear COMMIT the caller's own keys
    # (fence, unique constraints, counters) make the repetition harmless.
    return isinstance(error, OperationalError) and error.connection_invalidated


class Store:
    """One database. Every transaction of Crossdock goes through `read` or `write`."""

    def __init__(self, engine: Engine) -> None:
        """Share the engine between threads; make one Store per process."""
        self.engine = engine
        self._writer = engine.execution_options(crossdock_write=True)

    @classmethod
    def open(cls, url: str, *, busy_timeout_s: float = 5.0) -> Store:
        """A Store on the database at `url`."""
        return cls(make_engine(url, busy_timeout_s=busy_timeout_s))

    @property
    def is_sqlite(self) -> bool:
        """Whether the embedded size is in use: one writer at a time."""
        return self.engine.dialect.name == "sqlite"

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one read transaction."""
        with self.engine.begin() as connection:
            return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one write transaction, again as a whole when the database was busy or away.

        Raises DatabaseBusy when it stays so; then nothing was kept.
        """
        pause_s = 0.01
        for left in reversed(range(_TRIES)):
            try:
                with self._writer.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not is_repeatable(error):
                    raise
                if not left:
                    raise DatabaseBusy("the database is busy or away; nothing was written") from error
            time.sleep(pause_s)
            pause_s *= 4
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
