"""No shop is ever shown more than the ERP has minus the sales that we know, whatever comes between what."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import delete

from config.model import StockPolicy
from sync.flows.stock import converge as flow
from sync.rules import stock as rules
from sync.store.stock import captured
from sync.store.stock import levels as ledger
from sync.store.tables import captured_lines
from tests.sync.flows.stock_life import StockLife
from tests.sync.flows.stock_world import ONE, TWO

_CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def live(store, *, examples, steps):
    machine = type("StockLife", (StockLife,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=_CHECKS
        ),
    )


@pytest.mark.slow
def test_whatever_happens_no_shop_shows_more_than_there_is_for_sure(sqlite_store):
    live(sqlite_store, examples=20, steps=20)


@pytest.mark.slow
def test_the_same_on_postgresql(postgres_store):
    live(postgres_store, examples=5, steps=15)


# --- each rule is needed ----------------------------------------------------------------------------------------


def begun(store):
    machine = type("StockLife", (StockLife,), {"store": store})()
    machine.begin(5)
    return machine


def read(life):
    life.begin_reading()
    life.answer(len(life.readings) - 1)
    life.end_reading(len(life.readings) - 1)


def sold_in_one_shown_in_the_other(life):
    life.sell(ONE, 2, at_once=True)
    read(life)
    life.push(TWO)


def read_before_it_was_reserved(life):
    """The ERP answered, then it was confirmed and seen, then the answer arrived."""
    life.sell(ONE, 2, at_once=True)
    life.begin_reading()
    life.answer()
    life.confirm()
    life.see()
    life.end_reading()
    life.push(TWO)


def confirmed_and_not_read_since(life):
    read(life)
    life.sell(ONE, 2, at_once=True)
    life.confirm()
    life.see()
    life.push(TWO)


def two_readings_that_arrive_the_wrong_way_round(life):
    life.begin_reading()
    life.answer()
    life.put_there(1)
    life.begin_reading()
    life.answer()
    life.end_reading(1)
    life.end_reading()
    life.push(TWO)


def captured_while_the_shop_answered(life):
    read(life)
    life.sell(ONE, 2)
    life.push(TWO, "capture")


def held_for_a_person(life):
    read(life)
    life.sell(ONE, 2, at_once=True)
    life.hold()
    life.push(TWO)


def more_is_there_while_the_erp_is_away(life):
    read(life)
    life.push(TWO)
    life.put_there(9)
    read(life)
    life.lose_the_erp()
    life.push(TWO)


def frozen_with_something_to_tell(life):
    read(life)
    life.push(TWO)
    life.put_there(2)
    read(life)
    life.freeze(TWO)
    life.push(TWO)


STORIES = (
    held_for_a_person,
    more_is_there_while_the_erp_is_away,
    frozen_with_something_to_tell,
    sold_in_one_shown_in_the_other,
    read_before_it_was_reserved,
    confirmed_and_not_read_since,
    two_readings_that_arrive_the_wrong_way_round,
    captured_while_the_shop_answered,
)


@pytest.mark.parametrize("story", STORIES)
def test_short_lives_end_well(sqlite_store, story):
    life = begun(sqlite_store)
    story(life)
    life.rest()


def without_what_orders_take(monkeypatch):
    monkeypatch.setattr(flow, "add_up", lambda policy, levels, lines, places: rules.add_up(policy, levels, (), places))


def without_waiting_for_a_reading(monkeypatch):
    """What the ERP has reserved counts no longer, though no reading has seen it."""

    def reserve(connection, order_ids):
        connection.execute(delete(captured_lines).where(captured_lines.c.order_id.in_(list(order_ids))))

    monkeypatch.setattr("tests.sync.flows.stock_life.reserve", reserve)


def without_the_beginning_of_a_reading(monkeypatch):
    """Any reading ends what was seen before it is saved."""

    def drop(connection, erp, skus, began_at):
        table = captured_lines.c
        gone = delete(captured_lines).where(
            table.connection == erp, table.sku.in_(skus), table.reserved_at.is_not(None)
        )
        return set(connection.execute(gone.returning(table.sku)).scalars())

    monkeypatch.setattr(ledger, "_drop_settled", drop)


def without_versions(monkeypatch):
    """A reading is as good as any other."""
    load = ledger.load_levels

    def ageless(connection, erp, skus):
        found = load(connection, erp, skus)
        oldest = ledger.begin_reading.__globals__["dt"].datetime(2000, 1, 1, tzinfo=ledger.dt.UTC)
        return {sku: [dataclasses.replace(level, began_at=oldest) for level in each] for sku, each in found.items()}

    monkeypatch.setattr(ledger, "load_levels", ageless)


def without_a_second_sum(monkeypatch):
    """What was summed up before the shop was asked is written."""
    sum_up = flow._sum_up
    done = set()

    def once(drain, pieces):
        fresh = [piece for piece in pieces if id(piece) not in done]
        done.update(map(id, pieces))
        kept.extend(pieces)
        sum_up(drain, fresh)

    kept = []
    monkeypatch.setattr(flow, "_sum_up", once)


def without_held_orders(monkeypatch):
    """As if the policy were to ignore them."""
    counts = rules.counts
    monkeypatch.setattr(rules, "counts", lambda policy, line, places: not line.held and counts(policy, line, places))


def without_a_look_whether_the_erp_is_away(monkeypatch):
    monkeypatch.setattr(flow, "_erp_is_away", lambda drain: "")


def without_the_freeze(monkeypatch):
    monkeypatch.setattr(StockPolicy, "is_frozen", lambda policy, sku: False)


@pytest.mark.parametrize(
    ("take_out", "story"),
    [
        (without_held_orders, held_for_a_person),
        (without_a_look_whether_the_erp_is_away, more_is_there_while_the_erp_is_away),
        (without_the_freeze, frozen_with_something_to_tell),
        (without_what_orders_take, sold_in_one_shown_in_the_other),
        (without_waiting_for_a_reading, confirmed_and_not_read_since),
        (without_the_beginning_of_a_reading, read_before_it_was_reserved),
        (without_versions, two_readings_that_arrive_the_wrong_way_round),
        (without_a_second_sum, captured_while_the_shop_answered),
    ],
)
def test_with_a_rule_taken_out_more_is_shown_than_there_is(
    sqlite_store, monkeypatch, take_out: Callable[[pytest.MonkeyPatch], None], story
):
    life = begun(sqlite_store)
    take_out(monkeypatch)
    with pytest.raises(AssertionError, match="shows"):
        functools.partial(story, life)()


def test_a_capture_of_the_same_order_twice_counts_once(sqlite_store):
    life = begun(sqlite_store)
    life.sell(ONE, 2, at_once=True)
    sale = life.sales[0]
    again = captured.Taken(sale.order_id, {("TASSE", ""): Decimal(3)})
    life.store.write(lambda c: captured.capture(c, "erp", [again]))
    assert [row.quantity for row in life.world.captured()] == ["3"]
