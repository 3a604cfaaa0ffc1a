"""The checker of what follows the sales names each fault, and only faults; and the ERP's books agree with it."""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.sandbox.erp.audit import check_ledger
from connectors.sandbox.erp.audit_facets import check_facets, stock_moves
from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.documents import Product, Refused
from connectors.sandbox.ledger import Entry, Ledger

PRODUCTS = (
    Product(id=1, code="MUG", name="Mug", list_price="10.00", opening="6"),
    Product(id=2, code="POT", name="Pot", list_price="30.00", opening="2"),
)
SALE = {"currency": "EUR", "party": 1, "sale_date": "2026-11-20", "shop": "s"}
LINES = [{"product": 1, "quantity": "2", "amount": "20.00", "tax": "3.80"}]
BACK = [{"product": 1, "quantity": "-1", "amount": "-10.00", "tax": "-1.90"}]


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "erp.ledger") as opened:
        yield opened


@pytest.fixture
def books(ledger):
    made = Books(ledger, PRODUCTS)
    made.commit_party(made.decide_party({"code": "p", "name": "P"}))
    return made


def confirmed(books, key="k1", lines=LINES):
    sale = books.commit_sale(books.decide_sale({**SALE, "external_key": key, "lines": lines}))
    return books.decide_advance(sale["id"], "confirmed")()


def refunded(books, sale, key="k1:refund:1", state="confirmed", lines=BACK):
    payload = {"sale": sale["id"], "external_key": key, "sale_date": "2026-11-21", "restock": True, "lines": lines}
    refund = books.commit_sale(books.decide_refund(payload))
    return books.decide_advance(refund["id"], state, "refund")() if state else refund


def paid(books, invoice, amount="5.00", reference="k1:pay:1"):
    payload = {"invoice": invoice, "amount": amount, "reference": reference}
    return books.billing.commit_payment(books.billing.decide_payment(payload))


def whole_life(books):
    """A sale that was sent, billed, paid in part and refunded in part."""
    sale = confirmed(books)
    books.shipping.send(sale["shipments"][0], tracking=[{"number": "T-1", "url": ""}])
    books.billing.post(sale["invoices"][0])
    paid(books, sale["invoices"][0])
    refund = refunded(books, sale)
    books.billing.post(refund["invoices"][0])
    books.shipping.receive(refund["shipments"][0])
    return sale, refund


REFUNDS = {"k1:refund:1": Decimal("11.90")}
PAYMENTS = {"k1:pay:1": Decimal("5.00")}


def verdict(tmp_path, refunds=REFUNDS, payments=PAYMENTS):
    return check_facets(tmp_path / "erp.ledger", refunds=refunds, payments=payments)


def test_a_whole_life_is_right(tmp_path, books):
    whole_life(books)
    assert verdict(tmp_path) == []
    assert check_ledger(tmp_path / "erp.ledger", {"k1": Decimal("23.80")}) == []


@pytest.mark.parametrize(
    ("refunds", "payments", "fault"),
    [
        ({**REFUNDS, "k2:refund:1": Decimal(1)}, PAYMENTS, "k2:refund:1: refund is missing"),
        ({}, PAYMENTS, "k1:refund:1: refund 2 was never asked for"),
        ({"k1:refund:1": Decimal("11.91")}, PAYMENTS, "k1:refund:1: refund 2 gives back 11.90, not 11.91"),
        (REFUNDS, {**PAYMENTS, "k2:pay:1": Decimal(1)}, "k2:pay:1: payment is missing"),
        (REFUNDS, {}, "k1:pay:1: payment was never asked for"),
        (REFUNDS, {"k1:pay:1": Decimal("5.01")}, "k1:pay:1: 5.00 was paid, not 5.01"),
    ],
)
def test_what_was_asked_for_is_compared_with_what_stands(tmp_path, books, refunds, payments, fault):
    whole_life(books)
    assert verdict(tmp_path, refunds, payments) == [fault]


def test_a_draft_of_a_refund_is_not_enough(tmp_path, books):
    sale, _refund = whole_life(books)
    refunded(books, sale, "k1:refund:2", state=None)
    assert verdict(tmp_path, {**REFUNDS, "k1:refund:2": Decimal("11.90")}) == ["k1:refund:2: refund 3 is not confirmed"]


