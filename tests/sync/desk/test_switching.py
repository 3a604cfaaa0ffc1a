"""Ending the pause that a system asked for: what waits for it goes on, what waits for anything else does not."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from connectors.kit.errors import RateLimited
from connectors.kit.throttle import Budget
from sync.desk.doctor.connection import ConnectionCheckup
from sync.desk.home import Condition, home_of
from sync.desk.queue import QueueHealth
from sync.desk.status import status_of
from sync.desk.switching import resume_by_hand
from sync.rules.systems import Systems
from sync.store import schedule
from sync.store.audit import Actor
from sync.store.items import recall
from sync.store.switches import pauses
from sync.store.tables import audit, work_items
from sync.work.tasks import Tasks
from tests.databases import now
from tests.sync.flows.world import World

ANNA = Actor("anna", "console 127.0.0.1")
RUNNING = QueueHealth(answers=True)


def slowed(world: World) -> str:
    """An order that came while the ERP wanted to be left alone."""
    order = world.shop.place()
    world.erp.fail("create", "limited")
    world.carry()
    return order


@pytest.mark.fault("B5")
def test_what_was_put_off_because_a_system_asked_for_it_goes_on_when_a_person_says_so(store):
    world = World(store)
    order = slowed(world)
    [pause] = store.read(pauses)
    assert (pause.name, pause.asked) == ("erp", True)
    assert (world.item(order).put_off_for, world.drain()) == ("erp", 0)
    told = []
    done = resume_by_hand(store, "connection", "erp", actor=ANNA, lift=lambda name: told.append(name) or True)
    assert (done.ended, done.recalled, done.unheard, told) == (True, 1, False, ["erp"])
    assert world.drain() == 1
    assert (world.item(order).state, world.item(order).put_off_for) == ("done", None)
    assert len(world.sales(order)) == 1


def test_what_waits_for_anything_else_keeps_its_time(store):
    world = World(store)
    orders = [world.shop.place(customer=str(number)) for number in range(4)]
    world.pull()
    later = now() + dt.timedelta(minutes=10)
    waits = [("ready", "erp"), ("ready", "shop"), ("ready", None), ("reconcile", "erp")]
    for order, (state, name) in zip(orders, waits, strict=True):
        values = {"state": state, "put_off_for": name, "due_at": later}
        world.write(
            lambda c, order=order, values=values: c.execute(
                update(work_items).where(work_items.c.external_id == order).values(values)
            )
        )
    assert world.write(lambda c: recall(c, "erp")) == 1
    assert [world.item(order).due_at < later for order in orders] == [True, False, False, False]


def test_a_pause_that_only_the_calls_have_met_is_ended_and_leaves_a_trace(store):
    world = World(store)
    assert resume_by_hand(store, "connection", "erp", actor=ANNA, lift=lambda _: True).ended
    assert not resume_by_hand(store, "connection", "erp", actor=ANNA, lift=lambda _: False).ended
    assert [(row.action, row.subject) for row in world.rows(audit.select())] == [("resume", "connection:erp")]


def test_that_nobody_could_be_told_is_said(sqlite_store):
    world = World(sqlite_store)
    slowed(world)
    done = resume_by_hand(sqlite_store, "connection", "erp", actor=ANNA, lift=lambda _: None)
    assert (done.ended, done.unheard) == (True, True)


def test_the_pause_of_a_channel_is_nobodys_but_a_persons(sqlite_store):
    asked = []
    resume_by_hand(sqlite_store, "channel", "web", actor=ANNA, lift=asked.append)
    assert asked == []


@pytest.mark.fault("B23")
def test_a_shop_in_maintenance_is_asked_again_as_soon_as_a_person_says_that_it_is_over(sqlite_store):
    world = World(sqlite_store)
    world.shop.place()
    world.shop.errors.append(RateLimited("503 Maintenance", retry_after_s=600, asked_s=600, code="maintenance"))
    tasks = Tasks(world.runtime)
    world.write(lambda c: schedule.declare(c, tasks.first_runs()))
    tasks.run("pull:shop")
    tasks.run("pull:shop")
    assert world.items() == []
    assert resume_by_hand(sqlite_store, "connection", "shop", actor=ANNA, lift=lambda _: True).ended
    asked = {row.name for row in sqlite_store.read(schedule.list_schedules) if row.asked}
    assert asked == {"pull:shop"}
    tasks.run("pull:shop")
    assert len(world.items()) == 1


# --- and what people read of it ---------------------------------------------------------------------------------


def test_status_home_and_doctor_say_that_it_asked_for_it_until_when_and_what_ends_it(store):
    world = World(store)
    slowed(world)
    [pause] = store.read(pauses)
    status = status_of(store, world.config, RUNNING)
    [erp] = [entry for entry in status.home.connections if entry.name == "erp"]
    assert (erp.condition, erp.asked, erp.until) == (Condition.RESTING, True, pause.until)
    assert "`crossdock resume erp` ends the pause now" in str(erp.reasons[0])
    assert "erp asked us to wait and is tried again by itself." in status.sentence
    systems = Systems(world.config)
    systems._made |= world.systems._made
    checkup = ConnectionCheckup("erp", store, systems, systems, public_url="")
    [running] = [finding for finding in checkup.run() if finding.check == "connection.running"]
    assert f"rests until {pause.until:%Y-%m-%d %H:%M} UTC: erp asked us to wait 20 seconds" in running.found
    assert "sooner: crossdock resume erp" in running.next_step


@pytest.mark.parametrize(("seconds", "asked"), [(600.0, True), (3.0, False)])
def test_a_pause_that_the_database_does_not_know_is_shown_when_it_is_worth_it(sqlite_store, seconds, asked):
    world = World(sqlite_store)
    queue = QueueHealth(answers=True, budgets={"shop": Budget(None, None, None, seconds)})
    [shop] = [entry for entry in home_of(sqlite_store, world.config, queue).connections if entry.name == "shop"]
    assert (shop.asked, shop.until is not None) == (asked, asked)
    assert (shop.condition is Condition.RESTING) is asked
