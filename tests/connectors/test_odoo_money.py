"""Odoo's invoices, payments, fees, credit notes and files, against the stand-in: each trap of the vendor."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.facets import NOT_PRINTED
from connectors.sandbox.odoo import OdooOptions, people, running_odoo, stock
from mappings import odoo as mapping
from mappings.base import TargetOptions
from mappings.canonical.facets import InvoiceState, OrderRefund, RefundLine, SaleState, ShipmentState
from mappings.canonical.money import Money
from mappings.canonical.records import Payment
from mappings.canonical.refs import Ref
from sync.flows.facets.unsent import too_many, unsent
from tests.connectors.test_odoo import connect, known, order_of

pytestmark = pytest.mark.loopback
OPTIONS = TargetOptions(channel="web", settings={"fee_account": "6855"})
DAY = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
TOTAL = Decimal("23.80")


@pytest.fixture
def odoo():
    with running_odoo(OdooOptions(settle_s=60, prints=True)) as running:
        yield running


@pytest.fixture
def target(odoo):
    return connect(odoo)


class Sale:
    """One order of two cups, confirmed in Odoo."""

    def __init__(self, odoo, target, number="1001", **changes):
        self.odoo, self.target = odoo, target
        self.order = order_of(number, **changes)
        [made] = target.create_sales([mapping.MAPPING.sale(self.order, known(target, self.order), OPTIONS)])
        [confirmed] = target.advance_sales([made.document], Rank.CONFIRMED)
        self.id = confirmed.document.external_id

    def survey(self):
        return self.target.survey_sales([self.id])[self.id]

    def standing(self):
        return mapping.FACETS.standing(self.survey(), OPTIONS)

    def sent(self):
        people.send(self.odoo.app, int(self.id), "T-1")
        return self

    def invoiced(self):
        [number] = self.target.make_invoices(self.id)
        self.target.post_invoice(number)
        return self

    def payment(self, amount="23.80", reference="tx-1", fee=None):
        fee = None if fee is None else Money(Decimal(fee), "EUR")
        money = Money(Decimal(amount), "EUR")
        return Payment(gateway="PPL", title="PayPal", amount=money, reference=reference, paid_at=DAY, fee=fee)

    def pay_payload(self, *arguments):
        payment = self.payment(*arguments)
        refs = self.target.resolve(mapping.FACETS.payment_references(payment, OPTIONS))
        return mapping.FACETS.payment(self.order, payment, self.survey(), refs, OPTIONS)

    def refund(self, pieces="1", net="10.00", tax="1.90", *, restock=True, goodwill="0", number="5"):
        lines = ()
        if Decimal(net):
            [line] = self.order.lines
            tax_lines = (tax_of(line, tax),)
            lines = (
                RefundLine(
                    origin=line.external_id, kind="line", sku=line.sku, title=line.name, quantity=Decimal(pieces),
                    total=Money(Decimal(net), "EUR"), tax=Money(Decimal(tax), "EUR"), tax_lines=tax_lines,
                ),
            )  # fmt: skip
        amount = Money(Decimal(net) + Decimal(tax) * bool(lines) + Decimal(goodwill), "EUR")
        return OrderRefund(
            external_id=number, amount=amount, lines=lines, goodwill=Money(Decimal(goodwill), "EUR"),
            reason="Too <big>", refunded_at=DAY, restock=restock,
        )  # fmt: skip

    def refund_payload(self, refund):
        refs = self.target.resolve(mapping.FACETS.refund_references(self.order, refund, OPTIONS))
        return mapping.FACETS.refund(self.order, refund, self.survey(), refs, OPTIONS)

    def give_back(self, refund):
        [result] = self.target.create_refunds([self.refund_payload(refund)])
        return result

    def rows(self, model):
        return list(self.odoo.db.all(model))


def tax_of(line, tax):
    [own] = line.tax_lines
    return dataclasses.replace(own, amount=Money(Decimal(tax), "EUR"))


def copied(row):
    return {name: value for name, value in row.items() if name != "id"}


def change(odoo, model, values, number=None):
    """What people, or another system, write there: to one record, or to all."""
    rows = [each for each in odoo.db.all(model) if number is None or each["id"] == int(number)]
    people.act(odoo.app, lambda db: [db.update(model, each, values) for each in rows])


def in_dollars(refund):
    lines = tuple(
        dataclasses.replace(each, total=Money(each.total.amount, "USD"), tax=Money(each.tax.amount, "USD"))
        for each in refund.lines
    )
    nothing = Money(Decimal(0), "USD")
    return dataclasses.replace(refund, lines=lines, amount=Money(refund.amount.amount, "USD"), goodwill=nothing)


@pytest.fixture
def sale(odoo, target):
    return Sale(odoo, target)


def fault(odoo, path, **what):
    odoo.plan.add(method="POST", path=f"/json/2/{path}", **what)


# Invoices


def test_the_wizard_makes_one_draft_of_the_whole_sale_and_no_second_one(sale, target):
    assert sale.standing().uninvoiced
    [number] = target.make_invoices(sale.id)
    standing = sale.standing()
    [draft] = standing.invoices
    assert (draft.external_id, draft.state, draft.total.amount) == (number, InvoiceState.DRAFT, TOTAL)
    assert not standing.uninvoiced
    with pytest.raises(RecordRejected, match="nothing of the sale"):
        target.make_invoices(sale.id)
    assert len(sale.standing().invoices) == 1


def test_false_is_no_proof_that_an_invoice_was_posted_and_its_state_is(sale, target):
    [number] = target.make_invoices(sale.id)
    target.post_invoice(number)
    [invoice] = sale.standing().invoices
    assert (invoice.state, invoice.open.amount) == (InvoiceState.POSTED, TOTAL)
    assert invoice.number.startswith("INV/")
    target.post_invoice(number)
    assert [each.kind for each in sale.odoo.server.ledger.entries()].count("invoice.post") == 1


def test_a_cancelled_invoice_is_not_posted(sale, target):
    [number] = target.make_invoices(sale.id)
    change(sale.odoo, "account.move", {"state": "cancel"}, number)
    with pytest.raises(RecordRejected, match="cancel"):
        target.post_invoice(number)


@pytest.mark.fault("B1")
def test_what_the_wizard_made_without_an_answer_stands_in_the_sale(sale, odoo, target):
    fault(odoo, "sale.advance.payment.inv/create_invoices", kind="commit_then_drop")
    with pytest.raises(OutcomeUnknown):
        target.make_invoices(sale.id)
    assert [each.state for each in sale.standing().invoices] == [InvoiceState.DRAFT]


def test_a_wizard_that_was_never_run_has_invoiced_nothing(sale, odoo, target):
    fault(odoo, "sale.advance.payment.inv/create", kind="commit_then_drop")
    with pytest.raises(Transient):
        target.make_invoices(sale.id)
    assert sale.standing().invoices == ()


# Payments


def test_a_payment_is_posted_matched_and_read_back(sale, odoo, target):
    """`invoice_ids` links alone: the invoice stays open until the two lines are reconciled."""
    sale.invoiced()
    made = target.register_payment(sale.pay_payload())
    assert (made.key, made.total, made.currency, made.rank) == ("web:1001:pay:tx-1", TOTAL, "EUR", Rank.CONFIRMED)
    assert target.find_payments(["web:1001:pay:tx-1", "nobody's"]) == {"web:1001:pay:tx-1": [made]}
    standing = sale.standing()
    [invoice] = standing.invoices
    assert (invoice.state, invoice.open.amount) == (InvoiceState.PAID, 0)
    assert [(each.reference, each.amount.amount) for each in standing.payments] == [("web:1001:pay:tx-1", TOTAL)]
    [row] = sale.rows("account.payment")
    assert odoo.db.get("account.journal", row["journal_id"])["code"] == "PPL"
    assert row["payment_reference"] == "tx-1"
    with pytest.raises(AlreadyExists):
        target.register_payment(sale_payload_again(row, sale))


def sale_payload_again(row, sale):
    return {
        "key": "web:1001:pay:tx-1", "invoice": row["invoice_ids"][0], "journal_id": row["journal_id"],
        "amount": "23.80", "date": "2026-11-25", "payment_reference": "",
    }  # fmt: skip


def test_more_than_is_open_is_refused_before_anything_is_made(sale, target):
    sale.invoiced()
    payload = sale.pay_payload("20.00")
    with pytest.raises(RecordRejected, match=r"23\.80 are to be paid|open for 23\.8"):
        target.register_payment({**payload, "amount": "23.81"})
    target.register_payment(payload)
    assert sale.standing().invoices[0].open.amount == Decimal("3.80")
    assert len(sale.rows("account.payment")) == 1


@pytest.mark.fault("B1", "B3")
@pytest.mark.parametrize(
    ("path", "rank"),
    [
        ("account.payment/load", Rank.DRAFT),
        ("account.payment/action_post", Rank.QUOTED),
        ("account.move/js_assign_outstanding_line", Rank.CONFIRMED),
    ],
)
def test_a_payment_that_was_left_half_way_is_brought_to_its_end_by_the_same_call(sale, odoo, target, path, rank):
    sale.invoiced()
    payload = sale.pay_payload()
    fault(odoo, path, kind="commit_then_drop")
    with pytest.raises(OutcomeUnknown):
        target.register_payment(payload)
    [left] = target.find_payments([payload["key"]])[payload["key"]]
    assert left.rank is rank
    if rank is not Rank.CONFIRMED:
        assert target.register_payment(payload).rank is Rank.CONFIRMED
    assert len(sale.rows("account.payment")) == 1
    assert sale.standing().invoices[0].state is InvoiceState.PAID
    assert [each.kind for each in odoo.server.ledger.entries()].count("payment.post") == 1


def test_a_payment_whose_invoice_was_paid_meanwhile_stands_and_is_said(sale, odoo, target):
    sale.invoiced()
    payload = sale.pay_payload()
    fault(odoo, "account.payment/action_post", kind="commit_then_drop")
    with pytest.raises(OutcomeUnknown):
        target.register_payment(payload)
    target.register_payment({**payload, "key": "somebody's"})
    with pytest.raises(RecordRejected, match="match them there") as caught:
        target.register_payment(payload)
    assert caught.value.code == "not_matched"
    assert len(sale.rows("account.payment")) == 2


def test_a_payment_that_waits_for_the_bank_has_no_entry_and_counts(sale, odoo, target):
    """A journal without an account for outstanding money: the invoice is in payment, and nothing can be reconciled."""
    change(odoo, "account.payment.method.line", {"payment_account_id": None})
    sale.invoiced()
    made = target.register_payment(sale.pay_payload())
    assert made.rank is Rank.CONFIRMED
    standing = sale.standing()
    assert standing.invoices[0].state is InvoiceState.PAID
    assert [each.reference for each in standing.payments] == [made.key]


def test_a_draft_of_a_payment_pays_nothing_and_is_found(sale, target):
    sale.invoiced()
    payload = sale.pay_payload()
    draft = target.draft_payment(payload)
    assert draft.rank is Rank.DRAFT
    assert sale.standing().invoices[0].open.amount == TOTAL
    with pytest.raises(AlreadyExists):
        target.draft_payment(payload)


def test_a_copy_of_a_payment_bears_the_memo_and_is_not_ours(sale, odoo, target):
    sale.invoiced()
    made = target.register_payment(sale.pay_payload())
    people.act(
        odoo.app, lambda db: db.insert("account.payment", copied(db.get("account.payment", int(made.external_id))))
    )
    assert len(target.find_payments([made.key])[made.key]) == 1


def test_a_payment_that_people_cancelled_is_not_made_a_second_time(sale, odoo, target):
    sale.invoiced()
    payload = sale.pay_payload()
    target.draft_payment(payload)
    change(odoo, "account.payment", {"state": "canceled"})
    assert target.find_payments([payload["key"]]) == {}
    with pytest.raises(RecordRejected, match="cancelled"):
        target.register_payment(payload)


def test_what_is_paid_out_goes_on_the_credit_note(sale, odoo, target):
    sale.sent().invoiced()
    credit = sale.give_back(sale.refund()).document
    target.post_invoice(credit.external_id)
    made = target.register_payment(sale.pay_payload("-11.90", "tx-2"))
    assert made.total == Decimal("-11.90")
    note = next(each for each in sale.standing().invoices if each.credit)
    assert (note.state, note.open.amount) == (InvoiceState.PAID, 0)


# Fees


def test_a_fee_is_an_entry_that_balances_against_the_account_of_the_payments(sale, odoo, target):
    payment = sale.payment(fee="0.68")
    refs = target.resolve(mapping.FACETS.fee_references(payment, OPTIONS))
    payload = mapping.FACETS.fee(sale.order, payment, refs, OPTIONS)
    draft = target.book_fee(payload)
    assert (draft.key, draft.total, draft.rank) == ("web:1001:pay:tx-1:fee", Decimal("0.68"), Rank.DRAFT)
    with pytest.raises(AlreadyExists):
        target.book_fee(payload)
    posted = target.post_fee(draft.external_id)
    assert (posted.rank, posted.key) == (Rank.CONFIRMED, draft.key)
    assert target.post_fee(draft.external_id) == posted
    assert target.find_fees([draft.key]) == {draft.key: [posted]}
    lines = [each for each in sale.rows("account.move.line") if each["move_id"] == int(draft.external_id)]
    codes = {odoo.db.get("account.account", each["account_id"])["code"]: each for each in lines}
    assert (codes["6855"]["debit"], codes["1461"]["credit"]) == (0.68, 0.68)


def test_an_account_is_found_by_its_code_and_a_number_is_no_id(target):
    known_, id_ = Ref("account", "6855"), Ref("account", "2")
    assert target.resolve({known_, id_}).keys() == {known_}


# Refunds


def test_pieces_that_come_back_are_credited_and_announced(sale, odoo, target):
    sale.sent().invoiced()
    made = sale.give_back(sale.refund()).document
    assert (made.key, made.total, made.rank) == ("web:1001:refund:5", Decimal("-11.90"), Rank.CONFIRMED)
    assert made.number == f"* {made.external_id}"
    standing = sale.standing()
    [credit] = standing.refunds
    assert (credit.key, credit.total.amount, credit.state) == (made.key, Decimal("-11.90"), SaleState.CONFIRMED)
    [back] = [each for each in standing.shipments if each.back]
    assert back.state is ShipmentState.PLANNED
    assert [(each.code, each.quantity) for each in back.lines] == [("TASSE-ROT", 1)]
    [picking] = [each for each in sale.rows("stock.picking") if each.get("return_id")]
    assert picking["state"] == "assigned"
    assert odoo.db.external_ids("stock.picking", picking["id"])[0].startswith("crossdock.web:1001:refund:5:return:")
    [note] = [each for each in sale.rows("account.move") if each["move_type"] == "out_refund"]
    assert note["reversed_entry_id"]
    assert note["invoice_origin"] == standing.number
    assert "&lt;big&gt;" in note["narration"]
    target.post_invoice(made.external_id)
    [found] = target.find_refunds([made.key])[made.key]
    assert (found.state, found.number[:5]) == ("posted", "RINV/")


def test_pieces_that_were_given_back_are_not_invoiced_a_second_time(sale, target):
    """Invoiced as ordered: a credit note that named the sale's line would put it back to `to invoice`."""
    sale.sent().invoiced()
    sale.give_back(sale.refund())
    assert not sale.standing().uninvoiced
    with pytest.raises(RecordRejected):
        target.make_invoices(sale.id)


