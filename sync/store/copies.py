"""Copies of the whole database: made while everything runs, and put in the place of another one while nothing does."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, delete, func, make_url, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from sync.store import pgtools
from sync.store.channels import distrust
from sync.store.engine import Store
from sync.store.issue_triggers import FUNCTIONS
from sync.store.migrate import revision
from sync.store.pgtools import CopyFailed
from sync.store.tables import metadata, orders, sessions

#: What the files of a restored SQLite database end with beside it.
_BESIDE = ("-wal", "-shm", "-journal")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def kind_of(url: str) -> str:
    """`sqlite` or `postgresql`: a copy of the one is nothing to the other."""
    return make_url(url).get_backend_name()


def copy_out(url: str, path: Path) -> None:
    """A consistent copy of the database as it is now, in a new file; nobody waits for it. Raises CopyFailed."""
    if kind_of(url) == "postgresql":
        pgtools.dump(make_url(url), _server(url), path)
        return
    source = _existing(url)
    # In one step: it reads one moment of a WAL database, and keeps nobody from writing.
    with _sqlite(source) as live, _sqlite(path) as copy:
        live.backup(copy)
        _demand_whole(copy)


def _existing(url: str) -> Path:
    path = Path(make_url(url).database or "")
    if not path.is_file():
        raise CopyFailed(f"there is no database {path}")
    return path


def _server(url: str) -> int:
    """The server's major version."""
    store = Store.open(url)
    try:
        return int(store.read(lambda c: c.execute(text("SHOW server_version_num")).scalar_one())) // 10_000
    finally:
        store.close()


@contextlib.contextmanager
def _sqlite(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def _demand_whole(connection: sqlite3.Connection) -> None:
    try:
        [(said,), *_] = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise CopyFailed(f"the database is damaged: {said}; restore an older backup, and keep the damaged file")


# --- where it is to stand ----------------------------------------------------------------------------------------


def found_there(url: str) -> int | None:
    """How many orders the database at `url` holds, -1 where nobody can read it; None where there is none of ours.

    Raises DatabaseBusy.
    """
    if kind_of(url) == "sqlite" and not Path(make_url(url).database or "").is_file():
        return None
    store = Store.open(url)
    try:
        if store.read(revision) is None:
            return None
        return store.read(lambda c: int(c.execute(select(func.count()).select_from(orders)).scalar_one()))
    except DatabaseError:
        # Damaged, or half of one: that is what a backup is for.
        return -1
    finally:
        store.close()


def demand_idle(url: str) -> None:
    """Raises CopyFailed while anybody has the database at `url` open: what they write would be lost, or be mixed in."""
    if not (_is_alone(url) if kind_of(url) == "postgresql" else _is_ours_alone(Path(make_url(url).database or ""))):
        raise CopyFailed("the database is in use: stop Crossdock, and whatever else has it open, on every machine")


def _is_alone(url: str) -> bool:
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    store = Store.open(url)
    try:
        return not store.read(lambda c: c.execute(text(query)).scalar_one())
    finally:
        store.close()


def _is_ours_alone(path: Path) -> bool:
    """A WAL database leaves that mode only for its last user; then all of it stands in the one file, too."""
    if not path.is_file():
        return True
    with _sqlite(path) as connection:
        connection.execute("PRAGMA busy_timeout=1000")
        try:
            return bool(connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",))
        except sqlite3.OperationalError:
            return False
        except sqlite3.DatabaseError:
            # Too damaged to be anybody's.
            return True


def put_in_place(url: str, path: Path, *, aside: Path) -> None:
    """The copy at `path` becomes the database at `url`. Raises CopyFailed.

    What stood there is kept as `aside` where it is SQLite; in PostgreSQL its tables are dropped. Nobody may use it.
    """
    if kind_of(url) == "postgresql":
        _drop_ours(url)
        pgtools.load(make_url(url), _server(url), path)
        return
    with _sqlite(path) as copy:
        _demand_whole(copy)
    target = Path(make_url(url).database or "")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = target.with_name(f".{target.name}.restored")
    with path.open("rb") as copied, os.fdopen(os.open(own, _NEW, 0o600), "wb") as file:
        shutil.copyfileobj(copied, file)
        file.flush()
        os.fsync(file.fileno())
    if target.exists():
        target.replace(aside)
    for ending in _BESIDE:
        target.with_name(target.name + ending).unlink(missing_ok=True)
    own.replace(target)
    _flush(target.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop_ours(url: str) -> None:
    def drop(connection: Connection) -> None:
        metadata.drop_all(connection)
        for function in FUNCTIONS:
            connection.execute(text(f"DROP FUNCTION IF EXISTS {function}()"))
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))

    store = Store.open(url)
    try:
        store.write(drop)
    except OperationalError as error:
        raise CopyFailed(f"the tables that are there cannot be dropped: {error.orig}") from error
    finally:
        store.close()


def make_wary(connection: Connection) -> None:
    """What a restored database must not believe of itself: that nothing was done since, and that people are signed in.

    Somebody may have signed out since, or may not sign in any more.
    """
    distrust(connection)
    connection.execute(delete(sessions))
