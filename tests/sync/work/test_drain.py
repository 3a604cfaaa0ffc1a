from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from config.model import DocumentState
from connectors.kit.base import Rank
from connectors.kit.errors import RecordRejected, Transient
from mappings import sandbox_erp
from sync.flows import doubts, orders, sales
from sync.flows.pull import pull
from sync.flows.rows import order_row
from sync.store.marking import mark
from sync.store.states import BACKFILL
from sync.store.tables import attempts, intents
from tests.sync.flows.shop import event, payload
from tests.sync.flows.world import CHANNEL, GO_LIVE, World


def calm(world: World, rounds: int = 6) -> None:
    """Time passes until nothing is under way any more."""
    for _ in range(rounds):
        world.settle()
        world.drain()


def stands_once(world: World, order: str, total: str = "20.00") -> None:
    [sale] = world.sales(order)
    assert (sale.total, sale.rank, sale.confirmed) == (Decimal(total), Rank.CONFIRMED, 1)
    assert world.item(order).state == "done"
    assert [row.external_id for row in world.bindings(order)] == [str(sale.id)]
    assert not world.open_intents()
    assert not world.leases()


def test_an_order_becomes_one_confirmed_sale(store):
    world = World(store)
    order = world.shop.place()
    world.carry()
    stands_once(world, order)
    assert [row.outcome for row in world.rows(select(intents.c.outcome))] == ["done", "done"]


@pytest.mark.parametrize(("policy", "rank"), [("draft", Rank.DRAFT), ("quoted", Rank.QUOTED)])
def test_a_sale_goes_as_far_as_the_policy_says(sqlite_store, policy, rank):
    world = World(sqlite_store, document_state=DocumentState(policy))
    order = world.shop.place()
    world.carry()
    assert [sale.rank for sale in world.sales(order)] == [rank]
    assert world.item(order).state == "done"


def test_a_drain_in_vain_costs_no_call(sqlite_store):
    world = World(sqlite_store)
    world.shop.place()
    world.carry()
    before = sum(world.erp.calls.values())
    assert world.drain() == 0
    world.shop.change("1", customer_note="bitte klingeln")
    world.carry()
    assert sum(world.erp.calls.values()) == before


FAULTS = ("transient", "limited", "landed", "late", "never", "crash", "crash_landed", "crash_late", "zombie")


@pytest.mark.fault("A2")
@pytest.mark.parametrize("enforced", [True, False], ids=["enforced key", "no enforced key"])
@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("action", ["party", "create", "advance"])
def test_whatever_happens_to_a_write_the_order_stands_once(sqlite_store, action, kind, enforced):
    world = World(sqlite_store, enforced=enforced)
    world.erp.meanwhile = lambda: (world.settle(), world.drain())
    world.erp.fail(action, kind, after_s=25)
    order, other = world.shop.place(), world.shop.place(customer="b")
    world.carry()
    calm(world)
    stands_once(world, order)
    stands_once(world, other)
    assert [len(ids) for ids in world.erp.parties.values()] == [1, 1]


@pytest.mark.parametrize("kind", ["landed", "late"])
@pytest.mark.parametrize("action", ["create", "advance"])
def test_the_same_on_both_databases(store, action, kind):
    world = World(store, enforced=False)
    world.erp.fail(action, kind, after_s=25)
    order = world.shop.place()
    world.carry()
    calm(world)
    stands_once(world, order)


@pytest.mark.fault("A1", "A3")
@pytest.mark.parametrize("boundary", range(1, 24))
def test_a_drain_may_die_at_any_transaction(sqlite_store, boundary):
    world = World(sqlite_store)
    order = world.shop.place()
    world.pull()
    world.fragile.countdown = boundary
    world.drain()
    calm(world)
    stands_once(world, order)


def test_an_outcome_that_nobody_knows_is_not_looked_up_too_early(sqlite_store):
    world = World(sqlite_store, enforced=False)
    world.erp.fail("create", "late", after_s=29)
    order = world.shop.place()
    world.carry()
    assert world.item(order).state == "reconcile"
    world.forward(20)
    assert world.drain() == 0
    assert world.sales(order) == []
    calm(world)
    stands_once(world, order)


