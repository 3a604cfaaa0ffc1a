"""What shops show of an ERP's stock, from reading to writing, over real drains."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from config.model import Backorders, HeldOrders, MissingArticles
from connectors.kit.errors import OutcomeUnknown, RateLimited, RecordRejected, Transient
from sync.desk.corrections import draft_of, keep_correction
from sync.desk.steering import reject_order
from sync.flows.context import Clock
from sync.flows.stock.ahead import capture_ahead
from sync.store.audit import Actor
from sync.store.bodies import load_json, unpack
from sync.store.lookups import save_lookup
from sync.store.orders import find_orders, load_order
from sync.store.stock.items import KIND
from sync.store.stock.levels import Read, begin_reading, load_levels, save_levels
from sync.store.switches import pause, resume
from sync.store.tables import orders
from tests.sync.flows.stock_world import MAIN, ONE, SECOND, TWO, StockWorld


@pytest.fixture
def world(sqlite_store):
    made = StockWorld(sqlite_store)
    made.offer("TASSE", 15)
    made.run()
    return made


def test_a_shop_shows_what_the_erp_has(store):
    world = StockWorld(store)
    world.offer("TASSE", 15)
    world.offer("KANNE", 3)
    world.run()
    assert (world.shop.shows("TASSE"), world.shop.shows("KANNE")) == (15, 3)
    assert world.shown("TASSE").quantity == 15
    assert world.item("TASSE").state == "done"


def test_only_what_changed_is_read_and_written(world):
    world.offer("KANNE", 3)
    world.run()
    assert world.erp.readings == [None, ["KANNE"]]
    assert [[write.article.sku for write in call] for call in world.shop.writes] == [["TASSE"], ["KANNE"]]


def test_a_run_without_a_change_reads_nothing_writes_nothing_and_asks_the_shop_nothing(world):
    before = (len(world.erp.readings), len(world.shop.writes), len(world.shop.looks))
    world.run()
    assert (len(world.erp.readings), len(world.shop.writes), len(world.shop.looks)) == before


def test_a_full_run_without_a_change_writes_nothing(world):
    before = len(world.shop.writes)
    world.run(full=True)
    assert len(world.shop.writes) == before
    assert world.erp.readings[-1] is None


def test_a_full_run_puts_right_what_somebody_typed_into_the_shop(world):
    world.shop.articles["TASSE"].clear()
    world.shop.offer("TASSE", 99)
    world.run()
    assert world.shop.shows("TASSE") == 99
    world.run(full=True)
    assert world.shop.shows("TASSE") == 15


# --- orders -----------------------------------------------------------------------------------------------------


def test_an_order_counts_until_a_reading_that_began_after_its_document_was_seen(sqlite_store):
    world = StockWorld(sqlite_store, policies={"document_state": "draft"}, channels=(ONE, TWO))
    world.offer("TASSE", 15)
    world.run()
    world.run(TWO)
    world.shop.sell("TASSE", 2)
    world.capture()
    world.push(TWO)
    # The other shop shows it at once, though the ERP knows of a draft alone.
    assert world.shops[TWO].shows("TASSE") == 13
    world.erp.moved.append("TASSE")
    world.run()
    world.push(TWO)
    assert (world.shop.shows("TASSE"), world.shops[TWO].shows("TASSE")) == (13, 13)
    assert [row.reserved_at for row in world.captured()] == [None]


def test_what_the_erp_has_reserved_is_subtracted_once(world):
    world.shop.sell("TASSE", 2)
    world.run()
    assert world.erp.figure_of("TASSE") == 13
    assert world.captured() == []
    assert world.shop.shows("TASSE") == 13


def test_a_reading_that_began_before_the_document_was_seen_does_not_end_the_order(world):
    world.shop.sell("TASSE", 2)
    world.erp.on_the_way = lambda: (setattr(world.erp, "on_the_way", lambda: None), world.capture())[1]
    world.reader().articles(["TASSE"])
    assert len(world.captured()) == 1
    world.push()
    # 15 as read before, minus the two.
    assert world.shop.shows("TASSE") == 13
    world.read()
    world.push()
    assert (world.captured(), world.shop.shows("TASSE")) == ([], 13)


def test_an_older_reading_never_overwrites_a_newer_one(store):
    early, late = begin_reading(store, "erp"), begin_reading(store, "erp")
    assert early < late
    store.write(lambda c: save_levels(c, "erp", late, ["TASSE"], [Read("TASSE", MAIN, Decimal(3))]))
    changed = store.write(lambda c: save_levels(c, "erp", early, ["TASSE"], [Read("TASSE", MAIN, Decimal(9))]))
    levels = store.read(lambda c: load_levels(c, "erp", ["TASSE"]))["TASSE"]
    assert (changed, [level.quantity for level in levels]) == (frozenset(), [3])


def test_an_order_that_a_person_rejects_counts_no_longer(sqlite_store):
    world = StockWorld(sqlite_store, policies={"value_limits": {"EUR": Decimal(1)}})
    world.offer("TASSE", 15)
    world.run()
    order = world.shop.sell("TASSE", 2)
    world.run()
    assert world.item("TASSE").state == "done"
    assert [row.held for row in world.captured()] == [True]
    assert world.shop.shows("TASSE") == 13
    found = world.store.read(lambda c: find_orders(c, order, {ONE: "erp"}))
    assert reject_order(world.store, found[0], actor=Actor("test"), reason="test")
    assert world.captured() == []
    world.pull()
    world.push()
    assert world.shop.shows("TASSE") == 15


@pytest.mark.parametrize(("policy", "shown"), [(HeldOrders.COUNT, 13), (HeldOrders.IGNORE, 15)])
def test_held_orders_count_by_policy(sqlite_store, policy, shown):
    world = StockWorld(
        sqlite_store, policies={"value_limits": {"EUR": Decimal(1)}}, channels=(ONE, TWO), held_orders=policy
    )
    world.offer("TASSE", 15)
    world.run()
    world.run(TWO)
    world.shop.sell("TASSE", 2)
    world.capture()
    world.push(TWO)
    assert world.shops[TWO].shows("TASSE") == shown


def test_an_order_that_the_shop_cancels_counts_no_longer(sqlite_store):
    world = StockWorld(sqlite_store, policies={"value_limits": {"EUR": Decimal(1)}})
    world.offer("TASSE", 15)
    world.run()
    order = world.shop.sell("TASSE", 2)
    world.capture()
    assert len(world.captured()) == 1
    world.shop.change(order, status="cancelled", date_modified_gmt="2030-01-01T00:00:00")
    world.capture()
    assert world.captured() == []


# --- what the shop sold that we do not know ---------------------------------------------------------------------


def test_more_is_not_shown_over_a_sale_that_we_do_not_know_yet(world):
    world.shop.take("TASSE", 4)
    world.erp.put_there("TASSE", 20)
    world.read()
    world.push()
    assert world.shop.shows("TASSE") == 11
    assert "orders are pulled first" in world.item("TASSE").reason
    # Nothing came of it: somebody typed it in.
    world.pull()
    world.forward(16)
    world.push()
    assert world.shop.shows("TASSE") == 20


def test_it_waits_until_the_orders_were_really_pulled(world):
    world.shop.take("TASSE", 4)
    world.erp.put_there("TASSE", 20)
    world.read()
    world.push()
    looks = len(world.shop.looks)
    world.forward(16)
    world.push()
    assert world.shop.shows("TASSE") == 11
    assert len(world.shop.looks) == looks


def test_less_is_shown_at_once(world):
    world.shop.take("TASSE", 4)
    world.erp.put_there("TASSE", 5)
    world.read()
    world.push()
    assert world.shop.shows("TASSE") == 5


def test_a_shop_that_compares_itself_is_not_kept_waiting(world):
    world.shop.compares_stock = True
    world.shop.take("TASSE", 4)
    world.erp.put_there("TASSE", 20)
    world.read()
    world.push()
    assert world.shop.shows("TASSE") == 20


def test_orders_that_came_while_the_shop_answered_are_taken_off(world):
    def sell():
        world.shop.on_the_way = lambda: None
        world.shop.sell("TASSE", 3)
        world.capture()

    world.erp.put_there("TASSE", 20)
    world.read()
    world.shop.on_the_way = sell
    world.push()
    assert [write.quantity for write in world.shop.writes[-1]] == [17]


# --- the ERP is away --------------------------------------------------------------------------------------------


def test_while_the_erp_is_away_less_is_shown_and_never_more(sqlite_store):
    world = StockWorld(sqlite_store, policies={"value_limits": {"EUR": Decimal(1)}}, channels=(ONE, TWO))
    world.offer("TASSE", 15)
    world.run()
    world.run(TWO)
    order = world.shop.sell("TASSE", 2)
    world.erp.stock_errors.append(Transient("nobody answers"))
    with pytest.raises(Transient):
        world.run()
    world.push(TWO)
    assert world.shops[TWO].shows("TASSE") == 13
    world.shop.change(order, status="cancelled", date_modified_gmt="2030-01-01T00:00:00")
    world.capture()
    world.push(TWO)
    assert world.shops[TWO].shows("TASSE") == 13
    assert "could not be read: nobody answers" in world.item("TASSE", TWO).reason
    world.run(TWO)
    assert world.shops[TWO].shows("TASSE") == 15


def test_a_paused_erp_is_not_read_and_its_shops_are_still_told(world):
    world.store.write(lambda c: pause(c, "connection", "erp", "a person says so"))
    world.erp.put_there("TASSE", 3)
    readings = len(world.erp.readings)
    assert "is paused" in world.run()
    assert len(world.erp.readings) == readings
    world.store.write(lambda c: resume(c, "connection", "erp"))
    world.run()
    assert world.shop.shows("TASSE") == 3


@pytest.mark.parametrize(("scope", "name"), [("channel", ONE), ("connection", f"shop-{ONE}"), ("all", "")])
def test_a_pause_of_the_shop_holds(world, scope, name):
    world.erp.put_there("TASSE", 3)
    world.store.write(lambda c: pause(c, scope, name, "a person says so"))
    world.read()
    assert world.push() == 0
    assert world.shop.shows("TASSE") == 15


# --- what goes wrong in the shop --------------------------------------------------------------------------------


def test_one_bad_article_does_not_fail_the_others(sqlite_store):
    world = StockWorld(sqlite_store)
    for sku in ("TASSE", "KANNE", "BAD"):
        world.offer(sku, 5)
    world.shop.refused = {"BAD"}
    world.run()
    assert (world.shop.shows("TASSE"), world.shop.shows("KANNE"), world.shop.shows("BAD")) == (5, 5, 0)
    assert (world.item("BAD").state, world.causes()) == ("parked", {"stock_refused": 1})
    world.shop.refused = set()
    world.mark("BAD")
    world.push()
    assert (world.shop.shows("BAD"), world.causes()) == (5, {})


def test_an_article_that_the_shop_has_twice_or_not_or_the_erp_not_is_an_issue_each(sqlite_store):
    world = StockWorld(sqlite_store, missing=MissingArticles.HOLD)
    world.offer("TASSE", 5)
    world.offer("TWICE", 5)
    world.shop.offer("TWICE", 0)
    world.erp.put_there("ONLY-ERP", 5)
    world.shop.offer("ONLY-SHOP")
    world.mark("ONLY-SHOP")
    world.run()
    assert world.shop.shows("TASSE") == 5
    assert world.causes() == {"twice_in_shop": 1, "missing_in_shop": 1, "missing_in_erp": 1}
    assert world.documents("missing_in_erp") == {(ONE, "ONLY-SHOP")}


def test_an_article_that_a_shop_never_had_is_left_in_peace(sqlite_store):
    world = StockWorld(sqlite_store)
    world.erp.put_there("ONLY-ERP", 5)
    world.run()
    assert (world.causes(), world.item("ONLY-ERP").state) == ({}, "skipped")


def test_an_article_that_the_shop_had_or_that_somebody_asks_for_is_said(world):
    world.erp.put_there("ONLY-ERP", 5)
    world.run()
    world.mark("ONLY-ERP", facets=("read", "full"))
    world.erp.put_there("TASSE", 3)
    del world.shop.articles["TASSE"]
    world.run()
    assert world.documents("missing_in_shop") == {(ONE, "ONLY-ERP"), (ONE, "TASSE")}


def test_the_shops_sku_and_the_erps_code_may_differ(sqlite_store):
    world = StockWorld(sqlite_store)
    world.erp.put_there("10001", 5)
    world.shop.offer("cup-blue")
    save = ("sku", f"channel:{ONE}", "cup-blue", "10001")
    world.store.write(lambda c: save_lookup(c, *save, by="test"))
    world.run()
    assert (world.shop.shows("cup-blue"), world.causes()) == (5, {})


def test_a_write_whose_answer_was_lost_is_looked_at_before_anything_is_believed(world):
    world.shop.write_errors.append(OutcomeUnknown("no answer came"))
    world.erp.put_there("TASSE", 8)
    world.read()
    world.push()
    assert world.item("TASSE").state == "reconcile"
    assert world.shop.shows("TASSE") == 15
    world.forward(200)
    world.push()
    assert (world.shop.shows("TASSE"), world.item("TASSE").state) == (8, "done")


def test_a_write_that_landed_without_an_answer_is_not_made_again(world):
    world.shop.write_errors.append(OutcomeUnknown("no answer came"))
    world.shop.lands = True
    world.erp.put_there("TASSE", 8)
    world.read()
    world.push()
    writes = len(world.shop.writes)
    world.forward(200)
    world.push()
    assert (world.shop.shows("TASSE"), len(world.shop.writes)) == (8, writes)


def test_a_shop_that_is_away_is_asked_again_later(world):
    world.shop.look_errors.append(RateLimited("slow down", retry_after_s=20.0))
    world.erp.put_there("TASSE", 8)
    world.read()
    world.push()
    assert (world.shop.shows("TASSE"), world.push()) == (15, 0)
    world.forward(30)
    world.push()
    assert world.shop.shows("TASSE") == 8


def test_an_article_without_a_count_is_left_alone(sqlite_store):
    world = StockWorld(sqlite_store)
    world.erp.put_there("TASSE", 5)
    world.shop.offer("TASSE", None, kept="none")
    world.run()
    assert (world.shop.writes, world.item("TASSE").state) == ([], "skipped")


# --- rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "shown"),
    [
        ({"safety": Decimal(2)}, 13),
        ({"safety_percent": Decimal(10)}, 13),
        ({"safety": Decimal(2), "safety_percent": Decimal(10)}, 11),
        ({"share": Decimal(50)}, 7),
        ({"cap": Decimal(5)}, 5),
        ({"safety": Decimal(100)}, 0),
        ({"freeze": ("TASSE",)}, 1),
        ({"freeze": ("*",)}, 1),
        ({"warehouses": (MAIN,)}, 15),
        ({"warehouses": (SECOND,)}, 4),
        ({}, 19),
    ],
)
def test_the_rules_of_a_channel(sqlite_store, rule, shown):
    world = StockWorld(sqlite_store, **({"warehouses": (MAIN,)} | rule if rule else {}))
    world.offer("TASSE", 15, shown=1)
    world.erp.put_there("TASSE", 4, SECOND)
    world.run()
    assert world.shop.shows("TASSE") == shown


def test_backorders_are_allowed_where_the_channel_says_so(sqlite_store):
    world = StockWorld(sqlite_store, backorders=Backorders.YES)
    world.offer("TASSE", 0)
    world.run()
    assert world.shop.articles["TASSE"][0].backorders


def test_a_warehouse_that_the_erp_does_not_have_is_named(sqlite_store):
    world = StockWorld(sqlite_store, warehouses=("NOWHERE",))
    with pytest.raises(Exception, match="erp has no warehouse NOWHERE; it has MAIN, SECOND"):
        world.run()


# --- more sold than there is ------------------------------------------------------------------------------------


def test_two_channels_that_sell_the_last_piece_are_flagged_with_both_orders(store):
    world = StockWorld(store, channels=(ONE, TWO))
    world.offer("TASSE", 1)
    world.run()
    world.run(TWO)
    first, second = world.shop.sell("TASSE"), world.shops[TWO].sell("TASSE")
    world.erp.fail("create", "transient")
    world.capture()
    # The ERP is paused, so no drain looks at the second order: the run counts it all the same.
    world.pull(TWO)
    capture_ahead(world.store, world.systems, "erp")
    world.dispatcher.look()
    assert (ONE, "stock") in world.bell.rings
    world.push()
    assert world.documents("oversold") == {(ONE, first), (TWO, second)}
    assert world.shop.shows("TASSE") == 0


def beats_until_flagged(world):
    """Looks of the dispatcher, one every half second, each with the drains that it rings for."""
    for beats in range(1, 10):
        world.bell.rings.clear()
        world.dispatcher.look()
        for name, kind in world.bell.rings:
            if kind == KIND:
                world.push(name)
        if "oversold" in world.causes():
            return beats
    raise AssertionError("nobody noticed")


@pytest.mark.parametrize("erp_is_paused", [False, True])
def test_the_last_piece_sold_twice_is_flagged_at_the_next_beat(sqlite_store, erp_is_paused):
    world = StockWorld(sqlite_store, channels=(ONE, TWO))
    world.offer("TASSE", 1)
    world.run()
    world.run(TWO)
    world.shop.sell("TASSE")
    world.capture()
    assert "oversold" not in world.causes()
    if erp_is_paused:
        world.store.write(lambda c: pause(c, "connection", "erp", "a person says so"))
        world.shops[TWO].sell("TASSE")
        # No drain looks at it: the run of the schedule does, once a minute, and its articles are told of at once.
        world.pull(TWO)
        capture_ahead(world.store, world.systems, "erp")
    else:
        world.shops[TWO].sell("TASSE")
        world.capture(TWO)
    assert beats_until_flagged(world) == 1
    assert len(world.documents("oversold")) == 2


def test_that_more_is_sold_stays_flagged_when_the_orders_are_carried_over_and_ends_when_it_suffices(sqlite_store):
    world = StockWorld(sqlite_store, channels=(ONE, TWO))
    world.offer("TASSE", 1)
    world.run()
    world.run(TWO)
    world.shop.sell("TASSE")
    world.shops[TWO].sell("TASSE")
    world.erp.fail("create", "transient")
    world.capture()
    world.run(TWO)
    assert world.causes() == {"oversold": 2}
    world.forward(60)
    world.run()
    world.run(TWO)
    assert world.erp.figure_of("TASSE") == -1
    assert world.causes() == {"oversold": 2}
    world.erp.put_there("TASSE", 5)
    world.run()
    assert world.causes() == {}


def test_ten_thousand_articles_would_be_a_hundred_calls(sqlite_store):
    world = StockWorld(sqlite_store)
    world.shop.stock_bulk = 10
    for number in range(95):
        world.offer(f"A{number}", 5)
    world.run()
    assert [len(call) for call in world.shop.writes] == [10] * 9 + [5]
    assert len(world.shop.looks) == 10


def of_parents(store, *, parents, each):
    """A shop whose articles are variations, under SKUs that do not tell whose."""
    world = StockWorld(store)
    world.shop.writes_by_parent, world.shop.stock_bulk = True, 10
    for number in range(parents * each):
        sku = f"A{number:03d}"
        world.erp.put_there(sku, 5)
        world.shop.offer(sku, 0, parent_id=f"P{number % parents}")
    world.run()
    return world


def test_variations_are_written_in_as_few_calls_as_their_parents_allow(sqlite_store):
    world = of_parents(sqlite_store, parents=5, each=12)
    world.shop.writes.clear()
    for sku in list(world.shop.articles):
        world.erp.put_there(sku, 7)
    world.run()
    calls = [[write.article.parent_id for write in call] for call in world.shop.writes]
    # Twelve of each, ten a call.
    assert sorted(len(call) for call in calls) == [2] * 5 + [10] * 5
    assert all(len(set(call)) == 1 for call in calls)
    assert all(world.shop.shows(sku) == 7 for sku in world.shop.articles)


def test_nothing_more_is_sent_after_a_call_that_was_not_answered(sqlite_store):
    world = of_parents(sqlite_store, parents=3, each=2)
    world.shop.writes.clear()
    world.shop.write_errors.append(OutcomeUnknown("no answer came"))
    for sku in list(world.shop.articles):
        world.erp.put_there(sku, 3)
    world.run()
    states = sorted((world.item(sku).state, world.item(sku).reason) for sku in world.shop.articles)
    assert [state for state, _ in states] == ["ready"] * 4 + ["reconcile"] * 2
    assert "was not sent" in states[0][1]
    world.forward(200)
    world.push()
    assert all(world.shop.shows(sku) == 3 for sku in world.shop.articles)


def test_a_write_whose_turn_comes_when_the_lease_is_nearly_over_is_not_sent(world, monkeypatch):
    world.erp.put_there("TASSE", 3)
    world.read()
    # Enough when the call is announced, nothing left where it is sent.
    left_s = iter([100.0, 0.0])
    monkeypatch.setattr(Clock, "left_s", lambda clock: next(left_s))
    world.push()
    assert (world.shop.shows("TASSE"), world.item("TASSE").state) == (15, "ready")
    assert "was not sent" in world.item("TASSE").reason
    monkeypatch.undo()
    world.forward(60)
    world.push()
    assert world.shop.shows("TASSE") == 3


def test_an_article_that_killed_a_worker_goes_alone_and_the_others_after_it(sqlite_store):
    world = of_parents(sqlite_store, parents=1, each=5)
    world.store.write(lambda c: c.execute(text("UPDATE work_items SET suspect = 1 WHERE external_id = 'A003'")))
    world.mark(*world.shop.articles)
    world.shop.looks.clear()
    assert world.push() == 5
    assert world.shop.looks == [["A003"]]
    assert {world.item(sku).state for sku in world.shop.articles} == {"done"}


# --- variations that the shop counts with their product ---------------------------------------------------------


def counted_together(store, *, bulk=100, **there):
    """A product whose variations have SKUs of their own and no count."""
    world = StockWorld(store)
    world.shop.stock_bulk = bulk
    for number, (sku, quantity) in enumerate(there.items()):
        world.erp.put_there(sku, quantity)
        world.shop.offer(sku, 0, external_id=str(100 + number), parent_id="9", kept="parent")
    world.run()
    return world


def test_a_single_variation_is_counted_with_its_product(sqlite_store):
    world = counted_together(sqlite_store, S=5)
    assert (world.shop.shows("S"), world.causes()) == (5, {})


@pytest.mark.parametrize("bulk", [1, 100])
def test_articles_that_are_counted_together_and_differ_are_an_issue_and_others_go_on(sqlite_store, bulk):
    world = counted_together(sqlite_store, bulk=bulk, S=5, M=5)
    world.offer("TASSE", 3)
    world.erp.put_there("M", 4)
    world.run()
    world.run(full=True)
    # As long as both are to show five, the shop can.
    assert [world.shop.shows(sku) for sku in ("S", "M", "TASSE")] == [5, 5, 3]
    assert world.documents("counted_together") == {(ONE, "S"), (ONE, "M")}
    assert "M: 4, S: 5" in world.item("M").reason
    world.erp.put_there("S", 4)
    world.run()
    assert (world.causes(), world.shop.shows("M"), world.shop.shows("S")) == ({}, 4, 4)


def test_a_product_with_a_count_and_its_variation_without_one_may_not_differ(sqlite_store):
    world = StockWorld(sqlite_store)
    world.erp.put_there("SHIRT", 5)
    world.shop.offer("SHIRT", 0, external_id="9")
    world.run()
    world.erp.put_there("SHIRT-S", 2)
    world.shop.offer("SHIRT-S", 0, external_id="10", parent_id="9", kept="parent")
    world.run()
    assert world.shop.shows("SHIRT") == 5
    assert world.documents("counted_together") == {(ONE, "SHIRT-S")}
    # The ERP counts the product alone, so its variation is nobody's business.
    world.change_stock(ONE, freeze=("SHIRT-S",))
    world.run(full=True)
    assert (world.causes(), world.item("SHIRT-S").state) == ({}, "skipped")


def test_a_refusal_of_one_call_is_no_reason_for_others(sqlite_store):
    world = StockWorld(sqlite_store)
    world.offer("TASSE", 5)
    world.shop.look_errors.append(RecordRejected("a comma", code="comma"))
    world.run()
    assert world.item("TASSE").state == "parked"


def test_the_ledger_dates_readings_by_the_databases_clock(world):
    level = world.store.read(lambda c: load_levels(c, "erp", ["TASSE"]))["TASSE"][0]
    assert level.began_at.tzinfo is dt.UTC


def test_an_order_that_no_drain_has_seen_takes_what_a_person_has_corrected_it_to(store):
    world = StockWorld(store)
    world.offer("TASSE", 5)
    world.offer("KANNE", 5)
    world.run()
    order = world.shop.sell("KANNE")
    world.pull()
    systems, meant = world.systems.channel(ONE), world.store.read(lambda c: load_order(c, ONE, order, "erp"))
    draft = draft_of(world.store, systems, meant)
    draft.document["lines"][0]["sku"] = "TASSE"
    how = {"seen": draft.seen, "actor": Actor("anna"), "reason": "so", "basis": draft.basis}
    keep_correction(world.store, systems, meant, draft.document, **how)
    assert capture_ahead(world.store, world.systems, "erp") == 1
    [row] = world.store.read(lambda c: c.execute(select(orders)).all())
    assert [line["sku"] for line in load_json(unpack(row.canonical))["lines"]] == ["TASSE"]
    world.push()
    assert world.shop.shows("TASSE") == 4
