"""What the ERP's people give back: paired with the shop's refund, told to a person, or given back in the shop; once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.model import Returns
from sync.desk.facets import load_facets
from sync.desk.proof import prove_channel
from sync.desk.resending import resend_orders
from sync.desk.steering import approve_order
from sync.store.audit import Actor
from sync.store.bodies import load_json, unpack
from sync.store.orders import load_canonical, load_order
from tests.sync.flows.trade import CHANNEL, POT, TEA, trading

pytestmark = pytest.mark.loopback

ANNA = Actor("anna", "test")


@pytest.fixture
def trade(sqlite_store):
    with trading(sqlite_store) as made:
        yield made


def bought(trade, *lines, **fields):
    number = trade.buy(*(lines or [(TEA, 2)]), **fields)
    trade.carry()
    trade.in_erp("POST", f"sales/{trade.sale_id(number)}/send", {})
    trade.carry()
    return number


def take_back(trade, number, amount="4.00", code=TEA):
    """Somebody in the ERP books a return of one piece."""
    return trade.in_erp("POST", f"sales/{trade.sale_id(number)}/return", {"lines": {code: "1"}, "amount": amount})["id"]


def give_back(trade, number, amount="4.00"):
    return trade.in_shop("POST", f"orders/{number}/refunds", {"amount": amount, "api_refund": False})


def given_back(trade, number):
    return [Decimal(each["amount"]) for each in trade.in_shop("GET", f"orders/{number}/refunds")]


def order_of(trade, number):
    return trade.store.read(lambda c: load_order(c, CHANNEL, number, "erp"))


def shown(trade, number):
    """The refunds of the order's page, as (shop, ERP, made in the ERP)."""
    order = order_of(trade, number)

    def load(connection):
        canonical = load_json(unpack(load_canonical(connection, order.id)))
        return load_facets(connection, order.id, "shop", canonical)

    return [
        (each.shop and each.shop.amount, each.erp and each.erp.amount, bool(each.erp and each.erp.made_there))
        for each in trade.store.read(load).refunds
    ]


def proves(trade):
    return prove_channel(trade.store, trade.systems.channel(CHANNEL)).holds


def test_a_return_of_the_erp_is_told_with_its_amount_and_articles_until_the_shop_gives_the_same_back(trade):
    number = bought(trade)
    take_back(trade, number)
    trade.carry()
    assert trade.causes() == {"returned_in_erp": 1}
    assert "gives back 4.00 EUR (1 x " + TEA in trade.item(number).reason
    assert shown(trade, number) == [(None, Decimal(4), True)]
    assert given_back(trade, number) == []
    give_back(trade, number)
    trade.carry()
    assert trade.causes() == {}
    assert len(trade.sale(number)["refunds"]) == 1, "the ERP has it already"
    assert shown(trade, number) == [(Decimal(4), Decimal(4), True)]
    trade.mark_again(number)
    trade.carry()
    assert len(trade.sale(number)["refunds"]) == 1
    assert proves(trade)


def test_a_credit_of_another_amount_is_another_one(trade):
    number = bought(trade)
    take_back(trade, number, "4.00")
    give_back(trade, number, "3.99")
    trade.carry()
    assert sorted(Decimal(each["total"]) for each in trade.sale(number)["refunds"]) == [
        Decimal("-4.00"),
        Decimal("-3.99"),
    ]
    assert trade.causes() == {"returned_in_erp": 1}


def test_two_refunds_of_one_amount_need_two_credits(trade):
    number = bought(trade)
    take_back(trade, number)
    give_back(trade, number)
    give_back(trade, number)
    trade.carry()
    trade.carry()
    assert [Decimal(each["total"]) for each in trade.sale(number)["refunds"]] == [Decimal(-4), Decimal(-4)]
    assert trade.causes() == {}
    assert proves(trade)


def test_a_persons_word_lets_pass_what_was_told_and_no_later_return(store):
    with trading(store) as trade:
        approve_one_return(trade)


def approve_one_return(trade):
    number = bought(trade)
    take_back(trade, number)
    trade.carry()
    approve_order(trade.store, order_of(trade, number), actor=ANNA, reason="paid in cash")
    trade.carry()
    assert trade.item(number).state == "done", trade.causes()
    assert proves(trade)
    take_back(trade, number, "1.50")
    trade.carry()
    assert trade.causes() == {"returned_in_erp": 1}
    assert "1.50 EUR" in trade.item(number).reason
    assert "4.00 EUR" not in trade.item(number).reason


