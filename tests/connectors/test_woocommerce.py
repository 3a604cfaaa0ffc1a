"""The WooCommerce connector against the exchanges that were recorded from WooCommerce 11.0.1."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from connectors.kit import strict_json
from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import (
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.exchanges import capture
from connectors.kit.http import DryRun
from connectors.woocommerce import WooCommerce
from tests.connectors.woocommerce_wire import API, URL, captures, connect, query, recorded, replay

CAPTURES = captures()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda seconds: None)


@pytest.fixture
def mock():
    with responses.RequestsMock() as mocked:
        yield mocked


# Errors: codes decide, the status only where there is none

ERRORS = {
    "01-auth-basic-over-plain-http": (ConnectionBroken, "woocommerce_rest_cannot_view", "oauth1"),
    "04-auth-basic-wrong-secret": (ConnectionBroken, "woocommerce_rest_authentication_error", "secret"),
    "05-auth-none": (ConnectionBroken, "woocommerce_rest_cannot_view", "Shop manager"),
    "07-auth-readonly-key-write": (ConnectionBroken, "woocommerce_rest_authentication_error", "write permissions"),
    "25-product-duplicate-sku-error": (RecordRejected, "product_invalid_sku", ""),
    "38-store-last-piece-add-error": (RecordRejected, "woocommerce_rest_product_out_of_stock", ""),
    "50-orders-list-per-page-101-error": (RecordRejected, "rest_invalid_param", "per_page"),
    "74-order-status-invalid-error": (RecordRejected, "rest_invalid_param", "status"),
    "77-refund-too-high-error": (RecordRejected, "woocommerce_rest_cannot_create_order_refund", "Invalid refund"),
    "90-order-read-deleted": (RecordRejected, "woocommerce_rest_shop_order_invalid_id", ""),
    "100-stock-set-variation-wrong-route": (RecordRejected, "woocommerce_rest_invalid_product_id", ""),
    "103-stock-set-fraction": (RecordRejected, "rest_invalid_param", "stock_quantity"),
    "106-stock-batch-101-error": (RecordRejected, "woocommerce_rest_request_entity_too_large", ""),
    "114-order-bad-json": (RecordRejected, "rest_invalid_json", ""),
    "115-unknown-route": (ConnectionBroken, "rest_no_route", "WooCommerce is not active"),
    "121-webhook-create-private-url": (RecordRejected, "woocommerce_rest_shop_webhook_invalid_delivery_url", ""),
    "150-maintenance-mode": (RateLimited, "maintenance", "Maintenance"),
    "151-plain-permalink-route": (ConnectionBroken, "woocommerce_rest_cannot_view", ""),
    "152-fulfillments-feature-off": (ConnectionBroken, "rest_no_route", ""),
    "161-database-down": (Transient, "", "Database Error"),
}


def test_every_recorded_refusal_is_in_the_table():
    refused = {
        path.stem
        for path in CAPTURES.glob("*.json")
        if (json.loads(path.read_text())["response"] or {"status": 0})["status"] >= 400
    }
    assert refused == set(ERRORS)


@pytest.mark.parametrize("name", ERRORS)
def test_a_recorded_refusal_is_classified_by_its_code(mock, name):
    kind, code, text = ERRORS[name]
    method = recorded(name.partition("-")[0])["request"]["method"]
    replay(mock, name.partition("-")[0], f"{API}/x", method)
    with pytest.raises(ConnectorError) as caught:
        connect()._http.request(method, "x", json={} if method != "GET" else None)
    assert type(caught.value) is kind
    assert caught.value.code == code
    assert text in str(caught.value) or text == getattr(caught.value, "field", None)


def test_maintenance_refuses_a_write_at_the_door(mock):
    replay(mock, "150", f"{API}/x", "POST")
    with pytest.raises(RateLimited) as caught:
        connect()._http.request("POST", "x", json={})
    assert caught.value.retry_after_s == 600


def test_another_503_on_a_write_leaves_it_unknown(mock):
    mock.post(f"{API}/x", status=503, body="<title>Backend fetch failed</title>", content_type="text/html")
    with pytest.raises(OutcomeUnknown):
        connect()._http.request("POST", "x", json={})


def test_a_database_that_is_down_leaves_a_write_unknown(mock):
    replay(mock, "161", f"{API}/x", "POST")
    with pytest.raises(OutcomeUnknown):
        connect()._http.request("POST", "x", json={})


def test_a_page_for_people_at_the_address_breaks_the_connection(mock):
    mock.get(f"{API}/orders/7", status=404, body="<title>Page not found</title>", content_type="text/html")
    with pytest.raises(ConnectionBroken, match="permalinks"):
        connect().fetch_orders(["7"])


# Pulling


def test_a_recorded_page_becomes_envelopes_with_the_whole_payload_but_links(mock):
    rows = replay(mock, "54", f"{API}/orders", **{"X-WP-TotalPages": "1"})
    replay(mock, "91", f"{API}/orders", **{"X-WP-TotalPages": "1"})
    pages = list(connect().pull_orders(None))
    envelopes = [envelope for page in pages for envelope in page.envelopes]
    assert [envelope.external_id for envelope in envelopes[: len(rows)]] == [str(row["id"]) for row in rows]
    for envelope, row in zip(envelopes, rows, strict=False):
        exact = strict_json.loads(json.dumps(row))
        assert envelope.payload == {name: value for name, value in exact.items() if name != "_links"}
        assert envelope.version == row["date_modified_gmt"]
        assert not envelope.deleted
    assert envelopes[-1].payload["status"] == "trash"


def test_the_question_is_asked_in_the_form_that_was_measured_to_be_right(mock):
    mock.get(f"{API}/orders", json=[], headers={"X-WP-TotalPages": "0", "Date": "Sat, 21 Nov 2026 23:10:00 GMT"})
    list(
        connect(overlap_s=300).pull_orders(
            '{"v":1,"modified":{"any":"2026-11-21T23:01:56","trash":"2026-11-21T23:00:00"}}'
        )
    )
    first, second = map(query, mock.calls)
    assert first.pop("_nocache") != second.pop("_nocache")
    assert first == {
        "status": "any",
        "orderby": "modified",
        "order": "asc",
        "per_page": "100",
        "page": "1",
        "dates_are_gmt": "true",
        "modified_after": "2026-11-21T22:56:55",
    }
    assert second["status"] == "trash"
    assert second["modified_after"] == "2026-11-21T22:54:59"
    assert mock.calls[0].request.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("body", ["{}", '[{"id": "7"}]', "[7]", "null"])
def test_an_answer_that_is_no_list_of_orders_is_not_taken_for_an_empty_one(mock, body):
    mock.get(f"{API}/orders", body=body, headers={"X-WP-TotalPages": "1"})
    with pytest.raises(Transient, match="no list"):
        list(connect().pull_orders(None))


def test_a_refused_list_breaks_the_connection_because_it_is_no_document(mock):
    replay(mock, "50", f"{API}/orders")
    with pytest.raises(ConnectionBroken, match="per_page") as caught:
        list(connect().pull_orders(None))
    assert caught.value.code == "rest_invalid_param"


def test_a_proxy_that_hides_the_number_of_pages_is_named(mock):
    rows = [{"id": n, "date_modified_gmt": "2026-11-21T23:00:00"} for n in (1, 2)]
    mock.get(f"{API}/orders", json=rows)
    with pytest.raises(ConnectionBroken, match="X-WP-TotalPages"):
        list(connect(options={"per_page": 2}).pull_orders(None))


# Fetching


def test_many_orders_are_one_call_and_what_it_leaves_out_is_asked_for_alone(mock):
    rows = replay(mock, "53", f"{API}/orders")
    replay(mock, "88", f"{API}/orders/29")
    replay(mock, "90", f"{API}/orders/30")
    envelopes = connect().fetch_orders(["20", "29", "30", "21", "20"])
    assert [envelope.external_id for envelope in envelopes] == ["20", "29", "30", "21"]
    assert [envelope.deleted for envelope in envelopes] == [False, False, True, False]
    assert envelopes[1].payload["status"] == "trash"
    assert query(mock.calls[0])["include"] == "20,29,30,21"
    assert envelopes[0].payload["total"] == next(row["total"] for row in rows if row["id"] == 20)


def test_more_ids_than_a_page_holds_are_asked_for_in_batches(mock):
    def some(request):
        ids = query_of(request)["include"].split(",")
        assert len(ids) <= 100
        return 200, {"X-WP-TotalPages": "1"}, json.dumps([{"id": int(i), "date_modified_gmt": None} for i in ids])

    def query_of(request):
        return {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}

    mock.add_callback("GET", f"{API}/orders", callback=some)
    ids = [str(n) for n in range(1, 231)]
    assert [envelope.external_id for envelope in connect().fetch_orders(ids)] == ids
    assert len(mock.calls) == 3


@pytest.mark.parametrize("bad", ["", "abc", "1/notes", "../customers", "1,2", "-1", "1?x", "\uff11"])
def test_an_id_that_is_none_never_becomes_an_address(bad):
    with pytest.raises(RecordRejected, match="no WooCommerce order id"):
        connect().fetch_orders(["7", bad])


def test_no_ids_are_no_call():
    assert connect().fetch_orders([]) == []


def test_another_order_than_the_one_asked_for_is_not_taken(mock):
    mock.get(f"{API}/orders/7", json={"id": 8})
    with pytest.raises(Transient):
        connect().fetch_orders(["7"])


def test_refunds_are_read_oldest_first(mock):
    rows = replay(mock, "78", f"{API}/orders/19/refunds")
    refunds = connect().fetch_refunds("19")
    assert [refund["id"] for refund in refunds] == sorted(row["id"] for row in rows)
    assert all("_links" not in refund for refund in refunds)
    assert all(Decimal(refund["amount"]) > 0 for refund in refunds)


# The cheap list


def test_the_list_gives_the_total_as_the_shop_wrote_it_and_the_day_of_its_own_zone(mock):
    row = {
        "id": 19,
        "number": "R-19",
        "status": "on-hold",
        "total": "73.060",
        "currency": "EUR",
        "date_created": "2026-11-22T00:01:56",
        "date_created_gmt": "2026-11-21T23:01:56",
        "date_modified_gmt": "2026-11-21T23:04:00",
    }
    mock.get(f"{API}/orders", json=[row], headers={"X-WP-TotalPages": "1"})
    window = (dt.datetime(2026, 11, 21, tzinfo=dt.UTC), dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
    [line] = connect().list_orders(*window)
    assert str(line.total) == "73.060"
    assert (line.external_id, line.key, line.number, line.state, line.currency) == (
        "19",
        "19",
        "R-19",
        "on-hold",
        "EUR",
    )
    assert line.placed_at == dt.datetime(2026, 11, 21, 23, 1, 56, tzinfo=dt.UTC)
    assert line.placed_on == dt.date(2026, 11, 22)
    assert line.version == "2026-11-21T23:04:00"
    asked = query(mock.calls[0])
    assert (asked["after"], asked["before"]) == ("2026-11-20T23:59:59", "2026-11-22T00:00:00")
    assert (asked["orderby"], asked["dates_are_gmt"]) == ("date", "true")
    assert set(asked["_fields"].split(",")) == set(row)
    assert query(mock.calls[1])["status"] == "trash"


@pytest.mark.parametrize("total", [None, "", "abc", "NaN", [], True, "1e5000000", "1_000", "\u0661", "1,5"])
def test_a_total_that_is_none_is_an_error_and_not_a_zero(mock, total):
    row = {"id": 1, "total": total, "date_created_gmt": "2026-11-21T23:01:56"}
    mock.get(f"{API}/orders", json=[row], headers={"X-WP-TotalPages": "1"})
    with pytest.raises(RecordRejected) as caught:
        list(connect().list_orders(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)))
    assert caught.value.field == "total"


# Settings


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/blog",
        "https://shop.example/blog/",
        "https://shop.example/blog//",
        "https://shop.example/blog/wp-json",
        "https://shop.example/blog/wp-json/wc/v3/",
    ],
)
def test_the_address_of_a_shop_in_a_subfolder_is_taken_as_people_paste_it(mock, url):
    mock.get("https://shop.example/blog/wp-json/wc/v3/orders/7", json={"id": 7})
    connect(url).fetch_orders(["7"])


def test_over_tls_the_key_goes_into_the_header(mock):
    mock.get(f"{API}/orders/7", json={"id": 7})
    connect().fetch_orders(["7"])
    assert mock.calls[0].request.headers["Authorization"] == "Basic Y2tfMTpjc18x"


def test_over_plain_http_requests_are_signed_and_the_secret_stays_here(mock):
    mock.get("http://shop.example/wp-json/wc/v3/orders/7", json={"id": 7})
    connect("http://shop.example").fetch_orders(["7"])
    asked = query(mock.calls[0])
    assert asked["oauth_signature_method"] == "HMAC-SHA256"
    assert set(asked) == {
        "_nocache", "oauth_consumer_key", "oauth_nonce", "oauth_timestamp", "oauth_signature_method", "oauth_signature"
    }  # fmt: skip
    assert "cs_1" not in mock.calls[0].request.url


def test_every_attempt_is_signed_anew(mock):
    mock.get("http://shop.example/wp-json/wc/v3/orders/7", status=502)
    mock.get("http://shop.example/wp-json/wc/v3/orders/7", json={"id": 7})
    connect("http://shop.example").fetch_orders(["7"])
    nonces = {query(call)["oauth_nonce"] for call in mock.calls}
    assert len(nonces) == 2


def test_keys_go_into_the_query_on_request(mock):
    mock.get(f"{API}/orders/7", json={"id": 7})
    with capture() as exchanges:
        connect(auth_method="query").fetch_orders(["7"])
    assert query(mock.calls[0])["consumer_secret"] == "cs_1"
    assert "cs_1" not in repr(exchanges)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"key": ""}, "key"),
        ({"secret": ""}, "secret"),
        ({"auth_method": "bearer"}, "bearer"),
        ({"url": "http://shop.example", "auth_method": "basic"}, "plain HTTP"),
        ({"url": "http://shop.example", "auth_method": "query"}, "plain HTTP"),
        ({"url": "shop.example"}, "https://"),
        ({"options": {"perpage": 10}}, "perpage"),
        ({"options": {"per_page": 101}}, "per_page"),
        ({"options": {"per_page": "ten"}}, "per_page"),
        ({"options": {"statuses": "any"}}, "statuses"),
        ({"options": {"statuses": []}}, "statuses"),
        ({"allow_hosts": ("http://x",)}, "allow_hosts"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(settings, named):
    with pytest.raises(ConnectionBroken, match=named):
        connect(**settings)


def test_the_settings_do_not_show_their_secrets():
    shown = repr(
        ConnectorSettings(name="s", url=URL, key="ck_x", secret="cs_x", password="pw", webhook_secrets=("wh",))
    )
    assert not [secret for secret in ("ck_x", "cs_x", "pw", "wh") if f"'{secret}'" in shown]


def test_a_dry_run_reads_and_creates_no_subscription(mock):
    mock.get(f"{API}/webhooks", json=[], headers={"X-WP-TotalPages": "1"})
    connector = WooCommerce(
        ConnectorSettings(name="s", url=URL, key="ck_1", secret="cs_1", webhook_secrets=("w",)), dry_run=True
    )
    with pytest.raises(DryRun):
        connector.ensure_subscriptions("https://crossdock.example/webhooks/s")
    assert [call.request.method for call in mock.calls] == ["GET"]
