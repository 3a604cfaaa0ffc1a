"""Customers of Fxiaoke: found by what is surest, made once though it takes them twice, shown what they bought."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit.crm import AccountMark
from connectors.kit.errors import Locked, OutcomeUnknown, RecordRejected
from connectors.kit.exchanges import capture
from connectors.sandbox.fxiaoke import serve_company
from mappings.canonical.jsontext import read_json
from mappings.canonical.money import Money
from mappings.crm import History
from mappings.fxiaoke import ACCOUNTS
from tests.connectors.test_fxiaoke import asked, connect
from tests.shared import shared_path

pytestmark = pytest.mark.loopback


@pytest.fixture
def company():
    with serve_company() as (server, app):
        yield server, app


OF_ACCOUNT = {
    "vat_id_field": "tax_no__c",
    "account_orders_field": "orders__c",
    "account_value_field": "bought__c",
    "account_last_field": "last__c",
    "account_open_field": "open__c",
    "account_key_field": "ext_id__c",
}


def test_a_customer_is_found_by_the_surest_rung_and_all_of_them_are_told(company):
    server, app = company
    first, second, third = [
        app.company.create("AccountObj", {"name": name, "email": f"{tax}@x.example", "tax_no__c": tax})
        for name, tax in (("甲公司", "T1"), ("乙公司", "T2"), ("乙公司", "T3"))
    ]
    connector = connect(server.url, options=OF_ACCOUNT)
    marks = [
        AccountMark(account_id=first, name="乙公司"),
        AccountMark(vat_id="T2", name="甲公司"),
        AccountMark(email="T3@x.example"),
        AccountMark(name="乙公司"),
        AccountMark(account_id="ffffffffffffffffffffffff", vat_id="T9", name="丙公司"),
        AccountMark(),
    ]
    with capture() as exchanges:
        found = connector.find_accounts(marks)
    assert [[row["id"] for row in rows] for rows in found] == [[first], [second], [third], [second, third], [], []]
    assert len([each for each in exchanges if "/query" in each.url]) == 4


def test_an_account_shows_what_was_bought_once_and_one_bad_one_stops_no_other(company):
    server, app = company
    good, closed = [app.company.create("AccountObj", {"name": name}) for name in ("甲", "乙")]
    app.company.change("AccountObj", closed, lock_status="1")
    connector = connect(server.url, options=OF_ACCOUNT)
    money = Money(Decimal("1130.50"), "CNY")
    told = ACCOUNTS.history(
        History(orders=3, value=money, last_number="7", last_on=dt.date(2026, 11, 22), open=Money(Decimal(0), "CNY"))
    )
    wrong = connector.update_accounts({good: told, closed: told, "gone": told})
    assert {name: type(error) for name, error in wrong.items()} == {closed: Locked, "gone": RecordRejected}
    shown = app.company.objects["AccountObj"][good]
    # Midnight in Shanghai.
    assert (shown["orders__c"], shown["bought__c"], shown["last__c"]) == ("3", "1130.50", 1795276800000)
    with capture() as exchanges:
        assert connector.update_accounts({good: told}) == {}
    assert [each for each in exchanges if "/update" in each.url] == []


# Making them


def made(company, payload, **options):
    server, _app = company
    return connect(server.url, options={**OF_ACCOUNT, **options}).create_accounts({"k1": payload})["k1"]


def test_a_customer_is_made_in_the_published_shape_and_belongs_to_somebody(company):
    _server, app = company
    seen = asked(company)
    done = made(company, {"name": "甲公司", "vat_id_field": "T1"})
    [body] = [request.json() for request in seen if request.path.endswith("/create")]
    sample = read_json(shared_path("vendor/fxiaoke/samples/req_create_sales_order_shape.json").read_bytes())
    assert body.keys() - {"convertUserId", "convertMediaId"} == sample.keys()
    assert body["data"]["object_data"] == {
        "dataObjectApiName": "AccountObj",
        "record_type": "default__c",
        "owner": ["1000"],
        "name": "甲公司",
        "tax_no__c": "T1",
        "ext_id__c": "k1",
    }
    assert app.company.objects["AccountObj"][done.external_id]["tax_no__c"] == "T1"


def test_who_owns_a_customer_an_option_says_and_the_legacy_scheme_leaves_open(company):
    server, app = company
    payload = {"k1": {"name": "甲"}}
    options = {"account_key_field": "ext_id__c"}
    connect(server.url, options={**options, "account_owner": "1001"}).create_accounts(payload)
    assert list(app.company.objects["AccountObj"].values())[-1]["owner"] == ["1001"]
    seen = asked(company)
    legacy = connect(server.url, auth_method="session", login="13800000000", options=options)
    legacy.create_accounts({"k2": {"name": "乙"}})
    [body] = [request.json() for request in seen if request.path.endswith("/create")]
    assert "owner" not in body["data"]["object_data"]


def test_a_customer_that_stands_under_its_key_is_not_written_again(company):
    first = made(company, {"name": "甲"})
    with capture() as exchanges:
        again = made(company, {"name": "乙"})
    assert (again.external_id, again.new) == (first.external_id, False)
    assert [each for each in exchanges if "/create" in each.url] == []


def test_a_key_that_somebody_takes_meanwhile_is_known_by_looking_again(company):
    server, app = company
    inner = server._app

    def answer(request):
        if request.path.endswith("/create"):
            app.company.create("AccountObj", {"name": "甲", "ext_id__c": "k1"})
        return inner(request)

    server._app = answer
    done = made(company, {"name": "甲"})
    assert (done.error, done.new) == (None, False)


def test_where_the_key_is_not_unique_two_are_seen_and_left_to_a_person(company):
    server, app = company
    app.company.settings = dataclasses.replace(app.company.settings, unique=frozenset())
    inner = server._app

    def answer(request):
        if request.path.endswith("/create"):
            app.company.create("AccountObj", {"name": "甲", "ext_id__c": "k1"})
        return inner(request)

    server._app = answer
    refused = made(company, {"name": "甲"}).error
    assert isinstance(refused, RecordRejected)
    assert refused.code == "doubled"


def test_a_customer_that_is_taken_and_not_shown_leaves_it_open(company, monkeypatch):
    _server, app = company
    monkeypatch.setattr(app.company, "create", lambda *_args: "0" * 24)
    refused = made(company, {"name": "甲"}).error
    assert isinstance(refused, OutcomeUnknown)
    assert refused.code == "no_record"


def test_without_a_field_for_the_key_nobody_is_made(company):
    server, _app = company
    connector = connect(server.url)
    assert not connector.takes_accounts()
    assert connector.create_accounts({"k1": {"name": "甲"}})["k1"].error.code == "no_key"


def test_a_customers_page_is_where_the_connection_says(company):
    server, _app = company
    pages = connect(server.url, options={"account_page": "https://www.fxiaoke.com/a/{id}"})
    assert pages.link("account", "17") == "https://www.fxiaoke.com/a/17"
    assert pages.link("account", "1/../2?x") == "https://www.fxiaoke.com/a/1%2F..%2F2%3Fx"
    assert pages.link("order", "17") == ""
