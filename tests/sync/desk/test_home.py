from __future__ import annotations

import datetime as dt

import pytest

from connectors.kit.errors import ConnectionBroken, Transient
from sync.desk.home import Condition, home_of
from sync.desk.operations import NotRun, operations_of, run_now
from sync.desk.proof import prove_channel
from sync.desk.queue import AWAY, QueueHealth, WorkerHealth
from sync.desk.status import status_of
from sync.desk.switching import pause_by_hand, resume_by_hand, scope_of
from sync.desk.troubles import Trouble, troubles
from sync.store import schedule, singletons
from sync.store.audit import Actor
from sync.store.checkpoints import save_checkpoint
from sync.store.intents import Wanted, open_intents
from sync.store.issues import Cause, Stop, open_issues
from sync.store.leases import close_lease, open_lease
from sync.store.switches import pause, pauses, resume
from sync.store.tables import audit
from tests.databases import forward, now
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna", "console 127.0.0.1")
WORKER = WorkerHealth("w", "host", 1, "idle", now(), now(), 0, 0, silent=False)
RUNNING = QueueHealth(answers=True, workers=(WORKER,))


class Installation(World):
    """A world whose scheduler beats and whose shop was pulled."""

    def __init__(self, store, **how) -> None:
        super().__init__(store, **how)
        self.beat()

    def beat(self) -> None:
        """What the scheduler does all the time."""
        self.write(lambda c: singletons.take(c, "scheduler", "host:1", 15.0))
        self.write(lambda c: schedule.declare(c, {"pull:shop": now(), "nightly:web": now()}))
        self.write(lambda c: schedule.finish(c, "pull:shop", ok=True, message="nothing new"))

    def look(self, queue=RUNNING):
        return home_of(self.store, self.config, queue)

    def sentence(self, queue=RUNNING) -> str:
        return status_of(self.store, self.config, queue).sentence

    def of(self, name: str):
        return next(entry for entry in self.look().connections if entry.name == name)

    def used(self):
        """Every connection has worked at least once."""
        self.shop.place(customer="first")
        self.carry()
        return self


def test_all_is_well_only_when_everything_has_worked(store):
    world = Installation(store)
    assert world.of("erp").condition is Condition.UNKNOWN
    assert "1 of 2 connections healthy. erp has not been used yet." in world.sentence()
    world.used()
    assert world.sentence() == "All 2 connections healthy. Nothing needs you."
    assert world.look().healthy


def test_orders_and_causes_are_counted(store):
    world = Installation(store).used()
    for number in range(3):
        world.shop.place(sku="ALT", customer=str(number))
    world.shop.place(sku="OTHER")
    world.carry()
    assert world.sentence() == "All 2 connections healthy. 4 orders need you: 2 causes."


def test_one_is_not_spoken_of_as_many(sqlite_store):
    world = Installation(sqlite_store).used()
    world.shop.place(sku="ALT")
    world.carry()
    assert world.sentence().endswith("1 order needs you: 1 cause.")


@pytest.mark.parametrize(
    ("queue", "said"),
    [
        (AWAY, "The queue's server is away"),
        (QueueHealth(answers=True), "No worker is running"),
    ],
)
def test_absent_machinery_is_said(sqlite_store, queue, said):
    world = Installation(sqlite_store).used()
    assert said in world.sentence(queue)
    assert not world.look(queue).healthy


@pytest.mark.parametrize(
    ("standing", "later", "kept"), [(None, 60, None), (60, None, None), (60, 30, 60), (30, 60, 60), (None, None, None)]
)
def test_a_pause_is_never_shortened_by_one_that_ends_earlier(store, standing, later, kept):
    def until(seconds):
        return None if seconds is None else begin + dt.timedelta(seconds=seconds)

    begin = now() + dt.timedelta(hours=1)
    store.write(lambda c: pause(c, "connection", "shop", "over", until=now() - dt.timedelta(hours=1)))
    store.write(lambda c: resume(c, "connection", "shop"))
    for seconds in (standing, later):
        store.write(lambda c, seconds=seconds: pause(c, "connection", "shop", "away", until=until(seconds)))
    assert [entry.until for entry in store.read(pauses)] == [until(kept)]


@pytest.mark.fault("A24")
def test_a_scheduler_that_is_silent_is_said_and_a_shop_that_is_not_read_is_not_healthy(store):
    world = Installation(store).used()
    forward(store, 55)
    assert "The scheduler is not running" not in world.sentence()
    assert Trouble.SCHEDULER not in troubles(store, RUNNING)
    forward(store, 10)
    assert "The scheduler is not running" in world.sentence()
    # The head of every page and this one never contradict each other.
    assert Trouble.SCHEDULER in troubles(store, RUNNING)
    world.write(lambda c: c.exec_driver_sql("UPDATE checkpoints SET updated_at = '2020-01-01 00:00:00.000000'"))
    world.write(lambda c: c.exec_driver_sql("UPDATE schedules SET last_at = '2020-01-01 00:00:00.000000'"))
    assert world.of("shop").condition is Condition.FAILING


