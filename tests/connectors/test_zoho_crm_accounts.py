"""Accounts and contacts of Zoho CRM: found, made once by upsert and never over somebody else's, written row by row."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from connectors.kit.crm import AccountMark, KeepsAccounts
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected
from connectors.kit.exchanges import capture
from connectors.registry import CONNECTORS, has
from connectors.sandbox.zoho_crm import serve_crm
from mappings.canonical.money import Money
from mappings.crm import History
from mappings.registry import CRM_FACETS
from tests.connectors.test_zoho_crm import connect

pytestmark = pytest.mark.loopback


@pytest.fixture
def crm():
    with serve_crm() as (server, app):
        yield Crm(app, connect(server.url, {"vat_field": "VAT_ID"}), server)


class Crm:
    """An organisation, and a connector to it."""

    def __init__(self, app, connector, server):
        self.app, self.connector, self.server, self.of = app, connector, server, app.organisation

    def accounts(self, name):
        return [row for row in self.of.records["Accounts"].values() if row["Account_Name"] == name]


# Finding them, and writing to them


def test_who_keeps_accounts_has_a_mapping_for_them():
    assert {name for name in CONNECTORS if has(CONNECTORS[name], KeepsAccounts)} == CRM_FACETS.keys()


def account(crm, **fields):
    return crm.of.insert("Accounts", {"Account_Name": "x", "VAT_ID": None, **fields})["id"]


def contact(crm, account_id, email):
    crm.of.insert("Contacts", {"Email": email, "Account_Name": {"id": account_id}})


def test_an_account_is_found_by_the_first_rung_that_fits(crm):
    first = account(crm, Account_Name="Tee & 'Co'", VAT_ID="DE1")
    second = account(crm, Account_Name="Andere", VAT_ID="DE2")
    contact(crm, second, "Anna@b.example")
    marks = [
        AccountMark(account_id=first, vat_id="DE2"),
        AccountMark(vat_id="DE2", name="Tee & 'Co'"),
        AccountMark(vat_id="DE9", email="ANNA@B.example"),
        AccountMark(email="nobody@b.example", name="Tee & 'Co'"),
        AccountMark(),
        AccountMark(account_id="5725767000000999999", name="Niemand"),
    ]
    with capture() as exchanges:
        found = crm.connector.find_accounts(marks)
    assert [[each["id"] for each in accounts] for accounts in found] == [[first], [second], [second], [first], [], []]
    assert sum("/crm/" in each.url for each in exchanges) == 4


def test_doubtful_matches_are_all_told_and_two_contacts_of_one_account_are_one(crm):
    twins = [account(crm, Account_Name=name, VAT_ID="DE7") for name in ("A", "B")]
    [found] = crm.connector.find_accounts([AccountMark(vat_id="DE7")])
    assert [each["id"] for each in found] == sorted(twins, key=int)
    for _ in range(2):
        contact(crm, twins[0], "same@b.example")
    [found] = crm.connector.find_accounts([AccountMark(email="same@b.example")])
    assert [each["id"] for each in found] == [twins[0]]


BOUGHT = History(
    orders=3,
    value=Money(Decimal("1234.56"), "EUR"),
    last_number="SO-17",
    last_on=dt.date(2026, 11, 22),
    open=Money(Decimal("12.30"), "EUR"),
)


def test_the_roll_up_stands_on_the_account_and_twice_is_once(crm):
    there = account(crm)
    payload = CRM_FACETS["zoho_crm"].history(BOUGHT)
    for _ in range(2):
        assert crm.connector.update_accounts({there: payload}) == {}
    record = crm.of.records["Accounts"][there]
    shown = {name: value for name, value in record.items() if name.startswith("Crossdock_")}
    assert shown == {
        "Crossdock_Orders": 3,
        "Crossdock_Value": 1234.56,
        "Crossdock_Last_Order": "SO-17",
        "Crossdock_Last_Order_On": "2026-11-22",
        "Crossdock_Open_Balance": 12.3,
    }


def test_each_row_of_a_write_is_judged_by_itself(crm):
    good, locked, gone, twin = account(crm, Account_Name="A"), account(crm, Account_Name="B"), "5725767000000999999", ""
    twin = account(crm, Account_Name="C")
    crm.of.locked[locked] = "RECORD_LOCKED"
    changes = {good: {"Crossdock_Orders": 1}, locked: {"Crossdock_Orders": 1}, gone: {"Crossdock_Orders": 1}}
    refused = crm.connector.update_accounts({**changes, twin: {"Account_Name": "A"}})
    assert set(refused) == {locked, gone, twin}
    assert refused[locked].code == "record_locked"
    assert isinstance(refused[twin], AlreadyExists)
    assert crm.of.records["Accounts"][good]["Crossdock_Orders"] == 1


def test_a_hundred_accounts_are_one_call(crm):
    ids = [account(crm, Account_Name=f"{n}") for n in range(101)]
    crm.connector.find_accounts([AccountMark(account_id=ids[0])])
    with capture() as exchanges:
        crm.connector.update_accounts({each: {"Crossdock_Orders": 1} for each in ids})
    assert len(exchanges) == 2


def test_an_answer_without_a_row_for_each_record_leaves_it_open(crm):
    crm.server.plan.add(kind="status", status=200, method="PUT", body='{"data":[]}', count=None)
    with pytest.raises(OutcomeUnknown):
        crm.connector.update_accounts({account(crm): {"Crossdock_Orders": 1}})


def test_a_name_in_other_letters_is_the_same_name(crm):
    there = account(crm, Account_Name="TEEHAUS nord")
    [found] = crm.connector.find_accounts([AccountMark(name="Teehaus Nord")])
    assert [each["id"] for each in found] == [there]


def test_an_account_has_a_page(crm):
    assert crm.connector.link("account", "5725767000000100001").endswith("module=Accounts&id=5725767000000100001")
    assert crm.connector.link("account", "5725/../1") == crm.connector.link("contact", "1") == ""


# Making them


def made(crm, **payloads):
    return crm.connector.create_accounts({key: {"Account_Name": name} for key, name in payloads.items()})


def test_an_account_is_upserted_by_the_key_and_starts_no_workflow(crm):
    with capture() as exchanges:
        crm.connector.create_accounts({"k1": {"Account_Name": "Neu", "vat_id": "DE1"}})
    [write] = [each for each in exchanges if each.url.endswith("/upsert")]
    assert json.loads(write.request_body) == {
        "data": [{"Account_Name": "Neu", "VAT_ID": "DE1", "Crossdock_Key": "k1"}],
        "duplicate_check_fields": ["Crossdock_Key"],
        "trigger": [],
    }


def test_a_hundred_new_accounts_are_two_calls(crm):
    crm.connector.find_accounts([AccountMark(name="x")])
    with capture() as exchanges:
        done = made(crm, **{f"k{n}": f"Kunde {n}" for n in range(100)})
    assert all(each.new for each in done.values())
    assert len(exchanges) == 2


def test_an_account_of_the_same_name_is_never_changed(crm):
    """The upsert would take it for ours, whatever fields it is told to look at."""
    there = account(crm, Account_Name="Teehaus", Phone="1")
    refused = made(crm, k1="TEEHAUS", k2="Anders")
    assert isinstance(refused["k1"].error, AlreadyExists)
    assert (refused["k1"].error.code, refused["k2"].new) == ("same_name", True)
    assert there in str(refused["k1"].error)
    assert crm.of.records["Accounts"][there].get("Crossdock_Key") is None


def test_two_of_one_call_with_the_same_name_do_not_become_one(crm):
    done = made(crm, k1="Teehaus", k2="teehaus")
    assert (done["k1"].new, done["k2"].error.code) == (True, "same_name")
    assert len(crm.accounts("Teehaus")) == 1


def test_an_account_that_somebody_makes_meanwhile_is_given_back(crm):
    inner = crm.server._app

    def answer(request):
        if request.path.endswith("/upsert") and not crm.accounts("Teehaus"):
            account(crm, Account_Name="Teehaus")
        return inner(request)

    crm.server._app = answer
    refused = made(crm, k1="Teehaus")["k1"].error
    assert (refused.code, "Teehaus" in str(refused)) == ("same_name", True)
    assert crm.accounts("Teehaus")[0]["Crossdock_Key"] is None


def test_without_the_field_for_the_key_nothing_is_made_and_the_field_is_named(crm):
    del crm.app.writes.custom["Accounts"]["Crossdock_Key"]
    with capture() as exchanges:
        refused = made(crm, k1="Neu")["k1"].error
    assert isinstance(refused, RecordRejected)
    assert (refused.code, refused.field) == ("no_key", "Crossdock_Key")
    assert [each for each in exchanges if each.url.endswith("/upsert")] == []


def test_several_under_one_key_are_for_a_person(crm):
    twins = [account(crm, Account_Name=name, Crossdock_Key="k1") for name in ("A", "B")]
    refused = made(crm, k1="A")["k1"].error
    assert refused.code == "doubled"
    assert all(each in str(refused) for each in twins)


def test_one_row_that_is_refused_stops_no_other(crm):
    payloads = {"k1": {"Account_Name": "A", "Crossdock_Orders": "many"}, "k2": {"Account_Name": "B"}}
    done = crm.connector.create_accounts(payloads)
    assert (done["k1"].error.field, done["k2"].new) == ("Crossdock_Orders", True)


def test_a_contact_without_an_account_is_given_ours(crm):
    there = account(crm)
    loose = crm.of.insert("Contacts", {"Email": "Anna@b.example", "Account_Name": None})["id"]
    payload = {"Last_Name": "B", "Account_Name": {"id": there}}
    done = crm.connector.create_contacts({"anna@b.example": payload})["anna@b.example"]
    assert (done.external_id, done.new) == (loose, False)
    assert crm.of.records["Contacts"][loose]["Account_Name"] == {"id": there}


def test_the_notes_of_a_long_history_are_read_back_to_a_moment(crm):
    there = account(crm)
    for number in range(500):
        crm.of.insert("Notes", {"Note_Content": f"{number}", "Parent_Id": {"id": there}})
    crm.of.clock_offset_s += 3600
    crm.connector.add_entry(there, {"Note_Content": "newest"})
    with capture() as exchanges:
        found = crm.connector.list_entries(there, since=crm.of.now() - dt.timedelta(minutes=5))
    assert (found[-1]["Note_Content"], len(exchanges)) == ("newest", 1)
    assert len(crm.connector.list_entries(there)) == 501
