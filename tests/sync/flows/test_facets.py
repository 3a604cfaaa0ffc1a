"""What comes after the import, both ways, against a shop and an ERP that answer: each thing once, and to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.model import Depth, InvoiceNews
from tests.sync.flows.trade import POT, TEA, trading

pytestmark = pytest.mark.loopback


@pytest.fixture
def trade(sqlite_store):
    with trading(sqlite_store, invoices=InvoiceNews.LINK) as made:
        yield made


def test_what_leaves_in_two_parcels_is_told_once_each_and_completes_the_order(trade):
    number = trade.buy((TEA, 3), (POT, 1))
    trade.carry()
    first = trade.sale(number)["shipments"][0]
    trade.in_erp(
        "POST", f"shipments/{first['id']}/send", {"lines": {TEA: "2"}, "tracking": [{"number": "T1", "url": ""}]}
    )
    trade.carry()
    [parcel] = trade.in_shop("GET", f"orders/{number}/fulfillments")
    meta = {entry["key"]: entry["value"] for entry in parcel["meta_data"]}
    assert (meta["_tracking_number"], [item["qty"] for item in meta["_items"]]) == ("T1", [2])
    assert trade.order(number)["status"] == "processing"
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": "T2", "url": ""}]})
    trade.carry()
    trade.carry()
    parcels = trade.in_shop("GET", f"orders/{number}/fulfillments")
    told = [{entry["key"]: entry["value"] for entry in each["meta_data"]} for each in parcels]
    assert sorted(meta["_tracking_number"] for meta in told) == ["T1", "T2"]
    assert sorted(item["qty"] for meta in told for item in meta["_items"]) == [1, 1, 2]
    assert trade.order(number)["status"] == "completed"
    assert trade.item(number).state == "done"


def test_a_refund_becomes_one_credit_that_ties_to_the_cent(trade):
    number = trade.buy((TEA, 3))
    trade.carry()
    line = trade.order(number)["line_items"][0]
    tax = [{"id": each["id"], "refund_total": "0.50"} for each in line["taxes"]]
    trade.in_shop(
        "POST",
        f"orders/{number}/refunds",
        {
            "amount": "3.50",
            "api_refund": False,
            "line_items": [{"id": line["id"], "quantity": 1, "refund_total": "3.00", "refund_tax": tax}],
        },
    )
    trade.carry()
    trade.carry()
    [refund] = trade.sale(number)["refunds"]
    assert Decimal(refund["total"]) == Decimal("-3.50")
    assert [row.connection for row in trade.documents("refund")] == ["shop", "erp"]
    assert trade.item(number).state == "done", trade.causes()


def test_a_cancelled_order_is_cancelled_in_the_erp(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    assert trade.sale(number)["state"] == "cancelled", trade.causes()
    assert trade.item(number).state == "skipped"


def test_an_order_that_has_left_is_a_persons_task_when_it_is_cancelled(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    assert trade.causes() == {"cancelled_after_import": 1}
    assert trade.item(number).state == "held"


def test_payments_wait_for_their_invoice_and_are_registered_once(sqlite_store):
    with trading(sqlite_store, payments=Depth.POSTED, post_invoices=True) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        assert trade.sale(number)["payments"] == []
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        for _ in range(3):
            trade.carry()
        [payment] = trade.sale(number)["payments"]
        assert Decimal(payment["amount"]) == Decimal(trade.order(number)["total"])
        assert trade.item(number).state == "done", trade.causes()


def test_invoices_are_shown_with_a_link_to_the_file_that_was_kept(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    [invoice] = trade.sale(number)["invoices"]
    trade.in_erp("POST", f"invoices/{invoice['id']}/post", {})
    trade.carry()
    meta = {entry["key"]: entry["value"] for entry in trade.order(number)["meta_data"]}
    [shown] = meta["_crossdock_invoices"]
    assert shown["number"]
    assert shown["link"].startswith("https://hub.test/files/")