def test_a_refund_before_the_invoice_leaves_the_invoice_as_it_is(sale, target):
    sale.give_back(sale.refund(restock=False))
    sale.invoiced()
    standing = sale.standing()
    assert sorted(each.total.amount for each in standing.invoices) == [Decimal("-11.90"), TOTAL]


def test_an_article_that_is_invoiced_as_delivered_is_credited_on_the_sales_line(odoo, target):
    change(odoo, "product.product", {"invoice_policy": "delivery"})
    sale = Sale(odoo, target).sent().invoiced()
    sale.give_back(sale.refund())
    [line] = sale.survey()["order_line"]
    assert (line["qty_invoiced"], line["qty_delivered"]) == (1, 2)
    [picking] = [each for each in sale.rows("stock.picking") if each.get("return_id")]
    people.act(odoo.app, lambda db: stock.validate(db, [picking], {}))
    [line] = sale.survey()["order_line"]
    assert (line["qty_invoiced"], line["qty_delivered"]) == (1, 1)
    assert not sale.standing().uninvoiced


def test_what_never_left_is_announced_beside_what_is_still_to_leave(sale):
    """So it is seen that a refunded piece is still to be sent."""
    assert sale.give_back(sale.refund()).document.total == Decimal("-11.90")
    assert unsent(sale.standing()) == too_many(sale.standing()) == {"TASSE-ROT": 1}
    sale.give_back(sale.refund("2", "20.00", "3.80", number="6"))
    assert unsent(sale.standing()) == {"TASSE-ROT": 2}
    assert all(not each.get("origin_returned_move_id") for each in sale.rows("stock.move"))


