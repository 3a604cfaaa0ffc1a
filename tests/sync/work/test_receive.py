from __future__ import annotations

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

from connectors.kit.base import Delivery, Envelope
from sync.store.issues import list_open
from sync.store.tables import checkpoints, events, schedules, work_items
from sync.work.receive import NotStored, Receiver, RowRefused
from tests.databases import url_of
from tests.shared import PATIENCE_S

CHANNELS = {"shop": ("shop-de", "shop-at")}


class Bells:
    def __init__(self):
        self.rung = []
        self.heard = threading.Event()

    def __call__(self, channel, kind):
        self.rung.append((channel, kind))
        self.heard.set()


@pytest.fixture
def receiver(store, store_url):
    receiver = Receiver(store_url, CHANNELS, Bells(), wait_s=30.0)
    yield receiver
    assert receiver.close()


def delivery(external_id, version="2026-01-01T00:00:00", **fields):
    payload = {"id": external_id, **fields}
    return Delivery("order.updated", external_id, Envelope(external_id, version, payload))


def count(store, column, *where):
    return store.read(lambda connection: connection.execute(select(func.count(column)).where(*where)).scalar_one())


def all_at_once(receiver, deliveries):
    """Each from a thread of its own; the error or None of each, in order."""
    start = threading.Barrier(len(deliveries))

    def one(given):
        start.wait()
        try:
            receiver.receive("shop", given, b"{}")
        except (NotStored, RowRefused) as error:
            return type(error)
        return None

    with ThreadPoolExecutor(len(deliveries)) as pool:
        return list(pool.map(one, deliveries))


def refuse_events_of(store, external_id):
    """Have the database itself refuse one order's events, whatever the program checked before."""
    if store.is_sqlite:
        action, statements = "SELECT RAISE(ABORT, 'poison')", []
        body = f"WHEN NEW.external_id = '{external_id}' BEGIN {action}; END"
    else:
        function = "$$ BEGIN RAISE EXCEPTION 'poison'; END $$ LANGUAGE plpgsql"
        statements = [f"CREATE FUNCTION poison() RETURNS trigger AS {function}"]
        body = f"FOR EACH ROW WHEN (NEW.external_id = '{external_id}') EXECUTE FUNCTION poison()"
    statements.append(f"CREATE TRIGGER poison BEFORE INSERT ON events {body}")
    store.write(lambda connection: [connection.execute(text(statement)) for statement in statements])


def test_a_delivery_is_durable_and_its_item_wanted_in_every_channel_when_receive_returns(store, receiver):
    receiver.receive("shop", delivery("7", total="1.00"), b'{"id":"7","total":"1.00"}')
    items = store.read(lambda connection: connection.execute(select(work_items)).all())
    assert [(item.channel, item.kind, item.external_id, item.wanted, item.done) for item in items] == [
        ("shop-at", "order", "7", 1, 0),
        ("shop-de", "order", "7", 1, 0),
    ]
    assert count(store, events.c.id) == 1


def test_after_the_commit_the_drains_of_every_channel_are_rung(store, receiver):
    receiver.receive("shop", delivery("7"), b"{}")
    bells = receiver._ringer._ring
    assert bells.heard.wait(PATIENCE_S)
    assert receiver.close()
    assert sorted(bells.rung) == [("shop-at", "order"), ("shop-de", "order")]


def test_a_hundred_equal_deliveries_at_once_leave_one_item_that_is_wanted(store, receiver):
    assert all_at_once(receiver, [delivery("7", total="1.00") for _ in range(100)]) == [None] * 100
    assert count(store, work_items.c.id) == 2
    assert count(store, work_items.c.id, work_items.c.wanted > work_items.c.done) == 2
    kept = store.read(lambda connection: connection.execute(select(func.sum(events.c.repeats + 1))).scalar_one())
    assert kept == 100


def test_a_hundred_different_deliveries_at_once_are_all_wanted(store, receiver):
    assert all_at_once(receiver, [delivery(str(number)) for number in range(100)]) == [None] * 100
    assert count(store, work_items.c.id, work_items.c.channel == "shop-de", work_items.c.wanted == 1) == 100