def test_a_long_pull_that_still_saves_pages_is_healthy(sqlite_store):
    world = Installation(sqlite_store).used()
    world.write(lambda c: c.exec_driver_sql("UPDATE schedules SET last_at = '2020-01-01 00:00:00.000000'"))
    world.write(lambda c: save_checkpoint(c, "shop", "orders", "page 7"))
    assert world.of("shop").condition is Condition.HEALTHY


def test_a_pull_that_failed_is_said_with_its_words(store):
    world = Installation(store).used()
    world.write(lambda c: schedule.finish(c, "pull:shop", ok=False, message="the shop says 500"))
    shop = world.of("shop")
    assert shop.condition is Condition.FAILING
    assert "the shop says 500" in str(shop.reasons[0])
    assert "shop does not work as it should." in world.sentence()


def test_a_comparison_that_failed_is_said(sqlite_store):
    world = Installation(sqlite_store).used()
    world.write(lambda c: schedule.finish(c, "nightly:web", ok=False, message="away"))
    assert "The last nightly of web failed." in world.sentence()


def test_a_broken_connection_is_paused_until_a_person_ends_it(store):
    world = Installation(store).used()
    world.shop.place(customer="b")
    world.pull()
    resolve, world.erp.resolve = world.erp.resolve, refusing(ConnectionBroken("the key was withdrawn"))
    world.drain()
    world.erp.resolve = resolve
    erp = world.of("erp")
    assert (erp.condition, erp.backlog) == (Condition.PAUSED, 1)
    assert "the key was withdrawn" in str(erp.reasons[0])
    assert world.sentence() == "1 of 2 connections healthy. erp is paused. No order needs you."
    assert resume_by_hand(store, "connection", "erp", actor=ANNA).ended
    assert world.of("erp").condition is Condition.HEALTHY


def refusing(error):
    def refuse(*_args, **_named):
        raise error

    return refuse


def test_one_that_was_away_is_not_healthy_before_something_went_through(store):
    world = Installation(store).used()
    order = world.shop.place(customer="b")
    world.pull()
    resolve, world.erp.resolve = world.erp.resolve, refusing(Transient("no route"))
    world.drain()
    assert world.of("erp").condition is Condition.RESTING
    forward(store, 60)
    world.beat()
    assert world.of("erp").condition is Condition.RESTING
    assert "erp was away and is tried again by itself." in world.sentence()
    world.erp.resolve = resolve
    world.drain()
    assert world.item(order).state == "done"
    assert world.of("erp").condition is Condition.HEALTHY


def test_an_issue_of_the_connection_itself_is_shown_one_of_an_order_is_not(sqlite_store):
    world = Installation(sqlite_store).used()
    of_order = Cause(cause="rejected", channel=CHANNEL, connection="erp", title="no such tax")
    world.write(lambda c: open_issues(c, [Stop(None, of_order)]))
    assert world.of("erp").condition is Condition.HEALTHY
    own = Cause(cause="unreadable_delivery", connection="shop", title="a delivery cannot be read")
    world.write(lambda c: open_issues(c, [Stop(None, own)]))
    assert world.of("shop").condition is Condition.FAILING


def test_orders_that_are_due_and_that_nobody_works_on_are_not_healthy(store):
    world = Installation(store).used()
    world.shop.place(customer="b")
    world.pull()
    forward(store, 660)
    world.beat()
    erp = world.of("erp")
    assert erp.condition is Condition.FAILING
    assert "no worker has them in hand" in str(erp.reasons[0])
    pause_by_hand(store, "channel", CHANNEL, actor=ANNA, reason="stock-taking")
    assert world.of("erp").condition is Condition.HEALTHY
    assert "Channel web is paused." in world.sentence()


def test_everything_paused_is_the_first_thing_said(sqlite_store):
    world = Installation(sqlite_store).used()
    pause_by_hand(sqlite_store, "all", "", actor=ANNA, reason="stock-taking.")
    assert world.sentence() == "Everything is paused: stock-taking. Nothing needs you."


def test_a_write_without_outcome_is_said_once_no_drain_has_it_in_hand(store):
    world = Installation(store).used()
    lease = world.write(
        lambda c: open_lease(c, channel=CHANNEL, kind="order", target="erp", holder="h", concurrency=2, lease_s=60.0)
    )
    wanted = [Wanted(world.items()[0].id, "sale", "create", "web:1")]
    world.write(lambda c: open_intents(c, lease, wanted, start_s=1, settle_s=60))
    assert world.look().unknown == 0
    world.write(lambda c: close_lease(c, lease))
    assert world.look().unknown == 1
    assert "1 write has no known outcome and is being looked up." in world.sentence()