def test_of_an_article_that_left_in_part_what_has_left_comes_back_first(odoo, sale):
    people.send(odoo.app, int(sale.id), "T-1", {"TASSE-ROT": Decimal(1)})
    sale.give_back(sale.refund("2", "20.00", "3.80"))
    back = [each for each in sale.standing().shipments if each.back]
    assert [[line.quantity for line in each.lines] for each in back] == [[1], [1]]
    assert unsent(sale.standing()) == {"TASSE-ROT": 1}


def test_what_came_back_already_does_not_come_back_again(sale):
    sale.sent().invoiced()
    sale.give_back(sale.refund("2", "20.00", "3.80"))
    sale.give_back(sale.refund(number="6"))
    returns = [each for each in sale.rows("stock.picking") if each.get("return_id")]
    assert len(returns) == 1


def test_an_amount_without_lines_is_credited_to_the_cent_with_the_orders_tax(sale):
    sale.sent().invoiced()
    made = sale.give_back(sale.refund(net="0", tax="0", goodwill="3.33")).document
    assert (made.total, made.tax) == (Decimal("-3.33"), Decimal("-0.53"))
    assert [each.total.amount for each in sale.standing().refunds] == [Decimal("-3.33")]


@pytest.mark.fault("B1", "B3")
@pytest.mark.parametrize("path", ["stock.picking/load", "stock.picking/action_confirm", "account.move/load"])
@pytest.mark.parametrize("kind", ["commit_then_drop", "reset"])
def test_a_refund_that_was_left_half_way_is_made_once(sale, odoo, target, path, kind):
    sale.sent().invoiced()
    fault(odoo, path, kind=kind)
    assert isinstance(sale.give_back(sale.refund()).error, OutcomeUnknown | Transient)
    if not target.find_refunds(["web:1001:refund:5"]):
        assert sale.give_back(sale.refund()).error is None
    assert isinstance(sale.give_back(sale.refund()).error, AlreadyExists)
    assert len([each for each in sale.rows("stock.picking") if each.get("return_id")]) == 1
    [move] = [each for each in sale.rows("stock.move") if each.get("origin_returned_move_id")]
    assert move["product_uom_qty"] == 1
    assert len([each for each in sale.rows("account.move") if each["move_type"] == "out_refund"]) == 1