def test_only_the_row_that_the_database_refuses_gets_the_error(store, receiver):
    refuse_events_of(store, "poison")
    results = all_at_once(receiver, [delivery("poison" if number == 50 else str(number)) for number in range(101)])
    assert results[50] is RowRefused
    assert results[:50] + results[51:] == [None] * 100
    assert count(store, work_items.c.id, work_items.c.channel == "shop-de") == 100
    assert count(store, events.c.id, events.c.external_id == "poison") == 0


@pytest.mark.fault("A20")
def test_two_writers_that_meet_the_same_new_items_do_not_lock_each_other_out(store, store_url, receiver):
    other = Receiver(store_url, CHANNELS, Bells(), wait_s=30.0)
    orders = [str(number) for number in range(60)]
    with ThreadPoolExecutor(2) as pool:
        halves = [
            pool.submit(all_at_once, one, [delivery(order, seen_by=name) for order in given])
            for one, name, given in ((receiver, "a", orders), (other, "b", orders[::-1]))
        ]
        results = [result for half in halves for result in half.result()]
    assert other.close()
    assert results == [None] * 120
    assert count(store, work_items.c.id, work_items.c.channel == "shop-de", work_items.c.wanted == 2) == 60


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (Delivery("order.updated", None, None, problem="no JSON"), b"<html>"),
        (delivery("7"), b'{"id":"7"}\0'),
        (delivery("7"), b'{"id":"7","name":"\xff"}'),
        (delivery("7\0"), b'{"id":"7"}'),
        (delivery("\ud800"), b'{"id":"7"}'),
        (delivery("7" * 256), b'{"id":"7"}'),
        (delivery("7", version="2" * 65), b'{"id":"7"}'),
    ],
    ids=["unreadable", "NUL", "not UTF-8", "NUL in the id", "half a surrogate pair", "long id", "long version"],
)
def test_what_cannot_be_used_is_kept_with_its_problem_and_the_connection_is_polled(store, receiver, given, body):
    receiver.receive("shop", given, body)
    event = store.read(lambda connection: connection.execute(select(events)).one())
    assert event.external_id is None
    assert event.problem
    assert count(store, work_items.c.id) == 0
    asked = store.read(lambda connection: connection.execute(select(schedules.c.name).where(schedules.c.asked)).all())
    assert asked == [("pull:shop",)]
    (issue,) = store.read(list_open)
    assert (issue.cause, issue.connection, issue.documents) == ("unreadable_delivery", "shop", 0)


@pytest.mark.parametrize(
    "given", [Delivery("", None, None, ping=True), Delivery("coupon.created", None, None)], ids=["ping", "other topic"]
)
def test_what_says_nothing_about_an_order_leaves_no_row(store, receiver, given):
    receiver.receive("shop", given, b"webhook_id=1")
    assert count(store, events.c.id) == 0


def test_a_deletion_notice_asks_to_look_and_is_no_payload(store, receiver):
    receiver.receive("shop", delivery("7"), b"{}")
    gone = Delivery("order.deleted", "7", Envelope("7", "", {"id": 7}, deleted=True))
    receiver.receive("shop", gone, b'{"id":7}')
    items = store.read(lambda connection: connection.execute(select(work_items.c.wanted, work_items.c.event_id)).all())
    assert items == [(2, None)] * 2


def test_polling_at_once_can_be_asked_for_again_and_again(store, receiver):
    for _ in range(3):
        receiver.poll_at_once("shop")
    assert count(store, schedules.c.name, schedules.c.asked) == 1