def test_a_draft_of_a_payment_counts_as_made_and_as_paid_when_it_is_posted(tmp_path, books):
    sale, _refund = whole_life(books)
    payload = {"invoice": sale["invoices"][0], "amount": "18.80", "reference": "k1:pay:2", "draft": True}
    drafts = [books.billing.commit_payment(books.billing.decide_payment(payload)) for _ in range(2)]
    assert {each["state"] for each in drafts} == {"draft"}
    assert verdict(tmp_path, payments={**PAYMENTS, "k1:pay:2": Decimal("18.80")}) == ["k1:pay:2: paid 2 times"]
    assert books.billing.invoices(sale["invoices"])[0]["open"] == "18.80"
    for _ in range(2):
        assert books.billing.post_payment(drafts[0]["id"])["state"] == "posted"
    assert books.billing.invoices(sale["invoices"])[0]["state"] == "paid"
    with pytest.raises(Refused, match="is open"):
        books.billing.post_payment(drafts[1]["id"])
    assert verdict(tmp_path, payments={**PAYMENTS, "k1:pay:2": Decimal("18.80")}) == ["k1:pay:2: paid 2 times"]
    with Ledger(tmp_path / "erp.ledger") as again:
        assert Books(again, PRODUCTS).billing.invoices(sale["invoices"])[0]["state"] == "paid"


def test_a_doubled_refund_and_a_doubled_payment_are_named(tmp_path, books):
    sale, _refund = whole_life(books)
    books.rules = books._core.rules = dataclasses.replace(books.rules, enforce_key=False)
    refunded(books, sale)
    paid(books, sale["invoices"][0])
    assert verdict(tmp_path) == ["k1:refund:1: refund is doubled, 2, 3", "k1:pay:1: paid 2 times"]


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([Entry("invoice.change", "k1", "2", document={"number": "INV000001"})],
         ["invoice number INV000001 was given twice", "invoice number INV000002 is missing in the sequence"]),
        ([Entry("sale.confirm", "k1", "1", document={"invoice": {"id": 3, "total": "23.80"}})],
         ["sale 1 has 2 invoices"]),
        ([Entry("sale.confirm", "k1", "1", document={})], ["sale 1 has 1 invoices"]),
        ([Entry("sale.change", "k1", "1", "23.81", {})], ["invoice 1 bills 23.80, sale 1 comes to 23.81"]),
        ([Entry("payment.create", "", "2", "30.00", {"invoice": 1, "amount": "30.00"})],
         ["invoice 1 of 23.80 has 35.00 paid"]),
        ([Entry("payment.create", "", "2", "-6.00", {"invoice": 1, "amount": "-6.00"})],
         ["invoice 1 of 23.80 has -1.00 paid"]),
        ([Entry("shipment.track", "k1", "2", document={"tracking": [{"number": "T-1"}], "carrier": ""})],
         ["parcel T-1 was sent twice"]),
        ([Entry("shipment.send", "k1", "1", document={
            "lines": [{"product": 1, "quantity": "3"}], "tracking": [], "rest": None})],
         ["sale 1 moved 3 of product 1, 2 were ordered"]),
    ],
)  # fmt: skip
def test_what_nobody_should_do_is_named(tmp_path, books, ledger, entries, fault):
    whole_life(books)
    ledger.append_many(entries)
    assert verdict(tmp_path) == fault


# What gateways kept


def kept(books, reference="k1:pay:1:fee", amount="0.68", *, post=True):
    payload = {"reference": reference, "account": "6855", "amount": amount, "currency": "EUR"}
    number = books.expenses.commit(books.expenses.decide(payload))["id"]
    if post:
        books.expenses.decide_post(number)()


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (lambda books: None, "fee is missing"),
        (lambda books: kept(books, post=False), "fee 1 of 0.68 is not posted"),
        (lambda books: kept(books, amount="0.69"), "0.69 was booked as fee, not 0.68"),
        (lambda books: (kept(books), kept(books, post=False)), "fee is booked 2 times"),
        (lambda books: (kept(books), kept(books, "other")), "other: fee was never asked for"),
    ],
)
def test_each_fee_stands_once_posted_and_with_its_amount(tmp_path, books, act, fault):
    wanted = {"k1:pay:1:fee": Decimal("0.68")}
    act(books)
    [told] = check_facets(tmp_path / "erp.ledger", refunds={}, payments={}, fees=wanted)
    assert fault in told


def test_a_fee_that_is_booked_once_is_no_fault_and_stays_through_a_restart(tmp_path, books):
    kept(books)
    assert check_facets(tmp_path / "erp.ledger", refunds={}, payments={}, fees={"k1:pay:1:fee": Decimal("0.68")}) == []
    [before] = books.expenses.fees(["k1:pay:1:fee"])
    with Ledger(tmp_path / "erp.ledger") as again:
        assert Books(again, PRODUCTS).expenses.fees(["k1:pay:1:fee"]) == [before]


@pytest.mark.parametrize("changes", [{"amount": "0.00"}, {"amount": "0.685"}, {"account": "1000"}, {"currency": ""}])
def test_what_is_no_fee_is_refused(books, changes):
    payload = {"reference": "r", "account": "6855", "amount": "0.68", "currency": "EUR"} | changes
    with pytest.raises(Refused):
        books.expenses.decide(payload)


