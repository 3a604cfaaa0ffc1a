"""What a WooCommerce shop is told: parcels, notes, marks; and what is read of them again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal

import pytest

from mappings.canonical.facets import Invoice, InvoiceState, Parcel, RefundLine, Shipment, ShipmentState, ShippedLine
from mappings.canonical.records import TaxLine
from mappings.facets import Billed, Sent, TakenBack
from mappings.registry import SHOP_FACETS
from tests.mappings.orders import money
from tests.mappings.woocommerce_orders import mapped, woo_line, woo_order
from tests.shared import shared_path

FACETS = SHOP_FACETS["woocommerce"]
LINK = "https://carrier.example/follow?no=00340434161094015902"

SENT = Sent(
    order=mapped(woo_order(line_items=[woo_line(), woo_line(id=5, name="Kanne\nBox", sku="K")], total="52.50",
                           total_tax="8.38", discount_total="4.00")),
    shipment=Shipment(
        external_id="7",
        number="OUT/7",
        state=ShipmentState.SENT,
        lines=(ShippedLine(code="SIEB-ST", quantity=Decimal(2)),),
        parcels=(Parcel(tracking_number="00340434161094015902"), Parcel(tracking_number="B2", tracking_url="https://b")),
        carrier="DHL Paket",
        sent_on=dt.date(2026, 11, 22),
    ),
    pieces={"4": Decimal(2), "5": Decimal("1.5"), "6": Decimal(0)},
    carrier="dhl",
    tracking_url=LINK,
    notify=True,
    key="19:shipment:7",
)  # fmt: skip
BARE = dataclasses.replace(
    SENT,
    shipment=dataclasses.replace(SENT.shipment, parcels=(), sent_on=None),
    carrier="",
    tracking_url="",
    notify=False,
)


def meta(body, key):
    [value] = [entry["value"] for entry in body["meta_data"] if entry["key"] == key]
    return value


def billed(number="RE-1", total="28.70", link="https://d.example/f/1?x=y"):
    invoice = Invoice(
        external_id="1", number=number, state=InvoiceState.POSTED, dated_on=dt.date(2026, 11, 22), due_on=None,
        net=money("24.12"), tax=money("4.58"), total=money(total), open=money("0"),
    )  # fmt: skip
    return Billed(order=SENT.order, invoice=invoice, link=link)


def test_a_fulfilment_has_the_recorded_shape_and_our_key():
    [path] = shared_path("captures/woocommerce").glob("69-*.json")
    recorded = json.loads(path.read_text())["request"]["json"]
    body = FACETS.fulfilment(SENT)
    assert body.keys() == recorded.keys() | {"notify_customer"}
    assert (body["status"], body["is_fulfilled"], body["notify_customer"]) == ("fulfilled", True, True)
    assert [entry["key"] for entry in body["meta_data"]] == [
        *(entry["key"] for entry in recorded["meta_data"]),
        "_crossdock_key",
    ]
    assert meta(body, "_items") == [{"item_id": 4, "qty": 2}, {"item_id": 5, "qty": 1.5}]
    assert meta(body, "_tracking_number") == "00340434161094015902, B2"
    assert (meta(body, "_tracking_url"), meta(body, "_shipment_provider")) == (LINK, "dhl")


def test_what_nobody_knows_is_left_out_of_a_fulfilment():
    body = FACETS.fulfilment(BARE)
    assert [entry["key"] for entry in body["meta_data"]] == ["_items", "_crossdock_key"]
    assert body["notify_customer"] is False


def test_a_fulfilment_is_known_again_by_our_key_alone():
    [path] = shared_path("captures/woocommerce").glob("70-*.json")
    assert [FACETS.fulfilment_key(row) for row in json.loads(path.read_text())["response"]["json"]] == ["", ""]
    assert FACETS.fulfilment_key(FACETS.fulfilment(SENT)) == SENT.key


def test_a_note_says_what_was_sent_and_where_to_follow_it_in_the_orders_own_words():
    body = FACETS.shipment_note(SENT)
    assert body == {
        "note": f"2 x Teesieb & Kanne\n1.5 x Kanne Box\ndhl 00340434161094015902, B2\n{LINK}\nhttps://b\n"
        "Ref. 19:shipment:7",
        "customer_note": True,
    }
    assert FACETS.shipment_note(BARE) == {
        "note": "2 x Teesieb & Kanne\n1.5 x Kanne Box\nRef. 19:shipment:7",
        "customer_note": False,
    }


@pytest.mark.parametrize(
    ("note", "key"),
    [
        (FACETS.shipment_note(SENT)["note"], SENT.key),
        (FACETS.shipment_note(SENT)["note"].replace("\n", "\r\n"), SENT.key),
        ("Ihr Paket: DHL 00340434161094015902", ""),
        ("See Ref. 19:shipment:7", ""),
        ("Ref. 19:shipment:7\nand more", ""),
        (None, ""),
    ],
)
def test_a_note_is_known_again_by_its_last_line(note, key):
    assert FACETS.note_key({"id": 1, "note": note}) == key


def test_an_orders_parcels_are_marked_beside_those_that_it_has():
    first = FACETS.shipment_marks([SENT], woo_order())
    other = dataclasses.replace(BARE, key="19:shipment:8")
    payload = woo_order(meta_data=[{"id": 9, "key": "_other_plugin", "value": "x"}, first["meta_data"][0] | {"id": 3}])
    marks = meta(FACETS.shipment_marks([other], payload), "_crossdock_parcels")
    assert [mark["key"] for mark in marks] == [SENT.key, other.key]
    assert marks[0] == {
        "key": SENT.key, "number": "OUT/7", "sent_on": "2026-11-22", "carrier": "dhl",
        "tracking": ["00340434161094015902", "B2"], "url": LINK,
        "items": [{"item_id": "4", "qty": "2"}, {"item_id": "5", "qty": "1.5"}],
    }  # fmt: skip
    changed = dataclasses.replace(SENT, tracking_url="https://c")
    marks = meta(FACETS.shipment_marks([changed, other], payload), "_crossdock_parcels")
    assert [(mark["key"], mark["url"]) for mark in marks] == [(SENT.key, "https://c"), (other.key, "")]


def test_marks_touch_no_key_of_anybody_else():
    payload = woo_order(meta_data=[{"id": 9, "key": "_other_plugin", "value": "x"}])
    assert [entry["key"] for entry in FACETS.shipment_marks([SENT], payload)["meta_data"]] == ["_crossdock_parcels"]
    assert FACETS.shipment_marks([SENT], payload).keys() == {"meta_data"}


def test_invoices_and_credit_notes_are_marked_by_their_number():
    body = FACETS.invoice_marks([billed(), billed("GS-1", "-11.90", link=""), billed(number="")], woo_order())
    assert meta(body, "_crossdock_invoices") == [
        {
            "number": "RE-1", "kind": "invoice", "date": "2026-11-22", "total": "28.70", "currency": "EUR",
            "link": "https://d.example/f/1?x=y",
        },
        {
            "number": "GS-1", "kind": "credit_note", "date": "2026-11-22", "total": "-11.90", "currency": "EUR",
            "link": "",
        },
    ]  # fmt: skip


@pytest.mark.parametrize("damaged", ["text", None, ["text"], {"a": 1}])
def test_a_mark_that_somebody_overwrote_is_made_anew(damaged):
    payload = woo_order(meta_data=[{"id": 9, "key": "_crossdock_parcels", "value": damaged}])
    assert len(meta(FACETS.shipment_marks([SENT], payload), "_crossdock_parcels")) == 1


def test_a_state_is_the_shops_own_word():
    assert FACETS.state("completed") == {"status": "completed"}


def test_what_the_erp_took_back_becomes_a_refund_that_is_found_by_the_end_of_its_reason():
    taken = TakenBack(amount=money("4.00"), number="RET 7", key="return-42", payout=False)
    payload = FACETS.give_back(taken)
    assert payload == {"amount": "4.00", "reason": "RET 7 Ref. return-42", "api_refund": False, "api_restock": False}
    assert FACETS.refund_mark(payload) == "return-42"
    assert FACETS.give_back(dataclasses.replace(taken, payout=True))["api_refund"] is True
    assert [FACETS.refund_mark({"reason": each}) for each in ("", None, "Ref. a b", "See Ref.x")] == ["", "", "", ""]


def test_what_is_not_sent_is_given_back_by_lines_in_the_form_that_the_shop_takes():
    tax = TaxLine(code="3", title="VAT", rate=Decimal(19), amount=money("1.27"))
    piece = RefundLine(
        origin="71", kind="line", sku="A", title="A", quantity=Decimal("2.000"), total=money("6.67"), tax=money("1.27"),
        tax_lines=(tax,),
    )  # fmt: skip
    shipping = dataclasses.replace(piece, origin="72", kind="shipping", quantity=Decimal(0), tax_lines=())
    taken = TakenBack(amount=money("14.61"), number="", key="short-9-ab", payout=False, lines=(piece, shipping))
    payload = FACETS.give_back(taken)
    assert (payload["amount"], payload["reason"], payload["api_restock"]) == ("14.61", "Ref. short-9-ab", False)
    assert payload["line_items"] == [
        {"id": 71, "quantity": 2, "refund_total": "6.67", "refund_tax": [{"id": 3, "refund_total": "1.27"}]},
        {"id": 72, "refund_total": "6.67", "refund_tax": []},
    ]
