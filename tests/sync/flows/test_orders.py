from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from sqlalchemy import select

from config.model import Mode
from connectors.kit.base import Rank
from sync.desk.steering import approve_order, reject_order, retry_again, retry_orders
from sync.flows.resync import mark_resting
from sync.store.audit import Actor
from sync.store.lookups import save_lookup
from sync.store.switches import pause, resume
from sync.store.tables import audit, events
from tests.databases import now
from tests.sync.flows.shop import event, payload
from tests.sync.flows.world import CHANNEL, World

UNPAID = {"date_paid_gmt": None}


def line_without_sku(world: World, order: str) -> dict:
    return dict(world.shop.orders[order]["line_items"][0], sku=None)


def approved(world: World, order: str) -> list[str]:
    return approve_order(world.store, world.order(order), actor=Actor("anna"), reason="asked")


# --- status policy ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"status": "processing"}, "done"),
        ({"status": "completed"}, "done"),
        ({"status": "processing"} | UNPAID, "done"),
        ({"status": "on-hold"} | UNPAID, "waiting"),
        ({"status": "pending"} | UNPAID, "waiting"),
        ({"status": "on-hold"}, "done"),
        ({"status": "cancelled"}, "skipped"),
        ({"status": "failed"}, "skipped"),
        ({"status": "trash"}, "skipped"),
        ({"status": "checkout-draft"}, "skipped"),
        ({"status": "refunded"}, "skipped"),
    ],
    ids=str,
)
def test_the_status_policy_decides_with_a_reason(sqlite_store, changes, state):
    world = World(sqlite_store)
    order = world.shop.place(**changes)
    world.carry()
    assert world.item(order).state == state
    assert len(world.sales(order)) == (state == "done")
    if state != "done":
        assert changes["status"] in world.item(order).reason


def test_what_waits_is_carried_as_soon_as_the_shop_says_so(sqlite_store):
    world = World(sqlite_store)
    order = world.shop.place(status="pending", **UNPAID)
    world.carry()
    world.shop.change(order, status="processing", date_paid_gmt="2026-11-10T12:00:00")
    world.carry()
    assert world.item(order).state == "done"


def test_orders_from_before_go_live_leave_no_trace_unless_they_are_asked_for(sqlite_store):
    world = World(sqlite_store)
    old = payload(1, date_created_gmt="2020-01-01T00:00:00", date_modified_gmt="2020-01-01T00:00:00")
    world.shop.put(old)
    world.carry()
    assert world.item("1").state == "skipped"
    assert world.find("1")[:1] == [] or not world.find("1")[0].id
    assert world.sales("1") == []


@pytest.mark.parametrize("status", ["cancelled", "on-hold"])
def test_an_order_that_the_shop_takes_back_while_its_sale_is_in_doubt_is_not_made(sqlite_store, status):
    world = World(sqlite_store)
    world.erp.fail("create", "never")
    order = world.shop.place()
    world.carry()
    world.shop.change(order, status=status, date_paid_gmt=None)
    world.pull()
    world.settle()
    world.drain()
    assert world.sales(order) == []
    assert world.item(order).state in {"skipped", "waiting"}
    assert world.open_intents() == []


def test_an_order_that_the_shop_takes_back_after_its_sale_landed_is_held(sqlite_store):
    world = World(sqlite_store)
    world.erp.fail("create", "landed")
    order = world.shop.place()
    world.carry()
    world.shop.change(order, status="cancelled")
    world.pull()
    world.settle()
    world.drain()
    assert world.causes() == {"cancelled_after_import": 1}
    assert world.sales(order)[0].rank is Rank.DRAFT
    assert world.bindings(order)
    assert world.open_intents() == []


@pytest.mark.parametrize("fate", ["deleted", "unreadable"])
@pytest.mark.parametrize("kind", ["never", "landed"])
def test_a_doubt_ends_whatever_became_of_the_order(sqlite_store, fate, kind):
    world = World(sqlite_store)
    world.erp.fail("create", kind)
    order = world.shop.place()
    world.carry()
    if fate == "deleted":
        world.shop.delete(order)
    else:
        world.shop.change(order, currency=7)
    world.pull()
    world.settle()
    world.drain()
    assert world.open_intents() == []
    assert len(world.bindings(order)) == (kind == "landed")
    wanted = world.item(order).wanted
    world.dispatcher.recover()
    assert world.item(order).wanted == wanted


def test_a_customer_in_doubt_of_an_order_that_went_another_way_is_looked_up_by_the_sweep(sqlite_store):
    world = World(sqlite_store)
    world.erp.fail("party", "late", after_s=20)
    order = world.shop.place()
    world.carry()
    world.shop.change(order, status="cancelled")
    world.pull()
    world.settle()
    world.drain()
    assert world.item(order).state == "skipped"
    assert world.open_intents() == []


