"""What holds for whoever follows sales, changes them and counts goods."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import ConnectionBroken, RecordRejected
from mappings.canonical.facets import InvoiceState, SaleState, ShipmentState
from sync.contract.erps import ErpContract, Life, Reads, Writes, last_checkpoint, named_since
from sync.contract.standins import REFUNDED, TOTAL


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(each) for name, each in value.items() if name not in {"updated_at", "write_date"}}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def figure(fake: Any, target: Any, sku: str | None = None) -> Decimal | None:
    """What is left of a product at `fake.location`; None where the ERP says nothing."""
    sku = sku or fake.known_product.value
    readings = [each for batch in target.read_stock([fake.location], [sku]) for each in batch]
    return {each.sku: each.quantity for each in readings}.get(sku)


class ChangesSalesContract(Writes):
    """`ChangesSales`: as far as a sale's state allows, and a repeat changes nothing."""

    writes = ("cancel", "change")

    def test_a_draft_is_changed_and_a_repeat_changes_nothing(self, fake: Any, target: Any) -> None:
        [created] = target.create_sales([fake.sale("k1")])
        number = created.document.external_id
        assert target.change_sale(number, fake.change("ring twice")).rank is Rank.DRAFT
        before, checkpoint = target.survey_sales([number]), last_checkpoint(target)
        assert "ring twice" in str(before)
        target.change_sale(number, fake.change("ring twice"))
        assert _without_times(target.survey_sales([number])) == _without_times(before)
        assert checkpoint

    def test_a_sale_that_is_closed_to_changes_is_not_changed(self, life: Life, fake: Any, target: Any) -> None:
        fake.someone_closes(life.id)
        with pytest.raises(RecordRejected, match=r"confirmed|processing|locked"):
            target.change_sale(life.id, fake.change("ring twice"))

    def test_a_cancelled_sale_takes_its_drafts_with_it_and_stays_cancelled(self, life: Life, target: Any) -> None:
        target.cancel_sale(life.id)
        before = life.survey()
        target.cancel_sale(life.id)
        assert _without_times(life.survey()) == _without_times(before)
        standing = life.standing()
        assert {each.state for each in standing.shipments} <= {ShipmentState.CANCELLED}
        assert {each.state for each in standing.invoices} <= {InvoiceState.CANCELLED}
        assert standing.state in {SaleState.CANCELLED, SaleState.HELD}

    def test_a_sale_that_was_sent_is_not_cancelled(self, life: Life, fake: Any, target: Any) -> None:
        fake.someone_sends(life.id, "T-1")
        assert target.cancel_sale(life.id).rank is not Rank.CANCELLED
        assert life.standing().state is not SaleState.CANCELLED
        assert ShipmentState.SENT in {each.state for each in life.standing().shipments}


class CallsOffGoodsContract(ErpContract):
    """`CallsOffGoods`: less is sent, and what somebody has sent is not taken out."""

    def test_what_is_called_off_is_not_sent(self, life: Life, fake: Any, target: Any) -> None:
        target.call_off(life.id, {fake.known_product.value: Decimal(1)}, [])
        target.call_off(life.id, {}, [])
        fake.someone_sends(life.id, "T-1")
        sent = [each for each in life.standing().shipments if each.state is ShipmentState.SENT]
        assert [(line.code, line.quantity) for each in sent for line in each.lines] == [
            (fake.known_product.value, Decimal(1))
        ]

    def test_what_was_sent_is_not_called_off(self, life: Life, fake: Any, target: Any) -> None:
        fake.someone_sends(life.id, "T-1")
        before = life.survey()
        with pytest.raises(RecordRejected):
            target.call_off(life.id, {fake.known_product.value: Decimal(1)}, [])
        assert life.survey() == before


