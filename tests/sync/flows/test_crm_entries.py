"""The history of a customer at its account: each order, parcel, invoice and credit note once, whatever is lost."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest
from sqlalchemy import delete, select

from config.model import Auth, CrmPolicy, Depth, InvoiceNews, Secret
from config.model import Connection as Account
from connectors.kit.errors import Locked, RecordRejected
from connectors.sandbox.fxiaoke import CompanySettings, serve_company
from mappings.notes import key_of
from sync.desk.connections import connection_detail
from sync.desk.passport import passport
from sync.flows.crm import entries, histories
from sync.store.channels import distrust
from sync.store.crm.customers import mark_customers
from sync.store.erasure import erase_order
from sync.store.leases import expire_lease
from sync.store.tables import leases, told_entries
from tests.contract.crm_fakes import FxiaokeAccounts
from tests.sync.flows.crm_trade import DEALS, MARKET, trading_with_crm
from tests.sync.flows.trade import CHANNEL, LOCAL, POT, TEA

pytestmark = pytest.mark.loopback

AFTER = {"refunds": Depth.POSTED, "invoices": InvoiceNews.LINK}
LONG_AGO = dt.date(2020, 1, 1)


@pytest.fixture
def world(sqlite_store):
    with trading_with_crm(sqlite_store, history_from=LONG_AGO, after=AFTER) as made:
        yield made


def look_again(world):
    """Somebody looks at all customers again."""
    ids = [row.id for row in world.customers()]
    for name in world.channels:
        world.store.write(lambda c, name=name: mark_customers(c, name, ids))
    world.tell()


def states(world):
    return {row.state for row in world.trade.rows(select(told_entries.c.state))}


def send(world, number):
    """The order leaves, and its invoice is posted."""
    sale = world.trade.sale_id(number)
    world.trade.in_erp("POST", f"sales/{sale}/send", {"tracking": [{"number": "T-1", "url": ""}]})
    world.carry()


def test_each_order_parcel_invoice_and_credit_note_is_told_once(world):
    account = world.account("Nord KG", "ada@example.test")
    world.buy(MARKET, (POT, 1), email="bob@example.test")
    one, two = world.buy(CHANNEL, (TEA, 3)), world.buy(MARKET, (POT, 1))
    world.carry()
    assert set(world.notes(account)) == {f"Order {one}", f"Order {two}"}
    assert any(row.reason.endswith("; entries written: 2") for row in world.items())
    send(world, one)
    line = world.in_shop(CHANNEL, "GET", f"orders/{one}")["line_items"][0]
    piece = {"id": line["id"], "quantity": 1, "refund_total": "7.00"}
    world.in_shop(
        CHANNEL, "POST", f"orders/{one}/refunds", {"amount": "7.00", "api_refund": False, "line_items": [piece]}
    )
    world.carry()
    notes = world.notes(account)
    kinds = {title.split(" ")[0]: text for title, text in notes.items()}
    assert (len(notes), set(kinds)) == (5, {"Order", "Parcel", "Invoice", "Credit"})
    order, parcel = notes[f"Order {one}"], kinds["Parcel"]
    total = world.in_shop(CHANNEL, "GET", f"orders/{one}")["total"]
    assert f"{total} EUR | {CHANNEL}" in order
    assert "3 x " in order
    assert "T-1" in parcel
    assert "3 x " in parcel
    assert "https://hub.test/files/" in kinds["Invoice"]
    assert {key_of(text).split(":")[0] for text in notes.values()} == {CHANNEL, MARKET}
    look_again(world)
    assert world.notes(account) == notes
    assert (states(world), world.trade.causes()) == ({"told"}, {})


@pytest.mark.parametrize("fault", [{"kind": "commit_then_drop"}, {"kind": "reset"}, {"kind": "status", "status": 429}])
def test_whatever_is_lost_on_the_way_an_entry_stands_once(world, fault):
    account = world.account("Nord KG", "ada@example.test")
    one, two = world.buy(CHANNEL, (TEA, 3)), world.buy(CHANNEL, (POT, 1))
    world.crm_plan.add(method="POST", path="*/Notes", **fault)
    world.carry()
    assert world.shows(account)["Orders"] == 2
    world.converge()
    assert set(world.notes(account)) == {f"Order {one}", f"Order {two}"}
    assert (states(world), {row.state for row in world.items()}, world.trade.causes()) == ({"told"}, {"done"}, {})


def test_who_dies_between_a_write_and_its_end_leaves_one_entry(world, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    account = world.account("Nord KG", "ada@example.test")
    number = world.buy(CHANNEL, (TEA, 3))
    with monkeypatch.context() as dying:
        dying.setattr(entries, "end_entry", die)
        with pytest.raises(Killed):
            world.carry()
    assert set(world.notes(account)) == {f"Order {number}"}
    assert states(world) == {"announced"}
    [lease] = world.trade.rows(select(leases.c.token))
    world.store.write(lambda c: expire_lease(c, lease.token))
    other = world.buy(CHANNEL, (POT, 1))
    world.carry()
    assert set(world.notes(account)) == {f"Order {number}", f"Order {other}"}
    world.converge()
    assert set(world.notes(account)) == {f"Order {number}", f"Order {other}"}
    assert (states(world), {row.state for row in world.items()}) == ({"told"}, {"done"})


def test_nobody_looks_for_an_entry_before_it_can_have_landed(world):
    account = world.account("Nord KG", "ada@example.test")
    number = world.buy(CHANNEL, (TEA, 3))
    world.crm_plan.add(method="POST", path="*/Notes", kind="reset")
    world.carry()
    look_again(world)
    other = world.buy(CHANNEL, (POT, 1))
    world.carry()
    world.trade.time_passes(2)
    look_again(world)
    assert f"Order {number}" not in world.notes(account)
    world.converge()
    assert set(world.notes(account)) == {f"Order {number}", f"Order {other}"}


def test_a_database_that_is_older_than_what_was_told_tells_nothing_twice(world):
    account = world.account("Nord KG", "ada@example.test")
    world.buy(CHANNEL, (TEA, 3))
    world.carry()
    told = world.notes(account)
    world.store.write(lambda c: c.execute(delete(told_entries)))
    world.store.write(distrust)
    world.night()
    assert world.notes(account) == told
    assert states(world) == {"told"}


def test_what_was_placed_before_the_day_has_no_entries_until_the_day_is_moved(world):
    account = world.account("Nord KG", "ada@example.test")
    tomorrow = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)
    world.configure(CrmPolicy(connection="crm", gather_s=0.0, history_from=tomorrow))
    number = world.buy(CHANNEL, (TEA, 1))
    world.carry()
    assert (world.shows(account)["Orders"], world.notes(account)) == (1, {})
    [entry] = passport(world.store, world.trade.config, number)
    assert (entry["crm"]["entries"], entry["crm"]["entries_from"]) == (0, tomorrow.isoformat())
    world.configure(CrmPolicy(connection="crm", gather_s=0.0))
    world.night()
    assert world.notes(account) == {}
    world.configure(CrmPolicy(connection="crm", gather_s=0.0, history_from=LONG_AGO))
    world.night()
    assert set(world.notes(account)) == {f"Order {number}"}


@contextlib.contextmanager
def refusing(world, *numbers, error=RecordRejected):
    """The CRM does not take the entries of these orders."""
    crm = type(world.trade.systems.connector("crm"))
    add = crm.add_entry

    def choosy(self, account, payload):
        if payload["Note_Title"] in {f"Order {number}" for number in numbers}:
            raise error("a word that we do not like", code="WORD")
        return add(self, account, payload)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crm, "add_entry", choosy)
        yield


def test_one_entry_that_is_refused_keeps_neither_the_figures_nor_the_others_back(world):
    account = world.account("Nord KG", "ada@example.test")
    bad, good = world.buy(CHANNEL, (TEA, 1)), world.buy(CHANNEL, (POT, 1))
    with refusing(world, bad):
        world.carry()
    assert (world.shows(account)["Orders"], set(world.notes(account))) == (2, {f"Order {good}"})
    assert (states(world), world.trade.causes()) == ({"told", "refused"}, {"account_refused": 1})
    world.night()
    assert set(world.notes(account)) == {f"Order {bad}", f"Order {good}"}
    assert (states(world), world.trade.causes()) == ({"told"}, {})


def test_a_document_that_nobody_can_read_keeps_neither_the_figures_nor_the_others_back(world):
    account = world.account("Nord KG", "ada@example.test")
    number = world.buy(CHANNEL, (TEA, 1))
    world.carry()
    sale = world.trade.sale_id(number)
    world.trade.in_erp("POST", f"sales/{sale}/send", {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histories, "shipment_from_json", lambda value: value["of an older program"])
        world.carry()
    assert len(world.notes(account)) == 2
    assert (world.shows(account)["Orders"], world.trade.causes()) == (1, {"internal": 1})
    world.night()
    assert (len(world.notes(account)), world.trade.causes()) == (3, {})


def test_many_entries_come_in_batches_and_what_was_refused_keeps_none_back(world, monkeypatch):
    account = world.account("Nord KG", "ada@example.test")
    numbers = [world.buy(CHANNEL, (TEA, 1)) for _ in range(6)]
    monkeypatch.setattr(entries, "_MOST", 2)
    with refusing(world, *numbers[:3]):
        world.carry()
    assert set(world.notes(account)) == {f"Order {number}" for number in numbers[3:]}
    assert world.trade.causes() == {"account_refused": 1}
    world.night()
    assert set(world.notes(account)) == {f"Order {number}" for number in numbers}
    assert world.trade.causes() == {}


def test_an_account_under_approval_takes_none_and_is_not_asked_again_at_once(world, monkeypatch):
    account = world.account("Nord KG", "ada@example.test")
    numbers = [world.buy(CHANNEL, (TEA, 1)) for _ in range(3)]
    monkeypatch.setattr(entries, "_MOST", 2)
    with refusing(world, *numbers, error=Locked):
        world.carry()
        assert len(world.tries()) == 1
    assert (world.shows(account)["Orders"], world.notes(account)) == (3, {})
    assert world.trade.causes() == {"under_approval": 1}
    world.night()
    assert (len(world.notes(account)), world.trade.causes()) == (3, {})


def test_an_account_that_is_gone_is_looked_for_anew_and_entries_go_there(world):
    account = world.account("Nord KG", "ada@example.test")
    first = world.buy(CHANNEL, (TEA, 1))
    world.carry()
    assert set(world.notes(account)) == {f"Order {first}"}
    world.crm.delete("Accounts", account)
    for contact in list(world.crm.records["Contacts"]):
        world.crm.delete("Contacts", contact)
    other = world.account("Nord neu", "ada@example.test")
    second = world.buy(CHANNEL, (TEA, 1))
    world.carry()
    world.trade.time_passes(60)
    world.tell()
    assert set(world.notes(other)) == {f"Order {second}"}


def test_the_crms_own_orders_have_no_entries(sqlite_store):
    with trading_with_crm(sqlite_store, deals=True, history_from=LONG_AGO) as world:
        deal = world.crm.sell([(TEA, 2)], module="Deals")
        world.carry()
        assert world.shows(deal["Account_Name"]["id"])["Orders"] == 1
        assert world.notes(deal["Account_Name"]["id"]) == {}
        [line] = [each["crm"] for each in passport(world.store, world.trade.config, deal["id"])]
        assert (line["entries"], world.channels[DEALS].crm.history_from) == (None, LONG_AGO)


def test_an_order_and_the_crms_connection_say_how_many_entries_stand(world):
    world.account("Nord KG", "ada@example.test")
    number = world.buy(CHANNEL, (TEA, 1))
    world.carry()
    send(world, number)
    [entry] = passport(world.store, world.trade.config, number)
    assert entry["crm"]["entries"] == 3
    assert connection_detail(world.store, world.trade.config, "crm").crm.entries == 3


def test_an_erased_order_is_told_no_more(world):
    account = world.account("Nord KG", "ada@example.test")
    number = world.buy(CHANNEL, (TEA, 1))
    world.carry()
    [order] = world.trade.orders()
    world.store.write(lambda c: erase_order(c, order.id, {CHANNEL: "shop"}))
    sale = world.trade.sale_id(number)
    world.trade.in_erp("POST", f"sales/{sale}/send", {})
    world.carry()
    look_again(world)
    assert set(world.notes(account)) == {f"Order {number}"}


def test_fxiaoke_has_a_record_for_each_entry_once(sqlite_store):
    settings = CompanySettings(calls=10_000)
    with (
        trading_with_crm(sqlite_store, history_from=LONG_AGO, create=True) as world,
        serve_company(settings) as (server, app),
    ):
        auth = Auth(
            key=Secret(settings.app_id),
            secret=Secret(settings.app_secret),
            password=Secret(settings.permanent_code),
            login=settings.employee,
        )
        options = {"tax_rate": "19", "country": "DE", **FxiaokeAccounts.options}
        world.tell_instead(Account(name="crm", system="fxiaoke", url=server.url, auth=auth, options=options, **LOCAL))
        number = world.buy(CHANNEL, (TEA, 1))
        server.plan.add(path="/cgi/crm/custom/v2/data/create", kind="commit_then_drop")
        world.carry()
        send(world, number)
        world.converge()
        records = app.company.objects["history__c"].values()
        kinds = [row["ext_id__c"].removeprefix(f"{CHANNEL}:{number}:").partition(":")[0] for row in records]
        assert (sorted(kinds), states(world)) == (["invoice", "order", "shipment"], {"told"})