def test_found_is_conclusive_at_once_when_a_person_asks(sqlite_store):
    world = World(sqlite_store)
    world.erp.fail("advance", "landed")
    order = world.shop.place()
    world.carry()
    [intent] = world.open_intents()
    assert world.item(order).due_at == intent.settles_at
    assert intent.settles_at > dt.datetime.now(dt.UTC) + dt.timedelta(seconds=25)


# --- the safeguards are needed ----------------------------------------------------------------------------------


def doubled(world: World) -> bool:
    order = world.shop.place()
    world.carry()
    calm(world)
    standing = world.sales(order)
    return len(standing) != 1 or any(sale.confirmed != 1 for sale in standing)


def test_without_the_look_up_a_lost_answer_doubles_the_order(sqlite_store, monkeypatch):
    monkeypatch.setattr(doubts, "look_up", lambda drain, pieces: doubts._close(drain, list(pieces)))
    world = World(sqlite_store, enforced=False)
    world.erp.fail("create", "crash_landed")
    monkeypatch.setattr(sales, "single_out", lambda target, key, documents, own: own)
    assert doubled(world)


def test_without_singling_out_two_drafts_stay(sqlite_store, monkeypatch):
    monkeypatch.setattr(doubts, "single_out", lambda target, key, documents, own: documents[0])
    monkeypatch.setattr(sales, "single_out", lambda target, key, documents, own: own)
    world = World(sqlite_store, enforced=False, trusted=False)
    order = world.shop.place()
    for _ in range(2):
        world.erp.enter(f"{CHANNEL}:{order}", "20.00", rank=Rank.DRAFT)
    world.carry()
    calm(world)
    assert len(world.sales(order)) == 2


def test_without_the_settle_time_a_late_write_doubles_the_order(sqlite_store, monkeypatch):
    world = World(sqlite_store, enforced=False)
    world.erp.settle_bound_s = -60.0
    world.erp.fail("create", "late", after_s=25)
    order = world.shop.place()
    world.carry()
    world.forward(5)
    world.drain()
    world.forward(30)
    assert len(world.sales(order)) == 2


def test_a_lower_id_that_appears_late_loses_against_the_confirmed_one(sqlite_store):
    world = World(sqlite_store, enforced=False)
    order = world.shop.place()
    late = world.erp.enter(f"{CHANNEL}:{order}", "20.00", rank=Rank.DRAFT)
    del world.erp.sales[late.id]
    world.carry()
    [confirmed] = world.sales(order)
    world.erp.sales[late.id] = late
    assert late.id < confirmed.id
    world.write(lambda c: mark(c, CHANNEL, "order", [order], facet="target"))
    world.drain()
    stands_once(world, order)
    assert world.sales(order) == [confirmed]


# --- one bad order blocks no other ------------------------------------------------------------------------------


