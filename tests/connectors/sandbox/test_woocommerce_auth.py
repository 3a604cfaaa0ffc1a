"""Who may ask the sandbox shop, and how it says no."""

from __future__ import annotations

import time

import pytest

from connectors.sandbox.woocommerce.auth import signature
from tests.connectors.sandbox.woocommerce_client import KEY, READING, basic, make_client

HOST = "shop.example.test"
SECURE = {"host": HOST, "x-forwarded-proto": "https"}


@pytest.fixture
def client():
    made = make_client()
    yield made
    made.app.deliveries.close()


def signed(method="GET", *, path="orders", secret=KEY.secret, nonce="n-1", off_s=0, **more):
    stamp = str(int(time.time()) + off_s)
    parameters = {
        "oauth_consumer_key": KEY.key,
        "oauth_nonce": nonce,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": stamp,
        **more,
    }
    parameters["oauth_signature"] = signature(
        method, f"http://{HOST}/wp-json/wc/v3/{path}", parameters, secret, "sha256"
    )
    return parameters


def code(reply):
    status, body, _headers = reply
    return status, body["code"], body["message"]


def test_basic_is_ignored_over_plain_http(client):
    reply = client.call("GET", "orders", headers={"host": HOST, "authorization": basic()})

    assert code(reply) == (401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")


def test_keys_in_the_query_work_over_tls(client):
    status, *_ = client.call("GET", "orders", headers=SECURE, consumer_key=KEY.key, consumer_secret=KEY.secret)

    assert status == 200


def test_a_reading_key_that_writes_is_401_and_not_403(client):
    headers = SECURE | {"authorization": basic(READING.key, READING.secret)}

    assert client.call("GET", "orders", headers=headers)[0] == 200
    assert code(client.call("POST", "orders", {}, headers=headers)) == (
        401,
        "woocommerce_rest_authentication_error",
        "The API key provided does not have write permissions.",
    )


def test_oauth_signs_requests_over_plain_http_in_the_query_and_in_the_header(client):
    plain = {"host": HOST}
    in_query = client.call("GET", "orders", headers=plain, **signed(per_page="5", status="any"))
    parts = ", ".join(
        f'{name}="{value.replace("+", "%2B").replace("/", "%2F")}"' for name, value in signed(nonce="n-2").items()
    )
    in_header = client.call("GET", "orders", headers=plain | {"authorization": f"OAuth {parts}"})

    assert (in_query[0], in_header[0]) == (200, 200)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": "wrong"}, "Invalid signature - provided signature does not match."),
        ({"off_s": -1_000}, "Invalid timestamp."),
        ({"off_s": 1_000}, "Invalid timestamp."),
        ({"oauth_signature_method": "PLAINTEXT"}, "Invalid signature - signature method is invalid."),
        ({"oauth_consumer_key": "ck_nobody"}, "Consumer key is invalid."),
    ],
)
def test_what_is_wrong_with_a_signed_request_is_said(client, options, message):
    reply = client.call("GET", "orders", headers={"host": HOST}, **signed(**options))

    assert code(reply) == (401, "woocommerce_rest_authentication_error", message)


def test_a_nonce_is_taken_once(client):
    parameters = signed(nonce="once")

    assert client.call("GET", "orders", headers={"host": HOST}, **parameters)[0] == 200
    assert (
        "nonce has already been used"
        in client.call("GET", "orders", headers={"host": HOST}, **parameters)[1]["message"]
    )


def test_a_changed_parameter_breaks_the_signature(client):
    parameters = signed(per_page="5") | {"per_page": "100"}

    assert client.call("GET", "orders", headers={"host": HOST}, **parameters)[0] == 401


def test_a_missing_oauth_parameter_is_named(client):
    parameters = signed()
    del parameters["oauth_nonce"]

    reply = client.call("GET", "orders", headers={"host": HOST}, **parameters)
    assert code(reply) == (
        401,
        "woocommerce_rest_authentication_missing_parameter",
        "Missing OAuth parameter oauth_nonce",
    )


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "orders", "woocommerce_rest_cannot_view"),
        ("POST", "orders", "woocommerce_rest_cannot_create"),
        ("GET", "products", "woocommerce_rest_cannot_view"),
        ("POST", "orders/batch", "woocommerce_rest_cannot_batch"),
        ("GET", "settings/general", "woocommerce_rest_cannot_view"),
        ("POST", "webhooks", "woocommerce_rest_cannot_create"),
    ],
)
def test_a_visitor_gets_nothing(client, method, path, says):
    body = {"topic": "order.created", "delivery_url": "http://x.test/"} if path == "webhooks" else {}
    status, reply, _headers = client.call(method, path, body if method == "POST" else None, headers=SECURE)

    assert (status, reply["code"]) == (401, says)