class FollowsSalesContract(Reads):
    """`FollowsSales`: whatever is done names its sale, and its survey says it."""

    reads = ("survey", "pull")

    def test_a_survey_says_what_was_just_done(self, life: Life, fake: Any) -> None:
        fake.someone_invoices(life.id)
        standing = life.standing()
        assert (standing.external_id, standing.state, standing.total.amount) == (life.id, SaleState.CONFIRMED, TOTAL)
        assert [(each.code, each.quantity) for each in standing.lines] == [(fake.known_product.value, Decimal(2))]
        assert [each.state for each in standing.invoices] == [InvoiceState.DRAFT]

        fake.someone_sends(life.id, "T-1")
        standing = life.standing()
        assert standing.state is SaleState.SHIPPED
        [shipment] = standing.shipments
        assert (shipment.state, shipment.back) == (ShipmentState.SENT, False)
        assert [parcel.tracking_number for parcel in shipment.parcels] == ["T-1"]
        assert [(each.code, each.quantity) for each in shipment.lines] == [(fake.known_product.value, Decimal(2))]
        assert shipment.sent_on

        fake.someone_corrects(life.id, "T-2")
        assert [parcel.tracking_number for parcel in life.standing().shipments[0].parcels] == ["T-2"]

        life.post()
        [invoice] = life.standing().invoices
        assert (invoice.state, invoice.total.amount, invoice.open.amount) == (InvoiceState.POSTED, TOTAL, TOTAL)
        assert invoice.number
        assert invoice.due_on
        assert invoice.net + invoice.tax == invoice.total

        life.pay()
        assert life.standing().invoices[0].open.amount == 0
        assert life.standing().state is SaleState.DONE

        life.refund(rank=Rank.CONFIRMED)
        standing = life.standing()
        assert [(each.key, each.total.amount) for each in standing.refunds] == [("k1:refund:1", REFUNDED)]
        [note] = [each for each in standing.invoices if each.credit]
        assert (note.total.amount, note.refund_key) == (REFUNDED, "k1:refund:1")
        [back] = [each for each in standing.shipments if each.back]
        assert [(each.code, each.quantity) for each in back.lines] == [(fake.known_product.value, Decimal(1))]

    def test_whatever_is_done_names_the_sale(self, life: Life, fake: Any, target: Any) -> None:
        steps: tuple[Callable[[], object], ...] = (
            lambda: fake.someone_sends(life.id, "T-1"),
            lambda: fake.someone_corrects(life.id, "T-2"),
            life.post,
            life.pay,
            lambda: life.refund(rank=Rank.CONFIRMED),
        )
        for number, step in enumerate(steps):
            checkpoint = last_checkpoint(target)
            step()
            assert life.id in named_since(target, checkpoint), number

    def test_a_pull_resumes_after_each_page_without_a_loss_while_sales_change(self, fake: Any) -> None:
        target = fake.connect(options={"page_size": 1})
        lives = [Life(fake, target, f"k{number}") for number in range(4)]
        changing = iter([0, 2, 0, 3, 1])
        seen: list[str] = []
        checkpoint: Any = None
        for _ in range(40):
            page = next(target.pull_sales(checkpoint))
            number = next(changing, None)
            seen += [envelope.external_id for envelope in page.envelopes]
            if page.checkpoint == checkpoint and number is None:
                break
            checkpoint = page.checkpoint
            if number is not None:
                fake.someone_sends(lives[number].id, "T") if number else fake.someone_corrects(
                    lives[0].id, f"T-{len(seen)}"
                )
                last = lives[number].id
        assert {each.id for each in lives} <= set(seen)
        assert last in seen
        again = named_since(target, checkpoint)
        assert again <= set(seen) if fake.repeats else again == set()

    def test_a_first_pull_may_begin_at_a_moment(self, life: Life, target: Any) -> None:
        now = dt.datetime.now(dt.UTC)
        [page] = target.pull_sales(None, since=now + dt.timedelta(hours=1))
        assert (page.envelopes, bool(page.checkpoint)) == ((), True)
        pages = list(target.pull_sales(None, since=now - dt.timedelta(hours=1)))
        assert life.id in {envelope.external_id for page in pages for envelope in page.envelopes}

    def test_a_change_is_told_under_a_version_that_was_not_told_before(
        self, life: Life, fake: Any, target: Any
    ) -> None:
        def versions() -> set[str]:
            pages = list(target.pull_sales(None))
            return {each.version for page in pages for each in page.envelopes if each.external_id == life.id}

        before = versions()
        fake.someone_sends(life.id, "T-1")
        after = versions()
        assert after - before
        # Where times are coarse, two changes may bear the same one, and what tells them apart has no order.
        assert fake.repeats or max(after) > max(before)

    @pytest.mark.parametrize("checkpoint", ["", "garbage", "1:x", "1:-1", "9:5"])
    def test_a_corrupt_checkpoint_is_an_error_and_not_a_new_beginning(self, target: Any, checkpoint: str) -> None:
        with pytest.raises(ConnectionBroken):
            list(target.pull_sales(checkpoint))

    def test_a_survey_of_what_is_gone_leaves_it_out(self, life: Life, target: Any) -> None:
        assert target.survey_sales([life.id, "999999"]).keys() == {life.id}

    def test_a_survey_takes_more_than_one_batch(self, fake: Any, target: Any) -> None:
        ids = [fake.someone_makes_a_sale(f"k{number}") for number in range(target.survey_batch + 3)]
        assert set(target.survey_sales(ids)) == set(ids)


