"""A channel with a gate publishes no profile that newly stops an order, unless an admin says why."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from config.model import ProfileFile, PublishGate
from sync.desk import gate
from sync.desk.gate import GateShut, examine
from sync.desk.phrases import Refusal
from sync.desk.profiles import publish, roll_back
from sync.store.audit import Actor, AuditFilter, list_audit
from sync.store.revisions import Revision, load_published
from tests.sync.desk.test_profiles import text
from tests.sync.flows.world import CHANNEL, World

ANNA = Actor("anna")
FAILS = text(more="    - {to: payment_terms, copy: source.number, then: [{lookup: own}]}\n")


@pytest.fixture
def world(sqlite_store):
    made = World(sqlite_store)
    made.systems._published = lambda channel: sqlite_store.read(lambda c: load_published(c, channel))
    channel = dataclasses.replace(made.config.channels[CHANNEL], publish_gate=PublishGate.NO_NEW_FAILURES)
    made.config = made.systems.config = dataclasses.replace(made.config, channels={CHANNEL: channel})
    made.shop.place()
    made.pull()
    return made


def examined(world, what, **how):
    return examine(world.store, world.systems, CHANNEL, ProfileFile("draft.yaml", what), **how)


def put(world, what, *, base=0, **how):
    return publish(world.store, world.config, CHANNEL, what, actor=ANNA, reason="wanted so", base=base, **how)


def published(world):
    return world.store.read(lambda c: load_published(c, CHANNEL))


def test_what_newly_stops_no_order_is_published(world):
    assert put(world, text(), examined=examined(world, text())).revision.number == 1


def test_what_newly_stops_an_order_is_refused_with_what_was_found(world):
    with pytest.raises(GateShut, match="1 of the newest 1 orders could not be mapped any more") as shut:
        put(world, FAILS, examined=examined(world, FAILS))
    assert "own" in shut.value.replay.failing[0].reasons[0][1]
    assert published(world) is None


def test_an_admin_publishes_it_all_the_same_and_the_audit_keeps_what_was_found_and_why(world):
    put(world, FAILS, examined=examined(world, FAILS), despite=" the rows come tonight ")
    [entry] = world.store.read(lambda c: list_audit(c, AuditFilter(action=gate.OVERRULED), limit=9))
    assert (entry.actor, entry.reason) == ("anna", "the rows come tonight")
    assert "1 of the newest 1 orders" in entry.after


def test_a_reason_for_what_the_gate_lets_through_is_no_overruling(world):
    put(world, text(), examined=examined(world, text()), despite="to be sure")
    assert not world.store.read(lambda c: list_audit(c, AuditFilter(action=gate.OVERRULED), limit=9))


@pytest.mark.parametrize("despite", ["", "in a hurry"])
def test_nothing_goes_through_that_was_not_examined_or_was_examined_as_another_text(world, despite):
    for look in (None, examined(world, text())):
        with pytest.raises(Refusal, match="compare the text with what applies first"):
            put(world, FAILS, examined=look, despite=despite)


def test_what_was_examined_against_an_older_revision_is_examined_again(world):
    look = examined(world, text("two"))
    put(world, text("one"), examined=examined(world, text("one")))
    with pytest.raises(Refusal, match="compare the text"):
        put(world, text("two"), base=1, examined=look)


def test_going_back_passes_no_gate(world):
    put(world, FAILS, examined=examined(world, FAILS), despite="tried")
    put(world, text(), base=1, examined=examined(world, text()))
    assert roll_back(world.store, world.config, CHANNEL, 1, actor=ANNA, reason="back").revision.number == 3


def test_a_gated_channel_is_not_examined_by_fewer_orders_than_usual(world):
    world.shop.place(customer="b")
    world.pull()
    assert examined(world, text(), documents=1).replay.documents == 2


def test_where_what_applies_cannot_be_read_any_more_every_order_fails_before(world):
    now = Revision(
        channel=CHANNEL,
        number=0,
        text="nothing of a profile",
        digest="",
        author="",
        reason="",
        published_at=dt.datetime.now(dt.UTC),
    )
    world.systems._published = lambda _: now
    look = examined(world, text())
    assert (look.replay.newly_pass, look.replay.newly_fail) == (1, 0)
    assert put(world, text(), examined=look).revision.number == 1
