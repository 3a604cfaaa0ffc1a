"""What is old is deleted piece by piece, and what is open never."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import func, select, text, update

from config.settings import Settings
from sync.desk.selections import begin_selected
from sync.desk.steering import retry_orders
from sync.desk.tokens import authenticate, make_token
from sync.store.answers import begin_answer
from sync.store.audit import Actor
from sync.store.inbox import record_events
from sync.store.issues import Cause, Stop, close_connection_issues, open_issues
from sync.store.search import Wanted
from sync.store.switches import pause
from sync.store.tables import (
    api_answers,
    attempts,
    audit,
    bulk_run_items,
    bulk_runs,
    events,
    exchanges,
    intents,
    issue_documents,
    issues,
    payloads,
)
from sync.work.purging import days_of, purge, told
from sync.work.trust import notice_return
from sync.work.witness import Witness
from tests.databases import now
from tests.sync.flows.shop import event, payload
from tests.sync.flows.world import CHANNEL, World

DAYS = {"payloads": 40, "calls": 40, "history": 40, "audit": 40}
TABLES = (events, payloads, exchanges, attempts, intents, issues, issue_documents, bulk_runs, audit)
_TIMES = (
    *(("events", "received_at"), ("exchanges", "created_at"), ("attempts", "ended_at"), ("intents", "closed_at")),
    *(("issues", "closed_at"), ("issue_documents", "closed_at"), ("audit", "at")),
)


def days_pass(store, days=41):
    def shift(connection):
        for table, column in _TIMES:
            if store.is_sqlite:
                moved = f"strftime('%Y-%m-%d %H:%M:%f000', {column}, '-{days} days')"
            else:
                moved = f"{column} - interval '{days} days'"
            connection.execute(text(f"UPDATE {table} SET {column} = {moved} WHERE {column} IS NOT NULL"))

    store.write(shift)


def purged(store, days=DAYS, *, pieces=None):
    """`pieces`: how many there are until it is killed."""
    rests = []

    def rest(seconds):
        rests.append(seconds)
        return pieces is not None and len(rests) >= pieces

    return purge(store, days, rest=rest)


def unreadable(connection):
    return Cause(
        cause="unreadable_delivery", subject="", connection=connection, title="t", next_step="n", owner="admin"
    )


def counts(store):
    return {
        table.name: store.read(lambda c, t=table: c.execute(select(func.count()).select_from(t)).scalar_one())
        for table in TABLES
    }


def with_calls(store):
    """Each try as if it had gone over the wire alone."""

    def write(connection):
        for (attempt,) in connection.execute(select(attempts.c.id)).all():
            made = connection.execute(exchanges.insert().values(body=b"x", created_at=now()).returning(exchanges.c.id))
            connection.execute(update(attempts).where(attempts.c.id == attempt).values(exchanges_id=made.scalar_one()))

    store.write(write)


@pytest.fixture
def world(store):
    return World(store)


def test_of_what_is_finished_the_accounts_stay_and_all_else_goes(world):
    for _ in range(3):
        world.shop.place()
    world.carry()
    with_calls(world.store)
    before = counts(world.store)
    assert purged(world.store) == {"payloads": 0, "calls": 0, "history": 0, "audit": 0}
    assert counts(world.store) == before
    days_pass(world.store)
    removed = purged(world.store)
    # The newest write stays: by its number a restored database is noticed.
    assert counts(world.store) == dict.fromkeys(before, 0) | {"intents": 1}
    assert removed["payloads"] == 3
    assert [(row.state, row.event_id) for row in world.items()] == [("done", None)] * 3
    assert len(world.bindings()) == len(world.sales("1")) + 2 == 3
    assert "3 payloads" in told(removed)


def test_answers_of_the_api_go_after_their_day_and_a_call_that_runs_stays(store):
    token = authenticate(store, make_token(store, "shop", ["orders:write"], actor=Actor("anna"))).token.id
    for key in ("old", "new"):
        begin_answer(store, token, key, "a" * 64)
    yesterday = now() - dt.timedelta(hours=25)
    aged = update(api_answers).where(api_answers.c.key == "old").values(begun_at=yesterday)
    store.write(lambda c: c.execute(aged))
    assert purged(store, {"answers": days_of(Settings.from_env({}))["answers"]}) == {"answers": 1}
    assert store.read(lambda c: list(c.execute(select(api_answers.c.key)).scalars())) == ["new"]
    assert told({"answers": 1}) == "removed 1 answer of the API"


def test_what_is_looked_at_again_later_is_fetched(world):
    order = world.shop.place()
    world.carry()
    days_pass(world.store)
    purged(world.store)
    retry_orders(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert (world.item(order).state, len(world.sales(order))) == ("done", 1)
    # Byte-equal to what was converged: still no news.
    assert world.pull().marked == 0


@pytest.mark.fault("A26")
@pytest.mark.parametrize("stop", ["held", "parked", "waiting", "in doubt", "paused", "changed"])
def test_what_is_open_keeps_all_that_it_has(world, stop):
    fields = {"waiting": {"status": "on-hold", "date_paid_gmt": None}}.get(stop, {})
    order = world.shop.place(**fields)
    if stop == "held":
        world.shop.orders[order]["line_items"][0]["sku"] = None
    if stop == "parked":
        world.erp.fail("create", "rejected")
    if stop == "in doubt":
        world.erp.fail("create", "never")
    if stop == "paused":
        world.store.write(lambda c: pause(c, "channel", CHANNEL, "a person says so"))
    world.carry()
    if stop == "changed":
        # Done, and an event came in that nobody has read yet.
        world.tell(event(dict(world.shop.orders[order], date_modified_gmt="2026-11-11T10:00:00", total="1.00")))
    assert world.item(order).state == {"in doubt": "reconcile", "paused": "ready", "changed": "ready"}.get(stop, stop)
    with_calls(world.store)
    before = counts(world.store)
    days_pass(world.store)
    purged(world.store, DAYS | {"audit": 0})
    after = counts(world.store)
    if stop == "changed":
        # The payload that the newer one has taken the place of.
        before["events"] -= 1
        before["payloads"] -= 1
    assert after == before
    assert world.item(order).event_id is not None


def test_a_persons_word_about_a_write_stays(world):
    world.carry()
    order = world.shop.place()
    world.carry()
    world.store.write(lambda c: c.execute(update(intents).values(outcome="assumed")))
    other = world.shop.place()
    world.carry()
    days_pass(world.store)
    purged(world.store)
    kept = world.rows(select(intents.c.outcome, intents.c.item_id).order_by(intents.c.id))
    assert {row.item_id for row in kept if row.outcome == "assumed"} == {world.item(order).id}
    assert world.item(other).state == "done"


def test_a_cause_that_ended_goes_with_its_runs_and_one_that_is_open_stays(world):
    order = world.shop.place()
    line = world.shop.orders[order]["line_items"][0]
    sku, line["sku"] = line["sku"], None
    world.carry()
    assert len(world.causes()) == 1
    line["sku"] = sku
    world.shop.orders[order]["date_modified_gmt"] = "2026-11-20T10:00:00"
    world.carry()
    assert (world.item(order).state, world.causes()) == ("done", {})
    days_pass(world.store)
    purged(world.store)
    assert counts(world.store)["issues"] == 0


def test_a_class_that_is_kept_for_ever_is_not_looked_at(world):
    world.shop.place()
    world.carry()
    days_pass(world.store, 4000)
    before = counts(world.store)
    assert purged(world.store, dict.fromkeys(DAYS, 0)) == {}
    assert counts(world.store) == before


@pytest.mark.fault("A26")
@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
def test_a_purge_that_is_killed_between_two_pieces_leaves_a_whole_database_and_is_gone_on_with(
    world, monkeypatch, pieces
):
    monkeypatch.setattr("sync.work.purging._SHORT", 2)
    monkeypatch.setattr("sync.work.purging._LONG", 2)
    orders = [world.shop.place() for _ in range(7)]
    world.carry()
    with_calls(world.store)
    days_pass(world.store)
    purged(world.store, pieces=pieces)
    assert sum(counts(world.store).values()) > 1
    # What is left is a database that works.
    retry_orders(world.store, orders=[world.order(order) for order in orders], actor=Actor("anna"))
    world.drain()
    assert [row.state for row in world.items()] == ["done"] * 7
    days_pass(world.store)
    purged(world.store)
    assert sum(counts(world.store).values()) == 1


def test_a_purged_database_is_no_restored_one(world, tmp_path):
    world.shop.place()
    world.carry()
    witness = Witness(tmp_path / "witness")
    notice_return(world.store, witness)
    seen = witness.seen()
    days_pass(world.store)
    purged(world.store)
    notice_return(world.store, witness)
    assert witness.seen() == seen > 0


def test_a_delivery_that_nobody_could_read_stays_while_people_are_told_of_it(world):
    told_of = Stop(None, unreadable("shop"))
    row = dataclasses.replace(event(payload(1)), external_id=None, problem="no JSON")
    world.store.write(lambda c: (record_events(c, [row], {"shop": [CHANNEL]}), open_issues(c, [told_of])))
    days_pass(world.store)
    purged(world.store)
    assert counts(world.store)["events"] == 1
    world.store.write(lambda c: close_connection_issues(c, "shop", "unreadable_delivery"))
    purged(world.store)
    assert counts(world.store)["events"] == 0


def test_runs_over_filters_go_with_the_list_of_their_orders_once_they_are_over(world):
    world.shop.place(sku="GONE")
    world.carry()
    done, _ = begin_selected(world.store, world.config, Wanted(), "retry", actor=Actor("anna"))
    for values in ({"ended_at": now() - dt.timedelta(days=41)}, {"ended_at": None}):
        run = {"asked_at": now(), "asked_by": "anna", "expected": 1, **values}
        world.write(lambda c, run=run: c.execute(bulk_runs.insert().values(**run)))
    assert done.outcome == "done"
    world.write(lambda c: c.execute(update(bulk_runs).where(bulk_runs.c.id == done.id).values(ended_at=now())))
    purged(world.store)
    assert len(world.rows(select(bulk_runs.c.id))) == 2
    old = now() - dt.timedelta(days=41)
    world.write(lambda c: c.execute(update(bulk_runs).where(bulk_runs.c.id == done.id).values(ended_at=old)))
    purged(world.store)
    assert [row.ended_at for row in world.rows(select(bulk_runs.c.ended_at))] == [None]
    assert world.rows(select(bulk_run_items)) == []
