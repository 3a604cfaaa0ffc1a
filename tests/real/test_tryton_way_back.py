"""The whole life of orders between the sandbox shop and a real Tryton, carried by Crossdock's own pulls and drains.

People act in the shop and in the ERP, Crossdock looks, and after each step the shop is in the state that the step
demands. The proof at the end is drawn from fresh lists of both sides.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import time
import uuid
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from config.model import (
    Auth,
    Depth,
    DocumentState,
    InvoiceNews,
    Routing,
    RoutingRule,
    Secret,
    Split,
    StockPolicy,
)
from config.model import Connection as Account
from connectors.kit.http import HttpClient
from connectors.sandbox.tryton.people import Person
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ShopSettings
from mappings.canonical.facets import InvoiceState, SaleState
from sync.desk.proof import prove_channel
from sync.rules.comparison import Sum
from tests.real.tryton_world import OPTIONS, new_web_shop
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import CHANNEL, KEY, LOCAL, POT, TEA, Hub

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]

#: Articles that no other test counts.
ONE, OTHER = "ZUB-00021", "ZUB-00022"
#: Payments are found by it in the whole ERP, which other tests use too.
TRANSACTION = f"ch_{uuid.uuid4().hex[:12]}"
EVERYTHING = {
    "refunds": Depth.POSTED,
    "payments": Depth.POSTED,
    "post_invoices": True,
    "invoices": InvoiceNews.LINK,
}


class RealTrade(Hub):
    """The sandbox shop, and a web shop of its own in a Tryton that runs."""

    def __init__(self, store, server, shop, erp, document_state):
        account = Account(
            name="erp",
            system="tryton",
            url=erp.url,
            auth=Auth(key=Secret(erp.rest_key), login=erp.login, password=Secret(erp.password)),
            options={"database": erp.database, "web_shop": new_web_shop(erp)},
            **LOCAL | {"deadline_s": PATIENCE_S},
        )
        policies = {
            "document_state": document_state,
            "target": {"warehouse": "WH1", "payment_method": "Web payment"},
        }
        stock = StockPolicy(push=True, warehouses=("WH1",))
        super().__init__(store, server, shop, account, policies=policies, stock=stock, **EVERYTHING)
        self.person = Person(erp)

    def standing(self, number):
        """How the order's sale stands in the ERP, asked anew."""
        systems, sale = self.systems.channel(CHANNEL), self.sale_id(number)
        return systems.erp_facets.standing(systems.target.survey_sales([sale])[sale], systems.target_options)

    def parcels(self, number):
        """Tracking number -> pieces by line id, as the shop shows them."""
        rows = self.in_shop("GET", f"orders/{number}/fulfillments")
        shown = [meta_of(row) for row in rows]
        return {meta["_tracking_number"]: {each["item_id"]: each["qty"] for each in meta["_items"]} for meta in shown}

    def stock(self, sku):
        [row] = self.in_shop("GET", f"products?sku={sku}")
        return row["stock_quantity"]

    def in_stock(self, sku):
        """The ERP's own figure."""
        [[reading]] = self.systems.connector("erp").read_stock(["WH1"], [sku])
        return reading.quantity


def meta_of(document):
    return {entry["key"]: entry["value"] for entry in document["meta_data"]}


@pytest.fixture
def trading(erp, sqlite_store):
    @contextlib.contextmanager
    def begin(document_state):
        with serve_shop(dataclasses.replace(ShopSettings(), keys=(KEY,))) as (server, app):
            trade = RealTrade(sqlite_store, server, app, erp, document_state)
            try:
                yield trade
            finally:
                trade.close()

    return begin


@pytest.fixture
def calls(monkeypatch):
    """Counts what goes over the wire to each server, by its port."""
    counted = collections.Counter()
    send = HttpClient._send

    def count(client, prepared):
        counted[urlsplit(prepared.url).port] += 1
        return send(client, prepared)

    monkeypatch.setattr(HttpClient, "_send", count)
    return counted


@dataclasses.dataclass
class Costs:
    """Says what each step cost, in calls to the ERP and to the shop."""

    trade: RealTrade
    calls: collections.Counter
    say: object

    @contextlib.contextmanager
    def of(self, step):
        before, began = self.calls.copy(), time.perf_counter()
        yield
        spent = self.calls - before
        erp = spent[urlsplit(self.trade.config.connections["erp"].url).port]
        self.say(
            f"{step}: {erp} calls to the ERP, {spent.total() - erp} to the shop, {time.perf_counter() - began:.1f} s"
        )


