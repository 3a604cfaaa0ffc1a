"""What became of sales, held against the recordings of a real Odoo 19: the stand-in, and what our survey asks of it."""

from __future__ import annotations

import re

import pytest

from connectors.odoo.follow import INVOICE_FIELDS, SALE_FIELDS
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from tests.contract.recorded_odoo import exchanges, shape
from tests.contract.test_sandbox_odoo import World, confirmed, same_shape

pytestmark = pytest.mark.loopback

#: Read of sales, pickings and invoices, and in no recording: from the vendor's source of 19.
UNRECORDED = frozenset(
    ("company_id", "decimal_places", "locked", "note", "payment_term_id", "pricelist_id", "state_id", "street2")
)


@pytest.fixture
def world():
    with running_odoo(OdooOptions(prints=True)) as odoo:
        yield World(odoo)


def read(world, name, ids, folder="odoo"):
    recorded = exchanges(folder)[name]
    answer = world.send(recorded, {**recorded.body, "ids": ids})
    same_shape(recorded, answer)
    return answer.json()


def search(world, name, domain, folder="odoo"):
    recorded = exchanges(folder)[name]
    answer = world.send(recorded, {**recorded.body, "domain": domain})
    same_shape(recorded, answer)
    return answer.json()


def test_a_back_order_and_what_changed_are_told_as_recorded(world):
    number = confirmed(world)
    [picking] = world.call("sale.order/read", {"ids": [number], "fields": ["picking_ids"]})[0]["picking_ids"]
    rows = world.call("stock.move/search_read", {"domain": [["picking_id", "=", picking]], "fields": ["product_id"]})
    recorded = exchanges("odoo")
    world.send(recorded["28-picking-set-tracking"], {"ids": [picking], "vals": {"carrier_tracking_ref": "T"}})
    world.send(recorded["29-move-set-qty-partial"], {"ids": [rows[0]["id"]], "vals": {"quantity": 1, "picked": True}})
    world.send(recorded["36-backorder-validate"], {"ids": [picking], "context": {"skip_backorder": True}})
    pickings = search(world, "33-picking-after", [["sale_id", "=", number]])
    assert [(row["state"], bool(row["backorder_id"])) for row in pickings] == [("assigned", True), ("done", False)]
    assert (
        len(search(world, "34-backorder-find", [["sale_id", "=", number], ["state", "not in", ["done", "cancel"]]]))
        == 1
    )
    people.send(world.odoo.app, number, "T-2")
    [sale] = world.call("sale.order/read", {"ids": [number], "fields": ["delivery_status", "invoice_status"]})
    assert (sale["delivery_status"], sale["invoice_status"]) == ("full", "to invoice")
    for name in ("61-changed-sale.order", "62-changed-stock.picking", "65-changed-stock.quant"):
        search(world, name, [["write_date", ">", "2026-01-01 00:00:00"]])


def test_a_payment_is_on_its_invoice_when_it_was_assigned_as_recorded(world):
    number = confirmed(world)
    people.invoice(world.odoo.app, number)
    [invoice] = world.call("sale.order/read", {"ids": [number], "fields": ["invoice_ids"]})[0]["invoice_ids"]
    world.call("account.move/action_post", {"ids": [invoice]})
    bulk = exchanges("odoo-bulk")
    [total] = world.call("account.move/read", {"ids": [invoice], "fields": ["amount_total"]})
    cells = {
        "id": "crossdock.p1",
        "payment_type": "inbound",
        "partner_type": "customer",
        "partner_id/.id": world.partner,
        "amount": total["amount_total"],
        "journal_id/.id": 2,
        "memo": "p",
        "payment_reference": "psp-1",
        "invoice_ids/.id": invoice,
    }
    fields, row = list(cells), [str(each) for each in cells.values()]
    made = world.call(
        "account.payment/load", {"fields": fields, "data": [row], "context": bulk["84-payment-load"].body["context"]}
    )
    world.call("account.payment/action_post", {"ids": made["ids"]})
    recorded = bulk["87-payment-read"]
    fields = [name for name in recorded.body["fields"] if name != "outstanding_account_id"]
    [payment] = world.call("account.payment/read", {"ids": made["ids"], "fields": fields})
    theirs = {name: value for name, value in recorded.answer[0].items() if name != "outstanding_account_id"}
    assert shape(payment) == shape(theirs)
    assert (payment["reconciled_invoice_ids"], payment["is_reconciled"]) == ([invoice], False)
    [line] = world.call(
        "account.move.line/search", {"domain": [["move_id", "=", payment["move_id"][0]], ["reconciled", "=", False]]}
    )
    assert world.send(bulk["90-invoice-assign-payment-line"], {"ids": [invoice], "line_id": line}).json() is None
    [after] = read(world, "91-invoice-after-assign", [invoice], "odoo-bulk")
    assert (after["payment_state"], after["amount_residual"]) == ("paid", 0.0)
    [settled] = world.call("account.payment/read", {"ids": made["ids"], "fields": ["is_reconciled"]})
    assert settled["is_reconciled"] is True


def test_a_draft_is_cancelled_with_the_recorded_answer_and_orders_are_read_with_their_pickings(world):
    number = confirmed(world)
    nested = exchanges("odoo-bulk")["54-web-search-read-50-with-lines"]
    answer = world.send(nested, {**nested.body, "domain": [["id", "in", [number]]]})
    same_shape(nested, answer)
    _, made = world.load("162-cancel-load")
    cancel = exchanges("odoo-bulk")["163-cancel"]
    assert world.send(cancel, {"ids": made.json()["ids"]}).json() is cancel.answer is True


def names(specification):
    for name, inner in specification.items():
        yield name
        yield from names(inner.get("fields", {}))


def told(value):
    """Every name in a body, also as a column of `load` or a path of a domain."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from told(inner)
    elif isinstance(value, list):
        for each in value:
            yield from told(each)
    elif isinstance(value, str):
        yield from re.split(r"[/.]", value)


def test_every_field_that_a_survey_reads_is_known_to_the_real_server_or_is_named_here():
    exchanged = [each for folder in ("odoo", "odoo-bulk") for each in exchanges(folder).values() if each.status == 200]
    known = {name for each in exchanged for name in (*told(each.body), *told(each.answer))}
    asked = {*names(SALE_FIELDS), *names(INVOICE_FIELDS)}
    assert asked - known == UNRECORDED
