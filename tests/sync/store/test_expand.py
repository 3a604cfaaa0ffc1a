"""Each migration only widens: what the version before writes is still taken, so its processes may end in peace.

A column goes, or gets stricter, one version after the last program that wrote it: expand first, contract later.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sync.store import migrate as migrating
from tests.databases import now, open_store

FOLDER = Path(migrating.__file__).with_name("migrations")
#: The first migration that is held to this.
FIRST = "0003"
#: (migration, what it takes away) -> why that harms no process of the version before.
GIVEN_UP = {
    ("0003", "document_links.binding_id is gone"): "nothing ever wrote to it",
    ("0003", "document_links.document_id is new, must be given, and has no default"): "nothing ever wrote to it",
    ("0005", "lookups: no two rows alike in scope, source_value, table_name"): (
        "several rows of one value may hold now, under other conditions; an old console that adds one is told of an "
        "error and changes nothing"
    ),
}
#: What the database itself writes to, by triggers on other tables.
FILLED = frozenset({"issue_sums", "issue_hours"})


def revisions() -> list[str]:
    """From the first one that is held to this to the newest."""
    walked = ScriptDirectory(str(FOLDER)).walk_revisions()
    return [step.revision for step in reversed(list(walked)) if step.revision >= FIRST]


def upgrade(store, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))

    def work(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    store.write(work)


def tables(store) -> MetaData:
    found = MetaData()
    found.reflect(store.engine)
    found.remove(found.tables["alembic_version"])
    return found


# --- what a migration may not do --------------------------------------------------------------------------------


def harms(before: MetaData, after: MetaData) -> Iterator[str]:
    """What statements of the version before would stumble over."""
    for name, old in before.tables.items():
        new = after.tables.get(name)
        if new is None:
            yield f"{name}: the table is gone"
            continue
        yield from (f"{name}.{each} is gone" for each in sorted(set(old.columns.keys()) - set(new.columns.keys())))
        yield from _stricter(old, new)
        lost = [key for key in _keys(old) - _keys(new) if set(key) <= set(new.columns.keys())]
        yield from (f"{name}: no two rows alike in {', '.join(key)}" for key in sorted(lost))
        # A new key over columns that were there refuses rows that were taken before.
        fresh = [key for key in _keys(new) - _keys(old) if set(key) <= set(old.columns.keys())]
        yield from (f"{name}: rows alike in {', '.join(key)} are refused now" for key in sorted(fresh))


def _stricter(old: Table, new: Table) -> Iterator[str]:
    for column in new.columns:
        was = old.columns.get(column.name)
        if was is None:
            if not column.nullable and column.server_default is None and not _numbered(column):
                yield f"{new.name}.{column.name} is new, must be given, and has no default"
            continue
        if was.nullable and not column.nullable:
            yield f"{new.name}.{column.name} must be given now"
        if was.server_default is not None and column.server_default is None:
            yield f"{new.name}.{column.name} has no default any more"
        if _width(column) < _width(was) or type(column.type) is not type(was.type):
            yield f"{new.name}.{column.name} takes less: {was.type} became {column.type}"


def _numbered(column: Column) -> bool:
    """The database itself numbers a key of whole numbers."""
    alone = len(column.table.primary_key) == 1
    return bool(column.primary_key) and alone and isinstance(column.type, Integer) and not column.foreign_keys


def _width(column: Column) -> float:
    width = getattr(column.type, "length", None)
    return float("inf") if width is None else width


def _keys(table: Table) -> set[tuple[str, ...]]:
    """What `ON CONFLICT` may name."""
    keys = [table.primary_key.columns]
    keys += [each.columns for each in table.constraints if isinstance(each, UniqueConstraint)]
    keys += [each.columns for each in table.indexes if each.unique]
    return {tuple(sorted(column.name for column in columns)) for columns in keys}


@pytest.mark.fault("G5")
def test_every_migration_only_widens_what_is_there(database_url):
    store = open_store(database_url)
    upgrade(store, "0002")
    before, found = tables(store), []
    for revision in revisions():
        upgrade(store, revision)
        after = tables(store)
        found += [(revision, harm) for harm in harms(before, after)]
        before = after
    store.close()
    assert sorted(found) == sorted(GIVEN_UP)


# --- and its statements run -------------------------------------------------------------------------------------


def value_for(column: Column, *, naive: bool) -> object:
    if column.foreign_keys:
        return 1
    at = now().replace(tzinfo=None) if naive else now()
    for kind, value in ((Boolean, False), (BigInteger, 1), (Integer, 1), (DateTime, at)):
        if isinstance(column.type, kind):
            return value
    return zlib.compress(b"{}") if isinstance(column.type, LargeBinary) else "x"


@pytest.mark.fault("G5")
def test_the_version_before_inserts_and_updates_in_every_table_of_the_new_schema(database_url):
    """With no more than it had to give then, and with everything; by plain and by upserting statements."""
    store = open_store(database_url)
    *_, before, head = ["0002", *revisions()]
    upgrade(store, before)
    old = tables(store)
    upgrade(store, head)
    given_up = {re.split(r"[:.]", harm)[0] for revision, harm in GIVEN_UP if revision == head}
    dialect = sqlite if store.is_sqlite else postgresql

    def write(connection):
        for table in old.sorted_tables:
            everything = {c.name: value_for(c, naive=store.is_sqlite) for c in table.columns if not _numbered(c)}
            least = {
                name: value
                for name, value in everything.items()
                if not table.c[name].nullable and table.c[name].server_default is None
            }
            connection.execute(insert(table).values(least))
            assert connection.execute(update(table).values(everything)).rowcount == 1
            keys = [] if table.name in given_up else sorted(_keys(table))
            for key in keys:
                if not set(key) <= set(everything) or _is_partial(table, key):
                    continue
                again = dialect.insert(table).values(everything)
                set_ = {name: again.excluded[name] for name in everything}
                connection.execute(again.on_conflict_do_update(index_elements=list(key), set_=set_))

    store.write(write)
    alone = {name: table for name, table in old.tables.items() if name not in FILLED}
    counted = store.read(lambda c: {name: len(c.execute(table.select()).all()) for name, table in alone.items()})
    assert counted == dict.fromkeys(alone, 1)
    store.close()


def _is_partial(table: Table, key: tuple[str, ...]) -> bool:
    found = [each for each in table.indexes if tuple(sorted(column.name for column in each.columns)) == key]
    return any(each.dialect_options[name].get("where") is not None for each in found for name in each.dialect_options)


# --- this file itself can fail ----------------------------------------------------------------------------------


def metadata(*more, width: int = 32, nullable: bool = True, key: bool = True, column: str = "name") -> MetaData:
    made = MetaData()
    unique = [UniqueConstraint(column)] if key else []
    Table("t", made, Column("id", BigInteger, primary_key=True), Column("a", Integer), Column("b", Text),
          Column(column, String(width), nullable=nullable), *more, *unique)  # fmt: skip
    return made


@pytest.mark.parametrize(
    ("after", "harm"),
    [
        (metadata(Column("new", Integer)), ""),
        (metadata(Column("new", Integer, nullable=False, server_default="1")), ""),
        (metadata(Column("new", Integer, nullable=False)), "t.new is new, must be given, and has no default"),
        (metadata(width=16), "t.name takes less: VARCHAR(32) became VARCHAR(16)"),
        (metadata(width=64), ""),
        (metadata(nullable=False), "t.name must be given now"),
        (metadata(key=False), "t: no two rows alike in name"),
        (metadata(Index("uq", "a", unique=True)), "t: rows alike in a are refused now"),
        (metadata(column="renamed"), "t.name is gone"),
        (MetaData(), "t: the table is gone"),
    ],
)
def test_a_migration_that_takes_something_away_is_found(after, harm):
    assert list(harms(metadata(), after)) == ([harm] if harm else [])


def test_the_reasons_are_of_migrations_that_are_there():
    assert {revision for revision, _ in GIVEN_UP} <= set(revisions())
    assert all(GIVEN_UP.values())
