"""Won deals and accepted quotes as orders: each once, however often it is won, and it shows which sale it became."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal

import pytest

from config.model import DocumentState
from tests.sync.flows.trade import TEA, trading_zoho

pytestmark = pytest.mark.loopback


@contextlib.contextmanager
def selling(store, state=DocumentState.CONFIRMED):
    options = {"orders_from": "deals", "deal_article": TEA}
    with trading_zoho(store, options=options, document_state=state, sale_number=True) as made:
        yield made


@pytest.fixture
def deals(sqlite_store):
    with selling(sqlite_store) as made:
        yield made


def sales(trade):
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=2)
    return list(trade.systems.connector("erp").list_sales(now - day, now + day))


def settle(trade):
    """Until nothing moves any more."""
    for _ in range(3):
        trade.carry()


def test_several_deals_of_one_customer_are_an_order_each_and_show_their_number(deals):
    account = {}
    won = []
    for amount in (70, 35.5):
        deal = deals.shop.sell([(TEA, 1)], module="Deals")
        account = account or {name: deal[name] for name in ("Account_Name", "Contact_Name")}
        deals.shop.edit("Deals", deal["id"], Amount=amount, **account)
        won.append(deal["id"])
    settle(deals)
    assert deals.causes() == {}
    became = [deals.sale(each) for each in won]
    assert [Decimal(sale["total"]) for sale in became] == [70, Decimal("35.5")]
    assert len({sale["party"] for sale in became}) == 1
    shown = [deals.shop.records["Deals"][each]["Crossdock_ERP_Number"] for each in won]
    assert shown == [sale["number"] for sale in became]


def edit(trade, module, number, **fields):
    """Later than whatever was read."""
    trade.shop.clock_offset_s += 5
    trade.shop.edit(module, number, **fields)


@pytest.mark.parametrize("state", [DocumentState.DRAFT, DocumentState.CONFIRMED])
def test_a_deal_that_is_opened_again_and_won_again_is_the_same_order(sqlite_store, state):
    with selling(sqlite_store, state) as deals:
        won = deals.shop.sell([(TEA, 1)], module="Deals")["id"]
        settle(deals)
        edit(deals, "Deals", won, Stage="Negotiation/Review", Amount=50)
        # A pull asks for won deals; this one is found as it is looked at again, or notified.
        deals.mark_again(won)
        settle(deals)
        assert deals.causes() == {"cancelled_after_import": 1}
        assert (deals.sale(won)["state"], deals.sale(won)["total"]) == (state.value, "7.00")
        edit(deals, "Deals", won, Stage="Closed Won")
        settle(deals)
        # This ERP lets nobody change a sale that is confirmed: then a person sees the difference.
        changed = state is DocumentState.DRAFT
        assert deals.causes() == ({} if changed else {"changed_after_import": 1})
        assert Decimal(deals.sale(won)["total"]) == (50 if changed else 7)
        assert len(sales(deals)) == 1


def test_a_deal_that_is_lost_after_all_takes_its_sale_along(deals):
    won = deals.shop.sell([(TEA, 1)], module="Deals")["id"]
    settle(deals)
    edit(deals, "Deals", won, Stage="Closed Lost")
    deals.mark_again(won)
    settle(deals)
    assert (deals.sale(won)["state"], deals.causes()) == ("cancelled", {})


def test_a_quote_and_the_sales_order_that_is_made_of_it_are_one_order(sqlite_store):
    """The channel of quotes takes the quote; that of sales orders leaves out what is made of one."""
    with trading_zoho(sqlite_store, options={"leave_out": ["quotes"]}, sale_number=True) as trade:
        quote = trade.shop.sell([(TEA, 1)], module="Quotes")
        made = trade.shop.sell([(TEA, 1)])["id"]
        trade.shop.edit("Sales_Orders", made, Quote_Name={"id": quote["id"], "name": "Q"})
        plain = trade.shop.sell([(TEA, 2)])["id"]
        settle(trade)
        assert (trade.item(made).state, trade.item(plain).state) == ("skipped", "done")
        assert len(sales(trade)) == 1


def test_an_accepted_quote_shows_its_number_and_invoice(sqlite_store):
    options = {"orders_from": "quotes"}
    with trading_zoho(sqlite_store, options=options, sale_number=True, post_invoices=True) as trade:
        quote = trade.shop.sell([(TEA, 1)], module="Quotes")["id"]
        trade.carry()
        trade.in_erp("POST", f"sales/{trade.sale_id(quote)}/send", {"tracking": [{"number": "T-1", "url": ""}]})
        settle(trade)
        assert (trade.item(quote).state, trade.causes()) == ("done", {})
        shown = trade.shop.records["Quotes"][quote]
        assert shown["Crossdock_ERP_Number"] == trade.sale(quote)["number"]
        [invoice] = trade.sale(quote)["invoices"]
        assert shown["Crossdock_Invoices"].startswith(f"{invoice['number']} | ")
        assert shown["Quote_Stage"] == "Accepted"
