"""What is counted of a channel's orders, and what is told of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event, insert, select

from config.model import AlertChannel, Channel, Config, Secret, Watch
from config.model import Connection as Account
from sync.desk import volume as desk
from sync.desk.queue import QueueHealth, WorkerHealth
from sync.rules.alerts import Room
from sync.rules.volume import Verdict
from sync.store import schedule, singletons
from sync.store.bodies import pack
from sync.store.checkpoints import save_checkpoint
from sync.store.tables import orders, work_items
from sync.store.volume import count_placed
from sync.work import alerts
from sync.work.alerts import AlertBeat
from tests.databases import now

RUNNING = QueueHealth(answers=True, workers=(WorkerHealth("w", "host", 1, "idle", now(), now(), 0, 0, silent=False),))


def config(**watch):
    channel = Channel(name="web", source="shop", erp="erp", timezone="Europe/Berlin", watch=Watch(**watch))
    accounts = {
        "shop": Account(name="shop", system="woocommerce", url="http://shop.test"),
        "erp": Account(name="erp", system="sandbox_erp", url="http://erp.test"),
    }
    ways = {"team": AlertChannel(name="team", url=Secret("json://host"), digest_s=0.0)}
    return Config(folder=Path("config"), connections=accounts, channels={"web": channel}, alerts=ways)


def sell(store, *moments, channel="web"):
    """Orders that were placed then."""
    at = now()
    begin = store.read(lambda c: len(c.execute(select(orders.c.id)).all()))
    keys = [str(begin + number) for number in range(len(moments))]
    items = [
        {"channel": channel, "kind": "order", "external_id": key, "state": "done", "done": 1}
        | {"due_at": at, "created_at": at, "updated_at": at}
        for key in keys
    ]

    def work(c):
        made = {
            row.external_id: row.id
            for row in c.execute(insert(work_items).returning(work_items.c.external_id, work_items.c.id), items)
        }
        fixed = {
            "channel": channel,
            "source_state": "processing",
            "version": "1",
            "currency": "EUR",
            "grand": "1.00",
            "grand_sort": 10_000,
            "placed_on": "2026-11-22",
            "mapping_version": "1",
            "canonical": pack(b"{}"),
            "created_at": at,
            "updated_at": at,
        }
        found = [
            {**fixed, "external_id": key, "number": key, "item_id": made[key], "placed_at": moment}
            for key, moment in zip(keys, moments, strict=True)
        ]
        c.execute(insert(orders), found)

    store.write(work)


def past(weeks=6, per_hour=20, hours=2):
    """The last hours of each of the weeks before, by the clock on the wall of Berlin."""
    found = []
    for end in desk.weeks_before(now(), "Europe/Berlin", weeks):
        found += [end - dt.timedelta(minutes=1 + 60 * number / per_hour) for number in range(per_hour * hours)]
    # Since then there is an order now and then, so the channel is old enough.
    return [*found, now() - dt.timedelta(weeks=weeks + 2)]


@pytest.fixture(autouse=True)
def room(monkeypatch):
    monkeypatch.setattr(alerts, "room_at", lambda folder: Room.ENOUGH)


def view(store, **watch):
    made = config(**watch)
    desk.look_at_volumes(store, made)
    return store.read(lambda c: desk.volume_views(c, made)).get("web")


def test_a_shop_that_has_stopped_is_told_with_its_figures(store):
    sell(store, *past())
    found = view(store)
    assert (found.volume.verdict, found.volume.usual, found.volume.now) == (Verdict.FEWER, 20, 0)
    assert desk.told(found) == f"usual in the last 1 h: 20; now: 0, the last one at {found.last_at:%Y-%m-%d %H:%M} UTC"


def test_a_shop_that_sells_is_not_spoken_of(store):
    sell(store, *past(), *(now() - dt.timedelta(minutes=3 * number + 1) for number in range(18)))
    found = view(store)
    assert found.volume.verdict is Verdict.USUAL
    assert desk.told(found) is None


def test_a_channel_without_orders_or_weeks_learns(sqlite_store):
    assert view(sqlite_store).volume.verdict is Verdict.LEARNING
    sell(sqlite_store, *(now() - dt.timedelta(hours=number) for number in range(100)))
    assert view(sqlite_store).volume.verdict is Verdict.LEARNING


def test_it_can_be_switched_off(sqlite_store):
    sell(sqlite_store, *past())
    assert view(sqlite_store, volume=False) is None
    # Also where something was found before.
    assert view(sqlite_store) is not None
    assert view(sqlite_store, volume=False) is None


def test_the_weeks_are_those_of_the_clock_on_the_wall():
    after = dt.datetime(2026, 10, 26, 9, tzinfo=dt.UTC)
    assert desk.weeks_before(after, "Europe/Berlin", 2) == [
        dt.datetime(2026, 10, 19, 8, tzinfo=dt.UTC),
        dt.datetime(2026, 10, 12, 8, tzinfo=dt.UTC),
    ]


def test_counting_looks_at_the_index_alone(sqlite_store):
    seen = []

    def explain(c):
        event.listen(c, "before_cursor_execute", lambda *told: seen.append(told[2:4]))
        count_placed(c, "web", [(now() - dt.timedelta(hours=1), now())])
        statement, values = seen[0]
        return [str(row) for row in c.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]

    index = "COVERING INDEX ix_orders_channel_placed_at (channel=? AND placed_at>? AND placed_at<?)"
    assert any(index in row for row in sqlite_store.read(explain))


def test_silence_is_told_once_and_its_end_too_but_not_that_of_a_shop_which_cannot_be_read(store, monkeypatch):
    monkeypatch.setattr(alerts, "VOLUMES_S", 0.0)
    made, told = config(), []
    settings = SimpleNamespace(state_folder=Path(), public_url="")
    beat = AlertBeat(store, made, settings, lambda: RUNNING, sender=lambda way, message: told.append(message.body))

    def work(*, ok):
        store.write(lambda c: singletons.take(c, "scheduler", "host:1", 15.0))
        store.write(lambda c: save_checkpoint(c, "shop", "orders", "x"))
        store.write(lambda c: schedule.declare(c, {"pull:shop": now()}))
        store.write(lambda c: schedule.finish(c, "pull:shop", ok=ok, message="so"))
        beat.beat()

    sell(store, *past())
    work(ok=False)
    assert told == []
    work(ok=True)
    work(ok=True)
    assert [entry["cause"] for body in told for entry in body["raised"]] == ["volume"]
    sell(store, *(now() - dt.timedelta(minutes=number) for number in range(15)))
    work(ok=True)
    assert [entry["cause"] for entry in told[-1]["over"]] == ["volume"]
