from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from sync.desk import bulk
from sync.desk.bulk import CannotApprove, advance, approve_all, cancel_bulk, progress_of, start_bulk, start_for_cause
from sync.store.audit import Actor
from sync.store.bulk import release_piece
from sync.store.lookups import save_lookup
from sync.store.marking import mark
from sync.store.states import BULK, LIVE
from sync.store.tables import audit, bulk_runs, issues, work_items
from tests.databases import now
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna", "console 127.0.0.1")


@pytest.fixture
def small(monkeypatch):
    """Pieces of two, and no more than four documents ahead of the workers."""
    monkeypatch.setattr(bulk, "PIECE", 2)
    monkeypatch.setattr(bulk, "DEPTH", 4)


def stopped(store, count: int, **how) -> tuple[World, list[str]]:
    """Orders that one article stops."""
    world = World(store, **how)
    orders = [world.shop.place(sku="TASSE-ALT", customer=str(number)) for number in range(count)]
    world.carry()
    return world, orders


def issue_of(world: World, cause: str = "unknown_sku") -> int:
    return world.store.read(lambda c: c.execute(select(issues.c.id).where(issues.c.cause == cause)).scalar_one())


def ready(world: World) -> int:
    query = select(work_items.c.id).where(work_items.c.state == "ready")
    return len(world.store.read(lambda c: c.execute(query).all()))


def mend(world: World) -> None:
    world.write(lambda c: save_lookup(c, "sku", "global", "TASSE-ALT", "TASSE", by="anna"))


def test_a_few_documents_go_at_once(store):
    world, orders = stopped(store, 3)
    mend(world)
    run, new = start_bulk(store, issue_of(world), actor=ANNA)
    assert (new, run.expected, run.released, run.outcome) == (True, 3, 3, "done")
    world.drain()
    assert {world.item(order).state for order in orders} == {"done"}


def test_many_are_released_in_pieces_and_only_so_far_ahead_of_the_workers(store, small):
    world, orders = stopped(store, 9)
    mend(world)
    run, _ = start_bulk(store, issue_of(world), actor=ANNA)
    assert (run.released, ready(world)) == (2, 2)
    advance(store)
    assert ready(world) == 4
    assert advance(store) == 0
    for _ in range(3):
        advance(store)
        world.drain()
    progress = progress_of(store, run.id)
    assert (progress.run.outcome, progress.run.released, progress.left) == ("done", 9, 0)
    assert (progress.course.went, progress.course.stopped_again, progress.course.under_way) == (9, 0, 0)
    assert {world.item(order).state for order in orders} == {"done"}


def test_a_cancelled_run_leaves_the_rest_as_it_was(store, small):
    world, orders = stopped(store, 9)
    run, _ = start_bulk(store, issue_of(world), actor=ANNA)
    assert cancel_bulk(store, run.id, actor=ANNA)
    assert not cancel_bulk(store, run.id, actor=ANNA)
    assert advance(store) == 0
    assert not store.write(lambda c: release_piece(c, run.id, 2))
    assert sorted(world.item(order).state for order in orders) == ["held"] * 7 + ["ready"] * 2
    assert progress_of(store, run.id).run.outcome == "cancelled"
    actions = store.read(lambda c: c.execute(select(audit.c.action, audit.c.after).order_by(audit.c.id)).all())
    assert [tuple(row) for row in actions] == [
        ("retry all", "9 documents"),
        ("cancel retry", "2 of 9 documents were released"),
    ]


@pytest.mark.fault("G10")
def test_the_second_start_joins_the_running_one(store, small):
    world, _ = stopped(store, 9)
    first, new = start_bulk(store, issue_of(world), actor=ANNA)
    second, also = start_bulk(store, issue_of(world), actor=Actor("bert"))
    assert (new, also, second.id, second.asked_by) == (True, False, first.id, "anna")
    assert second.released == 2
    assert len(store.read(lambda c: c.execute(select(bulk_runs.c.id)).all())) == 1


def test_what_is_stopped_again_is_said(store):
    world, _ = stopped(store, 3)
    run, _ = start_bulk(store, issue_of(world), actor=ANNA)
    assert progress_of(store, run.id).course.under_way == 3
    world.drain()
    course = progress_of(store, run.id).course
    assert (course.went, course.stopped_again, course.under_way) == (0, 3, 0)


def test_live_orders_go_before_what_was_released_in_bulk(store):
    world, orders = stopped(store, 2)
    start_bulk(store, issue_of(world), actor=ANNA)
    world.shop.place(customer="new")
    world.pull()
    rows = store.read(
        lambda c: c.execute(
            select(work_items.c.external_id, work_items.c.priority)
            .where(work_items.c.state == "ready")
            .order_by(work_items.c.priority)
        ).all()
    )
    assert [row.priority for row in rows] == [LIVE, BULK, BULK]
    assert rows[0].external_id not in orders


def test_what_is_looked_at_anyway_is_no_part_of_a_run_and_stays_live(store):
    world, orders = stopped(store, 2)
    world.write(lambda c: mark(c, CHANNEL, "order", [orders[0]], facet="source"))
    run, _ = start_bulk(store, issue_of(world), actor=ANNA)
    assert (run.expected, run.released, run.outcome) == (1, 1, "done")
    query = select(work_items.c.external_id, work_items.c.priority)
    assert dict(store.read(lambda c: c.execute(query).all())) == {orders[0]: LIVE, orders[1]: BULK}


