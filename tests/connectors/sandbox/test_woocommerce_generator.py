"""Generated orders: as varied as the recorded ones, consistent to the cent, the same for the same seed."""

from __future__ import annotations

import json
import time
from decimal import Decimal

import pytest

from connectors.sandbox.catalogue import UNKNOWN_SKU, catalogue
from connectors.sandbox.woocommerce.generator import DEMO, FULL, PLANTS, Generator
from mappings.base import SourceOptions
from mappings.canonical.errors import Problems
from mappings.canonical.jsontext import read_json
from mappings.woocommerce.order import order_from_woocommerce
from tests.connectors.sandbox.woocommerce_client import make_client

COUNT = 1_500


def generate(variety, count=COUNT, seed=7):
    client = make_client()
    Generator(client.shop, seed=seed, variety=variety).backlog(count)
    client.app.deliveries.close()
    renderer = client.app.renderer
    return [json.loads(renderer.order_bytes(row, "https")) for row in client.shop.orders.values()]


@pytest.fixture(scope="module")
def orders():
    return generate(FULL)


def difference(order):
    """By how much the shown parts miss the shown total."""
    parts = [*order["line_items"], *order["fee_lines"], *order["shipping_lines"]]
    taxes = Decimal(order["cart_tax"]) + Decimal(order["shipping_tax"])
    return Decimal(order["total"]) - sum(Decimal(part["total"]) for part in parts) - taxes


def rounds_at_subtotal(order):
    """Its line taxes, each rounded, do not have to add up to the order's."""
    return difference(order) != 0


def test_the_parts_add_up_to_the_total_but_for_the_cents_of_rounding_at_the_subtotal(orders):
    assert max(abs(difference(order)) for order in orders) <= Decimal("0.05")
    off = sum(rounds_at_subtotal(order) for order in orders)
    assert 0 < off < COUNT / 10


def test_nothing_of_a_backlog_lies_in_the_future_or_before_its_beginning(orders):
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    for order in orders:
        times = [order[f"date_{name}_gmt"] for name in ("created", "paid", "completed", "modified")]
        assert all(order["date_created_gmt"] <= moment <= now for moment in times if moment), order["id"]


def test_tax_lines_add_up_to_the_orders_tax(orders):
    for order in orders:
        if rounds_at_subtotal(order):
            continue
        rates = sum(Decimal(line["tax_total"]) for line in order["tax_lines"])
        assert abs(rates - Decimal(order["cart_tax"])) <= Decimal("0.02"), order["id"]


@pytest.mark.parametrize(
    ("what", "occurs"),
    [
        ("gross prices", lambda order: order["prices_include_tax"]),
        ("net prices", lambda order: not order["prices_include_tax"]),
        ("percent coupon", lambda order: any(line["discount_type"] == "percent" for line in order["coupon_lines"])),
        ("cart coupon", lambda order: any(line["discount_type"] == "fixed_cart" for line in order["coupon_lines"])),
        ("fee", lambda order: any(Decimal(line["total"]) > 0 for line in order["fee_lines"])),
        ("negative fee", lambda order: any(Decimal(line["total"]) < 0 for line in order["fee_lines"])),
        ("free shipping", lambda order: order["shipping_total"] == "0.00"),
        ("partial refund", lambda order: order["refunds"] and order["status"] != "refunded"),
        ("full refund", lambda order: order["status"] == "refunded"),
        ("yen", lambda order: order["currency"] == "JPY"),
        ("dinar", lambda order: order["currency"] == "KWD"),
        ("guest", lambda order: order["customer_id"] == 0),
        ("known customer", lambda order: order["customer_id"] > 0),
        ("VAT id", lambda order: any("vat" in meta["key"] and meta["value"] != "no" for meta in order["meta_data"])),
        ("purchase order", lambda order: any(meta["key"] == "_po_number" for meta in order["meta_data"])),
        ("emoji", lambda order: "🌸" in order["billing"]["first_name"]),
        ("right to left", lambda order: "العبدالله" in order["billing"]["last_name"]),
        ("escaped company", lambda order: "&amp;" in order["billing"]["company"]),
        ("escaped product name", lambda order: any("&gt;" in line["name"] for line in order["line_items"])),
        ("other recipient", lambda order: order["shipping"]["first_name"] == "Erika"),
        ("100 lines", lambda order: len(order["line_items"]) >= 100),
        ("deleted product", lambda order: any(line["sku"] is None for line in order["line_items"])),
        ("gift", lambda order: any(line["sku"] == "GESCHENK" for line in order["line_items"])),
        ("zero total", lambda order: all(line["sku"] == "GESCHENK" for line in order["line_items"])),
        ("variation", lambda order: any(line["variation_id"] for line in order["line_items"])),
        ("no tax abroad", lambda order: order["shipping"]["country"] == "JP" and order["total_tax"] == "0.00"),
        ("Austrian tax", lambda order: any(line["rate_code"].startswith("AT") for line in order["tax_lines"])),
        ("over the API", lambda order: order["created_via"] == "rest-api"),
        *((status, lambda order, status=status: order["status"] == status) for status, _ in FULL.states),
    ],
)
def test_what_the_recordings_teach_occurs(orders, what, occurs):
    assert any(occurs(order) for order in orders), what


def test_the_same_seed_buys_the_same(orders):
    def bought(order):
        return order["total"], [line["sku"] for line in order["line_items"]], order["billing"]["email"]

    assert [bought(order) for order in generate(FULL, 50, seed=3)] == [
        bought(order) for order in generate(FULL, 50, seed=3)
    ]
    assert [bought(order) for order in generate(FULL, 50, seed=3)] != [
        bought(order) for order in generate(FULL, 50, seed=4)
    ]


@pytest.mark.parametrize("variety", [FULL, DEMO], ids=["full", "demo"])
def test_every_generated_order_maps(variety):
    client = make_client()
    Generator(client.shop, seed=11, variety=variety).backlog(400)
    for row in client.shop.orders.values():
        body = client.app.renderer.order_bytes(row, "https")
        order_from_woocommerce(read_json(body), SourceOptions())
    client.app.deliveries.close()


def test_the_demo_sells_only_what_an_erp_with_german_vat_knows():
    known = {product.sku for product in catalogue(20)}
    for order in generate(DEMO, 300):
        assert {line["sku"] for line in order["line_items"]} <= known
        assert {line["rate_code"][:2] for line in order["tax_lines"]} <= {"DE"}
        assert order["currency"] == "EUR"


@pytest.mark.parametrize("what", PLANTS)
def test_a_planted_order_is_wrong_in_its_own_way_and_only_in_that(what):
    client = make_client()
    row = Generator(client.shop, seed=1).plant(what)
    order = json.loads(client.app.renderer.order_bytes(row, "https"))
    client.app.deliveries.close()

    assert any(line["sku"] == UNKNOWN_SKU for line in order["line_items"]) is (what == "unknown_sku")
    assert (Decimal(order["total"]) > 10_000) is (what == "over_limit")
    assert (abs(difference(order)) > Decimal("0.05")) is (what == "totals_mismatch")
    if what == "totals_mismatch":
        with pytest.raises(Problems):
            order_from_woocommerce(read_json(client.app.renderer.order_bytes(row, "https")), SourceOptions())


def test_a_longer_catalogue_begins_with_the_shorter():
    assert catalogue(200)[:30] == catalogue(30)
    assert len({product.sku for product in catalogue(500)}) == 500
