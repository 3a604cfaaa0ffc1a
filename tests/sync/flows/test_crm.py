"""A CRM that is told of the customers of two shops and of its own deals: to the cent, once, and never by a guess."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from config.model import CrmPolicy
from sync.desk.bulk import advance
from sync.desk.connections import connection_detail
from sync.desk.matches import decide_match, undo_match
from sync.desk.passport import passport
from sync.store import matches
from sync.store.audit import Actor
from sync.store.erasure import erase_order
from sync.store.issues import list_open
from sync.store.matches import Answer
from sync.store.needs import list_documents
from sync.store.switches import resume
from sync.store.tables import work_items
from tests.sync.flows.crm_trade import DEALS, MARKET, trading_with_crm
from tests.sync.flows.trade import CHANNEL, CUP, POT, TEA

pytestmark = pytest.mark.loopback


@pytest.fixture
def world(sqlite_store):
    with trading_with_crm(sqlite_store) as made:
        yield made


def total(world, channel, number):
    return Decimal(world.in_shop(channel, "GET", f"orders/{number}")["total"])


def test_one_customers_orders_in_two_shops_add_up_on_one_account_and_a_refund_lowers_it(world):
    account = world.account("Nord KG", "ada@example.test")
    one, two = world.buy(CHANNEL, (TEA, 3)), world.buy(MARKET, (POT, 1), email="Ada@Example.test")
    other = world.buy(MARKET, (CUP, 1), email="bob@example.test")
    world.carry()
    worth = total(world, CHANNEL, one) + total(world, MARKET, two)
    shown = world.shows(account)
    assert (shown["Orders"], Decimal(str(shown["Value"]))) == (2, worth)
    assert shown["Last_Order"] in {one, two}
    states = {row.state: row.reason for row in world.items()}
    assert set(states) == {"done", "skipped"}
    assert states["skipped"] == "crm does not know this customer"
    assert other not in str(shown)
    writes = world.writes()
    world.carry()
    assert world.writes() == writes
    world.in_shop(CHANNEL, "POST", f"orders/{one}/refunds", {"amount": "5.00", "api_refund": False})
    world.carry()
    assert Decimal(str(world.shows(account)["Value"])) == worth - 5
    world.in_shop(MARKET, "PUT", f"orders/{two}", {"status": "cancelled"})
    world.carry()
    assert world.shows(account)["Orders"] == 1


def test_orders_with_and_without_a_vat_id_are_one_customer_where_the_crm_has_one_account(world):
    account = world.account("Nord KG", "ada@example.test", VAT_ID="DE136695976")
    one = world.buy(CHANNEL, (TEA, 1))
    two = world.buy(MARKET, (TEA, 2), meta_data=[{"key": "_billing_vat_number", "value": "DE136695976"}])
    world.carry()
    assert {row.key for row in world.customers()} == {"email:ada@example.test", "vat:DE136695976"}
    worth = total(world, CHANNEL, one) + total(world, MARKET, two)
    assert (world.shows(account)["Orders"], Decimal(str(world.shows(account)["Value"]))) == (2, worth)


def test_a_doubtful_customer_is_held_and_goes_on_with_what_a_person_decides(world):
    first, second = world.account("Nord KG", "ada@example.test"), world.account("Nord AG", "ada@example.test")
    clear = world.account("Süd", "bob@example.test")
    world.buy(CHANNEL, (TEA, 1))
    world.buy(CHANNEL, (TEA, 1), email="bob@example.test")
    world.carry()
    assert (world.shows(first), world.shows(second), world.shows(clear)["Orders"]) == ({}, {}, 1)
    assert world.trade.causes() == {"ambiguous_account": 1}
    [match] = world.store.read(lambda c: matches.open_matches(c, limit=9))
    assert {each.id for each in match.candidates} == {first, second}
    decide_match(
        world.store, world.trade.config, match.id, Answer.SAME, second, actor=Actor("ann"), reason="they called"
    )
    advance(world.store)
    world.tell()
    assert (world.shows(first), world.shows(second)["Orders"], world.trade.causes()) == ({}, 1, {})
    undo_match(world.store, match.id, actor=Actor("ann"), reason="a mistake")
    world.buy(CHANNEL, (TEA, 1))
    world.carry()
    assert (world.shows(second)["Orders"], world.trade.causes()) == (1, {"ambiguous_account": 1})


def test_who_is_none_of_the_accounts_is_told_to_nobody(world):
    world.account("Nord KG", "ada@example.test")
    world.account("Nord AG", "ada@example.test")
    world.buy(CHANNEL, (TEA, 1))
    world.carry()
    [match] = world.store.read(lambda c: matches.open_matches(c, limit=9))
    world.store.write(lambda c: matches.decide(c, match.id, Answer.APART, "", by="ann", reason=""))
    world.night()
    [item] = world.items()
    assert (item.state, world.trade.causes(), world.told()) == ("skipped", {}, [])


def test_a_shared_address_is_no_proof_for_another_vat_id(world):
    account = world.account("Nord KG", "ada@example.test")
    for vat_id in ("DE136695976", "DE811569869"):
        world.buy(CHANNEL, (TEA, 1), meta_data=[{"key": "_billing_vat_number", "value": vat_id}])
        world.carry()
    assert (world.shows(account)["Orders"], world.trade.causes()) == (1, {"ambiguous_account": 1})


@pytest.mark.parametrize("fault", [{"kind": "commit_then_drop"}, {"kind": "reset"}, {"kind": "status", "status": 429}])
def test_whatever_is_lost_on_the_way_the_account_shows_the_truth_in_the_end(world, fault):
    account = world.account("Nord KG", "ada@example.test")
    world.buy(CHANNEL, (TEA, 3))
    world.crm_plan.add(method="PUT", path="*/Accounts", **fault)
    world.carry()
    world.trade.time_passes(7200)
    world.store.write(lambda c: resume(c, "connection", "crm", by="ann"))
    world.tell()
    world.trade.time_passes(7200)
    world.tell()
    assert world.shows(account)["Orders"] == 1
    assert ({row.state for row in world.items()}, world.trade.causes()) == ({"done"}, {})


def test_one_account_that_is_locked_does_not_keep_the_others_from_being_told(world):
    closed, free = world.account("Nord KG", "ada@example.test"), world.account("Süd", "bob@example.test")
    world.crm.locked[closed] = "RECORD_LOCKED"
    world.buy(CHANNEL, (TEA, 1))
    world.buy(CHANNEL, (TEA, 1), email="bob@example.test")
    world.carry()
    assert (world.shows(closed), world.shows(free)["Orders"]) == ({}, 1)
    assert world.trade.causes() == {"account_refused": 1}
    [issue] = world.store.read(list_open)
    [document] = world.store.read(lambda c: list_documents(c, issue.id))
    assert (document.kind, document.number) == ("party", "Ada Nord")
    del world.crm.locked[closed]
    world.night()
    assert (world.shows(closed)["Orders"], world.trade.causes()) == (1, {})


def test_an_account_that_was_deleted_is_looked_for_anew(world):
    account = world.account("Nord KG", "ada@example.test")
    world.buy(CHANNEL, (TEA, 1))
    world.carry()
    world.crm.delete("Accounts", account)
    for contact in list(world.crm.records["Contacts"]):
        world.crm.delete("Contacts", contact)
    other = world.account("Nord neu", "ada@example.test")
    world.buy(CHANNEL, (TEA, 1))
    world.carry()
    world.trade.time_passes(60)
    world.tell()
    assert world.shows(other)["Orders"] == 2
    assert {row.account_id for row in world.told()} == {other}


def test_orders_of_before_are_counted_and_a_new_account_is_found_in_the_night(world):
    world.configure(CrmPolicy())
    world.buy(CHANNEL, (TEA, 1))
    world.trade.carry()
    world.configure(CrmPolicy(connection="crm", gather_s=0.0))
    world.night()
    assert [item.state for item in world.items()] == ["skipped"]
    account = world.account("Nord KG", "ada@example.test")
    world.night()
    assert world.shows(account)["Orders"] == 1


def test_several_deals_of_one_customer_are_orders_each_and_count_with_what_the_shop_sold(sqlite_store):
    with trading_with_crm(sqlite_store, deals=True) as world:
        deals = [world.crm.sell([(TEA, 2)], module="Deals") for _ in range(8)]
        of = deals[0]["Account_Name"]["id"]
        mine = [deal for deal in deals if deal["Account_Name"]["id"] == of]
        world.carry()
        orders = world.trade.rows(
            select(work_items.c.state).where(work_items.c.channel == DEALS, work_items.c.kind == "order")
        )
        assert world.trade.causes() == {}
        assert [row.state for row in orders] == ["done"] * 8
        assert len(mine) == 2
        assert world.shows(of)["Orders"] == 2
        email = next(c["Email"] for c in world.crm.records["Contacts"].values() if c["Account_Name"]["id"] == of)
        world.buy(CHANNEL, (POT, 1), email=email)
        world.carry()
        assert world.shows(of)["Orders"] == 3


# --- accounts that are made -------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [None, {"kind": "commit_then_drop"}, {"kind": "reset"}])
def test_a_customer_whom_the_crm_does_not_know_gets_one_account(sqlite_store, fault):
    with trading_with_crm(sqlite_store, create=True) as world:
        world.buy(CHANNEL, (TEA, 1))
        world.buy(MARKET, (TEA, 1))
        if fault:
            world.crm_plan.add(method="POST", path="*/Accounts/upsert", **fault)
        world.carry()
        for _ in range(2):
            world.trade.time_passes(7200)
            world.store.write(lambda c: resume(c, "connection", "crm", by="ann"))
            world.tell()
        [account] = world.crm.records["Accounts"].values()
        assert (account["Account_Name"], account["Crossdock_Orders"]) == ("Ada Nord (ada@example.test)", 2)
        [contact] = world.crm.records["Contacts"].values()
        assert (contact["Email"], contact["Account_Name"]["id"]) == ("ada@example.test", account["id"])
        assert [row.found_by for row in world.customers()] == ["created"]


def test_an_account_of_somebody_else_with_the_same_name_is_for_a_person_to_say(sqlite_store):
    with trading_with_crm(sqlite_store, create=True) as world:
        other = world.account("Ada Nord (ada@example.test)")
        world.buy(CHANNEL, (TEA, 1))
        world.carry()
        assert (world.shows(other), world.trade.causes()) == ({}, {"ambiguous_account": 1})
        [match] = world.store.read(lambda c: matches.open_matches(c, limit=9))
        world.store.write(lambda c: matches.decide(c, match.id, Answer.SAME, other, by="ann", reason=""))
        world.night()
        assert (world.shows(other)["Orders"], world.trade.causes()) == (1, {})


# --- seen by people ---------------------------------------------------------------------------------------------


def test_an_orders_page_says_what_the_crm_was_told_or_why_nothing(world):
    account = world.account("Nord KG", "ada@example.test")
    told, unknown = world.buy(CHANNEL, (TEA, 1)), world.buy(CHANNEL, (TEA, 1), email="bob@example.test")
    world.carry()
    config = world.trade.config
    lines = {}
    for number in (told, unknown):
        [entry] = passport(world.store, config, number)
        lines[number] = entry["crm"]
    assert (lines[told]["account_id"], lines[told]["account_name"]) == (account, "Nord KG")
    assert lines[told]["figures"]["orders"] == 1
    assert lines[told]["told_at"]
    assert (lines[unknown]["account_id"], lines[unknown]["told_at"]) == ("", None)
    assert lines[unknown]["reason"] == "crm does not know this customer"
    counts = connection_detail(world.store, config, "crm").crm
    assert (counts.customers, counts.known, counts.accounts) == (2, 1, 1)
    assert connection_detail(world.store, config, "shop").crm is None


def test_erasing_a_customer_takes_them_out_and_leaves_what_the_account_shows(world):
    account = world.account("Nord KG", "ada@example.test")
    world.buy(CHANNEL, (TEA, 1))
    world.carry()
    [order] = world.trade.orders()
    world.store.write(lambda c: erase_order(c, order.id, {CHANNEL: "shop"}))
    [customer] = world.customers()
    assert "ada" not in repr(customer).lower()
    assert all(row.exchanges_id is None and not row.message for row in world.tries())
    world.buy(MARKET, (TEA, 1))
    world.carry()
    assert world.shows(account)["Orders"] == 2