def test_every_issue_of_a_cause_gets_its_run(store):
    world = World(store)
    for sku in ("A", "B"):
        world.shop.place(sku=sku, customer=sku)
    world.carry()
    assert [run.released for run in start_for_cause(store, "unknown_sku", actor=ANNA)] == [1, 1]
    assert start_for_cause(store, "value_limit", actor=ANNA) == []


def test_an_issue_that_is_over_cannot_be_retried(store):
    world, _ = stopped(store, 1)
    store.write(lambda c: c.execute(update(issues).values(closed_at=issues.c.seen_at)))
    with pytest.raises(LookupError, match="any more"):
        start_bulk(store, issue_of(world), actor=ANNA)


def test_the_dispatcher_brings_a_run_on(store, small):
    world, orders = stopped(store, 7)
    mend(world)
    start_bulk(store, issue_of(world), actor=ANNA)
    for _ in range(4):
        world.dispatcher.look()
        world.drain()
    assert {world.item(order).state for order in orders} == {"done"}


# --- so many a minute, and a person's word for all of them ------------------------------------------------------


def test_no_more_go_in_a_minute_than_was_said(store):
    world, _ = stopped(store, 9)
    mend(world)
    run, _ = start_bulk(store, issue_of(world), actor=ANNA, per_minute=4)
    assert run.released == 4
    assert advance(store) == 0
    world.write(lambda c: c.execute(update(bulk_runs).values(asked_at=now() - dt.timedelta(seconds=61))))
    advance(store)
    assert progress_of(store, run.id).run.released == 8
    world.write(lambda c: c.execute(update(bulk_runs).values(asked_at=now() - dt.timedelta(minutes=10))))
    advance(store)
    assert (progress_of(store, run.id).run.released, progress_of(store, run.id).run.outcome) == (9, "done")


@pytest.mark.parametrize("pace", [0, -1, bulk.MOST_PER_MINUTE + 1])
def test_a_pace_is_a_number_that_can_be_meant(store, pace):
    world, _ = stopped(store, 1)
    with pytest.raises(ValueError, match=str(pace)):
        start_bulk(store, issue_of(world), actor=ANNA, per_minute=pace)


def limited(store, count: int, **how) -> tuple[World, list[str]]:
    """Orders that a limit of their value holds."""
    world = World(store, value_limits={"EUR": Decimal(10)}, **how)
    orders = [world.shop.place(customer=str(number)) for number in range(count)]
    world.carry()
    return world, orders


def test_a_persons_word_lets_all_pass_that_stood_there_and_is_audited_once(store):
    world, orders = limited(store, 3)
    run, new = approve_all(store, issue_of(world, "value_limit"), actor=ANNA, reason="fair")
    assert (new, run.action, run.released) == (True, "approve", 3)
    world.drain()
    assert {world.item(order).state for order in orders} == {"done"}
    [row] = world.rows(select(audit.c.action, audit.c.after, audit.c.reason))
    assert tuple(row) == ("approve all", "3 documents", "fair")


def test_what_another_cause_holds_as_well_stays_with_that_one(store):
    world = World(store, value_limits={"EUR": Decimal(10)})
    order = world.shop.place(sku="TASSE-ALT")
    world.carry()
    approve_all(store, issue_of(world, "value_limit"), actor=ANNA, reason="fair")
    world.drain()
    assert world.item(order).state == "held"
    assert set(world.causes()) == {"unknown_sku"}
    mend(world)
    start_bulk(store, issue_of(world), actor=ANNA)
    world.drain()
    assert world.item(order).state == "done"


def test_an_order_that_came_after_the_word_is_held_as_before(store, small):
    world, _ = limited(store, 5)
    run, _ = approve_all(store, issue_of(world, "value_limit"), actor=ANNA, reason="fair")
    late = world.shop.place(customer="late")
    world.carry()
    for _ in range(5):
        advance(store)
        world.drain()
    assert progress_of(store, run.id).run.outcome == "done"
    assert [row.external_id for row in world.items() if row.state != "done"] == [late]
    assert world.item(late).state == "held"


def test_an_order_that_changes_after_the_word_is_held_again(store):
    world, [order] = limited(store, 1)
    approve_all(store, issue_of(world, "value_limit"), actor=ANNA, reason="fair")
    world.shop.edit_total(order, "90.00")
    world.carry()
    assert world.item(order).state == "held"


@pytest.mark.parametrize(
    ("reason", "cause", "said"), [(" ", "value_limit", "Say why"), ("fair", "unknown_sku", "decided one by one")]
)
def test_nothing_is_approved_without_a_reason_nor_what_is_decided_one_by_one(store, reason, cause, said):
    world = World(store, value_limits={"EUR": Decimal(10)})
    world.shop.place(sku="TASSE-ALT")
    world.carry()
    with pytest.raises(CannotApprove, match=said):
        approve_all(store, issue_of(world, cause), actor=ANNA, reason=reason)
    assert world.rows(select(bulk_runs)) == []


def test_nothing_is_approved_while_the_same_orders_are_looked_at_again(store, small):
    world, _ = limited(store, 9)
    start_bulk(store, issue_of(world, "value_limit"), actor=ANNA)
    with pytest.raises(CannotApprove, match="being looked at again"):
        approve_all(store, issue_of(world, "value_limit"), actor=ANNA, reason="fair")
