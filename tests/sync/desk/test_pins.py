"""An order that is retried with its original mapping is mapped by that, whatever is published, until it is done."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from sqlalchemy import select, update

from sync.desk.bulk import OtherMapping, advance, start_bulk, start_for_cause
from sync.desk.canary import note_configuration
from sync.desk.corrections import draft_of
from sync.desk.passport import load_passport, passport_to_json
from sync.desk.profiles import publish
from sync.desk.selections import begin_selected
from sync.desk.steering import approve_order, reject_order, retry_orders
from sync.rules.pinned import Unreadable
from sync.store.audit import Actor
from sync.store.lookups import save_lookup
from sync.store.marking import release
from sync.store.pins import Using, original_of, pin_of
from sync.store.revisions import load_published
from sync.store.search import Wanted
from sync.store.selection import RETRY
from sync.store.states import ItemState
from sync.store.tables import attempts, audit, issues, orders, profile_revisions
from sync.work import drain as draining
from sync.work.rehearse import dry_run
from tests.sync.desk.test_profiles import ANNA, made_of, put, text
from tests.sync.flows.world import CHANNEL, World

#: The shop calls the article by a name that nobody has a row for.
UNKNOWN = "NOBODY-KNOWS"


@pytest.fixture
def world(store):
    made = World(store)
    made.systems._published = lambda channel: store.read(lambda c: load_published(c, channel))
    channel = dataclasses.replace(made.config.channels[CHANNEL], canary=0)
    made.config = made.systems.config = dataclasses.replace(made.config, channels={CHANNEL: channel})
    note_configuration(store, made.config)
    return made


def stopped(world, count=1):
    """Orders that came in with revision 1, and which revision 2 has looked at since; the article stops them."""
    put(world, text("one"))
    found = [world.shop.place(sku=UNKNOWN, customer=str(number)) for number in range(count)]
    world.carry()
    put(world, text("two"), base=1)
    world.drain()
    assert {made_of(world, order) for order in found} == {("two", 2)}
    return found


def mend(world):
    world.write(lambda c: save_lookup(c, "sku", "global", UNKNOWN, "TASSE", by="anna"))


def retry(world, order, using):
    return retry_orders(world.store, orders=[world.order(order)], actor=ANNA, using=using)


def passport(world, order):
    return load_passport(world.store, world.config, world.order(order))


def rehearsed(world, order):
    """A dry run with the systems at hand: nothing of this order comes to a write."""
    world.systems.dry = lambda **_: SimpleNamespace(channel=world.systems.channel, close=lambda: None)
    return dry_run(world.store, world.systems, world.order(order))


def pin(world, order):
    return world.store.read(lambda c: pin_of(c, world.item(order).id))


def issue_of(world):
    return world.store.read(lambda c: c.execute(select(issues.c.id)).scalar_one())


def test_it_is_mapped_by_what_it_came_in_with_and_the_newer_profile_is_not_used(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.drain()
    assert (world.item(order).state, made_of(world, order), pin(world, order)) == ("held", ("one", 1), 1)


def test_what_is_published_later_leaves_it_alone(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.drain()
    assert put(world, text("three"), base=2).released == 0
    assert world.drain() == 0
    assert made_of(world, order) == ("one", 1)


def test_a_look_up_row_applies_to_it_as_it_stands_now_and_then_the_pin_is_over(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.drain()
    mend(world)
    # What the end of a cause releases says nothing about the mapping.
    world.write(lambda c: release(c, [world.item(order).id]))
    world.drain()
    assert (world.item(order).state, made_of(world, order), pin(world, order)) == ("done", ("one", 1), None)


def test_news_of_the_shop_are_mapped_by_it_too(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.shop.change(order, status="on-hold")
    world.carry()
    assert (made_of(world, order), pin(world, order), world.order(order).source_state) == (("one", 1), 1, "on-hold")


def test_a_plain_retry_ends_it(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.drain()
    retry(world, order, Using.CURRENT)
    world.drain()
    assert (made_of(world, order), pin(world, order)) == (("two", 2), None)


def test_to_leave_it_out_ends_it(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.drain()
    assert reject_order(world.store, world.order(order), actor=ANNA, reason="a test order")
    assert pin(world, order) is None


def test_to_approve_it_does_not(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.drain()
    approve_order(world.store, world.order(order), actor=ANNA, reason="known")
    assert pin(world, order) == 1


def test_before_anything_was_published_the_configuration_is_the_original(world):
    order = world.shop.place(sku=UNKNOWN)
    world.carry()
    said = made_of(world, order)[0]
    put(world, text("one"))
    world.drain()
    assert made_of(world, order) == ("one", 1)
    retry(world, order, Using.ORIGINAL)
    world.drain()
    assert (made_of(world, order), pin(world, order)) == ((said, None), 0)


def test_an_order_that_came_in_with_what_applies_needs_no_pin(world):
    put(world, text("one"))
    order = world.shop.place(sku=UNKNOWN)
    world.carry()
    retry(world, order, Using.ORIGINAL)
    assert pin(world, order) is None
    assert world.store.read(lambda c: original_of(c, world.item(order).id)) is None
    world.drain()
    assert put(world, text("two"), base=1).released == 1


def test_in_one_batch_each_order_has_its_own_revision(world, monkeypatch):
    first, second = stopped(world, 2)
    retry(world, first, Using.ORIGINAL)
    retry(world, second, Using.CURRENT)
    batches = []
    converge = draining.converge
    monkeypatch.setattr(draining, "converge", lambda drain, items: batches.append(len(items)) or converge(drain, items))
    world.drain()
    assert batches == [1, 1]
    assert (made_of(world, first), made_of(world, second)) == (("one", 1), ("two", 2))
    third = world.shop.place(customer="c")
    world.carry()
    assert made_of(world, third) == ("two", 2)


def test_a_revision_that_cannot_be_read_any_more_stops_it_and_says_what_to_do(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    world.write(lambda c: c.execute(update(profile_revisions).where(profile_revisions.c.number == 1).values(text="!")))
    other = world.shop.place(customer="b")
    world.carry()
    assert world.item(other).state == "done"
    [stop] = passport(world, order).stops
    assert "revision 1 of the mapping profile cannot be used" in str(stop.details[0][1])
    assert stop.next_step == "retry it with the current revision"
    with pytest.raises(Unreadable):
        rehearsed(world, order)
    retry(world, order, Using.CURRENT)
    world.drain()
    assert made_of(world, order) == ("two", 2)


def test_a_dry_run_and_a_correction_read_it_as_its_drain_does(world):
    [order] = stopped(world)
    retry(world, order, Using.ORIGINAL)
    assert rehearsed(world, order).canonical["note"] == "one"
    draft = draft_of(world.store, world.systems.channel(CHANNEL), world.order(order))
    assert draft.document["note"] == "one"


def test_the_passport_and_every_attempt_say_which_revision_was_used(world):
    [order] = stopped(world)
    assert passport(world, order).original == 1
    retry(world, order, Using.ORIGINAL)
    world.drain()
    told = passport_to_json(passport(world, order))
    assert (told["mapping"]["pinned"], told["mapping"]["revision"]["number"]) == (1, 1)
    assert [row.profile_revision for row in world.rows(select(attempts).order_by(attempts.c.id))] == [1, 2, 1]
    tried = [line["text"] for line in told["timeline"] if line["what"] == "attempt"]
    assert [" by revision 1 " in line for line in tried] == [True, False, True]
    [entry] = world.rows(select(audit).where(audit.c.action == "retry"))
    assert entry.after == "1 released, with the mapping that they came in with"


# --- many at once -----------------------------------------------------------------------------------------------


def test_all_of_a_cause_go_with_what_each_came_in_with(world):
    found = stopped(world, 3)
    late = world.shop.place(sku=UNKNOWN, customer="late")
    world.carry()
    mend(world)
    run, _ = start_bulk(world.store, issue_of(world), actor=ANNA, using=Using.ORIGINAL)
    world.drain()
    assert run.using is Using.ORIGINAL
    assert {made_of(world, order) for order in found} == {("one", 1)}
    assert made_of(world, late) == ("two", 2)


def test_another_mapping_than_that_of_the_run_that_goes_is_refused(world, monkeypatch):
    monkeypatch.setattr("sync.desk.bulk.PIECE", 1)
    stopped(world, 3)
    start_bulk(world.store, issue_of(world), actor=ANNA, using=Using.ORIGINAL)
    with pytest.raises(OtherMapping):
        start_bulk(world.store, issue_of(world), actor=ANNA)
    with pytest.raises(OtherMapping):
        start_for_cause(world.store, "unknown_sku", actor=ANNA)
    assert start_bulk(world.store, issue_of(world), actor=Actor("ben"), using=Using.ORIGINAL)[1] is False


def test_a_run_over_a_filter_uses_it_with_every_piece(world, monkeypatch):
    monkeypatch.setattr("sync.desk.selections.PIECE", 1)
    found = stopped(world, 3)
    wanted = Wanted(states=(ItemState.HELD,))
    begin_selected(world.store, world.config, wanted, RETRY, actor=ANNA, using=Using.ORIGINAL)
    while advance(world.store):
        pass
    world.drain()
    assert {made_of(world, order) for order in found} == {("one", 1)}
    begin_selected(world.store, world.config, wanted, RETRY, actor=ANNA)
    while advance(world.store):
        pass
    world.drain()
    assert {made_of(world, order) for order in found} == {("two", 2)}


def test_a_publication_counts_only_what_it_looks_at_again(world):
    first, _ = stopped(world, 2)
    retry(world, first, Using.ORIGINAL)
    world.drain()
    done = publish(world.store, world.config, CHANNEL, text("three"), actor=ANNA, reason="better", base=2)
    assert done.released == 1
    world.drain()
    assert [row.profile_revision for row in world.rows(select(orders).order_by(orders.c.id))] == [1, 3]
