"""A Shopify shop and an ERP with Crossdock between them: orders in, and everything after the import, each once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.model import DocumentState, StockPolicy
from connectors.sandbox.shopify import ShopSettings
from tests.sync.flows.trade import POT, TEA, trading_shopify

pytestmark = pytest.mark.loopback


@pytest.fixture
def trade(sqlite_store):
    with trading_shopify(sqlite_store, sale_number=True) as made:
        yield made


def buy(trade, *lines, **how):
    return trade.shop.sell(list(lines), **how)["id"].rpartition("/")[2]


def order(trade, number):
    return trade.shop.orders[int(number)]


def line(trade, number, place=0):
    return order(trade, number)["lineItems"][place]["id"].rpartition("/")[2]


def parcels(trade, number):
    return [
        (row["trackingInfo"][0]["number"], [each["quantity"] for each in row["fulfillmentLineItems"]])
        for row in order(trade, number)["fulfillments"]
    ]


def mark(trade, number, key):
    return next((row["jsonValue"] for row in order(trade, number)["metafields"] if row["key"] == key), None)


def settled(trade, number):
    trade.carry()
    trade.carry()
    assert (trade.item(number).state, trade.causes(), trade.open_intents()) == ("done", {}, [])


def test_a_refund_becomes_one_credit_that_ties_to_the_cent(trade):
    number = buy(trade, (TEA, 3), (POT, 1))
    trade.carry()
    trade.shop.refund(int(number), {line(trade, number): 1}, reason="broken")
    trade.shop.refund(int(number), amount=Decimal("0.50"), reason="goodwill")
    settled(trade, number)
    totals = sorted(Decimal(refund["total"]) for refund in trade.sale(number)["refunds"])
    assert totals == [Decimal("-7.49"), Decimal("-0.50")]


def test_an_order_in_another_currency_is_booked_and_refunded_in_it(trade):
    number = buy(trade, (TEA, 2), currency="CHF")
    trade.carry()
    trade.shop.refund(int(number), {line(trade, number): 1})
    settled(trade, number)
    total = order(trade, number)["totalPriceSet"]["presentmentMoney"]
    sale = trade.sale(number)
    assert (sale["currency"], Decimal(sale["total"])) == ("CHF", Decimal(total["amount"]))
    assert [Decimal(refund["total"]) for refund in sale["refunds"]] == [Decimal("-7.07")]


def test_what_leaves_in_two_parcels_is_two_fulfilments_and_the_order_shows_its_numbers(trade):
    number = buy(trade, (TEA, 3), (POT, 1))
    trade.carry()
    first = trade.sale(number)["shipments"][0]
    trade.in_erp(
        "POST", f"shipments/{first['id']}/send", {"lines": {TEA: "2"}, "tracking": [{"number": "T1", "url": ""}]}
    )
    trade.carry()
    assert parcels(trade, number) == [("T1", [2])]
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {"tracking": [{"number": "T2", "url": ""}]})
    settled(trade, number)
    assert sorted(parcels(trade, number)) == [("T1", [2]), ("T2", [1, 1])]
    assert order(trade, number)["displayFulfillmentStatus"] == "FULFILLED"
    assert mark(trade, number, "erp_numbers") == [trade.sale(number)["number"]]
    assert trade.sale(number)["number"] in order(trade, number)["tags"]


@pytest.mark.parametrize("fault", ["commit_then_drop", "reset"])
def test_a_parcel_whose_answer_is_lost_is_told_once(trade, fault):
    number = buy(trade, (TEA, 4))
    trade.carry()
    first = trade.sale(number)["shipments"][0]
    # Half of them: the shop itself would take the same again.
    trade.in_erp(
        "POST", f"shipments/{first['id']}/send", {"lines": {TEA: "2"}, "tracking": [{"number": "T1", "url": ""}]}
    )
    trade.shop_plan.add(kind=fault, body_contains="fulfillmentCreate")
    trade.carry()
    trade.time_passes(7200)
    settled(trade, number)
    assert parcels(trade, number) == [("T1", [2])]


def test_pieces_taken_out_after_the_import_leave_the_sale_too(sqlite_store):
    with trading_shopify(sqlite_store, document_state=DocumentState.DRAFT) as trade:
        number = buy(trade, (TEA, 3), (POT, 1))
        # Not paid for yet: what is taken out is no refund.
        order(trade, number)["transactions"] = []
        trade.carry()
        trade.shop.remove(int(number), order(trade, number)["lineItems"][0]["id"], 1)
        settled(trade, number)
        left = order(trade, number)["currentTotalPriceSet"]["shopMoney"]["amount"]
        assert Decimal(trade.sale(number)["total"]) == Decimal(left)


def test_an_order_cancelled_on_either_side_is_cancelled_on_the_other(sqlite_store):
    back = {"cancelled": "cancelled"}
    with trading_shopify(sqlite_store, state_back=back) as trade:
        theirs, ours = buy(trade, (TEA, 1)), buy(trade, (POT, 1))
        trade.carry()
        trade.shop.cancel(int(theirs))
        trade.in_erp("POST", f"sales/{trade.sale_id(ours)}/cancel")
        trade.carry()
        trade.carry()
        assert trade.sale(theirs)["state"] == "cancelled"
        assert order(trade, ours)["cancelledAt"]
        assert trade.causes() == {}


def test_stock_is_shown_and_what_was_sold_meanwhile_is_not_shown_again(sqlite_store):
    policy = StockPolicy(push=True, safety=Decimal(5))
    settings = ShopSettings(bucket=1_000_000)
    with trading_shopify(sqlite_store, shop=settings, articles=20, stock=policy) as trade:
        trade.in_erp("PUT", "stock", {"code": TEA, "quantity": "105"})
        trade.show_stock()
        item, place = (
            f"gid://shopify/InventoryItem/{trade.shop.goods.numbers[TEA]}",
            next(iter(trade.shop.goods.locations)),
        )
        assert trade.shop.goods.available[item, place] == 100
        buy(trade, (TEA, 3))
        trade.show_stock()
        assert trade.shop.goods.available[item, place] == 97


def test_a_refund_is_proven(trade):
    number = buy(trade, (TEA, 3))
    trade.carry()
    trade.shop.refund(int(number), {line(trade, number): 1})
    [refund] = trade.systems.connector("shop").list_refunds(
        trade.shop.now().replace(year=2020), trade.shop.now().replace(year=2040)
    )
    assert (refund.of, refund.amount, refund.currency) == (number, Decimal("7.49"), "EUR")
