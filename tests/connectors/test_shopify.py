"""Shopify: cost and throttling, the wall of 60 days, long orders, webhooks of both header families, versions."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json
from decimal import Decimal

import pytest

from connectors.kit.base import ConnectorSettings, SignatureInvalid
from connectors.kit.errors import ConnectionBroken, RateLimited, RecordRejected
from connectors.kit.exchanges import capture
from connectors.kit.findings import Circumstances, Level
from connectors.sandbox.shopify import ShopSettings, serve_shop
from connectors.shopify import Shopify
from connectors.shopify.checkup import _version
from mappings.base import SourceOptions
from mappings.registry import SOURCES
from tests.shared import PATIENCE_S

SECRET = "shpss_sandbox"
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


class Pauses:
    """A throttle that writes down what it is told."""

    def __init__(self):
        self.told = []

    def wait(self, deadline_s):
        pass

    def slow_down(self, seconds):
        self.told.append(seconds)


def connect(url="https://teeladen.myshopify.com", throttle=None, **changes):
    values = {"name": "shop", "url": url, "key": "shopify_app", "secret": SECRET, "allow_hosts": ("127.0.0.1",)}
    values |= {"deadline_s": PATIENCE_S, "overlap_s": 0.0}
    return Shopify(ConnectorSettings(**(values | changes)), throttle=throttle)


def served(**settings):
    return serve_shop(ShopSettings(**settings))


# Cost


@pytest.mark.loopback
def test_a_bucket_that_runs_dry_stops_the_connection_until_it_is_filled_again():
    with served(bucket=200, restore_rate=50) as (server, app):
        pauses = Pauses()
        shop = connect(server.url, throttle=pauses)
        app.shop.sell()
        list(shop.pull_orders(None))
        assert pauses.told
        assert 1 <= pauses.told[-1] <= 5


@pytest.mark.loopback
def test_a_throttled_query_is_made_again_when_the_bucket_is_full(monkeypatch):
    slept = []
    with served(bucket=200, restore_rate=100) as (server, app):
        monkeypatch.setattr(
            "connectors.kit.http.time.sleep", lambda seconds: slept.append(seconds) or app.shop.take(-200)
        )
        app.shop.sell()
        app.shop.drain()
        [page] = connect(server.url).pull_orders(None)
        assert len(page.envelopes) == 1
        assert slept


@pytest.mark.loopback
def test_a_long_wait_is_handed_on():
    with served(bucket=100, restore_rate=1) as (server, app):
        app.shop.drain()
        with pytest.raises(RateLimited) as caught:
            list(connect(server.url).pull_orders(None))
        assert 20 < caught.value.retry_after_s <= 200


# The wall


@pytest.mark.loopback
def test_behind_the_wall_nothing_is_left_out_without_a_word():
    with served(scopes=("read_orders",)) as (server, app):
        shop, order = connect(server.url), app.shop.sell()
        number = order["id"].rpartition("/")[2]
        for ask in (
            lambda: next(shop.pull_orders(None, since=LONG_AGO)),
            lambda: list(shop.list_orders(LONG_AGO, LONG_AGO + dt.timedelta(days=1))),
        ):
            with pytest.raises(ConnectionBroken, match="read_all_orders"):
                ask()
        assert [page.envelopes[0].external_id for page in shop.pull_orders(None)] == [number]
        with pytest.raises(RecordRejected, match="nobody can tell"):
            shop.fetch_orders(["4711"])
        levels = {finding.check: finding.level for finding in shop.diagnose(Circumstances())}
        assert levels["shopify.history"] is Level.WARN


@pytest.mark.loopback
def test_with_the_scope_what_is_not_there_was_deleted():
    with served() as (server, _app):
        assert connect(server.url).fetch_orders(["4711"])[0].deleted


# Orders


@pytest.mark.loopback
def test_an_order_of_many_lines_is_read_whole_and_maps():
    with served() as (server, app):
        order = app.shop.sell([("SIEB-ST", 1)])
        shop = connect(server.url)
        first = order["lineItems"][0]
        order["lineItems"] += [first | {"id": f"gid://shopify/LineItem/{9000 + place}"} for place in range(120)]
        for name in ("totalPriceSet", "currentTotalPriceSet", "totalTaxSet"):
            per_line = first["taxLines"][0]["priceSet"] if name == "totalTaxSet" else first["originalUnitPriceSet"]
            for money in ("shopMoney", "presentmentMoney"):
                amount = plus(order[name][money]["amount"], per_line[money]["amount"], 120)
                order[name] = order[name] | {money: order[name][money] | {"amount": amount}}
        [envelope] = shop.fetch_orders([order["id"].rpartition("/")[2]])
    read = SOURCES["shopify"].order(envelope.payload, SourceOptions())
    assert len(read.lines) == 121
    assert not read.totals.rounding


def plus(amount, more, times):
    return str(Decimal(amount) + Decimal(more) * times)


@pytest.mark.loopback
def test_more_orders_in_one_second_than_fit_on_a_page_are_all_read():
    with served() as (server, app):
        app.shop.clock_offset_s = 3600 - dt.datetime.now(dt.UTC).microsecond / 1e6
        wanted = {app.shop.sell()["id"].rpartition("/")[2] for _ in range(9)}
        for order in app.shop.orders.values():
            order["updatedAt"] = "2026-11-22T10:00:00Z"
        pages = list(connect(server.url, options={"per_page": 2}).pull_orders(None))
        assert {each.external_id for page in pages for each in page.envelopes} == wanted


@pytest.mark.loopback
def test_every_order_of_the_stand_in_maps_and_ties():
    with served() as (server, app):
        ids = [app.shop.sell()["id"].rpartition("/")[2] for _ in range(25)]
        orders = [
            SOURCES["shopify"].order(each.payload, SourceOptions()) for each in connect(server.url).fetch_orders(ids)
        ]
    assert all(not order.totals.rounding for order in orders)
    assert {order.payments[0].amount for order in orders} == {order.totals.grand for order in orders}


# Logging in


@pytest.mark.loopback
def test_one_token_serves_all_calls_and_a_token_of_a_custom_app_needs_no_login():
    with served() as (server, app):
        app.shop.sell()
        shop = connect(server.url)
        with capture() as exchanges:
            list(shop.pull_orders(None))
            list(shop.pull_orders(None))
        assert sum("access_token" in each.url for each in exchanges) == 1
        app._tokens.add("shpat_custom")
        with capture() as exchanges:
            list(connect(server.url, key="", secret="shpat_custom").pull_orders(None))
        assert [each for each in exchanges if "access_token" in each.url] == []


def test_without_a_secret_the_connection_says_what_it_needs():
    with pytest.raises(ConnectionBroken, match="access token"):
        connect(key="", secret="")


# Webhooks


def delivery(topic, body, prefix="X-Shopify-", secret=SECRET):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    digest = base64.b64encode(hmac.digest(secret.encode(), raw, "sha256")).decode()
    return raw, {f"{prefix}Topic": topic, f"{prefix}Hmac-SHA256": digest, f"{prefix}API-Version": "2026-07"}


@pytest.mark.parametrize("prefix", ["X-Shopify-", "Shopify-", "x-shopify-"])
def test_both_families_of_headers_are_taken(prefix):
    told = connect().verify_webhook(*delivery("orders/updated", {"id": 5001}, prefix))
    assert (told.external_id, told.envelope, told.topic) == ("5001", None, "orders/updated")


@pytest.mark.parametrize(
    ("topic", "body", "external_id"),
    [
        (
            "orders/create",
            {"id": 820982911946154500, "admin_graphql_api_id": "gid://shopify/Order/820982911946154508"},
            "820982911946154508",
        ),
        ("orders/delete", {"id": 5001}, "5001"),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 5001}}, "5001"),
        ("refunds/create", {"id": 9, "order_id": 5001}, "5001"),
    ],
)
def test_a_delivery_says_which_order_to_look_at(topic, body, external_id):
    assert connect().verify_webhook(*delivery(topic, body)).external_id == external_id


def test_a_topic_of_no_order_is_ignored_and_a_body_without_one_is_a_problem():
    assert connect().verify_webhook(*delivery("products/update", {"id": 1})).ignored
    assert "no order" in connect().verify_webhook(*delivery("orders/create", {"x": 1})).problem
    assert connect().verify_webhook(*delivery("orders/create", b"{")).problem


def test_the_client_secret_verifies_unless_others_are_given():
    body, headers = delivery("orders/updated", {"id": 1})
    with pytest.raises(SignatureInvalid):
        connect(webhook_secrets=("another",)).verify_webhook(body, headers)
    with pytest.raises(SignatureInvalid):
        connect(key="", secret=SECRET).verify_webhook(body, headers)


# The version


@pytest.mark.parametrize(
    ("answered_by", "today", "level"),
    [
        ("2026-07", dt.date(2026, 11, 23), Level.OK),
        ("2026-07", dt.date(2027, 5, 10), Level.WARN),
        ("2026-10", dt.date(2027, 7, 10), Level.FAIL),
    ],
)
def test_the_end_of_the_version_is_told_before_it_comes(answered_by, today, level):
    assert _version(answered_by, today).level is level


def test_an_order_has_its_page_in_the_administration():
    assert connect().link("order", "5001") == "https://admin.shopify.com/store/teeladen/orders/5001"
    assert connect().link("order", "5001/..") == ""
