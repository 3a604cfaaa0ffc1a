"""Correcting one order by hand: kept as a layer, replayed, overtaken by the shop, taken back."""

from __future__ import annotations

import copy

import pytest
from sqlalchemy import select

from sync.desk.corrections import ChangedMeanwhile, Mistakes, check, draft_of, keep_correction, original_of, take_back
from sync.desk.lineage import lineage_of
from sync.desk.passport import load_passport, passport_to_json
from sync.desk.steering import approve_order, reject_order
from sync.rules.corrections import Basis, set_field
from sync.store.audit import Actor
from sync.store.bodies import load_json, unpack
from sync.store.orders import load_canonical
from sync.store.tables import audit, corrections
from tests.sync.flows.shop import payload
from tests.sync.flows.world import CHANNEL, World

ANNA, BEN = Actor("anna", "console 127.0.0.1"), Actor("ben", "console 127.0.0.1")


@pytest.fixture
def world(sqlite_store):
    return World(sqlite_store)


def systems(world):
    return world.systems.channel(CHANNEL)


def meant(world, number="1"):
    [order] = world.find(number)
    return order


def draft(world, number="1", basis=None):
    return draft_of(world.store, systems(world), meant(world, number), basis)


def corrected(world, number="1", *, actor=ANNA, reason="the customer called", on=None, **fields):
    """Correct fields (`lines_0_sku`: `lines[0].sku`) of the draft that is true now, or of `on`."""
    found = on or draft(world, number)
    document = copy.deepcopy(found.document)
    for name, value in fields.items():
        set_field(document, name.replace("__", "."), value)
    return keep_correction(
        world.store,
        systems(world),
        meant(world, number),
        document,
        seen=found.seen,
        actor=actor,
        reason=reason,
        basis=found.basis,
    )


def with_sku(world, sku, number="1", **how):
    """Call the first line's article that."""
    found = how.get("on") or draft(world, number)
    document = copy.deepcopy(found.document)
    document["lines"][0]["sku"] = sku
    return keep_correction(
        world.store,
        systems(world),
        meant(world, number),
        document,
        seen=found.seen,
        actor=how.get("actor", ANNA),
        reason="the article is called so now",
    )


def mistakes(world, change, number="1", basis=None):
    found = draft(world, number, basis)
    document = copy.deepcopy(found.document)
    change(document)
    with pytest.raises(Mistakes) as refusal:
        check(world.store, systems(world), meant(world, number), found, document)
    return {(problem.path, str(problem.reason)) for problem in refusal.value.problems}


def stopped(world, sku="ALT"):
    number = world.shop.place(sku=sku)
    world.carry()
    assert world.causes() == {"unknown_sku": 1}
    return number


def canonical(world, number="1"):
    return load_json(unpack(world.store.read(lambda c: load_canonical(c, meant(world, number).id))))


# --- keeping one -------------------------------------------------------------------------------------------------


def test_a_corrected_article_lets_the_order_go_and_what_the_shop_sent_stays(world):
    number = stopped(world)
    made = with_sku(world, "TASSE")
    assert (made.number, made.basis, [str(change) for change in made.changes]) == (
        1,
        Basis.ORDER,
        ["lines[external_id=1].sku"],
    )
    world.drain()
    assert (world.item(number).state, world.causes(), len(world.sales(number))) == ("done", {}, 1)
    page = passport_to_json(load_passport(world.store, world.config, meant(world)))
    [told] = page["corrections"]
    assert (told["by"], told["counts"], told["reason"]) == ("anna", True, "the article is called so now")
    assert told["changes"] == [{"field": "lines[external_id=1].sku", "before": "ALT", "after": "TASSE"}]
    assert canonical(world)["lines"][0]["sku"] == "TASSE"
    assert load_json(original_of(world.store, meant(world), 1))["lines"][0]["sku"] == "ALT"
    [noted] = world.rows(select(audit.c.actor, audit.c.after, audit.c.reason).where(audit.c.action == "correct"))
    # What stands in the fields is kept in one place only.
    assert tuple(noted) == ("anna", "1: lines[0].sku", "the article is called so now")


