"""A profile that is published applies from the next batch on; nobody's text is lost, and every revision stays."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import select

from config.model import ProfileFile
from config.problems import ConfigError
from sync.desk.canary import note_configuration
from sync.desk.phrases import Refusal
from sync.desk.profiles import NoSuchRevision, ProfileConflict, publish, roll_back, save_draft
from sync.rules.canary import fingerprint_of
from sync.store.audit import Actor, AuditFilter, list_audit
from sync.store.bodies import load_json, unpack
from sync.store.revisions import list_revisions, load_draft, load_published, revision_of_order
from sync.store.tables import orders
from sync.work import drain as draining
from tests.sync.flows.world import CHANNEL, World

ANNA, BEN = Actor("anna"), Actor("ben")


def text(note="from the profile", more=""):
    return f"""\
profile: own
extends: woocommerce
source:
  order:
    - {{to: note, constant: {note}}}
{more}"""


@pytest.fixture
def world(store):
    made = World(store)
    made.systems._published = lambda channel: store.read(lambda c: load_published(c, channel))
    channel = dataclasses.replace(made.config.channels[CHANNEL], canary=0)
    made.config = made.systems.config = dataclasses.replace(made.config, channels={CHANNEL: channel})
    note_configuration(store, made.config)
    return made


def put(world, what, *, base=0, actor=ANNA, reason="wanted so"):
    return publish(world.store, world.config, CHANNEL, what, actor=actor, reason=reason, base=base)


def keep(world, what, *, actor=ANNA, **how):
    return save_draft(world.store, world.config, CHANNEL, what, actor=actor, **how)


def made_of(world, external_id):
    [row] = world.rows(select(orders).where(orders.c.external_id == external_id))
    return load_json(unpack(row.canonical))["note"], row.profile_revision


def test_what_is_published_applies_to_what_comes_and_each_order_keeps_the_revision_that_made_it(world):
    before = world.shop.place()
    world.carry()
    put(world, text("one"))
    after = world.shop.place(customer="b")
    world.carry()
    assert made_of(world, before)[1] is None
    assert made_of(world, after) == ("one", 1)
    revision = world.store.read(lambda c: revision_of_order(c, world.order(after).id))
    assert (revision.number, revision.author, revision.reason) == (1, "anna", "wanted so")


def test_an_order_that_is_done_is_left_alone_by_a_new_revision(world):
    order = world.shop.place()
    world.carry()
    calls = sum(world.erp.calls.values())
    assert put(world, text()).released == 0
    assert world.drain() == 0
    assert world.item(order).state == "done"
    assert sum(world.erp.calls.values()) == calls


def test_what_stands_still_is_looked_at_again_and_goes_where_the_new_revision_lets_it(world):
    order = world.shop.place(sku="NOBODY-KNOWS")
    world.carry()
    assert world.item(order).state in {"held", "parked"}
    lines = "  lines:\n    - {to: sku, constant: TASSE}\n"
    assert put(world, text(more=lines)).released == 1
    world.drain()
    assert world.item(order).state == "done"


def test_a_drain_takes_what_was_published_with_its_next_batch_and_its_canary_too(world, monkeypatch):
    channel = dataclasses.replace(world.config.channels[CHANNEL], canary=2)
    world.config = world.systems.config = dataclasses.replace(world.config, channels={CHANNEL: channel})
    monkeypatch.setattr(draining, "batch_size", lambda _: 1)
    first, second = world.shop.place(), world.shop.place(customer="b")
    world.pull()
    settle, published = draining.settle, []

    def and_publish(drain, pieces):
        settle(drain, pieces)
        if not published:
            published.append(put(world, text("two")))

    monkeypatch.setattr(draining, "settle", and_publish)
    world.drain()
    assert published[0].canary == 2
    assert {made_of(world, first)[1], made_of(world, second)[1]} == {None, 1}
    assert world.causes() == {"canary": 1}


def test_what_a_batch_held_by_the_text_before_comes_again(world, monkeypatch):
    order = world.shop.place(sku="NOBODY-KNOWS")
    world.pull()
    converge = draining.converge

    def and_publish(drain, items):
        pieces = converge(drain, items)
        if drain.systems.revision == 0:
            put(world, text(more="  lines:\n    - {to: sku, constant: TASSE}\n"))
        return pieces

    monkeypatch.setattr(draining, "converge", and_publish)
    world.drain()
    world.settle()
    world.drain()
    assert world.item(order).state == "done"


def test_publishing_holds_the_first_orders_and_what_only_the_layout_changes_holds_none(world):
    world.shop.place()
    world.carry()
    channel = dataclasses.replace(world.config.channels[CHANNEL], canary=2)
    world.config = dataclasses.replace(world.config, channels={CHANNEL: channel})
    assert put(world, text("one")).canary == 2
    world.shop.place(customer="b")
    world.carry()
    assert world.causes() == {"canary": 1}
    left = put(world, "# only a comment\n" + text("one"), base=1).canary
    assert left == 2
    assert note_configuration(world.store, world.config)[CHANNEL] == 2


def test_taking_a_file_over_unchanged_is_no_change_of_what_is_made_of_orders(world):
    channel = dataclasses.replace(world.config.channels[CHANNEL], profile=ProfileFile("own.yaml", text()))
    config = dataclasses.replace(world.config, channels={CHANNEL: channel})
    taken = dataclasses.replace(channel, profile=ProfileFile("web, revision 1", "# ours\n" + text()))
    assert fingerprint_of(config, channel) == fingerprint_of(config, taken)
    other = dataclasses.replace(channel, profile=ProfileFile("own.yaml", text("other")))
    assert fingerprint_of(config, channel) != fingerprint_of(config, other)


def test_a_published_revision_goes_before_the_file_of_the_configuration(world):
    channel = dataclasses.replace(world.config.channels[CHANNEL], profile=ProfileFile("own.yaml", text("file")))
    world.systems.config = dataclasses.replace(world.config, channels={CHANNEL: channel})
    filed = world.systems.channel(CHANNEL)
    assert (filed.profile.file, filed.revision) == ("own.yaml", 0)
    put(world, text("published"))
    ruled = world.systems.channel(CHANNEL)
    assert (ruled.profile.file, ruled.revision) == ("web, revision 1", 1)
    assert ruled.mapping_version != filed.mapping_version


def test_two_people_who_edit_one_draft_get_a_conflict_and_no_loss(world):
    first = keep(world, text("anna's"))
    with pytest.raises(ProfileConflict, match=r"anna has saved the draft .* version 0\.1"):
        keep(world, text("ben's"), actor=BEN)
    second = keep(world, text("ben's"), actor=BEN, seen=first.seen)
    with pytest.raises(ProfileConflict, match=r"ben has saved the draft .* version 0\.2"):
        keep(world, text("anna's other"), seen=first.seen)
    assert world.store.read(lambda c: load_draft(c, CHANNEL)) == second


def test_a_draft_is_done_with_when_it_is_published_and_its_version_does_not_come_again(world):
    stale = keep(world, text("one"))
    put(world, text("one"))
    assert world.store.read(lambda c: load_draft(c, CHANNEL)) is None
    with pytest.raises(ProfileConflict, match="is published or gone"):
        keep(world, text("late"), seen=stale.seen)
    assert keep(world, text("two")).seen != stale.seen


def test_a_text_that_was_made_from_an_older_revision_is_not_published_over_a_newer_one(world):
    put(world, text("one"))
    with pytest.raises(ProfileConflict, match="revision 1 was published by anna meanwhile"):
        put(world, text("ben's"), actor=BEN)
    assert put(world, text("both"), base=1, actor=BEN).revision.number == 2
    assert [each.author for each in world.store.read(lambda c: list_revisions(c, CHANNEL, 9))] == ["ben", "anna"]


def test_a_draft_that_was_compared_with_what_was_published_meanwhile_stands_on_that(world):
    draft = keep(world, text("mine"))
    put(world, text("one"))
    assert keep(world, text("still mine"), seen=draft.seen).base == 0
    now = world.store.read(lambda c: load_draft(c, CHANNEL))
    assert keep(world, text("both"), seen=now.seen, onto=1).base == 1


def test_to_roll_back_publishes_the_old_text_as_a_new_revision(world):
    put(world, text("one"))
    put(world, text("two"), base=1)
    back = roll_back(world.store, world.config, CHANNEL, 1, actor=BEN, reason="two was wrong").revision
    assert (back.number, back.text, back.text_of) == (3, text("one"), 1)
    with pytest.raises(NoSuchRevision, match="web has no revision 9"):
        roll_back(world.store, world.config, CHANNEL, 9, actor=BEN, reason="why not")
    entries = world.store.read(lambda c: list_audit(c, AuditFilter(text="profile:web"), limit=9))
    assert [(each.action, each.before, each.after) for each in entries] == [
        ("profile rolled back", "revision 2", "revision 3"),
        ("profile published", "revision 1", "revision 2"),
        ("profile published", "", "revision 1"),
    ]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (text().replace("to: note", "to: nota"), "web, revision 1:5:"),
        (text().replace("extends: woocommerce", "extends: nothing"), "extends"),
        ("x" * (256 * 1024 + 1), "more than 256 KiB"),
    ],
)
def test_what_is_no_profile_of_the_channel_is_not_published(world, what, told):
    with pytest.raises(ConfigError, match=told):
        put(world, what)
    assert world.store.read(lambda c: load_published(c, CHANNEL)) is None


def test_what_says_nothing_new_or_has_no_reason_is_refused(world):
    put(world, text())
    with pytest.raises(Refusal, match="this is what revision 1 says already"):
        put(world, text(), base=1)
    with pytest.raises(Refusal, match="say why"):
        put(world, text("two"), base=1, reason=" ")


def test_a_profile_with_a_long_name_keeps_no_order_from_being_saved(world):
    put(world, text().replace("profile: own", f"profile: {'o' * 60}"))
    order = world.shop.place()
    world.carry()
    assert made_of(world, order) == ("from the profile", 1)
    [row] = world.rows(select(orders.c.mapping_version))
    assert len(row.mapping_version) == 64
