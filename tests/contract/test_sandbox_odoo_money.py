"""Credit notes, returns and what is paid out, held against the recordings: the stand-in, and what we send ourselves."""

from __future__ import annotations

import json

import pytest

from connectors.kit.base import Rank
from connectors.kit.exchanges import capture
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from sync.contract.standins import TOTAL
from tests.contract.facet_fakes import OdooFacets
from tests.contract.recorded_odoo import exchanges, shape
from tests.contract.test_sandbox_odoo import World, confirmed, same_shape
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

#: Columns that we write and no recording has: from the vendor's source of 19.
UNRECORDED = frozenset(
    {
        *(("account.move", name) for name in ("currency_id/.id", "narration", "date")),
        *(("account.move", f"line_ids/{name}") for name in ("account_id/.id", "name", "debit", "credit")),
    }
)
#: Methods that write nothing.
READS = {"search", "search_read", "web_search_read", "get_external_id", "fields_get", "context_get", "version"}


@pytest.fixture
def world():
    with running_odoo(OdooOptions(prints=True)) as odoo:
        yield World(odoo)


def send(world, name, body):
    recorded = exchanges("odoo-bulk")[name]
    answer = world.send(recorded, body)
    same_shape(recorded, answer)
    return answer.json()


def load(world, name, cells):
    """The recorded load with these cells in the place of ids of the other server."""
    recorded = exchanges("odoo-bulk")[name]
    [row] = recorded.body["data"]
    row = [str(cells.get(column, cell)) for column, cell in zip(recorded.body["fields"], row, strict=True)]
    return send(world, name, {**recorded.body, "data": [row]})["ids"]


@pytest.fixture
def sale(world):
    """A sale that is sent and invoiced: its id, its first line, its invoice."""
    number = confirmed(world)
    people.send(world.odoo.app, number, "T")
    people.invoice(world.odoo.app, number)
    [order] = world.call("sale.order/read", {"ids": [number], "fields": ["name", "order_line", "invoice_ids"]})
    world.call("account.move/action_post", {"ids": order["invoice_ids"]})
    return number, order["order_line"][0], order["invoice_ids"][0], order["name"]


def test_a_credit_note_is_loaded_once_posted_and_paid_out_as_recorded(world, sale):
    _, line, invoice, name = sale
    cells = {
        "partner_id/.id": world.partner,
        "reversed_entry_id/.id": invoice,
        "invoice_origin": name,
        "invoice_line_ids/product_id/.id": world.products[0],
        "invoice_line_ids/sale_line_ids/.id": line,
    }
    made = load(world, "100-credit-note-load", cells)
    assert load(world, "101-credit-note-load-again", cells) == made
    assert send(world, "102-credit-note-post", {"ids": made}) is False
    read = exchanges("odoo-bulk")["103-credit-note-read"]
    [credit] = send(world, "103-credit-note-read", {**read.body, "ids": made})
    assert (credit["payment_state"], credit["amount_residual"]) == ("not_paid", credit["amount_total"])
    lines = exchanges("odoo-bulk")["104-sale-lines-after-credit"]
    [after] = world.send(lines, {**lines.body, "ids": [line]}).json()
    assert after["qty_invoiced"] == after["product_uom_qty"] - 1

    paid = {
        "partner_id/.id": world.partner,
        "amount": credit["amount_total"],
        "invoice_ids/.id": made[0],
        "journal_id/.id": next(world.odoo.db.all("account.journal", code="BNK1"))["id"],
    }
    payout = load(world, "198-refund-payment-load", paid)
    assert send(world, "199-refund-payment-post", {"ids": payout}) is None
    read = exchanges("odoo-bulk")["200-refund-payment-read"]
    [payment] = send(world, "200-refund-payment-read", {**read.body, "ids": payout})
    search = exchanges("odoo-bulk")["201-refund-payment-open-line"]
    domain = [["move_id", "=", payment["move_id"][0]], *search.body["domain"][1:]]
    [open_line] = send(world, "201-refund-payment-open-line", {"domain": domain})
    assign = {"ids": made, "line_id": open_line}
    assert send(world, "202-credit-note-assign-payment", assign) is None
    again = exchanges("odoo-bulk")["203-credit-note-assign-payment-again"]
    refused = world.send(again, assign)
    assert (refused.status_code, refused.json()["message"]) == (again.status, again.answer["message"])
    read = exchanges("odoo-bulk")["204-credit-note-after-payment"]
    [credit] = send(world, "204-credit-note-after-payment", {**read.body, "ids": made})
    assert (credit["payment_state"], credit["amount_residual"]) == ("paid", 0.0)
    assert send(world, "206-post-again-posted-payment", {"ids": payout}) is None


