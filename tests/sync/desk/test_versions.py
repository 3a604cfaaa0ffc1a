"""What the shop has changed of an order is told field by field, from one of its words to the next."""

from __future__ import annotations

import dataclasses

import pytest

from sync.desk.versions import changed_by_shop
from sync.flows.rows import entry
from sync.rules.corrections import MISSING
from sync.store.bodies import pack
from sync.store.orders import load_order
from tests.sync.flows.world import CHANNEL, World


@pytest.fixture
def world(sqlite_store):
    return World(sqlite_store)


def meant(world, order):
    """Before any drain has looked at it."""
    return world.store.read(lambda c: load_order(c, CHANNEL, order, "erp"))


def changed(world, order, **changes):
    world.shop.change(order, **changes)
    world.pull()


@pytest.fixture
def order(world):
    """An order of which the shop has told twice."""
    number = world.shop.place()
    world.pull()
    changed(world, number, customer_note="second floor", status="on-hold")
    return number


def test_each_field_that_differs_is_told_with_what_it_was(world, order):
    found = changed_by_shop(world.store, world.config, meant(world, order))
    paths = {str(each): (each.before, each.after) for each in found.changes}
    assert paths["customer_note"][1] == "second floor"
    assert paths["status"] == ("processing", "on-hold")
    assert found.before.received_at < found.after.received_at
    assert "line_items" not in str(paths)


def test_lines_are_known_by_their_ids_whether_they_came_went_or_stayed(world, order):
    first = world.shop.orders[order]["line_items"][0]
    other = {**first, "id": 777, "sku": "KANNE"}
    changed(world, order, line_items=[{**first, "quantity": 9}, other])
    found = changed_by_shop(world.store, world.config, meant(world, order))
    paths = {str(each): each for each in found.changes}
    assert paths[f"line_items[id={first['id']}].quantity"].after == 9
    assert (paths["line_items[id=777]"].before, paths["line_items[id=777]"].after["sku"]) == (MISSING, "KANNE")
    changed(world, order, line_items=[other])
    found = changed_by_shop(world.store, world.config, meant(world, order))
    gone = next(each for each in found.changes if str(each) == f"line_items[id={first['id']}]")
    assert gone.after is MISSING


def test_an_older_word_is_compared_with_the_one_before_it(world, order):
    changed(world, order, customer_note="third floor")
    newest = changed_by_shop(world.store, world.config, meant(world, order))
    older = changed_by_shop(world.store, world.config, meant(world, order), newest.before.id)
    assert {str(each) for each in older.changes} >= {"status", "customer_note"}
    assert "status" not in {str(each) for each in newest.changes}
    assert changed_by_shop(world.store, world.config, meant(world, order), older.before.id) is None
    assert changed_by_shop(world.store, world.config, meant(world, order), 10**9) is None


def test_a_notice_that_only_names_the_order_is_no_version_of_it(world, order):
    [envelope] = world.shop.fetch_orders([order])
    notice = dataclasses.replace(envelope, payload={"id": order}, version="9999")
    row = entry("shop", notice, source="webhook")
    world.tell(dataclasses.replace(row, body=pack(row.body)))
    found = changed_by_shop(world.store, world.config, meant(world, order))
    assert {str(each) for each in found.changes} >= {"status", "customer_note"}


def test_only_so_many_fields_are_told_and_the_others_are_counted(world, order):
    for value in range(2):
        changed(world, order, x_plugin={f"field_{number}": value for number in range(150)})
    found = changed_by_shop(world.store, world.config, meant(world, order))
    assert (len(found.changes), found.more) == (100, 51)


def test_an_order_of_which_the_shop_has_told_once_has_no_change(world):
    number = world.shop.place()
    world.pull()
    assert changed_by_shop(world.store, world.config, meant(world, number)) is None