def test_two_loads_at_once_undo_each_other_and_the_same_call_is_made_again(sale, odoo):
    sale.sent().invoiced()
    odoo.app.conflicts = 1
    assert sale.give_back(sale.refund()).error is None


def test_credit_notes_are_listed_with_their_sale_by_whoever_made_them(sale, odoo, target):
    sale.sent().invoiced()
    since = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    made = sale.give_back(sale.refund()).document
    [invoice] = [each for each in sale.rows("account.move") if each["move_type"] == "out_invoice"]
    theirs = {"move_type": "out_refund", "state": "draft", "reversed_entry_id": invoice["id"], "invoice_origin": None}
    people.act(odoo.app, lambda db: db.insert("account.move", copied(invoice) | theirs))
    listed = list(target.list_refunds(since, since + dt.timedelta(hours=2)))
    assert [(each.key, each.of, each.amount, each.posted) for each in listed] == [
        (made.key, sale.id, Decimal("11.90"), False),
        ("", sale.id, Decimal(0), False),
    ]


def test_a_refund_in_a_foreign_currency_is_credited_in_it(odoo, target):
    sale = Sale(odoo, target, currency="USD")
    made = sale.give_back(in_dollars(sale.refund(restock=False))).document
    assert (made.currency, made.total) == ("USD", Decimal("-11.90"))


