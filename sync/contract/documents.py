"""What holds for the documents that hang on a sale: refunds, payments, fees, invoices; each kept single by its key."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import AlreadyExists, OutcomeUnknown, RecordRejected
from connectors.sandbox.patience import wait_until
from mappings.canonical.facets import InvoiceState
from mappings.canonical.refs import Ref
from sync.contract.base import shows
from sync.contract.erps import FEE, ErpContract, Life, Reads, Writes
from sync.contract.standins import REFUNDED, TOTAL


class _KeptSingle(ErpContract):
    """How one kind of document is kept single; it holds for every way in which an ERP can be set up."""

    kind: ClassVar[str]

    def make(self, life: Life) -> object:
        """Make one under its key."""
        raise NotImplementedError

    def find(self, target: Any) -> Any:
        """What stands under that key."""
        raise NotImplementedError

    def test_its_key_is_declared(self, target: Any) -> None:
        declared = target.keys[self.kind]
        assert declared.key_field
        assert declared.enforced or declared.how_to_enforce or not declared.same_call or self.kind in {"payment", "fee"}

    @shows("B1")
    @pytest.mark.parametrize("fault", ["commit_then_drop", "commit_then_hang", "drop_then_commit", "hang_then_commit"])
    def test_a_crash_after_the_create_leaves_one_that_is_found_by_its_key(
        self, life: Life, fake: Any, target: Any, fault: str
    ) -> None:
        if self.kind == "payment":
            life.post()
        action = {"payment": "pay", "fee": "book_fee"}.get(self.kind, self.kind)
        fake.break_next(action, kind=fault, after_s=0.4, hold_s=1.5)
        with pytest.raises(OutcomeUnknown) as caught:
            self.make(life)
        assert type(caught.value) is OutcomeUnknown
        assert target.keys[self.kind].same_call
        # One that comes late may have come by now: this machine takes its time.
        assert self.find(target) or not fault.startswith("commit")
        assert len(wait_until(lambda: self.find(target))) == 1


class RefundsKeptSingle(_KeptSingle):
    """Refunds."""

    kind = "refund"

    def make(self, life: Life) -> object:
        """One refund."""
        return life.write("refund")

    def find(self, target: Any) -> Any:
        """Refunds."""
        return target.find_refunds(["k1:refund:1"]).get("k1:refund:1")

    def test_a_refund_twice_stands_once_or_both_are_found(self, life: Life, target: Any) -> None:
        first, second = life.refund(), life.refund()
        found = target.find_refunds(["k1:refund:1"])["k1:refund:1"]
        if target.keys["refund"].enforced:
            assert isinstance(second.error, AlreadyExists)
            assert [each.external_id for each in found] == [first.document.external_id]
        else:
            ids = [first.document.external_id, second.document.external_id]
            assert [each.external_id for each in found] == sorted(ids, key=int)
            target.delete_draft(second.document)
            assert len(target.find_refunds(["k1:refund:1"])["k1:refund:1"]) == 1


class PaymentsKeptSingle(_KeptSingle):
    """Payments."""

    kind = "payment"

    def make(self, life: Life) -> object:
        """A part of what is open."""
        return life.pay(amount=Decimal("1.00"))

    def find(self, target: Any) -> Any:
        """Payments."""
        return target.find_payments(["k1:pay:1"]).get("k1:pay:1")

    def test_a_payment_twice_stands_once_or_both_are_found(self, life: Life, target: Any) -> None:
        life.post()
        life.pay(amount=Decimal("1.00"))
        if target.keys["payment"].enforced:
            with pytest.raises(AlreadyExists):
                life.pay(amount=Decimal("1.00"))
            assert len(target.find_payments(["k1:pay:1"])["k1:pay:1"]) == 1
        else:
            life.pay(amount=Decimal("1.00"))
            assert len(target.find_payments(["k1:pay:1"])["k1:pay:1"]) == 2


class FeesKeptSingle(_KeptSingle):
    """What gateways kept."""

    kind = "fee"

    def make(self, life: Life) -> object:
        """A draft."""
        return life.fee()

    def find(self, target: Any) -> Any:
        """Drafts and posted ones."""
        return target.find_fees(["k1:pay:1:fee"]).get("k1:pay:1:fee")


class RefundsSalesContract(RefundsKeptSingle, Writes, Reads):
    """`RefundsSales`: as a sale, and never taken for one."""

    writes = ("refund", "advance_refund")
    reads = ("find_refunds",)

    def test_a_refund_is_created_found_and_brought_on_with_its_key(self, life: Life, target: Any) -> None:
        created = life.refund().document
        assert (created.key, created.rank, created.total) == ("k1:refund:1", life.fake.refund_rank, REFUNDED)

        [result] = target.advance_refunds([created], Rank.CONFIRMED)

        assert (result.document.rank, result.document.total) == (Rank.CONFIRMED, REFUNDED)
        assert result.document.number
        [found] = target.find_refunds(["nobody's", "k1:refund:1"])["k1:refund:1"]
        assert (found.external_id, found.rank) == (created.external_id, Rank.CONFIRMED)

    def test_a_confirmed_refund_is_never_confirmed_again(self, life: Life, target: Any) -> None:
        draft = life.refund().document
        [first] = target.advance_refunds([draft], Rank.CONFIRMED)
        before = life.survey()
        [left_alone] = target.advance_refunds([first.document], Rank.CONFIRMED)
        [seen_too_late] = target.advance_refunds([draft], Rank.CONFIRMED)
        assert left_alone.document == first.document
        assert seen_too_late.document.rank is Rank.CONFIRMED
        assert life.survey() == before

    def test_no_refund_is_found_as_a_sale_nor_a_sale_as_a_refund(self, life: Life, target: Any) -> None:
        life.refund()
        assert target.find_sales(["k1:refund:1"]) == {}
        assert target.find_refunds(["k1"]) == {}


class ListsRefundsContract(ErpContract):
    """`ListsRefunds` of an ERP."""

    def test_every_refund_is_listed_with_its_sale_and_whether_its_note_is_posted(self, life: Life, target: Any) -> None:
        """By whoever made it; the proof holds it against the shop's own list."""
        since = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)

        def listed() -> list[tuple[Any, ...]]:
            rows = target.list_refunds(since, since + dt.timedelta(days=4))
            return [(each.key, each.of, each.amount, each.rank, each.posted) for each in rows]

        assert listed() == []
        life.refund()
        assert listed() == [("k1:refund:1", life.id, -REFUNDED, life.fake.refund_rank, False)]
        life.refund(rank=Rank.CONFIRMED, key="k1:refund:2")
        [note] = [each for each in life.standing().invoices if each.refund_key == "k1:refund:2"]
        target.post_invoice(note.external_id)
        assert listed()[1:] == [("k1:refund:2", life.id, -REFUNDED, Rank.CONFIRMED, True)]
        assert list(target.list_refunds(since, since + dt.timedelta(days=1))) == []


