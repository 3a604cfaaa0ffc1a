"""What comes back to a WooCommerce shop: mapping and connector together against the sandbox shop, over sockets.

Every request is held against the description that the recorded shop gives of its own routes; everything is done twice
and stands once; and what is written while the reply gets lost is found again by our key.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest
import requests

from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectorError, OutcomeUnknown
from connectors.kit.exchanges import capture
from connectors.kit.stock import StockWrite
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.deliveries import Behaviour
from connectors.sandbox.woocommerce.settings import ApiKey, ShopSettings
from connectors.woocommerce import WooCommerce
from mappings.base import SourceOptions
from mappings.canonical.facets import Invoice, InvoiceState, Parcel, Shipment, ShipmentState
from mappings.canonical.money import Money, money_sum
from mappings.facets import Billed, Sent
from mappings.registry import SHOP_FACETS, SOURCES
from tests.contract.shop_routes import arguments, complaints
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

FACETS = SHOP_FACETS["woocommerce"]
KEY = ApiKey("ck_full", "cs_full")


@pytest.fixture(scope="module")
def served():
    with serve_shop(ShopSettings(keys=(KEY,)), behaviour=Behaviour(delay_s=3600)) as pair:
        yield pair


@pytest.fixture
def shop(served):
    return World(*served)


class World:
    """A shop, our connector to it, and what a customer bought there."""

    def __init__(self, server, app):
        self.server, self.app = server, app
        server.plan.remove()
        app.shop.settings = dataclasses.replace(app.shop.settings, fulfillments=True)
        settings = ConnectorSettings(
            name="shop",
            url=server.url,
            key=KEY.key,
            secret=KEY.secret,
            allow_hosts=("127.0.0.1",),
            deadline_s=PATIENCE_S,
        )
        self.connector = WooCommerce(settings)
        lines = [{"sku": "SIEB-ST", "quantity": 3}, {"sku": "KANNE-GLAS", "quantity": 1}]
        self.id = str(self.do("sell", lines=lines)["id"])

    def do(self, path, **body):
        reply = requests.post(f"{self.server.url}/_sandbox/{path}", json=body, timeout=PATIENCE_S)
        assert reply.ok, reply.text
        return reply.json()

    def payload(self):
        return self.connector.fetch_orders([self.id])[0].payload

    def order(self):
        return SOURCES["woocommerce"].order(self.payload(), SourceOptions())

    def sent(self, *pieces, key="K-1", number="00340434161094015902", notify=True):
        """So many pieces of the order's lines in one parcel."""
        order = self.order()
        shipment = Shipment(
            external_id=key, number=f"OUT/{key}", state=ShipmentState.SENT, lines=(),
            parcels=(Parcel(tracking_number=number),), carrier="DHL", sent_on=dt.date(2026, 11, 22),
        )  # fmt: skip
        allotted = {line.external_id: Decimal(count) for line, count in zip(order.lines, pieces, strict=False)}
        return Sent(
            order=order, shipment=shipment, pieces=allotted, carrier="dhl",
            tracking_url=f"https://dhl.example/?no={number}", notify=notify, key=key,
        )  # fmt: skip

    def billed(self, number="RE-1"):
        total = self.order().totals.grand
        invoice = Invoice(
            external_id=number, number=number, state=InvoiceState.POSTED, dated_on=dt.date(2026, 11, 22), due_on=None,
            net=total, tax=Money(Decimal(0), "EUR"), total=total, open=total,
        )  # fmt: skip
        return Billed(order=self.order(), invoice=invoice, link="https://crossdock.example/f/1?sig=x")

    def refunds(self):
        order = self.order()
        return [FACETS.refund(refund, order, SourceOptions()) for refund in self.connector.fetch_refunds(self.id)]

    def stock(self, sku):
        [article] = self.connector.find_stock([sku])[sku]
        return article

    def mails(self):
        return [mail["kind"] for mail in self.app.shop.mails if str(mail["order_id"]) == self.id]


def writes(exchanges):
    return [exchange for exchange in exchanges if exchange.method != "GET"]


def parcels(shop):
    return {FACETS.fulfilment_key(row): row for row in shop.connector.list_fulfilments(shop.id)}


def meta(payload, key):
    return [entry["value"] for entry in payload["meta_data"] if entry["key"] == key]


def live(shop):
    """Everything that an order lives through, as the flows have it."""
    connector, order_id = shop.connector, shop.id
    first = connector.create_fulfilment(order_id, FACETS.fulfilment(shop.sent(2, 0)))
    connector.create_fulfilment(order_id, FACETS.fulfilment(shop.sent(1, 1, key="K-2", notify=False)))
    connector.update_fulfilment(order_id, str(first["id"]), FACETS.fulfilment(shop.sent(2, 0, number="NEW")))
    marks = [shop.sent(2, 0, number="NEW"), shop.sent(1, 1, key="K-2")]
    connector.update_order(order_id, FACETS.shipment_marks(marks, shop.payload()))
    connector.update_order(order_id, FACETS.invoice_marks([shop.billed()], shop.payload()))
    connector.update_order(order_id, FACETS.state("completed"))
    connector.add_note(order_id, FACETS.shipment_note(shop.sent(2, 0)))
    articles = [shop.stock(sku) for sku in ("SIEB-ST", "TASSE-ROT")]
    results = connector.write_stock(
        [StockWrite(article=each, quantity=Decimal(50), backorders=True) for each in articles]
    )
    assert [result.quantity for result in results] == [50, 50]


