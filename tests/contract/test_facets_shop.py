"""What holds for the way back of every shop, whatever it speaks to: one suite over all of them, by capability."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from decimal import Decimal

import pytest

from connectors.kit import facets, stock
from connectors.kit.errors import OutcomeUnknown, RecordRejected, Transient
from connectors.kit.exchanges import capture
from connectors.kit.stock import StockWrite
from connectors.registry import CONNECTORS, has
from mappings.base import SourceOptions
from mappings.canonical.facets import Invoice, InvoiceState, Parcel, Shipment, ShipmentState
from mappings.canonical.money import Money, money_sum
from mappings.facets import Billed, Sent, TakenBack
from mappings.registry import SHOP_FACETS, SOURCES
from tests.contract.shop_fakes import SHOPS

pytestmark = pytest.mark.loopback

CAPABILITIES = (
    *(facets.DetailsRefunds, facets.MakesRefunds),
    *(facets.TakesFulfilments, facets.MarksOrders, facets.TakesNotes, stock.StockTarget),
)
#: Kind of write -> the capability of a shop that has it.
KINDS = {
    "fulfilment": facets.TakesFulfilments,
    "note": facets.TakesNotes,
    "mark": facets.MarksOrders,
    "refund": facets.MakesRefunds,
    "stock": stock.StockTarget,
}
KEY = "web-17-OUT1"


def every(capability):
    """Run the test for each shop that declares this capability."""
    able = sorted(system for system in SHOPS if has(CONNECTORS[system], capability))
    return pytest.mark.parametrize("served", able, indirect=True, scope="module")


def each(*kinds):
    """Run the test for each shop with each of the writes that it can."""
    able = [(system, kind) for system in sorted(SHOPS) for kind in kinds if has(CONNECTORS[system], KINDS[kind])]
    return pytest.mark.parametrize(("served", "kind"), able, indirect=["served"], scope="module")


@pytest.fixture(scope="module")
def served(request):
    with SHOPS[request.param]() as running:
        yield running


@pytest.fixture
def fake(served):
    served.mend()
    return served


@pytest.fixture
def shop(fake):
    return fake.connect()


class Order:
    """One order of a customer, and what the flows would write to it."""

    def __init__(self, fake, shop):
        self.shop, self.facets, self.payout = shop, SHOP_FACETS[fake.system], fake.payout
        self.source, self.id = SOURCES[fake.system], fake.sell(2)

    def payload(self):
        return self.shop.fetch_orders([self.id])[0].payload

    def read(self):
        return self.source.order(self.payload(), SourceOptions())

    def refunds(self):
        order = self.read()
        return [self.facets.refund(row, order, SourceOptions()) for row in self.shop.fetch_refunds(self.id)]

    def sent(self, key=KEY, tracking="T-1"):
        order = self.read()
        shipment = Shipment(
            external_id=key,
            number="OUT/1",
            state=ShipmentState.SENT,
            lines=(),
            parcels=(Parcel(tracking_number=tracking),),
            sent_on=dt.date(2026, 11, 22),
        )
        pieces = {line.external_id: line.quantity for line in order.lines}
        return Sent(
            order=order, shipment=shipment, pieces=pieces, carrier="DHL", tracking_url="", notify=False, key=key
        )

    def billed(self, number="INV000001"):
        order = self.read()
        zero = Money(Decimal(0), order.currency)
        invoice = Invoice(
            external_id="1",
            number=number,
            state=InvoiceState.POSTED,
            dated_on=dt.date(2026, 11, 22),
            due_on=None,
            net=order.totals.grand,
            tax=zero,
            total=order.totals.grand,
            open=zero,
        )
        return Billed(order=order, invoice=invoice, link="")

    # One write of each kind, and how often it is found again under KEY

    def fulfilment(self):
        return self.shop.create_fulfilment(self.id, self.facets.fulfilment(self.sent()))

    def note(self):
        return self.shop.add_note(self.id, self.facets.shipment_note(self.sent()))

    def mark(self):
        return self.shop.update_order(self.id, self.facets.invoice_marks([self.billed(KEY)], self.payload()))

    def refund(self):
        taken = TakenBack(
            amount=Money(Decimal("1.00"), self.read().currency), number="R-1", key=KEY, payout=self.payout
        )
        return self.shop.create_refund(self.id, self.facets.give_back(taken))

    def found(self, kind):
        if kind == "fulfilment":
            keys = [self.facets.fulfilment_key(row) for row in self.shop.list_fulfilments(self.id)]
        elif kind == "refund":
            keys = [self.facets.refund_mark(row) for row in self.shop.fetch_refunds(self.id)]
        elif kind == "note":
            keys = [self.facets.note_key(row) for row in self.shop.list_notes(self.id)]
        else:
            # An entry of a list, the end of a text, or the beginning of a line.
            keys = re.findall(rf"(?:'number': '|Ref\. )({KEY})\b|({KEY}) \|", str(self.payload()))
            keys = [entry or line for entry, line in keys]
        return keys.count(KEY)


@pytest.fixture
def order(fake, shop):
    return Order(fake, shop)


@pytest.mark.parametrize("system", sorted(CONNECTORS))
def test_every_shop_with_a_way_back_has_a_stand_in_and_a_mapping(system):
    able = any(has(CONNECTORS[system], capability) for capability in CAPABILITIES)
    assert able == (system in SHOPS) == (system in SHOP_FACETS)


@every(facets.MarksOrders)
def test_every_kind_of_write_declares_how_it_is_kept_single(shop):
    kinds = KINDS.keys() - {"stock"}
    assert shop.order_keys.keys() == {kind for kind in kinds if has(shop, KINDS[kind])}
    assert all(declared.key_field for declared in shop.order_keys.values())


@each("fulfilment", "note", "mark", "refund")
def test_what_was_written_is_found_by_its_key(order, kind):
    assert order.found(kind) == 0
    getattr(order, kind)()
    assert order.found(kind) == 1


@pytest.mark.parametrize("fault", ["commit_then_drop", "reset"])
@each("fulfilment", "note", "mark", "refund")
def test_a_crash_after_the_write_leaves_one_that_is_found_or_none(fake, shop, order, kind, fault):
    fake.break_next("order" if kind == "mark" else kind, kind=fault)
    with pytest.raises(OutcomeUnknown):
        getattr(order, kind)()
    assert shop.order_keys[kind].same_call
    assert order.found(kind) == (fault != "reset")


UNCLEAR = [
    {"kind": "html"},
    {"kind": "status", "status": 500},
    {"kind": "commit_then_status", "status": 504},
    {"kind": "empty"},
    {"kind": "truncate"},
    {"kind": "close"},
]


@pytest.mark.parametrize("fault", UNCLEAR, ids=lambda fault: "-".join(str(value) for value in fault.values()))
@each(*KINDS)
def test_what_is_no_clear_answer_to_a_write_is_unknown(fake, shop, order, kind, fault):
    fake.break_next("order" if kind == "mark" else kind, **fault)
    if kind == "stock":
        [result] = shop.write_stock([StockWrite(article=article(fake, shop), quantity=Decimal(9))])
        assert type(result.error) is OutcomeUnknown
        return
    with pytest.raises(OutcomeUnknown):
        getattr(order, kind)()


@every(facets.TakesFulfilments)
def test_a_fulfilment_is_changed_and_not_doubled(shop, order):
    made = order.fulfilment()
    changed = order.facets.fulfilment(order.sent(tracking="T-2"))
    for _ in range(2):
        shop.update_fulfilment(order.id, str(made["id"]), changed)
    assert order.found("fulfilment") == 1
    assert "T-2" in str(shop.list_fulfilments(order.id))
    assert "T-1" not in str(shop.list_fulfilments(order.id))


@every(facets.MarksOrders)
def test_marks_and_states_that_are_there_already_change_nothing(fake, shop, order):
    order.mark()
    shop.update_order(order.id, order.facets.invoice_marks([order.billed()], order.payload()))
    shop.update_order(order.id, order.facets.state(fake.done))
    before = order.payload()

    with capture() as exchanges:
        order.mark()
        shop.update_order(order.id, order.facets.invoice_marks([order.billed()], order.payload()))
        envelope = shop.update_order(order.id, order.facets.state(fake.done))

    assert [exchange for exchange in exchanges if fake.wrote(exchange)] == []
    assert envelope.payload == order.payload() == before
    assert fake.state_of(order.payload()) == fake.done
    assert "INV000001" in str(before)


@every(facets.DetailsRefunds)
def test_refunds_are_told_with_lines_that_tie_to_their_amount(fake, order):
    assert order.refunds() == []
    first = order.read().lines[0].external_id
    fake.refund(order.id, lines={first: 1}, reason="broken")
    fake.refund(order.id, amount="0.50", reason="goodwill")
    pieces, goodwill = order.refunds()
    for refund in (pieces, goodwill):
        parts = money_sum((money for line in refund.lines for money in (line.total, line.tax)), refund.amount.currency)
        assert parts + refund.goodwill == refund.amount
    assert [(line.origin, line.quantity) for line in pieces.lines] == [(first, Decimal(1))]
    assert (goodwill.lines, goodwill.goodwill.amount) == ((), Decimal("0.50"))


@every(facets.MarksOrders)
def test_an_order_that_is_gone_is_refused(fake, shop):
    if has(shop, facets.DetailsRefunds):
        with pytest.raises(RecordRejected):
            shop.fetch_refunds(fake.unknown_order)
    if has(shop, facets.TakesFulfilments):
        with pytest.raises(RecordRejected):
            shop.list_fulfilments(fake.unknown_order)
    with pytest.raises(RecordRejected):
        shop.update_order(fake.unknown_order, {})
    if has(shop, facets.TakesNotes):
        with pytest.raises(RecordRejected):
            shop.add_note(fake.unknown_order, {"note": "x", "customer_note": False})


# Stock


def article(fake, shop, index=0):
    sku = fake.skus[index]
    return shop.find_stock([sku])[sku][0]


@every(stock.StockTarget)
def test_stock_is_found_by_its_sku_as_it_is_shown_now(fake, shop):
    fake.set_stock(fake.skus[0], 40)
    found = shop.find_stock([*fake.skus, fake.unknown_sku])
    assert found.keys() == set(fake.skus)
    assert found[fake.skus[0]][0].quantity == Decimal(40)
    fake.sell(3)
    assert article(fake, shop).quantity == Decimal(37)


@every(stock.StockTarget)
def test_stock_is_set_absolutely_and_one_bad_article_fails_no_other(fake, shop):
    for _ in range(2):
        first, second = article(fake, shop), article(fake, shop, 1)
        gone = dataclasses.replace(first, external_id=fake.unknown_order)
        results = shop.write_stock([StockWrite(article=each, quantity=Decimal(6)) for each in (first, gone, second)])
        assert [result.quantity for result in results] == [6, None, 6]
        assert isinstance(results[1].error, RecordRejected)
    assert [article(fake, shop, index).quantity for index in (0, 1)] == [6, 6]


@every(stock.StockTarget)
def test_many_articles_are_few_calls(fake, shop):
    writes = [StockWrite(article=article(fake, shop), quantity=Decimal(6))] * shop.stock_bulk
    with capture() as exchanges:
        shop.write_stock(writes)
    assert len([exchange for exchange in exchanges if fake.wrote(exchange)]) == 1
    # One that says where stock is, one that says what is allocated there.
    assert len(exchanges) <= 3


@pytest.mark.parametrize("system", sorted(SHOPS))
def test_a_shop_that_is_away_has_been_told_nothing(system, monkeypatch):
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda _: None)
    counts, refunds, sends = (has(CONNECTORS[system], KINDS[kind]) for kind in ("stock", "refund", "fulfilment"))
    with SHOPS[system]() as fake:
        shop = fake.connect()
        order = Order(fake, shop)
        sent = order.facets.fulfilment(order.sent()) if sends else None
        marks = order.facets.state(fake.done)
        write = StockWrite(article=article(fake, shop), quantity=Decimal(6)) if counts else None
    calls = [
        lambda: shop.update_order(order.id, marks),
        *([lambda: shop.create_fulfilment(order.id, sent)] if sends else []),
        *([lambda: shop.fetch_refunds(order.id)] if refunds else []),
        *([lambda: shop.find_stock([fake.skus[0]])] if counts else []),
    ]
    for call in calls:
        with pytest.raises(Transient):
            call()
    if write is not None:
        [result] = shop.write_stock([write])
        assert type(result.error) is Transient
