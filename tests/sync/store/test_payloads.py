"""Each distinct body is kept once, by whatever it came, until the last event that brought it is gone."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, func, select, update

from sync.store import migrate as migrating
from sync.store.bodies import pack, unpack
from sync.store.engine import Store
from sync.store.erasure import forget_payloads, naming
from sync.store.events import save_unseen
from sync.store.history import load_received
from sync.store.inbox import load_payloads, record_events
from sync.store.migrate import migrate
from sync.store.payloads import drop_unused, keep_bodies
from sync.store.retention import Look, purge_payloads
from sync.store.stock.captured import list_unseen
from sync.store.tables import events, payloads
from tests.databases import now, open_store
from tests.shared import wait_until
from tests.sync.flows.shop import event, payload
from tests.sync.flows.world import CHANNEL, World

CHANNELS = {"shop": [CHANNEL], "other": []}


def tell(world, *rows):
    world.write(lambda c: record_events(c, rows, CHANNELS))


def event_ids(world):
    return [row.id for row in world.rows(select(events.c.id).order_by(events.c.id))]


def bodies(world):
    """Event -> what it reads as."""
    kept = world.store.read(lambda c: load_payloads(c, event_ids(world)))
    return {event_id: unpack(body) for event_id, body in kept.items()}


def count(world, table=payloads):
    return world.rows(select(func.count()).select_from(table))[0][0]


def test_equal_bodies_of_several_events_pulls_and_connections_are_stored_once(store):
    world = World(store)
    tell(world, event(payload(1)), event(payload(1), connection="other"))
    world.carry()
    # Nobody waits for it any more, so it is an event of its own; and changes that are told without a work item.
    tell(world, event(payload(1)))
    world.write(lambda c: save_unseen(c, "other", "sale", [event(payload(1), "poll")]))
    assert (count(world, events), count(world)) == (4, 1)
    assert set(bodies(world).values()) == {unpack(event(payload(1)).body)}
    tell(world, event(payload(1, total="7.00"), version="9"))
    assert (count(world, events), count(world)) == (5, 2)


def test_a_body_goes_with_the_last_event_that_brought_it(store):
    world = World(store)
    for name in ("shop", "other", "third"):
        tell(world, event(payload(1), connection=name))
    first, second, third = event_ids(world)
    for gone, left in (([first], 1), ([], 1), ([second, third], 0)):
        world.write(lambda c, gone=gone: forget_payloads(c, gone))
        assert count(world) == left


def test_what_is_old_goes_and_leaves_a_body_that_something_newer_needs(store):
    world = World(store)
    for name in ("other", "shop"):
        tell(world, event(payload(1), connection=name))
    _, second = event_ids(world)
    border = now()
    later = update(events).where(events.c.id == second).values(received_at=border)
    world.write(lambda c: c.execute(later))
    piece = world.write(lambda c: purge_payloads(c, Look(0, border, 100)))
    assert (piece.removed, list(bodies(world)), count(world)) == (1, [second], 1)


def test_what_one_customer_is_erased_from_stays_readable_for_another(store):
    world = World(store)
    # Nothing of anybody stands in it, so two orders have the very same.
    notices = [dataclasses.replace(event(payload(n)), body=pack(b"{}"), hint_only=True) for n in (1, 2)]
    tell(world, *notices)
    first, second = event_ids(world)
    assert count(world) == 1
    world.write(lambda c: forget_payloads(c, [first]))
    assert bodies(world) == {second: b"{}"}
    world.write(lambda c: forget_payloads(c, [second]))
    assert count(world) == 0


def test_everything_that_reads_a_payload_reads_rows_of_the_version_before_too(store):
    world = World(store)
    order = world.shop.place(customer="zoe")
    world.pull()
    [(event_id, payload_id)] = world.rows(select(events.c.id, events.c.payload_id))
    item = world.item(order)

    def look():
        return (
            world.store.read(lambda c: load_payloads(c, [event_id]))[event_id],
            world.store.read(lambda c: load_received(c, item.id, "shop")),
            [unseen.body for unseen in world.store.read(lambda c: list_unseen(c, CHANNEL, 10))],
            world.store.read(lambda c: naming(c, events, 0, {"zoe@example.test"}, 10)),
        )

    new = look()
    body = new[0]
    own = update(events).values(payload_id=None, body=body)
    world.write(lambda c: (c.execute(own), drop_unused(c, [payload_id])))
    assert count(world) == 0
    assert look() == new == (body, body, [body], ([event_id], event_id))
    world.write(lambda c: forget_payloads(c, [event_id]))
    assert event_ids(world) == []


def test_whoever_deletes_waits_for_whoever_has_just_found_the_body_there(postgres_store):
    world = World(postgres_store)
    tell(world, event(payload(1)))
    [first] = event_ids(world)
    again = event(payload(1), connection="other")
    with postgres_store.engine.connect() as writer:
        # Found there, and not committed yet.
        record_events(writer, [again], CHANNELS)
        done = threading.Event()

        def delete():
            postgres_store.write(lambda c: forget_payloads(c, [first]))
            done.set()

        thread = threading.Thread(target=delete)
        thread.start()
        wait_until(lambda: _waits_for_a_lock(postgres_store))
        assert not done.is_set()
        writer.commit()
        thread.join()
    [second] = event_ids(world)
    assert bodies(world) == {second: unpack(again.body)}


def _waits_for_a_lock(store):
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return store.read(lambda c: c.exec_driver_sql(query).scalar_one())


def test_bodies_are_equal_by_their_bytes_alone(store):
    world = World(store)
    kept = world.write(lambda c: keep_bodies(c, [pack(b"1"), pack(b"1.0"), pack(b"1")]))
    assert len(set(kept.values())) == 2
    assert world.write(lambda c: keep_bodies(c, [pack(b"1.0")])) == {pack(b"1.0"): kept[pack(b"1.0")]}
    assert world.write(lambda c: keep_bodies(c, [])) == {}


@pytest.mark.fault("G5")
def test_what_an_older_version_has_stored_is_shared_after_the_upgrade_and_reads_as_it_was(database_url):
    store = Store.open(database_url)
    config = Config()
    config.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))

    def begin(connection):
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")

    store.write(begin)
    before = MetaData()
    before.reflect(store.engine, only=("events",))
    # More than the migration moves in one go, and equal ones within a piece and in two of them.
    written = [pack(b"body %d" % (number % 700)) for number in range(1100)]
    at = now().replace(tzinfo=None) if store.is_sqlite else now()
    row = {"connection": "shop", "kind": "order", "source": "poll", "received_at": at}
    rows = [{**row, "external_id": str(n), "body": body, "digest": str(n)} for n, body in enumerate(written)]
    store.write(lambda c: c.execute(before.tables["events"].insert(), rows))
    store.close()
    store = open_store(database_url)
    migrate(store)
    ids = store.read(lambda c: list(c.execute(select(events.c.id).order_by(events.c.id)).scalars()))
    kept = store.read(lambda c: load_payloads(c, ids))
    assert [kept[event_id] for event_id in ids] == written
    assert store.read(lambda c: c.execute(select(func.count()).select_from(payloads)).scalar_one()) == 700
    assert store.read(lambda c: set(c.execute(select(events.c.body)).scalars())) == {b""}
    store.close()
