"""How the database itself is: its version, whether it keeps what it took, whether it can still be read whole."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
import time
from collections.abc import Iterator

from sqlalchemy import Connection, delete, func, insert, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from sync.store.engine import Store
from sync.store.tables import checkpoints
from sync.store.types import db_now

_PROOF_BYTES = 64 * 1024
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


def prove_writable(connection: Connection) -> None:
    """Write something and take it back: a commit without a change succeeds on a full disk too.

    It is larger than what an order leaves, or it would find room where the next order finds none. Raises what the
    database says. The name is new each time, so that processes that prove it at once do not wait for each other.
    """
    name = f"proof-{secrets.token_hex(8)}"
    connection.execute(
        insert(checkpoints).values(connection=name, stream="", value="0" * _PROOF_BYTES, updated_at=db_now())
    )
    connection.execute(delete(checkpoints).where(checkpoints.c.connection == name))


def database_facts(store: Store) -> DatabaseFacts:
    """Ask it. Raises DatabaseBusy."""
    return store.read(_sqlite_facts if store.is_sqlite else _postgres_facts)


def clock(connection: Connection) -> dt.datetime:
    """The database's clock: what it judges is judged by it."""
    now: dt.datetime = connection.execute(select(db_now())).scalar_one()
    return now


def database_bytes(connection: Connection) -> int:
    """How large it is."""
    if connection.dialect.name == "postgresql":
        return int(connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one())
    pages, size = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("page_count", "page_size")
    )
    return pages * size


def _facts(connection: Connection, product: str, version: str, durability: dict[str, str]) -> DatabaseFacts:
    asked_at = dt.datetime.now(dt.UTC)
    now, answered_at = clock(connection), dt.datetime.now(dt.UTC)
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    size = database_bytes(connection)
    return DatabaseFacts(f"{product} {version}", numbers, durability, size, now, asked_at, answered_at)


def _sqlite_facts(connection: Connection) -> DatabaseFacts:
    version = str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    durability = {
        name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ("journal_mode", "synchronous")
    }
    return _facts(connection, "SQLite", version, durability)


def _postgres_facts(connection: Connection) -> DatabaseFacts:
    version = str(connection.execute(text("SHOW server_version")).scalar_one()).split()[0]
    durability = {
        name: str(connection.execute(text(f"SHOW {name}")).scalar_one()) for name in ("fsync", "synchronous_commit")
    }
    return _facts(connection, "PostgreSQL", version, durability)


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
