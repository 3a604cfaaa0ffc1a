"""One action for everything that a filter selects."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from sync.desk import bulk, selections
from sync.desk.bulk import advance, cancel_bulk, progress_of
from sync.desk.selections import BulkRefused, begin_selected, foresee
from sync.store.audit import Actor
from sync.store.lookups import save_lookup
from sync.store.search import Wanted
from sync.store.selection import APPROVE, LOOK, RETRY, SKIP, Selection, load_selection
from sync.store.states import ItemState
from sync.store.tables import audit, bulk_run_items, bulk_runs, orders, work_items
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna", "console 127.0.0.1")
EVERY = Wanted()


@pytest.fixture
def small(monkeypatch):
    """Pieces of two."""
    monkeypatch.setattr(bulk, "PIECE", 2)
    monkeypatch.setattr(selections, "PIECE", 2)


@pytest.fixture
def world(store):
    """Three orders that an article stops, and one that is done."""
    made = World(store)
    for number in range(3):
        made.shop.place(sku="TASSE-ALT", customer=f"c{number}")
    made.shop.place(customer="fine")
    made.carry()
    return made


def states(world):
    return sorted(row.state for row in world.items())


def begin(world, action=RETRY, wanted=EVERY, **how):
    return begin_selected(world.store, world.config, wanted, action, actor=ANNA, **how)


def foreseen(world, action=RETRY, wanted=EVERY):
    return foresee(world.store, world.config, wanted, action)


def test_what_would_happen_is_counted_summed_and_what_is_left_says_why(world):
    found = foreseen(world)
    assert {state: figures.documents for state, figures in found.by_state.items()} == {ItemState.HELD: 3}
    [(currency, total)] = found.goes.money.items()
    stopped = select(orders.c.grand).join(work_items, work_items.c.id == orders.c.item_id)
    totals = [Decimal(row.grand) for row in world.rows(stopped.where(work_items.c.state == "held"))]
    assert (found.goes.documents, currency, total) == (3, "EUR", sum(totals))
    assert [(str(why), count) for why, count in found.left_out] == [("done already", 1)]
    assert found.running is None


def test_a_run_over_a_filter_retries_what_fits_and_tells_what_became_of_it(world, small):
    world.write(lambda c: save_lookup(c, "sku", "global", "TASSE-ALT", "TASSE", by="anna"))
    run, new = begin(world)
    assert (new, run.expected, run.released, run.running) == (True, 3, 2, True)
    advance(world.store)
    world.drain()
    progress = progress_of(world.store, run.id)
    assert (progress.run.outcome, progress.run.released, progress.left) == ("done", 3, 0)
    assert (progress.course.went, progress.course.stopped_again, progress.course.under_way) == (3, 0, 0)
    assert states(world) == ["done"] * 4


def test_what_is_stopped_again_is_looked_at_once(world, small):
    run, _ = begin(world)
    for _ in range(4):
        world.drain()
        advance(world.store)
    progress = progress_of(world.store, run.id)
    assert (progress.run.released, progress.run.outcome, progress.course.stopped_again) == (3, "done", 3)


def test_the_filter_is_evaluated_again_with_each_piece(world, small):
    run, _ = begin(world)
    ids = [row.id for row in world.items() if row.state == "held"]
    begin(world, SKIP, Wanted(items=tuple(ids)), reason="sold out")
    late = world.shop.place(sku="TASSE-ALT", customer="late")
    world.carry()
    for _ in range(3):
        advance(world.store)
    assert progress_of(world.store, run.id).run.released == 2
    assert world.item(late).state == "held"


def test_a_second_press_shows_the_run_that_goes_already_and_another_filter_is_another_run(world, small):
    first, new = begin(world)
    second, also = begin_selected(world.store, world.config, EVERY, RETRY, actor=Actor("bert"))
    assert (new, also, second.id, second.asked_by) == (True, False, first.id, "anna")
    assert foreseen(world).running.id == first.id
    other, new = begin(world, RETRY, Wanted(channel=CHANNEL))
    assert new
    assert other.id != first.id
    assert len(world.rows(select(bulk_runs.c.id))) == 2


def test_another_reason_makes_no_second_run_of_the_same(world, small):
    first, _ = begin(world, SKIP, reason="sold out")
    assert foreseen(world, SKIP).running.id == first.id
    second, new = begin(world, SKIP, reason="no stock")
    assert (new, second.id, second.reason) == (False, first.id, "sold out")


def test_a_cancelled_run_leaves_the_rest_as_it_was(world, small):
    run, _ = begin(world)
    assert cancel_bulk(world.store, run.id, actor=ANNA)
    assert advance(world.store) == 0
    assert states(world) == ["done", "held", "ready", "ready"]
    actions = [tuple(row) for row in world.rows(select(audit.c.action, audit.c.subject).order_by(audit.c.id))]
    assert actions == [("retry all", f"run:{run.id}"), ("cancel retry", f"run:{run.id}")]


def test_orders_are_rejected_together_each_with_its_reason_but_none_that_the_erp_has(world):
    found = foreseen(world, SKIP)
    assert found.goes.documents == 3
    run, _ = begin(world, SKIP, reason="sold out")
    assert (run.outcome, run.released) == ("done", 3)
    assert states(world) == ["done", "skipped", "skipped", "skipped"]
    assert world.causes() == {}
    told = world.rows(select(audit.c.action, audit.c.reason, audit.c.actor).where(audit.c.subject.like("order:%")))
    assert [tuple(row) for row in told] == [("reject", "sold out", "anna")] * 3


def test_a_rejected_order_is_not_brought_back_along_with_others(world):
    begin(world, SKIP, reason="sold out")
    found = foreseen(world)
    assert (found.goes.documents, dict(found.by_state)) == (0, {})
    assert any("not carried over" in str(why) and count == 3 for why, count in found.left_out)
    assert foreseen(world, RETRY, Wanted(states=(ItemState.SKIPPED,))).goes.documents == 3


def test_looking_again_reads_what_is_done_as_well(world):
    run, _ = begin(world, LOOK)
    assert run.released == 4
    assert all("fetch" in row.facets for row in world.items())


def test_only_what_a_word_alone_lets_pass_is_approved_together(store):
    world = World(store, value_limits={"EUR": Decimal(10)})
    world.shop.place(customer="one")
    world.shop.place(sku="TASSE-ALT", customer="two")
    world.carry()
    world.write(lambda c: save_lookup(c, "sku", "global", "TASSE-ALT", "TASSE", by="anna"))
    run, _ = begin(world, APPROVE, reason="fair")
    assert run.released == 2
    world.drain()
    assert states(world) == ["done", "done"]
    causes = {row.after for row in world.rows(select(audit.c.after).where(audit.c.action == "approve"))}
    assert causes == {"value_limit"}


@pytest.mark.parametrize("action", [APPROVE, SKIP])
def test_a_decision_needs_a_reason(world, action):
    with pytest.raises(BulkRefused, match="Say why"):
        begin(world, action, reason="  ")
    assert world.rows(select(bulk_runs)) == []


def test_what_is_no_action_or_too_many_ticks_is_refused(world):
    with pytest.raises(BulkRefused, match="'erase'; there are retry"):
        foreseen(world, "erase")
    with pytest.raises(BulkRefused, match="At most 200"):
        foreseen(world, RETRY, Wanted(items=tuple(range(201))))


def test_no_more_go_in_a_minute_than_was_said(world):
    run, _ = begin(world, per_minute=1)
    assert run.released == 1
    assert advance(world.store) == 0


def test_what_a_run_has_dealt_with_can_be_listed(world):
    run, _ = begin(world)
    assert len(world.rows(select(bulk_run_items))) == 3
    assert foreseen(world, LOOK, Wanted(run=run.id)).left_out == ((selections._WHY[ItemState.READY], 3),)


def test_a_selection_is_kept_and_read_again_as_it_was():
    wanted = Wanted(
        text="x",
        channels=("a", "b"),
        states=(ItemState.HELD,),
        since=dt.datetime(2026, 11, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
        low=Decimal("1.50"),
        items=(1, 2),
    )
    made = Selection(action=APPROVE, wanted=wanted, targets={"a": "erp"}, causes=("price", "address"))
    again = load_selection(made.dump())
    assert again.wanted == wanted
    assert again.dump() == made.dump()
    assert (again.action, again.targets, set(again.causes)) == (APPROVE, {"a": "erp"}, {"price", "address"})
