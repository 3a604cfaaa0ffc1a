"""The whole life of sales in a real Tryton: what is told of them after each step, and what may be done to them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import time
import uuid
from decimal import Decimal

import pytest

from config.model import Routing, RoutingRule
from connectors.kit.base import Rank
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected
from connectors.kit.exchanges import capture
from connectors.sandbox.tryton.people import Person
from connectors.sandbox.tryton.proxy import faulty
from connectors.tryton import stamps
from mappings.canonical.errors import Problems
from mappings.canonical.facets import InvoiceState, OrderRefund, RefundLine, SaleState, ShipmentState
from mappings.canonical.parts import divide, divide_refund
from mappings.canonical.records import Payment, TaxLine
from mappings.canonical.refs import Ref
from mappings.registry import ERP_FACETS
from mappings.tryton import wire
from sync.rules.routing import sent_from, warehouse_refs
from tests.mappings.orders import line, make_order, money, shipping_line
from tests.mappings.tryton_cases import taxed
from tests.real.tryton_world import MAPPING, OPTIONS, connect, new_web_shop, resolved_with_parties

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]

FACETS = ERP_FACETS["tryton"]
#: What the look-up table `payment_method` would say of the shop's gateway.
PAYING = dataclasses.replace(OPTIONS, settings={**OPTIONS.settings, "payment_method": "Web payment"})
NOW = dt.datetime.now(dt.UTC)
BIG = 1_000_000


@pytest.fixture(scope="module")
def person(erp):
    return Person(erp)


@pytest.fixture(scope="module")
def target(erp):
    """Without overlap, so that a pull names what was changed after its checkpoint and at that very moment."""
    return connect(erp, web_shop=new_web_shop(erp), overlap_s=0.0)


def order_of(key, *lines, **changes):
    """Two red cups and a sieve with shipping, 34.65 EUR, unless `lines` say otherwise."""
    lines = lines or (line("TASSE-ROT", "2", "20.00", "3.80"), line("SIEB-ST", "1", "5.00", "0.95"))
    shipping = (taxed(shipping_line("4.12", "0.78"), "19"),)
    parts = (*lines, *shipping)
    grand = sum((part.total.amount + part.tax.amount for part in parts), Decimal(0))
    return make_order(external_id=key, lines=lines, shipping_lines=shipping, grand=f"{grand:f}", **changes)


def made(target, *orders, rank=Rank.CONFIRMED):
    payloads = [
        MAPPING.sale(order, known, OPTIONS)
        for order, known in zip(orders, resolved_with_parties(target, orders), strict=True)
    ]
    results = target.create_sales(payloads)
    if rank > Rank.DRAFT:
        results = target.advance_sales([result.document for result in results], rank)
    assert [result.error for result in results if result.error] == []
    return [result.document for result in results]


def surveyed(target, sale):
    return target.survey_sales([sale])[sale]


def stands(target, sale):
    return FACETS.standing(surveyed(target, sale), OPTIONS)


def paid(amount, reference):
    return Payment(gateway="stripe", title="Card", amount=money(amount), reference=reference, paid_at=NOW)


def pay(target, order, payment, options=PAYING):
    resolved = target.resolve(FACETS.payment_references(payment, options))
    survey = surveyed(target, target.find_sales([order.external_id])[order.external_id][0].external_id)
    return target.register_payment(FACETS.payment(order, payment, survey, resolved, options))


def refund_of(key, amount, *lines, goodwill="0.00", restock=True, reason="broken"):
    return OrderRefund(
        external_id=key,
        amount=money(amount),
        lines=lines,
        goodwill=money(goodwill),
        reason=reason,
        refunded_at=NOW,
        restock=restock,
    )


def given_back(kind, sku, quantity, total, tax):
    """Of the order's line of that SKU, or of its one shipping line."""
    origin = f"line-{sku}" if kind == "line" else "s1"
    return RefundLine(
        origin=origin,
        kind=kind,
        sku=sku,
        title=f"Refund of {origin}",
        quantity=Decimal(quantity),
        total=money(total),
        tax=money(tax),
        tax_lines=(TaxLine(code="1", title="VAT", rate=None, amount=money(tax)),),
    )


