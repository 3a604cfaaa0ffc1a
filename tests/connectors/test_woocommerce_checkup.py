"""Each check of a WooCommerce shop can fail: one thing spoilt each."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json

import pytest

from connectors.kit.base import ConnectorSettings
from connectors.kit.findings import Circumstances, Level
from connectors.sandbox.exchange import Response
from connectors.sandbox.server import serve
from connectors.sandbox.woocommerce.api_webhooks import keep_webhook, make_webhook
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.generator import Generator
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.woocommerce import WooCommerce
from connectors.woocommerce.webhooks import TOPICS
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

KEY = ApiKey("ck_1", "cs_1")
URL = "http://127.0.0.1:9/webhooks/shop"
HTML = (("Content-Type", "text/html"),)
JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def shop():
    """Makes shops: `shop(settings...)` answers (server, app)."""
    with contextlib.ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serve_shop(ShopSettings(**{"keys": (KEY,), **settings})))


def connect(server, **settings):
    values = {"name": "shop", "key": "ck_1", "secret": "cs_1", "webhook_secrets": ("s",), "deadline_s": PATIENCE_S}
    return WooCommerce(ConnectorSettings(url=server.url, allow_hosts=("127.0.0.1",), **{**values, **settings}))


def found(connector, **circumstances):
    """Check -> its finding."""
    whole = Circumstances(**{"delivery_url": URL, "zones": {"web": "Europe/Berlin"}, **circumstances})
    return {finding.check: finding for finding in connector.diagnose(whole)}


def level(findings, check):
    return findings[f"woocommerce.{check}"].level


@contextlib.contextmanager
def answering(pages):
    """A server with these answers by the beginning of the target; 404 with a page for people else."""

    def answer(request):
        for beginning, response in pages.items():
            if request.target.startswith(beginning):
                return response
        return Response(404, b"<html><title>Nothing here</title></html>", HTML)

    with serve(answer) as server:
        yield server


def test_nothing_of_wordpress_there():
    with answering({}) as server:
        [only] = found(connect(server)).values()
    assert (only.check, only.level) == ("woocommerce.address", Level.FAIL)
    assert "front page" in only.next_step


def test_plain_permalinks():
    with answering({"/?rest_route=/": Response(200, b'{"name": "Shop"}', JSON)}) as server:
        [only] = found(connect(server)).values()
    assert "Plain" in only.found
    assert "Permalinks" in only.next_step


def test_woocommerce_not_active():
    body = json.dumps({"name": "Blog", "namespaces": ["wp/v2"]}).encode()
    with answering({"/wp-json/?": Response(200, body, JSON)}) as server:
        assert level(found(connect(server)), "address") is Level.FAIL


@pytest.mark.fault("B21")
@pytest.mark.parametrize(
    ("ahead", "expected"), [(5, Level.OK), (-45, Level.WARN), (400, Level.FAIL), (-3600, Level.FAIL)]
)
def test_a_clock_that_is_wrong(shop, ahead, expected):
    server, app = shop()
    app.shop.clock_offset_s = ahead
    finding = found(connect(server))["woocommerce.clock"]
    assert finding.level is expected
    assert expected is Level.OK or ("ahead of" if ahead > 0 else "behind") in finding.found


def test_a_wrong_secret(shop):
    server, _ = shop()
    findings = found(connect(server, secret="cs_2"))
    assert level(findings, "key.read") is Level.FAIL
    assert level(findings, "key.write") is Level.FAIL
    assert "consumer key" in findings["woocommerce.key.read"].next_step
    assert level(findings, "address") is Level.OK


def test_a_key_that_may_only_read_is_told_apart_without_writing(shop):
    server, app = shop(keys=(dataclasses.replace(KEY, permissions="read"),))
    before = app.shop.ledger.count
    findings = found(connect(server))
    assert level(findings, "key.read") is Level.OK
    assert level(findings, "key.write") is Level.WARN
    assert "Read/Write" in findings["woocommerce.key.write"].next_step
    assert app.shop.ledger.count == before


def test_a_key_that_may_only_write(shop):
    server, _ = shop(keys=(dataclasses.replace(KEY, permissions="write"),))
    findings = found(connect(server))
    assert level(findings, "key.read") is Level.FAIL
    assert level(findings, "version") is Level.UNKNOWN


def test_an_old_version(shop):
    server, _ = shop(version="6.9.4")
    assert level(found(connect(server)), "version") is Level.WARN


def test_a_proxy_that_drops_the_headers_of_paging(shop):
    server, _ = shop()
    inner = server._app

    def without(request):
        answer = inner(request)
        kept = tuple((name, value) for name, value in answer.headers if not name.startswith("X-WP-"))
        return dataclasses.replace(answer, headers=kept)

    server._app = without
    assert level(found(connect(server)), "key.read") is Level.FAIL


@pytest.mark.parametrize(
    ("zone", "expected"), [("Europe/Berlin", Level.OK), ("Europe/Paris", Level.OK), ("Asia/Tokyo", Level.WARN)]
)
def test_days_that_begin_at_another_hour(shop, zone, expected):
    server, _ = shop()
    assert level(found(connect(server), zones={"web": zone}), "timezone") is expected


def test_no_webhook_secret(shop):
    server, _ = shop()
    assert level(found(connect(server, webhook_secrets=())), "webhooks.secret") is Level.WARN


def test_no_public_address(shop):
    server, _ = shop()
    finding = found(connect(server), delivery_url="")["woocommerce.webhooks"]
    assert finding.level is Level.WARN
    assert "CROSSDOCK_PUBLIC_URL" in finding.next_step


def subscribe(app, *, leave_out=(), status="active", url=URL):
    for topic in TOPICS:
        if topic not in leave_out:
            keep_webhook(app.shop, make_webhook(app.shop, topic=topic, delivery_url=url, secret="s", status=status))


def test_webhooks_in_order(shop):
    server, app = shop()
    subscribe(app)
    assert level(found(connect(server)), "webhooks") is Level.OK


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ({"leave_out": ("order.deleted",)}, "order.deleted missing"),
        ({"status": "disabled"}, "switched off"),
        ({"url": "https://elsewhere.example/webhooks/shop"}, "missing"),
    ],
    ids=str,
)
def test_webhooks_that_do_not_come_to_us(shop, spoil, told):
    server, app = shop()
    subscribe(app, **spoil)
    finding = found(connect(server))["woocommerce.webhooks"]
    assert finding.level is Level.WARN
    assert told in finding.found


def test_a_doubled_subscription_counts_by_the_one_that_works(shop):
    server, app = shop()
    subscribe(app, status="disabled")
    subscribe(app)
    assert level(found(connect(server)), "webhooks") is Level.OK


# Checkpoints


def test_a_checkpoint_says_its_moment_and_a_pull_from_it_reads_what_changed_since(shop):
    server, app = shop()
    Generator(app.shop, seed=1).backlog(12, days=6)
    moment = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=3)
    connector = connect(server, overlap_s=0.0)
    checkpoint = connector.checkpoint_at(moment)
    assert connector.checkpoint_moment(checkpoint) == moment
    read = {envelope.external_id for page in connector.pull_orders(checkpoint) for envelope in page.envelopes}
    every = {e.external_id: e.version for page in connector.pull_orders(None) for e in page.envelopes}
    assert read == {external_id for external_id, version in every.items() if version >= f"{moment:%Y-%m-%dT%H:%M:%S}"}
    assert read
    assert read != set(every)
