"""Orders of a shop land in Odoo once, through Crossdock's own flows, also when answers are lost."""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal

import pytest

from config.model import Auth, Connection, DocumentState, Secret
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ShopSettings
from sync.flows.pull import pull
from tests.shared import PATIENCE_S
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, CUP, KEY, LOCAL, POT, TEA, Hub

pytestmark = pytest.mark.loopback


@contextlib.contextmanager
def trading(store):
    settings = dataclasses.replace(ShopSettings(), keys=(KEY,))
    with running_odoo(OdooOptions(settle_s=PATIENCE_S)) as odoo, serve_shop(settings) as (server, app):
        account = Connection(
            name="erp",
            system="odoo",
            url=odoo.url,
            auth=Auth(key=Secret(odoo.options.api_key)),
            options={"database": "odoo"},
            **LOCAL,
        )
        hub = Hub(store, server, app, account, policies={"document_state": DocumentState.CONFIRMED})
        try:
            yield hub, odoo
        finally:
            hub.close()


def carry(hub):
    pull(hub.store, hub.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
    hub.drain()


def sales(odoo):
    return {name: row for row in odoo.db.all("sale.order") for name in odoo.db.external_ids("sale.order", row["id"])}


def test_orders_of_the_shop_are_confirmed_sales_of_the_same_total(sqlite_store):
    with trading(sqlite_store) as (hub, odoo):
        numbers = [hub.buy((TEA, 2), (CUP, 1)), hub.buy((POT, 3)), hub.buy((CUP, 1), (POT, 1))]
        carry(hub)
        carry(hub)
        assert hub.causes() == {}
        made = sales(odoo)
        assert made.keys() == {f"crossdock.{CHANNEL}:{number}" for number in numbers}
        for number in numbers:
            sale = made[f"crossdock.{CHANNEL}:{number}"]
            assert sale["state"] == "sale"
            total = odoo.db.value("sale.order", sale, "amount_total")
            assert total == Decimal(str(hub.order(number)["total"]))
        assert {hub.sale_id(number) for number in numbers} == {str(row["id"]) for row in made.values()}
        assert hub.open_intents() == []
        assert len({row["partner_id"] for row in made.values()}) == 1


@pytest.mark.fault("B1", "B3")
@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("sale.order/load", {"kind": "commit_then_drop"}),
        ("sale.order/load", {"kind": "status", "status": 502}),
        ("sale.order/action_confirm", {"kind": "commit_then_drop"}),
        ("sale.order/action_confirm", {"kind": "reset"}),
        ("res.partner/load", {"kind": "commit_then_drop"}),
    ],
)
def test_a_lost_answer_doubles_nothing_and_loses_nothing(sqlite_store, path, fault):
    with trading(sqlite_store) as (hub, odoo):
        numbers = [hub.buy((TEA, 1)), hub.buy((CUP, 2))]
        odoo.plan.add(method="POST", path=f"/json/2/{path}", **fault)
        carry(hub)
        for _ in range(4):
            hub.time_passes(600)
            hub.drain()
        made = sales(odoo)
        assert made.keys() == {f"crossdock.{CHANNEL}:{number}" for number in numbers}
        assert len(odoo.db.tables["sale.order"]) == 2
        assert {row["state"] for row in made.values()} == {"sale"}
        assert sum(entry.kind == "sale.confirm" for entry in odoo.server.ledger.entries()) == 2
        assert sum(1 for row in odoo.db.all("res.partner") if row.get("ref")) == 1
        assert hub.open_intents() == []


def test_what_leaves_odoo_in_two_parcels_is_told_once_each_and_completes_the_order(sqlite_store):
    """The back-order is a picking of its own, with a number of its own."""
    with trading(sqlite_store) as (hub, odoo):
        number = hub.buy((TEA, 3), (POT, 1))
        hub.carry()
        sale = int(hub.sale_id(number))
        people.send(odoo.app, sale, "T1", {TEA: Decimal(2), POT: Decimal(0)})
        hub.carry()
        assert parcels(hub, number) == [("T1", [2])]
        assert hub.order(number)["status"] == "processing"
        people.send(odoo.app, sale, "T2")
        hub.carry()
        hub.carry()
        assert sorted(parcels(hub, number)) == [("T1", [2]), ("T2", [1, 1])]
        assert hub.order(number)["status"] == "completed"
        people.correct(odoo.app, sale, "T1-new")
        hub.carry()
        assert sorted(parcels(hub, number)) == [("T1-new", [2]), ("T2", [1, 1])]
        assert (hub.item(number).state, hub.causes(), hub.open_intents()) == ("done", {}, [])


def parcels(hub, number):
    shown = hub.in_shop("GET", f"orders/{number}/fulfillments")
    told = [{entry["key"]: entry["value"] for entry in each["meta_data"]} for each in shown]
    return [(meta["_tracking_number"], [item["qty"] for item in meta["_items"]]) for meta in told]


def test_a_cancelled_order_is_cancelled_in_odoo_with_its_picking(sqlite_store):
    with trading(sqlite_store) as (hub, odoo):
        number = hub.buy((TEA, 1))
        hub.carry()
        odoo.plan.add(kind="commit_then_drop", method="POST", path="/json/2/sale.order/action_cancel")
        hub.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
        hub.carry()
        hub.time_passes(600)
        hub.carry()
        assert odoo.db.get("sale.order", int(hub.sale_id(number)))["state"] == "cancel", hub.causes()
        assert {row["state"] for row in odoo.db.all("stock.picking")} == {"cancel"}
        assert (hub.item(number).state, hub.open_intents()) == ("skipped", [])


def test_an_edit_after_the_confirmation_changes_the_sale_and_what_waits_to_be_sent(sqlite_store):
    with trading(sqlite_store) as (hub, odoo):
        number = hub.buy((TEA, 1), (CUP, 2))
        hub.carry()
        tea, cup = hub.order(number)["line_items"]
        total = f"{float(tea['total']) * 3:.2f}"
        lines = [{"id": tea["id"], "quantity": 3, "subtotal": total, "total": total}, {"id": cup["id"], "quantity": 0}]
        hub.in_shop("PUT", f"orders/{number}", {"line_items": lines, "customer_note": "ring twice"})
        hub.carry()
        hub.carry()
        sale = odoo.db.get("sale.order", int(hub.sale_id(number)))
        assert odoo.db.value("sale.order", sale, "amount_total") == Decimal(str(hub.order(number)["total"])), (
            hub.causes()
        )
        going = {
            odoo.db.get("product.product", move["product_id"])["default_code"]: move["product_uom_qty"]
            for move in odoo.db.all("stock.move")
            if move["state"] != "cancel"
        }
        assert (going, sale["note"]) == ({TEA: 3.0}, "<p>ring twice</p>")
        assert (hub.item(number).state, hub.causes(), hub.open_intents()) == ("done", {}, [])
