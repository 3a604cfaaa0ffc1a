"""An organisation on Zoho CRM and an ERP with Crossdock between them: orders in, and what became of them back, once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.sync.flows.trade import POT, TEA, trading_zoho

pytestmark = pytest.mark.loopback


@pytest.fixture
def trade(sqlite_store):
    with trading_zoho(sqlite_store, sale_number=True, post_invoices=True) as made:
        yield made


def order(trade, number):
    return trade.shop.records["Sales_Orders"][number]


def notes(trade):
    return [note["Note_Content"] for note in trade.shop.records["Notes"].values()]


def send(trade, number, tracking):
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": tracking, "url": ""}]})


def settled(trade, number):
    trade.carry()
    trade.carry()
    assert (trade.item(number).state, trade.causes(), trade.open_intents()) == ("done", {}, [])


def test_orders_land_once_and_to_the_cent_whatever_is_lost_on_the_way(trade):
    """A 429 that says nothing, a page of somebody else, an ERP's answer that never comes."""
    numbers = [trade.shop.sell([(TEA, 3), (POT, count)])["id"] for count in (1, 2)]
    trade.shop_plan.add(kind="status", status=429, body='{"code":"TOO_MANY_REQUESTS"}', path="*/coql")
    trade.shop_plan.add(kind="html", path="*/Sales_Orders/*")
    trade.erp.plan.add(kind="commit_then_drop", method="POST", path="*/sales")
    trade.carry()
    trade.time_passes(7200)
    for number in numbers:
        settled(trade, number)
        assert Decimal(trade.sale(number)["total"]) == Decimal(str(order(trade, number)["Grand_Total"]))
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=2)
    assert len(list(trade.systems.connector("erp").list_sales(now - day, now + day))) == 2


def test_what_became_of_an_order_stands_on_its_record(trade):
    number = trade.shop.sell([(TEA, 3)])["id"]
    trade.carry()
    send(trade, number, "T-1")
    settled(trade, number)
    shown = order(trade, number)
    assert shown["Status"] == "Delivered"
    assert shown["Crossdock_ERP_Number"] == trade.sale(number)["number"]
    assert "T-1" in shown["Crossdock_Shipments"]
    [invoice] = trade.sale(number)["invoices"]
    assert shown["Crossdock_Invoices"].startswith(f"{invoice['number']} | ")
    [note] = notes(trade)
    assert note.startswith("3 x ")


@pytest.mark.parametrize("fault", ["commit_then_drop", "reset"])
def test_a_note_whose_answer_is_lost_is_written_once(trade, fault):
    number = trade.shop.sell([(TEA, 2)])["id"]
    trade.carry()
    send(trade, number, "T-1")
    trade.shop_plan.add(kind=fault, method="POST", path="*/Notes")
    trade.carry()
    trade.time_passes(7200)
    settled(trade, number)
    assert len(notes(trade)) == 1


def test_an_order_that_nobody_has_approved_waits(trade):
    number = trade.shop.sell([(POT, 1)])["id"]
    trade.shop.edit("Sales_Orders", number, Status="Created")
    trade.carry()
    assert trade.item(number).state == "waiting"
    trade.shop.clock_offset_s += 5
    trade.shop.edit("Sales_Orders", number, Status="Approved")
    settled(trade, number)
