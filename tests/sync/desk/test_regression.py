"""What a profile would change is told field by field before it is published, and an export says nothing of people."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import func, select

from config.model import ProfileFile, ShipmentNews
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookups import save_lookups
from sync.desk.regression import masked_documents, replay
from sync.store.audit import Actor
from sync.store.bodies import dump_json
from sync.store.tables import metadata
from tests.sync.desk.test_corrections import with_sku
from tests.sync.desk.test_profiles import text
from tests.sync.flows.world import CHANNEL, World


@pytest.fixture
def world(sqlite_store):
    made = World(sqlite_store)
    for index in range(3):
        made.shop.place(customer=f"c{index}")
    made.pull()
    return made


def compared(world, profile, **how):
    now = world.systems.channel(CHANNEL)
    return replay(world.store, now, now.trying(ProfileFile("draft.yaml", profile)), **how)


def rules(*lines):
    return "profile: own\nextends: woocommerce\nsource:\n" + "\n".join(lines) + "\n"


def test_a_profile_that_changes_nothing_is_told_to(world):
    found = compared(world, rules("  order:", "    - {to: note, copy: source.customer_note}"))
    assert (found.documents, found.differing, found.changes) == (3, 0, ())


def test_the_same_change_of_many_orders_is_told_once_with_how_many_and_some_of_them(world):
    found = compared(world, rules("  lines:", "    - {to: tax_class, constant: reduced}"))
    [canonical] = [each for each in found.changes if each.path == "lines[].tax_class"]
    assert (canonical.after, canonical.orders, len(canonical.examples)) == ('"reduced"', 3, 3)
    assert found.changed == 3


def test_what_the_erp_would_be_sent_is_compared_too(world):
    profile = "profile: own\nextends: woocommerce\nerp:\n  sandbox_erp:\n    order:\n      - {to: x_a, constant: b}\n"
    [change] = compared(world, profile).changes
    assert (change.path, change.before, change.after, change.orders) == ("erp.x_a", "", '"b"', 3)


SHOP = "profile: own\nextends: woocommerce\nshop:\n  woocommerce:\n    "


def test_what_the_shop_would_be_told_is_compared_too(world):
    found = compared(world, SHOP + "fulfilment:\n      - {to: meta_data._depot, constant: north}\n")
    [change] = found.changes
    assert (change.path, change.before, change.after) == ("shop.fulfilment.meta_data._depot", "", '"north"')
    found = compared(world, SHOP + "invoice_marks:\n      - {to: meta_data._ledger, copy: order.number}\n")
    assert {change.path for change in found.changes} == {"shop.invoice_marks.meta_data._ledger"}
    found = compared(world, SHOP + "state:\n      - {to: set_paid, constant: yes, as: flag}\n")
    assert {change.path for change in found.changes} == {"shop.state.completed.set_paid"}


def test_a_rule_for_the_shop_that_stops_an_order_newly_fails_it(world):
    found = compared(world, SHOP + "shipment_note:\n      - {to: x, copy: order.number, then: [{lookup: own}]}\n")
    assert found.newly_fail == 3


def test_what_the_channel_does_not_tell_its_shop_is_not_compared(world):
    channel = world.config.channels[CHANNEL]
    silent = dataclasses.replace(channel.after_import, shipments=ShipmentNews.OFF)
    world.systems.config = dataclasses.replace(
        world.config, channels={CHANNEL: dataclasses.replace(channel, after_import=silent)}
    )
    assert not compared(world, SHOP + "fulfilment:\n      - {to: meta_data._depot, constant: north}\n").changes


def test_orders_that_newly_fail_and_newly_pass_are_told_with_the_reasons(world):
    fails = compared(world, rules("  order:", "    - {to: payment_terms, copy: source.id, then: [{lookup: own}]}"))
    assert (fails.newly_fail, fails.changed, fails.newly_pass) == (3, 0, 0)
    assert "own" in fails.failing[0].reasons[0][1]
    odd = world.shop.place(status="on-the-moon", customer="odd")
    world.pull()
    assert compared(world, rules("  order:", "    - {to: note, constant: x}")).fail_still == 1
    save_lookups(
        world.store, world.config, [LookupRow("order_state", "on-the-moon", "processing")], actor=Actor("anna")
    )
    assert compared(world, rules("  order:", "    - {to: note, constant: x}")).fail_still == 0
    assert odd in {each.external_id for each in compared(world, fails_all()).failing}


def fails_all():
    return rules("  order:", "    - {to: payment_terms, copy: source.id, then: [{lookup: own}]}")


def test_values_that_differ_in_every_order_are_counted_together_beyond_a_few(world):
    for index in range(15):
        world.shop.place(customer=f"d{index}")
    world.pull()
    found = compared(world, rules("  order:", "    - {to: note, copy: source.number}"))
    notes = [each for each in found.changes if each.path == "note"]
    assert sum(each.orders for each in notes) == 18
    assert len(notes) == 11
    assert [each.orders for each in notes if (each.before, each.after) == ("", "")] == [8]


def test_only_so_many_of_the_newest_are_read_and_nothing_is_written(world):
    def rows():
        return world.store.read(
            lambda c: {t.name: c.execute(select(func.count()).select_from(t)).scalar() for t in metadata.sorted_tables}
        )

    before, calls = rows(), sum(world.erp.calls.values())
    assert compared(world, text(), documents=2).documents == 2
    assert (rows(), sum(world.erp.calls.values())) == (before, calls)


def test_an_export_has_pseudonyms_for_people_and_everything_else_as_it_was(world):
    personal = ("first_name", "last_name", "company", "email", "phone", "address_1", "address_2")
    originals = [world.shop.orders[key] for key in sorted(world.shop.orders)]
    masked = {each["id"]: each for each in masked_documents(world.store, world.systems.channel(CHANNEL), 9)}
    for original in originals:
        copy = masked[original["id"]]
        for side in ("billing", "shipping"):
            for name, value in original[side].items():
                if name in personal and value:
                    assert copy[side][name] != value
                    assert value not in dump_json(copy).decode()
                else:
                    assert copy[side][name] == value
        assert copy["line_items"] == original["line_items"]
        assert {name: copy[name] for name in ("id", "total", "status", "currency")} == {
            name: original[name] for name in ("id", "total", "status", "currency")
        }


def test_one_person_has_one_pseudonym_in_an_export_and_another_one_in_the_next(world):
    systems = world.systems.channel(CHANNEL)
    names = [{each["billing"]["last_name"] for each in masked_documents(world.store, systems, 9)} for _ in range(2)]
    assert len(names[0]) == len({order["billing"]["last_name"] for order in world.shop.orders.values()})
    assert names[0].isdisjoint(names[1])


def test_a_masked_document_is_mapped_to_the_same_amounts(world):
    systems = world.systems.channel(CHANNEL)
    for each in masked_documents(world.store, systems, 9):
        made = systems.source_mapping.order(each, systems.source_options)
        original = systems.source_mapping.order(world.shop.orders[str(each["id"])], systems.source_options)
        assert (made.totals, made.lines) == (original.totals, original.lines)


def test_orders_are_compared_with_what_people_have_corrected_of_them(world):
    external_id = world.shop.place(sku="ALT", customer="late")
    world.carry()
    with_sku(world, "TASSE", external_id)
    found = compared(world, rules("  lines:", "    - {to: sku, constant: KANNE}"))
    pairs = {(each.before, each.after) for each in found.changes if each.path == "lines[].sku"}
    assert pairs == {('"TASSE"', '"KANNE"')}
    assert "ALT" not in str(found.changes)


def test_an_export_has_what_the_shop_sent_and_no_correction(world):
    external_id = world.shop.place(sku="ALT", customer="late")
    world.carry()
    with_sku(world, "TASSE", external_id)
    newest = next(masked_documents(world.store, world.systems.channel(CHANNEL), 1))
    assert [line["sku"] for line in newest["line_items"]] == ["ALT"]