# --- after the import -------------------------------------------------------------------------------------------


def test_what_a_sale_is_not_made_from_changes_nothing(sqlite_store):
    world = World(sqlite_store)
    order = world.shop.place()
    world.carry()
    world.shop.change(order, status="completed", customer_note="danke")
    world.carry()
    assert world.item(order).state == "done"
    assert world.order(order).source_state == "completed"


CHANGES = {
    "changed_after_import": lambda world, order: world.shop.edit_total(order, "33.33"),
    "cancelled_after_import": lambda world, order: world.shop.change(order, status="cancelled"),
    "gone_in_shop": lambda world, order: world.shop.delete(order),
    "gone_in_erp": lambda world, order: world.erp.sales.clear(),
}


def changed(world: World, cause: str) -> str:
    order = world.shop.place()
    world.carry()
    CHANGES[cause](world, order)
    world.pull()
    retry_orders(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    return order


@pytest.mark.parametrize("cause", CHANGES)
def test_what_changes_after_the_import_is_held_and_touches_no_sale(sqlite_store, cause):
    world = World(sqlite_store)
    order = changed(world, cause)
    assert world.item(order).state == "held"
    assert world.causes() == {cause: 1}
    assert len(world.erp.sales) == (cause != "gone_in_erp")


@pytest.mark.parametrize("cause", CHANGES)
def test_what_changed_after_the_import_ends_with_an_approval(sqlite_store, cause):
    world = World(sqlite_store)
    order = changed(world, cause)
    if cause == "changed_after_import":
        world.sales(order)[0].total = Decimal("33.33")
    elif cause != "gone_in_erp":
        world.sales(order)[0].rank = Rank.CANCELLED
    assert approved(world, order) == [cause]
    world.drain()
    assert world.item(order).state == ("done" if cause == "changed_after_import" else "skipped")
    assert world.causes() == {}
    assert world.erp.calls["create"] == 1
    retry_orders(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert world.causes() == {}


def test_a_sale_that_is_gone_is_made_again_only_when_a_person_says_so(sqlite_store):
    world = World(sqlite_store)
    order = changed(world, "gone_in_erp")
    retry_orders(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert world.causes() == {"gone_in_erp": 1}
    retry_again(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert world.totals(order) == [Decimal("20.00")]
    assert world.item(order).state == "done"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_cancelled_sale_is_made_again_where_the_erp_lets_go_of_the_key(sqlite_store, trusted):
    world = World(sqlite_store, enforced=False, trusted=trusted)
    order = world.shop.place()
    world.carry()
    world.sales(order)[0].rank = Rank.CANCELLED
    retry_again(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert [sale.rank for sale in world.sales(order)] == [Rank.CONFIRMED]
    assert len(world.bindings(order)) == 1


@pytest.mark.parametrize("trusted", [True, False])
def test_a_cancelled_sale_that_keeps_its_key_is_taken_up_when_people_have_set_it_back(sqlite_store, trusted):
    world = World(sqlite_store, trusted=trusted)
    order = world.shop.place()
    world.carry()
    [sale] = world.erp.sales.values()
    sale.rank = Rank.CANCELLED
    retry_again(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert world.causes() == {"gone_in_erp": 1}
    assert "its key belongs to the cancelled sale" in world.item(order).reason
    assert world.open_intents() == []
    sale.rank = Rank.DRAFT
    retry_orders(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert (sale.rank, list(world.erp.sales.values())) == (Rank.CONFIRMED, [sale])
    assert (world.item(order).state, world.causes()) == ("done", {})
    assert [row.external_id for row in world.bindings(order)] == [str(sale.id)]


def test_a_copy_that_took_the_place_of_our_sale_is_linked(sqlite_store):
    world = World(sqlite_store, enforced=False)
    order = world.shop.place()
    world.carry()
    world.erp.sales.clear()
    copy = world.erp.enter(f"{CHANNEL}:{order}", "20.00", confirmed=1)
    retry_orders(world.store, orders=[world.order(order)], actor=Actor("anna"))
    world.drain()
    assert [row.external_id for row in world.bindings(order)] == [str(copy.id)]
    assert world.item(order).state == "done"


def test_a_deleted_product_keeps_the_sku_that_was_ordered(sqlite_store):
    world = World(sqlite_store)
    order = world.shop.place(status="pending", **UNPAID)
    world.carry()
    world.shop.change(
        order, status="processing", date_paid_gmt="2026-11-10T12:00:00", line_items=[line_without_sku(world, order)]
    )
    world.carry()
    assert world.item(order).state == "done"
    assert world.totals(order) == [Decimal("20.00")]


# --- amounts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoiled", [{"total": Decimal("20.01")}, {"currency": "USD"}])
def test_an_answer_is_no_proof(sqlite_store, spoiled, monkeypatch):
    world = World(sqlite_store)
    document = type(world.erp.enter("x", "1")).document
    monkeypatch.setattr(
        "tests.sync.flows.erp.Sale.document", lambda sale: dataclasses.replace(document(sale), **spoiled)
    )
    order = world.shop.place()
    world.carry()
    assert world.causes() == {"target_amount": 1}
    assert world.bindings(order)
    assert approved(world, order) == ["target_amount"]
    world.drain()
    assert world.item(order).state == "done"


# --- approvals --------------------------------------------------------------------------------------------------


def limited(store) -> tuple[World, str]:
    world = World(store, value_limits={"EUR": Decimal(10)})
    order = world.shop.place()
    world.carry()
    assert world.causes() == {"value_limit": 1}
    return world, order


def test_an_approved_order_is_carried_and_the_word_is_kept(store):
    world, order = limited(store)
    assert approved(world, order) == ["value_limit"]
    world.drain()
    assert world.item(order).state == "done"
    assert world.causes() == {}
    [row] = world.rows(select(audit))
    assert (row.actor, row.action, row.subject, row.after) == ("anna", "approve", f"order:web:{order}", "value_limit")


def test_an_approval_is_for_the_content_that_was_seen(sqlite_store):
    world, order = limited(sqlite_store)
    approved(world, order)
    world.shop.edit_total(order, "999.00")
    world.carry()
    assert world.causes() == {"value_limit": 1}
    assert world.sales(order) == []


@pytest.mark.fault("G11")
def test_what_came_in_since_cannot_be_approved_unseen(sqlite_store):
    world, order = limited(sqlite_store)
    world.shop.edit_total(order, "999.00")
    world.pull()
    with pytest.raises(LookupError, match="just now"):
        approved(world, order)
    world.drain()
    assert world.sales(order) == []


def test_nothing_to_approve_is_said_so(sqlite_store):
    world = World(sqlite_store)
    order = world.shop.place()
    world.carry()
    with pytest.raises(LookupError, match="nothing holds order WC-1"):
        approved(world, order)


def test_a_rejected_order_stays_out_and_a_change_is_looked_at(sqlite_store):
    world, order = limited(sqlite_store)
    assert reject_order(world.store, world.order(order), actor=Actor("anna"), reason="fraud")
    assert world.item(order).state == "skipped"
    assert world.causes() == {}
    mark_resting(world.store, CHANNEL, now())
    world.drain()
    assert world.item(order).state == "skipped"
    world.shop.edit_total(order, "5.00")
    world.carry()
    assert world.item(order).state == "done"


def test_an_order_that_the_erp_has_is_not_rejected(sqlite_store):
    world = World(sqlite_store)
    order = world.shop.place()
    world.carry()
    with pytest.raises(LookupError, match="cancel it there"):
        reject_order(world.store, world.order(order), actor=Actor("anna"), reason="no")


# --- look-ups ---------------------------------------------------------------------------------------------------


def test_a_look_up_row_releases_what_waited_for_it(store):
    world = World(store)
    orders = [world.shop.place(sku="TASSE-ALT") for _ in range(3)]
    other = world.shop.place(sku="UNKNOWN")
    world.carry()
    world.write(lambda c: save_lookup(c, "sku", "global", "TASSE-ALT", "TASSE", by="anna"))
    assert retry_orders(world.store, subject="sku:TASSE-ALT", actor=Actor("anna")) == 3
    world.drain()
    assert {world.item(order).state for order in orders} == {"done"}
    assert world.item(other).state == "held"


def test_the_narrower_row_wins(sqlite_store):
    world = World(sqlite_store)
    for scope, target in (("connection:erp", "UNKNOWN"), ("channel:web", "TASSE"), ("global", "UNKNOWN")):
        world.write(lambda c, scope=scope, target=target: save_lookup(c, "sku", scope, "ALT", target, by="anna"))
    order = world.shop.place(sku="ALT")
    world.carry()
    assert world.item(order).state == "done"


def test_a_row_that_is_added_while_the_order_is_looked_at_is_not_missed(sqlite_store):
    world = World(sqlite_store)
    order = world.shop.place(sku="ALT")
    resolve = world.erp.resolve

    def late(refs):
        world.write(lambda c: save_lookup(c, "sku", "global", "ALT", "TASSE", by="anna"))
        assert retry_orders(world.store, subject="sku:ALT", actor=Actor("anna")) == 0
        return resolve(refs)

    world.erp.resolve = late
    world.carry()
    world.erp.resolve = resolve
    world.forward(10)
    world.drain()
    assert world.item(order).state == "done"


# --- issues -----------------------------------------------------------------------------------------------------


def test_a_document_stands_in_every_issue_that_stops_it_and_leaves_those_that_do_not(sqlite_store):
    world = World(sqlite_store, value_limits={"EUR": Decimal(10)})
    order = world.shop.place(sku="UNKNOWN")
    other = world.shop.place(customer="b")
    world.carry()
    assert world.causes() == {"unknown_sku": 1, "value_limit": 2}
    line = dict(world.shop.orders[order]["line_items"][0], sku="TASSE")
    world.shop.change(order, line_items=[line])
    world.carry()
    assert world.causes() == {"value_limit": 2}
    approved(world, other)
    world.drain()
    assert world.causes() == {"value_limit": 1}


def test_a_rule_that_only_warns_holds_nothing_and_is_kept(sqlite_store):
    world = World(sqlite_store, value_limits={"EUR": Decimal(10)}, rules={"value_limit": Mode.WARN})
    order = world.shop.place()
    world.carry()
    assert world.item(order).state == "done"
    assert "above the limit" in world.item(order).reason


def test_only_the_second_of_two_equal_orders_is_held(sqlite_store):
    world = World(sqlite_store)
    first = world.shop.place()
    second = world.shop.put(payload(2) | {"date_created_gmt": world.shop.orders[first]["date_created_gmt"]})
    world.carry()
    assert (world.item(first).state, world.item(second).state) == ("done", "held")
    assert world.causes() == {"duplicate_order": 1}


# --- pulling, pausing, channels ---------------------------------------------------------------------------------


def test_a_pull_that_dies_between_two_pages_goes_on_behind_the_last_saved_one(sqlite_store):
    world = World(sqlite_store)
    for _ in range(7):
        world.shop.place()
    world.shop._page_size = 3
    pages = world.shop.pull_orders

    def short(checkpoint, *, since=None):
        for number, page in enumerate(pages(checkpoint, since=since)):
            if number == 2:
                raise KeyboardInterrupt
            yield page

    world.shop.pull_orders = short
    with pytest.raises(KeyboardInterrupt):
        world.pull()
    assert len(world.items()) == 6
    world.shop.pull_orders = pages
    assert world.pull().seen == 2
    assert len(world.items()) == 7


@pytest.mark.fault("D4")
def test_a_page_and_its_checkpoint_are_saved_together_or_not_at_all(sqlite_store, monkeypatch):
    world = World(sqlite_store)
    world.shop.place()

    def full(*_args):
        raise OSError("the disk is full")

    monkeypatch.setattr("sync.flows.pull.save_checkpoint", full)
    with pytest.raises(OSError, match="full"):
        world.pull()
    assert world.items() == []


def test_a_pull_without_news_writes_the_checkpoint_alone(sqlite_store):
    world = World(sqlite_store)
    for _ in range(4):
        world.shop.place()
    world.carry()
    before = world.items(), world.rows(select(events.c.id))
    done = world.pull()
    assert (done.seen, done.marked) == (1, 0)
    assert (world.items(), world.rows(select(events.c.id))) == before


@pytest.mark.fault("G9")
def test_a_paused_channel_captures_and_carries_nothing(sqlite_store):
    world = World(sqlite_store)
    world.write(lambda c: pause(c, "channel", CHANNEL, "stock-taking"))
    order = world.shop.place()
    world.carry()
    assert world.item(order).state == "ready"
    world.dispatcher.look()
    assert world.bell.rings == []
    world.write(lambda c: resume(c, "channel", CHANNEL))
    assert world.dispatcher.look() == 1
    world.drain()
    assert world.item(order).state == "done"


def test_a_pause_is_not_shortened(sqlite_store):
    world = World(sqlite_store)
    world.shop.place()
    world.write(lambda c: pause(c, "connection", "erp", "a person says so"))
    world.write(lambda c: pause(c, "connection", "erp", "away", until=now()))
    world.carry()
    assert world.erp.calls["create"] == 0


def test_two_channels_of_one_shop_carry_each_order_each_once(sqlite_store):
    world = World(sqlite_store, channels=("web", "b2b"))
    order = world.shop.place()
    world.carry()
    assert len(world.sales(order, "web")) == len(world.sales(order, "b2b")) == 1
    assert len(world.erp.parties) == 1


def test_a_delivery_that_comes_while_the_order_is_written_is_looked_at_afterwards(sqlite_store):
    world = World(sqlite_store)
    order = world.shop.place(status="processing")
    world.pull()
    world.shop.change(order, status="cancelled")
    world.erp.watch = lambda _: world.tell(event(world.shop.orders[order]))
    world.drain()
    assert world.causes() == {"cancelled_after_import": 1}
