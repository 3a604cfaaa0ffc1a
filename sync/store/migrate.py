"""Bringing a database to the schema that this version of the program needs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from sync.store.engine import Store

_FOLDER = Path(__file__).with_name("migrations")


class SchemaMismatch(Exception):
    """The database's schema is not the one that this version of the program needs."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    config.attributes["connection"] = connection
    return config


def migrate(store: Store) -> None:
    """Upgrade the schema to the newest revision; does nothing when it is there already. Safe to run again."""
    store.write(lambda connection: command.upgrade(_config(connection), "head"))


def schema_problem(store: Store) -> str:
    """Why the schema does not fit this program, with the next step; empty when it fits."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    current = store.read(lambda connection: MigrationContext.configure(connection).get_current_revision())
    if current == head:
        return ""
    found = f"revision {current}" if current else "no schema"
    return f"the database has {found}, this program needs revision {head}: run `crossdock init`"


def demand_schema(store: Store) -> None:
    """Raises SchemaMismatch unless the schema is the one that this program needs."""
    problem = schema_problem(store)
    if problem:
        raise SchemaMismatch(problem)
