"""One way to write a row that may be there already, on both databases."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite


def dialect_of(connection: Connection):  # type: ignore[no-untyped-def]  # noqa: ANN201 - one of two modules with the same functions
    """The dialect module whose `insert` knows ON CONFLICT."""
    return postgresql if connection.dialect.name == "postgresql" else sqlite


def replace_rows(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, object]], keys: tuple[str, ...]
) -> None:
    """Insert rows that all have the same columns, each over the one with its keys."""
    if rows:
        connection.execute(_replacing(dialect_of(connection), table, tuple(rows[0]), keys), rows)


@functools.cache
def _replacing(dialect, table: Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> Insert:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a module
    """Made once: to put such a statement together costs more than to run it on some dozens of rows."""
    statement = dialect.insert(table)
    set_ = {name: statement.excluded[name] for name in columns if name not in keys}
    made: Insert = statement.on_conflict_do_update(index_elements=keys, set_=set_)
    return made


def upsert(connection: Connection, table: Table, values: Mapping[str, object], keys: Sequence[str]) -> None:
    """Insert one row, or replace everything but its keys."""
    statement = dialect_of(connection).insert(table).values(values)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c[key] for key in keys],
        set_={name: statement.excluded[name] for name in values if name not in keys},
    )
    connection.execute(statement)
