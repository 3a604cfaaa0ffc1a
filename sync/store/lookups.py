"""Look-up tables: rows that translate values, scoped, edited by people; and the tables that people have made."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, tuple_

from sync.store.tables import lookup_tables, lookups
from sync.store.types import db_now
from sync.store.upsert import replace_rows, upsert

#: Rows of one statement by their ids; SQLite binds 32,766 values.
_IDS: Final = 10_000
#: From so many rows of a table on it is quicker to read all of it than to ask for each.
_MANY: Final = 200


class RowKey(NamedTuple):
    """Which row: no two have the same."""

    table: str
    #: `channel:<name>`, `connection:<name>` or `global`.
    scope: str
    #: The value, or a pattern of values, as it is written down.
    value: str
    #: What else must be true, in its one spelling; empty for nothing.
    conditions: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredRow:
    """One row as it stands."""

    id: int
    key: RowKey
    target: str
    revision: int
    changed_at: dt.datetime
    changed_by: str


#: How the rows of everything, or of one table, stand: another one as soon as a row is another one.
Version = tuple[int, int, dt.datetime | None, int]


def version_of(connection: Connection, table_name: str = "") -> Version:
    """Of one table, or of all."""
    table = lookups.c
    query = select(
        func.count(),
        func.coalesce(func.sum(table.revision), 0),
        func.max(table.changed_at),
        func.coalesce(func.max(table.id), 0),
    ).select_from(lookups)
    rows, revisions, newest, highest = connection.execute(query.where(*_of_table(table_name))).one()
    return int(rows), int(revisions), newest, int(highest)


def _of_table(table_name: str) -> Iterator[ColumnElement[bool]]:
    if table_name:
        yield lookups.c.table_name == table_name


_COLUMNS = (
    lookups.c.id,
    lookups.c.table_name,
    lookups.c.scope,
    lookups.c.source_value,
    lookups.c.conditions,
    lookups.c.target_value,
    lookups.c.revision,
    lookups.c.changed_at,
    lookups.c.changed_by,
)


def _stored(row: Sequence[Any]) -> StoredRow:
    return StoredRow(row[0], RowKey(*row[1:5]), *row[5:])


def load_rows(connection: Connection, scopes: Collection[str] | None = None, table_name: str = "") -> list[StoredRow]:
    """Every row of some scopes (None: of all), of one table or of all, in the order of their keys."""
    key = (lookups.c.table_name, lookups.c.scope, lookups.c.source_value, lookups.c.conditions)
    query = select(*_COLUMNS).where(*_of_table(table_name)).order_by(*key)
    if scopes is not None:
        query = query.where(lookups.c.scope.in_(scopes))
    return [_stored(row) for row in connection.execute(query)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RowFilter:
    """Which rows of a table; what is empty does not matter."""

    table: str
    scope: str = ""
    #: A part of the value, of its conditions, of what it is in the other system, or of who changed it.
    text: str = ""


def find_rows(connection: Connection, which: RowFilter, *, offset: int, limit: int) -> tuple[list[StoredRow], int]:
    """(a page of rows in the order of their values, how many there are)."""
    table = lookups.c
    conditions = [table.table_name == which.table]
    if which.scope:
        conditions.append(table.scope == which.scope)
    if which.text:
        texts = (table.source_value, table.conditions, table.target_value, table.changed_by)
        conditions.append(or_(*(text.icontains(which.text, autoescape=True) for text in texts)))
    count = connection.execute(select(func.count()).select_from(lookups).where(*conditions)).scalar_one()
    order = (table.source_value, table.scope, table.conditions)
    query = select(*_COLUMNS).where(*conditions).order_by(*order).offset(offset).limit(limit)
    return [_stored(row) for row in connection.execute(query)], int(count)


def load_row(connection: Connection, key: RowKey) -> StoredRow | None:
    """The row of this very key."""
    return rows_of(connection, [key]).get(key)


def row_by_id(connection: Connection, row_id: int) -> StoredRow | None:
    """One row."""
    row = connection.execute(select(*_COLUMNS).where(lookups.c.id == row_id)).first()
    return None if row is None else _stored(row)


def rows_by_ids(connection: Connection, ids: Collection[int]) -> dict[int, StoredRow]:
    """The rows of these ids, as far as there still are any."""
    wanted, found = sorted(set(ids)), dict[int, StoredRow]()
    for start in range(0, len(wanted), _IDS):
        query = select(*_COLUMNS).where(lookups.c.id.in_(wanted[start : start + _IDS]))
        found |= {row[0]: _stored(row) for row in connection.execute(query)}
    return found


def rows_of(connection: Connection, keys: Collection[RowKey]) -> dict[RowKey, StoredRow]:
    """The rows of these keys, as far as there are any."""
    table, wanted = lookups.c, set(keys)
    found: list[StoredRow] = []
    for name, count in collections.Counter(key.table for key in wanted).items():
        if count > _MANY:
            found += load_rows(connection, table_name=name)
            continue
        some = [key for key in wanted if key.table == name]
        columns = tuple_(table.table_name, table.scope, table.source_value, table.conditions)
        found += map(_stored, connection.execute(select(*_COLUMNS).where(columns.in_(some))).all())
    return {row.key: row for row in found if row.key in wanted}


def targets_of(connection: Connection, table_name: str, limit: int = 200) -> list[str]:
    """What the rows of a table say, each once: the beginning of the alphabet."""
    query = select(lookups.c.target_value).where(lookups.c.table_name == table_name).distinct()
    return list(connection.execute(query.order_by(lookups.c.target_value).limit(limit)).scalars())


def count_rows(connection: Connection) -> dict[str, int]:
    """Table -> how many rows it has; tables without any are left out."""
    query = select(lookups.c.table_name, func.count()).group_by(lookups.c.table_name)
    return {name: count for name, count in connection.execute(query)}  # noqa: C416 - Row is no pair to dict()


def save_rows(connection: Connection, rows: Iterable[tuple[RowKey, str]], *, by: str) -> None:
    """Add or change rows: (key, what it is in the other system); no key twice."""
    wanted = dict(rows)
    known = rows_of(connection, wanted)
    now = connection.execute(select(db_now())).scalar_one()
    values = [
        {
            "table_name": key.table,
            "scope": key.scope,
            "source_value": key.value,
            "conditions": key.conditions,
            "target_value": target,
            "revision": known[key].revision + 1 if key in known else 1,
            "changed_at": now,
            "changed_by": by[:128],
        }
        for key, target in sorted(wanted.items())
    ]
    replace_rows(connection, lookups, values, ("table_name", "scope", "source_value", "conditions"))


def save_lookup(connection: Connection, table_name: str, scope: str, source: str, target: str, *, by: str) -> None:
    """Add or change one row without conditions."""
    save_rows(connection, [(RowKey(table_name, scope, source), target)], by=by)


def remove_rows(connection: Connection, ids: Sequence[int]) -> None:
    """Rows that are to be there no longer; what is known of them stands in the audit."""
    for start in range(0, len(ids), _IDS):
        connection.execute(delete(lookups).where(lookups.c.id.in_(ids[start : start + _IDS])))


# --- tables that people have made -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class OwnTable:
    """A table that somebody has made."""

    name: str
    purpose: str
    #: What conditions of its rows may ask for, as it is written down (`sync.rules.lookup_tables.read_facts`).
    facts: str
    changed_at: dt.datetime
    changed_by: str


def load_own_tables(connection: Connection) -> list[OwnTable]:
    """By name."""
    query = select(*(lookup_tables.c[field.name] for field in dataclasses.fields(OwnTable)))
    return [OwnTable(*row) for row in connection.execute(query.order_by(lookup_tables.c.name))]


def save_own_table(connection: Connection, name: str, purpose: str, *, by: str, facts: str = "") -> None:
    """Make it, or say anew what it is for."""
    values = {"name": name, "purpose": purpose, "facts": facts, "changed_at": db_now(), "changed_by": by[:128]}
    upsert(connection, lookup_tables, values, ("name",))


def remove_own_table(connection: Connection, name: str) -> None:
    """Only the table: its rows are for the caller to look at first."""
    connection.execute(delete(lookup_tables).where(lookup_tables.c.name == name))
