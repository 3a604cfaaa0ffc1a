"""Paid, sent, invoiced, refunded: from the shop into Odoo, to the cent and once, also when answers are lost."""

from __future__ import annotations

import contextlib
import dataclasses
from decimal import Decimal

import pytest

from config.model import Auth, Connection, Depth, DocumentState, InvoiceNews, Secret
from connectors.sandbox.odoo import OdooOptions, people, running_odoo
from connectors.sandbox.woocommerce.app import serve_shop
from connectors.sandbox.woocommerce.settings import ShopSettings
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import CUP, KEY, LOCAL, TEA, Hub

pytestmark = pytest.mark.loopback

AFTER = {"post_invoices": True, "payments": Depth.POSTED, "refunds": Depth.POSTED, "invoices": InvoiceNews.LINK}


@contextlib.contextmanager
def trading(store, *, prints=True, **after):
    settings = dataclasses.replace(ShopSettings(), keys=(KEY,))
    options = OdooOptions(settle_s=PATIENCE_S, prints=prints)
    with running_odoo(options) as odoo, serve_shop(settings) as (server, app):
        auth = Auth(key=Secret(odoo.options.api_key))
        account = Connection(
            name="erp", system="odoo", url=odoo.url, auth=auth, options={"database": "odoo"}, **LOCAL
        )  # fmt: skip
        target = {"payment_method": "PPL", "fee_account": "6855"}
        policies = {"document_state": DocumentState.CONFIRMED, "target": target}
        hub = Hub(store, server, app, account, policies=policies, **{**AFTER, **after})
        try:
            yield hub, odoo
        finally:
            hub.close()


def bought_and_sent(hub, odoo):
    number = hub.buy((TEA, 2), (CUP, 1))
    hub.carry()
    people.send(odoo.app, int(hub.sale_id(number)), "T-1")
    return number


def give_back_one(hub, number):
    """A person in the shop gives one piece of tea back, whose goods come back."""
    line = hub.order(number)["line_items"][0]
    net, tax = Decimal(line["total"]) / 2, [{"id": each["id"], "refund_total": "0.50"} for each in line["taxes"]]
    hub.in_shop(
        "POST",
        f"orders/{number}/refunds",
        {
            "amount": f"{net + Decimal('0.50'):.2f}",
            "api_refund": False,
            "line_items": [{"id": line["id"], "quantity": 1, "refund_total": f"{net:.2f}", "refund_tax": tax}],
        },
    )
    return net + Decimal("0.50")


def moves(odoo, kind):
    return [row for row in odoo.db.all("account.move") if row["move_type"] == kind]


def total(odoo, row):
    return odoo.db.value("account.move", row, "amount_total")


def settled(hub):
    for _ in range(6):
        hub.time_passes(600)
        hub.carry()


def demand_once(hub, odoo, number, given):
    """One posted invoice over the order, paid; one posted credit note over what was given back; one return."""
    assert hub.causes() == {}
    assert hub.open_intents() == []
    [invoice], [credit] = moves(odoo, "out_invoice"), moves(odoo, "out_refund")
    assert (invoice["state"], total(odoo, invoice)) == ("posted", Decimal(str(hub.order(number)["total"])))
    assert odoo.db.value("account.move", invoice, "amount_residual") == 0
    assert (credit["state"], total(odoo, credit)) == ("posted", given)
    [payment] = odoo.db.all("account.payment")
    assert payment["state"] == "in_process"
    [back] = [each for each in odoo.db.all("stock.picking") if each.get("return_id")]
    assert back["state"] == "assigned"


def test_an_order_is_invoiced_paid_and_given_back_to_the_cent(sqlite_store):
    with trading(sqlite_store) as (hub, odoo):
        number = bought_and_sent(hub, odoo)
        hub.carry()
        hub.carry()
        given = give_back_one(hub, number)
        hub.carry()
        hub.carry()
        demand_once(hub, odoo, number, given)
        before = len(odoo.server.ledger.entries())
        hub.mark_again(number)
        hub.drain()
        assert len(odoo.server.ledger.entries()) == before
        [shown] = [each["value"] for each in hub.order(number)["meta_data"] if each["key"] == "_crossdock_invoices"]
        assert "INV/" in str(shown)
        assert "https://hub.test" in str(shown)


@pytest.mark.fault("B1", "B3")
@pytest.mark.parametrize("kind", ["commit_then_drop", "reset"])
@pytest.mark.parametrize(
    "path",
    [
        *("sale.advance.payment.inv/create_invoices", "account.move/action_post", "account.payment/load"),
        *("account.payment/action_post", "account.move/js_assign_outstanding_line"),
        *("stock.picking/load", "stock.picking/action_confirm", "account.move/load"),
    ],
)
def test_a_lost_answer_doubles_nothing_and_leaves_nothing_half_way(sqlite_store, path, kind):
    with trading(sqlite_store) as (hub, odoo):
        number = bought_and_sent(hub, odoo)
        odoo.plan.add(method="POST", path=f"/json/2/{path}", kind=kind)
        settled(hub)
        given = give_back_one(hub, number)
        settled(hub)
        demand_once(hub, odoo, number, given)


def test_an_invoice_that_is_not_printed_stops_nothing_and_is_shown_when_it_is(sqlite_store):
    with trading(sqlite_store, prints=False) as (hub, odoo):
        number = bought_and_sent(hub, odoo)
        hub.carry()
        hub.carry()
        assert hub.causes() == {}
        [invoice] = moves(odoo, "out_invoice")
        assert invoice["state"] == "posted"
        people.print_out(odoo.app, invoice["id"])
        hub.carry()
        [shown] = [each["value"] for each in hub.order(number)["meta_data"] if each["key"] == "_crossdock_invoices"]
        assert "https://hub.test" in str(shown)


def test_what_a_person_invoices_is_not_invoiced_again(sqlite_store):
    with trading(sqlite_store) as (hub, odoo):
        number = bought_and_sent(hub, odoo)
        people.invoice(odoo.app, int(hub.sale_id(number)))
        hub.carry()
        hub.carry()
        [invoice] = moves(odoo, "out_invoice")
        assert invoice["state"] == "posted"
        assert hub.causes() == {}


@pytest.mark.parametrize("path", ["", "account.move/load", "stock.picking/load", "stock.move/write"])
def test_what_is_refunded_before_it_leaves_is_not_sent(sqlite_store, path):
    with trading(sqlite_store) as (hub, odoo):
        number = hub.buy((TEA, 2), (CUP, 1))
        hub.carry()
        if path:
            odoo.plan.add(kind="commit_then_drop", method="POST", path=f"/json/2/{path}")
        give_back_one(hub, number)
        settled(hub)
        assert (hub.causes(), hub.open_intents()) == ({}, [])
        people.send(odoo.app, int(hub.sale_id(number)), "T-1")
        settled(hub)
        left = [row["quantity"] for row in odoo.db.all("stock.move") if row["state"] == "done"]
        assert left == [1.0, 1.0]
        assert sorted(row["state"] for row in odoo.db.all("stock.picking")) == ["cancel", "done"]
        assert len(moves(odoo, "out_refund")) == 1
        [parcel] = hub.in_shop("GET", f"orders/{number}/fulfillments")
        meta = {entry["key"]: entry["value"] for entry in parcel["meta_data"]}
        assert sorted(item["qty"] for item in meta["_items"]) == [1, 1]
        assert (hub.item(number).state, hub.causes(), hub.open_intents()) == ("done", {}, [])