def test_who_is_killed_after_keeping_it_has_lost_nothing_and_a_second_drain_makes_nothing_twice(world):
    number = stopped(world)
    with_sku(world, "TASSE")
    # Nobody rang: the dispatcher finds that it is due.
    world.bell.rings.clear()
    world.dispatcher.look()
    assert world.bell.rings == [(CHANNEL, "order")]
    for countdown in range(2, 14, 3):
        world.fragile.countdown = countdown
        world.drain()
        world.settle()
    world.drain()
    assert (world.item(number).state, len(world.sales(number))) == ("done", 1)


def test_an_order_that_cannot_be_mapped_is_corrected_in_the_shops_own_document(world):
    order = payload(1)
    order["billing"]["country"] = "Germany"
    world.shop.put(order)
    world.carry()
    assert world.causes() == {"mapping": 1}
    found = draft(world)
    assert (found.basis, [problem.path for problem in found.problems]) == (Basis.SOURCE, ["billing.country"])
    corrected(world, billing__country="DE")
    world.drain()
    assert world.item("1").state == "done"
    assert canonical(world)["billing"]["country"] == "DE"
    # Now there is an order, and what is corrected of that is a layer of its own.
    second = corrected(world, billing__city="Bonn")
    assert (second.number, second.basis) == (2, Basis.ORDER)
    page = load_passport(world.store, world.config, meant(world))
    assert page.counting == {1, 2}


