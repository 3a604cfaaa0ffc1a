"""Fulfilments of the sandbox shop, as the published source has what is not recorded."""

from __future__ import annotations

import dataclasses

import pytest

from connectors.sandbox.ledger import Ledger
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox.woocommerce.shop import Shop
from tests.connectors.sandbox.woocommerce_client import make_client


@pytest.fixture
def client():
    made = make_client()
    yield made
    made.app.deliveries.close()


@pytest.fixture
def order(client):
    return client.post("orders", {"status": "processing", "line_items": [{"sku": "SIEB-ST", "quantity": 3}]})


def body(order, quantity, number="N-1", **changes):
    items = [{"item_id": order["line_items"][0]["id"], "qty": quantity}]
    meta = [{"key": "_items", "value": items}, {"key": "_tracking_number", "value": number}]
    return {"status": "fulfilled", "is_fulfilled": True, "meta_data": meta} | changes


def state(client, order):
    meta = client.get(f"orders/{order['id']}")["meta_data"]
    return next((entry["value"] for entry in meta if entry["key"] == "_fulfillment_status"), None)


def test_the_orders_own_mark_follows_its_parcels_until_none_is_left(client, order):
    path = f"orders/{order['id']}/fulfillments"
    seen = [state(client, order)]
    draft = client.post(path, body(order, 1, status="unfulfilled", is_fulfilled=False))
    seen.append(state(client, order))
    client.put(f"{path}/{draft['id']}", body(order, 1))
    seen.append(state(client, order))
    second = client.post(path, body(order, 2))
    seen.append(state(client, order))
    for each in (draft, second):
        client.call("DELETE", f"{path}/{each['id']}")
    seen.append(state(client, order))
    assert seen == [None, "unfulfilled", "partially_fulfilled", "fulfilled", None]
    assert client.get(path) == []
    assert client.get(f"orders/{order['id']}")["status"] == "processing"


def test_a_change_takes_what_is_sent_for_all_of_it(client, order):
    path = f"orders/{order['id']}/fulfillments"
    made = client.post(
        path, body(order, 3) | {"meta_data": [*body(order, 3)["meta_data"], {"key": "_x", "value": "1"}]}
    )
    changed = client.put(f"{path}/{made['id']}", body(order, 3, "N-2"))
    assert [entry["key"] for entry in changed["meta_data"]] == ["_items", "_tracking_number", "_date_fulfilled"]
    assert changed["meta_data"][1] == made["meta_data"][1] | {"value": "N-2"}
    assert client.get(f"{path}/{made['id']}") == changed


@pytest.mark.parametrize("items", [None, [], "x", [{"item_id": "1", "qty": 1}], [{"item_id": 1, "qty": 0}], [7]])
def test_one_without_usable_items_is_refused(client, order, items):
    meta = [] if items is None else [{"key": "_items", "value": items}]
    status, _body, _headers = client.call("POST", f"orders/{order['id']}/fulfillments", {"meta_data": meta})
    assert (status, client.get(f"orders/{order['id']}/fulfillments")) == (400, [])


def test_the_customer_is_mailed_only_when_asked_for_and_once_for_each(client, order):
    path = f"orders/{order['id']}/fulfillments"
    made = client.post(path, body(order, 1))
    client.put(f"{path}/{made['id']}", body(order, 1, "N-2", notify_customer=True))
    client.post(path, body(order, 2, "N-3", notify_customer=True))
    client.post(f"orders/{order['id']}/notes", {"note": "private"})
    client.post(f"orders/{order['id']}/notes", {"note": "Hallo", "customer_note": True})
    mails = [(mail["kind"], mail["text"].strip()) for mail in client.shop.mails]
    assert mails == [("fulfillment_updated", "N-2"), ("fulfillment_created", "N-3"), ("customer_note", "Hallo")]


def test_an_order_that_is_none_and_a_feature_that_is_off_are_two_things(client):
    def asked():
        status, got, _headers = client.call("GET", "orders/0/fulfillments")
        return status, got["code"]

    assert asked() == (404, "woocommerce_rest_order_invalid_id")
    client.shop.settings = dataclasses.replace(client.shop.settings, fulfillments=False)
    assert asked() == (404, "rest_no_route")


def test_parcels_and_mails_stand_again_after_a_restart(tmp_path, order):
    ledger = Ledger(tmp_path / "ledger")
    client = make_client(ledger=ledger)
    number = client.post("orders", {"line_items": [{"sku": "SIEB-ST", "quantity": 3}]})
    path = f"orders/{number['id']}/fulfillments"
    kept, gone = (client.post(path, body(number, 1, name, notify_customer=True)) for name in ("N-1", "N-2"))
    client.call("DELETE", f"{path}/{gone['id']}")
    client.app.deliveries.close()
    ledger.close()

    again = Shop(ShopSettings(), ledger=Ledger(tmp_path / "ledger"))
    again.restore()
    standing = [item["id"] for item in again.fulfillments[number["id"]] if item["date_deleted"] is None]
    assert standing == [kept["id"]]
    assert [mail["text"].strip() for mail in again.mails] == ["N-1", "N-2"]
    again.ledger.close()