@pytest.mark.parametrize("bulk", [1, 3])
@pytest.mark.parametrize(
    ("bad", "state", "cause"),
    [
        ({"sku": "UNKNOWN"}, "held", "unknown_sku"),
        ({"sku": "REFUSED"}, "parked", "rejected"),
        ({"total": "20.00", "total_tax": "9.99"}, "parked", "totals_mismatch"),
        ({"status": "mystery"}, "parked", "unmapped"),
        ({"currency": 7}, "parked", "mapping"),
        ({"number": "N" * 300}, "parked", "mapping"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_one_bad_order_blocks_no_other(sqlite_store, bad, state, cause, bulk):
    world = World(sqlite_store, bulk=bulk)
    good = world.shop.place()
    worse = world.shop.place(**bad)
    last = world.shop.place(customer="b")
    world.carry()
    stands_once(world, good)
    stands_once(world, last)
    assert world.item(worse).state == state
    assert set(world.causes()) == {cause}


def test_what_the_database_does_not_take_parks_its_own_order_only(postgres_store, monkeypatch):
    world = World(postgres_store)
    good, bad = world.shop.place(), world.shop.place()

    def too_long(systems, item_id, order, prints, **material):
        row = order_row(systems, item_id, order, prints, **material)
        return dataclasses.replace(row, number="N" * 300) if order.external_id == bad else row

    monkeypatch.setattr(orders, "order_row", too_long)
    world.carry()
    stands_once(world, good)
    assert world.item(bad).state == "parked"
    assert world.causes() == {"internal": 1}


def test_a_defect_of_the_connector_parks_loudly_and_its_write_is_looked_up(sqlite_store):
    world = World(sqlite_store)
    good, bad = world.shop.place(), world.shop.place(sku="DEFECT")
    world.carry()
    assert world.item(bad).state == "parked"
    assert world.causes() == {"internal": 1}
    assert [row.key for row in world.open_intents()] == [f"{CHANNEL}:{bad}"]
    calm(world)
    stands_once(world, good)
    assert world.item(bad).state == "parked"
    assert world.causes() == {"internal": 1}
    assert world.erp.calls["create"] == 1


@pytest.mark.parametrize("bulk", [2, 3, 10])
def test_of_several_that_fail_together_only_the_one_that_fails_alone_is_parked(sqlite_store, bulk):
    world = World(sqlite_store, bulk=bulk)
    orders = [world.shop.place(sku=sku) for sku in ("TASSE", "DEFECT", "TASSE", "TASSE")]
    world.carry()
    calm(world)
    for order in (orders[0], *orders[2:]):
        stands_once(world, order)
    assert world.item(orders[1]).state == "parked"
    assert world.causes() == {"internal": 1}
    assert not any(row.suspect for row in world.items())


def test_references_that_fail_together_are_asked_for_alone(sqlite_store):
    world = World(sqlite_store)
    good, bad = world.shop.place(), world.shop.place(sku="CURSED")
    resolve = world.erp.resolve

    def cursed(refs):
        if any(ref.value == "CURSED" for ref in refs):
            raise KeyError("CURSED")
        return resolve(refs)

    world.erp.resolve = cursed
    world.carry()
    calm(world)
    stands_once(world, good)
    assert (world.item(bad).state, world.causes()) == ("parked", {"internal": 1})


@pytest.mark.fault("A6")
def test_what_kills_the_worker_is_set_aside_and_stays_there(sqlite_store):
    world = World(sqlite_store)
    killer, good = world.shop.place(sku="KILLER"), world.shop.place()
    world.carry()
    calm(world, 16)
    stands_once(world, good)
    assert world.item(killer).state == "parked"
    assert world.causes() == {"kills_the_worker": 1}
    calm(world, 3)
    assert world.item(killer).state == "parked"


def test_a_mapping_that_cannot_say_what_it_needs_stops_its_own_order_only(sqlite_store, monkeypatch):
    world = World(sqlite_store)
    good, bad = world.shop.place(), world.shop.place()
    systems = world.systems.channel(CHANNEL)
    references = sandbox_erp.MAPPING.references

    def broken(order, options):
        if order.external_id == bad:
            raise KeyError("a defect of the mapping")
        return references(order, options)

    mapping = dataclasses.replace(systems.target_mapping, references=broken)
    monkeypatch.setattr("sync.rules.systems.TARGETS", {"sandbox_erp": mapping})
    world.carry()
    stands_once(world, good)
    assert world.item(bad).state == "parked"


def test_a_reference_that_the_erp_refuses_stops_its_own_order_only(sqlite_store, monkeypatch):
    world = World(sqlite_store)
    good, bad = world.shop.place(), world.shop.place(sku="A\nB")
    resolve = world.erp.resolve

    def picky(refs):
        wanted = list(refs)
        if any("\n" in ref.value for ref in wanted):
            raise RecordRejected("not a code")
        return resolve(wanted)

    monkeypatch.setattr(world.erp, "resolve", picky)
    world.carry()
    stands_once(world, good)
    assert world.item(bad).state == "parked"


def test_an_order_that_the_shop_cannot_give_keeps_no_other_from_being_read(sqlite_store, monkeypatch):
    world = World(sqlite_store)
    good, bad = world.shop.place(), world.shop.place()
    for order in (good, bad):
        world.tell(event(payload(int(order), customer_note="eins")), event(payload(int(order), customer_note="zwei")))
    fetch = world.shop.fetch_orders

    def picky(ids):
        if bad in ids:
            raise RecordRejected("no such id")
        return fetch(ids)

    monkeypatch.setattr(world.shop, "fetch_orders", picky)
    world.drain()
    stands_once(world, good)
    assert world.item(bad).state == "parked"


# --- connections ------------------------------------------------------------------------------------------------


def blamed(world: World) -> set[str]:
    return set(world.store.read(lambda c: c.execute(select(attempts.c.blamed)).scalars().all()))


@pytest.mark.fault("B8", "B23")
@pytest.mark.parametrize(("kind", "ends"), [("transient", True), ("limited", True), ("broken", False)])
def test_an_erp_that_is_away_rests_and_burns_no_order(sqlite_store, kind, ends):
    world = World(sqlite_store)
    orders = [world.shop.place() for _ in range(3)]
    world.erp.fail("resolve", kind)
    world.carry()
    assert {world.item(order).state for order in orders} == {"ready"}
    assert world.erp.calls["create"] == 0
    assert blamed(world) == {"erp"}
    calls = sum(world.erp.calls.values())
    assert world.drain() == 0
    assert sum(world.erp.calls.values()) == calls
    assert world.causes() == ({} if ends else {"connection": 0})
    calm(world, 2)
    assert {world.item(order).state for order in orders} == ({"done"} if ends else {"ready"})


def test_a_broken_connection_in_the_middle_of_a_window_sends_nothing_more(sqlite_store):
    world = World(sqlite_store)
    for _ in range(4):
        world.shop.place()
    world.erp.fail("create", "broken")
    world.carry()
    assert world.erp.calls["create"] == 1


@pytest.mark.fault("G4")
def test_a_shop_that_is_away_is_the_one_that_rests(sqlite_store):
    world = World(sqlite_store)
    world.tell(event(payload(1, customer_note="eins")), event(payload(1, customer_note="zwei")))
    world.shop.put(payload(1))
    world.shop.errors.append(Transient("nobody answers"))
    world.drain()
    assert world.item("1").reason.startswith("shop is away")
    assert blamed(world) == {"shop"}
    calm(world, 2)
    stands_once(world, "1")


# --- trust ------------------------------------------------------------------------------------------------------


@pytest.mark.fault("A23")
def test_an_order_from_before_is_looked_up_before_the_first_write(sqlite_store):
    world = World(sqlite_store, trusted=False)
    order = world.shop.place()
    sale = world.erp.enter(f"{CHANNEL}:{order}", "20.00", confirmed=1)
    world.carry()
    assert world.sales(order) == [sale]
    assert world.erp.calls["create"] == 0
    stands_once(world, order)


def test_a_look_up_is_spared_where_the_channel_is_trusted(sqlite_store):
    world = World(sqlite_store)
    world.shop.place()
    world.carry()
    assert world.erp.calls["find"] == 0


# --- order and batches ------------------------------------------------------------------------------------------


@pytest.mark.fault("D11")
def test_a_live_order_is_carried_before_the_backlog(sqlite_store, monkeypatch):
    world = World(sqlite_store, concurrency=1)
    sent: list[str] = []
    world.erp.watch = lambda sale: sent.append(sale["external_key"])
    for _ in range(6):
        world.shop.place()
    pull(world.store, world.shop, "shop", [CHANNEL], since=GO_LIVE, priority=BACKFILL)
    world.tell(event(payload(9)))
    world.drain()
    assert sent[0] == f"{CHANNEL}:9"
    assert len(sent) == 7


def test_every_try_is_kept_with_its_outcome(sqlite_store):
    world = World(sqlite_store)
    world.erp.fail("create", "never")
    world.shop.place()
    world.carry()
    calm(world, 2)
    assert [row.outcome for row in world.rows(select(attempts.c.outcome).order_by(attempts.c.id))] == [
        "reconcile",
        "done",
    ]