def test_the_shop_ends_in_the_state_that_each_step_demands(shop):
    assert shop.connector.takes_fulfilments()
    shop.connector.create_fulfilment(shop.id, FACETS.fulfilment(shop.sent(2, 0)))
    assert shop.order().fulfilment_state == "partial"
    shop.connector.create_fulfilment(shop.id, FACETS.fulfilment(shop.sent(1, 1, key="K-2")))
    assert shop.order().fulfilment_state == "fulfilled"
    shop.connector.update_order(shop.id, FACETS.shipment_marks([shop.sent(2, 0)], shop.payload()))
    shop.connector.update_order(shop.id, FACETS.invoice_marks([shop.billed()], shop.payload()))
    envelope = shop.connector.update_order(shop.id, FACETS.state("completed"))
    assert (envelope.payload["status"], envelope.payload["date_completed_gmt"] is not None) == ("completed", True)
    [marks], [bills] = (meta(envelope.payload, key) for key in ("_crossdock_parcels", "_crossdock_invoices"))
    assert [mark["key"] for mark in marks] == ["K-1"]
    assert [(bill["number"], bill["total"]) for bill in bills] == [("RE-1", envelope.payload["total"])]
    assert shop.mails() == ["fulfillment_created", "fulfillment_created"]
    assert envelope == shop.connector.fetch_orders([shop.id])[0]


def test_every_request_is_as_the_shop_describes_its_routes(shop):
    with capture() as exchanges:
        assert shop.connector.takes_fulfilments()
        live(shop)
        shop.refunds()
        shop.connector.list_notes(shop.id)
        list(shop.connector.list_orders(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)))
        next(shop.connector.pull_orders(None))
    assert len({exchange.method for exchange in exchanges}) == 3
    assert [complaint for exchange in exchanges for complaint in complaints(exchange)] == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"request_body": '{"status": "versendet"}'}, "none of"),
        ({"request_body": '{"state": "completed"}'}, "unknown field state"),
        ({"request_body": '{"status": 7}'}, "not string"),
        ({"request_body": '{"meta_data": [{"key": 1}]}'}, "not string"),
        ({"url": "https://s.example/wp-json/wc/v3/orders/19?moved=1"}, "unknown parameter moved"),
    ],
)
def test_the_description_finds_what_is_wrong(shop, change, complaint):
    with capture() as exchanges:
        shop.connector.update_order(shop.id, FACETS.state("completed"))
    [write] = writes(exchanges)
    assert list(complaints(write)) == []
    assert any(complaint in found for found in complaints(dataclasses.replace(write, **change)))
    with pytest.raises(LookupError):
        arguments("PUT", "/wp-json/wc/v3/orders/19/shipments")


def test_what_is_done_twice_stands_once_and_the_second_time_nothing_is_sent(shop):
    def steps():
        payload = FACETS.fulfilment(shop.sent(2, 1))
        there = parcels(shop).get("K-1")
        if there is None:
            shop.connector.create_fulfilment(shop.id, payload)
        else:
            shop.connector.update_fulfilment(shop.id, str(there["id"]), payload)
        shop.connector.update_order(shop.id, FACETS.shipment_marks([shop.sent(2, 1)], shop.payload()))
        shop.connector.update_order(shop.id, FACETS.invoice_marks([shop.billed()], shop.payload()))
        shop.connector.update_order(shop.id, FACETS.state("completed"))

    steps()
    before = shop.payload()
    with capture() as exchanges:
        steps()
    assert writes(exchanges) == []
    assert shop.payload() == before
    assert len(meta(before, "_crossdock_parcels")) == 1
    assert shop.mails() == ["fulfillment_created"]


def test_marks_of_others_stay_as_they_are(shop):
    foreign = [{"key": "_bexio_order_id", "value": "4711"}, {"key": "_crossdock", "value": {"a": [1, None, True]}}]
    shop.do(f"orders/{shop.id}/edit", meta_data=foreign)
    before = {entry["id"]: entry for entry in shop.payload()["meta_data"]}
    shop.connector.update_order(shop.id, FACETS.invoice_marks([shop.billed()], shop.payload()))
    after = {entry["id"]: entry for entry in shop.payload()["meta_data"]}
    assert {number: after[number] for number in before} == before
    assert [entry["key"] for number, entry in after.items() if number not in before] == ["_crossdock_invoices"]


