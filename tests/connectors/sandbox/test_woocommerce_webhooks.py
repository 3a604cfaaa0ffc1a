"""The sandbox shop's deliveries: signed, late, merged, doubled, disabled; held against the recorded ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time

import pytest

from connectors.sandbox.exchange import Response
from connectors.sandbox.server import serve
from connectors.sandbox.woocommerce.deliveries import Behaviour, sign
from connectors.sandbox.woocommerce.generator import Generator
from tests.connectors.sandbox.woocommerce_client import make_client
from tests.shared import shared_path, wait_until

pytestmark = pytest.mark.loopback

FAST = Behaviour(delay_s=0.01, jitter_s=0.0)
SECRET = "geheim-ß-1"


class Receiver:
    """Takes deliveries; `answers` are its statuses, the last one repeats."""

    def __init__(self):
        self.requests = []
        self.answers = [200]
        self.pause_s = 0.0
        self._lock = threading.Lock()

    def __call__(self, request):
        time.sleep(self.pause_s)
        with self._lock:
            self.requests.append(request)
            status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Response(status, b"", (("Location", "/elsewhere"),) if 300 <= status < 400 else ())

    def topics(self):
        return [request.headers.get("x-wc-webhook-topic") for request in self.requests]

    def bodies(self):
        return [json.loads(request.body) for request in self.requests]


@pytest.fixture
def receiver():
    return Receiver()


@pytest.fixture
def address(receiver):
    with serve(receiver) as server:
        yield f"{server.url}/hook"


@pytest.fixture
def client():
    made = make_client()
    made.app.deliveries.behave(FAST)
    yield made
    made.app.deliveries.close()


def subscribe(client, address, *topics):
    for topic in topics or ("order.created", "order.updated", "order.deleted"):
        status, body, _ = client.call(
            "POST", "webhooks", {"topic": topic, "delivery_url": address, "secret": SECRET, "name": topic}
        )
        assert status == 201, body


def wait_until_sent(client):
    wait_until(lambda: client.app.deliveries.waiting == 0)


def test_every_recorded_delivery_is_signed_as_we_sign():
    hooks = [json.loads(path.read_text()) for path in shared_path("captures/woocommerce/hooks").glob("*.json")]
    signed = [
        (base64.b64decode(hook["body_b64"]), dict(hook["headers"])["X-WC-Webhook-Signature"])
        for hook in hooks
        if "X-WC-Webhook-Signature" in dict(hook["headers"])
    ]

    assert len(signed) > 50
    assert all(signature in {sign(body, SECRET), sign(body, "s3cret")} for body, signature in signed)


def test_a_new_webhook_is_pinged_first_without_signature_and_topic(client, receiver, address):
    subscribe(client, address, "order.created")

    [ping] = receiver.requests
    assert ping.body == b"webhook_id=1"
    assert ping.headers["content-type"] == "application/x-www-form-urlencoded"
    assert not [name for name in ping.headers if name.startswith("x-wc-")]


def test_a_failing_ping_changes_nothing(client, receiver, address):
    receiver.answers = [500]
    subscribe(client, address, "order.created")

    assert client.get("webhooks")[0]["status"] == "active"


def test_a_delivery_has_the_recorded_headers_in_their_order_and_the_same_kind_of_body(client, receiver, address):
    recorded = json.loads(next(shared_path("captures/woocommerce/hooks").glob("006-*.json")).read_text())
    subscribe(client, address, "order.created")
    order = client.order(customer_note="ä / 😀")
    wait_until_sent(client)

    delivery = receiver.requests[-1]
    assert list(delivery.headers) == [name.lower() for name, _ in recorded["headers"]]
    assert delivery.headers["user-agent"] == dict(recorded["headers"])["User-Agent"]
    assert delivery.headers["x-wc-webhook-source"] == "http://shop.example.test/"
    assert hmac.compare_digest(
        base64.b64decode(delivery.headers["x-wc-webhook-signature"]),
        hmac.new(SECRET.encode(), delivery.body, hashlib.sha256).digest(),
    )
    assert delivery.body.isascii()
    assert rb"\u00e4 \/ \ud83d\ude00" in delivery.body
    assert json.loads(delivery.body).keys() == recorded["body_json"].keys()
    assert json.loads(delivery.body)["id"] == order["id"]


def test_updates_that_wait_are_merged_and_the_body_is_that_of_delivery_time(client, receiver, address):
    subscribe(client, address, "order.updated")
    number = client.order()["id"]
    wait_until_sent(client)
    receiver.requests.clear()
    client.app.deliveries.behave(Behaviour(delay_s=0.2, jitter_s=0.0))

    for count in range(6):
        client.put(f"orders/{number}", {"transaction_id": f"T-{count}"})
    wait_until_sent(client)

    assert [body["transaction_id"] for body in receiver.bodies()] == ["T-5"]


def test_trash_is_told_with_the_id_alone_and_a_forced_deletion_not_at_all(client, receiver, address):
    subscribe(client, address, "order.deleted")
    first, second = client.order()["id"], client.order()["id"]
    receiver.requests.clear()

    client.call("DELETE", f"orders/{first}")
    client.call("DELETE", f"orders/{second}", force="true")
    wait_until_sent(client)

    assert [request.body for request in receiver.requests] == [b'{"id":%d}' % first]


def test_notes_fire_nothing(client, receiver, address):
    number = client.order()["id"]
    subscribe(client, address)
    receiver.requests.clear()
    client.post(f"orders/{number}/notes", {"note": "hello"})
    wait_until_sent(client)

    assert receiver.requests == []


def test_a_failed_delivery_is_not_repeated_and_six_in_a_row_disable_the_webhook(client, receiver, address):
    subscribe(client, address, "order.created")
    receiver.answers = [500]
    for count in range(1, 9):
        client.order()
        wait_until_sent(client)
        assert client.get("webhooks")[0]["status"] == ("active" if count <= 5 else "disabled")

    assert len(receiver.requests) == 1 + 6
    client.put("webhooks/1", {"status": "active"})
    client.order()
    wait_until_sent(client)
    assert len(receiver.requests) == 1 + 7
    assert client.get("webhooks")[0]["status"] == "active"


@pytest.mark.parametrize(("status", "good"), [(204, True), (301, True), (302, True), (307, False), (404, False)])
def test_which_answers_count_as_success(client, receiver, address, status, good):
    subscribe(client, address, "order.created")
    receiver.answers = [status]
    for _ in range(6):
        client.order()
        wait_until_sent(client)

    assert client.get("webhooks")[0]["status"] == ("active" if good else "disabled")
    assert len(receiver.requests) == 7, "redirects are not followed"


def test_one_success_forgets_the_failures(client, receiver, address):
    subscribe(client, address, "order.created")
    receiver.answers = [500, 500, 500, 500, 500, 200, 500]
    for _ in range(9):
        client.order()
        wait_until_sent(client)

    assert client.get("webhooks")[0]["status"] == "active"


def test_the_delivery_id_is_shared_by_orders_of_the_same_second(client, receiver, address):
    subscribe(client, address, "order.created")
    client.shop.clock_offset_s = -time.time() % 1  # the second has just begun
    for _ in range(20):
        client.order()
    wait_until_sent(client)

    ids = [request.headers["x-wc-webhook-delivery-id"] for request in receiver.requests[1:]]
    assert len(ids) == 20
    assert len(set(ids)) < 20


def test_one_slow_receiver_holds_up_all(client, receiver, address):
    subscribe(client, address, "order.created")
    receiver.pause_s = 0.1
    started = time.monotonic()
    for _ in range(5):
        client.order()
    wait_until_sent(client)

    assert time.monotonic() - started > 0.45


def test_deliveries_can_be_doubled_dropped_and_come_out_of_order(client, receiver, address):
    subscribe(client, address)
    receiver.requests.clear()
    client.app.deliveries.behave(Behaviour(delay_s=0.01, jitter_s=0.1, duplicate=0.5, reorder=0.5, drop=0.2, seed=3))
    Generator(client.shop, seed=1).live(30)
    wait_until_sent(client)

    keys = [(topic, body["id"]) for topic, body in zip(receiver.topics(), receiver.bodies(), strict=True)]
    assert len(keys) > len(set(keys)), "some came twice"
    assert len(set(keys)) < 60, "some never came"
    orders = {number for _topic, number in keys}
    both = [number for number in orders if ("order.created", number) in keys and ("order.updated", number) in keys]
    assert any(keys.index(("order.updated", number)) < keys.index(("order.created", number)) for number in both)


def test_late_deliveries_come_later(client, receiver, address):
    subscribe(client, address, "order.created")
    client.app.deliveries.behave(Behaviour(delay_s=0.0, jitter_s=0.0, late=1.0, late_s=0.4))
    started = time.monotonic()
    client.order()
    wait_until_sent(client)

    assert time.monotonic() - started >= 0.4
    assert len(receiver.requests) == 2


def test_forged_deliveries_have_a_wrong_signature(client, receiver, address):
    subscribe(client, address, "order.updated")
    client.order()
    wait_until_sent(client)
    receiver.requests.clear()

    assert client.app.deliveries.forge(1) == 1
    [forged] = receiver.requests
    assert forged.headers["x-wc-webhook-topic"] == "order.updated"
    assert forged.headers["x-wc-webhook-signature"] != sign(forged.body, SECRET)
