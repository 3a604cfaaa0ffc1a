"""A Vendure shop and an ERP with Crossdock between them: over and back, once each, under lost answers too."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest

from config.model import Auth, Depth, DocumentState, Secret
from config.model import Connection as Account
from connectors.sandbox.erp import DEFAULT_API_KEY, ErpOptions, running_erp
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.vendure import ShopSettings, serve_shop
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import LOCAL, POT, TEA, Hub

pytestmark = pytest.mark.loopback


class VendureTrade(Hub):
    """Both sides are sandboxes of this process."""

    def __init__(self, store, server, people, erp):
        account = Account(
            name="erp", system="sandbox_erp", url=erp.url, auth=Auth(key=Secret(DEFAULT_API_KEY)), **LOCAL
        )
        policies = {"document_state": DocumentState.CONFIRMED}
        auth = Auth(secret=Secret("vendure_sandbox"))
        shop = Account(name="shop", system="vendure", url=server.url, auth=auth, **LOCAL)
        super().__init__(store, server, people, account, selling=shop, policies=policies, refunds=Depth.POSTED)
        self.people, self.erp = people, erp

    def sale(self, number):
        return self.erp.books.survey([int(self.sale_id(number))])[0]

    def sends(self, number):
        for shipment in self.sale(number)["shipments"]:
            if shipment["state"] == "ready":
                self.erp.books.shipping.send(shipment["id"], tracking=[{"number": "T-1", "url": ""}])


@pytest.fixture
def trade(sqlite_store):
    with contextlib.ExitStack() as stack:
        erp = stack.enter_context(running_erp(options=ErpOptions(settle_s=PATIENCE_S)))
        server, app = stack.enter_context(serve_shop(ShopSettings(), plan=FaultPlan(settle_s=PATIENCE_S)))
        yield stack.enter_context(contextlib.closing(VendureTrade(sqlite_store, server, app.shop, erp)))


def test_an_order_goes_over_once_and_its_parcel_and_refund_come_through(trade):
    order = trade.people.sell([(TEA, 3), (POT, 1)])
    number = order["id"]
    for _ in range(2):
        trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    assert Decimal(trade.sale(number)["total"]) * 100 == order["totalWithTax"]

    trade.people.clock_offset_s += 2
    trade.sends(number)
    trade.carry()
    [parcel] = order["fulfillments"]
    assert (parcel["state"], parcel["trackingCode"], order["state"]) == ("Shipped", "T-1", "Shipped")

    trade.people.clock_offset_s += 2
    line = order["lines"][0]["id"]
    refund = {"paymentId": order["payments"][0]["id"], "lines": [{"orderLineId": line, "quantity": 1}]}
    trade.people.give_back(refund, "Settled")
    for _ in range(2):
        trade.carry()
    [told] = trade.sale(number)["refunds"]
    assert Decimal(told["total"]) == Decimal("-7.49")
    assert sorted(row.kind for row in trade.documents("refund")) == ["refund"] * 2
    assert trade.open_intents() == []


@pytest.mark.parametrize("fault", ["commit_then_drop", "reset"])
@pytest.mark.parametrize("call", ["mutation Fulfil(", "mutation MoveFulfilment("])
def test_a_parcel_whose_answer_was_lost_is_told_once(trade, fault, call):
    order = trade.people.sell([(TEA, 3)])
    trade.carry()
    trade.sends(order["id"])
    trade.shop_plan.add(kind=fault, body_contains=call)
    trade.carry()
    for _ in range(3):
        trade.time_passes(300)
        trade.mark_again(order["id"])
        trade.carry()
    [parcel] = [row for row in order["fulfillments"] if row["state"] != "Cancelled"]
    assert parcel["state"] == "Shipped", trade.causes()
    assert trade.item(order["id"]).state == "done", trade.causes()
    assert trade.open_intents() == []
