"""What comes after the import, both ways, against a shop and an ERP that answer: each thing once, and to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from config.model import Depth, DocumentState, InvoiceNews
from connectors.sandbox.woocommerce.settings import ShopSettings
from sync.desk.resending import resend_orders
from sync.desk.steering import approve_order, retry_orders
from sync.store.audit import Actor
from sync.store.orders import find_orders, load_order
from sync.store.tables import intents, work_items
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback


@pytest.fixture
def trade(sqlite_store):
    with trading(sqlite_store, invoices=InvoiceNews.LINK) as made:
        yield made


def called(trade, text):
    """Ids of the orders that somebody finds by it."""
    return [order.external_id for order in trade.store.read(lambda c: find_orders(c, text, {CHANNEL: "erp"}))]


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
    assert (called(trade, "T1"), called(trade, "T2")) == ([number], [number])
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


def test_a_payment_whose_method_means_nothing_in_the_erp_leaves_nothing_in_doubt(sqlite_store):
    with trading(sqlite_store, payments=Depth.POSTED, post_invoices=True) as trade:
        number = trade.buy((TEA, 1), payment_method="klarna")
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        for _ in range(3):
            trade.carry()
        assert trade.causes() == {"unmapped": 1}
        assert [row for row in trade.rows(select(intents)) if row.outcome in {"", None}] == []
        assert trade.sale(number)["payments"] == []


def test_a_payment_that_is_left_as_a_draft_waits_for_people_and_is_made_once(sqlite_store):
    with trading(sqlite_store, payments=Depth.DRAFT, post_invoices=True) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
        for _ in range(2):
            trade.carry()
            trade.mark_again(number)
        [draft] = trade.documents("draft_payment")
        assert (draft.state, Decimal(draft.total)) == ("draft", Decimal(trade.order(number)["total"]))
        before = len(trade.rows(select(intents)))
        trade.carry()
        assert len(trade.rows(select(intents))) == before
        [invoice] = trade.sale(number)["invoices"]
        assert (invoice["state"], trade.sale(number)["payments"]) == ("posted", [])
        # A person posts it.
        trade.in_erp("POST", f"payments/{draft.external_id}/post")
        trade.carry()
        [payment] = trade.sale(number)["payments"]
        assert str(payment["id"]) == draft.external_id
        assert trade.documents("draft_payment") == []
        of_shop, of_erp = trade.documents("payment")
        assert (of_erp.state, of_erp.made_from) == ("posted", of_shop.id)
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


def send_all(trade, number, tracking="T1"):
    parcels = [{"number": tracking, "url": ""}]
    return trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": parcels})["shipments"]


def test_a_corrected_tracking_number_changes_the_parcel_that_the_shop_has(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    [shipment] = send_all(trade, number)
    trade.carry()
    trade.in_erp("PATCH", f"shipments/{shipment['id']}", {"tracking": [{"number": "T1-RIGHT", "url": ""}]})
    trade.carry()
    [parcel] = trade.in_shop("GET", f"orders/{number}/fulfillments")
    assert {entry["key"]: entry["value"] for entry in parcel["meta_data"]}["_tracking_number"] == "T1-RIGHT"
    assert (called(trade, "T1"), called(trade, "t1-right")) == ([], [number])


def test_a_shop_without_fulfilments_gets_one_note_and_a_mark(sqlite_store):
    with trading(sqlite_store, shop=ShopSettings(fulfillments=False)) as trade:
        number = trade.buy((TEA, 2))
        trade.carry()
        [shipment] = send_all(trade, number)
        for _ in range(3):
            trade.carry()
        [note] = [row for row in trade.in_shop("GET", f"orders/{number}/notes") if "T1" in row["note"]]
        assert (note["customer_note"], note["note"].endswith(f"Ref. {number}-{shipment['id']}")) == (False, True)
        meta = {entry["key"]: entry["value"] for entry in trade.order(number)["meta_data"]}
        assert [parcel["tracking"] for parcel in meta["_crossdock_parcels"]] == [["T1"]]


def told_notes(trade, number):
    return [row for row in trade.in_shop("GET", f"orders/{number}/notes") if "T1" in row["note"]]


@pytest.fixture
def undecided(sqlite_store):
    """(trade, number): a mail to the customer went out, or did not, and the shop does not show it."""
    with trading(sqlite_store, shop=ShopSettings(fulfillments=False), notify=True) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        send_all(trade, number)
        trade.shop_plan.add(kind="reset", method="POST", path=f"/wp-json/wc/v3/orders/{number}/notes")
        trade.carry()
        assert trade.item(number).state == "reconcile"
        trade.time_passes(300)
        trade.carry()
        assert trade.causes() == {"unknown_outcome": 1}
        yield trade, number


def decided(trade, number, decide, **fields):
    order = trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))
    which = {"order": order} if decide is approve_order else {"orders": [order]}
    return decide(trade.store, actor=Actor("anna", "test"), **which, **fields)


def test_a_mail_to_the_customer_whose_fate_is_unknown_waits_for_a_person(undecided):
    """Nothing in the shop refuses a second one, and it does not show the first one: only a person may send it again."""
    trade, number = undecided
    for look_at in (trade.mark_again, lambda number: decided(trade, number, retry_orders)):
        look_at(number)
        trade.carry()
        assert told_notes(trade, number) == []
        assert trade.causes() == {"unknown_outcome": 1}
    assert trade.open_intents() == []


def test_a_person_has_it_sent_again_once_and_that_word_answers_for_no_later_doubt(undecided):
    trade, number = undecided
    assert decided(trade, number, resend_orders) == 1
    trade.shop_plan.add(kind="reset", method="POST", path=f"/wp-json/wc/v3/orders/{number}/notes")
    trade.carry()
    assert trade.item(number).state == "reconcile"
    trade.mark_again(number)
    trade.time_passes(300)
    trade.carry()
    trade.mark_again(number)
    trade.carry()
    assert told_notes(trade, number) == []
    assert trade.causes() == {"unknown_outcome": 1}
    decided(trade, number, resend_orders)
    trade.carry()
    trade.carry()
    assert len(told_notes(trade, number)) == 1
    assert trade.item(number).state == "done", trade.causes()
    with pytest.raises(LookupError, match="nothing of order"):
        decided(trade, number, resend_orders)


def test_what_a_person_says_was_sent_is_never_sent_again(undecided):
    trade, number = undecided
    decided(trade, number, approve_order, reason="the customer has it")
    trade.carry()
    trade.mark_again(number)
    trade.in_shop("PUT", f"orders/{number}", {"customer_note": "Thank you"})
    trade.carry()
    assert told_notes(trade, number) == []
    assert trade.item(number).state == "done", trade.causes()


@pytest.mark.parametrize("kind", ["commit_then_drop", "reset"])
def test_a_refund_whose_answer_is_lost_is_looked_up_and_never_made_twice(trade, kind):
    number = trade.buy((TEA, 2))
    trade.carry()
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "2.00", "api_refund": False})
    trade.erp.plan.add(kind=kind, method="POST", path="/api/refunds")
    trade.carry()
    assert trade.item(number).state == "reconcile"
    trade.time_passes(300)
    trade.carry()
    [refund] = trade.sale(number)["refunds"]
    assert Decimal(refund["total"]) == Decimal("-2.00")
    assert trade.item(number).state == "done", trade.causes()
    assert trade.open_intents() == []


def test_looking_again_writes_nothing_to_either_side(trade):
    number = trade.buy((TEA, 2))
    trade.carry()
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "2.00", "api_refund": False})
    send_all(trade, number)
    for _ in range(3):
        trade.carry()
    before = len(trade.rows(select(intents)))
    trade.mark_again(number)
    trade.carry()
    assert len(trade.rows(select(intents))) == before


def test_what_the_erp_cancels_goes_back_where_the_channel_says_so(sqlite_store):
    with trading(sqlite_store, state_back={"cancelled": "cancelled"}) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(number)}/cancel", {})
        trade.carry()
        assert trade.order(number)["status"] == "cancelled", trade.causes()
        trade.carry()
        assert trade.item(number).state == "skipped", trade.causes()


def test_an_edit_of_a_draft_is_carried_over(sqlite_store):
    with trading(sqlite_store, document_state=DocumentState.DRAFT) as trade:
        number = trade.buy((TEA, 1))
        trade.carry()
        edit(trade, number, quantity=3)
        trade.carry()
        sale = trade.sale(number)
        assert trade.causes() == {}
        assert Decimal(sale["total"]) == Decimal(trade.order(number)["total"])
        assert next(Decimal(line["quantity"]) for line in sale["lines"]) == 3
        assert trade.item(number).state == "done"


def test_an_edit_that_comes_too_late_is_a_task_with_both_sides(trade):
    number = trade.buy((TEA, 1))
    trade.carry()
    edit(trade, number, quantity=3)
    trade.carry()
    assert trade.causes() == {"changed_after_import": 1}
    [held] = trade.rows(select(work_items.c.reason).where(work_items.c.external_id == number))
    assert "1 x" in held.reason
    assert "3 x" in held.reason


def edit(trade, number, *, quantity):
    order = trade.order(number)
    [line] = order["line_items"]
    each = Decimal(line["total"]) / line["quantity"]
    total = f"{each * quantity:.2f}"
    change = {"id": line["id"], "quantity": quantity, "subtotal": total, "total": total}
    trade.in_shop("PUT", f"orders/{number}", {"line_items": [change]})
