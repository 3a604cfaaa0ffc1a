"""The sandbox shop's own count: sales, edits, refunds and cancellations move it, and who keeps it."""

from __future__ import annotations

import pytest

from tests.connectors.sandbox.woocommerce_client import make_client


@pytest.fixture
def client():
    made = make_client()
    yield made
    made.app.deliveries.close()


@pytest.fixture
def pair(client):
    """A parent that keeps the count for its two variations."""
    parent = client.post("products", {"name": "Hemd", "type": "variable", "manage_stock": True, "stock_quantity": 9})
    for option in ("Rot", "Blau"):
        sent = {"sku": f"HEMD-{option}", "regular_price": "10", "attributes": [{"name": "Farbe", "option": option}]}
        client.post(f"products/{parent['id']}/variations", sent)
    return parent["id"]


def stock(client, sku="SIEB-ST"):
    [product] = client.get("products", sku=sku)
    return product["stock_quantity"]


def counts(order):
    return [
        {meta["key"]: meta["value"] for meta in line["meta_data"] if "stock" in meta["key"]}
        for line in order["line_items"]
    ]


def test_an_edit_of_an_order_that_has_its_stock_moves_the_stock_after_it(client):
    before = stock(client)
    order = client.order(status="processing")
    [line] = order["line_items"]
    client.put(f"orders/{order['id']}", {"line_items": [{"id": line["id"], "quantity": 4}]})
    assert stock(client) == before - 4
    other = client.get("products")[0]["sku"]
    had = stock(client, other)
    lines = [{"id": line["id"], "quantity": 0}, {"sku": other, "quantity": 2}]
    edited = client.put(f"orders/{order['id']}", {"line_items": lines})
    assert (stock(client), stock(client, other)) == (before, had - 2)
    assert counts(edited) == [{"_reduced_stock": "2"}]


def test_an_edit_of_an_order_that_waits_moves_nothing(client):
    before = stock(client)
    order = client.order()
    client.put(f"orders/{order['id']}", {"line_items": [{"id": order["line_items"][0]["id"], "quantity": 4}]})
    assert stock(client) == before


def test_two_refunds_of_a_line_are_counted_together_and_only_where_pieces_come_back(client):
    before = stock(client)
    order = client.post("orders", {"status": "processing", "line_items": [{"sku": "SIEB-ST", "quantity": 5}]})
    [line] = order["line_items"]

    def refund(pieces, *, restock):
        back = [{"id": line["id"], "quantity": pieces, "refund_total": 1}]
        body = {"api_refund": False, "api_restock": restock, "line_items": back}
        return client.call("POST", f"orders/{order['id']}/refunds", body)[0]

    assert [refund(1, restock=True), refund(1, restock=False), refund(2, restock=True)] == [201] * 3
    assert stock(client) == before - 2
    assert counts(client.get(f"orders/{order['id']}")) == [{"_reduced_stock": "2", "_restock_refunded_items": "3"}]


def test_variations_are_counted_with_their_parent_and_say_so(client, pair):
    for option in ("Rot", "Blau"):
        [shown] = client.get("products", sku=f"HEMD-{option}")
        assert (shown["manage_stock"], shown["stock_quantity"], shown["parent_id"]) == ("parent", 9, pair)
    order = client.post("orders", {"status": "processing", "line_items": [{"sku": "HEMD-Rot", "quantity": 2}]})
    assert (stock(client, "HEMD-Blau"), client.get(f"products/{pair}")["stock_quantity"]) == (7, 7)
    client.put(f"orders/{order['id']}", {"status": "cancelled"})
    assert stock(client, "HEMD-Rot") == 9


def test_a_variations_own_count_is_not_set_while_its_parent_keeps_it(client, pair):
    [shown] = client.get("products", sku="HEMD-Rot")
    client.put(f"products/{pair}/variations/{shown['id']}", {"stock_quantity": 3})
    assert stock(client, "HEMD-Rot") == 9
    client.put(f"products/{pair}/variations/{shown['id']}", {"manage_stock": True, "stock_quantity": 3})
    [shown] = client.get("products", sku="HEMD-Rot")
    assert (shown["manage_stock"], shown["stock_quantity"], stock(client, "HEMD-Blau")) == (True, 3, 9)


def test_a_product_without_a_count_takes_none_and_a_sale_moves_none(client):
    product = client.post("products", {"name": "Kurs", "sku": "KURS", "regular_price": "10"})
    client.put(f"products/{product['id']}", {"stock_quantity": 5, "backorders": "yes"})
    order = client.post("orders", {"status": "processing", "line_items": [{"sku": "KURS"}]})
    [shown] = client.get("products", sku="KURS")
    assert (shown["manage_stock"], shown["stock_quantity"], shown["backorders"]) == (False, None, "no")
    assert counts(order) == [{}]


@pytest.mark.parametrize(
    ("backorders", "status", "backordered"), [("no", "outofstock", False), ("notify", "onbackorder", True)]
)
def test_backorders_decide_what_a_customer_is_told_of_an_empty_shelf(client, backorders, status, backordered):
    [product] = client.get("products", sku="SIEB-ST")
    got = client.put(f"products/{product['id']}", {"stock_quantity": -1, "backorders": backorders})
    assert (got["stock_status"], got["backorders_allowed"], got["backordered"]) == (status, backordered, backordered)


def test_a_sku_is_found_whatever_its_case_and_one_with_a_comma_as_a_whole(client):
    client.post("products", {"name": "Komma", "sku": "A,B"})
    assert [row["sku"] for row in client.get("products", sku="a,b")] == ["A,B"]
    assert [row["sku"] for row in client.get("products", sku="sieb-st")] == ["SIEB-ST"]
    assert client.get("products", sku="A") == []
