"""The first orders after go-live or a change of the configuration wait for a person; then all of them go."""

from __future__ import annotations

import dataclasses
import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.model import Channel, Config, Connection, Policies, Schedules, StockPolicy, Watch
from sync.desk.canary import note_configuration
from sync.desk.steering import approve_order, reject_order, retry_orders
from sync.flows.dryrun import rehearse
from sync.rules.canary import fingerprint_of, hold_back
from sync.store.audit import Actor
from sync.store.tables import channel_states, work_items
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna", "console 127.0.0.1")


class Careful(World):
    """A world that begins with two orders."""

    def __init__(self, store, **how) -> None:
        super().__init__(store, **how)
        self._customers = itertools.count()
        self.note(canary=2)

    def note(self, **changes):
        """A process begins, with a channel that has changed; how many orders are left."""
        channel = dataclasses.replace(self.config.channels[CHANNEL], **changes)
        self.config = dataclasses.replace(self.config, channels={CHANNEL: channel})
        return note_configuration(self.store, self.config)[CHANNEL]

    def policies(self, **changes):
        return dataclasses.replace(self.config.channels[CHANNEL].policies, **changes)

    def buy(self, count=1):
        made = [self.shop.place(customer=f"c{next(self._customers)}") for _ in range(count)]
        self.carry()
        return made

    def approve(self, external_id):
        approve_order(self.store, self.order(external_id), actor=ANNA, reason="as in the shop")
        self.drain()

    @property
    def states(self):
        return [row.state for row in self.rows(select(work_items.c.state).order_by(work_items.c.id))]


def test_after_go_live_the_first_orders_wait_and_when_a_person_has_released_them_all_go(store):
    world = Careful(store)
    first, second, *_ = world.buy(5)
    assert world.states == ["held"] * 5
    assert world.causes() == {"canary": 5}
    assert world.erp.sales == {}
    world.approve(first)
    assert world.states == ["done", "held", "held", "held", "held"]
    world.approve(second)
    assert world.states == ["done"] * 5
    assert world.causes() == {}
    world.buy()
    assert world.states == ["done"] * 6
    # Each once, in spite of having waited.
    assert len(world.erp.sales) == 6


def test_to_look_again_is_no_release_and_to_reject_is_none_either(sqlite_store):
    world = Careful(sqlite_store)
    first, *_ = world.buy(3)
    retry_orders(world.store, cause="canary", actor=ANNA)
    world.drain()
    assert world.states == ["held"] * 3
    assert reject_order(world.store, world.order(first), actor=ANNA, reason="a test of ours")
    world.drain()
    assert world.states == ["skipped", "held", "held"]


def test_whoever_compares_sees_what_would_be_sent(sqlite_store):
    world = Careful(sqlite_store)
    [order] = world.buy()
    seen = rehearse(world.store, world.systems.channel(CHANNEL), world.order(order).item_id)
    # Nothing stops it there: it goes as far as the customer, who is the first to be written.
    assert seen.error is None
    assert seen.piece.party_ref is not None
    assert world.states == ["held"]


def test_a_canary_stands_beside_what_else_holds_an_order_and_one_word_ends_both(sqlite_store):
    world = Careful(sqlite_store, value_limits={"EUR": Decimal(1)})
    [order] = world.buy()
    assert world.causes() == {"canary": 1, "value_limit": 1}
    world.approve(order)
    assert world.states == ["done"]


def test_a_restart_changes_nothing_and_a_changed_policy_begins_anew(store):
    world = Careful(store)
    first, second = world.buy(2)
    world.approve(first)
    assert world.note() == 1
    world.approve(second)
    assert world.note() == 0
    assert world.note(policies=world.policies(duplicate_window_min=3)) == 2
    [third] = world.buy()
    assert world.states == ["done", "done", "held"]
    # What the ERP has already goes on as it did.
    world.shop.change(first)
    world.carry()
    assert world.states == ["done", "done", "held"]
    world.approve(third)
    assert world.states == ["done"] * 3