def refund_payload(target, order, refund, sale):
    resolved = target.resolve(FACETS.refund_references(order, refund, OPTIONS))
    return FACETS.refund(order, refund, surveyed(target, sale), resolved, OPTIONS)


class Life:
    """One sale: each step says what it costs, and a pull must name the sale after it."""

    def __init__(self, target, person, measured):
        self.target, self.person, self._measured = target, person, measured
        self.order = order_of("life")
        resolved_with_parties(target, [self.order])
        self._checkpoint = stamps.write_checkpoint(dt.datetime.now(dt.UTC))
        self.sale = ""

    @property
    def standing(self):
        return stands(self.target, self.sale)

    @contextlib.contextmanager
    def step(self, name):
        started = time.perf_counter()
        with capture() as exchanges:
            yield
        took_ms = (time.perf_counter() - started) * 1000
        self._measured(f"{name}: {len(exchanges)} calls of ours, {took_ms:.0f} ms")
        self._is_named(name)

    def _is_named(self, name):
        before, named = stamps.read_checkpoint(self._checkpoint), {}
        with capture() as exchanges:
            for page in self.target.pull_sales(self._checkpoint):
                named |= {each.external_id: each.version for each in page.envelopes}
                self._checkpoint = page.checkpoint
        assert len(exchanges) <= 5, "an idle shop is followed with one call for each of the five lists"
        assert dt.datetime.fromisoformat(named.get(self.sale, "0001-01-01T00:00:00+00:00")) > before, name


def test_a_sale_is_followed_from_its_confirmation_to_its_credit_note(target, person, measured):
    life = Life(target, person, measured)
    is_confirmed(life)
    is_sent_in_two_parcels(life)
    is_invoiced(life)
    is_paid_in_two_parts(life)
    is_refunded(life)
    is_credited(life)
    with capture() as exchanges:
        started = time.perf_counter()
        surveyed(target, life.sale)
    measured(f"a survey of it all: {len(exchanges)} calls, {(time.perf_counter() - started) * 1000:.0f} ms")
    assert len(exchanges) == 2, "the sale, and what people have credited of its invoices"


def is_confirmed(life):
    with life.step("create, quote, confirm"):
        life.sale = made(life.target, life.order)[0].external_id
    standing = life.standing
    assert (standing.state, standing.total) == (SaleState.CONFIRMED, money("34.65"))
    assert [each.state for each in standing.shipments] == [ShipmentState.PLANNED]
    assert [(each.state, each.open) for each in standing.invoices] == [(InvoiceState.DRAFT, money("34.65"))]


def is_sent_in_two_parcels(life):
    with life.step("a person sends a part"):
        parcel = life.person.ship(life.sale, {"TASSE-ROT": 1}, tracking="JD-1, JD-2")
    standing = life.standing
    [sent] = [each for each in standing.shipments if each.state is ShipmentState.SENT]
    assert standing.state is SaleState.PARTLY_SHIPPED
    assert (sent.external_id, sent.carrier, sent.sent_on is not None) == (parcel, "Fast Parcel", True)
    assert [(each.code, each.quantity) for each in sent.lines] == [("TASSE-ROT", 1)]
    assert [each.tracking_number for each in sent.parcels] == ["JD-1", "JD-2"]

    with life.step("a person corrects the tracking number"):
        life.person.correct_tracking(parcel, "JD-3")
    assert [each.tracking_number for each in life.standing.shipments[0].parcels] == ["JD-3"]

    with life.step("a person sends the rest"):
        life.person.ship(life.sale)
    standing = life.standing
    assert standing.state is SaleState.SHIPPED
    pieces = [(each.code, each.quantity) for shipment in standing.shipments for each in shipment.lines]
    assert sorted(pieces) == [("SIEB-ST", 1), ("TASSE-ROT", 1), ("TASSE-ROT", 1)]


