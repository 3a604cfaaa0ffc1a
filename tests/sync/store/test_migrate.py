"""The schema that a process demands."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from sync.store import migrate as migrating
from sync.store.engine import Store
from sync.store.migrate import HEAD, SchemaMismatch, demand_schema, migrate, schema_problem
from sync.store.tables import metadata


@pytest.fixture
def store(database_url):
    store = Store.open(database_url)
    yield store
    store.close()


def test_the_head_that_the_program_demands_is_the_newest_migration():
    folder = Path(migrating.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_current_head() == HEAD


def test_a_migrated_database_fits(store):
    migrate(store)
    migrate(store)
    assert schema_problem(store) == ""
    demand_schema(store)


def test_an_empty_database_does_not_fit_and_the_next_step_is_named(store):
    with pytest.raises(SchemaMismatch, match=f"no schema, this program needs revision {HEAD}: run `crossdock init`"):
        demand_schema(store)


def test_the_revision_of_another_program_is_named(store):
    migrate(store)
    store.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    assert "revision 9999" in schema_problem(store)


def test_the_migrations_arrive_at_the_tables_that_the_queries_name(store):
    migrate(store)

    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert store.read(differences) == []
