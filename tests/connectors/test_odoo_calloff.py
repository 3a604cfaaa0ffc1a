"""Goods that were refunded before they left Odoo: taken out of what waits, with the return that announces them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connectors.kit.base import Rank
from connectors.kit.errors import OutcomeUnknown, RecordRejected
from connectors.kit.exchanges import capture
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from mappings.canonical.facets import ShipmentState
from tests.connectors.odoo_world import CUP, POT, World, made
from tests.mappings.orders import line, make_order

pytestmark = pytest.mark.loopback


@pytest.fixture
def world():
    with running_odoo(OdooOptions(settle_s=60)) as odoo:
        yield World(odoo)


@pytest.fixture
def sale(world):
    lines = (line(CUP, "3", "30.00", "5.70"), line(POT, "1", "10.00", "1.90"))
    [result] = made(world.target, make_order(lines=lines, shipping_lines=(), grand="47.60"))
    [confirmed] = world.target.advance_sales([result.document], Rank.CONFIRMED)
    return confirmed.document.external_id


def announce(world, pieces):
    """A return of what never left, as a refund makes it."""
    kind = next(world.db.all("stock.picking.type", code="incoming"))
    here, there = (next(world.db.all("stock.location", usage=usage))["id"] for usage in ("internal", "customer"))
    move = next(world.db.all("stock.move"))
    return world.load(
        "stock.picking",
        **{
            "picking_type_id/.id": kind["id"],
            "location_id/.id": there,
            "location_dest_id/.id": here,
            "move_ids/product_id/.id": move["product_id"],
            "move_ids/product_uom_qty": pieces,
            "move_ids/sale_line_id/.id": move["sale_line_id"],
            "move_ids/location_id/.id": there,
            "move_ids/location_dest_id/.id": here,
        },
    )


def planned(world, sale):
    """Code -> what is still to leave, and the states of what was to come back."""
    shipments = world.standing(sale).shipments
    out = {
        each.code: each.quantity
        for shipment in shipments
        if not shipment.back and shipment.state is ShipmentState.PLANNED
        for each in shipment.lines
    }
    return out, [each.state.value for each in shipments if each.back]


def reserved(world, sku=CUP):
    product = next(world.db.all("product.product", default_code=sku))["id"]
    return sum(row["reserved_quantity"] for row in world.db.all("stock.quant", product_id=product))


def test_pieces_leave_what_waits_and_the_rest_is_reserved_anew(world, sale):
    number = announce(world, 2)
    world.db.get("stock.picking", number)["sale_id"] = int(sale)
    world.target.call_off(sale, {CUP: Decimal(2)}, [str(number)])
    assert planned(world, sale) == ({CUP: Decimal(1), POT: Decimal(1)}, ["cancelled"])
    assert reserved(world) == 1.0
    people.send(world.odoo.app, int(sale), "T")
    assert [each.quantity for each in world.standing(sale).shipments[0].lines] == [Decimal(1), Decimal(1)]


def test_a_picking_of_which_nothing_is_left_is_cancelled(world, sale):
    world.target.call_off(sale, {CUP: Decimal(3), POT: Decimal(1)}, [])
    assert planned(world, sale) == ({}, [])
    assert [row["state"] for row in world.db.all("stock.picking")] == ["cancel"]
    assert reserved(world) == 0.0


def test_an_article_that_is_gone_wholly_leaves_the_others(world, sale):
    world.target.call_off(sale, {CUP: Decimal(3)}, [])
    assert planned(world, sale) == ({POT: Decimal(1)}, [])
    people.send(world.odoo.app, int(sale), "T")
    assert {row["state"] for row in world.db.all("stock.picking")} == {"done"}


def test_what_has_left_or_is_in_somebodys_hands_is_not_taken_and_nothing_is_written(world, sale):
    people.send(world.odoo.app, int(sale), "T", {CUP: Decimal(2), POT: Decimal(1)})
    with capture() as exchanges, pytest.raises(RecordRejected, match="being picked") as caught:
        world.target.call_off(sale, {CUP: Decimal(2)}, [])
    assert (caught.value.code, [each for each in exchanges if each.url.endswith("/write")]) == ("picked", [])
    [waiting] = [row for row in world.db.all("stock.move") if row["state"] not in {"done", "cancel"}]
    people.act(world.odoo.app, lambda db: db.update("stock.move", waiting, {"picked": True}))
    with pytest.raises(RecordRejected, match="being picked"):
        world.target.call_off(sale, {CUP: Decimal(1)}, [])


def test_goods_that_are_packed_on_their_way_are_a_persons_task(world, sale):
    inside = next(world.db.all("stock.location", usage="internal"))["id"]
    values = {**next(world.db.all("stock.picking")), "location_dest_id": inside, "state": "assigned"}
    del values["id"]
    people.act(world.odoo.app, lambda db: db.insert("stock.picking", values))
    with pytest.raises(RecordRejected, match="several pickings") as caught:
        world.target.call_off(sale, {CUP: Decimal(1)}, [])
    assert caught.value.code == "steps"


@pytest.mark.fault("B1", "B3")
@pytest.mark.parametrize("method", ["stock.move/write", "stock.picking/action_assign", "stock.picking/action_cancel"])
def test_what_ended_half_way_is_ended_by_another_try(world, sale, method):
    number = announce(world, 2)
    world.db.get("stock.picking", number)["sale_id"] = int(sale)
    world.odoo.plan.add(kind="commit_then_drop", method="POST", path=f"/json/2/{method}")
    with pytest.raises(OutcomeUnknown):
        world.target.call_off(sale, {CUP: Decimal(2)}, [str(number)])
    left = planned(world, sale)[0].get(CUP, Decimal(0)) - 1
    world.target.call_off(sale, {CUP: left} if left else {}, [str(number)])
    assert planned(world, sale) == ({CUP: Decimal(1), POT: Decimal(1)}, ["cancelled"])