def is_invoiced(life):
    number = life.standing.invoices[0].external_id
    with life.step("post the invoice"):
        life.target.post_invoice(number)
    life.target.post_invoice(number)
    [invoice] = life.standing.invoices
    assert (invoice.state, invoice.open) == (InvoiceState.POSTED, money("34.65"))
    assert (invoice.net, invoice.tax) == (money("29.12"), money("5.53"))
    assert invoice.number.startswith("INV-")
    assert invoice.due_on is not None
    assert invoice.due_on >= invoice.dated_on
    file = life.target.fetch_file("invoice", number, max_bytes=BIG)
    assert file.body.startswith((b"PK", b"%PDF"))
    assert invoice.number in file.name
    with pytest.raises(RecordRejected, match="larger than the 99 bytes"):
        life.target.fetch_file("invoice", number, max_bytes=99)


def is_paid_in_two_parts(life):
    life.order = dataclasses.replace(life.order, payments=(paid("10.00", "ch_1"), paid("24.65", "")))
    with life.step("pay a part"):
        first = pay(life.target, life.order, life.order.payments[0])
    assert (first.key, first.total) == ("shop:life:pay:ch_1", Decimal("10.00"))
    assert life.standing.invoices[0].open == money("24.65")
    with life.step("pay the rest"):
        pay(life.target, life.order, life.order.payments[1])
    standing = life.standing
    assert (standing.state, standing.invoices[0].state) == (SaleState.DONE, InvoiceState.PAID)
    booked = [(each.reference, each.amount) for each in standing.payments]
    assert booked == [("shop:life:pay:ch_1", money("10.00")), ("shop:life:pay:#2", money("24.65"))]
    found = life.target.find_payments([*(reference for reference, _ in booked), "none"])
    assert {key: len(each) for key, each in found.items()} == {reference: 1 for reference, _ in booked}


def is_refunded(life):
    """One cup comes back, and 1.99 are given for the scratch on the other."""
    cup = given_back("line", "TASSE-ROT", "1", "10.00", "1.90")
    payload = refund_payload(life.target, life.order, refund_of("r1", "13.89", cup, goodwill="1.99"), life.sale)
    with life.step("create, quote, confirm the refund"):
        [result] = life.target.create_refunds([payload])
        [result] = life.target.advance_refunds([result.document], Rank.CONFIRMED)
    assert (result.document.key, result.document.total) == ("life:refund:r1", Decimal("-13.89"))
    [again] = life.target.create_refunds([payload])
    assert isinstance(again.error, AlreadyExists)
    [found] = life.target.find_refunds(["life:refund:r1"])["life:refund:r1"]
    assert found.external_id == result.document.external_id
    assert life.target.find_refunds(["life"]) == {}, "the sale itself is no refund"
    assert life.target.find_sales(["life:refund:r1"]) == {}, "and the refund no sale"
    assert [
        each.external_id for each in life.target.search_sales(life.order.number) if each.key.startswith("life")
    ] == [life.sale]
    placed = dt.datetime.combine(life.order.placed_on, dt.time(), dt.UTC)
    window = (min(placed, NOW) - dt.timedelta(days=1), max(placed, NOW) + dt.timedelta(days=1))
    listed = {each.key for each in life.target.list_sales(*window)}
    assert "life" in listed
    assert "life:refund:r1" not in listed, "the proof counts orders"
    standing = life.standing
    assert [(each.key, each.total) for each in standing.refunds] == [("life:refund:r1", money("-13.89"))]
    [back] = [each for each in standing.shipments if each.back]
    assert [(each.code, each.quantity) for each in back.lines] == [("TASSE-ROT", 1)]
    with life.step("a person takes the goods back"):
        life.person.take_back(result.document.external_id)
    assert [each.state for each in life.standing.shipments if each.back] == [ShipmentState.SENT]


