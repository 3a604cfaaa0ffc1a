"""A real Vendure shop from npm, and a real Tryton: orders go over, and parcels, stock and refunds come back.

People act in the shop and in the ERP, Crossdock looks, and after each step both sides are in the state that the step
demands. One shop, one ERP; the proof at the end is drawn from fresh lists of both.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import time
from decimal import Decimal
from types import SimpleNamespace

import pytest

from config.model import Auth, Depth, DocumentState, InvoiceNews, Secret, StockPolicy
from config.model import Connection as Account
from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import RecordRejected
from connectors.kit.findings import Circumstances, Level
from connectors.sandbox.catalogue import catalogue
from connectors.sandbox.tryton.people import Person
from connectors.sandbox.vendure import ShopSettings, serve_shop
from connectors.vendure import Vendure, queries
from mappings.canonical.facets import InvoiceState, SaleState
from sync.desk.proof import prove_channel
from sync.rules.comparison import Sum
from tests.real.tryton_world import new_web_shop
from tests.real.vendure_shop import LOGIN, PASSWORD, running_vendure
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import CHANNEL, CUP, LOCAL, POT, TEA, Hub

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]

EVERYTHING = {
    "refunds": Depth.POSTED,
    "payments": Depth.POSTED,
    "post_invoices": True,
    "invoices": InvoiceNews.LINK,
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with running_vendure(tmp_path_factory.mktemp("vendure")) as running:
        running.sells(*(product for product in catalogue() if product.sku in {TEA, POT, CUP}))
        yield running


class VendureTrade(Hub):
    """The real shop, and a web shop of its own in a Tryton that runs."""

    def __init__(self, store, shop, erp):
        account = Account(
            name="erp",
            system="tryton",
            url=erp.url,
            auth=Auth(key=Secret(erp.rest_key), login=erp.login, password=Secret(erp.password)),
            options={"database": erp.database, "web_shop": new_web_shop(erp)},
            **LOCAL | {"deadline_s": PATIENCE_S},
        )
        policies = {
            "document_state": DocumentState.CONFIRMED,
            "target": {"warehouse": "WH1", "payment_method": "Web payment"},
        }
        server = SimpleNamespace(plan=None, url=shop.url)
        stock = StockPolicy(push=True, warehouses=("WH1",))
        selling = Account(
            name="shop", system="vendure", url=shop.url, auth=Auth(login=LOGIN, password=Secret(PASSWORD)), **LOCAL
        )
        super().__init__(store, server, shop, account, selling=selling, policies=policies, stock=stock, **EVERYTHING)
        self.person = Person(erp)

    def standing(self, number):
        """How the order's sale stands in the ERP, asked anew."""
        systems, sale = self.systems.channel(CHANNEL), self.sale_id(number)
        return systems.erp_facets.standing(systems.target.survey_sales([sale])[sale], systems.target_options)

    def in_stock(self, sku):
        """The ERP's own figure."""
        [[reading]] = self.systems.connector("erp").read_stock(["WH1"], [sku])
        return reading.quantity


@pytest.fixture
def trade(shop, erp, sqlite_store):
    with contextlib.closing(VendureTrade(sqlite_store, shop, erp)) as trade:
        yield trade


def parcels(shop, number):
    """Tracking code -> pieces by SKU, of what has left."""
    order = shop.order(number)
    sku = {line["id"]: line["productVariant"]["sku"] for line in order["lines"]}
    return {
        row["trackingCode"]: {sku[each["orderLineId"]]: each["quantity"] for each in row["lines"]}
        for row in order["fulfillments"]
        if row["state"] == "Shipped"
    }


def notes(shop, number):
    return [row["data"]["note"] for row in shop.order(number)["history"]["items"] if row["type"] == "ORDER_NOTE"]


