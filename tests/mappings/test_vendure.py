"""Vendure: whole numbers, what is cancelled, states, shares of sellers; refunds and what is written back."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from connectors.sandbox.vendure import Shop, ShopSettings
from connectors.vendure import rows
from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.facets import Parcel, Shipment, ShipmentState
from mappings.canonical.money import Money
from mappings.canonical.records import FulfilmentState, OrderState, PaymentState
from mappings.facets import Sent, TakenBack
from mappings.vendure import FACETS, order_from_vendure
from mappings.vendure.refunds import refund_from_vendure

OPTIONS = SourceOptions()
#: 3.33 each, 2.80 net; 29.95 each.
SIEVE, POT = "SIEB-ST", "KANNE-GLAS"


@pytest.fixture
def shop():
    return Shop(ShopSettings())


def payload(record, **changes):
    """As the connector hands it over."""
    data = {"globalSettings": {"serverConfig": {"moneyStrategyPrecision": changes.pop("precision", 2)}}}
    return rows.envelope(record | changes, data).payload


def mapped(record, **changes):
    return order_from_vendure(payload(record, **changes), OPTIONS)


def reasons(record, **changes):
    with pytest.raises(Problems) as caught:
        mapped(record, **changes)
    return " ".join(f"{problem.path}: {problem.reason}" for problem in caught.value.problems)


def lines_of(order):
    return {line.sku: (line.quantity, (line.total + line.tax).amount) for line in order.lines}


def give_back(shop, order, *, amount=None, lines=(), payment=0, state="Settled", reason=""):
    told = [{"orderLineId": order["lines"][place]["id"], "quantity": count} for place, count in lines]
    refund = {"paymentId": order["payments"][payment]["id"], "lines": told, "amount": amount, "reason": reason}
    return shop.give_back(refund, state)


def test_whole_numbers_are_read_in_the_decimals_that_the_shop_counts_in(shop):
    order = shop.sell([(SIEVE, 7)])
    assert mapped(order).totals.grand == Money(Decimal("28.21"), "EUR")
    assert mapped(order, precision=3).totals.grand == Money(Decimal("2.821"), "EUR")
    yen = mapped(order, currencyCode="JPY")
    assert yen.totals.grand == Money(Decimal("28.21"), "JPY")


def test_a_unit_price_is_never_multiplied_back(shop):
    [line] = mapped(shop.sell([(SIEVE, 7)])).lines
    # 7 x 2.80 would be 19.60.
    assert (line.total.amount, line.tax.amount) == (Decimal("19.59"), Decimal("3.72"))


def test_pieces_that_are_cancelled_and_given_back_are_taken_away_once(shop):
    order = shop.sell([(SIEVE, 7), (POT, 2)])
    before = mapped(order)
    shop.cancel(order["id"], {order["lines"][0]["id"]: 2})
    assert lines_of(mapped(order))[SIEVE][0] == 5, "an edit, as long as nothing is given back"
    give_back(shop, order, lines=[(0, 2)])
    after = mapped(order)
    assert (lines_of(after), after.totals) == (lines_of(before), before.totals)
    assert [refund.amount.amount for refund in after.refunds] == [Decimal("6.66")]


def test_a_refund_of_pieces_that_were_not_cancelled_changes_no_line(shop):
    order = shop.sell([(SIEVE, 7)])
    before = mapped(order)
    give_back(shop, order, lines=[(0, 2)])
    assert mapped(order).lines == before.lines
    assert mapped(order).payment_state is PaymentState.PARTIALLY_REFUNDED


def test_a_cancelled_order_stays_what_it_was(shop):
    order = shop.sell([(SIEVE, 7), (POT, 1)])
    before = mapped(order)
    shop.cancel(order["id"])
    assert order["totalWithTax"] == 0
    after = mapped(order)
    assert after.state is OrderState.CANCELLED
    assert (after.totals, lines_of(after)) == (before.totals, lines_of(before))


def test_the_list_for_the_proof_says_the_same_total_as_the_order_whatever_became_of_it(shop):
    data = {"globalSettings": {"serverConfig": {"moneyStrategyPrecision": 2}}}
    whole, partly, other = (shop.sell([(SIEVE, 7), (POT, 2)]) for _ in range(3))
    shop.cancel(whole["id"])
    shop.cancel(partly["id"], {partly["lines"][0]["id"]: 3})
    give_back(shop, partly, lines=[(0, 2)])
    for order in (whole, partly, other):
        assert rows.summary(order, data).total == mapped(order).totals.grand.amount


def test_a_rounded_piece_is_corrected_by_what_was_paid(shop):
    order = shop.sell([(SIEVE, 7)])
    line = order["lines"][0]
    # 10 % off the whole order: 20.98 for seven, 3.00 for one.
    line |= {"proratedLinePriceWithTax": 0, "proratedLinePrice": 0, "quantity": 0, "linePrice": 0}
    line |= {"proratedUnitPriceWithTax": 300, "proratedUnitPrice": 252}
    order["payments"][0]["amount"] = 2098 + 490
    shipping_tax = order["taxSummary"][-1:]
    changes = {"state": "Cancelled", "total": 412, "totalWithTax": 490, "taxSummary": shipping_tax}
    found = mapped(order, **changes)
    assert lines_of(found) == {SIEVE: (7, Decimal("20.98"))}
    assert found.totals.grand.amount == Decimal("25.88")


def test_several_rates_share_a_lines_tax_to_the_cent(shop):
    order = shop.sell([(POT, 1)])
    order["lines"][0]["taxLines"] = [{"description": "state", "taxRate": 13}, {"description": "city", "taxRate": 6}]
    [line] = mapped(order).lines
    assert [(tax.code, tax.amount.amount) for tax in line.tax_lines] == [
        ("state 13%", Decimal("3.27")),
        ("city 6%", Decimal("1.51")),
    ]


def test_surcharges_are_fees_and_tie(shop):
    order = shop.sell([(POT, 1)])
    rate = [{"description": "MwSt 19", "taxRate": 19}]
    surcharge = {"id": "4", "description": "Gift wrap", "sku": "", "price": 252, "priceWithTax": 300, "taxLines": rate}
    order["taxSummary"][0]["taxTotal"] += 48
    totals = {"total": order["total"] + 252, "totalWithTax": order["totalWithTax"] + 300}
    found = mapped(order, surcharges=[surcharge], **totals)
    [fee] = found.fees
    assert (fee.total.amount, fee.tax.amount) == (Decimal("2.52"), Decimal("0.48"))
    assert found.totals.rounding.amount == 0


def test_a_total_that_nothing_explains_is_held(shop):
    order = shop.sell([(POT, 1)])
    assert "totalWithTax" in reasons(order, totalWithTax=order["totalWithTax"] + 600)


@pytest.mark.parametrize(
    ("word", "state", "fulfilment"),
    [
        ("PaymentAuthorized", OrderState.PROCESSING, FulfilmentState.UNFULFILLED),
        ("PartiallyShipped", OrderState.PROCESSING, FulfilmentState.PARTIAL),
        ("Shipped", OrderState.COMPLETED, FulfilmentState.FULFILLED),
        ("Modifying", OrderState.ON_HOLD, FulfilmentState.UNFULFILLED),
    ],
)
def test_states_mean_what_the_default_process_means(shop, word, state, fulfilment):
    found = mapped(shop.sell(), state=word)
    assert (found.state, found.fulfilment_state, found.source_state) == (state, fulfilment, word)


def test_a_state_of_the_shops_own_is_asked_for_once(shop):
    order = shop.sell()
    with pytest.raises(Problems) as caught:
        mapped(order, state="Packing")
    assert caught.value.problems[0].subject == "order_state:Packing"
    explained = SourceOptions(order_states={"Packing": OrderState.PROCESSING})
    assert order_from_vendure(payload(order, state="Packing"), explained).state is OrderState.PROCESSING


def test_what_is_authorized_is_not_paid(shop):
    order = shop.sell()
    order["payments"][0]["state"] = "Authorized"
    found = mapped(order)
    assert (found.payment_state, found.payments) == (PaymentState.AUTHORIZED, ())


def test_carts_shares_of_sellers_and_errors_are_no_orders(shop):
    order = shop.sell()
    assert "cart" in reasons(order, orderPlacedAt=None)
    assert "seller" in reasons(order, type="Seller")
    with pytest.raises(Problems, match="error of the shop"):
        order_from_vendure({"errorCode": "X", "message": "y"}, OPTIONS)
    assert mapped(order, type="Aggregate").number == order["code"]


def test_the_version_moves_with_what_hangs_on_the_order(shop):
    order = shop.sell([(SIEVE, 2)])
    versions = [mapped(order).version]
    for step in (
        lambda: shop.fulfil([{"orderLineId": order["lines"][0]["id"], "quantity": 1}], "DHL", "T"),
        lambda: give_back(shop, order, lines=[(0, 1)]),
    ):
        shop.clock_offset_s += 5
        step()
        versions.append(mapped(order).version)
    assert versions == sorted(set(versions))
    assert order["updatedAt"] == versions[0], "the order's own time has not moved"


def test_the_connectors_version_is_the_mappings(shop):
    order = shop.sell([(SIEVE, 2)])
    shop.clock_offset_s += 5
    give_back(shop, order, lines=[(0, 1)])
    data = {"globalSettings": {"serverConfig": {"moneyStrategyPrecision": 2}}}
    assert rows.envelope(order, data).version == mapped(order).version


# Refunds


def refund(record, order):
    return refund_from_vendure(record, mapped(order), OPTIONS)


def test_a_piece_is_worth_what_its_line_says_and_the_rest_is_goodwill(shop):
    order = shop.sell([(SIEVE, 7), (POT, 1)])
    found = refund(give_back(shop, order, lines=[(0, 2)], amount=1000), order)
    [line] = found.lines
    assert (line.quantity, line.total.amount + line.tax.amount) == (2, Decimal("6.66"))
    assert (found.amount.amount, found.goodwill.amount, found.restock) == (Decimal("10.00"), Decimal("3.34"), True)


def test_pieces_share_what_is_given_back_where_a_fee_was_kept(shop):
    order = shop.sell([(SIEVE, 2), (POT, 1)])
    found = refund(give_back(shop, order, lines=[(0, 2), (1, 1)], amount=3000), order)
    assert sum(line.total.amount + line.tax.amount for line in found.lines) == Decimal("30.00")
    assert [line.quantity for line in found.lines] == [2, 1]
    assert found.goodwill.amount == 0


def test_goodwill_and_shipping_bring_nothing_back(shop):
    order = shop.sell([(POT, 1)])
    assert refund(give_back(shop, order, amount=250), order).restock is False
    record = give_back(shop, order, amount=490) | {"shipping": 490}
    [line] = refund(record, order).lines
    assert (line.kind, line.total.amount + line.tax.amount, line.quantity) == ("shipping", Decimal("4.90"), 0)


def test_a_refund_counts_when_its_money_is_gone_and_ours_from_its_beginning(shop):
    order = shop.sell([(POT, 1)])
    assert refund(give_back(shop, order, amount=100, state="Pending"), order) is None
    assert refund(give_back(shop, order, amount=100, state="Failed"), order) is None
    ours = give_back(shop, order, amount=100, state="Pending", reason="RET/7 Ref. web-1")
    assert refund(ours, order).amount.amount == Decimal("1.00")
    assert FACETS.refund_mark(ours) == "web-1"
    assert FACETS.refund_mark(ours | {"state": "Failed"}) == "", "it came to nothing, and must not be taken for made"


def test_a_refund_of_two_payments_counts_its_pieces_once(shop):
    order = shop.sell([(POT, 2)])
    order["payments"][0]["amount"] -= 2000
    order["payments"].append(order["payments"][0] | {"id": "99", "amount": 2000, "refunds": []})
    first = order["payments"][0]["amount"]
    give_back(shop, order, lines=[(0, 2)], amount=first)
    give_back(shop, order, lines=[(0, 2)], amount=1500, payment=1)
    first, second = rows.mark_continued(order["payments"])
    assert sum(line.quantity for each in (first, second) for line in refund(each, order).lines) == 2
    assert refund(second, order).goodwill.amount == Decimal("15.00")


def test_a_line_that_the_order_does_not_have_is_named(shop):
    order = shop.sell([(POT, 1)])
    record = give_back(shop, order, lines=[(0, 1)])
    with pytest.raises(Problems, match="orderLineId"):
        refund(record | {"lines": [{"orderLineId": "777", "quantity": 1}]}, order)


# What goes back


def sent(order, **changes):
    shipment = Shipment(
        external_id="1",
        number="OUT/1",
        state=ShipmentState.SENT,
        lines=(),
        parcels=(Parcel(tracking_number="T-1"), Parcel(tracking_number="T-2")),
        sent_on=dt.date(2026, 11, 22),
    )
    values = {"carrier": "DHL", "tracking_url": "", "notify": False, "key": "1-OUT1"}
    pieces = {line.external_id: line.quantity for line in order.lines}
    return Sent(order=order, shipment=shipment, pieces=pieces, **(values | changes))


def test_a_parcel_has_whole_pieces_its_numbers_and_our_key(shop):
    order = mapped(shop.sell([(SIEVE, 2)]))
    body = FACETS.fulfilment(sent(order))
    assert body["lines"] == [{"orderLineId": order.lines[0].external_id, "quantity": 2}]
    assert (body["method"], body["trackingCode"]) == ("DHL Ref. 1-OUT1", "T-1, T-2")
    assert FACETS.fulfilment_key(body) == "1-OUT1"
    assert FACETS.fulfilment_key({"method": "DHL"}) == ""


def test_marks_keep_what_stands_there_and_change_their_own_line(shop):
    order = mapped(shop.sell([(SIEVE, 2)]))
    [first] = FACETS.shipment_marks([sent(order)], {"notes": []})["notes"]
    standing = {"notes": [{"note": first["note"]}, {"note": "Crossdock: parcels are great"}]}
    assert FACETS.shipment_marks([sent(order)], standing) == {}
    [more] = FACETS.shipment_marks([sent(order, key="1-OUT2")], standing)["notes"]
    assert [line.rpartition("Ref. ")[2] for line in more["note"].split("\n")[1:]] == ["1-OUT1", "1-OUT2"]
    [changed] = FACETS.shipment_marks([sent(order, carrier="UPS")], standing)["notes"]
    assert changed["note"].count("\n") == 1
    assert "UPS" in changed["note"]


def test_a_refund_says_its_lines_and_our_key(shop):
    taken = TakenBack(amount=Money(Decimal("6.66"), "EUR"), number="RET/7", key="web-1", payout=True)
    assert FACETS.give_back(taken)["reason"] == "RET/7 Ref. web-1"
    assert FACETS.give_back(dataclasses.replace(taken, number=""))["reason"] == "Ref. web-1"