def is_credited(life):
    [credit] = [each for each in life.standing.invoices if each.credit]
    with life.step("post the credit note"):
        life.target.post_invoice(credit.external_id)
    with life.step("pay it out"):
        pay(life.target, life.order, paid("-13.89", "re_1"))
    [credit] = [each for each in life.standing.invoices if each.credit]
    assert (credit.state, credit.refund_key, credit.open) == (InvoiceState.PAID, "life:refund:r1", money("0"))
    assert life.standing.refunds[0].state is SaleState.DONE


def test_what_people_credit_by_the_wizard_alone_is_a_credit_of_the_sale(target, person):
    """It names no sale. A draft may still be changed by whoever made it, and says nothing yet."""
    [sale] = made(target, order_of("credited"))
    [invoice] = stands(target, sale.external_id).invoices
    target.post_invoice(invoice.external_id)
    began = stamps.write_checkpoint(dt.datetime.now(dt.UTC))
    draft = person.credit(invoice.external_id)
    standing = stands(target, sale.external_id)
    assert (standing.refunds, [each.credit for each in standing.invoices]) == ((), [False])
    target.post_invoice(draft)
    standing = stands(target, sale.external_id)
    [credit] = standing.refunds
    assert (credit.key, credit.state, credit.total) == ("", SaleState.CONFIRMED, -standing.total)
    assert sorted((line.code, line.quantity) for line in credit.lines) == [
        ("SHIPPING", -1),
        ("SIEB-ST", -1),
        ("TASSE-ROT", -2),
    ]
    [note] = [each for each in standing.invoices if each.credit]
    assert (note.external_id, note.number, note.open) == (draft, credit.number, credit.total)
    listed = list(target.list_refunds(NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=1)))
    [mine] = [each for each in listed if each.of == sale.external_id]
    assert (mine.external_id, mine.amount) == (credit.external_id, standing.total.amount)
    named = {each.external_id for page in target.pull_sales(began) for each in page.envelopes}
    assert named == {sale.external_id}


def test_every_refund_comes_to_the_shops_amount_to_the_cent(target, measured):
    """Lines kept or sent back, shipping alone, an amount for nothing, taxes of two rates, thirds of a cent."""
    reduced = (TaxLine(code="2", title="", rate=Decimal(7), amount=money("0.98")),)
    order = order_of(
        "many",
        line("TASSE-ROT", "3", "25.21", "4.79"),
        line("TEE-ASSAM-100", "2", "13.99", "0.98", tax_lines=reduced),
    )
    [sale] = made(target, order, rank=Rank.QUOTED)
    tea = dataclasses.replace(
        given_back("line", "TEE-ASSAM-100", "1", "7.00", "0.49"),
        tax_lines=(TaxLine(code="2", title="", rate=None, amount=money("0.49")),),
    )
    cups = given_back("line", "TASSE-ROT", "2", "16.81", "3.19")
    money_only = given_back("line", "TASSE-ROT", "0", "1.00", "0.19")
    shipping = given_back("shipping", "", "0", "4.12", "0.78")
    refunds = [
        (refund_of("kept", "20.00", cups, restock=False), "manual"),
        (refund_of("back", "27.49", cups, tea), "order"),
        (refund_of("shipping", "4.90", shipping), "manual"),
        (refund_of("goodwill", "3.33", goodwill="3.33"), "manual"),
        (refund_of("scratch", "1.19", money_only), "manual"),
        (refund_of("all", "34.02", cups, tea, shipping, money_only, goodwill="0.44"), "order"),
    ]
    payloads = [refund_payload(target, order, refund, sale.external_id) for refund, _ in refunds]
    results = target.create_refunds(payloads)
    assert [result.error for result in results if result.error] == []
    shown = [
        (result.document.total, payload["shipment_method"]) for result, payload in zip(results, payloads, strict=True)
    ]
    assert shown == [(-refund.amount.amount, method) for refund, method in refunds]
    # Half of what goodwill gives back is no tax-free money: its credit lowers the tax of both rates.
    assert results[3].document.tax < 0
    measured(f"{len(refunds)} refunds made in one call")


