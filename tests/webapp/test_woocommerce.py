"""Deliveries as a real WooCommerce sent them, through the application as `crossdock web` makes it."""

from __future__ import annotations

import base64
import hmac
import json

import pytest
from sqlalchemy import func, select

from config.settings import Settings
from sync.store.bodies import load_json, unpack
from sync.store.payloads import BODY, WITH_BODIES
from sync.store.tables import events, work_items
from tests.shared import shared_path
from webapp.app import create_app
from webapp.parts import LazyParts

#: The recorded shop signed its first webhooks with the old one, the later ones with the new.
SECRETS = {"SHOP_KEY": "ck_canary", "SHOP_SECRET": "cs_canary", "HOOK_OLD": "geheim-ß-1", "HOOK_NEW": "s3cret"}
RECEIVED = select(events.c.external_id, events.c.problem, BODY).select_from(WITH_BODIES)
CONFIG = """
connections:
  shop:
    system: woocommerce
    url: https://shop.example
    auth: {key: "${env:SHOP_KEY}", secret: "${env:SHOP_SECRET}"}
    webhook_secrets: ["${env:HOOK_OLD}", "${env:HOOK_NEW}"]
  erp:
    system: sandbox_erp
    url: https://erp.example
    auth: {key: "${env:SHOP_KEY}"}
channels:
  webshop: {source: shop, erp: erp}
"""


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


@pytest.fixture
def client(store, sqlite_url, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "crossdock.yaml").write_text(CONFIG)
    app = create_app(
        Settings.from_env(
            {
                **SECRETS,
                "CROSSDOCK_CONFIG": str(tmp_path / "config"),
                "CROSSDOCK_STATE": str(tmp_path),
                "CROSSDOCK_DATABASE": sqlite_url,
                "CROSSDOCK_REDIS": f"unix://{tmp_path}/no.sock",
            }
        )
    )
    yield app.test_client()
    app.extensions[LazyParts.KEY].close()


def recorded():
    return [json.loads(path.read_text()) for path in sorted(shared_path("captures/woocommerce/hooks").glob("*.json"))]


def signed(body, topic="order.updated"):
    signature = base64.b64encode(hmac.digest(b"s3cret", body, "sha256")).decode()
    return {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature}


def count(store, table, *where):
    query = select(func.count()).select_from(table).where(*where)
    return store.read(lambda connection: connection.execute(query).scalar_one())


def test_every_recorded_delivery_is_verified_and_every_order_in_them_is_wanted_with_its_payload(client, store):
    orders = {}
    for delivery in recorded():
        body = base64.b64decode(delivery["body_b64"])
        headers = [(name, value) for name, value in delivery["headers"] if name not in {"Host", "Content-Length"}]
        assert client.post("/webhooks/shop", data=body, headers=headers).status_code in {200, 202}
        topic = dict(headers).get("X-WC-Webhook-Topic", "")
        if topic.startswith("order."):
            orders[str(json.loads(body)["id"])] = body
    assert orders
    wanted = store.read(lambda connection: connection.execute(select(work_items)).all())
    assert {item.external_id for item in wanted} == set(orders)
    assert all(item.wanted > item.done for item in wanted)
    assert count(store, events, events.c.problem != "") == 0
    stored = store.read(lambda connection: connection.execute(RECEIVED).all())
    assert {row.external_id for row in stored if unpack(row.body) == orders[row.external_id]} == set(orders)
    assert all(str(load_json(unpack(row.body))["id"]) == row.external_id for row in stored)


@pytest.mark.fault("C12")
@pytest.mark.parametrize(
    "body",
    [
        b'{"id": 7, "total": NaN}',
        b'{"id": 7, "id": 8}',
        b'{"id": ' + b"7" * 5_000 + b"}",
        b'{"id": 7, "n": ' + b"7" * 5_000 + b"}",
        b'{"id": 7, "meta": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"code": "woocommerce_rest_cannot_view", "message": "", "data": {"status": 401}}',
        b'{"id": 7, "name": "\xe9"}',
    ],
    ids=["NaN", "doubled key", "long id", "long number", "100,000 deep", "error body", "Latin-1"],
)
def test_json_that_means_two_things_or_nothing_is_kept_and_told(client, store, body):
    assert client.post("/webhooks/shop", data=body, headers=signed(body)).status_code == 202
    event = store.read(lambda connection: connection.execute(RECEIVED).one())
    assert (event.external_id, unpack(event.body)) == (None, body)
    assert event.problem
    assert count(store, work_items) == 0


def test_the_same_order_is_equal_however_its_json_is_written(client, store):
    row = {"id": 7, "date_modified_gmt": "2026-01-01T00:00:00", "total": "1.00", "status": "processing"}
    for body in (json.dumps(row).encode(), json.dumps(dict(reversed(row.items())), indent=1).encode()):
        assert client.post("/webhooks/shop", data=body, headers=signed(body)).status_code == 202
    (item,) = store.read(lambda connection: connection.execute(select(work_items)).all())
    assert item.wanted == 1


def test_no_secret_of_the_configuration_is_in_what_the_process_says_of_itself(client):
    ready = client.get("/readyz")
    assert ready.json["status"] == "degraded"
    assert not [secret for secret in SECRETS.values() if secret in ready.text]
