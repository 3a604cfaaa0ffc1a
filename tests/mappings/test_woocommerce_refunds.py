"""Refunds of a WooCommerce shop: recorded ones, and what the recordings do not have."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.facets import OrderRefund
from mappings.canonical.money import money_sum
from mappings.canonical.records import Order
from mappings.registry import SHOP_FACETS
from tests.mappings.woocommerce_orders import mapped, woo_line, woo_order
from tests.shared import shared_path

REFUND = SHOP_FACETS["woocommerce"].refund


def read(payload: dict[str, Any], order: Order, **options: Any) -> OrderRefund:
    return REFUND(payload, order, SourceOptions(**options))


def problems(payload: dict[str, Any], order: Order) -> list[tuple[str, str]]:
    with pytest.raises(Problems) as caught:
        read(payload, order)
    return [(problem.path, problem.cause) for problem in caught.value.problems]


def recorded(name: str) -> Any:
    [path] = shared_path("captures/woocommerce").glob(f"{name}-*.json")
    return json.loads(path.read_text(), parse_float=Decimal)["response"]["json"]


def given_back(*, pieces: int = -1, net: str = "-10.00", tax: str = "-1.90", **changes: Any) -> dict[str, Any]:
    """One of the two sieves of `woo_order`, which cost 10.00 + 1.90 each."""
    meta = [{"id": 299, "key": "_refunded_item_id", "value": "4"}]
    line = {"id": 41, "name": "Teesieb &amp; Kanne", "quantity": pieces, "total": net, "total_tax": tax}
    return line | {"taxes": [{"id": 1, "total": tax, "subtotal": tax}], "meta_data": meta, "sku": "SIEB-ST"} | changes


def refund(*lines: dict[str, Any], amount: str = "11.90", **changes: Any) -> dict[str, Any]:
    rates = [{"rate_id": 1, "label": "MwSt 19 %", "compound": False, "tax_total": "0", "shipping_tax_total": "0"}]
    whole = {"id": 31, "amount": amount, "reason": "Bruch &amp; mehr", "date_created_gmt": "2026-11-21T23:04:30"}
    lists = {"line_items": list(lines), "shipping_lines": [], "fee_lines": []}
    return whole | lists | {"tax_lines": [rate | {"rate_percent": 19} for rate in rates]} | changes


def order(*, taken: bool = True, back: int | None = None, refunds: tuple[int, ...] = (31,)) -> Order:
    meta: list[dict[str, Any]] = [{"id": 10, "key": "_reduced_stock", "value": "2"}] if taken else []
    if back is not None:
        meta.append({"id": 11, "key": "_restock_refunded_items", "value": str(back)})
    told = [{"id": number, "total": "-11.90", "reason": ""} for number in refunds]
    return mapped(woo_order(line_items=[woo_line(meta_data=meta)], refunds=told))


# Recorded


def test_the_recorded_refund_of_lines_is_positive_and_ties():
    of_order = mapped(recorded("80"))
    goods, goodwill = (read(payload, of_order) for payload in (recorded("75"), recorded("78")[0]))
    [line] = goods.lines
    assert (line.origin, line.kind, line.sku, line.quantity) == ("4", "line", "SIEB-ST", 2)
    assert (str(line.total), str(line.tax)) == ("5.04 EUR", "0.96 EUR")
    assert [(tax.code, tax.title, tax.rate, str(tax.amount)) for tax in line.tax_lines] == [
        ("1", "MwSt 19 %", 19, "0.96 EUR")
    ]
    assert (goods.external_id, str(goods.amount), goods.goodwill.amount, goods.reason) == (
        "31", "6.00 EUR", 0, "Bruch – 2 Stück"  # noqa: RUF001 - as recorded
    )  # fmt: skip
    assert goods.refunded_at.isoformat() == "2026-11-21T23:04:30+00:00"
    assert goods.restock, "the shop counted both pieces back in, and goodwill gives no pieces"
    assert (goodwill.lines, str(goodwill.goodwill), goodwill.restock) == ((), "3.50 EUR", False)


def test_the_recorded_full_refund_gives_back_lines_shipping_and_fee_and_carries_the_shops_cent():
    whole = read(recorded("82"), mapped(woo_order()))
    assert [(line.kind, line.origin, line.quantity) for line in whole.lines] == [
        ("line", "21", 2),
        ("line", "22", 1),
        ("shipping", "23", 0),
        ("fee", "24", 0),
    ]
    assert str(money_sum((line.total + line.tax for line in whole.lines), "EUR")) == "72.59 EUR"
    assert (str(whole.amount), str(whole.goodwill)) == ("72.58 EUR", "-0.01 EUR")
    assert whole.lines[2].title == "DHL Paket"


def test_every_recorded_refund_ties():
    of_order = mapped(recorded("80"))
    refunds = [*recorded("79"), recorded("124"), recorded("125")]
    assert len({refund["id"] for refund in refunds}) >= 4
    for payload in refunds:
        got = read(payload, of_order)
        assert got.amount == money_sum((line.total + line.tax for line in got.lines), "EUR") + got.goodwill
        assert got.goodwill.amount.copy_abs() <= Decimal("0.01") or not got.lines


@pytest.mark.parametrize("name", ["order_560_refunds", "refunds_list"])
def test_refunds_of_older_shops_without_shipping_and_tax_lists_are_read(name):
    for payload in json.loads(shared_path(f"vendor/woocommerce/refunds/{name}.json").read_text()):
        got = read(payload, mapped(woo_order()))
        assert got.amount == money_sum((line.total + line.tax for line in got.lines), "EUR") + got.goodwill


# What it gives back


def test_a_rate_that_the_refund_does_not_name_is_named_by_its_order():
    [line] = read(refund(given_back(), tax_lines=[]), order()).lines
    assert (line.tax_lines[0].title, line.tax_lines[0].rate) == ("MwSt 19 %", 19)


def test_a_line_whose_product_is_gone_keeps_the_sku_of_its_order():
    [line] = read(refund(given_back(sku=None)), order()).lines
    assert line.sku == "SIEB-ST"


@pytest.mark.parametrize(("amount", "goodwill"), [("11.91", "0.01"), ("15.00", "3.10"), ("11.89", "-0.01")])
def test_what_is_given_back_beside_the_lines_is_goodwill_to_the_cent(amount, goodwill):
    got = read(refund(given_back(), amount=amount), order())
    assert (str(got.amount), str(got.goodwill)) == (f"{amount} EUR", f"{goodwill} EUR")


def test_lines_that_give_back_more_than_the_refund_are_held_with_a_table():
    with pytest.raises(Problems) as caught:
        read(refund(given_back(), amount="9.00"), order())
    [problem] = caught.value.problems
    assert (problem.path, problem.cause) == ("amount", "totals_mismatch")
    assert "add up to 11.90 EUR, the shop says 9.00 EUR: a difference of -2.90 EUR" in problem.reason
    assert "1 x Teesieb & Kanne" in problem.reason


def test_everything_that_cannot_be_read_is_said_at_once():
    bad = refund(given_back(pieces=1), given_back(meta_data=[]), amount="-1.00")
    assert problems(bad, order()) == [
        ("amount", "mapping"),
        ("line_items[0].quantity", "mapping"),
        ("line_items[1].meta_data._refunded_item_id", "mapping"),
    ]
    assert {path for path, _ in problems({"id": 1, "amount": None}, order())} == {
        "amount",
        "date_created_gmt",
        "line_items",
    }


# Whether the goods come back


@pytest.mark.parametrize("default", [True, False])
@pytest.mark.parametrize(
    ("facts", "restock"),
    [
        pytest.param({"back": 1}, True, id="the only refund and a piece came back"),
        pytest.param({}, False, id="the shop counts and nothing came back"),
        pytest.param({"back": 2, "refunds": (31, 32)}, True, id="all that was ordered came back"),
        pytest.param({"refunds": (31, 32)}, False, id="nothing came back by any of two"),
        pytest.param({"back": 1, "refunds": (31, 32)}, None, id="one of two brought it back"),
        pytest.param({"taken": False}, None, id="the shop keeps no count"),
        pytest.param({"back": 1, "refunds": ()}, None, id="the order is older than its refund"),
    ],
)
def test_the_shop_says_whether_goods_come_back_and_elsewhere_the_option(facts, restock, default):
    got = read(refund(given_back()), order(**facts), refunds_restock=default)
    assert got.restock is (default if restock is None else restock)


def test_more_pieces_than_ever_came_back_cannot_have_come_back():
    both = refund(given_back(pieces=-2, net="-20.00", tax="-3.80"), amount="23.80")
    assert not read(both, order(back=1, refunds=(31, 32)), refunds_restock=True).restock


def test_money_alone_brings_no_goods_back():
    assert not read(refund(given_back(pieces=0)), order(taken=False)).restock