def test_a_payment_that_is_too_much_or_too_early_is_refused_and_nothing_is_booked(erp, target):
    order = order_of("paying")
    [sale] = made(target, order)
    survey = surveyed(target, sale.external_id)
    method = target.resolve(FACETS.payment_references(paid("1.00", "x"), PAYING))
    with pytest.raises(Problems, match=r"no posted invoice of the sale is open for 34.65 EUR"):
        FACETS.payment(order, paid("34.65", "early"), survey, method, PAYING)
    target.post_invoice(str(survey["invoices"][0]["id"]))
    survey = surveyed(target, sale.external_id)
    whole = FACETS.payment(order, paid("34.65", "whole"), survey, method, PAYING)
    without_login = connect(erp, login=False, web_shop=target._masters.web_shop()["name"])
    with pytest.raises(RecordRejected, match=r"`auth\.login`"):
        without_login.register_payment(whole)
    target.register_payment(whole)
    for twice in (whole, {**whole, "amount": {"__class__": "Decimal", "decimal": "1.00"}}):
        with pytest.raises(RecordRejected):
            target.register_payment(twice)
    assert [len(found) for found in target.find_payments(["shop:paying:pay:whole"]).values()] == [1]
    assert stands(target, sale.external_id).payments[0].amount == money("34.65")


def test_a_payment_whose_answer_is_lost_is_unknown_and_found_by_its_reference(erp, target):
    order = order_of("lost")
    [sale] = made(target, order)
    target.post_invoice(str(surveyed(target, sale.external_id)["invoices"][0]["id"]))
    method = target.resolve(FACETS.payment_references(paid("5.00", "ch_9"), PAYING))
    part = FACETS.payment(order, paid("5.00", "ch_9"), surveyed(target, sale.external_id), method, PAYING)
    with faulty(erp.url) as server:
        server.plan.add(kind="commit_then_drop", method="POST", path="*/rpc/", body_contains="pay.execute")
        shaky = connect(erp, web_shop=target._masters.web_shop()["name"], url=server.url)
        with pytest.raises(OutcomeUnknown):
            shaky.register_payment(part)
    [found] = target.find_payments(["shop:lost:pay:ch_9"])["shop:lost:pay:ch_9"]
    assert found.total == Decimal("5.00")
    assert stands(target, sale.external_id).invoices[0].open == money("29.65")


def test_what_a_gateway_kept_is_a_move_of_its_own_that_is_posted_once(erp, target):
    """Without a login and without any invoice; the lost answers of its two calls end with one move."""
    admin, key = erp.admin(), f"fee-{uuid.uuid4().hex[:8]}"
    accounts = admin.read("account.account", [["closed", "!=", True], ["code", "!=", None]], ["code", "type.expense"])
    expenses = next(each for each in accounts if (each["type."] or {}).get("expense"))
    fees = dataclasses.replace(PAYING, settings={**PAYING.settings, "fee_account": expenses["code"]})
    payment = dataclasses.replace(paid("34.65", "ch_1"), fee=money("0.68"))
    order = order_of(key, payments=(payment,))
    resolved = target.resolve(FACETS.fee_references(payment, fees))
    payload = FACETS.fee(order, payment, resolved, fees)
    reference = f"shop:{key}:pay:ch_1:fee"
    with faulty(erp.url) as server:
        server.plan.add(kind="commit_then_drop", method="POST", path="*/account.move")
        server.plan.add(kind="commit_then_drop", method="POST", path="*/account.move/*/post")
        shaky = connect(erp, login=False, web_shop=target._masters.web_shop()["name"], url=server.url)
        with pytest.raises(OutcomeUnknown):
            shaky.book_fee(payload)
        [draft] = target.find_fees([reference])[reference]
        assert (draft.rank, draft.total) == (Rank.DRAFT, Decimal("0.68"))
        with pytest.raises(OutcomeUnknown):
            shaky.post_fee(draft.external_id)
    posted = target.post_fee(draft.external_id)
    assert (posted.external_id, posted.rank, bool(posted.number)) == (draft.external_id, Rank.CONFIRMED, True)
    assert target.find_fees([reference, "none"]) == {reference: [posted]}
    lines = admin.read("account.move.line", [["move", "=", int(posted.external_id)]], ["account", "debit", "credit"])
    counter = admin.read("account.invoice.payment.method", [["name", "=", "Web payment"]], ["debit_account"])
    wanted = {(expenses["id"], Decimal("0.68"), Decimal(0)), (counter[0]["debit_account"], Decimal(0), Decimal("0.68"))}
    assert {(each["account"], each["debit"], each["credit"]) for each in lines} == wanted
    with pytest.raises(RecordRejected, match="no open period"):
        target.book_fee({**payload, "date": wire.date(dt.date(1999, 1, 1))})
    other = next(each for each in accounts if not (each["type."] or {}).get("expense"))
    assert target.resolve({Ref("account", other["code"])}) == {}, "no fee is booked on an account of another kind"