class TakesPaymentsContract(PaymentsKeptSingle, Writes, Reads):
    """`TakesPayments`: up to what is open, on what is posted."""

    writes = ("pay",)
    reads = ("find_payments",)

    def test_a_payment_is_found_by_its_reference(self, life: Life, target: Any) -> None:
        life.post()
        made = life.pay(amount=Decimal("5.00"))
        assert (made.key, made.total, made.currency) == ("k1:pay:1", Decimal("5.00"), "EUR")
        [found] = target.find_payments(["k1:pay:1", "nobody's"])["k1:pay:1"]
        assert found == made

    def test_parts_are_paid_until_nothing_is_open_and_more_is_refused(self, life: Life) -> None:
        life.post()
        life.pay("a", Decimal("20.00"))
        with pytest.raises(RecordRejected):
            life.pay("b", TOTAL)
        life.pay("b", TOTAL - Decimal("20.00"))
        with pytest.raises(RecordRejected):
            life.pay("c", Decimal("0.01"))
        assert sorted((each.reference, str(each.amount.amount)) for each in life.standing().payments) == [
            ("a", "20.00"),
            ("b", "3.80"),
        ]
        assert life.standing().invoices[0].state is InvoiceState.PAID

    def test_an_invoice_that_is_not_posted_is_not_paid(self, life: Life) -> None:
        with pytest.raises(RecordRejected):
            life.pay()
        assert life.standing().payments == ()


