"""What holds for the way back of every ERP, whatever it speaks to: one suite over all of them, by capability."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit import facets, stock
from connectors.kit.base import Rank
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.registry import CONNECTORS, has
from mappings.canonical.facets import InvoiceState, SaleState, ShipmentState
from mappings.canonical.refs import Ref
from mappings.registry import ERP_FACETS
from tests.contract.facet_fakes import FAKES, REFUNDED, SYSTEMS
from tests.contract.facet_life import FEE, Life, last_checkpoint, named_since
from tests.contract.target_fakes import TOTAL

pytestmark = pytest.mark.loopback


@pytest.fixture(params=sorted(SYSTEMS))
def fake(request, tmp_path):
    with FAKES[request.param](tmp_path) as running:
        yield running


@pytest.fixture
def target(fake):
    return fake.connect()


@pytest.fixture
def life(fake, target):
    return Life(fake, target)


@pytest.fixture
def _books_fees(target):
    if not has(target, facets.BooksFees):
        pytest.skip("no fees: the configuration refuses them")


books_fees = pytest.mark.usefixtures("_books_fees")


# What is declared


@pytest.mark.parametrize("system", sorted(CONNECTORS))
def test_whoever_follows_sales_has_a_mapping_that_reads_them(system):
    assert has(CONNECTORS[system], facets.FollowsSales) == (system in ERP_FACETS)


# Refunds


def test_a_refund_is_created_found_and_brought_on_with_its_key(life, target):
    created = life.refund().document
    assert (created.key, created.rank, created.total) == ("k1:refund:1", Rank.DRAFT, REFUNDED)

    [result] = target.advance_refunds([created], Rank.CONFIRMED)

    assert (result.document.rank, result.document.total) == (Rank.CONFIRMED, REFUNDED)
    assert result.document.number
    [found] = target.find_refunds(["nobody's", "k1:refund:1"])["k1:refund:1"]
    assert (found.external_id, found.rank) == (created.external_id, Rank.CONFIRMED)


def test_a_confirmed_refund_is_never_confirmed_again(life, target):
    draft = life.refund().document
    [first] = target.advance_refunds([draft], Rank.CONFIRMED)
    before = life.survey()
    [left_alone] = target.advance_refunds([first.document], Rank.CONFIRMED)
    [seen_too_late] = target.advance_refunds([draft], Rank.CONFIRMED)
    assert left_alone.document == first.document
    assert seen_too_late.document.rank is Rank.CONFIRMED
    assert life.survey() == before


def test_no_refund_is_found_as_a_sale_nor_a_sale_as_a_refund(life, target):
    life.refund()
    assert target.find_sales(["k1:refund:1"]) == {}
    assert target.find_refunds(["k1"]) == {}


def test_every_refund_is_listed_with_its_sale_and_whether_its_note_is_posted(life, target):
    """By whoever made it; the proof holds it against the shop's own list."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)

    def listed():
        rows = target.list_refunds(since, since + dt.timedelta(days=4))
        return [(each.key, each.of, each.amount, each.rank, each.posted) for each in rows]

    assert listed() == []
    life.refund()
    assert listed() == [("k1:refund:1", life.id, -REFUNDED, Rank.DRAFT, False)]
    life.refund(rank=Rank.CONFIRMED, key="k1:refund:2")
    [note] = [each for each in life.standing().invoices if each.credit]
    target.post_invoice(note.external_id)
    assert listed()[1:] == [("k1:refund:2", life.id, -REFUNDED, Rank.CONFIRMED, True)]
    assert list(target.list_refunds(since, since + dt.timedelta(days=1))) == []


# Payments and invoices


def test_a_payment_is_found_by_its_reference(life, target):
    life.post()
    made = life.pay(amount=Decimal("5.00"))
    assert (made.key, made.total, made.currency) == ("k1:pay:1", Decimal("5.00"), "EUR")
    [found] = target.find_payments(["k1:pay:1", "nobody's"])["k1:pay:1"]
    assert found == made


def test_parts_are_paid_until_nothing_is_open_and_more_is_refused(life):
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


