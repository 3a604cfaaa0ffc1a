"""What people see of the way back: each thing of both systems beside its counterpart, from what the flows kept."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.model import Carry, Depth, DocumentState, InvoiceNews
from sync.desk.edits import pending_edit
from sync.desk.files import file_of_order, files_of_order
from sync.desk.passport import load_passport, passport
from sync.store.orders import load_order
from tests.sync.flows.trade import CHANNEL, CUP, POT, TEA, trading

pytestmark = pytest.mark.loopback


def order_of(trade, number):
    return trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))


def seen(trade, number):
    return load_passport(trade.store, trade.config, order_of(trade, number))


def refund(trade, number, amount, reason=""):
    return trade.in_shop("POST", f"orders/{number}/refunds", {"amount": amount, "api_refund": False, "reason": reason})


def test_an_order_shows_its_whole_life_in_both_systems(sqlite_store):
    with trading(sqlite_store, invoices=InvoiceNews.LINK, payments=Depth.POSTED, post_invoices=True) as trade:
        number = trade.buy((TEA, 3), (POT, 1))
        trade.carry()
        first = trade.sale(number)["shipments"][0]
        sent = {"lines": {TEA: "2"}, "tracking": [{"number": "T1", "url": ""}]}
        trade.in_erp("POST", f"shipments/{first['id']}/send", sent)
        trade.carry()
        refund(trade, number, "2.50", "Goodwill")
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": "T2", "url": ""}]})
        for _ in range(3):
            trade.carry()
        one = seen(trade, number)
        facets = one.facets
        gone = [each for each in facets.shipments if each.state == "sent"]
        assert [(dict(each.lines), each.parcels[0][0], each.told.kind, each.told.current) for each in gone] == [
            ({TEA: Decimal(2)}, "T1", "fulfilment", True),
            ({TEA: Decimal(1), POT: Decimal(1)}, "T2", "fulfilment", True),
        ]
        [pair] = facets.refunds
        assert (pair.ties, pair.shop.amount, pair.shop.text) == (True, Decimal("2.50"), "Goodwill")
        [paid] = facets.payments
        assert (paid.ties, paid.erp.amount) == (True, Decimal(trade.order(number)["total"]))
        [invoice] = [each for each in facets.invoices if not each.credit]
        assert (invoice.state, invoice.open, invoice.net + invoice.tax) == ("paid", Decimal(0), invoice.total)
        assert facets.told_state == "completed"
        told = [str(moment.text) for moment in one.timeline if moment.what in {"document", "told"}]
        assert sum("the parcel of shipment" in text for text in told) == 2
        assert any("credit refund" in str(moment.text) for moment in one.timeline if moment.what == "intent")
        [shown] = passport(trade.store, trade.config, number)
        after = shown["after_import"]
        assert (after["refunds"]["shop"], after["refunds"]["erp"]) == ("2.50", "2.50")
        [file] = files_of_order(trade.store, order_of(trade, number))
        assert file.body
        assert file_of_order(trade.store, order_of(trade, number), "x" * 43) is None


def test_a_file_is_given_out_for_its_own_order_only(sqlite_store):
    with trading(sqlite_store) as trade:
        first, second = trade.buy((TEA, 1)), trade.buy((CUP, 1))
        trade.carry()
        [invoice] = trade.sale(first)["invoices"]
        trade.in_erp("POST", f"invoices/{invoice['id']}/post", {})
        trade.carry()
        token = seen(trade, first).facets.invoices[0].file.token
        assert file_of_order(trade.store, order_of(trade, first), token) is not None
        assert file_of_order(trade.store, order_of(trade, second), token) is None


def test_a_refund_that_is_not_carried_over_shows_on_the_shops_side_alone(sqlite_store):
    with trading(sqlite_store, refunds=Depth.NONE) as trade:
        number = trade.buy((TEA, 2))
        trade.carry()
        refund(trade, number, "2.00")
        trade.carry()
        [pair] = seen(trade, number).facets.refunds
        assert (pair.shop.amount, pair.erp, pair.ties) == (Decimal("2.00"), None, False)


def edit_of(trade, number):
    return {change.field: (change.was, change.shop, change.erp) for change in seen(trade, number).facets.edit}


def test_an_edit_that_waits_shows_what_was_what_the_shop_says_and_what_the_erp_has(sqlite_store):
    with trading(sqlite_store, document_state=DocumentState.CONFIRMED) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        line = trade.order(number)["line_items"][0]
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        doubled = {name: str(2 * Decimal(line[name])) for name in ("subtotal", "total")}
        trade.in_shop("PUT", f"orders/{number}", {"line_items": [{"id": line["id"], "quantity": 2, **doubled}]})
        trade.carry()
        assert trade.causes() == {"changed_after_import": 1}
        was, shop, erp = edit_of(trade, number)["lines"]
        assert was.startswith(f"1 x {TEA} = ")
        assert shop.startswith(f"2 x {TEA} = ")
        assert "," not in was, "shipping is the same everywhere"
        assert erp == was


def test_an_edit_that_the_channel_leaves_to_people_shows_both_of_the_shops_versions_and_the_erps(sqlite_store):
    with trading(sqlite_store, edits=Carry.HOLD) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        address = {**trade.order(number)["shipping"], "city": "Hamburg"}
        trade.in_shop("PUT", f"orders/{number}", {"shipping": address})
        trade.carry()
        [(was, shop, erp)] = edit_of(trade, number).values()
        assert ("Berlin" in was, "Hamburg" in shop, "Berlin" in erp) == (True, True, True)


def test_an_edit_at_which_nobody_has_looked_in_the_erp_shows_the_shops_versions():
    def order(city):
        nothing = {"lines": [], "shipping_lines": [], "fees": [], "billing": {}, "note": "", "po_number": ""}
        return {**nothing, "shipping": {"city": city}, "totals": {"grand": "1.00"}, "currency": "EUR"}

    [change] = pending_edit(order("Berlin"), order("Hamburg"), None)
    assert (change.field, change.was, change.shop, change.erp) == ("shipment_address", "Berlin", "Hamburg", None)
