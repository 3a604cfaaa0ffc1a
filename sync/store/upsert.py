"""One way to write a row that may be there already, on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def dialect_of(connection: Connection):  # type: ignore[no-untyped-def]  # noqa: ANN201 - one of two modules with the same functions
    """The dialect module whose `insert` knows ON CONFLICT."""
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def upsert(connection: Connection, table: Table, values: Mapping[str, object], keys: Sequence[str]) -> None:
    """Insert one row, or replace everything but its keys."""
    statement = dialect_of(connection).insert(table).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c[key] for key in keys],
        set_={name: statement.excluded[name] for name in values if name not in keys},
    )
    connection.execute(statement)
