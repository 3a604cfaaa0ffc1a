"""What somebody has mended in the ERP goes on by itself."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select, update

from connectors.kit.errors import Transient
from sync.desk.mended import release_mended
from sync.store import schedule
from sync.store.tables import audit, bulk_runs
from sync.work.tasks import Tasks
from tests.databases import now
from tests.sync.flows.erp import _article
from tests.sync.flows.world import CHANNEL, World


@pytest.fixture
def world(store):
    made = World(store)
    for number in range(3):
        made.shop.place(sku="NEW", customer=str(number))
    made.carry()
    return made


def look(world):
    return release_mended(world.store, world.systems.channel(CHANNEL))


def states(world):
    return [row.state for row in world.items()]


def test_an_article_that_the_erp_has_by_now_releases_every_order_that_waited_for_it(world):
    assert look(world) == 0
    assert states(world) == ["held"] * 3
    world.erp.articles["NEW"] = _article("NEW")
    assert look(world) == 1
    world.drain()
    assert states(world) == ["done"] * 3
    assert world.causes() == {}
    [row] = world.rows(select(audit.c.actor, audit.c.action, audit.c.reason))
    assert tuple(row) == ("crossdock", "retry all", "the ERP has it now")


def test_all_that_waits_is_asked_for_in_one_look_and_nothing_where_nothing_waits(world, monkeypatch):
    world.shop.place(sku="OTHER", customer="x")
    world.carry()
    asked = []
    target = world.systems.channel(CHANNEL).target
    monkeypatch.setattr(target, "resolve", lambda refs, ask=target.resolve: asked.append(refs) or ask(refs))
    look(world)
    assert [sorted(ref.value for ref in refs) for refs in asked] == [["NEW", "OTHER"]]
    for sku in ("NEW", "OTHER"):
        world.erp.articles[sku] = _article(sku)
    assert look(world) == 2
    world.drain()
    asked.clear()
    assert look(world) == 0
    assert asked == []


def test_what_is_stopped_again_though_the_erp_knows_it_rests_for_hours(world):
    world.erp.articles["NEW"] = _article("NEW")
    assert look(world) == 1
    world.drain()
    del world.erp.articles["NEW"]
    world.shop.place(sku="NEW", customer="later")
    world.carry()
    world.erp.articles["NEW"] = _article("NEW")
    assert look(world) == 0
    world.write(lambda c: c.execute(update(bulk_runs).values(asked_at=now() - dt.timedelta(hours=7))))
    assert look(world) == 1


def test_the_resync_does_it_and_says_so_and_an_erp_that_is_away_makes_no_failure_of_it(world, monkeypatch):
    tasks, name = Tasks(world.runtime), f"resync:{CHANNEL}"

    def ran():
        tasks.run(name)
        [row] = [row for row in world.store.read(schedule.list_schedules) if row.name == name]
        return row

    world.write(lambda c: schedule.declare(c, tasks.first_runs()))
    assert "released" not in ran().message
    target = world.systems.channel(CHANNEL).target

    def away(refs):
        raise Transient("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(target, "resolve", away)
        row = ran()
    assert (row.last_ok, "could not be asked what it knows by now: no answer" in row.message) == (True, True)
    world.erp.articles["NEW"] = _article("NEW")
    assert "1 cause that was mended in the ERP is released" in ran().message
    assert (CHANNEL, "order") in world.bell.rings
