"""A client of the sandbox shop without a socket, as a connector would ask it."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlencode

from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.exchange import Request
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.woocommerce.app import WooCommerce
from connectors.sandbox.woocommerce.products import add_catalogue
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.sandbox.woocommerce.shop import Shop

KEY = ApiKey("ck_full", "cs_full")
READING = ApiKey("ck_reading", "cs_reading", "read")


def basic(key: str = KEY.key, secret: str = KEY.secret) -> str:
    return "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()


class Client:
    """Calls a shop's app directly; `call` gives (status, JSON, headers)."""

    def __init__(self, app: WooCommerce):
        self.app = app
        self.shop = app.shop
        app.renderer.host = "shop.example.test"

    def call(self, method, path, body=None, *, headers=None, **query):
        target = f"/wp-json/wc/v3/{path}" + (f"?{urlencode(query)}" if query else "")
        sent = {"host": "shop.example.test", "x-forwarded-proto": "https", "authorization": basic()}
        sent = sent if headers is None else headers
        raw = b"" if body is None else json.dumps(body).encode()
        reply = self.app(Request(method, target, sent, raw))
        return reply.status, json.loads(reply.body), dict(reply.headers)

    def get(self, path, **query):
        return self.call("GET", path, **query)[1]

    def post(self, path, body):
        return self.call("POST", path, body)[1]

    def put(self, path, body):
        return self.call("PUT", path, body)[1]

    def ids(self, **query):
        return [order["id"] for order in self.get("orders", **query)]

    def order(self, **fields):
        """A small order placed over the API."""
        return self.post("orders", {"line_items": [{"sku": "SIEB-ST", "quantity": 1}], **fields})


def make_client(*, ledger: Ledger | None = None, **settings) -> Client:
    shop = Shop(ShopSettings(keys=(KEY, READING), **settings), ledger=ledger)
    add_catalogue(shop, catalogue(20))
    return Client(WooCommerce(shop))


def at(client: Client, gmt: str, number: int) -> None:
    """Set an order's modification time."""
    client.shop.save_order(client.shop.order(number).document(), "order.update", modified=gmt)
