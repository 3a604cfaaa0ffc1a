"""The database engine and the two ways to use it: `Store.read` and `Store.write`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

#: PostgreSQL: idle in a transaction for too long, serialization failure, deadlock, lock not available, admin shutdown,
#: cannot connect now, connection lost.
_REPEATABLE_SQLSTATES = frozenset({"25P03", "40001", "40P01", "55P03", "57P01", "57P03", "08006", "08003"})
_TRIES = 4
#: Rows that one write transaction on SQLite takes at most: others wait while it lasts.
_SHORT_ROWS = 60
_LONG_ROWS = 2_000
#: No transaction of ours waits for anything but the database, so one that idles belongs to a process that stands still.
_IDLE_MS = 30_000
E = TypeVar("E")
T = TypeVar("T")


class DatabaseBusy(Exception):
    """The database did not take the transaction within its time; nothing of it was kept."""


def make_engine(url: str, *, busy_timeout_s: float = 5.0) -> Engine:
    """An engine for `sqlite:///path` (WAL, full sync, writers BEGIN IMMEDIATE) or `postgresql+psycopg://...`.

    Make it after a fork, never before. `busy_timeout_s` is how long one try waits for a lock, or for a free connection.
    An error's text ends in logs and never holds the parameters: they are customers and their orders.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database:
            # Orders lie in it: nobody else's business.
            Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connect_args = {"timeout": busy_timeout_s, "check_same_thread": False}
        engine = create_engine(url, connect_args=connect_args, pool_timeout=busy_timeout_s, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # psycopg 3 is the only driver that is tested; a plain postgresql:// URL means it too.
    waits = _postgres_waits(parsed, busy_timeout_s)
    return create_engine(
        waits.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_timeout=busy_timeout_s,
        hide_parameters=True,
    )


def _postgres_waits(url: URL, busy_timeout_s: float) -> URL:
    """No wait for a lock without end, and no lock that a process keeps which stands still in a transaction.

    Else one stopped worker would hold the rows of its lease for ever, and whoever takes dead leases back with them.
    What the URL itself says in `options` comes last, so it wins.
    """
    given = url.query.get("options", "")
    options = (
        f"-c lock_timeout={round(busy_timeout_s * 1000)}",
        f"-c idle_in_transaction_session_timeout={_IDLE_MS}",
        *((given,) if isinstance(given, str) else given),
    )
    return url.update_query_dict({"options": " ".join(filter(None, options))})


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
    if isinstance(original, sqlite3.Error):
        return isinstance(original, sqlite3.OperationalError) and ("locked" in str(original) or "busy" in str(original))
    sqlstate = getattr(original, "sqlstate", None)
    if sqlstate in _REPEATABLE_SQLSTATES:
        return True
    # Nobody answered, or the server closed the connection before the statement ran; with an unclear COMMIT the caller's
    # own keys (fence, unique constraints, counters) make the repetition harmless.
    return isinstance(error, OperationalError) and (error.connection_invalidated or sqlstate is None)


def _repeatedly(engine: Engine, work: Callable[[Connection], T]) -> T:
    pause_s = 0.01
    for left in reversed(range(_TRIES)):
        try:
            with engine.begin() as connection:
                return work(connection)
        except PoolTimeout as error:
            # Whoever asked has waited already, and others wait for the same.
            raise DatabaseBusy("every connection to the database is in use; nothing was written") from error
        except DBAPIError as error:
            if not is_repeatable(error):
                raise
            if not left:
                raise DatabaseBusy("the database is busy or away; nothing was written") from error
        time.sleep(pause_s)
        pause_s *= 4
    raise AssertionError("unreachable")


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

    def pieces(self, entries: Sequence[E], rows: int) -> Iterator[Sequence[E]]:
        """The entries in pieces that one write transaction takes, when each of them is so many rows."""
        size = max(1, (_SHORT_ROWS if self.is_sqlite else _LONG_ROWS) // rows)
        for start in range(0, len(entries), size):
            yield entries[start : start + size]

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one read transaction, again when the database was busy or away. Raises DatabaseBusy."""
        return _repeatedly(self.engine, work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one write transaction, again as a whole when the database was busy or away.

        Raises DatabaseBusy when it stays so; then nothing was kept.
        """
        return _repeatedly(self._writer, work)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
