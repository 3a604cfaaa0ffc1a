"""What became of sales in Odoo: the traps of its feeds, and of what it says of pickings, invoices and payments."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import ConnectionBroken, RecordRejected
from connectors.kit.exchanges import capture
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from connectors.sandbox.odoo.database import Database
from mappings import odoo as mapping
from mappings.canonical.facets import InvoiceState, SaleState, ShipmentState
from tests.connectors.odoo_world import CUP, OPTIONS, World, known, order_of

pytestmark = pytest.mark.loopback


@pytest.fixture
def odoo():
    with running_odoo(OdooOptions(settle_s=60)) as running:
        yield running


@pytest.fixture
def world(odoo):
    return World(odoo)


# Which sales changed

STEPS = {
    "a line that moves the stamp of nothing else": lambda world, sale: people.act(
        world.odoo.app,
        lambda db: db.update("sale.order.line", next(db.all("sale.order.line")), {"price_unit": 11.0}),
    ),
    "goods that leave": lambda world, sale: people.send(world.odoo.app, int(sale), "T-1"),
    "a tracking number": lambda world, sale: people.correct(world.odoo.app, int(sale), "T-2"),
    "a move alone": lambda world, sale: people.act(
        world.odoo.app, lambda db: db.update("stock.move", next(db.all("stock.move")), {"quantity": 1.0})
    ),
    "a draft invoice": lambda world, sale: world.invoice(sale, post=False),
    "its posting": lambda world, sale: world.client.write("account.move", "action_post", ids=[1]),
    "a payment that is only linked": lambda world, sale: world.pay(1, "10.00", key="a", assign=False),
    "a payment": lambda world, sale: world.pay(1, "13.80", key="b"),
    "a credit note of a line": lambda world, sale: world.credit(1, sale_line=1),
    "a credit note of an amount": lambda world, sale: world.credit(1, key=""),
    "goods that come back": lambda world, sale: world.take_back(sale),
}


def test_whatever_happens_on_a_sale_names_it_and_no_other(world):
    """Odoo moves the stamp of what was written, and not always that of its sale."""
    sale = world.sell()
    world.sell(2)
    world.news()
    for name, step in STEPS.items():
        step(world, sale)
        assert world.news() == {sale}, name
        assert world.news() == set(), name


def test_a_credit_note_that_nothing_but_its_source_document_binds_names_the_sale(world):
    sale = world.sell()
    invoice = world.invoice(sale)
    world.news()
    world.credit(invoice, key="", **{"reversed_entry_id/.id": "", "invoice_origin": "S00001"})
    assert world.news() == {sale}
    [credit] = [each for each in world.standing(sale).invoices if each.credit]
    assert credit.total.amount == Decimal("-5.00")


@pytest.fixture
def clock(monkeypatch):
    """The server's clock, which a test sets; what began then bears that time however late it is committed."""
    now = [dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)]

    def begin(db):
        db.now = now[0]
        db._undo, db._entries = [], []

    monkeypatch.setattr(Database, "begin", begin)
    return now


def test_two_changes_within_one_second_are_two(world, clock):
    """The stamp has microseconds that no answer shows."""
    sale = world.sell()
    assert world.news() == {sale}
    people.send(world.odoo.app, int(sale), "T-1")
    assert world.news() == {sale}
    people.correct(world.odoo.app, int(sale), "T-2")
    assert world.news() == {sale}
    assert world.news() == set()


def test_what_was_committed_late_under_an_old_stamp_is_not_hidden_by_what_is_newer(world, clock):
    sale = world.sell()
    clock[0] += dt.timedelta(seconds=60)
    people.send(world.odoo.app, int(sale), "T-1")
    world.news()
    clock[0] -= dt.timedelta(seconds=30)
    world.invoice(sale, post=False)
    assert world.news() == {sale}


