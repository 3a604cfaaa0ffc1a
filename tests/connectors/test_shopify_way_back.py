"""What goes back to Shopify: parcels by fulfilment order, marks, cancellations, stock that is compared, refunds."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.exchanges import capture
from connectors.kit.findings import Circumstances, Level
from connectors.kit.stock import StockWrite
from connectors.sandbox.shopify import ShopSettings, serve_shop
from connectors.shopify import Shopify
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback
TEA, POT = "TEE-ASSAM-100", "KANNE-GLAS"


@pytest.fixture
def served():
    with serve_shop(ShopSettings(bucket=1_000_000, locations=("Berlin", "Hamburg"))) as (server, app):
        yield server, app.shop


@pytest.fixture
def shop(served):
    return served[1]


@pytest.fixture
def connector(served):
    return connect(served[0], location="Berlin")


def connect(server, **options):
    secret = {"key": "shopify_app", "secret": "shpss_sandbox"}
    place = {"url": server.url, "allow_hosts": ("127.0.0.1",), "deadline_s": PATIENCE_S}
    return Shopify(ConnectorSettings(name="shop", **secret, **place, options=options))


def bought(shop, *lines):
    order = shop.sell(list(lines))
    return order["id"].rpartition("/")[2], [line["id"].rpartition("/")[2] for line in order["lineItems"]]


def parcel(pieces, key="web-1", **tracking):
    return {"key": key, "pieces": pieces, "trackingInfo": tracking, "notifyCustomer": False}


def stands(connector, number):
    return [(row["key"], row["pieces"]) for row in connector.list_fulfilments(number)]


# Parcels


def test_a_parcel_of_some_pieces_leaves_the_others_to_be_sent(shop, connector):
    number, [tea, pot] = bought(shop, (TEA, 3), (POT, 1))
    connector.create_fulfilment(number, parcel({tea: 2}, "one", numbers=["T1", "T2"], company="DHL"))
    connector.create_fulfilment(number, parcel({tea: 1, pot: 1}, "two"))
    assert stands(connector, number) == [("one", {tea: 2}), ("two", {tea: 1, pot: 1})]
    [first, _second] = shop.orders[int(number)]["fulfillments"]
    assert [(each["company"], each["number"]) for each in first["trackingInfo"]] == [("DHL", "T1"), ("DHL", "T2")]


def test_more_than_is_left_is_refused_before_anything_is_sent(shop, connector):
    number, [tea] = bought(shop, (TEA, 3))
    connector.create_fulfilment(number, parcel({tea: 2}))
    with capture() as exchanges, pytest.raises(RecordRejected, match=f"{tea}: 1"):
        connector.create_fulfilment(number, parcel({tea: 2}, "again"))
    assert not any("mutation" in each.request_body for each in exchanges)


@pytest.mark.parametrize("status", ["ON_HOLD", "SCHEDULED", "CLOSED"])
def test_what_somebody_holds_back_is_not_sent(shop, connector, status):
    number, [tea] = bought(shop, (TEA, 1))
    shop.orders[int(number)]["fulfillmentOrders"][0]["status"] = status
    with pytest.raises(RecordRejected, match="holds them back"):
        connector.create_fulfilment(number, parcel({tea: 1}))


def test_pieces_in_two_locations_are_a_fulfilment_of_each_under_one_key(shop, connector):
    number, [tea, pot] = bought(shop, (TEA, 3), (POT, 1))
    # Somebody moves some: the ids of what is left to be sent are new.
    hamburg = list(shop.goods.locations)[1]
    shop.parcels.divide(shop.orders[int(number)], f"gid://shopify/LineItem/{tea}", 2, hamburg)
    connector.create_fulfilment(number, parcel({tea: 3, pot: 1}, numbers=["T1"]))
    assert sorted(stands(connector, number), key=str) == [("web-1", {tea: 1, pot: 1}), ("web-1", {tea: 2})]
    row = connector.list_fulfilments(number)[0]
    connector.update_fulfilment(number, row["id"], parcel({tea: 3, pot: 1}, numbers=["T9"]))
    rows = shop.orders[int(number)]["fulfillments"]
    assert [each["trackingInfo"][0]["number"] for each in rows] == ["T9", "T9"]


def test_one_that_was_begun_is_no_parcel_yet_and_is_ended_by_the_next_try(served, shop, connector):
    number, [tea, pot] = bought(shop, (TEA, 3), (POT, 1))
    hamburg = list(shop.goods.locations)[1]
    shop.parcels.divide(shop.orders[int(number)], f"gid://shopify/LineItem/{tea}", 2, hamburg)
    whole = parcel({tea: 3, pot: 1}, numbers=["T1"])
    served[0].plan.add(kind="status", status=503, body_contains="fulfillmentCreate", nth=2)
    with pytest.raises(OutcomeUnknown):
        connector.create_fulfilment(number, whole)
    assert [key for key, _pieces in stands(connector, number)] == [""]
    connector.create_fulfilment(number, whole)
    assert sorted(stands(connector, number), key=str) == [("web-1", {tea: 1, pot: 1}), ("web-1", {tea: 2})]


def test_what_people_sent_by_hand_is_not_taken_for_ours(shop, connector):
    number, [tea] = bought(shop, (TEA, 3))
    order = shop.orders[int(number)]
    by_hand = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": order["fulfillmentOrders"][0]["id"]}]}
    lines = [{"id": order["fulfillmentOrders"][0]["lineItems"][0]["id"], "quantity": 1}]
    by_hand["lineItemsByFulfillmentOrder"][0]["fulfillmentOrderLineItems"] = lines
    shop.parcels.fulfil([order], by_hand | {"trackingInfo": {"number": "H1"}}, shop.stamp())
    connector.create_fulfilment(number, parcel({tea: 1}, numbers=["T1"]))
    assert stands(connector, number) == [("", {tea: 1}), ("web-1", {tea: 1})]


def test_one_whose_tracking_people_correct_stays_ours(shop, connector):
    number, [tea] = bought(shop, (TEA, 1))
    connector.create_fulfilment(number, parcel({tea: 1}, numbers=["T1"]))
    shop.orders[int(number)]["fulfillments"][0]["trackingInfo"][0]["number"] = "BY-HAND"
    assert stands(connector, number) == [("web-1", {tea: 1})]


def test_one_that_was_cancelled_stands_no_more(shop, connector):
    number, [tea] = bought(shop, (TEA, 1))
    row = connector.create_fulfilment(number, parcel({tea: 1}))
    shop.orders[int(number)]["fulfillments"][0]["status"] = "CANCELLED"
    assert stands(connector, number) == []
    with pytest.raises(RecordRejected, match="no fulfilment"):
        connector.update_fulfilment(number, row["id"], parcel({tea: 1}, numbers=["T2"]))


# Marks


def test_tags_are_added_and_those_of_others_stay(shop, connector):
    number, _lines = bought(shop, (TEA, 1))
    shop.edit(int(number), tags=["gift"])
    marks = {"tags": ["SO1"], "metafields": [{"key": "erp_numbers", "value": ["SO1"]}]}
    for _ in range(2):
        envelope = connector.update_order(number, marks)
    assert envelope.payload["tags"] == ["SO1", "gift"]
    assert envelope.payload["metafields"]["nodes"] == [{"key": "erp_numbers", "jsonValue": ["SO1"]}]


def test_an_order_is_archived_once(shop, connector):
    number, _lines = bought(shop, (TEA, 1))
    closed = connector.update_order(number, {"state": "closed"}).payload["closedAt"]
    with capture() as exchanges:
        assert connector.update_order(number, {"state": "closed"}).payload["closedAt"] == closed
    assert not any("mutation" in each.request_body for each in exchanges)


def test_what_an_order_has_no_place_for_is_refused(shop, connector):
    number, _lines = bought(shop, (TEA, 1))
    with pytest.raises(RecordRejected) as caught:
        connector.update_order(number, {"status": "completed"})
    assert caught.value.field == "status"


def test_a_cancellation_is_a_job_and_is_waited_for(served, monkeypatch):
    server, shop = served
    slept = []
    monkeypatch.setattr("connectors.shopify.marks.time.sleep", slept.append)
    shop.settings = dataclasses.replace(shop.settings, cancel_reads=2)
    number, _lines = bought(shop, (TEA, 1))
    envelope = connect(server).update_order(number, {"state": "cancelled"})
    assert envelope.payload["cancelledAt"]
    assert len(slept) == 2
    # No money moves by it.
    assert shop.orders[int(number)]["refunds"] == []


def test_a_cancellation_that_does_not_end_is_unknown(served, monkeypatch):
    server, shop = served
    monkeypatch.setattr("connectors.shopify.marks.time.sleep", lambda _: None)
    shop.settings = dataclasses.replace(shop.settings, cancel_reads=99)
    number, _lines = bought(shop, (TEA, 1))
    with pytest.raises(OutcomeUnknown, match="not cancelled yet"):
        connect(server).update_order(number, {"state": "cancelled"})


def test_an_order_that_has_left_cannot_be_cancelled(shop, connector):
    number, [tea] = bought(shop, (TEA, 1))
    connector.create_fulfilment(number, parcel({tea: 1}))
    with pytest.raises(RecordRejected, match="has fulfillments"):
        connector.update_order(number, {"state": "cancelled"})


# Stock


def place_of(article, name):
    return next(each for each in article if each.location == name)


def test_each_location_is_a_place_and_the_named_one_needs_no_name(connector):
    found = connector.find_stock([TEA])[TEA]
    assert [(each.location, each.quantity) for each in found] == [("", 5000), ("Berlin", 5000), ("Hamburg", 0)]
    write = StockWrite(article=place_of(found, "Hamburg"), quantity=Decimal(7), location="Hamburg")
    assert [result.quantity for result in connector.write_stock([write])] == [7]
    shown = connector.find_stock([TEA])[TEA]
    assert [(each.location, each.quantity) for each in shown] == [("", 5000), ("Berlin", 5000), ("Hamburg", 7)]


def test_without_a_choice_several_locations_have_only_names(served):
    assert {each.location for each in connect(served[0]).find_stock([TEA])[TEA]} == {"Berlin", "Hamburg"}
    findings = {each.check: each for each in connect(served[0]).diagnose(Circumstances())}
    assert findings["shopify.locations"].level is Level.WARN
    assert "Berlin, Hamburg" in findings["shopify.locations"].found


def test_a_location_that_there_is_not_is_named(served):
    with pytest.raises(ConnectionBroken, match="'Bremen'; it has Berlin, Hamburg"):
        connect(served[0], location="Bremen").find_stock([TEA])


def test_the_search_finds_beginnings_and_only_the_very_sku_counts(connector):
    assert connector.find_stock(["TEE", "tee-assam-100", "SET/ÄÖ #1"]).keys() == {"SET/ÄÖ #1"}


def test_what_was_sold_meanwhile_is_not_overwritten_and_is_looked_at_again(shop, connector):
    tea, pot = (connector.find_stock([sku])[sku][0] for sku in (TEA, POT))
    shop.sell([(TEA, 2)])
    stale, written = connector.write_stock(
        [StockWrite(article=tea, quantity=Decimal(9)), StockWrite(article=pot, quantity=Decimal(8))]
    )
    assert isinstance(stale.error, Transient)
    assert written.quantity == 8
    assert [connector.find_stock([sku])[sku][0].quantity for sku in (TEA, POT)] == [4998, 8]


@pytest.mark.parametrize(
    ("change", "quantity", "code"),
    [({}, "2.5", "fraction"), ({"kept": "none"}, "2", "not_counted"), ({"location": "Mars"}, "2", "no_location")],
)
def test_what_the_shop_cannot_take_is_not_sent(connector, change, quantity, code):
    article = dataclasses.replace(connector.find_stock([TEA])[TEA][0], **change)
    with capture() as exchanges:
        [result] = connector.write_stock([StockWrite(article=article, quantity=Decimal(quantity))])
    assert result.error.code == code
    assert exchanges == []


def test_an_article_without_a_count_says_so(connector):
    assert connector.find_stock(["GUTSCHEIN-25"])["GUTSCHEIN-25"][0].kept == "none"


# Refunds, scopes


def test_refunds_of_the_shop_are_listed_by_the_moment_they_were_made(shop, connector):
    numbers = [bought(shop, (TEA, 2)) for _ in range(3)]
    for number, [tea] in numbers[:2]:
        shop.refund(int(number), {tea: 1})
    now = shop.now()
    inside = list(connector.list_refunds(now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)))
    assert [(each.of, each.amount) for each in inside] == [(number, Decimal("7.49")) for number, _ in numbers[:2]]
    assert list(connector.list_refunds(now - dt.timedelta(days=2), now - dt.timedelta(days=1))) == []


def test_scopes_that_the_way_back_lacks_are_told():
    with serve_shop(ShopSettings(scopes=("write_orders", "read_all_orders"))) as (server, _app):
        findings = {each.check: each for each in connect(server).diagnose(Circumstances())}
    # Whoever may write may read.
    assert findings["shopify.scopes"].level is Level.OK
    assert "write_inventory (stock)" in findings["shopify.way_back"].found
