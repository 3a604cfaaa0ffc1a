"""Stock in a shop that really answers: variations of their own count and of their product's, beside simple products."""

from __future__ import annotations

import re
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
import requests

from config.model import StockPolicy
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import POT, TEA, trading

pytestmark = pytest.mark.loopback
RED, BLUE, PARENT = "TASSE-ROT", "TASSE-BLAU", "TASSE"


@pytest.fixture
def trade(sqlite_store):
    with trading(sqlite_store, articles=20, stock=StockPolicy(push=True, safety=Decimal(5))) as made:
        made.show_stock()
        yield made


def shown(trade, *skus):
    found = {row["sku"]: row["stock_quantity"] for row in trade.in_shop("GET", f"products?sku={','.join(skus)}")}
    return [found[sku] for sku in skus]


def count(trade, sku, quantity):
    """Somebody counts in the ERP."""
    trade.in_erp("PUT", "stock", {"code": sku, "quantity": str(quantity)})


def in_shop(trade, sku, **fields):
    """Somebody changes how the shop counts an article."""
    answer = requests.post(f"{trade.shop_url}/_sandbox/stock", json={"sku": sku, **fields}, timeout=PATIENCE_S)
    assert answer.ok, answer.text


def writes(trade):
    """Paths of the calls that set stock since the last time."""
    url = f"{trade.shop_url}/_sandbox/requests"
    made = requests.get(url, timeout=PATIENCE_S).json()
    requests.delete(url, timeout=PATIENCE_S)
    return sorted(re.sub(r"/\d+", "", urlsplit(row["target"]).path) for row in made if row["method"] == "POST")


def test_products_are_one_call_and_the_variations_of_a_product_another(trade):
    writes(trade)
    for sku in (TEA, POT, RED, BLUE):
        count(trade, sku, 105)
    trade.show_stock()
    assert shown(trade, TEA, POT, RED, BLUE) == [100] * 4
    assert writes(trade) == [f"/wp-json/wc/v3/products/{path}" for path in ("batch", "variations/batch")]
    trade.show_stock()
    assert writes(trade) == []


def test_variations_that_the_shop_counts_with_their_product_are_set_there_while_they_agree(trade):
    in_shop(trade, PARENT, quantity=5000, manage_stock=True)
    for sku in (RED, BLUE):
        in_shop(trade, sku, manage_stock=False)
        count(trade, sku, 25)
    trade.show_stock()
    assert shown(trade, PARENT, RED, BLUE) == [20] * 3
    count(trade, RED, 15)
    count(trade, TEA, 15)
    trade.show_stock()
    assert shown(trade, PARENT, TEA) == [20, 10]
    assert trade.causes() == {"counted_together": 1}


def test_an_article_without_a_count_is_left_alone_and_the_others_of_its_batch_are_set(trade):
    in_shop(trade, POT, manage_stock=False)
    for sku in (TEA, POT):
        count(trade, sku, 15)
    trade.show_stock()
    assert shown(trade, TEA, POT) == [10, None]
    assert trade.causes() == {}