def test_a_pull_goes_on_from_its_checkpoint_with_an_overlap_and_never_from_the_future(world, clock):
    clock[0] = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    sale = world.sell()
    begun = dt.datetime.now(dt.UTC)
    checkpoint = [page.checkpoint for page in world.target.pull_sales(None)][-1]
    reached = dt.datetime.fromisoformat(json.loads(checkpoint)["read_to"])
    assert reached <= dt.datetime.now(dt.UTC)
    assert reached >= begun - dt.timedelta(seconds=1)
    with capture() as exchanges:
        pages = list(world.target.pull_sales(checkpoint))
    assert sale in {each.external_id for page in pages for each in page.envelopes}
    asked = [json.loads(each.request_body)["domain"] for each in exchanges if "write_date" in each.request_body]
    overlapping = f"{reached - dt.timedelta(seconds=300):%Y-%m-%d %H:%M:%S}"
    assert {tuple(domain[0]) for domain in asked} == {("write_date", ">=", overlapping)}


@pytest.mark.parametrize("checkpoint", ["", "garbage", '{"v": 9, "read_to": "2026-11-22T10:00:00+00:00"}'])
def test_a_corrupt_checkpoint_is_an_error_and_not_a_new_beginning(world, checkpoint):
    with pytest.raises(ConnectionBroken):
        list(world.target.pull_sales(checkpoint))


def test_a_first_pull_may_begin_at_a_moment(world):
    world.sell()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    [page] = world.target.pull_sales(None, since=later)
    assert (page.envelopes, bool(page.checkpoint)) == ((), True)


def test_of_a_team_only_its_own_sales_are_named(odoo):
    team = people.act(odoo.app, lambda db: db.insert("crm.team", {"name": "Web", "active": True}))["id"]
    ours, others = World(odoo, team=str(team)), World(odoo)
    sale, other = ours.sell(1), others.sell(2)
    people.send(odoo.app, int(other), "T")
    others.invoice(other)
    assert ours.news() == {sale}
    assert others.news() == {sale, other}


@pytest.mark.parametrize("hidden", [{"account.payment"}, {"account.payment", "account.move"}])
def test_a_user_who_may_not_see_money_is_told_of_the_rest(odoo, hidden):
    """The groups Sales and Inventory let nobody read payments."""
    world = World(odoo)
    sale = world.sell()
    invoice = world.invoice(sale)
    world.pay(invoice)
    odoo.app.hidden = frozenset(hidden)
    plain = World(odoo)
    assert plain.news() == {sale}
    people.send(odoo.app, int(sale), "T-1")
    assert plain.news() == {sale}
    standing = plain.standing(sale)
    assert [each.state for each in standing.shipments] == [ShipmentState.SENT]
    assert standing.payments == ()
    assert len(standing.invoices) == (1 if hidden == {"account.payment"} else 0)
    assert plain.target.cancel_sale(sale).rank is Rank.CONFIRMED


# How they stand


def test_parts_that_leave_and_wait_stand_in_pickings_of_their_own(world):
    sale = world.sell()
    assert world.standing(sale).state is SaleState.CONFIRMED
    people.send(world.odoo.app, int(sale), "T-1,T-2", {CUP: Decimal(1)})
    standing = world.standing(sale)
    assert standing.state is SaleState.PARTLY_SHIPPED
    assert [(each.state, each.lines[0].quantity, each.number) for each in standing.shipments] == [
        (ShipmentState.SENT, Decimal(1), "MAIN/OUT/00001"),
        (ShipmentState.PLANNED, Decimal(1), "MAIN/OUT/00002"),
    ]
    assert [parcel.tracking_number for parcel in standing.shipments[0].parcels] == ["T-1", "T-2"]
    people.send(world.odoo.app, int(sale), "T-3")
    assert world.standing(sale).state is SaleState.SHIPPED


def test_a_return_that_is_on_its_way_makes_nothing_of_the_sale_partial(world):
    """Odoo counts its picking among the deliveries."""
    sale = world.sell()
    people.send(world.odoo.app, int(sale), "T-1")
    world.take_back(sale)
    standing = world.standing(sale)
    assert standing.state is SaleState.SHIPPED
    [back] = [each for each in standing.shipments if each.back]
    assert (back.state, back.lines[0].quantity) == (ShipmentState.PLANNED, Decimal(1))