@pytest.mark.parametrize(
    ("change", "where", "words"),
    [
        (lambda order: order["lines"][0].update(total="19.00"), "totals.grand", "the parts of the order add up to"),
        (lambda order: order["lines"][0].update(tax="1.00"), "lines", "the taxes of its parts add up to 1.00"),
        (lambda order: order["totals"].update(grand="1.00"), "totals.grand", "the shop alone says this"),
        (lambda order: order.update(external_id="2"), "external_id", "the shop alone says this"),
        (lambda order: order.update(state="completed"), "state", "the shop alone says this"),
        (lambda order: order["lines"].clear(), "lines", "none can be added or taken away"),
        (lambda order: order["lines"][0].update(quantity="viele"), "lines[0].quantity", "found 'viele', expected"),
        (lambda order: order["shipping"].update(country="Germany"), "shipping.country", "found 'Germany', expected"),
        (lambda order: order["shipping"].update(planet="Mars"), "shipping.planet", "is not a field of this record"),
        (lambda order: order.update(note="a\0b"), "note", "NUL"),
        (lambda order: None, "", "nothing is different from what counts already"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(world, change, where, words):
    stopped(world)
    [(path, reason)] = mistakes(world, change)
    assert path == where
    assert words in reason
    assert world.rows(select(corrections)) == []


def test_without_a_reason_nothing_is_kept(world):
    stopped(world)
    with pytest.raises(Mistakes, match="say why"):
        corrected(world, reason=" \n", note="x")
    assert world.rows(select(corrections)) == []


def test_what_was_approved_before_is_held_again_for_it_is_another_order_now(sqlite_store):
    world = World(sqlite_store, value_limits={"EUR": 5})
    world.shop.place()
    world.carry()
    approve_order(world.store, meant(world), actor=ANNA, reason="known customer")
    corrected(world, note="deliver to the neighbour")
    world.drain()
    assert world.causes() == {"value_limit": 1}


# --- somebody was faster -----------------------------------------------------------------------------------------


def test_of_two_people_the_second_is_told_what_the_first_has_corrected(world):
    stopped(world)
    seen = draft(world)
    with_sku(world, "TASSE", on=seen)
    with pytest.raises(ChangedMeanwhile, match=r"anna has corrected it: lines\[0\]\.sku. Nothing was kept"):
        corrected(world, on=seen, actor=BEN, note="leave it at the door")
    # With what is true now both stand, in one correction that names all of it.
    corrected(world, actor=BEN, note="leave it at the door")
    assert [len(each.changes) for each in load_passport(world.store, world.config, meant(world)).corrections] == [1, 2]
    world.drain()
    assert (canonical(world)["note"], canonical(world)["lines"][0]["sku"]) == ("leave it at the door", "TASSE")


def test_a_version_that_came_meanwhile_is_told_and_nothing_is_overwritten(world):
    number = stopped(world)
    seen = draft(world)
    world.shop.change(number, customer_note="please hurry")
    world.pull()
    with pytest.raises(ChangedMeanwhile, match="the shop has sent another version"):
        with_sku(world, "TASSE", on=seen)
    assert world.rows(select(corrections)) == []
    # What was typed fits what is true now.
    made, conflicts = draft(world).with_changes(check_changes(world, seen))
    assert (made["note"], made["lines"][0]["sku"], conflicts) == ("please hurry", "TASSE", ())


def check_changes(world, seen):
    document = copy.deepcopy(seen.document)
    document["lines"][0]["sku"] = "TASSE"
    return check(world.store, systems(world), meant(world), seen, document)


@pytest.mark.parametrize("moment", range(8, 21, 4))
def test_it_is_kept_while_a_drain_has_the_order_and_is_never_lost_behind_its_sale(world, moment):
    number = world.shop.place()
    world.pull()
    struck = []

    def strike():
        struck.append(world.item(number).state)
        corrected(world, shipping__city="Bonn")

    world.fragile.strike, world.fragile.countdown = strike, moment
    world.drain()
    world.drain()
    assert struck == ["leased"]
    assert len(world.sales(number)) == 1
    assert canonical(world)["shipping"]["city"] == "Bonn"
    # Either the sale was made with it, or it goes the way of every change after import.
    assert world.causes() in ({}, {"changed_after_import": 1})


def test_lineage_names_who_corrected_a_field_and_what_the_mapping_had_made_of_it(world):
    stopped(world)
    with_sku(world, "TASSE")
    corrected(world, note="ring twice", actor=BEN, reason="he wrote so")
    world.drain()
    found = lineage_of(world.store, systems(world), meant(world))
    told = {each.origin.field: each.to_json() for each in found.fields}
    sku, note = told["lines[0].sku"], told["note"]
    assert (sku["value"], sku["by"], sku["word"]) == ("TASSE", "person", "the article is called so now")
    assert sku["where"].startswith("correction 1 by anna, 20")
    assert sku["reads"] == [{"path": "lines[0].sku", "value": "ALT"}]
    assert (note["value"], note["word"], note["where"][:19]) == ("ring twice", "he wrote so", "correction 2 by ben")
    assert told["lines[0].name"]["by"] == "base"
    assert found.remarks == ()


# --- the shop goes on --------------------------------------------------------------------------------------------


def test_it_holds_for_a_later_version_that_leaves_its_fields_alone(world):
    number = stopped(world)
    with_sku(world, "TASSE")
    line = dict(payload(1)["line_items"][0], id=7, sku="TASSE", subtotal="0.00", total="0.00", name="a gift")
    lines = [line, world.shop.orders[number]["line_items"][0]]
    world.shop.change(number, customer_note="later", line_items=lines)
    world.carry()
    assert world.item(number).state == "done"
    made = canonical(world)
    assert [each["sku"] for each in made["lines"]] == ["TASSE", "TASSE"]
    assert made["note"] == "later"


def test_a_field_that_the_shop_changed_too_holds_the_order_until_a_person_decides(world):
    number = stopped(world)
    with_sku(world, "TASSE")
    changed = [dict(world.shop.orders[number]["line_items"][0], sku="KANNE")]
    world.shop.change(number, line_items=changed)
    world.carry()
    assert world.causes()["correction_outdated"] == 1
    assert world.sales(number) == []
    page = load_passport(world.store, world.config, meant(world))
    [stop] = [each for each in page.stops if each.cause == "correction_outdated"]
    assert stop.details == (
        ("lines[external_id=1].sku", "corrected from 'ALT' to 'TASSE', and the shop says 'KANNE' since"),
    )
    assert draft(world).document["lines"][0]["sku"] == "KANNE"


def test_it_is_no_conflict_where_the_shop_says_the_same_by_now(world):
    number = stopped(world)
    with_sku(world, "TASSE")
    world.shop.change(number, line_items=[dict(world.shop.orders[number]["line_items"][0], sku="TASSE")])
    world.carry()
    assert (world.item(number).state, world.causes()) == ("done", {})


@pytest.mark.parametrize("way", ["anew", "taken back", "approved"])
def test_every_way_out_of_that_ends_with_one_sale(world, way):
    number = stopped(world, "ALT")
    with_sku(world, "ALT-2")
    world.drain()
    world.shop.change(number, line_items=[dict(world.shop.orders[number]["line_items"][0], sku="TASSE")])
    world.carry()
    assert "correction_outdated" in world.causes()
    if way == "anew":
        document = draft(world).document
        corrected(world, on=draft(world), note="seen") if document else None
    elif way == "taken back":
        take_back(world.store, systems(world), meant(world), 1, actor=BEN, reason="the shop is right")
    else:
        approve_order(world.store, meant(world), actor=BEN, reason="the shop is right")
    world.drain()
    assert (world.item(number).state, world.causes(), len(world.sales(number))) == ("done", {}, 1)
    assert canonical(world)["lines"][0]["sku"] == "TASSE"


def test_an_order_that_was_cancelled_in_the_shop_is_not_held_for_it(world):
    number = stopped(world)
    with_sku(world, "TASSE")
    changed = [dict(world.shop.orders[number]["line_items"][0], sku="KANNE")]
    world.shop.change(number, status="cancelled", line_items=changed)
    world.carry()
    assert (world.item(number).state, world.causes()) == ("skipped", {})


# --- an order that the ERP has -----------------------------------------------------------------------------------


def test_an_order_with_a_sale_goes_the_way_of_a_change_and_makes_no_second_one(world):
    number = world.shop.place()
    world.carry()
    corrected(world, shipping__city="Bonn")
    world.drain()
    assert (world.causes(), len(world.sales(number))) == ({"changed_after_import": 1}, 1)
    approve_order(world.store, meant(world), actor=ANNA, reason="done by hand")
    world.drain()
    assert (world.item(number).state, len(world.sales(number))) == ("done", 1)


# --- the way back ------------------------------------------------------------------------------------------------


def test_the_newest_one_is_taken_back_and_the_one_before_counts_again(world):
    stopped(world)
    corrected(world, note="one")
    corrected(world, note="two", actor=BEN)
    with pytest.raises(LookupError, match="correction 1 of order WC-1 does not count"):
        take_back(world.store, systems(world), meant(world), 1, actor=ANNA, reason="x")
    seen = draft(world)
    take_back(world.store, systems(world), meant(world), 2, actor=ANNA, reason="he called again")
    assert draft(world).document["note"] == "one"
    with pytest.raises(ChangedMeanwhile, match="a correction was taken back"):
        corrected(world, on=seen, note="three")
    take_back(world.store, systems(world), meant(world), 1, actor=ANNA, reason="and again")
    assert draft(world).document["note"] == payload(1)["customer_note"]
    told = load_passport(world.store, world.config, meant(world))
    assert [(each.number, each.ended_by, each.ended_reason) for each in told.corrections] == [
        (1, "anna", "and again"),
        (2, "anna", "he called again"),
    ]
    assert corrected(world, note="four").number == 3


def test_what_is_not_carried_over_is_not_corrected(world):
    stopped(world)
    reject_order(world.store, meant(world), actor=ANNA, reason="a test")
    with pytest.raises(LookupError, match="is not carried over: let it be looked at again"):
        draft(world)


def test_an_order_that_waits_is_corrected_beforehand(world):
    number = world.shop.place(status="on-hold", date_paid_gmt=None)
    world.carry()
    assert world.item(number).state == "waiting"
    corrected(world, billing__city="Bonn")
    world.drain()
    assert world.item(number).state == "waiting"
    world.shop.change(number, status="processing")
    world.carry()
    assert world.item(number).state == "done"
    assert canonical(world)["billing"]["city"] == "Bonn"
