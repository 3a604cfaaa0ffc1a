"""How a sale stands in Odoo, and what would change it: what each word and each kind of picking means."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from mappings.base import TargetOptions
from mappings.canonical.errors import MappingError
from mappings.canonical.facets import InvoiceState, SaleState, ShipmentState
from mappings.odoo import FACETS, MAPPING
from mappings.registry import ERP_FACETS
from tests.mappings.orders import make_order

OPTIONS = TargetOptions(channel="web")
EUR = {"id": 1, "name": "EUR", "decimal_places": 2}
CUSTOMER, STOCK, PACKING = (
    {"id": number, "usage": usage} for number, usage in enumerate(("customer", "internal", "internal"))
)


def line(number=1, code="CUP", pieces=2, **changes):
    values = {
        "id": number, "name": f"Article {code}", "display_type": False, "product_uom_qty": pieces, "price_unit": 10.0,
        "discount": 0.0, "price_subtotal": 10.0 * pieces, "tax_ids": [1], "qty_delivered": 0.0, "qty_invoiced": 0.0,
        "product_id": {"id": number, "default_code": code},
    }  # fmt: skip
    return values | changes


def move(sale_line=1, code="CUP", pieces=2, *, product=None, **changes):
    values = {
        "id": 1, "product_uom_qty": pieces, "quantity": pieces, "state": "assigned", "sale_line_id": sale_line,
        "product_id": {"id": sale_line if product is None else product, "default_code": code},
    }  # fmt: skip
    return values | changes


def picking(number, state, *moves, source=STOCK, target=CUSTOMER, **changes):
    values = {
        "id": number, "name": f"WH/OUT/{number}", "state": state,
        "date_done": "2026-11-21 23:20:37" if state == "done" else False,
        "backorder_id": False, "return_id": False, "carrier_tracking_ref": False, "carrier_tracking_url": False,
        "carrier_id": False, "location_id": source, "location_dest_id": target, "move_ids": list(moves),
    }  # fmt: skip
    return values | changes


def invoice(number=1, state="posted", payment_state="not_paid", total=23.8, lines=(1,), **changes):
    rows = [
        {"id": each, "name": "x", "display_type": "product", "quantity": 1, "price_unit": 20.0, "price_subtotal": 20.0,
         "sale_line_ids": [each], "product_id": {"id": 1, "default_code": "CUP"}} for each in lines
    ]  # fmt: skip
    values = {
        "id": number, "name": f"INV/{number}", "move_type": "out_invoice", "state": state,
        "payment_state": payment_state, "ref": False, "invoice_origin": "S1",
        "reversed_entry_id": False, "invoice_date": "2026-11-21",
        "invoice_date_due": "2026-12-21", "amount_untaxed": 20.0, "amount_tax": 3.8, "amount_total": total,
        "amount_residual": 0.0 if payment_state == "paid" else total, "currency_id": EUR, "invoice_line_ids": rows,
        "matched_payment_ids": [], "key": "",
    }  # fmt: skip
    return values | changes


def survey(**changes):
    address = {"id": 5, "name": "Zoë", "street": "Weg 1", "street2": False, "zip": "10115", "city": "Berlin",
               "country_id": {"id": 1, "code": "DE"}, "state_id": False}  # fmt: skip
    values = {
        "id": 7, "name": "S00007", "client_order_ref": "1001", "origin": "web:17", "note": False, "state": "sale",
        "locked": False, "amount_untaxed": 20.0, "amount_tax": 3.8, "amount_total": 23.8, "invoice_status": "no",
        "delivery_status": "pending", "currency_id": EUR, "partner_invoice_id": address, "partner_shipping_id": address,
        "order_line": [line()], "picking_ids": [], "invoice_ids": [],
    }  # fmt: skip
    return values | changes


def standing(**changes):
    return ERP_FACETS["odoo"].standing(survey(**changes), OPTIONS)


@pytest.mark.parametrize(
    ("state", "pickings", "meant"),
    [
        ("draft", (), SaleState.DRAFT),
        ("sent", (), SaleState.QUOTED),
        ("cancel", ("done",), SaleState.CANCELLED),
        ("done", (), SaleState.CONFIRMED),
        ("sale", (), SaleState.CONFIRMED),
        ("sale", ("confirmed",), SaleState.CONFIRMED),
        ("sale", ("waiting", "cancel"), SaleState.CONFIRMED),
        ("sale", ("done", "assigned"), SaleState.PARTLY_SHIPPED),
        # The rest was given up: Odoo calls it delivered.
        ("sale", ("done", "cancel"), SaleState.SHIPPED),
        ("sale", ("cancel",), SaleState.HELD),
    ],
)
def test_a_sale_stands_as_its_deliveries_do(state, pickings, meant):
    rows = [picking(number, each, move()) for number, each in enumerate(pickings, 1)]
    assert standing(state=state, picking_ids=rows).state is meant


@pytest.mark.parametrize(
    ("status", "bills", "meant"),
    [
        ("invoiced", [("posted", "paid")], SaleState.DONE),
        ("invoiced", [("posted", "in_payment")], SaleState.DONE),
        ("to invoice", [("posted", "paid")], SaleState.SHIPPED),
        ("invoiced", [("posted", "partial")], SaleState.SHIPPED),
        ("invoiced", [("draft", "not_paid")], SaleState.SHIPPED),
        ("no", [], SaleState.SHIPPED),
        ("invoiced", [("posted", "paid"), ("cancel", "not_paid")], SaleState.DONE),
    ],
)
def test_a_sale_that_was_sent_is_done_when_all_of_it_is_invoiced_and_paid(status, bills, meant):
    rows = [invoice(number, *each) for number, each in enumerate(bills, 1)]
    assert standing(picking_ids=[picking(1, "done", move())], invoice_status=status, invoice_ids=rows).state is meant


def test_steps_between_shelf_and_customer_are_no_parcels():
    rows = [
        picking(1, "done", move(), target=PACKING),
        picking(2, "assigned", move(), source=PACKING),
        picking(3, "assigned", move(pieces=1), source=CUSTOMER, target=STOCK),
    ]
    found = standing(picking_ids=rows)
    assert [(each.external_id, each.back) for each in found.shipments] == [("2", False), ("3", True)]
    assert found.state is SaleState.CONFIRMED


def test_what_is_dropped_from_a_supplier_has_left():
    rows = [picking(1, "done", move(), source={"id": 9, "usage": "supplier"})]
    [shipment] = standing(picking_ids=rows).shipments
    assert (shipment.state, shipment.back, shipment.sent_on.isoformat()) == (ShipmentState.SENT, False, "2026-11-21")


def test_a_picking_of_several_sales_shows_each_its_own_and_what_was_added_by_hand():
    rows = [
        picking(
            1, "done", move(), move(99, "POT", 5), move(sale_line=False, code="GIFT", pieces=1), move(state="cancel")
        )
    ]
    [shipment] = standing(picking_ids=rows).shipments
    assert [(each.code, each.quantity) for each in shipment.lines] == [("CUP", Decimal(2)), ("GIFT", Decimal(1))]


def test_what_is_to_leave_counts_whole_before_and_as_it_left_afterwards():
    """Before, Odoo shows beside it how much is reserved."""
    for state, pieces in (("assigned", 2), ("done", 1)):
        [shipment] = standing(picking_ids=[picking(1, state, move(pieces=2, quantity=1))]).shipments
        assert [each.quantity for each in shipment.lines] == [Decimal(pieces)]


def test_a_set_that_is_sent_as_its_parts_counts_as_sets():
    """Three sets of two cups and a pot; of the second parcel a pot is missing."""
    parts = ((6, 3), (4, 1), (2, 2))
    first, second, third = ([move(1, "CUP", cups, product=8), move(1, "POT", pots, product=9)] for cups, pots in parts)
    rows = [picking(1, "cancel", *first), picking(2, "done", *second), picking(3, "confirmed", *third)]
    found = standing(order_line=[line(code="SET", pieces=3)], picking_ids=rows)
    assert [[(each.code, each.quantity) for each in shipment.lines] for shipment in found.shipments] == [
        [("SET", Decimal(3))],
        [("SET", Decimal(1))],
        [("SET", Decimal(1))],
    ]


@pytest.mark.parametrize(
    ("written", "url", "told"),
    [
        ("T-1", "https://track.example/T-1", [("T-1", "https://track.example/T-1")]),
        ("T-1+T-2, T-1", '[["T-1", "https://..."]]', [("T-1", ""), ("T-2", "")]),
        (False, False, []),
    ],
)
def test_parcels_are_told_apart_by_their_numbers(written, url, told):
    row = picking(1, "done", move(), carrier_tracking_ref=written, carrier_tracking_url=url)
    [shipment] = standing(picking_ids=[row]).shipments
    assert [(each.tracking_number, each.tracking_url) for each in shipment.parcels] == told


def test_a_collected_invoice_has_the_part_that_is_the_sales():
    found = standing(invoice_ids=[invoice(lines=(1, 99), total=47.6)]).invoices[0]
    assert (found.collected, str(found.part.amount)) == (True, "20.00")
    assert standing(invoice_ids=[invoice()]).invoices[0].part is None


@pytest.mark.parametrize(
    ("state", "payment_state", "meant", "number"),
    [
        ("draft", "not_paid", InvoiceState.DRAFT, ""),
        ("posted", "not_paid", InvoiceState.POSTED, "INV/1"),
        ("posted", "partial", InvoiceState.POSTED, "INV/1"),
        ("posted", "in_payment", InvoiceState.PAID, "INV/1"),
        ("posted", "reversed", InvoiceState.PAID, "INV/1"),
        ("cancel", "not_paid", InvoiceState.CANCELLED, ""),
    ],
)
def test_an_invoice_is_what_its_two_states_say_together(state, payment_state, meant, number):
    [found] = standing(invoice_ids=[invoice(1, state, payment_state)]).invoices
    assert (found.state, found.number) == (meant, number)


def test_a_float_adds_nothing_to_an_amount():
    found = standing(amount_total=23.799999999999997, order_line=[line(price_subtotal=19.999999999999996)])
    assert (str(found.total.amount), str(found.lines[0].total)) == ("23.80", "20.00")


def test_sections_notes_and_what_was_taken_out_are_no_lines():
    rows = [line(), line(2, "POT", 0), line(3, pieces=0, display_type="line_section", product_id=False)]
    assert [each.code for each in standing(order_line=rows).lines] == ["CUP"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"state": "parked"}, "state"),
        ({"picking_ids": [picking(1, "lost", move())]}, "state"),
        ({"invoice_ids": [invoice(1, "posted", "bartered")]}, "payment_state"),
    ],
)
def test_a_state_that_nobody_has_met_is_named(changes, path):
    with pytest.raises(MappingError, match="none of") as caught:
        standing(**changes)
    assert path in str(caught.value.problems[0].path)


def test_what_has_not_the_documented_shape_says_which_part():
    with pytest.raises(MappingError, match="documented shape") as caught:
        standing(picking_ids=[{**picking(1, "done", move()), "move_ids": None}])
    assert caught.value.problems[0].path == "picking WH/OUT/1"


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        (False, ""),
        ("<p>ring &lt;twice&gt;<br>and wait</p>", "ring <twice>\nand wait"),
        ("<p>one</p>\n<p class='x'>two</p>", "one\ntwo"),
    ],
)
def test_a_note_is_read_without_its_html(kept, read):
    assert dict(standing(note=kept).fields)["note"] == read


def test_a_sale_as_it_was_made_needs_no_change_and_one_that_differs_only_there():
    order = make_order(note="ring <twice>", shipping_lines=(), grand="29.75")
    resolved = dict(MAPPING.offline_references(order, OPTIONS))
    payload, wished = MAPPING.sale(order, resolved, OPTIONS), FACETS.wanted(order, resolved, OPTIONS)
    codes = {value["id"]: ref.value for ref, value in resolved.items() if ref.kind == "product"}
    rows = [
        line(
            number, codes[each["product_id"]], float(each["product_uom_qty"]), name=each["name"],
            price_unit=float(each["price_unit"]), tax_ids=each["tax_ids"],
            product_id={"id": each["product_id"], "default_code": codes[each["product_id"]]},
            price_subtotal=float(each["product_uom_qty"]) * float(each["price_unit"]),
        )
        for number, each in enumerate(payload["order_line"], 1)
    ]  # fmt: skip
    shown = survey(order_line=rows, note=payload["note"], client_order_ref=order.number)
    fields = frozenset({"lines", "note", "reference"})
    assert FACETS.change(order, shown, fields, resolved, OPTIONS) is None
    assert {(each.code, each.quantity, each.total) for each in wished.lines} == {
        (each.code, each.quantity, each.total) for each in FACETS.standing(shown, OPTIONS).lines
    }
    other = dataclasses.replace(order, note="")
    assert FACETS.change(other, shown, fields, resolved, OPTIONS) == {"note": False}
    rows[0]["product_uom_qty"] = 7.0
    [command] = FACETS.change(order, shown, fields, resolved, OPTIONS)["order_line"]
    assert command == [1, 1, {"product_uom_qty": 2.0}]