def test_an_installation_that_is_upgraded_is_not_held(store):
    world = World(store)
    world.shop.place()
    world.carry()
    # As the migration leaves it.
    world.write(lambda c: c.execute(update(channel_states).values(canary_print="", canary_left=0)))
    assert note_configuration(world.store, world.config) == {CHANNEL: 0}
    channel = dataclasses.replace(world.config.channels[CHANNEL], stock=StockPolicy(safety=Decimal(1)))
    config = dataclasses.replace(world.config, channels={CHANNEL: channel})
    assert note_configuration(world.store, config) == {CHANNEL: 5}


def test_switching_it_off_frees_what_waits(sqlite_store):
    world = Careful(sqlite_store)
    world.buy(3)
    assert world.note(canary=0) == 0
    world.drain()
    assert world.states == ["done"] * 3


def test_fewer_are_enough_at_once_and_more_only_after_the_next_change(sqlite_store):
    world = Careful(sqlite_store)
    assert world.note(canary=1) == 1
    assert world.note(canary=9) == 1
    assert world.note(canary=9, policies=world.policies(duplicate_window_min=3)) == 9


def test_orders_that_a_channel_holds_are_no_business_of_another(sqlite_store):
    world = World(sqlite_store, channels=("web", "b2b"))
    careful = dataclasses.replace(world.config.channels["web"], canary=1)
    free = dataclasses.replace(world.config.channels["b2b"], canary=0)
    config = dataclasses.replace(world.config, channels={"web": careful, "b2b": free})
    assert note_configuration(world.store, config) == {"web": 1, "b2b": 0}
    world.shop.place()
    world.carry()
    found = {row.channel: row.state for row in world.items()}
    assert found == {"web": "held", "b2b": "done"}


def test_the_next_step_counts_down():
    assert hold_back(0, ()) == []
    assert hold_back(3, {"canary"}) == []
    [three], [one] = hold_back(3, ()), hold_back(1, ())
    assert "after 3 of them all go" in three.next_step
    assert "then all of them go" in one.next_step
    # One issue, however many are left.
    assert (three.cause, three.subject, three.reason) == (one.cause, one.subject, one.reason)


# --- what counts as a change ------------------------------------------------------------------------------------


def config_of(channel, **erp):
    connections = {
        "shop": Connection(name="shop", system="woocommerce", url="https://shop.example"),
        "erp": Connection(**{"name": "erp", "system": "tryton", "url": "https://erp.example", **erp}),
    }
    return Config(folder=Path("c"), connections=connections, channels={"web": channel})


def printed(channel=None, **erp):
    channel = channel or Channel(name="web", source="shop", erp="erp")
    return fingerprint_of(config_of(channel, **erp), channel)


def changed(**how):
    return Channel(**{"name": "web", "source": "shop", "erp": "erp", **how})


@pytest.mark.parametrize(
    "channel",
    [
        changed(policies=Policies(duplicate_window_min=3)),
        changed(policies=Policies(value_limits={"EUR": Decimal(5)})),
        changed(timezone="Europe/Berlin"),
        changed(stock=StockPolicy(push=True)),
    ],
)
def test_what_is_made_of_orders_is_a_change(channel):
    assert printed(channel) != printed()


def test_so_is_where_they_go():
    assert printed(url="https://other.example") != printed()
    assert printed(options={"web_shop": "B"}) != printed(options={"web_shop": "A"})


@pytest.mark.parametrize(
    "channel",
    [
        changed(schedules=Schedules(pull_every_s=5.0)),
        changed(watch=Watch(volume=False)),
        changed(canary=3),
        # Said in words, it is the default all the same.
        changed(policies=Policies(), timezone="UTC"),
    ],
)
def test_when_it_is_looked_at_is_none(channel):
    assert printed(channel) == printed()


def test_neither_is_the_order_of_keys_or_another_limit_of_calls():
    one, other = {"EUR": Decimal(5), "USD": Decimal(6)}, {"USD": Decimal(6), "EUR": Decimal(5)}
    limits = [changed(policies=Policies(value_limits=each)) for each in (one, other)]
    assert printed(limits[0]) == printed(limits[1])
    assert printed(concurrency=3, rate_per_s=1.0) == printed()
