"""Stock on the schedule: what runs, what is rung for while the ERP is away, and what a shop without a count is told."""

from __future__ import annotations

import datetime as dt

import pytest

from connectors.kit.errors import Transient
from sync.rules.stock_systems import stock_systems
from sync.rules.systems import SystemMissing
from sync.store import schedule
from sync.store.marking import mark
from sync.store.switches import pause
from sync.work.tasks import Tasks
from tests.databases import now
from tests.sync.flows.shop import Shop
from tests.sync.flows.stock_world import ONE, StockWorld


@pytest.fixture
def world(sqlite_store):
    made = StockWorld(sqlite_store)
    made.runtime.settings = type("Settings", (), {"public_url": ""})()
    made.offer("TASSE", 15)
    return made


@pytest.fixture
def tasks(world):
    made = Tasks(world.runtime)
    world.store.write(lambda c: schedule.declare(c, made.first_runs()))
    return made


def row(world, name):
    return next(row for row in world.store.read(schedule.list_schedules) if row.name == name)


def test_a_channel_that_shows_stock_has_its_schedules(tasks):
    assert tasks.knows(f"stock:{ONE}")
    assert tasks.knows(f"stock-full:{ONE}")
    assert dt.timedelta(seconds=59) < tasks.next_run(f"stock:{ONE}") - now() <= dt.timedelta(seconds=60)
    at = tasks.next_run(f"stock-full:{ONE}")
    assert (at.hour, at.minute) == (4, 30)


def test_a_channel_that_does_not_has_none(sqlite_store):
    world = StockWorld(sqlite_store, push=False)
    world.runtime.settings = type("Settings", (), {"public_url": ""})()
    assert not Tasks(world.runtime).knows(f"stock:{ONE}")


def test_a_run_reads_marks_and_rings(world, tasks):
    tasks.run(f"stock:{ONE}")
    assert (ONE, "stock") in world.bell.rings
    assert row(world, f"stock:{ONE}").last_ok
    world.push()
    assert world.shop.shows("TASSE") == 15


def test_a_run_that_the_erp_does_not_answer_says_so(world, tasks):
    world.erp.stock_errors.append(Transient("nobody answers"))
    tasks.run(f"stock:{ONE}")
    seen = row(world, f"stock:{ONE}")
    assert (seen.last_ok, str(seen.message)) == (False, "nobody answers")


def test_a_pause_of_the_erp_stops_its_orders_and_not_what_the_shop_shows(world):
    world.store.write(lambda c: pause(c, "connection", "erp", "a person says so"))
    world.mark("TASSE")
    world.store.write(lambda c: mark(c, ONE, "order", ["1"], facet="order"))
    world.dispatcher.look()
    assert world.bell.rings == [(ONE, "stock")]


def test_a_shop_whose_stock_cannot_be_set_is_named(world, tasks):
    world.systems._made[f"shop-{ONE}"] = Shop()
    with pytest.raises(SystemMissing, match="the stock of shop-web cannot be set"):
        stock_systems(world.systems, ONE)
    tasks.run(f"stock:{ONE}")
    assert "cannot be set" in str(row(world, f"stock:{ONE}").message)
