"""A profile that asks for too much stops the orders that it does so for, and neither the others nor the drain."""

from __future__ import annotations

import dataclasses

import pytest

from sync.desk.passport import load_passport
from sync.desk.profiles import publish
from sync.store.audit import Actor
from sync.store.revisions import load_published
from tests.sync.desk.test_profiles import text
from tests.sync.flows.world import CHANNEL, World

#: A million leaves that share their halves.
DOUBLING = " | ".join(["source.number", *["[@, @]"] * 25])
HOSTILE = text(
    more=f"""\
    - to: attributes.x
      when: source.payment_method == 'bacs'
      copy: "{DOUBLING}"
"""
)


@pytest.fixture
def world(sqlite_store):
    made = World(sqlite_store)
    made.systems._published = lambda channel: sqlite_store.read(lambda c: load_published(c, channel))
    channel = dataclasses.replace(made.config.channels[CHANNEL], canary=0)
    made.config = made.systems.config = dataclasses.replace(made.config, channels={CHANNEL: channel})
    return made


def test_an_order_that_a_profile_takes_too_long_for_is_set_aside_and_the_others_of_its_batch_go(world):
    publish(world.store, world.config, CHANNEL, HOSTILE, actor=Actor("anna"), reason="x", base=0)
    quiet, hostile = world.shop.place(), world.shop.place(customer="b", payment_method="bacs")
    last = world.shop.place(customer="c")
    world.carry()
    assert [world.item(each).state for each in (quiet, last)] == ["done", "done"]
    assert world.item(hostile).state == "parked"
    [stop] = load_passport(world.store, world.config, world.order(hostile)).stops
    assert "steps on this document and was stopped, for attributes.x by the rule at web, revision 1:6:7" in str(
        stop.details[0][1]
    )
    assert world.leases() == []
