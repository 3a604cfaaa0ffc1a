"""What happens to an order of the sandbox shop, beyond what the recordings show in passing."""

from __future__ import annotations

import pytest

from connectors.sandbox.exchange import Request
from tests.connectors.sandbox.woocommerce_client import at, make_client

LONG_AGO = "2026-01-01T00:00:00"


@pytest.fixture
def client():
    made = make_client()
    yield made
    made.app.deliveries.close()


def modified(client, number):
    return client.get(f"orders/{number}")["date_modified_gmt"]


@pytest.mark.parametrize(
    ("body", "path", "moves"),
    [
        ({}, "", True),
        ({"status": "pending"}, "", True),
        ({"meta_data": [{"key": "_erp", "value": "1"}]}, "", True),
        ({"note": "sent", "customer_note": True}, "/notes", False),
        ({"amount": "1.00", "api_refund": False}, "/refunds", True),
        ({"meta_data": [{"key": "_items", "value": [{"item_id": 1, "qty": 1}]}]}, "/fulfillments", True),
    ],
)
def test_what_moves_the_modification_time(client, body, path, moves):
    number = client.order()["id"]
    at(client, LONG_AGO, number)

    method = "POST" if path else "PUT"
    status, *_ = client.call(method, f"orders/{number}{path}", body)

    assert status in {200, 201}
    assert (modified(client, number) != LONG_AGO) is moves


def test_meta_is_created_or_updated_by_key_and_deleted_by_null(client):
    number = client.order()["id"]
    for value in ("A", "B"):
        client.put(f"orders/{number}", {"meta_data": [{"key": "_erp", "value": value}]})
    [meta] = client.get(f"orders/{number}")["meta_data"]
    assert (meta["key"], meta["value"]) == ("_erp", "B")

    client.put(f"orders/{number}", {"meta_data": [{"id": meta["id"], "value": "C"}]})
    assert client.get(f"orders/{number}")["meta_data"][0]["value"] == "C"
    client.put(f"orders/{number}", {"meta_data": [{"key": "_erp", "value": None}]})
    assert client.get(f"orders/{number}")["meta_data"] == []


def test_two_new_keys_in_one_call_are_two_entries(client):
    number = client.order()["id"]
    entries = [{"key": "_a", "value": "1"}, {"key": "_b", "value": "2"}]

    assert [meta["key"] for meta in client.put(f"orders/{number}", {"meta_data": entries})["meta_data"]] == ["_a", "_b"]


def test_an_unknown_sku_makes_an_empty_line_and_no_error(client):
    order = client.post("orders", {"line_items": [{"sku": "GIBTSNICHT", "quantity": 1}]})

    [line] = order["line_items"]
    assert (line["sku"], line["product_id"], line["total"], order["total"]) == (None, 0, "0.00", "0.00")


def test_a_phone_that_is_too_long_empties_the_whole_address(client):
    order = client.order(billing={"first_name": "Anna", "phone": "1" * 120})

    assert set(order["billing"].values()) == {""}


def test_stock_is_taken_once_and_given_back_on_cancelling(client):
    product = client.get("products", sku="SIEB-ST")[0]
    number = client.order(status="processing")["id"]
    client.put(f"orders/{number}", {"status": "completed"})
    assert client.get(f"products/{product['id']}")["stock_quantity"] == product["stock_quantity"] - 1

    client.put(f"orders/{number}", {"status": "cancelled"})
    assert client.get(f"products/{product['id']}")["stock_quantity"] == product["stock_quantity"]


def test_a_deleted_product_takes_its_sku_out_of_old_orders(client):
    order = client.order()
    client.call("DELETE", f"products/{order['line_items'][0]['product_id']}", force="true")

    [line] = client.get(f"orders/{order['id']}")["line_items"]
    assert (line["sku"], line["product_id"], line["total"]) == (None, 0, "2.80")


def test_the_same_refund_twice_is_two_refunds_until_nothing_is_left(client):
    number = client.order(status="processing")["id"]
    body = {"amount": "1.50", "api_refund": False}
    refunds = [client.call("POST", f"orders/{number}/refunds", body) for _ in range(3)]

    assert [status for status, *_ in refunds] == [201, 201, 500]
    assert (refunds[2][1]["code"], refunds[2][1]["data"]) == ("woocommerce_rest_cannot_create_order_refund", 500)
    order = client.get(f"orders/{number}")
    assert [refund["total"] for refund in order["refunds"]] == ["-1.50", "-1.50"]
    assert (order["total"], order["status"]) == ("3.33", "processing")