def test_orders_live_between_a_real_shop_and_a_real_erp(trade, shop, measured):
    began = time.perf_counter()
    trade.show_stock()
    number = is_bought(trade, shop)
    leaves_in_two_parcels(trade, shop, number)
    is_billed_and_paid(trade, shop, number)
    is_refunded(trade, shop, number)
    is_cancelled_in_part_and_given_back(trade, shop)
    shows_what_the_erp_has(trade, shop)
    proof = prove_channel(trade.store, trade.systems.channel(CHANNEL))
    assert proof.holds, proof.differences
    assert proof.differences == []
    [refunds] = proof.refunds
    assert refunds.shop == refunds.crossdock == refunds.erp == Sum(3, Decimal("39.20"))
    assert trade.open_intents() == []
    measured(f"the life of two orders between Vendure and Tryton: {time.perf_counter() - began:.1f} s")


def is_bought(trade, shop):
    number = shop.buy((TEA, 3), (POT, 1), coupon="SOMMER10")
    trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    standing = trade.standing(number)
    assert standing.state is SaleState.CONFIRMED
    assert standing.total.amount * 100 == shop.order(number)["totalWithTax"]
    return number


def leaves_in_two_parcels(trade, shop, number):
    before, sale = shop.order(number)["updatedAt"], trade.sale_id(number)
    trade.person.ship(sale, {TEA: 2}, tracking="V-1")
    trade.carry()
    assert parcels(shop, number) == {"V-1": {TEA: 2}}
    assert shop.order(number)["state"] == "PartiallyShipped"
    trade.person.ship(sale, tracking="V-2")
    trade.carry()
    assert parcels(shop, number) == {"V-1": {TEA: 2}, "V-2": {TEA: 1, POT: 1}}
    assert shop.order(number)["state"] == "Shipped"
    assert shop.order(number)["updatedAt"] == before, "the shop says nothing of it there"


def is_billed_and_paid(trade, shop, number):
    [invoice] = trade.standing(number).invoices
    assert (invoice.state, invoice.open.amount) == (InvoiceState.PAID, 0)
    [told] = [note for note in notes(shop, number) if note.startswith("Crossdock: invoices")]
    assert invoice.number in told
    assert "https://hub.test/files/" in told


def is_refunded(trade, shop, number):
    """A piece comes back; later there is goodwill for no line at all. Neither moves the order's own time."""
    before = shop.order(number)["updatedAt"]
    goods = shop.refund(number, (TEA, 1))
    trade.carry()
    goodwill = shop.refund(number, amount=251)
    trade.carry()
    assert shop.order(number)["updatedAt"] == before
    assert trade.item(number).state == "done", trade.causes()
    standing = trade.standing(number)
    expected = {f"{number}:refund:{goods}": Decimal("-6.74"), f"{number}:refund:{goodwill}": Decimal("-2.51")}
    assert {each.key: each.total.amount for each in standing.refunds} == expected
    back = [{line.code: line.quantity for line in each.lines} for each in standing.shipments if each.back]
    assert back == [{TEA: 1}], "the piece is waited for in the ERP"


def is_cancelled_in_part_and_given_back(trade, shop):
    """The shop takes the piece out of the order and gives its money back: it must not be taken away twice."""
    number = shop.buy((POT, 2))
    trade.carry()
    shop.cancel(number, (POT, 1))
    refund = shop.refund(number, (POT, 1))
    trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    standing = trade.standing(number)
    assert {each.key: each.total.amount for each in standing.refunds} == {
        f"{number}:refund:{refund}": Decimal("-29.95")
    }
    trade.person.ship(trade.sale_id(number), tracking="V-3")
    trade.carry()
    assert parcels(shop, number) == {"V-3": {POT: 1}}


def shows_what_the_erp_has(trade, shop):
    shop.buy((CUP, 4))
    trade.carry()
    # Of the piece that came back the shop is told a round later: first all of its orders must be in.
    for _ in range(2):
        trade.show_stock()
        trade.time_passes(300)
    for sku in (TEA, POT, CUP):
        on_hand, allocated = shop.stock(sku)
        assert on_hand - allocated == trade.in_stock(sku), sku