def test_a_payment_that_is_left_as_a_draft_is_found_and_pays_nothing(life, fake, target):
    if not has(target, facets.DraftsPayments):
        pytest.skip("payments are booked at once: the configuration refuses `draft`")
    life.post()
    made = target.draft_payment(fake.payment("k1:pay:1", life.survey(), TOTAL))
    assert (made.key, made.total, made.rank) == ("k1:pay:1", TOTAL, Rank.DRAFT)
    assert target.find_payments(["k1:pay:1"]) == {"k1:pay:1": [made]}
    standing = life.standing()
    assert (standing.payments, standing.invoices[0].open.amount) == ((), TOTAL)


@books_fees
def test_what_a_gateway_kept_is_booked_as_a_draft_found_by_its_reference_and_posted_once(life, target):
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


@books_fees
def test_the_account_of_fees_is_found_by_its_code_and_any_other_is_not(fake, target):
    known, unknown = Ref("account", fake.fee_account), Ref("account", "no-such-account")
    found = target.resolve({known, unknown})
    assert found.keys() == {known}
    assert found[known]["id"]


def test_an_invoice_that_is_not_posted_is_not_paid(life):
    with pytest.raises(RecordRejected):
        life.pay()
    assert life.standing().payments == ()


def test_an_invoice_is_posted_once(life):
    life.post()
    before = life.survey()
    life.post()
    assert life.survey() == before


# Files


def test_a_posted_invoice_has_a_file_and_it_stays_the_same(life, target):
    life.post()
    number = life.standing().invoices[0].external_id
    first, second = (target.fetch_file("invoice", number, max_bytes=1_000_000) for _ in range(2))
    assert first.name
    assert first.content_type
    assert len(first.body) > 20
    assert first.content_type == second.content_type


def test_a_file_at_the_cap_is_given_and_one_byte_more_is_refused(life, target):
    life.post()
    number = life.standing().invoices[0].external_id
    size = len(target.fetch_file("invoice", number, max_bytes=1_000_000).body)
    assert len(target.fetch_file("invoice", number, max_bytes=size).body) == size
    with pytest.raises(RecordRejected, match=str(size - 1)):
        target.fetch_file("invoice", number, max_bytes=size - 1)


def test_a_draft_has_no_file(life, target):
    with pytest.raises(RecordRejected):
        target.fetch_file("invoice", life.standing().invoices[0].external_id, max_bytes=1_000_000)


# Changes and cancellation


def test_a_draft_is_changed_and_a_repeat_changes_nothing(fake, target):
    [created] = target.create_sales([fake.sale("k1")])
    number = created.document.external_id
    assert target.change_sale(number, fake.change("ring twice")).rank is Rank.DRAFT
    before, checkpoint = target.survey_sales([number]), last_checkpoint(target)
    assert "ring twice" in str(before)
    target.change_sale(number, fake.change("ring twice"))
    assert _without_times(target.survey_sales([number])) == _without_times(before)
    assert checkpoint


def test_a_confirmed_sale_is_not_changed(life, fake, target):
    with pytest.raises(RecordRejected, match=r"confirmed|processing"):
        target.change_sale(life.id, fake.change("ring twice"))


def test_a_cancelled_sale_takes_its_drafts_with_it_and_stays_cancelled(life, target):
    target.cancel_sale(life.id)
    before = life.survey()
    target.cancel_sale(life.id)
    assert _without_times(life.survey()) == _without_times(before)
    standing = life.standing()
    assert {each.state for each in standing.shipments} <= {ShipmentState.CANCELLED}
    assert {each.state for each in standing.invoices} <= {InvoiceState.CANCELLED}
    assert standing.state in {SaleState.CANCELLED, SaleState.HELD}


def test_a_sale_that_was_sent_is_not_cancelled(life, fake, target):
    fake.someone_sends(life.id, "T-1")
    assert target.cancel_sale(life.id).rank is not Rank.CANCELLED
    assert life.standing().state is not SaleState.CANCELLED
    assert ShipmentState.SENT in {each.state for each in life.standing().shipments}


def _without_times(value):
    if isinstance(value, dict):
        return {name: _without_times(each) for name, each in value.items() if name not in {"updated_at", "write_date"}}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


# Following


def test_a_survey_says_what_was_just_done(life, fake):
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