def test_what_can_still_be_cancelled_is_and_a_repeat_changes_nothing(target, person):
    orders = [order_of(f"cancel-{number}") for number in range(4)]
    [draft] = made(target, orders[0], rank=Rank.DRAFT)
    [quoted] = made(target, orders[1], rank=Rank.QUOTED)
    confirmed, shipped = made(target, *orders[2:])
    person.ship(shipped.external_id, {"TASSE-ROT": 2})

    for document in (draft, quoted):
        assert target.cancel_sale(document.external_id).rank is Rank.CANCELLED
    for document in (confirmed, shipped):
        assert target.cancel_sale(document.external_id).state == "processing"

    held = stands(target, confirmed.external_id)
    assert held.state is SaleState.HELD
    assert {each.state for each in held.shipments} == {ShipmentState.CANCELLED}
    assert {each.state for each in held.invoices} == {InvoiceState.CANCELLED}
    partly = stands(target, shipped.external_id)
    assert sorted(each.state for each in partly.shipments) == [ShipmentState.CANCELLED, ShipmentState.SENT]
    before = target.survey_sales([each.external_id for each in (draft, quoted, confirmed, shipped)])
    for document in (draft, quoted, confirmed, shipped):
        target.cancel_sale(document.external_id)
    assert target.survey_sales(list(before)) == before


def test_a_draft_and_a_quotation_are_changed_and_nothing_later(target):
    moved = order_of("edit-0").billing
    moved = dataclasses.replace(moved, street="Neue Straße 7")
    changed = (line("TASSE-ROT", "1", "10.00", "1.90"), line("LETZTE", "1", "16.80", "3.19"))
    fields = frozenset({"lines", "invoice_address", "shipment_address", "note", "reference"})
    for key, rank in (("edit-0", Rank.DRAFT), ("edit-1", Rank.QUOTED), ("edit-2", Rank.CONFIRMED)):
        before = order_of(key)
        [sale] = made(target, before, rank=rank)
        [known] = resolved_with_parties(target, [before])
        assert FACETS.change(before, surveyed(target, sale.external_id), fields, known, OPTIONS) is None

        after = order_of(key, *changed, shipping=moved, note="ring twice")
        [known] = resolved_with_parties(target, [after])
        payload = FACETS.change(after, surveyed(target, sale.external_id), fields, known, OPTIONS)
        assert payload.keys() == {"lines", "shipment_address", "comment"}
        if rank is Rank.CONFIRMED:
            with pytest.raises(RecordRejected, match="state processing"):
                target.change_sale(sale.external_id, payload)
            continue
        document = target.change_sale(sale.external_id, payload)
        assert (document.rank, document.total) == (rank, after.totals.grand.amount)
        survey = surveyed(target, sale.external_id)
        assert FACETS.change(after, survey, fields, known, OPTIONS) is None
        standing, wished = FACETS.standing(survey, OPTIONS), FACETS.wanted(after, known, OPTIONS)
        assert standing.fields == wished.fields

        def bare(each):
            return [(one.code, one.title, one.quantity, one.unit_price, one.total) for one in each.lines]

        assert sorted(bare(standing)) == sorted(bare(wished))

        refused = {"lines": [["create", [{**payload["lines"][1][1][0], "product": 999_999}]]]}
        with pytest.raises(RecordRejected):
            target.change_sale(sale.external_id, refused)
        assert surveyed(target, sale.external_id)["state"] == sale.state, "a refused change leaves it as it was"