@pytest.fixture
def refunding(sqlite_store):
    with trading(sqlite_store, returns=Returns.REFUND, resend=True) as made:
        yield made


def test_the_shop_gives_back_what_the_erp_took_back_once_where_the_channel_says_so(refunding):
    trade = refunding
    number = bought(trade, (TEA, 2), (POT, 1))
    take_back(trade, number)
    for _ in range(3):
        trade.carry()
    [refund] = trade.in_shop("GET", f"orders/{number}/refunds")
    assert (refund["amount"], refund["refunded_payment"]) == ("4.00", False)
    take_back(trade, number, "7.00", POT)
    for _ in range(3):
        trade.carry()
    assert sorted(given_back(trade, number)) == [Decimal(4), Decimal(7)]
    assert len(trade.sale(number)["refunds"]) == 2, "what comes back is paired with what was there"
    assert trade.item(number).state == "done", trade.causes()
    assert trade.open_intents() == []
    assert proves(trade)


def test_a_refund_in_the_shop_whose_answer_is_lost_is_found_by_its_mark(refunding):
    trade = refunding
    number = bought(trade)
    take_back(trade, number)
    trade.shop_plan.add(kind="commit_then_drop", method="POST", path=f"/wp-json/wc/v3/orders/{number}/refunds")
    trade.carry()
    trade.time_passes(300)
    for _ in range(2):
        trade.carry()
    assert given_back(trade, number) == [Decimal(4)]
    assert trade.item(number).state == "done", trade.causes()
    assert trade.open_intents() == []


def test_money_whose_fate_is_unknown_is_never_sent_again_without_a_persons_word(refunding):
    """`resend` is about mails: the channel has it on here."""
    trade = refunding
    number = bought(trade)
    take_back(trade, number)
    trade.shop_plan.add(kind="reset", method="POST", path=f"/wp-json/wc/v3/orders/{number}/refunds")
    trade.carry()
    trade.time_passes(300)
    for _ in range(2):
        trade.mark_again(number)
        trade.carry()
    assert given_back(trade, number) == []
    assert trade.causes() == {"unknown_outcome": 1}
    assert resend_orders(trade.store, orders=[order_of(trade, number)], actor=ANNA) == 1
    for _ in range(2):
        trade.carry()
    assert given_back(trade, number) == [Decimal(4)]
    assert trade.item(number).state == "done", trade.causes()


def test_what_the_shop_refuses_waits_for_a_person(refunding):
    trade = refunding
    number = bought(trade)
    take_back(trade, number, "999.00")
    trade.carry()
    assert given_back(trade, number) == []
    assert trade.item(number).state in {"held", "parked"}
    assert "Invalid refund amount" in trade.item(number).reason


def test_the_gateway_sends_the_money_only_where_the_channel_says_so_and_the_gateway_can(sqlite_store):
    with trading(sqlite_store, returns=Returns.PAYOUT) as trade:
        able, unable = bought(trade), bought(trade, payment_method="cod")
        for number in (able, unable):
            take_back(trade, number)
        trade.carry()
        assert (given_back(trade, able), given_back(trade, unable)) == ([Decimal(4)], [])
        assert "does not support automatic refunds" in trade.item(unable).reason
        # A person gives it back in another way, and books it in the shop.
        give_back(trade, unable)
        trade.carry()
        assert [trade.item(number).state for number in (able, unable)] == ["done", "done"], trade.causes()
        assert proves(trade)


def test_nothing_comes_of_it_where_the_channel_says_so_but_the_proof_names_it(sqlite_store):
    with trading(sqlite_store, returns=Returns.NONE) as trade:
        number = bought(trade)
        take_back(trade, number)
        trade.carry()
        assert trade.item(number).state == "done", trade.causes()
        [difference] = prove_channel(trade.store, trade.systems.channel(CHANNEL)).differences
        assert (str(difference.kind), difference.shop_id) == ("foreign", number)


def test_a_return_of_an_order_that_the_shop_cancelled_is_explained_by_the_persons_word_for_it(trade):
    number = bought(trade)
    trade.in_shop("PUT", f"orders/{number}", {"status": "cancelled"})
    trade.carry()
    assert trade.causes() == {"cancelled_after_import": 1}
    take_back(trade, number, "4.00")
    approve_order(trade.store, order_of(trade, number), actor=ANNA, reason="it is coming back")
    trade.carry()
    assert trade.item(number).state == "skipped"
    assert proves(trade), prove_channel(trade.store, trade.systems.channel(CHANNEL)).differences