def test_a_database_that_stays_locked_is_an_error_within_the_wait_and_the_writer_lives_on(tmp_path, sqlite_store):
    url = url_of(sqlite_store)
    receiver = Receiver(url, CHANNELS, Bells(), wait_s=0.3)
    holder = sqlite3.connect(tmp_path / "crossdock.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(NotStored):
        receiver.receive("shop", delivery("7"), b"{}")
    assert 0.25 < time.monotonic() - begun < PATIENCE_S / 3
    holder.execute("ROLLBACK")
    # However slow this disk is: only whether it writes again is asked.
    receiver._writer._wait_s = 30.0
    for number in ("7", "8"):
        receiver.receive("shop", delivery(number), b"{}")
    holder.close()
    assert receiver.status().restarts == 0
    assert receiver.close()
    # The first may have come in after all, when nobody waited for it any more: sent again it is the same.
    for number in ("7", "8"):
        assert count(sqlite_store, work_items.c.id, work_items.c.external_id == number) == 2


@pytest.mark.fault("A19")
def test_a_lock_that_is_released_in_time_costs_only_the_wait(tmp_path, sqlite_store):
    url = url_of(sqlite_store)
    receiver = Receiver(url, CHANNELS, Bells(), wait_s=30.0)
    holder = sqlite3.connect(tmp_path / "crossdock.sqlite", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: holder.execute("ROLLBACK")).start()
    begun = time.monotonic()
    receiver.receive("shop", delivery("7"), b"{}")
    assert time.monotonic() - begun < 20
    holder.close()
    assert receiver.close()


def test_a_row_lock_that_stays_is_an_error_for_its_own_row_only(postgres_store):
    receiver = Receiver(url_of(postgres_store), CHANNELS, Bells())
    receiver.receive("shop", delivery("7"), b"{}")
    with postgres_store.engine.begin() as holder:
        holder.execute(select(work_items).where(work_items.c.external_id == "7").with_for_update())
        results = all_at_once(receiver, [delivery(order, changed=True) for order in ("7", "8", "9")])
    assert results[0] is NotStored
    assert results[1:] == [None, None]
    assert receiver.close()


@pytest.mark.fault("A20")
def test_a_server_that_went_away_and_came_back_is_found_again(store, receiver, postgres_url, request):
    if store.is_sqlite:
        pytest.skip("a file does not go away")
    receiver.receive("shop", delivery("7"), b"{}")
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    store.write(lambda connection: connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}")).all())
    receiver.receive("shop", delivery("8"), b"{}")
    assert count(store, work_items.c.id) == 4


def test_a_database_that_is_away_is_not_stored_rather_than_refused(postgres_url):
    nowhere = postgres_url.rpartition("/")[0] + "/not_there"
    receiver = Receiver(nowhere, CHANNELS, Bells(), wait_s=0.3)
    with pytest.raises(NotStored):
        receiver.receive("shop", delivery("7"), b"{}")
    assert receiver.close()


# pytest's own hook reports what Python's would pass over: SystemExit in a thread.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_thread_that_died_is_started_again_and_counted(store, receiver):
    receiver.receive("shop", delivery("7"), b"{}")
    write = receiver._writer._write

    def die(connection, receipts):
        receiver._writer._write = write
        raise SystemExit

    receiver._writer._write = die
    with pytest.raises(NotStored):
        receiver.receive("shop", delivery("8"), b"{}")
    receiver._writer.keeper._thread.join(PATIENCE_S)
    assert not receiver.status().alive
    receiver.receive("shop", delivery("9"), b"{}")
    status = receiver.status()
    assert (status.alive, status.restarts, status.last_error) == (True, 1, "ThreadDied")


def test_a_fault_of_the_writer_itself_is_answered_counted_and_outlived(store, receiver):
    take = receiver._writer._take

    def stumble():
        receiver._writer._take = take
        raise ZeroDivisionError

    receiver.receive("shop", delivery("7"), b"{}")
    receiver._writer._take = stumble
    receiver.receive("shop", delivery("8"), b"{}")
    receiver.receive("shop", delivery("9"), b"{}")
    status = receiver.status()
    assert (status.alive, status.restarts, status.last_error) == (True, 1, "ZeroDivisionError")


def test_a_bell_that_hangs_delays_no_answer(store, store_url):
    hanging = threading.Event()
    receiver = Receiver(store_url, CHANNELS, lambda channel, kind: hanging.wait(30), wait_s=30.0)
    begun = time.monotonic()
    for number in range(5):
        receiver.receive("shop", delivery(str(number)), b"{}")
    assert time.monotonic() - begun < 20
    hanging.set()
    assert receiver.close()


def test_a_bell_that_fails_costs_nothing(store, store_url):
    def fail(channel, kind):
        raise ConnectionRefusedError

    receiver = Receiver(store_url, CHANNELS, fail, wait_s=30.0)
    receiver.receive("shop", delivery("7"), b"{}")
    receiver.receive("shop", delivery("8"), b"{}")
    assert receiver.close()
    assert receiver._ringer.keeper.restarts == 0


def test_proving_that_writing_works_leaves_nothing(store, receiver):
    receiver.prove()
    assert (count(store, events.c.id), count(store, checkpoints.c.connection)) == (0, 0)
