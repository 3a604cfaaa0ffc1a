"""A company on Fxiaoke and an ERP with Crossdock between them: orders in, and what became of them back, each once."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.sync.flows.trade import POT, TEA, trading_fxiaoke

pytestmark = pytest.mark.loopback


@pytest.fixture
def trade(sqlite_store):
    with trading_fxiaoke(sqlite_store, sale_number=True, post_invoices=True) as made:
        yield made


def order(trade, number):
    return trade.shop.objects["SalesOrderObj"][number]


def parcels(trade):
    return [
        (row["tracking__c"], row["content__c"], row["order_id__c"])
        for row in trade.shop.objects["shipment__c"].values()
    ]


def send(trade, number, tracking):
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": tracking, "url": ""}]})


def settled(trade, number):
    trade.carry()
    trade.carry()
    assert (trade.item(number).state, trade.causes(), trade.open_intents()) == ("done", {}, [])


def test_orders_land_once_and_to_the_cent_whatever_is_lost_on_the_way(trade):
    """Codes with status 200, a page of somebody else, an ERP's answer that never comes."""
    numbers = [trade.shop.sell([(TEA, 3), (POT, count)]) for count in (1, 2)]
    busy = '{"errorCode": -1, "errorMessage": "系统繁忙", "traceId": "E-O.1"}'
    too_fast = '{"errorCode": 30004, "errorMessage": "秒频次超限", "traceId": "E-O.2"}'
    for body in (busy, too_fast):
        trade.shop_plan.add(kind="status", status=200, body=body, path="*/data/query", count=1)
    trade.shop_plan.add(kind="html", path="*/data/query", nth=3)
    trade.erp.plan.add(kind="commit_then_drop", method="POST", path="*/sales")
    trade.carry()
    trade.time_passes(7200)
    for number in numbers:
        settled(trade, number)
        assert Decimal(trade.sale(number)["total"]) == Decimal(order(trade, number)["order_amount"])
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=2)
    assert len(list(trade.systems.connector("erp").list_sales(now - day, now + day))) == 2


def test_what_became_of_an_order_stands_in_its_fields_and_its_parcels_in_records(trade):
    number = trade.shop.sell([(TEA, 3)])
    trade.carry()
    send(trade, number, "SF-1")
    settled(trade, number)
    shown = order(trade, number)
    assert shown["erp_state__c"] == "已发货"
    assert shown["sale__c"] == trade.sale(number)["number"]
    [(tracking, content, of)] = parcels(trade)
    assert (tracking, of) == ("SF-1", number)
    assert content.startswith("3 x ")
    [invoice] = trade.sale(number)["invoices"]
    assert shown["invoices__c"].startswith(f"{invoice['number']} | ")


@pytest.mark.parametrize("fault", ["commit_then_drop", "reset"])
def test_a_parcel_whose_answer_is_lost_is_told_once(trade, fault):
    number = trade.shop.sell([(TEA, 2)])
    trade.carry()
    send(trade, number, "SF-1")
    trade.shop_plan.add(kind=fault, path="*/custom/v2/data/create")
    trade.carry()
    trade.time_passes(7200)
    settled(trade, number)
    assert [tracking for tracking, _content, _of in parcels(trade)] == ["SF-1"]


def test_an_order_under_approval_is_held_and_goes_on_by_itself_when_that_ends(trade):
    number = trade.shop.sell([(TEA, 2)])
    trade.carry()
    send(trade, number, "SF-1")
    trade.shop.submit(number)
    trade.carry()
    trade.carry()
    assert (trade.item(number).state, trade.causes()) == ("held", {"under_approval": 1})
    assert "erp_state__c" not in order(trade, number)
    trade.shop.clock_offset_s += 5
    trade.shop.approve(number)
    settled(trade, number)
    assert order(trade, number)["erp_state__c"] == "已发货"


def test_an_order_waits_for_its_approval_and_is_cancelled_when_it_is_voided(trade):
    number = trade.shop.sell([(POT, 1)], life_status="under_review", lock_status="1")
    trade.carry()
    assert trade.item(number).state == "waiting"
    trade.shop.clock_offset_s += 5
    trade.shop.approve(number)
    settled(trade, number)
    trade.shop.clock_offset_s += 5
    trade.shop.void(number)
    trade.carry()
    assert (trade.item(number).state, trade.causes(), trade.open_intents()) == ("skipped", {}, [])
    assert trade.sale(number)["state"] == "cancelled"
