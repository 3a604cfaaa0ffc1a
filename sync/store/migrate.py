"""Bringing a database to the schema that this version of the program needs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, column, inspect, select, table

from sync.store.engine import Store

#: The newest of `migrations/versions`, said here because every drain asks: Alembic would find it out in 5 ms and take
#: 10 MB in each process for that.
HEAD: Final = "0017"

_FOLDER = Path(__file__).with_name("migrations")
_VERSION = table("alembic_version", column("version_num"))


class SchemaMismatch(Exception):
    """The database's schema is not the one that this version of the program needs."""


def migrate(store: Store) -> None:
    """Upgrade the schema to the newest revision; does nothing when it is there already.

    Safe to run again, whatever ended it before: all of it is one transaction on either database. Raises SchemaMismatch
    for a database that a newer program has written.
    """
    if problem := _from_the_future(store.read(revision)):
        raise SchemaMismatch(problem)
    from alembic import command  # noqa: PLC0415 - see HEAD
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    store.write(upgrade)


def schema_problem(store: Store) -> str:
    """Why the schema does not fit this program, with the next step; empty when it fits."""
    current = store.read(revision)
    if current == HEAD:
        return ""
    if newer := _from_the_future(current):
        return newer
    found = f"revision {current}" if current else "no schema"
    return f"the database has {found}, this program needs revision {HEAD}: run `crossdock init`"


def _from_the_future(current: str | None) -> str:
    """Why this program must leave a database alone; empty where it need not. It would not know what it overwrites."""
    known = {path.name.partition("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py")}
    if current is None or current in known:
        return ""
    return (
        f"the database has revision {current}, which a newer Crossdock has written; this one knows up to {HEAD}: "
        "install the newer version again, or restore a backup from before the upgrade"
    )


def revision(connection: Connection) -> str | None:
    """The revision that the database is at; None for one without our schema."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    return connection.execute(select(_VERSION.c.version_num)).scalar()


def demand_schema(store: Store) -> None:
    """Raises SchemaMismatch unless the schema is the one that this program needs."""
    problem = schema_problem(store)
    if problem:
        raise SchemaMismatch(problem)
