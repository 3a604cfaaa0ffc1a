"""How the database itself is: its version, whether it keeps what it took, whether it can still be read whole."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Iterator

from sqlalchemy import Connection, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from sync.store.engine import Store
from sync.store.types import db_now

#: SQLite calls back after so many instructions of its own.
_STEPS = 10_000


@dataclasses.dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What the database says of itself."""

    #: `SQLite 3.46.1`, `PostgreSQL 18.4`.
    product: str
    #: The numbers of the version.
    version: tuple[int, ...]
    #: Setting -> value, of those that decide whether a commit outlives a power cut.
    durability: dict[str, str]
    size_bytes: int
    #: The database's clock, when ours was between `asked_at` and `answered_at`.
    now: dt.datetime
    asked_at: dt.datetime
    answered_at: dt.datetime


def database_facts(store: Store) -> DatabaseFacts:
    """Ask it. Raises DatabaseBusy."""
    return store.read(_sqlite_facts if store.is_sqlite else _postgres_facts)


def _clock(connection: Connection) -> tuple[dt.datetime, dt.datetime, dt.datetime]:
    asked_at = dt.datetime.now(dt.UTC)
    now = connection.execute(select(db_now())).scalar_one()
    return now, asked_at, dt.datetime.now(dt.UTC)


def _sqlite_facts(connection: Connection) -> DatabaseFacts:
    version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    pages, size = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("page_count", "page_size")
    )
    durability = {
        name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("journal_mode", "synchronous")
    }
    return DatabaseFacts(f"SQLite {version}", _numbers(version), durability, pages * size, *_clock(connection))


def _postgres_facts(connection: Connection) -> DatabaseFacts:
    version = str(connection.execute(text("SHOW server_version")).scalar_one()).split()[0]
    durability = {
        name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in ("fsync", "synchronous_commit")
    }
    size = int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    return DatabaseFacts(f"PostgreSQL {version}", _numbers(version), durability, size, *_clock(connection))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def quick_check(store: Store, seconds: float) -> str | None:
    """What SQLite finds damaged, `ok` where nothing is; None when it did not get through in time.

    Reads the whole file once, in a transaction that keeps nobody from writing.
    """
    until = time.monotonic() + seconds

    def work(connection: Connection) -> str | None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            return "; ".join(_complaints(connection))
        except OperationalError as error:
            if "interrupted" not in str(error.orig):
                raise
            return None
        finally:
            raw.set_progress_handler(None, 0)

    try:
        return store.read(work)
    except DatabaseError as error:
        # Where the damage is bad enough, even the question breaks.
        if "malformed" not in str(error.orig):
            raise
        return str(error.orig)


def _complaints(connection: Connection) -> Iterator[str]:
    for row in connection.exec_driver_sql("PRAGMA quick_check(5)"):
        yield str(row[0])
