from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from config.settings import Settings
from connectors.kit.errors import ConnectionBroken, RateLimited, Transient
from sync.store import schedule, singletons
from sync.store.switches import pause, pauses
from sync.store.tables import events
from sync.work import tasks as tasks_module
from sync.work.scheduler import Scheduler
from sync.work.tasks import Tasks
from sync.work.witness import Witness
from tests.databases import forward, now
from tests.sync.flows.world import CHANNEL, World


def ran(world: World, name: str) -> schedule.Row:
    tasks = Tasks(world.runtime)
    world.write(lambda c: schedule.declare(c, tasks.first_runs()))
    tasks.run(name)
    return next(row for row in world.store.read(schedule.list_schedules) if row.name == name)


def paused(world: World) -> list[tuple[str, bool]]:
    """(name, whether it ends by itself)."""
    return [(entry.name, entry.until is not None) for entry in world.store.read(pauses)]


def test_a_pull_marks_and_rings(store):
    world = World(store)
    world.shop.place()
    row = ran(world, "pull:shop")
    assert (row.last_ok, row.message) == (True, "1 orders seen, 1 to look at")
    assert world.bell.rings == [(CHANNEL, "order")]


@pytest.mark.fault("B10")
@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (Transient("nobody answers"), []),
        (RateLimited("slowly", retry_after_s=60), [("shop", True)]),
        (ConnectionBroken("revoked", code="401"), [("shop", False)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_pull_that_fails_says_so_and_pauses_what_a_person_must_mend(sqlite_store, error, pause):
    world = World(sqlite_store)
    world.shop.errors.append(error)
    row = ran(world, "pull:shop")
    assert (row.last_ok, row.message) == (False, str(error))
    assert paused(world) == pause
    assert ("connection" in world.causes()) == isinstance(error, ConnectionBroken)


def test_a_comparison_that_meets_a_broken_erp_blames_no_shop(sqlite_store):
    world = World(sqlite_store)
    world.erp.fail("list", "broken")
    assert ran(world, f"nightly:{CHANNEL}").last_ok is False
    assert paused(world) == []


def test_who_asked_for_a_run_that_a_pause_prevents_is_told_and_nothing_else_is_forgotten(sqlite_store):
    world = World(sqlite_store)
    before = ran(world, "pull:shop")
    world.write(lambda c: pause(c, "connection", "shop", "stocktaking"))
    assert ran(world, "pull:shop") == before
    Tasks(world.runtime).run("pull:shop", asked=True)
    [after] = [row for row in world.store.read(schedule.list_schedules) if row.name == "pull:shop"]
    assert after.message == "not run when it was asked for, because of a pause: stocktaking"
    assert (after.last_at, after.last_ok, after.asked) == (before.last_at, True, False)


def test_what_nobody_foresaw_is_seen_in_the_status(sqlite_store, monkeypatch):
    world = World(sqlite_store)
    monkeypatch.setattr(world.shop, "pull_orders", lambda *args, **options: 1 / 0)
    row = ran(world, "pull:shop")
    assert row.last_ok is False
    assert "ZeroDivisionError" in row.message


def test_the_resync_looks_again_at_what_rests_open(sqlite_store):
    world = World(sqlite_store)
    held, done = world.shop.place(sku="UNKNOWN"), world.shop.place()
    world.carry()
    assert ran(world, f"resync:{CHANNEL}").message.startswith("0 open orders")
    forward(world.store, 7 * 3600)
    assert ran(world, f"resync:{CHANNEL}").message.startswith("1 open orders")
    assert (world.item(held).state, world.item(done).state) == ("ready", "done")
    world.drain()
    assert world.shop.fetched == [[held]]


def test_what_is_old_is_deleted_at_night_also_while_everything_is_paused(sqlite_store):
    world = World(sqlite_store)
    world.runtime.settings = Settings.from_env({})
    world.shop.place()
    world.carry()
    world.write(lambda c: c.execute(update(events).values(received_at=now() - dt.timedelta(days=181))))
    world.write(lambda c: pause(c, "all", "", "everything"))
    assert ran(world, "purge").message == "removed 1 payload"
    assert world.rows(select(events)) == []


def test_every_schedule_is_declared_with_its_time(sqlite_store):
    tasks = Tasks(World(sqlite_store).runtime)
    first = tasks.first_runs()
    assert set(first) == {"pull:shop", "webhooks:shop", "resync:web", "nightly:web", "proof:web", "purge"}
    assert all(tasks.knows(name) for name in first)
    assert tasks.next_run("nightly:web").strftime("%H:%M") == "03:30"
    assert tasks.next_run("proof:web").strftime("%H:%M") == "04:30"
    assert now() < tasks.next_run("proof:web") <= now() + dt.timedelta(days=1)
    assert dt.timedelta(seconds=50) < tasks.next_run("pull:shop") - now() < dt.timedelta(seconds=70)


@pytest.mark.fault("D8")
@pytest.mark.parametrize(("first", "last"), [("2026-03-25", "2026-04-02"), ("2026-10-21", "2026-10-29")])
def test_a_night_has_its_run_once_though_half_past_two_is_missing_or_comes_twice(
    sqlite_store, monkeypatch, first, last
):
    runtime = World(sqlite_store).runtime
    channel = runtime.config.channels[CHANNEL]
    schedules = dataclasses.replace(channel.schedules, nightly="30 2 * * *")
    berlin = dataclasses.replace(channel, timezone="Europe/Berlin", schedules=schedules)
    monkeypatch.setattr(runtime, "config", dataclasses.replace(runtime.config, channels={CHANNEL: berlin}))
    moment = dt.datetime.fromisoformat(f"{first}T12:00:00+00:00")

    class Clock(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return moment

    monkeypatch.setattr(tasks_module, "dt", SimpleNamespace(datetime=Clock, timedelta=dt.timedelta, UTC=dt.UTC))
    tasks, days = Tasks(runtime), []
    while (moment := tasks.next_run(f"nightly:{CHANNEL}")).date().isoformat() < last:
        days.append(moment.astimezone(ZoneInfo("Europe/Berlin")).date())
    assert days == [days[0] + dt.timedelta(days=number) for number in range(len(days))]
    assert len(days) == 7


# --- the place of the scheduler ---------------------------------------------------------------------------------


def take(store, holder: str):
    return store.write(lambda c: singletons.take(c, "scheduler", holder, 15.0))


@pytest.mark.fault("A24")
def test_one_holds_the_place_and_the_next_takes_it_when_it_is_silent(store):
    token, silence = take(store, "one")
    assert silence is None
    assert take(store, "two") is None
    forward(store, 400)
    other, silence = take(store, "two")
    assert silence > dt.timedelta(minutes=5)
    assert not store.write(lambda c: singletons.beat(c, "scheduler", token, 15.0))
    assert store.write(lambda c: singletons.beat(c, "scheduler", other, 15.0))


def test_who_gives_the_place_up_lets_the_next_in_at_once(store):
    token, _ = take(store, "one")
    store.write(lambda c: singletons.give_up(c, "scheduler", token))
    assert take(store, "two") is not None


def test_the_scheduler_runs_what_is_due_once_and_leaves_the_place(sqlite_store, tmp_path):
    world = World(sqlite_store)
    world.runtime.witness = Witness(tmp_path / "witness")
    world.shop.place()
    keeper = Scheduler(world.runtime)
    look = keeper._start_due

    def once(tasks, pool):
        look(tasks, pool)
        keeper.stop()

    keeper._start_due = once
    keeper.run()
    assert len(world.items()) == 1
    assert (CHANNEL, "order") in world.bell.rings
    assert take(sqlite_store, "two") is not None


def test_what_is_asked_for_runs_out_of_turn(store):
    later = now() + dt.timedelta(hours=1)
    store.write(lambda c: schedule.declare(c, {"pull:shop": later}))
    assert store.read(schedule.load_due) == []
    for name in ("pull:shop", "pull:new"):
        store.write(lambda c, name=name: schedule.ask(c, name))
        store.write(lambda c, name=name: schedule.ask(c, name))
    assert {due.name for due in store.read(schedule.load_due)} == {"pull:shop", "pull:new"}
    store.write(lambda c: schedule.start(c, "pull:shop", later))
    assert {due.name for due in store.read(schedule.load_due)} == {"pull:new"}