def test_an_order_lives_from_its_checkout_to_its_credit_note(trading, calls, measured):
    with trading(DocumentState.CONFIRMED) as trade:
        costs = Costs(trade, calls, measured)
        trade.show_stock()
        with costs.of("the whole life of one order"):
            number = is_bought(trade, costs)
            leaves_in_two_parcels(trade, costs, number)
            is_billed_and_paid(trade, number)
            is_refunded_in_part(trade, costs, number)
        with costs.of("a look at which nothing has moved"):
            trade.carry()
        is_refunded_before_it_leaves(trade, costs)
        changed = is_edited_too_late(trade)
        cancelled = is_cancelled_before_it_leaves(trade)
        lives_in_two_warehouses(trade, costs)
        shows_what_the_erp_has(trade, costs)
        proof = prove_channel(trade.store, trade.systems.channel(CHANNEL))
        assert proof.holds, proof.differences
        assert {difference.shop_id for difference in proof.differences} == {changed, cancelled}
        [refunds] = proof.refunds
        assert refunds.shop == refunds.crossdock == refunds.erp == Sum(3, Decimal("17.49"))
        assert trade.open_intents() == []


def is_bought(trade, costs):
    number = trade.buy((TEA, 3), (POT, 1), transaction_id=TRANSACTION)
    with costs.of("confirmed"):
        trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    assert trade.standing(number).state is SaleState.CONFIRMED
    assert trade.order(number)["status"] == "processing"
    return number


def leaves_in_two_parcels(trade, costs, number):
    tea, pot = (line["id"] for line in trade.order(number)["line_items"])
    sale = trade.sale_id(number)
    trade.person.ship(sale, {TEA: 2}, tracking="JD-1")
    with costs.of("a part has left"):
        trade.carry()
    assert trade.parcels(number) == {"JD-1": {tea: 2}}
    assert trade.order(number)["status"] == "processing"
    assert "_crossdock_invoices" not in meta_of(trade.order(number)), "nothing is billed before all of it has left"

    trade.person.ship(sale, tracking="JD-2")
    with costs.of("the rest has left; invoice posted, payment registered, shop told"):
        trade.carry()
    assert trade.parcels(number) == {"JD-1": {tea: 2}, "JD-2": {tea: 1, pot: 1}}
    assert trade.order(number)["status"] == "completed"
    assert meta_of(trade.order(number))["_fulfillment_status"] == "fulfilled"


def is_billed_and_paid(trade, number):
    total = Decimal(trade.order(number)["total"])
    standing = trade.standing(number)
    [invoice] = standing.invoices
    assert (invoice.state, invoice.total.amount, invoice.open.amount) == (InvoiceState.PAID, total, 0)
    [payment] = standing.payments
    assert (payment.reference, payment.amount.amount) == (f"{CHANNEL}:{number}:pay:{TRANSACTION}", total)
    [shown] = meta_of(trade.order(number))["_crossdock_invoices"]
    assert shown["number"] == invoice.number
    assert shown["link"].startswith("https://hub.test/files/")


def is_refunded_in_part(trade, costs, number):
    """One piece comes back; later there is goodwill for no line at all."""
    line = trade.order(number)["line_items"][0]
    tax = [{"id": each["id"], "refund_total": "0.49"} for each in line["taxes"]]
    piece = {"id": line["id"], "quantity": 1, "refund_total": "7.00", "refund_tax": tax}
    goods = give_back(trade, number, amount="7.49", line_items=[piece])
    with costs.of("a piece refunded, credited and posted"):
        trade.carry()
    goodwill = give_back(trade, number, amount="2.51", reason="late")
    with costs.of("goodwill refunded, credited and posted"):
        trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    standing = trade.standing(number)
    expected = {f"{number}:refund:{goods}": Decimal("-7.49"), f"{number}:refund:{goodwill}": Decimal("-2.51")}
    assert {each.key: each.total.amount for each in standing.refunds} == expected
    notes = [each for each in standing.invoices if each.credit]
    assert {each.refund_key: each.total.amount for each in notes} == expected
    assert {each.state for each in notes} == {InvoiceState.POSTED}
    back = [{line.code: line.quantity for line in each.lines} for each in standing.shipments if each.back]
    assert back == [{TEA: 1}], "the piece is waited for in the ERP"
    shown = {each["number"] for each in meta_of(trade.order(number))["_crossdock_invoices"]}
    assert shown == {each.number for each in standing.invoices}
    assert trade.order(number)["status"] == "completed"


def is_refunded_before_it_leaves(trade, costs):
    """Tryton would send it all the same, and wait for a return of what never left: both are called off."""
    number = trade.buy((TEA, 3), transaction_id=f"{TRANSACTION}-early")
    trade.carry()
    line = trade.order(number)["line_items"][0]
    tax = [{"id": each["id"], "refund_total": "0.49"} for each in line["taxes"]]
    piece = {"id": line["id"], "quantity": 1, "refund_total": "7.00", "refund_tax": tax}
    give_back(trade, number, amount="7.49", line_items=[piece])
    with costs.of("a piece refunded before it left, credited, posted and called off"):
        trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    trade.person.ship(trade.sale_id(number), tracking="JD-3")
    trade.carry()
    assert trade.parcels(number) == {"JD-3": {line["id"]: 2}}
    standing = trade.standing(number)
    assert standing.state is SaleState.DONE
    assert [each.state.value for each in standing.shipments] == ["sent", "cancelled", "cancelled"]


