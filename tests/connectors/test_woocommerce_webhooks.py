"""Webhooks of WooCommerce: the recorded deliveries, forged ones, and the subscriptions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.base import ConnectorSettings, SignatureInvalid
from connectors.kit.errors import ConnectionBroken
from connectors.woocommerce import WooCommerce
from connectors.woocommerce.webhooks import TOPICS
from sync.store.audit import Actor
from sync.work.subscriptions import NoWebhooks, check_subscriptions, repair_subscriptions
from tests.shared import shared_path

#: Hooks 1 to 4 of the recorded shop were signed with the first, the others with the second.
SECRETS = ("geheim-ß-1", "s3cret")
HOOKS = sorted(shared_path("captures/woocommerce/hooks").glob("*.json"))
URL = "https://shop.example"
DELIVERY_URL = "https://crossdock.example/webhooks/shop"


@pytest.fixture
def shop():
    return connect()


def connect(secrets=SECRETS, **settings):
    return WooCommerce(
        ConnectorSettings(name="shop", url=URL, key="ck", secret="cs", webhook_secrets=secrets, **settings)
    )


def load(path):
    delivery = json.loads(path.read_text())
    return base64.b64decode(delivery["body_b64"]), dict(delivery["headers"])


def sign(body: bytes, secret: str = SECRETS[0], topic: str = "order.updated") -> dict[str, str]:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    return {"X-WC-Webhook-Topic": topic, "X-WC-Webhook-Signature": signature}


@pytest.mark.parametrize("path", HOOKS, ids=lambda path: path.stem)
def test_every_recorded_delivery_is_verified_and_read(shop, path):
    body, headers = load(path)
    delivery = shop.verify_webhook(body, headers)
    topic = headers.get("X-WC-Webhook-Topic")
    assert delivery.problem == ""
    assert delivery.ping == (topic is None)
    assert delivery.ignored == (topic == "product.updated")
    if topic is None or delivery.ignored:
        assert (delivery.external_id, delivery.envelope) == (None, None)
    elif topic == "order.deleted":
        assert json.loads(body) == {"id": int(delivery.external_id)}
        assert delivery.envelope is None
    else:
        assert delivery.topic == topic
        assert delivery.envelope.raw == body
        assert delivery.envelope.external_id == delivery.external_id == str(json.loads(body)["id"])
        assert delivery.envelope.version == json.loads(body)["date_modified_gmt"]


@pytest.mark.parametrize("path", [path for path in HOOKS if "order" in path.stem], ids=lambda path: path.stem)
def test_a_recorded_delivery_that_was_tampered_with_is_refused(shop, path):
    body, headers = load(path)
    with pytest.raises(SignatureInvalid):
        shop.verify_webhook(body + b" ", headers)
    with pytest.raises(SignatureInvalid):
        connect(secrets=("geheim-ß-2", "S3cret")).verify_webhook(body, headers)


def test_a_webhook_body_and_a_rest_body_of_the_same_state_make_the_same_payload(shop):
    body = {"id": 7, "date_modified_gmt": "2026-11-21T23:01:56", "total": "1.00"}
    raw = json.dumps(body).encode()
    pushed = shop.verify_webhook(raw, sign(raw)).envelope
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/wp-json/wc/v3/orders/7", json=body | {"_links": {"self": []}})
        [read] = shop.fetch_orders(["7"])
    assert pushed.payload == read.payload == body
    assert (pushed.external_id, pushed.version) == (read.external_id, read.version)


def test_header_names_are_compared_without_regard_to_case(shop):
    headers = {name.lower(): value for name, value in sign(b'{"id": 7}').items()}
    assert shop.verify_webhook(b'{"id": 7}', headers).external_id == "7"


@pytest.mark.fault("C7")
def test_the_raw_bytes_are_signed_not_their_meaning(shop):
    headers = sign(b'{"id": 7}')
    with pytest.raises(SignatureInvalid):
        shop.verify_webhook(b'{"id":7}', headers)


@pytest.mark.fault("B13")
@pytest.mark.parametrize("secret", SECRETS)
def test_the_old_and_the_new_secret_are_good_while_it_is_changed(secret):
    body = b'{"id": 7}'
    assert connect(secrets=SECRETS).verify_webhook(body, sign(body, secret)).external_id == "7"
    with pytest.raises(SignatureInvalid):
        connect(secrets=tuple(other for other in SECRETS if other != secret)).verify_webhook(body, sign(body, secret))


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_without_a_secret_of_ours_nothing_is_believed(secrets):
    body = b'{"id": 7}'
    with pytest.raises(SignatureInvalid):
        connect(secrets=secrets).verify_webhook(body, sign(body, ""))


@given(st.text(max_size=60), st.binary(max_size=40))
def test_a_forged_signature_is_refused_whatever_it_looks_like(signature, body):
    with pytest.raises(SignatureInvalid):
        connect().verify_webhook(
            body, {"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": f"{signature}="}
        )


@pytest.mark.parametrize("body", [b"webhook_id=1&x=2", b"webhook_id=", b"webhook_id=abc", b"id=1", b"", b"\xff"])
def test_only_the_exact_hand_shake_goes_without_a_signature(shop, body):
    with pytest.raises(SignatureInvalid):
        shop.verify_webhook(body, {})


def test_a_hand_shake_with_a_topic_is_no_hand_shake(shop):
    with pytest.raises(SignatureInvalid):
        shop.verify_webhook(b"webhook_id=1", {"X-WC-Webhook-Topic": "order.updated"})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b'{"id": 7, "total": NaN}', "NaN"),
        (b'{"id": 7, "id": 8}', "same name twice"),
        (b'{"id": ' + b"9" * 5000 + b"}", "too long"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"id": 7, "name": "\xff"}', "UTF-8"),
        (b"[]", "no id"),
        (b'{"id": "7"}', "no id"),
        (b'{"id": true}', "no id"),
        (b'{"order": {"id": 7}}', "no id"),
        (b'{"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}', "cannot_view"),
    ],
)
def test_a_signed_body_that_cannot_be_read_is_accepted_with_its_problem(shop, body, problem):
    delivery = shop.verify_webhook(body, sign(body))
    assert problem in delivery.problem
    assert (delivery.topic, delivery.external_id, delivery.envelope) == ("order.updated", None, None)


def test_a_deletion_says_to_look_and_not_that_the_order_is_gone(shop):
    body = b'{"id": 29}'
    delivery = shop.verify_webhook(body, sign(body, topic="order.deleted"))
    assert (delivery.external_id, delivery.envelope, delivery.problem) == ("29", None, "")


@pytest.mark.parametrize("topic", ["product.updated", "customer.created", "action.woocommerce_add_to_cart", ""])
def test_other_topics_are_accepted_and_ignored(shop, topic):
    body = b'{"id": 29}'
    delivery = shop.verify_webhook(body, sign(body, topic=topic))
    assert delivery.ignored
    assert (delivery.external_id, delivery.envelope, delivery.problem) == (None, None, "")


# Subscriptions


def hook(number, topic, status="active", url=DELIVERY_URL):
    return {"id": number, "name": topic, "status": status, "topic": topic, "delivery_url": url}


def ensured(rows, changes=(), **settings):
    """What was done for each topic, and the writes that went out."""
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/wp-json/wc/v3/webhooks", json=rows, headers={"X-WP-TotalPages": "1"})
        for method, path, answer in changes:
            mock.add(method, f"{URL}/wp-json/wc/v3/{path}", json=answer, status=201)
        done = connect(**settings).ensure_subscriptions(DELIVERY_URL)
        writes = [json.loads(call.request.body) for call in mock.calls if call.request.method != "GET"]
    return {subscription.topic: (subscription.external_id, what) for subscription, what in done}, writes


def test_what_is_there_and_active_is_kept():
    done, writes = ensured([hook(n, topic) for n, topic in enumerate(TOPICS)])
    assert done == {topic: (str(n), "kept") for n, topic in enumerate(TOPICS)}
    assert writes == []


@pytest.mark.fault("C15")
def test_what_is_missing_is_created_and_signed_with_the_first_secret():
    rows = [hook(n, topic) for n, topic in enumerate(TOPICS[1:])] + [hook(9, TOPICS[0], url="https://other.example")]
    done, [write] = ensured(rows, [("POST", "webhooks", hook(10, TOPICS[0]))])
    assert done[TOPICS[0]] == ("10", "created")
    assert write == {
        "name": f"Crossdock {TOPICS[0]}",
        "topic": TOPICS[0],
        "delivery_url": DELIVERY_URL,
        "secret": SECRETS[0],
        "status": "active",
    }


@pytest.mark.fault("C15")
@pytest.mark.parametrize("status", ["disabled", "paused"])
def test_what_the_shop_has_switched_off_is_revived(status):
    rows = [hook(n, topic, status if n == 1 else "active") for n, topic in enumerate(TOPICS)]
    done, [write] = ensured(rows, [("PUT", "webhooks/1", hook(1, TOPICS[1]))])
    assert done[TOPICS[1]] == ("1", "reactivated")
    assert write == {"status": "active", "secret": SECRETS[0]}


def test_of_two_for_the_same_topic_the_active_one_counts():
    rows = [hook(1, TOPICS[0], "disabled"), hook(5, TOPICS[0])] + [hook(n + 7, t) for n, t in enumerate(TOPICS[1:])]
    done, writes = ensured(rows)
    assert done[TOPICS[0]] == ("5", "kept")
    assert writes == []


def test_the_recorded_list_after_failures_is_understood():
    recorded = json.loads(shared_path("captures/woocommerce/130-webhooks-list-after-failures.json").read_text())
    rows = recorded["response"]["json"]
    with responses.RequestsMock() as mock:
        mock.get(f"{URL}/wp-json/wc/v3/webhooks", json=rows, headers={"X-WP-TotalPages": "1"})
        mock.put(f"{URL}/wp-json/wc/v3/webhooks/5", json=rows[2] | {"status": "active"})
        mock.post(f"{URL}/wp-json/wc/v3/webhooks", json=hook(11, "order.x"), status=201)
        done = connect().ensure_subscriptions("http://127.0.0.1:8899/fail500")
    assert [what for _subscription, what in done] == ["created", "reactivated", "created", "created"]


def test_all_pages_of_subscriptions_are_read():
    with responses.RequestsMock() as mock:
        url = f"{URL}/wp-json/wc/v3/webhooks"
        for page, rows in (("1", [hook(1, TOPICS[0])]), ("2", [hook(n + 2, t) for n, t in enumerate(TOPICS[1:])])):
            match = [responses.matchers.query_param_matcher({"page": page}, strict_match=False)]
            mock.get(url, json=rows, headers={"X-WP-TotalPages": "2"}, match=match)
        done = connect().ensure_subscriptions(DELIVERY_URL)
    assert {what for _subscription, what in done} == {"kept"}


def test_without_a_secret_no_subscription_is_made():
    with pytest.raises(ConnectionBroken, match="webhook_secrets"):
        connect(secrets=()).ensure_subscriptions(DELIVERY_URL)


def test_who_wants_no_webhooks_is_not_told_that_the_connection_is_broken(sqlite_store):
    """The shop is not called at all: sockets are closed to this test."""
    shop = connect(secrets=())
    assert "by the pull only" in check_subscriptions(sqlite_store, shop, "shop", DELIVERY_URL)
    with pytest.raises(NoWebhooks, match="webhook_secrets"):
        repair_subscriptions(sqlite_store, shop, "shop", DELIVERY_URL, actor=Actor("anna"))
