"""An order that nobody has whole (`short: cancel`): what is there is sent, and the shop gives the rest back; once."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from config.model import Depth, Returns, Routing, RoutingRule, ShortLines, StockPolicy
from connectors.sandbox.woocommerce.orders import change
from sync.desk.passport import passport
from sync.desk.proof import prove_channel
from sync.desk.resending import resend_orders
from sync.desk.steering import approve_order
from sync.flows.pull import pull
from sync.store.audit import Actor
from sync.store.engine import Store
from sync.store.orders import load_order
from sync.store.tables import intents, order_routes
from sync.work.dispatch import Dispatcher
from sync.work.drain import drain_channel
from tests.sync.flows.erp import Crash
from tests.sync.flows.shop import PLACED
from tests.sync.flows.trade import CHANNEL, CUP, POT, TEA, trading

pytestmark = pytest.mark.loopback

ANNA = Actor("anna", "test")
RULE = RoutingRule(name="default", warehouses=("MAIN", "NORTH"))


def cut(trade, **changes):
    channels: Any = trade.config.channels
    routing = Routing(**{"rules": (RULE,), "short": ShortLines.CANCEL, **changes})
    channels[CHANNEL] = dataclasses.replace(channels[CHANNEL], routing=routing)


def put(trade, code, main, north=0):
    for warehouse, there in (("MAIN", main), ("NORTH", north)):
        trade.in_erp("PUT", "stock", {"code": code, "quantity": str(there), "warehouse": warehouse})


@pytest.fixture
def trade(sqlite_store):
    with trading(
        sqlite_store,
        stock=StockPolicy(push=True),
        refunds=Depth.POSTED,
        returns=Returns.REFUND,
        resend=True,
        articles=30,
    ) as made:
        cut(made)
        for code in (TEA, POT, CUP):
            put(made, code, 0)
        made.show_stock()
        yield made


def settle(trade, rounds=3):
    for _ in range(rounds):
        trade.carry()


def refunds_of(trade, number):
    return trade.in_shop("GET", f"orders/{number}/refunds")


def line_of(trade, number, sku):
    return next(line for line in trade.order(number)["line_items"] if line["sku"] == sku)


def gross(line, share=Decimal(1)):
    cent = Decimal("0.01")
    return sum(((Decimal(line[name]) * share).quantize(cent) for name in ("total", "total_tax")), Decimal(0))


def order_of(trade, number):
    return trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))


def planned(trade, number):
    """What is to leave, by article."""
    return {
        line["code"]: Decimal(line["quantity"])
        for shipment in trade.sale(number)["shipments"]
        if shipment["state"] == "ready" and not shipment["back"]
        for line in shipment["lines"]
        if Decimal(line["quantity"])
    }


def credited(trade, number):
    return [Decimal(each["total"]) for each in trade.sale(number)["refunds"]]


def proves(trade):
    return prove_channel(trade.store, trade.systems.channel(CHANNEL)).holds


def test_what_nobody_has_is_given_back_by_lines_credited_and_not_sent(trade):
    put(trade, TEA, 3)
    put(trade, POT, 1)
    trade.show_stock()
    number = trade.buy((TEA, 2), (POT, 3))
    settle(trade)
    pot = line_of(trade, number, POT)
    [refund] = refunds_of(trade, number)
    assert (refund["refunded_payment"], [line["quantity"] for line in refund["line_items"]]) == (False, [-2])
    assert refund["line_items"][0]["meta_data"][0]["value"] == str(pot["id"])
    amount = Decimal(refund["amount"])
    assert amount == gross(pot, Decimal(2) / 3)
    assert credited(trade, number) == [-amount]
    assert planned(trade, number) == {TEA: 2, POT: 1}
    assert trade.item(number).state == "done", trade.causes()
    assert trade.open_intents() == []
    assert proves(trade)
    [row] = trade.rows(select(order_routes))
    assert row.reason == (
        f"rule default: no warehouse has all of it, so MAIN sends what it has, and the shop gives back {amount} EUR "
        f"for 2 x {POT}; MAIN lacks 2 x {POT}; NORTH lacks 2 x {TEA}, 3 x {POT}"
    )
    [told] = passport(trade.store, trade.config, number, exchanges=False)
    assert told["routing"]["given_up"] == [{"line": str(pot["id"]), "quantity": "2"}]
    assert Decimal(told["after_import"]["refunds"]["shop"]) == amount
    assert Decimal(told["after_import"]["refunds"]["erp"]) == amount
    # Whatever is looked at again, and what was there is sent, changes nothing of it.
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    trade.mark_again(number)
    settle(trade)
    assert len(refunds_of(trade, number)) == 1
    assert trade.order(number)["status"] == "completed"
    assert proves(trade)


def test_the_warehouse_that_lacks_the_fewest_pieces_sends_it(trade):
    put(trade, TEA, 0, north=1)
    trade.show_stock()
    number = trade.buy((TEA, 2))
    settle(trade)
    assert {shipment["warehouse"] for shipment in trade.sale(number)["shipments"]} == {"NORTH"}
    assert [line["quantity"] for line in refunds_of(trade, number)[0]["line_items"]] == [-1]


def test_an_order_of_which_nothing_is_there_is_given_back_whole_with_its_shipping(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    settle(trade)
    order = trade.order(number)
    assert order["status"] == "refunded"
    assert [Decimal(each["amount"]) for each in refunds_of(trade, number)] == [Decimal(order["total"])]
    assert credited(trade, number) == [-Decimal(order["total"])]
    assert planned(trade, number) == {}
    assert trade.item(number).state == "done", trade.causes()
    assert proves(trade)


def test_what_was_given_back_before_is_not_given_back_again(trade):
    put(trade, TEA, 1)
    trade.show_stock()
    number = trade.buy((TEA, 3))
    line = line_of(trade, number, TEA)
    piece = {"id": line["id"], "quantity": 1, "refund_total": "1.00", "refund_tax": []}
    trade.in_shop("POST", f"orders/{number}/refunds", {"amount": "1.00", "api_refund": False, "line_items": [piece]})
    settle(trade)
    mine = next(each for each in refunds_of(trade, number) if "Ref. short-" in each["reason"])
    assert [line["quantity"] for line in mine["line_items"]] == [-1], "two are short, and one of them was given back"
    assert planned(trade, number) == {TEA: 1}
    assert proves(trade)


def test_a_refund_whose_answer_is_lost_is_found_by_its_mark(trade):
    number = trade.buy((TEA, 2), (POT, 1))
    trade.shop_plan.add(kind="commit_then_drop", method="POST", path=f"/wp-json/wc/v3/orders/{number}/refunds")
    trade.carry()
    trade.time_passes(300)
    settle(trade)
    assert len(refunds_of(trade, number)) == 1
    assert trade.item(number).state == "done", trade.causes()
    assert trade.open_intents() == []
    assert proves(trade)


def test_money_whose_fate_is_unknown_waits_for_a_persons_word(trade):
    number = trade.buy((TEA, 1))
    trade.shop_plan.add(kind="reset", method="POST", path=f"/wp-json/wc/v3/orders/{number}/refunds")
    trade.carry()
    trade.time_passes(300)
    settle(trade)
    assert (refunds_of(trade, number), trade.causes()) == ([], {"unknown_outcome": 1})
    assert resend_orders(trade.store, orders=[order_of(trade, number)], actor=ANNA) == 1
    settle(trade)
    assert len(refunds_of(trade, number)) == 1
    assert trade.item(number).state == "done", trade.causes()


def test_a_refund_that_people_delete_is_theirs_and_is_not_made_again(trade):
    number = trade.buy((TEA, 1))
    settle(trade)
    [refund] = refunds_of(trade, number)
    order = trade.shop.shop.order(int(number)).document()
    order["refunds"] = [each for each in order["refunds"] if each["id"] != refund["id"]]
    change(trade.shop.shop, order, "order.refund")
    trade.mark_again(number)
    settle(trade)
    assert refunds_of(trade, number) == []
    assert len(trade.rows(select(intents).where(intents.c.kind == "return"))) == 1


def refusing(store):
    """A channel that pays out, and a shop whose gateway cannot."""
    return trading(store, stock=StockPolicy(push=True), returns=Returns.PAYOUT, articles=30)


def bought_from_nobody(trade):
    cut(trade)
    put(trade, TEA, 1)
    put(trade, POT, 0)
    trade.show_stock()
    number = trade.buy((TEA, 1), (POT, 1), payment_method="cod")
    settle(trade)
    return number


def test_what_the_shop_does_not_give_back_is_a_persons_task_until_they_did(sqlite_store):
    with refusing(sqlite_store) as trade:
        number = bought_from_nobody(trade)
        assert trade.causes() == {"short_lines": 1}
        pot = line_of(trade, number, POT)
        reason = trade.item(number).reason
        assert f"1 x {POT} cannot be sent, and the shop was to give back {gross(pot)} EUR for it" in reason
        assert "does not support automatic refunds" in reason
        proof = prove_channel(trade.store, trade.systems.channel(CHANNEL))
        [difference] = proof.differences
        assert (str(difference.kind), difference.number) == ("held", number)
        assert f"the shop was to give back {gross(pot)} EUR" in difference.detail
        tax = [{"id": each["id"], "refund_total": each["total"]} for each in pot["taxes"]]
        piece = {"id": pot["id"], "quantity": 1, "refund_total": pot["total"], "refund_tax": tax}
        refund = {"amount": str(gross(pot)), "api_refund": False, "line_items": [piece]}
        trade.in_shop("POST", f"orders/{number}/refunds", refund)
        settle(trade)
        assert trade.item(number).state == "done", trade.causes()
        assert planned(trade, number) == {TEA: 1}
        assert proves(trade)


def test_a_person_may_have_it_sent_later_instead_for_good(sqlite_store):
    with refusing(sqlite_store) as trade:
        number = bought_from_nobody(trade)
        approve_order(trade.store, order_of(trade, number), actor=ANNA, reason="comes on Monday")
        settle(trade)
        assert trade.item(number).state == "done", trade.causes()
        assert (credited(trade, number), trade.sale(number)["lines"][1]["quantity"]) == ([], "1")
        # Another content than the one that the word was for.
        trade.in_shop("PUT", f"orders/{number}", {"customer_note": "ring twice"})
        settle(trade)
        assert (refunds_of(trade, number), trade.causes()) == ([], {})
        assert proves(trade)


# --- deaths -----------------------------------------------------------------------------------------------------


class Dying(Store):
    """Its process dies after the n-th change of the database from the one on that announces the shop's refund."""

    def __init__(self, store, nth):
        super().__init__(store.engine)
        self.nth = nth

    def write(self, work):
        result = super().write(work)
        announced = super().read(lambda c: c.execute(select(intents.c.id).where(intents.c.kind == "return")).all())
        self.nth -= bool(announced)
        if not self.nth:
            raise Crash
        return result