def give_back(trade, number, **refund):
    return trade.in_shop("POST", f"orders/{number}/refunds", {"api_refund": False, **refund})["id"]


def is_edited_too_late(trade):
    """Confirmed is confirmed in Tryton: a person gets the difference side by side."""
    number = trade.buy((TEA, 2))
    trade.carry()
    line = trade.order(number)["line_items"][0]["id"]
    trade.in_shop("PUT", f"orders/{number}", {"line_items": [{"id": line, "quantity": 1, "total": "7.00"}]})
    trade.carry()
    assert trade.item(number).state == "held"
    assert f"2 x {TEA}" in trade.item(number).reason
    assert f"1 x {TEA}" in trade.item(number).reason
    assert trade.causes() == {"changed_after_import": 1}
    return number


def is_cancelled_before_it_leaves(trade):
    """What hangs on a confirmed sale is cancelled; the sale itself a person has to bring to its end in Tryton."""
    number = trade.buy((TEA, 5))
    trade.carry()
    reserved = trade.in_stock(TEA)
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    standing = trade.standing(number)
    assert standing.state is SaleState.HELD
    assert {each.state.value for each in (*standing.shipments, *standing.invoices)} == {"cancelled"}
    assert trade.causes() == {"changed_after_import": 1, "cancelled_after_import": 1}
    assert trade.in_stock(TEA) == reserved + 5, "nothing is kept back for it any more"
    assert trade.order(number)["status"] == "cancelled", "the shop has decided, and hears nothing back"
    return number


def shows_what_the_erp_has(trade, costs):
    with costs.of("stock"):
        trade.show_stock()
    for sku in (TEA, POT):
        assert trade.stock(sku) == trade.in_stock(sku)


def lives_in_two_warehouses(trade, costs):
    """One order of the shop, two sales in Tryton."""
    for code, warehouse, pieces in ((ONE, "WH1", 5), (OTHER, "WH1", 1), (OTHER, "WH2", 5)):
        trade.person.count(code, pieces, warehouse)
    rule = RoutingRule(name="both", warehouses=("WH1", "WH2"), split=Split.LINES)
    channel = trade.config.channels[CHANNEL]
    trade.config.channels[CHANNEL] = dataclasses.replace(channel, routing=Routing(rules=(rule,), max_age_s=0.0))
    number = trade.buy((ONE, 3), (OTHER, 2), transaction_id=f"{TRANSACTION}-both")
    with costs.of("confirmed in two warehouses"):
        trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    target = trade.systems.channel(CHANNEL).target
    keys = [number, f"{number}:part:2"]
    sales = [sale for key in keys for sale in target.find_sales(keys)[key]]
    total = Decimal(trade.order(number)["total"])
    assert (len(sales), sum(sale.total for sale in sales)) == (2, total)

    lines = {line["sku"]: line for line in trade.order(number)["line_items"]}
    for sale in sales:
        trade.person.ship(sale.external_id, tracking=f"BOTH-{sale.key}")
    with costs.of("sent from two warehouses; two invoices posted and paid, shop told"):
        trade.carry()
    assert sorted(piece for parcel in trade.parcels(number).values() for piece in parcel.items()) == sorted(
        (line["id"], line["quantity"]) for line in lines.values()
    )
    assert trade.order(number)["status"] == "completed"

    found = target.survey_sales([sale.external_id for sale in sales])
    standings = [trade.systems.channel(CHANNEL).erp_facets.standing(found[each.external_id], OPTIONS) for each in sales]
    assert [standing.state for standing in standings] == [SaleState.DONE] * 2
    assert sum(payment.amount.amount for standing in standings for payment in standing.payments) == total


def test_a_draft_follows_the_edit_and_the_cancellation_of_its_order(trading):
    with trading(DocumentState.DRAFT) as trade:
        edited, cancelled = trade.buy((TEA, 2), (POT, 1)), trade.buy((TEA, 1))
        trade.carry()
        tea = trade.order(edited)["line_items"][0]["id"]
        trade.in_shop("PUT", f"orders/{edited}", {"line_items": [{"id": tea, "quantity": 1, "total": "7.00"}]})
        trade.in_shop("PUT", f"orders/{cancelled}", {"status": "cancelled"})
        trade.carry()
        assert trade.causes() == {}
        standing = trade.standing(edited)
        assert standing.state is SaleState.DRAFT
        assert {line.code: line.quantity for line in standing.lines if line.code in {TEA, POT}} == {TEA: 1, POT: 1}
        assert standing.total.amount == Decimal(trade.order(edited)["total"])
        assert trade.standing(cancelled).state is SaleState.CANCELLED
        assert [trade.item(each).state for each in (edited, cancelled)] == ["done", "skipped"]
        proof = prove_channel(trade.store, trade.systems.channel(CHANNEL))
        assert proof.holds, proof.differences
        assert proof.differences == []
