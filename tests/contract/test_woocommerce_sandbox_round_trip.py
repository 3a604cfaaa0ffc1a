"""The WooCommerce connector against the sandbox shop, over sockets: nothing lost under changes and faults."""

from __future__ import annotations

import datetime as dt
import json
import time

import pytest
import requests

from connectors.kit.base import ConnectorSettings, SignatureInvalid
from connectors.kit.errors import ConnectionBroken, RecordRejected, Transient
from connectors.sandbox.exchange import Response
from connectors.sandbox.server import serve
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.generator import Generator
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.woocommerce.connector import WooCommerce
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

KEY = ApiKey("ck_full", "cs_full")
READING = ApiKey("ck_reading", "cs_reading", "read")
SECRET = "geheim-ß-1"


@pytest.fixture
def shop():
    """(server, app): a shop with 120 orders."""
    settings = ShopSettings(keys=(KEY, READING))
    with serve_shop(settings, behaviour=Behaviour(delay_s=0.01, jitter_s=0.0)) as served:
        Generator(served[1].shop, seed=2).backlog(120, days=5)
        yield served


def connect(server, key=KEY, *, deadline_s=PATIENCE_S, **options):
    settings = ConnectorSettings(
        name="shop",
        url=server.url,
        key=key.key,
        secret=key.secret,
        webhook_secrets=(SECRET,),
        allow_hosts=("127.0.0.1",),
        deadline_s=deadline_s,
        options=options,
    )
    return WooCommerce(settings)


def test_a_pull_brings_every_order_as_it_stands_also_from_the_trash(shop):
    server, app = shop
    pulled = {item.external_id: item for page in connect(server).pull_orders(None) for item in page.envelopes}

    assert pulled.keys() == {str(number) for number in app.shop.orders}
    assert any(item.payload["status"] == "trash" for item in pulled.values())


def test_a_pull_loses_nothing_when_orders_change_between_its_pages(shop):
    server, app = shop
    seen: set[str] = set()
    for number, page in enumerate(connect(server, per_page=7).pull_orders(None)):
        seen.update(item.external_id for item in page.envelopes)
        if number in {1, 3}:
            for item in page.envelopes[:3]:
                app.shop.save_order(app.shop.order(int(item.external_id)).document(), "order.update")

    assert seen == {str(number) for number in app.shop.orders}


def test_a_pull_resumes_at_its_checkpoint_with_the_overlap(shop):
    server, app = shop
    connector = connect(server)
    *_, last = connector.pull_orders(None)
    placed = {str(row.id) for row in Generator(app.shop, seed=5).live(3)}

    again = {item.external_id for page in connector.pull_orders(last.checkpoint) for item in page.envelopes}
    assert placed <= again
    assert len(again) < 40, "the overlap is minutes, not days"


def test_the_list_for_the_proof_is_complete_and_to_the_cent(shop):
    server, app = shop
    listed = {line.external_id: line for line in connect(server).list_orders(*_window())}

    rows = {str(row.id): row.document() for row in app.shop.orders.values()}
    assert listed.keys() == rows.keys()
    assert all(f"{line.total:f}" == f"{float(rows[number]['total']):.2f}" for number, line in listed.items())


def test_one_order_many_orders_and_one_that_is_gone(shop):
    server, app = shop
    connector = connect(server)
    first, second, third = list(app.shop.orders)[:3]
    app.shop.drop_order(third)

    envelopes = connector.fetch_orders([str(first), str(third), str(second)])
    assert [(item.external_id, item.deleted) for item in envelopes] == [
        (str(first), False),
        (str(third), True),
        (str(second), False),
    ]


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ({"kind": "status", "status": 500, "body": "<html>oops</html>"}, Transient),
        ({"kind": "html"}, Transient),
        ({"kind": "gzip_bomb", "size_mb": 60}, Transient),
        ({"kind": "drip", "interval_s": 0.2}, Transient),
        ({"kind": "reset"}, Transient),
        ({"kind": "truncate"}, Transient),
    ],
)
def test_every_fault_of_a_read_is_transient(shop, script, error):
    server, app = shop
    server.plan.add(count=None, **script)
    connector = connect(server, deadline_s=1)

    with pytest.raises(error):
        connector.fetch_orders([str(next(iter(app.shop.orders)))])


def test_maintenance_is_transient_and_a_wrong_key_needs_a_person(shop):
    server, app = shop
    with pytest.raises(ConnectionBroken):
        list(connect(server, ApiKey(KEY.key, "wrong")).pull_orders(None))
    with pytest.raises(ConnectionBroken):
        connect(server, READING).ensure_subscriptions("http://127.0.0.1:9/webhooks/shop")
    app.shop.mode = "maintenance"
    with pytest.raises(Transient):
        list(connect(server).pull_orders(None))


def test_subscriptions_are_made_kept_and_revived_and_their_deliveries_verify(shop):
    server, app = shop
    received = []

    def take(request):
        received.append(request)
        return Response(200)

    with serve(take) as receiver:
        connector = connect(server)
        address = f"{receiver.url}/webhooks/shop"
        assert {done for _, done in connector.ensure_subscriptions(address)} == {"created"}
        assert {done for _, done in connector.ensure_subscriptions(address)} == {"kept"}
        next(iter(app.shop.webhooks.values()))["status"] = "disabled"
        assert sorted({done for _, done in connector.ensure_subscriptions(address)}) == ["kept", "reactivated"]
        pings = len(received)
        [row] = Generator(app.shop, seed=6).live(1)
        _wait(app)
        requests.post(f"{server.url}/_sandbox/webhooks", json={"forge": 1}, timeout=PATIENCE_S)

    deliveries = [connector.verify_webhook(request.body, request.headers) for request in received[:pings]]
    assert all(delivery.ping for delivery in deliveries)
    good = [connector.verify_webhook(request.body, request.headers) for request in received[pings : pings + 2]]
    assert {delivery.topic for delivery in good} == {"order.created", "order.updated"}
    assert all(delivery.envelope.payload["id"] == row.id for delivery in good)
    for forged in received[pings + 2 :]:
        assert json.loads(forged.body)["id"]
        with pytest.raises(SignatureInvalid):
            connector.verify_webhook(forged.body, forged.headers)
    assert len(received) > pings + 2


def test_an_id_that_is_none_is_refused_without_a_call(shop):
    server, _app = shop

    with pytest.raises(RecordRejected):
        connect(server).fetch_orders(["19; DROP"])
    assert requests.get(f"{server.url}/_sandbox/info", timeout=PATIENCE_S).json()["requests"] == 0


def _window():
    now = dt.datetime.now(tz=dt.UTC)
    return now - dt.timedelta(days=30), now + dt.timedelta(days=1)


def _wait(app):
    deadline = time.monotonic() + PATIENCE_S
    while app.deliveries.waiting and time.monotonic() < deadline:
        time.sleep(0.005)