def test_a_credit_note_of_an_amount_names_no_line_of_the_sale(world, sale):
    number, _, invoice, _ = sale
    made = load(
        world, "105-credit-note-load-amount-only", {"partner_id/.id": world.partner, "reversed_entry_id/.id": invoice}
    )
    assert send(world, "106-credit-note-amount-only-post", {"ids": made}) is False
    [order] = world.call("sale.order/read", {"ids": [number], "fields": ["invoice_ids"]})
    assert order["invoice_ids"] == [invoice]


def test_a_return_is_loaded_once_and_lowers_what_was_delivered_as_recorded(world, sale):
    number, line, _, _ = sale
    fields = ["picking_id", "sale_line_id", "location_id", "location_dest_id", "product_id"]
    [gone] = world.call("stock.move/search_read", {"domain": [["sale_line_id", "=", line]], "fields": fields})
    [kind] = [each for each in world.odoo.db.all("stock.picking.type") if each["code"] == "incoming"][:1]
    here, there = gone["location_id"][0], gone["location_dest_id"][0]
    cells = {
        "picking_type_id/.id": kind["id"],
        "partner_id/.id": world.partner,
        "location_id/.id": there,
        "location_dest_id/.id": here,
        "return_id/.id": gone["picking_id"][0],
        "move_ids/product_id/.id": gone["product_id"][0],
        "move_ids/location_id/.id": there,
        "move_ids/location_dest_id/.id": here,
        "move_ids/origin_returned_move_id/.id": gone["id"],
        "move_ids/sale_line_id/.id": line,
    }
    made = load(world, "109-return-picking-load", cells)
    assert load(world, "110-return-picking-load-again", cells) == made
    assert send(world, "111-return-confirm", {"ids": made}) is True
    moves = exchanges("odoo-bulk")["112-return-moves"]
    [move] = send(world, "112-return-moves", {**moves.body, "domain": [["picking_id", "in", made]]})
    assert (move["state"], move["quantity"], move["to_refund"]) == ("assigned", 1.0, True)
    assert send(world, "113-return-move-set", {"ids": [move["id"]], "vals": {"quantity": 1, "picked": True}}) is True
    assert send(world, "114-return-validate", {"ids": made}) is True
    read = exchanges("odoo-bulk")["115-return-read"]
    [picking] = send(world, "115-return-read", {**read.body, "ids": made})
    assert (picking["state"], picking["sale_id"][0]) == ("done", number)
    lines = exchanges("odoo-bulk")["116-sale-lines-after-return"]
    [after] = world.send(lines, {**lines.body, "ids": [line]}).json()
    assert after["qty_delivered"] == after["product_uom_qty"] - 1


def test_every_method_and_column_that_we_write_was_recorded_or_is_named_here():
    """A whole life of a sale by the connector itself."""
    with running_odoo(OdooOptions(settle_s=PATIENCE_S, api_key=OdooFacets.secret, prints=True)) as odoo:
        fake = OdooFacets(odoo)
        target = fake.connect()
        [made] = target.create_sales([fake.sale("k1")])
        [sold] = target.advance_sales([made.document], Rank.CONFIRMED)
        with capture() as sent:
            fake.someone_sends(sold.document.external_id, "T")
            target.post_invoice(target.make_invoices(sold.document.external_id)[0])
            survey = target.survey_sales([sold.document.external_id])[sold.document.external_id]
            target.register_payment(fake.payment("k1:pay:1", survey, TOTAL))
            target.create_refunds([fake.refund("k1:refund:1", survey)])
            target.post_fee(target.book_fee(fake.fee("k1:pay:1:fee", TOTAL)).external_id)
    recorded = [each for folder in ("odoo", "odoo-bulk") for each in exchanges(folder).values()]
    calls = {each.path for each in recorded if each.status == 200}
    columns = {name for each in recorded for name in columns_of(each.path, each.body)}
    written = [each for each in sent if each.url.rpartition("/")[2] not in READS]
    assert {path_of(each) for each in written} <= calls
    assert {name for each in written for name in columns_of(path_of(each), body_of(each))} - columns == UNRECORDED


def columns_of(path, body):
    """(model, column) of a load."""
    columns = body.get("fields", []) if isinstance(body, dict) and "data" in body else []
    return {(path.split("/")[-2], column) for column in columns}


def path_of(exchange):
    return "/" + exchange.url.split("/", 3)[3]


def body_of(exchange):
    return json.loads(exchange.request_body)


def test_the_shapes_of_what_we_read_of_an_invoice_are_as_recorded(world, sale):
    _, _, invoice, _ = sale
    recorded = exchanges("odoo")["43-invoice-read"]
    [mine] = world.send(recorded, {**recorded.body, "ids": [invoice]}).json()
    assert shape(mine) == shape(recorded.answer[0])