@pytest.mark.parametrize("version", [17, 18])
def test_older_versions_are_written_to_by_their_own_names(version):
    with running_odoo(OdooOptions(settle_s=60, prints=True, version=version)) as odoo:
        target = connect(odoo)
        sale = Sale(odoo, target).sent().invoiced()
        made = target.register_payment(sale.pay_payload())
        assert target.find_payments([made.key]) == {made.key: [made]}
        assert sale.give_back(sale.refund()).document.total == Decimal("-11.90")
        standing = sale.standing()
        assert [each.state for each in standing.invoices if not each.credit] == [InvoiceState.PAID]
        assert len([each for each in standing.shipments if each.back]) == 1


# Files


def test_the_pdf_of_a_posted_invoice_is_given_up_to_its_cap(sale, target):
    sale.invoiced()
    [invoice] = sale.standing().invoices
    file = target.fetch_file("invoice", invoice.external_id, max_bytes=1_000_000)
    assert (file.content_type, file.body[:5]) == ("application/pdf", b"%PDF-")
    assert file.name.endswith(".pdf")
    assert target.fetch_file("invoice", invoice.external_id, max_bytes=len(file.body)) == file
    with pytest.raises(RecordRejected, match=str(len(file.body) - 1)):
        target.fetch_file("invoice", invoice.external_id, max_bytes=len(file.body) - 1)


def test_an_invoice_that_nobody_has_printed_has_no_file_yet(target, odoo):
    odoo.db.prints = False
    sale = Sale(odoo, target).invoiced()
    with pytest.raises(RecordRejected, match="Send & Print") as caught:
        target.fetch_file("invoice", sale.standing().invoices[0].external_id, max_bytes=1_000_000)
    assert caught.value.code == NOT_PRINTED


@pytest.mark.parametrize("datas", [base64.b64encode(b"<html>").decode(), "no base64 at all", ""])
def test_what_is_no_pdf_is_refused(sale, odoo, target, datas):
    sale.invoiced()
    change(odoo, "ir.attachment", {"datas": datas})
    with pytest.raises(RecordRejected) as caught:
        target.fetch_file("invoice", sale.standing().invoices[0].external_id, max_bytes=1_000_000)
    assert caught.value.code == "no_pdf"


def test_a_draft_and_anything_else_have_no_file(sale, target):
    [number] = target.make_invoices(sale.id)
    with pytest.raises(RecordRejected, match="draft"):
        target.fetch_file("invoice", number, max_bytes=1_000_000)
    with pytest.raises(RecordRejected, match="prints no"):
        target.fetch_file("shipment", number, max_bytes=1_000_000)