class DraftsPaymentsContract(ErpContract):
    """`DraftsPayments`."""

    def test_a_payment_that_is_left_as_a_draft_is_found_and_pays_nothing(
        self, life: Life, fake: Any, target: Any
    ) -> None:
        life.post()
        made = target.draft_payment(fake.payment("k1:pay:1", life.survey(), TOTAL))
        assert (made.key, made.total, made.rank) == ("k1:pay:1", TOTAL, Rank.DRAFT)
        assert target.find_payments(["k1:pay:1"]) == {"k1:pay:1": [made]}
        standing = life.standing()
        assert (standing.payments, standing.invoices[0].open.amount) == ((), TOTAL)


class BooksFeesContract(FeesKeptSingle, Writes, Reads):
    """`BooksFees`: as drafts, on an account, with nothing of the sale moved."""

    writes = ("book_fee", "post_fee")
    reads = ("find_fees",)

    def test_what_a_gateway_kept_is_booked_as_a_draft_found_by_its_reference_and_posted_once(
        self, life: Life, target: Any
    ) -> None:
        """Before any invoice, and with nothing of the sale moved."""
        before = life.survey()
        draft = life.fee()
        assert (draft.key, draft.total, draft.currency, draft.rank) == ("k1:pay:1:fee", FEE, "EUR", Rank.DRAFT)
        assert target.find_fees(["nobody's", "k1:pay:1:fee"]) == {"k1:pay:1:fee": [draft]}
        posted = target.post_fee(draft.external_id)
        assert (posted.external_id, posted.total, posted.rank) == (draft.external_id, FEE, Rank.CONFIRMED)
        assert target.post_fee(draft.external_id) == posted
        assert target.find_fees(["k1:pay:1:fee"]) == {"k1:pay:1:fee": [posted]}
        assert life.survey() == before

    def test_the_account_of_fees_is_found_by_its_code_and_any_other_is_not(self, fake: Any, target: Any) -> None:
        known, unknown = Ref("account", fake.fee_account), Ref("account", "no-such-account")
        found = target.resolve({known, unknown})
        assert found.keys() == {known}
        assert found[known]["id"]


class MakesInvoicesContract(ErpContract):
    """`MakesInvoices`: of all that can be invoiced, and never twice."""

    def test_a_sale_is_invoiced_once(self, life: Life, target: Any) -> None:
        [made] = target.make_invoices(life.id)
        [invoice] = life.standing().invoices
        assert (invoice.external_id, invoice.state, invoice.total.amount) == (made, InvoiceState.DRAFT, TOTAL)
        with pytest.raises(RecordRejected):
            target.make_invoices(life.id)
        assert len(life.standing().invoices) == 1

    @shows("B1")
    def test_what_was_made_without_an_answer_stands_on_the_sale(self, life: Life, fake: Any, target: Any) -> None:
        fake.break_next("make_invoices", kind="commit_then_drop")
        with pytest.raises(OutcomeUnknown):
            target.make_invoices(life.id)
        assert len(life.standing().invoices) == 1


class PostsInvoicesContract(Writes):
    """`PostsInvoices`."""

    writes = ("post",)

    def test_an_invoice_is_posted_once(self, life: Life) -> None:
        life.post()
        before = life.survey()
        life.post()
        assert life.survey() == before


class GivesFilesContract(ErpContract):
    """`GivesFiles`: of what is posted, up to a size."""

    def test_a_posted_invoice_has_a_file_and_it_stays_the_same(self, life: Life, target: Any) -> None:
        life.post()
        number = life.standing().invoices[0].external_id
        first, second = (target.fetch_file("invoice", number, max_bytes=1_000_000) for _ in range(2))
        assert first.name
        assert first.content_type
        assert len(first.body) > 20
        assert first.content_type == second.content_type

    def test_a_file_at_the_cap_is_given_and_one_byte_more_is_refused(self, life: Life, target: Any) -> None:
        life.post()
        number = life.standing().invoices[0].external_id
        size = len(target.fetch_file("invoice", number, max_bytes=1_000_000).body)
        assert len(target.fetch_file("invoice", number, max_bytes=size).body) == size
        with pytest.raises(RecordRejected, match=str(size - 1)):
            target.fetch_file("invoice", number, max_bytes=size - 1)

    def test_a_draft_has_no_file(self, life: Life, target: Any) -> None:
        with pytest.raises(RecordRejected):
            target.fetch_file("invoice", life.invoice(), max_bytes=1_000_000)