# The books and the checker, over whatever people do


@dataclasses.dataclass
class Player:
    """Does one thing after the other in the ERP; what it refuses is refused."""

    books: Books
    sales: list = dataclasses.field(default_factory=list)
    refunds: dict = dataclasses.field(default_factory=dict)
    payments: dict = dataclasses.field(default_factory=dict)

    def play(self, what, number, pieces):
        with contextlib.suppress(Refused, IndexError, KeyError):
            getattr(self, what)(number, pieces)

    def sell(self, number, pieces):
        line = {"product": 1 + number % 2, "quantity": str(pieces), "amount": f"{pieces}.00", "tax": "0.19"}
        self.sales.append(confirmed(self.books, f"k{len(self.sales)}", [line])["id"])

    def one_of(self, records, number, states):
        """One of those that are so far, so that most steps do something."""
        able = [record for record in records.values() if record.state in states]
        return able[number % len(able)] if able else records[number]

    def send(self, number, pieces):
        shipment = self.one_of(self.books.state.shipments, number, {"ready", "waiting"})
        part = {shipment.lines[0]["code"]: Decimal(pieces)} if number % 3 else None
        tracking = [{"number": f"T-{shipment.id}", "url": ""}]
        self.books.shipping.send(shipment.id, pieces=part, tracking=tracking)

    def receive(self, number, _pieces):
        self.books.shipping.receive(self.one_of(self.books.state.shipments, number, {"expected"}).id)

    def cancel_shipment(self, number, _pieces):
        self.books.shipping.cancel(number)

    def cancel(self, number, _pieces):
        self.books.cancel(self.sales[number])

    def post(self, number, _pieces):
        self.books.billing.post(self.one_of(self.books.state.invoices, number, {"draft"}).id)

    def pay(self, number, pieces):
        reference = f"pay:{len(self.payments)}"
        invoice = self.one_of(self.books.state.invoices, number, {"posted"})
        paid(self.books, invoice.id, f"{pieces}.00", reference)
        self.payments[reference] = Decimal(pieces)

    def refund(self, number, pieces):
        sale = self.books.sales_by_id([self.sales[number]])[0]
        product, sold = sale["lines"][0]["product"], int(sale["lines"][0]["quantity"])
        back = min(pieces, sold)
        line = {"product": product, "quantity": f"-{back}", "amount": f"-{back}.00", "tax": "0"}
        key = f"refund:{len(self.refunds)}"
        refunded(self.books, sale, key, lines=[line])
        self.refunds[key] = Decimal(back)

    def count(self, number, pieces):
        self.books.shipping.set_stock(PRODUCTS[number % 2].code, Decimal(pieces))


STEPS = st.tuples(
    st.sampled_from(["sell", "send", "receive", "cancel_shipment", "cancel", "post", "pay", "refund", "count"]),
    st.integers(0, 6),
    st.integers(1, 4),
)


@settings(max_examples=60)
@given(steps=st.lists(STEPS, min_size=5, max_size=40))
def test_whatever_is_done_the_checker_finds_no_fault_and_counts_the_same_stock(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("erp") / "erp.ledger"
    with Ledger(path) as ledger:
        books = Books(ledger, PRODUCTS)
        books.commit_party(books.decide_party({"code": "p", "name": "P"}))
        player = Player(books)
        for number in range(3):
            player.play("sell", number, 2)
        for step in steps:
            player.play(*step)
        told = [
            *check_facets(path, refunds=player.refunds, payments=player.payments),
            *_stock_differences(books, path),
            *_restart_differences(books, path),
        ]
    assert told == []


def _stock_differences(books, path):
    counted = {entry.external_id for entry in books.ledger.entries() if entry.kind == "stock.set"}
    moves = stock_moves(path)
    for product in PRODUCTS:
        place = (product.id, "MAIN")
        opening = Decimal(0) if str(product.id) in counted else Decimal(product.opening)
        if opening + moves.get(place, Decimal(0)) != books.state.available(place):
            yield f"{product.code}: {moves.get(place)} and {books.state.available(place)}"


def _restart_differences(books, path):
    with Ledger(path) as again:
        restarted = Books(again, PRODUCTS)
        ids = sorted(books.state.sales)
        if restarted.survey(ids) != books.survey(ids):
            yield "the surveys differ after a restart"
        if restarted.changed_sales("s", None, "", 500) != books.changed_sales("s", None, "", 500):
            yield "the changes differ after a restart"
        if restarted.shipping.stock(["MAIN"], None, 0, 10) != books.shipping.stock(["MAIN"], None, 0, 10):
            yield "the stock differs after a restart"