# --- traffic ----------------------------------------------------------------------------------------------------


def test_orders_are_counted_in_the_hour_in_which_they_came_and_went(store):
    world = Installation(store)
    for number in range(3):
        world.shop.place(customer=str(number))
    world.carry()
    world.shop.place(sku="ALT", customer="held")
    world.carry()
    shop, erp = world.of("shop"), world.of("erp")
    assert (len(shop.orders_in), sum(shop.orders_in), shop.orders_in[-1]) == (24, 4, 4)
    assert (len(erp.orders_out), sum(erp.orders_out)) == (24, 3)
    assert (list(shop.orders_out), list(erp.orders_in)) == ([], [])


def test_an_order_that_changes_often_counts_once_an_hour(store):
    world = Installation(store)
    order = world.shop.place()
    world.carry()
    for total in ("30.00", "40.00"):
        world.shop.edit_total(order, total)
        world.pull()
    assert sum(world.of("shop").orders_in) == 1


def test_a_retry_does_not_make_an_order_young(store):
    world = Installation(store).used()
    world.shop.place(customer="b")
    world.pull()
    store.write(lambda c: c.exec_driver_sql("UPDATE events SET received_at = '2026-01-01 00:00:00+00:00'"))
    assert world.of("erp").oldest_at == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


# --- pause, resume, run now, proof ------------------------------------------------------------------------------


def test_pause_and_resume_leave_their_trace(store):
    world = Installation(store)
    pause_by_hand(store, "connection", "erp", actor=ANNA, reason="stock-taking")
    assert resume_by_hand(store, "connection", "erp", actor=ANNA).ended
    assert not resume_by_hand(store, "connection", "erp", actor=ANNA).ended
    rows = [(row.action, row.subject, row.before, row.reason) for row in world.rows(audit.select())]
    assert rows == [
        ("pause", "connection:erp", "", "stock-taking"),
        ("resume", "connection:erp", "stock-taking", ""),
    ]


def test_a_pause_by_hand_outlasts_a_rest(sqlite_store):
    world = Installation(sqlite_store).used()
    pause_by_hand(sqlite_store, "connection", "erp", actor=ANNA, reason="stock-taking")
    world.write(lambda c: pause(c, "connection", "erp", "away", until=now() + dt.timedelta(seconds=15)))
    forward(sqlite_store, 60)
    world.beat()
    assert (world.of("erp").condition, str(world.of("erp").reasons[0])) == (Condition.PAUSED, "stock-taking")


def test_only_what_is_configured_can_be_paused(sqlite_store):
    config = Installation(sqlite_store).config
    assert [scope_of(config, name) for name in ("", "shop", "web")] == ["all", "connection", "channel"]
    with pytest.raises(LookupError, match="erp, shop, web"):
        scope_of(config, "wbe")


def test_a_schedule_runs_when_it_is_asked_for(store):
    world = Installation(store)
    world.write(lambda c: schedule.start(c, "pull:shop", now() + dt.timedelta(hours=1)))
    run_now(store, world.config, "pull:shop", actor=ANNA)
    assert schedule.Due("pull:shop", asked=True) in store.read(schedule.load_due)
    assert [row.subject for row in world.rows(audit.select())] == ["schedule:pull:shop"]


def test_a_schedule_that_would_not_run_says_why(sqlite_store):
    world = Installation(sqlite_store)
    world.write(lambda c: schedule.declare(c, {"pull:gone": now()}))
    pause_by_hand(sqlite_store, "connection", "shop", actor=ANNA, reason="x")
    for name, said in (("pull:nobody", "no schedule"), ("pull:gone", "not configured"), ("pull:shop", "is paused")):
        with pytest.raises(NotRun, match=said):
            run_now(sqlite_store, world.config, name, actor=ANNA)
    views = {view.row.name: view for view in operations_of(sqlite_store, world.config).schedules}
    assert (views["pull:gone"].orphaned, views["pull:shop"].paused.name) == (True, "shop")
    assert views["nightly:web"].paused.name == "shop"


def test_the_last_proof_is_kept_and_one_that_does_not_hold_is_said(store):
    world = Installation(store).used()
    assert prove_channel(store, world.systems.channel(CHANNEL)).holds
    [channel] = world.look().channels
    assert channel.proof.ok
    assert channel.proof.body["groups"][0]["differences"] == []
    world.erp.sales.clear()
    assert not prove_channel(store, world.systems.channel(CHANNEL)).holds
    assert "The last proof of web does not hold." in world.sentence()


def test_the_status_is_json(sqlite_store):
    world = Installation(sqlite_store).used()
    shown = status_of(sqlite_store, world.config, RUNNING).to_json()
    assert shown["sentence"].startswith("All 2 connections healthy.")
    assert {entry["name"] for entry in shown["connections"]} == {"shop", "erp"}
