"""The forecast: what nobody knows is told before it stops an order, with what it may be meant as."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from config.model import AfterImport, Depth, Mode
from mappings.canonical.records import Payment
from mappings.canonical.refs import Ref
from mappings.canonical.schemas import order_from_json
from sync.desk.forecast import closed_since, forecast, last_forecast, needed_of
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookups import save_lookups
from sync.rules.lookups import load_lookups
from sync.rules.similar import Similar
from sync.store.audit import Actor
from sync.store.bodies import load_json, unpack
from sync.store.tables import metadata, orders
from tests.sync.desk.test_corrections import with_sku
from tests.sync.flows.stock_world import ONE, StockWorld
from tests.sync.flows.world import CHANNEL, World

#: The shop's orders of these tests are old, and stay.
LONG = 36_500


@pytest.fixture
def world(store):
    made = World(store)
    made.erp.articles["TASSE-ROT"] = dict(made.erp.articles["TASSE"], id="TASSE-ROT")
    return made


def look(world, **options):
    return forecast(world.store, world.systems.channel(CHANNEL), days=LONG, **options)


def save(world, *rows):
    save_lookups(world.store, world.config, rows, actor=Actor("anna"))


def gaps(found):
    return {(gap.table, gap.value): (gap.stops, gap.orders, gap.money) for gap in found.gaps}


def test_a_value_is_told_with_its_orders_and_money_before_any_of_them_is_stopped(world):
    for sku in ("ALT", "ALT", "TASSE"):
        world.shop.place(sku=sku, customer=f"{sku}{len(world.shop.orders)}")
    odd = world.shop.place(status="on-the-moon")
    world.pull()
    found = look(world)
    assert (found.orders, found.in_shop) == (4, 0)
    assert gaps(found) == {
        ("sku", "ALT"): (True, 2, {"EUR": Decimal("40.00")}),
        ("order_state", "on-the-moon"): (True, 1, {}),
    }
    assert [gap.examples for gap in found.gaps if gap.table == "order_state"] == [(odd,)]
    assert {item.state for item in world.items()} == {"ready"}
    world.drain()
    assert gaps(look(world)) == gaps(found)


def test_what_has_gone_over_held_or_waits_is_read_and_what_the_policy_leaves_out_is_not(world):
    world.shop.place(sku="ALT", status="pending")
    world.shop.place(sku="OTHER", status="cancelled")
    world.carry()
    assert set(gaps(look(world))) == {("sku", "ALT")}


def test_before_go_live_the_shop_itself_is_read_and_nothing_is_written_but_the_report(world):
    world.shop.place(sku="ALT")

    def rows():
        tables = [table for table in metadata.sorted_tables if table.name != "reports"]
        return world.store.read(
            lambda c: {t.name: c.execute(select(func.count()).select_from(t)).scalar() for t in tables}
        )

    before = rows()
    found = look(world)
    assert (found.orders, found.in_shop) == (1, 1)
    assert set(gaps(found)) == {("sku", "ALT")}
    assert rows() == before
    assert look(world, shop=False).orders == 0


def test_what_a_row_covers_is_no_gap_and_a_row_into_nowhere_is_one(world):
    for sku in ("ALT-1", "ALT-2"):
        world.shop.place(sku=sku, customer=sku)
    save(world, LookupRow("sku", "ALT-*", "TASSE"), LookupRow("sku", "ALT-2", "GONE"))
    [gap] = look(world).gaps
    assert (gap.value, gap.mapped) == ("ALT-2", "GONE")


def test_a_payment_method_is_a_gap_only_where_orders_are_held_for_it(store):
    for mode, wanted in ((Mode.HOLD, {("payment_method", "cod")}), (Mode.OFF, set())):
        world = World(store, rules={"payment_method": mode})
        world.shop.place(payment_method="cod")
        assert set(gaps(look(world))) == wanted


def test_what_comes_close_is_suggested_and_taken_by_nobody(world):
    world.shop.place(sku="tasse rot.")
    world.shop.place(sku="TASSE-ROT", customer="b")
    world.shop.place(sku="QQQQ", customer="c")
    world.carry()
    found = {gap.value: [(each.target, each.likeness) for each in gap.suggestions] for gap in look(world).gaps}
    assert found == {"tasse rot.": [("TASSE-ROT", 100)], "QQQQ": []}
    assert world.store.read(lambda c: load_lookups(c, world.config.channels[CHANNEL])).find("sku", "tasse rot.") is None


def test_articles_of_an_erp_whose_stock_was_never_read_are_asked_for(sqlite_store):
    world = StockWorld(sqlite_store, channels=(ONE,))
    world.offer("KANNE-BLAU", 3)
    world.shop.place(sku="kanne blau")
    found = forecast(world.store, world.systems.channel(ONE), days=LONG)
    assert [(gap.value, [each.target for each in gap.suggestions]) for gap in found.gaps] == [
        ("kanne blau", ["KANNE-BLAU"])
    ]


def test_the_last_look_is_kept_and_loses_what_a_row_says_by_now(world):
    world.shop.place(sku="ALT")
    world.shop.place(sku="OTHER", customer="b")
    found = look(world)
    assert last_forecast(world.store, CHANNEL) == found
    assert last_forecast(world.store, "nowhere") is None
    save(world, LookupRow("sku", "ALT", "TASSE"))
    lookups = world.store.read(lambda c: load_lookups(c, world.config.channels[CHANNEL]))
    assert [gap.value for gap in closed_since(lookups, found).gaps] == ["OTHER"]


@pytest.mark.parametrize(
    ("value", "targets"),
    [("tee assam 100", ["TEE-ASSAM-100"]), ("TEE-ASAM-100", ["TEE-ASSAM-100"]), ("xyz", []), ("--", [])],
)
def test_signs_and_case_make_no_difference_and_a_guess_is_no_suggestion(value, targets):
    similar = Similar(["TEE-ASSAM-100", "KANNE", "--"])
    assert [each.target for each in similar.to(value)] == targets


def test_what_a_similar_value_was_translated_to_is_suggested_once():
    similar = Similar({"paypal": "PP", "paypal-express": "PP", "PP": "PP"})
    assert [each.target for each in similar.to("paypal_expres")] == ["PP"]


def test_a_payment_that_is_to_be_booked_needs_what_its_booking_needs(sqlite_store):
    world = World(sqlite_store)
    world.shop.place()
    world.carry()
    systems = world.systems.channel(CHANNEL)
    [order] = [order_from_json(load_json(unpack(row.canonical))) for row in world.rows(select(orders.c.canonical))]
    payment = Payment(gateway="card", title="", amount=order.totals.grand, reference="", paid_at=None)
    order = dataclasses.replace(order, payments=(payment,))
    booked = dataclasses.replace(
        systems,
        channel=dataclasses.replace(systems.channel, after_import=AfterImport(payments=Depth.DRAFT)),
        erp_facets=SimpleNamespace(payment_references=lambda one, _: {Ref("payment_method", one.gateway)}),
    )
    assert needed_of(booked, order) - needed_of(systems, order) == {Ref("payment_method", "card")}


def test_what_a_person_has_corrected_of_an_order_needs_no_row(world):
    one, other = (world.shop.place(sku="ALT", customer=name) for name in "ab")
    world.pull()
    with_sku(world, "TASSE", one)
    assert gaps(look(world)) == {("sku", "ALT"): (True, 1, {"EUR": Decimal("20.00")})}
    with_sku(world, "TASSE", other)
    assert gaps(look(world)) == {}
