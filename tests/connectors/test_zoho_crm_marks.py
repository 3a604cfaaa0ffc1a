"""What is written to orders of Zoho CRM: records that change meanwhile, locks, fields that are not there, notes."""

from __future__ import annotations

import json

import pytest

from connectors.kit.errors import RecordRejected, Transient
from connectors.kit.exchanges import capture
from connectors.sandbox.zoho_crm import serve_crm
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


def test_the_state_of_a_deal_is_its_stage(crm):
    deal = crm.of.sell(module="Deals")["id"]
    deals = connect(crm.server.url, {"orders_from": "deals", "deal_article": "X"})
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


def test_fields_that_are_lacking_are_made_once(crm):
    connector = crm.connector
    assert connector.lacking(connector.presumed) == []
    for module in ("Sales_Orders", "Accounts"):
        crm.app.writes.custom[module].clear()
    crm.app.writes.unique.clear()
    assert connector.lacking(connector.presumed) == list(connector.presumed)
    for need in connector.presumed:
        connector.prepare(need)
        connector.prepare(need)
    assert connector.lacking(connector.presumed) == []
    assert crm.app.writes.unique == {"Accounts": {"Crossdock_Key"}}


def test_a_note_is_found_again_by_its_reference_oldest_first(crm):
    made = [crm.connector.add_note(crm.order, {"Note_Title": "T", "Note_Content": f"x\nRef. k-{n}"}) for n in (1, 2)]
    assert [note["id"] for note in crm.connector.list_notes(crm.order)] == [note["id"] for note in made]
    assert crm.connector.list_notes("5725767000000999999") == []


def test_a_list_of_notes_of_any_length_is_read_whole(crm):
    for number in range(401):
        crm.of.insert("Notes", {"Note_Content": f"{number}", "Parent_Id": {"id": crm.order}})
    assert [note["Note_Content"] for note in crm.connector.list_notes(crm.order)] == [f"{n}" for n in range(401)]
