"""Speaking to a sandbox ERP without its connector, and the payloads that tests send to it."""

from __future__ import annotations

import requests

from connectors.sandbox.erp import DEFAULT_API_KEY
from connectors.sandbox.erp.documents import Product
from tests.shared import PATIENCE_S

PRODUCTS = (
    Product(id=1, code="MUG", name="Mug", list_price="10.00", taxes=({"id": 1, "rate": "19"},)),
    Product(id=2, code="TEA", name="Tea by weight", list_price=None, unit_digits=3),
    Product(id=3, code="OLD", name="Not sold any more", list_price="1.00", salable=False),
)


class Client:
    """Speaks to a sandbox ERP as anybody could."""

    def __init__(self, url: str, key: str = DEFAULT_API_KEY) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {key}"

    def call(self, method, path, body=None, **kwargs):
        answer = self.session.request(method, f"{self.url}{path}", json=body, timeout=PATIENCE_S, **kwargs)
        return answer.status_code, answer.json() if answer.content else None

    def create(self, *payloads, atomic=False):
        return self.call("POST", f"/api/sales{'?atomic=1' if atomic else ''}", list(payloads))[1]

    def created(self, payload):
        return self.create(payload)["results"][0]["sale"]

    def advance(self, state, *ids):
        return self.call("POST", "/api/sales/advance", {"ids": ids, "state": state})[1]["results"]

    def by_key(self, *keys):
        return self.call("GET", "/api/sales", params=[("shop", "s"), *(("key", key) for key in keys)])[1]["sales"]


def sale(key="k1", **changes):
    values = {
        "external_key": key,
        "shop": "s",
        "currency": "EUR",
        "party": 1,
        "sale_date": "2026-11-20",
        "placed_at": "2026-11-20T11:00:00+01:00",
        "lines": [{"product": 1, "quantity": "2", "amount": "20.00", "tax": "3.80"}],
    }
    return values | changes


def line(**changes):
    return {"product": 1, "quantity": "1", "amount": "1.00", "tax": "0.19"} | changes


def with_party(url):
    """A client of an ERP that has one party, with id 1."""
    client = Client(url)
    client.call("POST", "/api/parties", [{"code": "email:a@b.c", "name": "A"}])
    return client