# The stand-in


def shape(value):
    """Names and kinds, without what differs from order to order."""
    if isinstance(value, dict):
        return {name: shape(child) for name, child in value.items()}
    if isinstance(value, list):
        shapes = [shape(child) for child in value]
        return shapes[:1]
    return type(value).__name__ if value is not None else None


def agree(theirs, ours, path=""):
    """What the two say differently; null may stand where the other says something."""
    if theirs is None or ours is None or theirs == ours:
        return []
    if isinstance(theirs, dict) and isinstance(ours, dict):
        missing = [f"{path}.{name}" for name in theirs.keys() ^ ours.keys()]
        return missing + [
            each for name in theirs.keys() & ours.keys() for each in agree(theirs[name], ours[name], f"{path}.{name}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list):
        return agree(theirs[0], ours[0], f"{path}[]") if theirs and ours else []
    return [] if {theirs, ours} == {"int", "Decimal"} else [f"{path}: {theirs} and {ours}"]


def test_the_stand_in_answers_in_the_shapes_of_the_real_shop(shop):
    with serve_shop(ShopSettings(password=PASSWORD, login=LOGIN)) as (server, app):
        bought = shop.buy((TEA, 3), (POT, 1)), app.shop.sell([(TEA, 3), (POT, 1)])["id"]
        told = [says(url, number) for url, number in zip((shop.url, server.url), bought, strict=True)]
    assert told[0].keys() == told[1].keys()
    assert {step: agree(told[0][step], told[1][step]) for step in told[0]} == {step: [] for step in told[0]}


def says(url, number):
    """What the shop at this address answers to everything that we ask and write."""
    account = ConnectorSettings(
        name="shop", url=url, login=LOGIN, password=PASSWORD, allow_hosts=("127.0.0.1",), deadline_s=PATIENCE_S
    )
    client = Vendure(account)
    now, hour = dt.datetime.now(dt.UTC), dt.timedelta(hours=1)
    findings = {each.check: each.level for each in client.diagnose(Circumstances())}
    assert Level.FAIL not in findings.values()
    [order] = client.fetch_orders([number])
    line = order.payload["lines"][0]["id"]
    pieces = {"lines": [{"orderLineId": line, "quantity": 1}], "method": "DHL Ref. 1", "trackingCode": "T-1"}
    made = client.create_fulfilment(number, pieces)
    told = {
        "fulfilment": made,
        "corrected": client.update_fulfilment(number, made["id"], pieces | {"trackingCode": "T-2"}),
        "note": client.add_note(number, {"note": "x Ref. 1", "isPublic": False}),
        "refund": client.create_refund(number, {"amount": "1.00", "reason": "Ref. 1", "payout": True, "lines": []}),
        "refunds": client.fetch_refunds(number),
        "order": client.fetch_orders([number])[0].payload,
        "listed": [dataclasses.asdict(each) for each in client.list_orders(now - hour, now + hour)],
        "times": client._client.read(queries.PARTS, options={"filter": {"id": {"eq": number}}}),
        "stock": client._client.read(queries.STOCK, options={"filter": {"sku": {"eq": TEA}}}),
        "fulfilments": client.list_fulfilments(number),
        "notes": client.list_notes(number),
    }
    for refused, wrong in (
        (
            "too many",
            lambda: client.create_fulfilment(number, pieces | {"lines": [{"orderLineId": line, "quantity": 99}]}),
        ),
        (
            "no such line",
            lambda: client.create_fulfilment(number, pieces | {"lines": [{"orderLineId": "99999", "quantity": 1}]}),
        ),
        ("no such order", lambda: client.add_note("99999", {"note": "x"})),
        ("no way there", lambda: client.update_order(number, {"state": "Delivered"})),
    ):
        with pytest.raises(RecordRejected) as caught:
            wrong()
        told[refused] = {"kind": type(caught.value).__name__, "code": {caught.value.code: None}}
    client.close()
    return {step: shape(value) for step, value in told.items()}