def test_whatever_is_done_names_the_sale(life, fake, target):
    steps = (
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


def test_a_pull_resumes_after_each_page_without_a_loss_while_sales_change(fake):
    target = fake.connect(options={"page_size": 1})
    lives = [Life(fake, target, f"k{number}") for number in range(4)]
    changing = iter([0, 2, 0, 3, 1])
    seen, checkpoint = [], None
    for _ in range(40):
        page = next(target.pull_sales(checkpoint))
        if page.checkpoint == checkpoint:
            break
        seen += [envelope.external_id for envelope in page.envelopes]
        checkpoint = page.checkpoint
        if (number := next(changing, None)) is not None:
            fake.someone_sends(lives[number].id, "T") if number else fake.someone_corrects(
                lives[0].id, f"T-{len(seen)}"
            )
            last = lives[number].id
    assert {each.id for each in lives} <= set(seen)
    assert last in seen
    assert named_since(target, checkpoint) == set()


def test_a_first_pull_may_begin_at_a_moment(life, target):
    now = dt.datetime.now(dt.UTC)
    [page] = target.pull_sales(None, since=now + dt.timedelta(hours=1))
    assert (page.envelopes, bool(page.checkpoint)) == ((), True)
    pages = list(target.pull_sales(None, since=now - dt.timedelta(hours=1)))
    assert life.id in {envelope.external_id for page in pages for envelope in page.envelopes}


def test_versions_of_one_sale_rise(life, fake, target):
    def version():
        pages = list(target.pull_sales(None))
        return max(each.version for page in pages for each in page.envelopes if each.external_id == life.id)

    before = version()
    fake.someone_sends(life.id, "T-1")
    assert version() > before


@pytest.mark.parametrize("checkpoint", ["", "garbage", "1:x", "1:-1", "9:5"])
def test_a_corrupt_checkpoint_is_an_error_and_not_a_new_beginning(target, checkpoint):
    with pytest.raises(ConnectionBroken):
        list(target.pull_sales(checkpoint))
    with pytest.raises(ConnectionBroken):
        list(target.pull_stock_changes(checkpoint or "x"))


def test_a_survey_of_what_is_gone_leaves_it_out(life, target):
    assert target.survey_sales([life.id, "999999"]).keys() == {life.id}


def test_a_survey_takes_more_than_one_batch(fake, target):
    ids = [fake.someone_makes_a_sale(f"k{number}") for number in range(target.survey_batch + 3)]
    assert set(target.survey_sales(ids)) == set(ids)


# Stock


def figure(fake, target, sku=None):
    sku = sku or fake.known_product.value
    readings = [each for batch in target.read_stock([fake.location], [sku]) for each in batch]
    return {each.sku: each.quantity for each in readings}.get(sku)


def test_a_sale_is_taken_out_of_the_figure_at_the_declared_rank_and_not_again_when_it_leaves(fake, target):
    fake.someone_sets_stock("10")
    [created] = target.create_sales([fake.sale("k1")])
    assert target.reserves_at is Rank.CONFIRMED
    assert figure(fake, target) == Decimal(10)
    target.advance_sales([created.document], Rank.CONFIRMED)
    assert figure(fake, target) == Decimal(8)
    fake.someone_sends(created.document.external_id, "T-1")
    assert figure(fake, target) == Decimal(8)


def test_zero_is_said_and_what_is_unknown_is_left_out(fake, target):
    fake.someone_sets_stock("0")
    assert figure(fake, target) == 0
    assert figure(fake, target, fake.unknown_product.value) is None


def test_everything_can_be_read_and_says_the_same(fake, target):
    fake.someone_sets_stock("7")
    everything = {each.sku: each for batch in target.read_stock([fake.location]) for each in batch}
    assert everything[fake.known_product.value].quantity == Decimal(7)
    assert {each.location for each in everything.values()} == {fake.location}


def test_a_place_is_read_by_the_code_under_which_it_is_listed(fake, target):
    assert fake.location in {place.code for place in target.list_locations()}
    assert all(place.name for place in target.list_locations())


def test_the_first_pull_of_stock_names_nothing_and_later_ones_what_moved(fake, target):
    first = list(target.pull_stock_changes(None))
    assert frozenset().union(*(page.skus for page in first)) == frozenset()
    fake.someone_sets_stock("4")
    moved = list(target.pull_stock_changes(first[-1].checkpoint))
    assert fake.known_product.value in frozenset().union(*(page.skus for page in moved))
    Life(fake, target)
    again = list(target.pull_stock_changes(moved[-1].checkpoint))
    assert fake.known_product.value in frozenset().union(*(page.skus for page in again))


def test_every_stock_source_says_what_its_figure_is(target):
    assert has(target, stock.StockSource)
    assert target.figure
    assert target.stock_batch >= 1


# Lost replies and late commits


UNCLEAR = [
    {"kind": "html"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503, "retry_after": "1"},
    {"kind": "commit_then_status", "status": 504},
    {"kind": "status", "status": 200, "body": "{}"},
    {"kind": "empty"},
    {"kind": "truncate"},
    {"kind": "reset"},
    {"kind": "close"},
]


def write(life, fake, action):
    """Carry out one write; its error is raised."""
    target = life.target
    calls = {
        "pay": life.pay,
        "book_fee": life.fee,
        "post_fee": life.posted_fee,
        "post": lambda: target.post_invoice(life.standing().invoices[0].external_id),
        "cancel": lambda: target.cancel_sale(life.id),
    }
    if action in calls:
        return calls[action]()
    if action == "change":
        [created] = target.create_sales([fake.sale("k9")])
        return target.change_sale(created.document.external_id, fake.change("x"))
    result = life.refund(rank=Rank.CONFIRMED if action == "advance_refund" else None)
    if result.error is not None:
        raise result.error
    return result


WRITES = ["refund", "advance_refund", "pay", "book_fee", "post_fee", "post", "cancel", "change"]


@pytest.mark.parametrize("fault", UNCLEAR, ids=lambda fault: "-".join(str(value) for value in fault.values()))
@pytest.mark.parametrize("action", WRITES)
def test_what_is_no_clear_answer_to_a_write_is_unknown(life, fake, action, fault):
    if action == "pay":
        life.post()
    if action in {"cancel", "change"} and fault.get("body") == "{}":
        pytest.skip("read back: the answer to the write is not looked at")
    fake.break_next(action, **fault)
    with pytest.raises(OutcomeUnknown):
        write(life, fake, action)


@pytest.mark.parametrize("action", WRITES)
def test_an_erp_that_is_away_has_written_nothing(life, fake, target, action):
    before = life.survey()
    calls = {
        "refund": lambda: target.create_refunds([fake.refund("k", before)])[0].error,
        "advance_refund": lambda: target.create_refunds([fake.refund("k", before)])[0].error,
        "pay": lambda: target.register_payment(fake.payment("k", before, TOTAL)),
        "book_fee": lambda: target.book_fee(fake.fee("k", FEE)),
        "post_fee": lambda: target.post_fee("1"),
        "post": lambda: target.post_invoice("1"),
        "cancel": lambda: target.cancel_sale(life.id),
        "change": lambda: target.change_sale(life.id, fake.change("x")),
    }
    fake.stop()
    if "refund" in action:
        assert type(calls[action]()) is Transient
        return
    with pytest.raises(Transient):
        calls[action]()


READS = {
    "survey": lambda target: target.survey_sales(["1"]),
    "pull": lambda target: list(target.pull_sales(None)),
    "find_refunds": lambda target: target.find_refunds(["k"]),
    "find_payments": lambda target: target.find_payments(["k"]),
    "find_fees": lambda target: target.find_fees(["k"]),
    "stock": lambda target: list(target.read_stock(["MAIN"], ["X"])),
}


@pytest.mark.parametrize("action", sorted(READS))
def test_a_read_that_makes_no_sense_is_no_answer(life, fake, target, action):
    fake.break_next(action, kind="status", status=200, body="{}", count=None)
    with pytest.raises(Transient):
        READS[action](target)


@pytest.mark.parametrize("action", sorted(READS))
def test_a_read_is_repeated_until_it_is_answered(life, fake, target, action):
    fake.break_next(action, kind="html")
    READS[action](target)