class StockSourceContract(Reads):
    """`StockSource`: a figure is what is left to sell, at the rank that is declared."""

    reads = ("stock",)

    def test_a_sale_is_taken_out_of_the_figure_at_the_declared_rank_and_not_again_when_it_leaves(
        self, fake: Any, target: Any
    ) -> None:
        fake.someone_sets_stock("10")
        [created] = target.create_sales([fake.sale("k1")])
        assert target.reserves_at is Rank.CONFIRMED
        assert figure(fake, target) == Decimal(10)
        target.advance_sales([created.document], Rank.CONFIRMED)
        assert figure(fake, target) == Decimal(8)
        fake.someone_sends(created.document.external_id, "T-1")
        assert figure(fake, target) == Decimal(8)

    def test_zero_is_said_and_what_is_unknown_is_left_out(self, fake: Any, target: Any) -> None:
        fake.someone_sets_stock("0")
        assert figure(fake, target) == 0
        assert figure(fake, target, fake.unknown_product.value) is None

    def test_everything_can_be_read_and_says_the_same(self, fake: Any, target: Any) -> None:
        fake.someone_sets_stock("7")
        everything = {each.sku: each for batch in target.read_stock([fake.location]) for each in batch}
        assert everything[fake.known_product.value].quantity == Decimal(7)
        assert {each.location for each in everything.values()} == {fake.location}

    def test_a_place_is_read_by_the_code_under_which_it_is_listed(self, fake: Any, target: Any) -> None:
        assert fake.location in {place.code for place in target.list_locations()}
        assert all(place.name for place in target.list_locations())

    def test_the_first_pull_of_stock_names_nothing_and_later_ones_what_moved(self, fake: Any, target: Any) -> None:
        first = list(target.pull_stock_changes(None))
        assert frozenset().union(*(page.skus for page in first)) == frozenset()
        fake.someone_sets_stock("4")
        moved = list(target.pull_stock_changes(first[-1].checkpoint))
        assert fake.known_product.value in frozenset().union(*(page.skus for page in moved))
        Life(fake, target)
        again = list(target.pull_stock_changes(moved[-1].checkpoint))
        assert fake.known_product.value in frozenset().union(*(page.skus for page in again))

    def test_every_stock_source_says_what_its_figure_is(self, target: Any) -> None:
        assert target.figure
        assert target.stock_batch >= 1

    @pytest.mark.parametrize("checkpoint", ["x", "garbage", "1:x", "1:-1", "9:5"])
    def test_a_corrupt_checkpoint_is_an_error_and_not_a_new_beginning(self, target: Any, checkpoint: str) -> None:
        with pytest.raises(ConnectionBroken):
            list(target.pull_stock_changes(checkpoint))