def test_stock_falls_with_the_confirmation_and_says_which_articles_moved(erp, target, person, measured):
    code, order = "ZUB-00007", order_of("stock", line("ZUB-00007", "3", "3.00", "0.57"))

    def figure():
        [readings] = target.read_stock(["WH1"], [code, "SHIPPING", "no such"])
        [reading] = readings
        return reading.quantity, reading.reserved

    [start] = target.pull_stock_changes(None)
    assert start.skus == frozenset()
    on_hand, reserved = figure()
    [sale] = made(target, order, rank=Rank.QUOTED)
    assert figure() == (on_hand, reserved), "a quotation reserves nothing"
    target.advance_sales([sale], Rank.CONFIRMED)
    assert figure() == (on_hand - 3, reserved + 3)
    changed = list(target.pull_stock_changes(start.checkpoint))
    assert code in frozenset().union(*(each.skus for each in changed))
    person.ship(sale.external_id)
    assert figure() == (on_hand - 3, reserved)
    is_taken_from_the_warehouse_that_the_rules_choose(erp, target, code)
    assert figure() == (on_hand - 3, reserved), "what another warehouse sends is not taken from this one"

    started = time.perf_counter()
    with capture() as exchanges:
        readings = [each for page in target.read_stock(["WH1", "WH2"]) for each in page]
    measured(f"{len(readings)} readings: {len(exchanges)} calls, {(time.perf_counter() - started) * 1000:.0f} ms")
    assert {each.location for each in readings} == {"WH1", "WH2"}
    assert not {"SHIPPING", "GUTSCHEIN-25"} & {each.sku for each in readings}, "a service has no stock"


def is_taken_from_the_warehouse_that_the_rules_choose(erp, target, code):
    order, options = order_of("routed", line(code, "2", "2.00", "0.38")), sent_from(OPTIONS, "WH2")
    [known] = resolved_with_parties(target, [order])
    routing = Routing(rules=(RoutingRule(name="second", warehouses=("WH2",)),))
    known = {**known, **target.resolve(warehouse_refs(routing, MAPPING, OPTIONS))}
    [[before]] = target.read_stock(["WH2"], [code])
    [result] = target.create_sales([MAPPING.sale(order, known, options)])
    target.advance_sales([result.document], Rank.CONFIRMED)
    assert surveyed(target, result.document.external_id)["warehouse"] == erp.warehouses["WH2"]
    [[after]] = target.read_stock(["WH2"], [code])
    assert after.quantity == before.quantity - 2