def dies(trade, nth):
    """Whether one drain came to so many changes of the database, and died there."""
    try:
        drain_channel(Dying(trade.store, nth), trade.systems.channel(CHANNEL), "order", ring=lambda *_: None)
    except Crash:
        return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(1, 7))
def test_a_worker_that_dies_anywhere_leaves_one_refund_and_one_credit(trade, nth):
    number = trade.buy((TEA, 1))
    pull(trade.store, trade.systems.connector("shop"), "shop", [CHANNEL], since=PLACED.replace(year=2020))
    assert dies(trade, nth)
    trade.time_passes(300)
    dispatcher = Dispatcher(cast("Any", SimpleNamespace(store=trade.store, systems=trade.systems)))
    # That a taker must have seen the same heartbeat for a whole lease has a test of its own.
    dispatcher._lease_s = {"erp": 0.0, "shop": 0.0}
    dispatcher.recover()
    settle(trade)
    if nth == 1:
        # Between intent and call nobody knows whether the money has left: a person says that it has not.
        assert (refunds_of(trade, number), trade.causes()) == ([], {"unknown_outcome": 1})
        resend_orders(trade.store, orders=[order_of(trade, number)], actor=ANNA)
        settle(trade)
    total = Decimal(trade.order(number)["total"])
    assert [Decimal(each["amount"]) for each in refunds_of(trade, number)] == [total]
    assert credited(trade, number) == [-total]
    assert trade.item(number).state == "done", trade.causes()
    assert trade.open_intents() == []
    assert proves(trade)


def test_what_was_chosen_is_given_back_though_the_configuration_says_something_else_by_now(trade):
    number = trade.buy((TEA, 1))
    # Before anything is given back it is read what was.
    fault = trade.shop_plan.add(kind="status", status=503, method="GET", path="*/refunds", count=None)
    trade.carry()
    trade.shop_plan.remove(fault)
    assert refunds_of(trade, number) == []
    cut(trade, rules=(), short=ShortLines.BACKORDER)
    trade.time_passes(300)
    settle(trade)
    assert len(refunds_of(trade, number)) == 1
    assert trade.item(number).state == "done", trade.causes()
