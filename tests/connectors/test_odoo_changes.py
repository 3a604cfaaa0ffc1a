"""Sales in Odoo that are changed or cancelled after they were made: wizards, locks, and what answers are worth."""

from __future__ import annotations

import dataclasses
import json
from decimal import Decimal

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import OutcomeUnknown, RecordRejected
from connectors.kit.exchanges import capture
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from mappings import odoo as mapping
from mappings.canonical.facets import SaleState, ShipmentState
from tests.connectors.odoo_world import CUP, OPTIONS, POT, World, known, made
from tests.mappings.orders import line, make_order

pytestmark = pytest.mark.loopback
FIELDS = frozenset({"lines", "invoice_address", "shipment_address", "note", "reference"})


@pytest.fixture
def odoo():
    with running_odoo(OdooOptions(settle_s=60)) as running:
        yield running


@pytest.fixture
def world(odoo):
    return World(odoo)


def basket(*wanted, **changes):
    """An order of so many of each at 10.00 net."""
    lines = tuple(line(sku, str(pieces), f"{pieces * 10}.00", f"{pieces * Decimal('1.90')}") for sku, pieces in wanted)
    grand = f"{sum(pieces for _, pieces in wanted) * Decimal('11.90')}"
    values = {"external_id": "1", "number": "1", "lines": lines, "shipping_lines": (), "grand": grand, **changes}
    return make_order(**values)


def sell(world, order, rank=Rank.CONFIRMED):
    [result] = made(world.target, order)
    if rank is not Rank.DRAFT:
        [result] = world.target.advance_sales([result.document], rank)
    assert result.error is None
    return result.document.external_id


def change(world, sale, order):
    """As the flow does it."""
    survey = world.target.survey_sales([sale])[sale]
    payload = mapping.FACETS.change(order, survey, FIELDS, known(world.target, order), OPTIONS)
    return None if payload is None else world.target.change_sale(sale, payload)


def lines(world, sale):
    return sorted((each.code, each.quantity) for each in world.standing(sale).lines)


def going(world):
    """What is still to leave."""
    return sorted(
        (world.db.get("product.product", move["product_id"])["default_code"], move["product_uom_qty"])
        for move in world.db.all("stock.move")
        if move["state"] not in {"done", "cancel"}
    )


AFTER = basket((POT, 2), (CUP, 3))


@pytest.mark.parametrize("rank", [Rank.DRAFT, Rank.QUOTED, Rank.CONFIRMED])
def test_an_edited_order_is_the_same_sale_with_other_lines_and_of_its_total(world, rank):
    sale = sell(world, basket((CUP, 1), ("1E5", 1)), rank)
    document = change(world, sale, AFTER)
    assert (document.external_id, document.rank, document.key, document.total) == (
        sale,
        rank,
        "web:1",
        Decimal("59.50"),
    )
    assert lines(world, sale) == [(POT, Decimal(2)), (CUP, Decimal(3))]
    assert going(world) == ([(POT, 2.0), (CUP, 3.0)] if rank is Rank.CONFIRMED else [])
    assert change(world, sale, AFTER) is None


@pytest.mark.parametrize("version", [17, 18])
def test_before_19_lines_are_written_by_the_older_names(version):
    with running_odoo(OdooOptions(version=version)) as odoo:
        world = World(odoo)
        sale = sell(world, basket((CUP, 1), ("1E5", 1)))
        assert change(world, sale, AFTER).total == Decimal("59.50")
        assert lines(world, sale) == [(POT, Decimal(2)), (CUP, Decimal(3))]
        assert change(world, sale, AFTER) is None


def test_a_line_of_a_confirmed_sale_keeps_its_place_with_nothing_in_it(world):
    """Odoo removes no line of it; and what was taken out is no line that anybody ordered."""
    sale = sell(world, basket((CUP, 1), ("1E5", 1)))
    change(world, sale, basket((CUP, 1)))
    rows = [(row["product_uom_qty"]) for row in world.db.all("sale.order.line")]
    assert rows == [1.0, 0.0]
    assert lines(world, sale) == [(CUP, Decimal(1))]
    change(world, sale, basket((CUP, 1), ("1E5", 2)))
    assert lines(world, sale) == [("1E5", Decimal(2)), (CUP, Decimal(1))]


def test_what_has_left_cannot_be_taken_out_and_the_refusal_is_odoos_own(world):
    sale = sell(world, basket((CUP, 3)))
    people.send(world.odoo.app, int(sale), "T", {CUP: Decimal(2)})
    with pytest.raises(RecordRejected, match="already delivered"):
        change(world, sale, basket((CUP, 1)))
    assert lines(world, sale) == [(CUP, Decimal(3))]


def test_a_new_delivery_address_goes_to_what_has_not_left_and_to_nothing_else(world):
    """Odoo writes a note on the pickings, and sends them where they were to go."""
    order = basket((CUP, 2), note="ring twice")
    sale = sell(world, order)
    people.send(world.odoo.app, int(sale), "T", {CUP: Decimal(1)})
    address = dataclasses.replace(order.shipping, street="Work 1")
    change(world, sale, dataclasses.replace(order, shipping=address, note="ring <thrice>\nand wait", number="1b"))
    sent, waiting = (world.db.get("res.partner", row["partner_id"])["street"] for row in world.db.all("stock.picking"))
    assert (sent, waiting) == (order.shipping.street, "Work 1")
    shown = dict(world.standing(sale).fields)
    assert ("Work 1" in shown["shipment_address"], "Work 1" in shown["invoice_address"]) == (True, False)
    assert (shown["note"], shown["reference"]) == ("ring <thrice>\nand wait", "1b")


