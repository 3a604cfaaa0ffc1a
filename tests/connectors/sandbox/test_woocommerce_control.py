"""What a test or the demo has an administrator and customers of the sandbox shop do."""

from __future__ import annotations

from decimal import Decimal

import pytest
import requests

from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.settings import ShopSettings
from tests.connectors.sandbox.woocommerce_client import KEY, Client
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def served():
    with serve_shop(ShopSettings(keys=(KEY,)), behaviour=Behaviour(delay_s=3600)) as pair:
        yield pair


@pytest.fixture
def shop(served):
    return Client(served[1])


@pytest.fixture
def do(served):
    def post(path, *, expected=(200, 201), **body):
        reply = requests.post(f"{served[0].url}/_sandbox/{path}", json=body, timeout=PATIENCE_S)
        assert reply.status_code in expected, reply.text
        return reply.json()

    return post


@pytest.fixture
def order(shop, do):
    """Three sieves, bought now; as the shop shows it."""
    return shop.get(f"orders/{do('sell', sku='SIEB-ST', quantity=3)['id']}")


def stock(shop, sku="SIEB-ST"):
    return shop.get("products", sku=sku)[0]["stock_quantity"]


def ties(order):
    lines = [*order["line_items"], *order["fee_lines"], *order["shipping_lines"]]
    parts = sum(Decimal(line["total"]) + Decimal(line["total_tax"]) for line in lines)
    return abs(parts - Decimal(order["total"])) <= Decimal("0.01")


def test_a_customer_buys_what_is_asked_for_and_the_shelf_is_emptier(shop, do):
    before = stock(shop)
    made = shop.get(f"orders/{do('sell', lines=[{'sku': 'SIEB-ST', 'quantity': 2}], seed=3)['id']}")
    assert [(line["sku"], line["quantity"]) for line in made["line_items"]] == [("SIEB-ST", 2)]
    assert (made["status"], stock(shop)) == ("processing", before - 2)
    assert ties(made)


def test_stock_is_set_by_hand(shop, do):
    do("stock", sku="SIEB-ST", quantity=500, backorders="notify")
    [product] = shop.get("products", sku="SIEB-ST")
    assert (product["stock_quantity"], product["backorders"]) == (500, "notify")
    do("stock", sku="SIEB-ST", backorders="no")
    assert stock(shop) == 500


def test_an_edit_changes_lines_address_and_note_and_the_totals_follow(shop, do, order):
    before = stock(shop)
    [line] = order["line_items"]
    do(
        f"orders/{order['id']}/edit",
        lines=[{"id": line["id"], "quantity": 6}],
        billing={"city": "Ulm"},
        customer_note="!",
    )
    edited = shop.get(f"orders/{order['id']}")
    assert Decimal(edited["line_items"][0]["total"]) == pytest.approx(2 * Decimal(line["total"]), abs=Decimal("0.01"))
    assert (edited["billing"], edited["customer_note"]) == (order["billing"] | {"city": "Ulm"}, "!")
    assert stock(shop) == before - 3
    assert Decimal(edited["total"]) > Decimal(order["total"])
    assert ties(edited)


def test_an_edit_sets_a_price_adds_and_removes_lines_and_changes_shipping(shop, do, order):
    [line] = order["line_items"]
    path = f"orders/{order['id']}/edit"
    do(path, lines=[{"id": line["id"], "price": "10.00"}], shipping_total="8.00")
    priced = shop.get(f"orders/{order['id']}")
    assert (priced["line_items"][0]["total"], priced["shipping_total"]) == ("30.00", "8.00")
    assert ties(priced)
    do(path, lines=[{"id": line["id"], "remove": True}, {"sku": "KANNE-GLAS", "quantity": 1}])
    swapped = shop.get(f"orders/{order['id']}")
    assert [each["sku"] for each in swapped["line_items"]] == ["KANNE-GLAS"]
    assert ties(swapped)


def test_a_cancelled_order_gives_its_stock_back(shop, do, order):
    before = stock(shop)
    assert do(f"orders/{order['id']}/cancel")["status"] == "cancelled"
    assert stock(shop) == before + 3


def test_lines_shipping_and_goodwill_are_given_back_and_then_the_rest(shop, do, order):
    before = stock(shop)
    line = str(order["line_items"][0]["id"])
    path = f"orders/{order['id']}/refund"
    do(path, lines={line: 1}, reason="Bruch")
    do(path, lines={line: 1}, restock=False)
    do(path, shipping=True)
    do(path, amount="0.50", reason="Kulanz")
    assert stock(shop) == before + 1
    [goodwill, shipping, unreturned, broken] = shop.get(f"orders/{order['id']}/refunds")
    assert (goodwill["amount"], goodwill["line_items"]) == ("0.50", [])
    assert [each["method_title"] for each in shipping["shipping_lines"]] == ["DHL Paket"] or shipping[
        "amount"
    ] == "0.00"
    assert unreturned["amount"] == broken["amount"]
    assert shop.get(f"orders/{order['id']}")["status"] == "processing"


def test_all_of_an_order_is_given_back_to_the_cent(shop, do, order):
    do(f"orders/{order['id']}/refund", all=True)
    refunded = shop.get(f"orders/{order['id']}")
    assert (refunded["status"], refunded["refunds"][0]["total"]) == ("refunded", f"-{refunded['total']}")


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("orders/999999/cancel", {}, (400, "ID is invalid")),
        ("orders/999999/edit", {}, (404, "Invalid ID")),
        ("orders/{id}/refund", {"amount": "999999"}, (500, "Invalid refund amount")),
        ("orders/{id}/refund", {"lines": {"1": 1}}, (400, "the order has no line 1")),
        ("sell", {"sku": "GIBTSNICHT"}, (400, "sells no 'GIBTSNICHT'")),
        ("stock", {"sku": "SIEB-ST", "quantity": 2.5}, (400, "stock_quantity")),
        ("stock", {"sku": "SIEB-ST", "amount": 2}, (400, "unknown field 'amount'")),
    ],
)
def test_what_cannot_be_done_is_said(do, order, path, body, answer):
    status, told = answer
    assert told in str(do(path.replace("{id}", str(order["id"])), expected=(status,), **body))


def test_mails_can_be_read(served, shop, order):
    shop.post(f"orders/{order['id']}/notes", {"note": "Hallo", "customer_note": True})
    mails = requests.get(f"{served[0].url}/_sandbox/mails", timeout=PATIENCE_S).json()["mails"]
    assert [mail["text"] for mail in mails if mail["order_id"] == order["id"]] == ["Hallo"]
