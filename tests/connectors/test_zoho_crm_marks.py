"""What is written to Zoho CRM: records that change meanwhile, locks, fields that are not there, accounts row by row."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from connectors.kit.crm import AccountMark, KeepsAccounts
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected, Transient
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
        self.order = self.of.sell()["id"]

    def record(self):
        return self.of.records["Sales_Orders"][self.order]


# Orders


def test_a_state_is_that_of_the_module_and_starts_no_workflow(crm):
    with capture() as exchanges:
        crm.connector.update_order(crm.order, {"state": "Delivered", "Crossdock_ERP_Number": "SO1"})
    [write] = [each for each in exchanges if each.method == "PUT"]
    assert json.loads(write.request_body) == {
        "data": [{"Status": "Delivered", "Crossdock_ERP_Number": "SO1"}],
        "trigger": [],
    }
    assert (crm.record()["Status"], crm.record()["Crossdock_ERP_Number"]) == ("Delivered", "SO1")


def test_a_word_that_a_deal_has_none_for_changes_nothing(crm):
    deal = crm.of.sell(module="Deals")["id"]
    deals = connect(crm.server.url, {"orders_from": "deals", "deal_article": "X"})
    deals.update_order(deal, {"state": "completed"})
    assert crm.of.records["Deals"][deal]["Stage"] == "Closed Won"
    deals.update_order(deal, {"state": "Ausgeliefert"})
    assert crm.of.records["Deals"][deal]["Stage"] == "Ausgeliefert"


def while_we_write(crm, times):
    """Somebody changes the record between our reading and our writing."""
    inner, left = crm.server._app, [times]

    def answer(request):
        if request.method == "PUT" and left[0]:
            left[0] -= 1
            crm.of.clock_offset_s += 2
            crm.of.edit("Sales_Orders", crm.order, Description=f"changed {left[0]}")
        return inner(request)

    crm.server._app = answer


def test_a_record_that_was_changed_meanwhile_is_read_anew(crm):
    while_we_write(crm, 2)
    envelope = crm.connector.update_order(crm.order, {"state": "Delivered"})
    assert (envelope.payload["Status"], envelope.payload["Description"]) == ("Delivered", "changed 0")


def test_one_that_is_changed_all_the_time_waits(crm):
    while_we_write(crm, 10)
    with pytest.raises(Transient) as caught:
        crm.connector.update_order(crm.order, {"state": "Delivered"})
    assert caught.value.code == "already_modified"
    assert crm.record()["Status"] == "Approved"


@pytest.mark.parametrize("code", ["RECORD_LOCKED", "NOT_APPROVED", "RECORD_IN_BLUEPRINT"])
def test_a_record_that_a_process_of_theirs_holds_is_refused_with_what_to_do(crm, code):
    crm.of.locked[crm.order] = code
    with pytest.raises(RecordRejected, match="CRM") as caught:
        crm.connector.update_order(crm.order, {"state": "Delivered"})
    assert caught.value.code == code.lower()


def test_a_state_that_the_picklist_does_not_have_is_named_though_the_status_is_202(crm):
    with pytest.raises(RecordRejected, match="Created") as caught:
        crm.connector.update_order(crm.order, {"state": "Verschickt"})
    assert caught.value.field == "Status"


def test_what_the_organisation_has_no_field_for_is_left_out(crm):
    crm.app.writes.custom["Sales_Orders"] = {}
    with capture() as exchanges:
        crm.connector.update_order(crm.order, {"Crossdock_Shipments": "OUT/1"})
    assert [each for each in exchanges if each.method == "PUT"] == []


def test_a_note_is_found_again_by_its_reference_oldest_first(crm):
    made = [crm.connector.add_note(crm.order, {"Note_Title": "T", "Note_Content": f"x\nRef. k-{n}"}) for n in (1, 2)]
    assert [note["id"] for note in crm.connector.list_notes(crm.order)] == [note["id"] for note in made]
    assert crm.connector.list_notes("5725767000000999999") == []


# Accounts


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
