"""A long past by a bulk operation: begun once, looked at by each pull, read in pieces, taken up where it was left."""

from __future__ import annotations

import datetime as dt

import pytest

from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import Transient
from connectors.kit.exchanges import capture
from connectors.sandbox.shopify import ShopSettings, serve_shop
from connectors.shopify import Shopify
from connectors.shopify.bulk import Mark, mark_of
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback
SINCE = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def served():
    with serve_shop(ShopSettings(bucket=1_000_000)) as (server, app):
        yield server, app


def connect(server, **options):
    secret = {"key": "shopify_app", "secret": "shpss_sandbox"}
    place = {"url": server.url, "allow_hosts": ("127.0.0.1",), "deadline_s": PATIENCE_S}
    return Shopify(ConnectorSettings(name="shop", overlap_s=0.0, **secret, **place, options=options))


def pulls(connector, checkpoint=None, *, times):
    """Pages of so many pulls, one after the other."""
    pages = []
    for _ in range(times):
        pages += connector.pull_orders(checkpoint, since=SINCE)
        checkpoint = pages[-1].checkpoint
    return pages


def orders(pages):
    return {each.external_id: each.payload for page in pages for each in page.envelopes}


def test_a_file_says_what_pages_say(served, monkeypatch):
    monkeypatch.setattr("connectors.shopify.bulk._PIECE", 5000)
    server, app = served
    ids = [app.shop.sell()["id"].rpartition("/")[2] for _ in range(7)]
    app.shop.refund(int(ids[2]), {f"{ids[2]}0": 1})
    connector = connect(server, bulk_orders=5)
    connector.update_order(ids[4], {"metafields": [{"key": "erp_numbers", "value": ["SO1"]}]})
    pages = pulls(connector, times=3)
    assert [len(page.envelopes) for page in pages] == [0, 0, 7, 0]
    assert orders(pages) == orders(connect(server, bulk_orders=0).pull_orders(None, since=SINCE))
    # While it runs, a checkpoint says from where it reads; then, until when everything is there.
    assert [connector.checkpoint_moment(page.checkpoint) for page in pages[:3]] == [SINCE] * 3
    assert connector.checkpoint_moment(pages[-1].checkpoint) > SINCE


def test_few_orders_and_the_near_past_are_read_page_by_page(served):
    server, app = served
    for _ in range(6):
        app.shop.sell()
    for connector, since in (
        (connect(server), SINCE),
        (connect(server, bulk_orders=5), dt.datetime.now(dt.UTC) - dt.timedelta(days=1)),
    ):
        with capture() as exchanges:
            [page] = connector.pull_orders(None, since=since)
        assert len(page.envelopes) == 6
        assert not any("bulkOperation" in each.request_body for each in exchanges)


def test_a_pull_goes_on_in_the_file_where_another_one_was_stopped(served, monkeypatch):
    monkeypatch.setattr("connectors.shopify.orders._OF_FILE", 2)
    server, app = served
    ids = {app.shop.sell()["id"].rpartition("/")[2] for _ in range(7)}
    connector = connect(server, bulk_orders=5)
    pages = pulls(connector, times=2)
    stopped = connector.pull_orders(pages[-1].checkpoint)
    first = [next(stopped), next(stopped)]
    rest = list(connect(server, bulk_orders=5).pull_orders(first[-1].checkpoint))
    assert orders(first).keys().isdisjoint(orders(rest))
    assert orders([*first, *rest]).keys() == ids


def test_what_came_in_part_is_taken_and_the_rest_read_page_by_page(served):
    server, app = served
    app.bulk.ends = "FAILED"
    ids = {app.shop.sell()["id"].rpartition("/")[2] for _ in range(8)}
    pages = pulls(connect(server, bulk_orders=5), times=3)
    assert orders(pages).keys() == ids
    assert mark_of(pages[-1].checkpoint) is None


def test_an_operation_that_is_gone_is_read_page_by_page(served):
    server, app = served
    ids = {app.shop.sell()["id"].rpartition("/")[2] for _ in range(8)}
    pages = list(connect(server, bulk_orders=5).pull_orders(str(Mark("2026-01-01T00:00:00", "4711"))))
    assert orders(pages).keys() == ids


def test_where_five_are_running_pages_are_read(served):
    server, app = served
    ids = {app.shop.sell()["id"].rpartition("/")[2] for _ in range(6)}
    for _ in range(5):
        assert not orders(connect(server, bulk_orders=5).pull_orders(None, since=SINCE))
    assert orders(connect(server, bulk_orders=5).pull_orders(None, since=SINCE)).keys() == ids


def test_a_file_that_cannot_be_had_is_tried_again_and_its_address_is_no_secret_that_shows(served, monkeypatch):
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda _: None)
    server, app = served
    for _ in range(6):
        app.shop.sell()
    connector = connect(server, bulk_orders=5)
    pages = pulls(connector, times=2)
    server.plan.add(kind="status", status=403, path="/bulk/*", count=None)
    with capture() as exchanges, pytest.raises(Transient, match="cannot be read"):
        list(connector.pull_orders(pages[-1].checkpoint))
    [file] = {each.url for each in exchanges if "/bulk/" in each.url}
    assert "shpbulk" not in file
    server.plan.remove()
    assert len(orders(connector.pull_orders(pages[-1].checkpoint))) == 6
