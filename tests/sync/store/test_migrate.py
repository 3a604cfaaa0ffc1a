"""The schema that a process demands."""

from __future__ import annotations

import datetime as dt
import json
import zlib
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, text

from sync.store import migrate as migrating
from sync.store.engine import Store
from sync.store.lookups import load_rows
from sync.store.migrate import HEAD, SchemaMismatch, demand_schema, migrate, schema_problem
from sync.store.orders import find_orders
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


@pytest.mark.fault("A22")
def test_an_empty_database_does_not_fit_and_the_next_step_is_named(store):
    with pytest.raises(SchemaMismatch, match=f"no schema, this program needs revision {HEAD}: run `crossdock init`"):
        demand_schema(store)


def test_a_database_from_the_future_is_left_alone_and_what_to_do_is_named(store):
    migrate(store)
    store.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    told = f"revision 9999, which a newer Crossdock has written; this one knows up to {HEAD}: install the newer version"
    assert told in schema_problem(store)
    for refused in (demand_schema, migrate):
        with pytest.raises(SchemaMismatch, match=told):
            refused(store)


def test_the_migrations_arrive_at_the_tables_that_the_queries_name(store):
    migrate(store)

    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata)

    assert store.read(differences) == []


AT = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
TIMES = {"created_at": AT, "updated_at": AT}
ORDER = {
    "channel": "web",
    "external_id": "1",
    "number": "N1",
    "email": "Anna@Example.com",
    "customer": "  Anna  MÜLLER ",
    "source_state": "processing",
    "version": "1",
    "currency": "EUR",
    "grand": "1.00",
    "grand_sort": 10000,
    "placed_at": AT,
    "placed_on": "2026-11-20",
    "mapping_version": "1",
    **TIMES,
}


def packed(body):
    return zlib.compress(json.dumps(body).encode())


def begin(store, revision):
    """The tables as they were then."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))

    def work(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    store.write(work)
    before = MetaData()
    before.reflect(store.engine)
    return before.tables


def save_order(connection, tables, canonical):
    items, orders = tables["work_items"], tables["orders"]
    item = {"channel": "web", "kind": "order", "external_id": "1", "due_at": AT, **TIMES}
    item_id = connection.execute(items.insert().values(item).returning(items.c.id)).scalar_one()
    row = {**ORDER, "item_id": item_id, "canonical": packed(canonical)}
    return connection.execute(orders.insert().values(row).returning(orders.c.id)).scalar_one()


def test_orders_from_before_the_search_are_made_searchable(store):
    tables = begin(store, "0001")
    lines = [{"sku": "B"}, {"sku": "A"}, {"sku": "A"}, {"sku": ""}, {"sku": "x" * 300}]
    store.write(lambda c: save_order(c, tables, {"lines": lines}))
    migrate(store)
    found = store.read(lambda c: c.execute(text("SELECT email, customer_folded FROM orders")).one())
    assert tuple(found) == ("anna@example.com", " anna müller")
    skus = store.read(lambda c: c.execute(text("SELECT sku FROM order_skus ORDER BY sku")).scalars().all())
    assert skus == ["A", "B", "x" * 255]


def test_an_order_is_found_by_a_parcel_that_was_sent_before_parcels_could_be_searched(store):
    tables = begin(store, "0012")
    bodies = {
        "shipment": {"parcels": [{"tracking_number": "1z 999"}, {"tracking_number": "1Z999"}, {"tracking_number": ""}]},
        "return": {"parcels": [{"tracking_number": "R1"}]},
        "invoice": {"total": {"amount": "1.00"}},
    }

    def fill(connection):
        common = {"order_id": save_order(connection, tables, {"lines": []}), "connection": "erp", "external_id": "1"}
        rows = [
            {**common, "kind": kind, "body": packed(body), "first_seen_at": AT, "seen_at": AT}
            for kind, body in bodies.items()
        ]
        connection.execute(tables["documents"].insert(), rows)

    store.write(fill)
    migrate(store)
    for number in ("1Z999", "r1"):
        [order] = store.read(lambda c, number=number: find_orders(c, number, {"web": "erp"}))
        assert order.external_id == "1"
    numbers = store.read(lambda c: c.execute(text("SELECT number FROM tracking_numbers")).scalars().all())
    assert sorted(numbers) == ["1Z999", "R1"]


def test_a_look_up_row_from_before_there_were_patterns_means_what_it_meant(store):
    tables = begin(store, "0004")
    row = {"table_name": "sku", "scope": "global", "target_value": "1", "revision": 3, "changed_by": "anna"}
    values = [{**row, "source_value": value, "changed_at": AT} for value in ("A*B", "C")]
    store.write(lambda c: c.execute(tables["lookups"].insert(), values))
    migrate(store)
    rows = store.read(load_rows)
    assert [(row.key.value, row.target, row.revision, row.changed_by) for row in rows] == [
        (r"A\*B", "1", 3, "anna"),
        ("C", "1", 3, "anna"),
    ]
