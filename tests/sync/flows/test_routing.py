"""From which warehouse orders are sent: chosen once, by what is there, and kept to; over real drains."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import threading
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from config.model import Routing, RoutingRule, ShortLines, StockPolicy
from connectors.kit.errors import Transient
from sync.desk.passport import load_passport
from sync.desk.steering import approve_order, retry_again, retry_orders
from sync.desk.stock import explain
from sync.flows import routing
from sync.flows.dryrun import rehearse
from sync.flows.pull import pull
from sync.flows.stock.ahead import capture_ahead
from sync.store.audit import Actor
from sync.store.orders import load_order
from sync.store.tables import channel_states, order_routes, orders
from sync.work.rehearse import dry_run as dry_run_of
from tests.sync.flows.erp import Crash
from tests.sync.flows.routing_world import ALL, RoutedWorld, always
from tests.sync.flows.shop import PLACED
from tests.sync.flows.stock_world import MAIN, ONE, SECOND, TWO
from tests.sync.flows.trade import CHANNEL, CUP, trading

ME = Actor("test")
HOLD = {"short": ShortLines.HOLD}
DRAFTS = {"document_state": "draft"}


def held(store, **options):
    """A world where an order waits for two pots."""
    world = RoutedWorld(store, routing=HOLD, **options)
    world.stock("TASSE", MAIN=5, SECOND=5)
    world.stock("KANNE", MAIN=1, SECOND=0)
    world.run()
    order = world.buy(("TASSE", 1), ("KANNE", 2))
    world.capture()
    return world, order


def test_the_warehouse_that_has_every_line_sends_the_order(store):
    world = RoutedWorld(store)
    world.stock("TASSE", MAIN=5, SECOND=2)
    world.stock("KANNE", MAIN=0, SECOND=1)
    world.run()
    order = world.buy(("TASSE", 2), ("KANNE", 1))
    world.capture()
    assert world.sent_from(order) == SECOND
    assert world.routes() == [("default", SECOND, False)]
    one = load_passport(world.store, world.config, world.order(order))
    assert one.route.reason == "rule default: SECOND has all of it; MAIN lacks 1 x KANNE"
    assert one.route.read_at < one.route.routed_at
    assert one.route.reason in [moment.text for moment in one.timeline]


def test_a_rule_with_conditions_goes_first_for_those_whom_it_fits(sqlite_store):
    world = RoutedWorld(sqlite_store, always(SECOND, countries=("AT",)), ALL)
    world.stock("TASSE", MAIN=5, SECOND=0)
    world.run()
    here, there = world.buy(("TASSE", 1)), world.buy(("TASSE", 1), to={"country": "AT"})
    world.capture()
    assert (world.sent_from(here), world.sent_from(there)) == (MAIN, SECOND)


def test_a_mapping_that_needs_a_warehouse_has_one_where_rules_choose(sqlite_store):
    world = RoutedWorld(sqlite_store, always(SECOND, countries=("AT",)), ALL)
    assert world.systems.channel(ONE).target_options.settings == {"warehouse": MAIN}
    named = RoutedWorld(sqlite_store, ALL, policies={"target": {"warehouse": SECOND}})
    assert named.systems.channel(ONE).target_options.settings == {"warehouse": SECOND}


def test_without_rules_nothing_is_said_of_the_warehouse(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.change(rules=())
    world.stock("TASSE", MAIN=0, SECOND=5)
    world.run()
    order = world.buy(("TASSE", 1))
    world.capture()
    assert (world.sent_from(order), world.routes(), world.places()) == ("", [], [("", 1)])


# --- what is there ----------------------------------------------------------------------------------------------


def test_an_article_of_which_nothing_is_known_is_asked_for_first(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=0, SECOND=5)
    order = world.buy(("TASSE", 1))
    world.capture()
    assert world.erp.readings == [["TASSE"]]
    assert world.sent_from(order) == SECOND


def test_stock_that_was_looked_at_too_long_ago_is_read_again_before_it_decides(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=5, SECOND=5)
    world.run()
    world.stock("TASSE", MAIN=0)
    believed = world.buy(("TASSE", 1))
    world.capture()
    world.change(max_age_s=0.0)
    read = world.buy(("TASSE", 1))
    world.capture()
    assert (world.sent_from(believed), world.sent_from(read)) == (MAIN, SECOND)


def test_an_order_waits_while_the_stock_that_decides_cannot_be_read(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=5)
    order = world.buy(("TASSE", 1))
    world.erp.stock_errors.append(Transient("nobody answers"))
    world.capture()
    assert (world.order(order).state, world.sent_from(order), world.routes()) == ("ready", None, [])
    world.forward(60)
    world.drain()
    assert world.sent_from(order) == MAIN


def test_what_the_erp_keeps_no_stock_of_makes_nothing_short(sqlite_store):
    world = RoutedWorld(sqlite_store, routing=HOLD)
    world.erp.articles["SERVICE"] = dict(world.erp.articles["TASSE"], id="SERVICE")
    world.stock("TASSE", MAIN=0, SECOND=1)
    world.run()
    order = world.buy(("TASSE", 1), ("SERVICE", 3))
    world.capture()
    assert world.sent_from(order) == SECOND


def test_a_warehouse_that_the_erp_does_not_have_holds_and_names_it(sqlite_store):
    world = RoutedWorld(sqlite_store, RoutingRule(name="default", warehouses=(MAIN, "THIRD")))
    world.stock("TASSE", MAIN=5)
    world.buy(("TASSE", 1))
    world.capture()
    assert world.causes() == {"unknown_warehouse": 1}
    world.change(rules=(ALL,))
    retry_orders(world.store, orders=[world.order("1")], actor=ME)
    world.drain()
    assert world.sent_from("1") == MAIN


# --- short ------------------------------------------------------------------------------------------------------


def test_what_is_short_is_back_ordered_at_the_first_warehouse(sqlite_store):
    world = RoutedWorld(sqlite_store, RoutingRule(name="default", warehouses=(SECOND, MAIN)))
    world.stock("TASSE", MAIN=1, SECOND=0)
    world.run()
    order = world.buy(("TASSE", 2))
    world.capture()
    assert world.sent_from(order) == SECOND
    assert world.routes() == [("default", SECOND, True)]


def test_what_is_short_is_held_with_what_each_warehouse_has(sqlite_store):
    world, order = held(sqlite_store)
    assert (world.sent_from(order), world.routes()) == (None, [])
    assert world.causes() == {"short_stock": 1}
    [stop] = load_passport(world.store, world.config, world.order(order)).stops
    [(path, reason)] = stop.details
    assert path == "lines"
    assert reason.splitlines()[1:] == [
        "article  wanted  MAIN  SECOND",
        "TASSE         1     5       5",
        "KANNE         2     1       0",
    ]


def test_it_goes_on_by_itself_when_one_warehouse_has_all_of_it(store):
    world, order = held(store)
    world.stock("KANNE", SECOND=1)
    world.run()
    assert world.order(order).state == "held"
    world.stock("KANNE", SECOND=2)
    world.run()
    world.drain()
    assert (world.sent_from(order), world.causes()) == (SECOND, {})


def test_it_is_not_looked_at_again_while_there_is_not_enough(sqlite_store):
    world, order = held(sqlite_store)
    before = world.order(order)
    world.stock("KANNE", MAIN=1, SECOND=1)
    world.run()
    world.buy(("KANNE", 1))
    world.capture()
    world.run()
    assert world.order(order) == before


def test_who_approves_it_has_it_back_ordered(sqlite_store):
    world, order = held(sqlite_store)
    approve_order(world.store, world.order(order), actor=ME, reason="the customer waits")
    world.drain()
    assert (world.sent_from(order), world.routes()) == (MAIN, [("default", MAIN, True)])
    assert world.causes() == {}


def test_goods_for_one_release_one_of_two(sqlite_store):
    world = RoutedWorld(sqlite_store, routing=HOLD)
    world.stock("TASSE", MAIN=0, SECOND=0)
    world.run()
    first, second = world.buy(("TASSE", 1)), world.buy(("TASSE", 1))
    world.capture()
    world.stock("TASSE", SECOND=1)
    world.run()
    world.drain()
    assert (world.sent_from(first), world.sent_from(second)) == (SECOND, None)
    assert world.order(second).state == "held"


# --- one piece, several orders ----------------------------------------------------------------------------------


def test_of_two_orders_in_one_batch_the_one_that_was_placed_first_gets_the_last_piece(sqlite_store):
    world = RoutedWorld(sqlite_store, policies=DRAFTS)
    world.stock("TASSE", MAIN=1, SECOND=1)
    world.run()
    first, second = world.buy(("TASSE", 1)), world.buy(("TASSE", 1))
    world.capture()
    assert (world.sent_from(first), world.sent_from(second)) == (MAIN, SECOND)
    assert world.places() == [(MAIN, 1), (SECOND, 1)]
    assert world.routes() == [("default", MAIN, False), ("default", SECOND, False)]


def test_two_channels_that_choose_at_the_same_moment_do_not_both_take_the_last_piece(store, monkeypatch):
    world = RoutedWorld(store, channels=(ONE, TWO), policies=DRAFTS)
    world.stock("TASSE", MAIN=1, SECOND=1)
    world.run()
    # The later one is counted already, the earlier one is not heard of yet: neither is in the other's way.
    world.buy(("TASSE", 1), channel=TWO, date_created_gmt="2026-11-12T08:00:00")
    world.pull(TWO)
    capture_ahead(world.store, world.systems, "erp")
    world.buy(("TASSE", 1))
    world.pull(ONE)
    meet, choose = threading.Barrier(2), routing._choose

    def choose_together(*args):
        # Both would be here at once, and read the same.
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(0.3)
        return choose(*args)

    monkeypatch.setattr(routing, "_choose", choose_together)
    threads = [threading.Thread(target=world.drain, args=(channel,)) for channel in (ONE, TWO)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # Only one of them may make the customer; the other one has come back for it.
    world.forward(60)
    for channel in (ONE, TWO):
        world.drain(channel)
    assert {world.sent_from("1", ONE), world.sent_from("1", TWO)} == {MAIN, SECOND}


def test_what_another_channel_takes_and_the_erp_does_not_know_yet_counts_each_time(store):
    world = RoutedWorld(store, channels=(ONE, TWO), policies=DRAFTS)
    world.stock("TASSE", MAIN=3, SECOND=3)
    world.run()
    for _ in range(2):
        world.buy(("TASSE", 1), channel=TWO)
        world.capture(TWO)
    order = world.buy(("TASSE", 2))
    world.capture()
    assert world.sent_from(order) == SECOND


def test_what_is_shown_and_what_is_routed_rest_on_the_same_lines(sqlite_store):
    places = {"online": (MAIN, SECOND), "berlin": (SECOND,)}
    world = RoutedWorld(sqlite_store, always(SECOND, countries=("AT",)), ALL, policies=DRAFTS, locations=places)
    world.shop.articles.clear()
    for place in places:
        world.shop.offer("TASSE", 0, location=place)
    world.erp.put_there("TASSE", 5, MAIN)
    world.erp.put_there("TASSE", 3, SECOND)
    world.run()
    world.buy(("TASSE", 1)), world.buy(("TASSE", 2), to={"country": "AT"})
    world.capture()
    assert world.places() == [(MAIN, 1), (SECOND, 2)]
    world.push()
    [article] = explain(world.store, world.config, ONE, "TASSE").articles
    assert {place.name: place.sum.figure for place in article.places} == {"online": 5, "berlin": 1}
    # One more of each than is shown there is one too many to be sent from there.
    for quantity, warehouse in ((4, MAIN), (2, MAIN)):
        world.change(rules=(RoutingRule(name="default", warehouses=(SECOND, MAIN)),))
        order = world.buy(("TASSE", quantity))
        dry = dry_run(world, order)
        assert dry.piece.route.warehouse == warehouse
    assert dry_run(world, world.buy(("TASSE", 1))).piece.route.warehouse == SECOND


# --- kept -------------------------------------------------------------------------------------------------------


def test_an_order_keeps_its_warehouse_while_its_sale_may_stand(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=5, SECOND=5)
    world.run()
    world.erp.fail("create", "never")
    order = world.buy(("TASSE", 1))
    world.capture()
    assert world.order(order).state == "reconcile"
    world.stock("TASSE", MAIN=0)
    world.run()
    world.forward(1000)
    world.drain()
    assert (world.sent_from(order), world.routes()) == (MAIN, [("default", MAIN, False)])


@pytest.mark.parametrize("how", ["crash", "crash_landed"])
def test_what_is_kept_is_what_was_sent_when_the_worker_dies_while_it_makes_the_sale(sqlite_store, how):
    world = RoutedWorld(sqlite_store)
    world.dispatcher._lease_s = {"erp": 0.0}
    world.stock("TASSE", MAIN=5, SECOND=5)
    world.run()
    world.erp.fail("create", how)
    order = world.buy(("TASSE", 1))
    world.pull()
    with pytest.raises(Crash):
        world.drain()
    world.erp.is_dead = False
    world.stock("TASSE", MAIN=0)
    world.read()
    world.forward(1000)
    world.dispatcher.recover()
    world.drain()
    assert (world.sent_from(order), world.routes()) == (MAIN, [("default", MAIN, False)])
    assert len(world.erp.standing(f"{ONE}:{order}")) == 1


def test_an_order_whose_sale_was_refused_is_routed_anew(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=5, SECOND=5)
    world.run()
    world.erp.fail("create", "rejected")
    order = world.buy(("TASSE", 1))
    world.capture()
    assert (world.order(order).state, world.places()) == ("parked", [(MAIN, 1)])
    world.stock("TASSE", MAIN=0)
    world.run()
    retry_orders(world.store, orders=[world.order(order)], actor=ME)
    world.drain()
    assert (world.sent_from(order), world.routes()) == (SECOND, [("default", SECOND, False)])


def test_an_edit_after_the_sale_was_made_moves_nothing(sqlite_store):
    world = RoutedWorld(sqlite_store, always(SECOND, countries=("AT",)), ALL, policies=DRAFTS)
    world.stock("TASSE", MAIN=5, SECOND=5)
    world.run()
    order = world.buy(("TASSE", 1))
    world.capture()
    world.shop.change(order, shipping=world.shop.orders[order]["shipping"] | {"country": "AT"})
    world.capture()
    assert (world.routes(), world.places()) == ([("default", MAIN, False)], [(MAIN, 1)])


def test_an_edit_before_the_sale_is_made_is_routed_as_it_is_now(sqlite_store):
    world = RoutedWorld(sqlite_store, always(SECOND, countries=("AT",)), ALL, routing=HOLD)
    world.stock("TASSE", MAIN=0, SECOND=0)
    world.run()
    order = world.buy(("TASSE", 1))
    world.capture()
    assert world.order(order).state == "held"
    world.shop.change(order, shipping=world.shop.orders[order]["shipping"] | {"country": "AT"})
    world.capture()
    assert (world.sent_from(order), world.routes()) == (SECOND, [("to_second", SECOND, False)])


def test_a_sale_that_is_made_anew_is_routed_anew(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=5, SECOND=5)
    world.run()
    order = world.buy(("TASSE", 1))
    world.capture()
    # Somebody has deleted it there.
    world.erp.sales.clear()
    world.stock("TASSE", MAIN=0)
    world.run()
    retry_again(world.store, orders=[world.order(order)], actor=ME)
    world.drain()
    assert (world.sent_from(order), world.routes()) == (SECOND, [("default", SECOND, False)])


def test_a_sale_that_stands_already_is_not_said_to_be_routed(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=5)
    world.run()
    # As after a backup that was restored: what was placed before is looked up first.
    world.store.write(lambda c: c.execute(update(channel_states).values(trusted_since=PLACED + dt.timedelta(days=9))))
    order = world.buy(("TASSE", 1))
    world.erp.sent_from[f"{ONE}:{order}"] = SECOND
    world.erp.ordered[f"{ONE}:{order}"] = []
    world.erp.enter(f"{ONE}:{order}", "10.00")
    world.capture()
    assert (world.order(order).state, world.routes(), world.places()) == ("done", [], [])


# --- dry run ----------------------------------------------------------------------------------------------------


def dry_run(world, order):
    """What the next drain would do; the connectors of this world send nothing when they are told to fail first."""
    world.pull()
    world.erp.fail("create", "transient")
    try:
        return rehearse(world.store, world.systems.channel(ONE), world.order(order).item_id)
    finally:
        world.erp.faults["create"].clear()


def test_a_dry_run_shows_the_warehouse_and_keeps_nothing(sqlite_store):
    world = RoutedWorld(sqlite_store)
    world.stock("TASSE", MAIN=0, SECOND=5)
    world.run()
    order = world.buy(("TASSE", 1))
    assert dry_run(world, order).piece.route.warehouse == SECOND
    assert world.routes() == []
    assert world.store.read(lambda c: c.execute(select(order_routes)).all()) == []
    assert world.store.read(lambda c: c.execute(select(orders)).all()) == []


def test_a_short_order_says_so_in_a_dry_run(sqlite_store):
    world, order = held(sqlite_store)
    done = dry_run(world, order)
    assert "none of the warehouses" in str(done.error)
    assert Decimal(0) == sum(quantity for place, quantity in world.places("KANNE") if place)


# --- all of it, over real connections ---------------------------------------------------------------------------


@pytest.mark.loopback
def test_an_erp_sends_the_order_from_the_warehouse_that_was_chosen(sqlite_store):
    with trading(sqlite_store, stock=StockPolicy(push=True)) as trade:
        rules = (RoutingRule(name="default", warehouses=("MAIN", "NORTH")),)
        channels: Any = trade.config.channels
        channels[CHANNEL] = dataclasses.replace(channels[CHANNEL], routing=Routing(rules=rules))
        for warehouse, there in (("MAIN", "1"), ("NORTH", "5")):
            trade.in_erp("PUT", "stock", {"code": CUP, "quantity": there, "warehouse": warehouse})
        number = trade.buy((CUP, 2))
        pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
        order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
        # The ERP was not asked for its stock yet, and a dry run writes nothing down.
        assert (
            dry_run_of(trade.store, trade.systems, order).route == "MAIN: rule default: MAIN, nothing of it is counted"
        )
        trade.show_stock()
        assert [shipment["warehouse"] for shipment in trade.sale(number)["shipments"]] == ["NORTH"]
        [row] = trade.rows(select(order_routes))
        assert row.reason == "rule default: NORTH has all of it; MAIN lacks 1 x " + CUP