def test_a_refused_change_leaves_the_pickings_as_they_were(world):
    order = basket((CUP, 2))
    sale = sell(world, order)
    body = json.dumps({"name": "odoo.exceptions.UserError", "message": "No.", "arguments": [], "context": {}})
    world.odoo.plan.add(kind="status", status=422, body=body, method="POST", path="/json/2/sale.order/write")
    with pytest.raises(RecordRejected, match="No"):
        change(world, sale, dataclasses.replace(order, shipping=dataclasses.replace(order.shipping, street="Work 1")))
    [picking] = world.db.all("stock.picking")
    assert world.db.get("res.partner", picking["partner_id"])["street"] == order.shipping.street


@pytest.mark.parametrize("how", ["locked", "cancel"])
def test_a_sale_that_is_locked_or_cancelled_is_not_changed(world, how):
    sale = sell(world, basket((CUP, 2)))
    (people.lock if how == "locked" else people.cancel)(world.odoo.app, int(sale))
    with capture() as exchanges, pytest.raises(RecordRejected, match=how) as caught:
        change(world, sale, basket((CUP, 3)))
    assert caught.value.code == how
    assert not [each for each in exchanges if each.url.endswith("/write")]


# Cancelling


def cancelled(world, sale):
    document = world.target.cancel_sale(sale)
    assert document.external_id == sale
    assert document.key == "web:1"
    return document.rank is Rank.CANCELLED


@pytest.mark.parametrize("rank", [Rank.DRAFT, Rank.QUOTED, Rank.CONFIRMED])
@pytest.mark.parametrize("version", [17, 19])
def test_a_sale_is_cancelled_with_its_pickings_and_drafts_in_every_version(version, rank):
    """Before 19 Odoo asks before it cancels what is no draft, unless the call says that nobody is there to answer."""
    with running_odoo(OdooOptions(version=version)) as odoo:
        world = World(odoo)
        sale = sell(world, basket((CUP, 2)), rank)
        if rank is Rank.CONFIRMED:
            world.invoice(sale, post=False)
        assert cancelled(world, sale)
        standing = world.standing(sale)
        assert standing.state is SaleState.CANCELLED
        assert {each.state.value for each in (*standing.shipments, *standing.invoices)} <= {"cancelled"}
        assert cancelled(world, sale)
        assert sum(entry.kind == "sale.cancel" for entry in odoo.server.ledger.entries()) == 1


def test_the_window_that_asks_before_a_cancellation_is_answered(world):
    """An action dictionary is no cancellation, and no refusal either."""
    world.db.always_asks = True
    sale = sell(world, basket((CUP, 2)))
    assert cancelled(world, sale)
    assert world.db.get("sale.order", int(sale))["state"] == "cancel"


def test_a_window_that_nobody_knows_leaves_the_sale_and_says_so(world):
    sale = sell(world, basket((CUP, 2)))
    body = json.dumps({"type": "ir.actions.act_window", "res_model": "approval.request"})
    world.odoo.plan.add(kind="status", status=200, body=body, method="POST", path="/json/2/sale.order/action_cancel")
    assert not cancelled(world, sale)


def test_of_a_sale_that_has_left_in_part_only_the_rest_is_cancelled(world):
    """Odoo would cancel it all the same, and nobody would see what is owed."""
    sale = sell(world, basket((CUP, 2)))
    people.send(world.odoo.app, int(sale), "T", {CUP: Decimal(1)})
    world.invoice(sale, post=False)
    for _ in range(2):
        assert not cancelled(world, sale)
        standing = world.standing(sale)
        assert standing.state is SaleState.SHIPPED
        assert [each.state for each in standing.shipments] == [ShipmentState.SENT, ShipmentState.CANCELLED]
        assert [each.state.value for each in standing.invoices] == ["cancelled"]


def test_a_sale_with_a_posted_invoice_is_not_cancelled(world):
    sale = sell(world, basket((CUP, 2)))
    world.invoice(sale)
    assert not cancelled(world, sale)
    assert world.standing(sale).state is SaleState.HELD


@pytest.mark.fault("B1", "B3")
@pytest.mark.parametrize("fault", [{"kind": "commit_then_drop"}, {"kind": "status", "status": 502}, {"kind": "html"}])
@pytest.mark.parametrize("method", ["action_cancel", "write"])
def test_after_no_answer_nobody_knows_and_a_repeat_ends_it(world, method, fault):
    order = basket((CUP, 2))
    sale = sell(world, order)
    world.odoo.plan.add(method="POST", path=f"/json/2/sale.order/{method}", **fault)
    do = (lambda: cancelled(world, sale)) if method == "action_cancel" else (lambda: change(world, sale, AFTER))
    with pytest.raises(OutcomeUnknown):
        do()
    do()
    if method == "write":
        assert lines(world, sale) == [(POT, Decimal(2)), (CUP, Decimal(3))]
        assert going(world) == [(POT, 2.0), (CUP, 3.0)]
    else:
        assert world.standing(sale).state is SaleState.CANCELLED


def test_a_sale_that_is_gone_is_said_to_be_gone(world):
    for call in (lambda: world.target.cancel_sale("999"), lambda: world.target.change_sale("999", {"note": "x"})):
        with pytest.raises(RecordRejected, match="no longer") as caught:
            call()
        assert caught.value.code == "gone"
