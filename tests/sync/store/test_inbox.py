from __future__ import annotations

import dataclasses
import threading

import pytest
from sqlalchemy import select

from sync.store.bodies import load_json, unpack
from sync.store.inbox import load_payloads, record_events, unknown
from sync.store.states import BACKFILL
from sync.store.tables import events
from tests.databases import open_store
from tests.sync.flows.shop import event, payload
from tests.sync.flows.world import World

CHANNELS = {"shop": ["web"]}


def newest(world: World, order: str = "1") -> dict | None:
    """The payload that a worker would read; None where it would fetch."""
    item = world.item(order)
    if item.event_id is None:
        return None
    body = world.store.read(lambda c: load_payloads(c, [item.event_id]))[item.event_id]
    return load_json(unpack(body))


def counts(world: World) -> list[int]:
    """`repeats` of every stored event."""
    return [row.repeats for row in world.rows(select(events.c.repeats).order_by(events.c.id))]


def order(minute: int = 0, **changes) -> dict:
    return payload(1, date_modified_gmt=f"2026-11-10T09:{minute:02}:00", **changes)


def test_a_delivery_is_stored_and_wanted(store):
    world = World(store)
    world.tell(event(order()))
    item = world.item("1")
    assert (item.wanted, item.done, item.state) == (1, 0, "ready")
    assert newest(world) == load_json(unpack(event(order()).body))


@pytest.mark.fault("C2")
def test_an_equal_delivery_that_waits_already_is_counted_and_wants_nothing_more(store):
    world = World(store)
    for _ in range(3):
        world.tell(event(order()))
    assert world.item("1").wanted == 1
    assert counts(world) == [2]


def test_equal_deliveries_of_one_group_are_one_event(store):
    world = World(store)
    world.tell(event(order()), event(order()), event(order(minute=1)))
    assert world.item("1").wanted == 2
    assert sorted(counts(world)) == [0, 1]


@pytest.mark.fault("C6")
def test_an_equal_delivery_after_the_work_is_kept_and_wants_nothing(store):
    world = World(store)
    world.shop.put(order())
    world.carry()
    world.tell(event(order()))
    item = world.item("1")
    assert (item.state, item.wanted) == ("done", item.done)
    assert len(counts(world)) == 2


def test_an_equal_pulled_entry_leaves_no_trace(store):
    world = World(store)
    world.tell(event(order()))
    assert world.write(lambda c: record_events(c, [event(order(), "poll")], CHANNELS)) == []
    assert counts(world) == [0]
    assert world.store.read(lambda c: unknown(c, [event(order(), "poll")], CHANNELS)) == []


@pytest.mark.fault("C4", "C16")
def test_an_older_version_that_comes_late_never_replaces_the_newer_payload(store):
    world = World(store)
    world.tell(event(order(minute=5)))
    world.tell(event(order(minute=1, customer_note="alt")))
    assert newest(world)["date_modified_gmt"] == "2026-11-10T09:05:00"
    assert world.item("1").wanted == 2


@pytest.mark.fault("C3")
def test_versions_in_any_order_leave_the_newest(store):
    world = World(store)
    world.tell(*(event(order(minute=minute)) for minute in (3, 9, 1)))
    assert newest(world)["date_modified_gmt"] == "2026-11-10T09:09:00"


def test_an_equal_version_with_other_bytes_means_fetch(store):
    world = World(store)
    world.tell(event(order(customer_note="eins")))
    world.tell(event(order(customer_note="zwei")))
    assert newest(world) is None


def test_a_newer_version_ends_the_need_to_fetch(store):
    world = World(store)
    world.tell(event(order(customer_note="eins")), event(order(customer_note="zwei")), event(order(minute=2)))
    assert newest(world)["date_modified_gmt"] == "2026-11-10T09:02:00"


def test_a_hint_only_says_look(store):
    world = World(store)
    world.tell(event(order()))
    world.tell(dataclasses.replace(event({"id": 1, "date_modified_gmt": ""}), hint_only=True))
    assert newest(world) is None
    assert world.item("1").wanted == 2


def test_a_body_that_could_not_be_read_is_stored_and_marks_nothing(store):
    world = World(store)
    world.tell(dataclasses.replace(event(order()), external_id=None, problem="no JSON"))
    assert len(counts(world)) == 1
    assert world.items() == []


def test_an_event_makes_a_resting_item_ready_at_once(store):
    world = World(store)
    world.shop.put(order())
    world.carry()
    world.tell(event(order(minute=1)))
    assert world.item("1").state == "ready"


def test_an_event_leaves_a_delayed_item_its_time(store):
    world = World(store)
    world.tell(event(order()))
    world.erp.fail("resolve", "limited")
    world.drain()
    due = world.item("1").due_at
    assert due > world.item("1").updated_at
    world.tell(event(order(minute=1)))
    assert world.item("1").due_at == due


def test_every_channel_of_the_connection_is_marked(store):
    world = World(store, channels=("web", "b2b"))
    world.tell(event(order()))
    assert {(row.channel, row.wanted) for row in world.items()} == {("web", 1), ("b2b", 1)}
    assert len(counts(world)) == 1


def test_a_channel_that_is_new_hears_of_an_order_that_the_other_one_knows(store):
    world = World(store)
    world.tell(event(order()))
    marked = world.write(lambda c: record_events(c, [event(order(), "poll")], {"shop": ["web", "b2b"]}))
    assert ("b2b", "order", "1") in marked
    assert world.item("1", "web").wanted == 1


def test_a_live_event_lifts_a_backfilled_order_and_a_backfill_never_delays_a_live_one(store):
    world = World(store)
    world.write(lambda c: record_events(c, [event(order())], CHANNELS, priority=BACKFILL))
    assert world.item("1").priority == BACKFILL
    world.tell(event(order(minute=1)))
    assert world.item("1").priority == 0
    world.write(lambda c: record_events(c, [event(order(minute=2))], CHANNELS, priority=BACKFILL))
    assert world.item("1").priority == 0


@pytest.mark.fault("A20")
@pytest.mark.parametrize("groups", [2, 4])
def test_writers_at_the_same_moment_neither_deadlock_nor_lose_a_count(store, groups):
    world = World(store)
    url = store.engine.url.render_as_string(hide_password=False)
    start = threading.Barrier(groups)
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        own = open_store(url)
        try:
            start.wait()
            for turn in range(4):
                numbers = range(1, 6) if writer % 2 else range(5, 0, -1)
                rows = [
                    event(payload(number, date_modified_gmt=f"2026-11-10T09:{writer:02}:{turn:02}"))
                    for number in numbers
                ]
                own.write(lambda c, rows=rows: record_events(c, rows, CHANNELS))
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(groups)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [row.wanted for row in world.items()] == [groups * 4] * 5
    assert {newest(world, str(number))["date_modified_gmt"] for number in range(1, 6)} == {
        f"2026-11-10T09:{groups - 1:02}:03"
    }
