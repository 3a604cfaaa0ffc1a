"""Orders of a shop land in Odoo once, through Crossdock's own flows, also when answers are lost."""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal

import pytest

from config.model import Auth, Connection, DocumentState, Secret
from connectors.sandbox.odoo import OdooOptions, running_odoo
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