def test_a_full_refund_changes_the_status_and_not_the_total(client):
    number = client.order(status="processing")["id"]
    client.post(f"orders/{number}/refunds", {"amount": "3.33", "api_refund": False})

    order = client.get(f"orders/{number}")
    assert (order["status"], order["total"]) == ("refunded", "3.33")


def test_a_gateway_that_cannot_refund_is_a_permanent_error_dressed_as_500(client):
    number = client.order(payment_method="cod")["id"]
    status, body, _headers = client.call("POST", f"orders/{number}/refunds", {"amount": "1.00"})

    assert status == 500
    assert "does not support automatic refunds" in body["message"]


def test_the_same_note_twice_is_two_notes(client):
    number = client.order()["id"]
    for _ in range(2):
        client.post(f"orders/{number}/notes", {"note": "Paket 1"})

    assert [note["note"] for note in client.get(f"orders/{number}/notes")] == ["Paket 1", "Paket 1"]


def test_more_can_be_fulfilled_than_was_ordered(client):
    order = client.order()
    items = {"key": "_items", "value": [{"item_id": order["line_items"][0]["id"], "qty": 99}]}
    status, body, _headers = client.call(
        "POST",
        f"orders/{order['id']}/fulfillments",
        {"status": "fulfilled", "is_fulfilled": True, "meta_data": [items]},
    )

    assert (status, body["is_fulfilled"]) == (201, True)
    [listed] = client.get(f"orders/{order['id']}/fulfillments")
    assert listed["is_fulfilled"] == "1"


def test_editing_lines_computes_the_order_anew(client):
    order = client.post("orders", {"line_items": [{"sku": "SIEB-ST", "quantity": 2}, {"sku": "KANNE-GLAS"}]})
    first, second = order["line_items"]

    edited = client.put(
        f"orders/{order['id']}",
        {
            "line_items": [
                {"id": first["id"], "quantity": 0},
                {"id": second["id"], "quantity": 2, "subtotal": "50.34", "total": "50.34"},
                {"sku": "TEE-ASSAM-100", "quantity": 1},
            ]
        },
    )

    assert [line["sku"] for line in edited["line_items"]] == ["KANNE-GLAS", "TEE-ASSAM-100"]
    assert (edited["cart_tax"], edited["total"]) == ("10.05", "67.39")


def test_a_batch_answers_200_with_an_error_in_the_place_of_what_failed(client):
    number = client.order()["id"]
    updates = [{"id": number, "status": "completed"}, {"id": 999_999, "status": "completed"}]
    status, body, _headers = client.call("POST", "orders/batch", {"update": updates})

    assert status == 200
    assert body["update"][0]["status"] == "completed"
    assert body["update"][1]["error"]["code"] == "woocommerce_rest_shop_order_invalid_id"


@pytest.mark.parametrize(("quantity", "status"), [(0, "outofstock"), (-3, "outofstock"), ("7", "instock")])
def test_stock_is_absolute_and_may_be_negative_or_text(client, quantity, status):
    product = client.get("products", sku="SIEB-ST")[0]
    changed = client.put(f"products/{product['id']}", {"stock_quantity": quantity})

    assert (changed["stock_quantity"], changed["stock_status"]) == (int(quantity), status)


def test_settings_change_how_the_shop_computes():
    net = make_client(prices_include_tax=False)
    order = net.post("orders", {"line_items": [{"sku": "SIEB-ST", "quantity": 1}], "currency": "JPY"})
    assert (order["total"], order["currency"], order["prices_include_tax"]) == ("3.33", "JPY", False)
    net.app.deliveries.close()

    fils = make_client(currency="KWD", decimals=3)
    assert fils.order()["total"] == "3.330"
    fils.app.deliveries.close()


@pytest.mark.parametrize(("mode", "status", "retry_after"), [("maintenance", 503, "600"), ("database-down", 500, None)])
def test_a_shop_that_is_down_answers_html(client, mode, status, retry_after):
    client.shop.mode = mode
    reply = client.app(Request("GET", "/wp-json/wc/v3/orders", {}))
    headers = dict(reply.headers)

    assert (reply.status, headers.get("Retry-After")) == (status, retry_after)
    assert headers["Content-Type"].startswith("text/html")
    assert reply.body.startswith(b"<!DOCTYPE html>")
