"""A discount of a whole order in the shops' stand-ins: the amounts are those of the recorded shops."""

from __future__ import annotations

from decimal import Decimal

from connectors.sandbox import shopify, vendure
from connectors.sandbox.discounts import shares

#: What was bought in the recorded shops: 22.47, 29.95 and 23.31, and ten percent off all of it.
BOUGHT = [("TEE-ASSAM-100", 3), ("KANNE-GLAS", 1), ("SIEB-ST", 7)]
TEN = Decimal(10)


def test_the_cent_that_rounding_leaves_goes_where_most_was_cut_off():
    amounts = [Decimal("22.47"), Decimal("29.95"), Decimal("23.31")]
    assert shares(amounts, TEN, Decimal("0.01")) == [Decimal("2.25"), Decimal("2.99"), Decimal("2.33")]
    assert shares(amounts, Decimal(0), Decimal("0.01")) == [0, 0, 0]


def test_vendure_shares_a_promotion_out_as_the_recorded_shop_did():
    order = vendure.Shop().sell(BOUGHT, percent=TEN)
    told = [
        (line["linePrice"], line["proratedLinePrice"], line["proratedLinePriceWithTax"], line["proratedUnitPrice"])
        for line in order["lines"]
    ]
    assert told == [(2100, 1890, 2022, 630), (2517, 2266, 2696, 2266), (1959, 1763, 2098, 252)]
    assert [(each["amount"], each["amountWithTax"]) for each in order["discounts"]] == [(-657, -757)]
    assert (order["total"], order["totalWithTax"], order["couponCodes"]) == (6331, 7306, ["SOMMER10"])


def test_pieces_that_are_cancelled_take_their_share_of_the_promotion_along():
    shop = vendure.Shop()
    order = shop.sell(BOUGHT, percent=TEN)
    shop.cancel(order["id"], {order["lines"][1]["id"]: 1})
    assert [each["amountWithTax"] for each in order["discounts"]] == [-458]
    assert order["subTotalWithTax"] == 2247 + 2331 - 458


def test_shopify_says_what_of_its_code_fell_on_which_line_and_gives_back_no_more():
    shop = shopify.Shop()
    order = shop.sell(BOUGHT, percent=TEN)
    allocated = [
        line["discountAllocations"][0]["allocatedAmountSet"]["shopMoney"]["amount"] for line in order["lineItems"]
    ]
    assert allocated == ["2.25", "2.99", "2.33"]
    assert order["totalPriceSet"]["shopMoney"]["amount"] == "73.06"
    pot = order["lineItems"][1]["id"].rpartition("/")[2]
    refund = shop.refund(int(order["id"].rpartition("/")[2]), {pot: 1})
    assert refund["totalRefundedSet"]["shopMoney"]["amount"] == "26.96"