def test_what_is_open_of_an_invoice_is_what_odoo_says_and_a_payment_counts_when_it_has_found_it(world):
    """A payment that is only linked to an invoice leaves it open."""
    sale = world.sell()
    invoice = world.invoice(sale, post=False)
    [shown] = world.standing(sale).invoices
    assert (shown.state, shown.number, shown.open.amount) == (InvoiceState.DRAFT, "", Decimal("23.80"))
    world.client.write("account.move", "action_post", ids=[invoice])
    world.pay(invoice, "10.00", assign=False)
    standing = world.standing(sale)
    assert (standing.payments, standing.invoices[0].open.amount) == ((), Decimal("23.80"))
    world.pay(invoice, "20.00", key="web:1:pay:b")
    standing = world.standing(sale)
    assert [(each.reference, each.amount.amount) for each in standing.payments] == [("web:1:pay:b", Decimal("20.00"))]
    assert standing.invoices[0].open.amount == Decimal("3.80")
    world.pay(invoice, "3.80", key="web:1:pay:c")
    people.send(world.odoo.app, int(sale), "T-1")
    standing = world.standing(sale)
    assert (standing.invoices[0].state, standing.state) == (InvoiceState.PAID, SaleState.DONE)


def test_credit_notes_are_negative_and_known_by_our_key_whatever_they_were_made_from(world):
    sale = world.sell()
    invoice = world.invoice(sale)
    world.pay(invoice)
    people.send(world.odoo.app, int(sale), "T")
    world.credit(invoice, sale_line=1)
    world.credit(invoice, key="")
    world.credit(invoice, key="", post=False)
    standing = world.standing(sale)
    assert [(each.key, each.total.amount, each.state) for each in standing.refunds] == [
        ("web:1:refund:7", Decimal("-5.00"), SaleState.CONFIRMED),
        ("", Decimal("-5.00"), SaleState.CONFIRMED),
    ]
    credits_ = [each for each in standing.invoices if each.credit]
    assert [(each.state, each.refund_key, each.open.amount) for each in credits_] == [
        (InvoiceState.POSTED, "web:1:refund:7", Decimal("-5.00")),
        (InvoiceState.POSTED, "", Decimal("-5.00")),
        (InvoiceState.DRAFT, "", Decimal("-5.00")),
    ]
    # Odoo says `to invoice` again, for it counts the credited pieces as not invoiced.
    assert (standing.told, standing.state) == ("sale, delivery full, billing to invoice", SaleState.DONE)


def test_fifty_sales_are_surveyed_in_two_calls_and_in_four_where_money_moved(world):
    payload = mapping.sale(order_of(0), known(world.target, order_of(0)), OPTIONS)
    payloads = [{**payload, "key": f"web:{number}", "origin": f"web:{number}"} for number in range(50)]
    documents = [result.document for result in world.target.create_sales(payloads)]
    world.target.advance_sales(documents, Rank.CONFIRMED)
    ids = [document.external_id for document in documents]
    world.target.survey_sales(ids[:1])
    assert calls_of(world, ids) == 2
    invoice = world.invoice(ids[0])
    world.pay(invoice, "10.00")
    world.credit(invoice)
    assert calls_of(world, ids) == 4


def calls_of(world, ids):
    with capture() as exchanges:
        assert set(world.target.survey_sales(ids)) == set(ids)
    return len(exchanges)


def test_what_is_gone_is_left_out_of_a_survey(world):
    sale = world.sell()
    assert set(world.target.survey_sales([sale, "999999"])) == {sale}


def test_a_survey_of_what_is_no_id_is_refused_before_it_is_asked(world):
    with pytest.raises(RecordRejected, match="no id of Odoo"):
        world.target.survey_sales(["1 or 2"])


@pytest.mark.parametrize("version", [17, 18])
def test_before_19_the_same_is_told_by_the_older_names(version):
    """17 has no list of an invoice's payments; what is open of it says enough."""
    with running_odoo(OdooOptions(version=version)) as odoo:
        world = World(odoo)
        sale = world.sell()
        people.send(odoo.app, int(sale), "T-1", {CUP: Decimal(1)})
        world.invoice(sale)
        standing = world.standing(sale)
        assert standing.state is SaleState.PARTLY_SHIPPED
        assert [each.lines[0].quantity for each in standing.shipments] == [Decimal(1), Decimal(1)]
        assert standing.invoices[0].open.amount == Decimal("23.80")
        assert world.news() == {sale}