LOST = {
    "fulfilment": (
        lambda shop: shop.connector.create_fulfilment(shop.id, FACETS.fulfilment(shop.sent(2, 1))),
        lambda shop: [key for key in parcels(shop) if key == "K-1"],
    ),
    "note": (
        lambda shop: shop.connector.add_note(shop.id, FACETS.shipment_note(shop.sent(2, 1))),
        lambda shop: [key for note in shop.connector.list_notes(shop.id) if (key := FACETS.note_key(note)) == "K-1"],
    ),
    "mark": (
        lambda shop: shop.connector.update_order(shop.id, FACETS.shipment_marks([shop.sent(2, 1)], shop.payload())),
        lambda shop: [mark["key"] for marks in meta(shop.payload(), "_crossdock_parcels") for mark in marks],
    ),
}


@pytest.mark.parametrize("fault", ["commit_then_drop", "reset"])
@pytest.mark.parametrize("kind", LOST)
def test_a_write_whose_reply_is_lost_is_found_by_our_key_where_it_landed(shop, kind, fault):
    write, find = LOST[kind]
    method = "PUT" if kind == "mark" else "POST"
    shop.server.plan.add(kind=fault, method=method, path="*/orders/*", count=1)
    with pytest.raises(OutcomeUnknown):
        write(shop)
    assert find(shop) == (["K-1"] if fault == "commit_then_drop" else [])
    assert shop.connector.order_keys[kind].same_call


def test_stock_whose_reply_is_lost_is_unknown_and_shows_what_came_of_it(shop):
    shop.server.plan.add(kind="commit_then_drop", method="POST", path="*/products/batch", count=1)
    [result] = shop.connector.write_stock([StockWrite(article=shop.stock("SIEB-ST"), quantity=Decimal(77))])
    assert isinstance(result.error, OutcomeUnknown)
    assert shop.stock("SIEB-ST").quantity == 77


def test_one_article_that_is_gone_fails_no_other(shop):
    sieve, jug = shop.stock("SIEB-ST"), shop.stock("KANNE-GLAS")
    articles = [sieve, dataclasses.replace(sieve, external_id="999999"), jug]
    results = shop.connector.write_stock([StockWrite(article=each, quantity=Decimal(8)) for each in articles])
    assert [result.quantity for result in results] == [8, None, 8]
    assert [isinstance(result.error, ConnectorError) for result in results] == [False, True, False]


def test_without_the_feature_a_note_tells_the_customer_once(shop):
    shop.do("settings", fulfillments=False)
    assert not shop.connector.takes_fulfilments()
    shop.connector.add_note(shop.id, FACETS.shipment_note(shop.sent(3, 1)))
    notes = shop.connector.list_notes(shop.id)
    assert [FACETS.note_key(note) for note in notes if note["customer_note"]] == ["K-1"]
    assert shop.mails() == ["customer_note"]


def test_refunds_of_every_kind_tie_and_say_whether_goods_come_back(shop):
    first, second = (line.external_id for line in shop.order().lines)
    path = f"orders/{shop.id}/refund"
    shop.do(path, lines={first: 1}, reason="Bruch", restock=False)
    assert [refund.restock for refund in shop.refunds()] == [False]
    shop.do(path, lines={second: 1})
    shop.do(path, shipping=True)
    shop.do(path, amount="0.70", reason="Kulanz")
    broken, returned, shipping, goodwill = shop.refunds()
    for refund in (broken, returned, shipping, goodwill):
        parts = money_sum((line.total + line.tax for line in refund.lines), "EUR")
        assert refund.amount == parts + refund.goodwill
    assert [(line.kind, line.quantity) for line in (*broken.lines, *returned.lines)] == [("line", 1), ("line", 1)]
    assert (broken.restock, returned.restock) == (False, True)
    assert ([line.kind for line in shipping.lines], shipping.restock) == (["shipping"], False)
    assert (goodwill.lines, str(goodwill.goodwill)) == ((), "0.70 EUR")
    assert {refund.external_id for refund in shop.order().refunds} == {each.external_id for each in shop.refunds()}


def test_an_edit_and_a_cancellation_are_read_as_they_are(shop):
    before = shop.order()
    shop.do(
        f"orders/{shop.id}/edit", lines=[{"id": int(before.lines[0].external_id), "quantity": 1}], customer_note="x"
    )
    edited = shop.order()
    assert ([line.quantity for line in edited.lines], edited.note) == ([1, 1], "x")
    assert edited.version >= before.version
    assert edited.totals.grand.amount < before.totals.grand.amount
    shop.do(f"orders/{shop.id}/cancel")
    assert shop.order().state == "cancelled"


def test_stock_follows_a_sale_in_the_shop_and_is_overwritten_by_the_next_write(shop):
    before = shop.stock("SIEB-ST")
    shop.do("sell", sku="SIEB-ST", quantity=2)
    assert shop.stock("SIEB-ST").quantity == before.quantity - 2
    [result] = shop.connector.write_stock([StockWrite(article=before, quantity=Decimal(40))])
    assert (result.quantity, shop.stock("SIEB-ST").quantity) == (40, 40)