def test_the_parts_of_an_order_are_sales_of_their_warehouses_and_come_to_what_was_charged(erp, target, measured):
    """Prices that tie to no cent, a payment over both invoices, and a refund of more than the first one."""
    lines = (
        line("TASSE-ROT", "3", "20.005", "3.80095", external_id="1"),
        line("SIEB-ST", "1", "4.995", "0.94905", external_id="2"),
    )
    order = dataclasses.replace(order_of("divided", *lines), payments=())
    charged = order.totals.grand.quantized(2)
    parts = divide(dataclasses.replace(order, payments=(paid(f"{charged.amount}", "ch_1"),)), (("1",), ("2",)), 2)
    assert [part.external_id for part in parts] == ["divided", "divided:part:2"]
    sales = [divided_sale(target, part, place) for part, place in zip(parts, ("WH1", "WH2"), strict=True)]
    assert sum((sale.total for sale in sales), Decimal(0)) == charged.amount
    assert [surveyed(target, sale.external_id)["warehouse"] for sale in sales] == [
        erp.warehouses["WH1"],
        erp.warehouses["WH2"],
    ]
    found = target.find_sales([part.external_id for part in parts])
    assert [[sale.external_id for sale in found[part.external_id]] for part in parts] == [
        [sale.external_id] for sale in sales
    ]
    [again] = target.create_sales([divided_payload(target, parts[1], "WH2")])
    assert isinstance(again.error, AlreadyExists), "the server keeps the key of a part as it keeps that of an order"
    for part, sale in zip(parts, sales, strict=True):
        [invoice] = stands(target, sale.external_id).invoices
        target.post_invoice(invoice.external_id)
        pay(target, part, part.payments[0])
        assert stands(target, sale.external_id).invoices[0].state is InvoiceState.PAID
    back = dataclasses.replace(refund_of("all", "0"), amount=charged, goodwill=charged)
    shares = divide_refund(back, parts, 2)
    taken_back = [credited(target, *each) for each in zip(parts, shares, sales, strict=True)]
    assert [-document.total for document in taken_back] == [sale.total for sale in sales]
    measured(f"a divided order: {' + '.join(str(sale.total) for sale in sales)} = {charged}")


def divided_payload(target, part, warehouse):
    [known] = resolved_with_parties(target, [part])
    routing = Routing(rules=(RoutingRule(name="any", warehouses=("WH1", "WH2")),))
    known = {**known, **target.resolve(warehouse_refs(routing, MAPPING, OPTIONS))}
    return MAPPING.sale(part, known, sent_from(OPTIONS, warehouse))


def divided_sale(target, part, warehouse):
    [result] = target.create_sales([divided_payload(target, part, warehouse)])
    assert result.error is None
    [result] = target.advance_sales([result.document], Rank.CONFIRMED)
    assert result.error is None
    return result.document


def credited(target, part, share, sale):
    [result] = target.create_refunds([refund_payload(target, part, share, sale.external_id)])
    assert result.error is None
    return result.document


def test_a_confirmed_sale_that_leaves_in_three_days_is_reserved_today(erp, target, person):
    """The server's own forecast for today does not know it yet."""
    code = "ZUB-00008"
    person.plan_ahead(erp.products[code], dt.timedelta(days=3))
    [[before]] = target.read_stock(["WH1"], [code])
    made(target, order_of("later", line(code, "4", "4.00", "0.76")))
    [[after]] = target.read_stock(["WH1"], [code])
    whole = {each.sku: each for page in target.read_stock(["WH1"]) for each in page}
    assert (after.quantity, after.reserved) == (before.quantity - 4, before.reserved + 4)
    assert whole[code] == after


def test_a_pull_of_small_pages_names_every_sale_and_resumes_after_each_page(erp, monkeypatch):
    target = connect(erp, web_shop=new_web_shop(erp), overlap_s=0.0)
    sales = {
        each.external_id for each in made(target, *(order_of(f"page-{number}") for number in range(5)), rank=Rank.DRAFT)
    }
    target.advance_sales(target.find_sales(["page-1", "page-3"])["page-1"], Rank.QUOTED)
    whole = [each for page in target.pull_sales(None) for each in page.envelopes]
    monkeypatch.setattr(stamps, "_PAGE", 2)
    pages = list(target.pull_sales(None))
    assert len(pages) >= 3
    assert [each.external_id for page in pages for each in page.envelopes] == [each.external_id for each in whole]
    assert {each.external_id for each in whole} == sales
    seen = set()
    for page in pages:
        seen |= {each.external_id for each in page.envelopes}
        rest = {each.external_id for later in target.pull_sales(page.checkpoint) for each in later.envelopes}
        assert seen | rest == sales
