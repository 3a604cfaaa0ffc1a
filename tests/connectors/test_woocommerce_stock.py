"""Stock of a WooCommerce shop: found by SKU, set in batches; against recordings, and against a shop of a thousand."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import requests
import responses

from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RateLimited, RecordRejected, Transient
from connectors.kit.http import DryRun
from connectors.kit.stock import ShopStock, StockTarget, StockWrite
from connectors.woocommerce import WooCommerce
from tests.connectors.woocommerce_wire import API, URL, connect, query, recorded, replay, sent

SETTINGS = ConnectorSettings(name="shop", url=URL, key="ck_1", secret="cs_1")
PRODUCTS = f"{API}/products"
BATCH = f"{API}/products/batch"


@pytest.fixture
def mock():
    with responses.RequestsMock() as mocked:
        yield mocked


def article(sku="A", external_id="14", **facts):
    return ShopStock(**({"sku": sku, "external_id": external_id, "quantity": Decimal(1)} | facts))


def write(quantity="5", *, backorders=None, **facts):
    return StockWrite(article=article(**facts), quantity=Decimal(quantity), backorders=backorders)


def taken(request):
    """A shop that takes everything."""
    rows = [{"id": item["id"], "stock_quantity": item["stock_quantity"]} for item in json.loads(request.body)["update"]]
    return 200, {}, json.dumps({"update": rows})


# Finding


def test_the_recorded_list_finds_products_and_variations_with_their_parents(mock):
    replay(mock, "97", PRODUCTS)
    found = connect().find_stock(["SIEB-ST", "TASSE-BLAU", "KANNE-GLAS", "GIBTSNICHT"])
    assert found == {
        "SIEB-ST": [article("SIEB-ST", "14", quantity=Decimal(177))],
        "TASSE-BLAU": [article("TASSE-BLAU", "18", parent_id="16", quantity=Decimal(29))],
        "KANNE-GLAS": [article("KANNE-GLAS", "13", quantity=Decimal(11))],
    }
    asked = query(mock.calls[0])
    assert asked["sku"] == "SIEB-ST,TASSE-BLAU,KANNE-GLAS,GIBTSNICHT"
    assert set(asked["_fields"].split(",")) >= {"id", "sku", "parent_id", "manage_stock", "stock_quantity"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"manage_stock": True, "stock_quantity": -3}, {"quantity": Decimal(-3)}),
        ({"manage_stock": True, "stock_quantity": "7", "backorders": "notify"}, {"quantity": 7, "backorders": True}),
        ({"manage_stock": True, "stock_quantity": None}, {"quantity": None}),
        ({"manage_stock": False, "stock_quantity": 4}, {"quantity": None, "kept": "none"}),
        (
            {"manage_stock": "parent", "stock_quantity": 4, "type": "variation", "parent_id": 9},
            {"quantity": 4, "kept": "parent", "parent_id": "9"},
        ),
        ({"manage_stock": True, "stock_quantity": 1, "parent_id": 9}, {"quantity": 1, "parent_id": ""}),
    ],
)
def test_who_keeps_the_count_is_read_as_the_shop_writes_it(mock, row, expected):
    mock.get(PRODUCTS, json=[{"id": 5, "sku": "A", "type": "simple", "parent_id": 0, "backorders": "no"} | row])
    assert connect().find_stock(["A"]) == {"A": [article(external_id="5", **expected)]}


def test_a_sku_that_the_shop_has_twice_is_told_twice_and_a_similar_one_not_at_all(mock):
    rows = [
        {"id": n, "sku": sku, "manage_stock": True, "stock_quantity": n}
        for n, sku in [(1, "Ä-1"), (2, "Ä-1"), (3, "a-1")]
    ]
    mock.get(PRODUCTS, json=rows)
    found = connect().find_stock(["Ä-1"])
    assert {sku: [entry.external_id for entry in entries] for sku, entries in found.items()} == {"Ä-1": ["1", "2"]}


def test_a_sku_with_a_comma_is_asked_for_alone_and_an_empty_one_not_at_all(mock):
    mock.get(PRODUCTS, json=[])
    assert connect().find_stock(["A", "B,C", "", " ", "D", "A"]) == {}
    assert sorted(query(call)["sku"] for call in mock.calls) == ["A,D", "B,C"]


def test_many_skus_are_asked_for_in_hundreds_and_long_ones_in_addresses_that_servers_take(mock):
    mock.get(PRODUCTS, json=[])
    connect().find_stock([f"S-{number}" for number in range(1000)])
    assert len(mock.calls) == 10
    mock.calls.reset()
    skus = [f"{'ü' * 40}{number}" for number in range(100)]
    connect().find_stock(skus)
    assert max(len(call.request.url) for call in mock.calls) < 6000
    assert [sku for call in mock.calls for sku in query(call)["sku"].split(",")] == skus


def test_more_articles_than_a_page_holds_are_all_found(mock):
    for number in (1, 2):
        rows = [{"id": number, "sku": "A", "manage_stock": True, "stock_quantity": 1}]
        match = [responses.matchers.query_param_matcher({"page": str(number)}, strict_match=False)]
        mock.get(PRODUCTS, json=rows, headers={"X-WP-TotalPages": "2"}, match=match)
    assert [entry.external_id for entry in connect().find_stock(["A"])["A"]] == ["1", "2"]


# Writing


def test_the_recorded_batch_tells_the_bad_article_from_the_good_ones(mock):
    replay(mock, "105", BATCH, "POST")
    writes = [write("149"), write("9", sku="B", external_id="13"), write("1", sku="C", external_id="999999")]
    results = connect().write_stock(writes)
    assert sent(mock.calls[0]) == recorded("105")["request"]["json"]
    assert [result.quantity for result in results] == [149, 9, None]
    assert isinstance(results[2].error, RecordRejected)
    assert results[2].error.code == "woocommerce_rest_product_invalid_id"


def test_variations_go_to_the_batch_of_their_parent(mock):
    replay(mock, "107", f"{API}/products/16/variations/batch", "POST")
    writes = [write("22", external_id="17", parent_id="16"), write("21", sku="B", external_id="18", parent_id="16")]
    assert [result.quantity for result in connect().write_stock(writes)] == [22, 21]
    assert sent(mock.calls[0]) == recorded("107")["request"]["json"]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"quantity": "2.5"}, "fraction"),
        ({"kept": "none"}, "not_counted"),
        ({"external_id": "14/../1"}, ""),
        ({"kept": "parent", "parent_id": ""}, ""),
    ],
)
def test_what_the_shop_cannot_take_is_refused_before_the_call_and_fails_nothing_else(mock, wrong, code):
    mock.add_callback("POST", BATCH, callback=taken)
    results = connect().write_stock([write(**wrong), write(sku="B", external_id="13")])
    assert type(results[0].error) is RecordRejected
    assert (results[0].error.code, results[0].quantity) == (code, None)
    assert results[1].quantity == 5
    assert sent(mock.calls[0]) == {"update": [{"id": 13, "stock_quantity": 5}]}


def test_variations_that_are_counted_together_are_written_at_their_parent_once(mock):
    mock.add_callback("POST", BATCH, callback=taken)
    pair = [
        write(sku=sku, external_id=number, parent_id="9", kept="parent") for sku, number in (("A", "10"), ("B", "11"))
    ]
    assert [result.quantity for result in connect().write_stock(pair)] == [5, 5]
    assert sent(mock.calls[0]) == {"update": [{"id": 9, "stock_quantity": 5}]}


def test_variations_that_are_counted_together_and_are_to_be_different_are_refused():
    pair = [
        write(quantity, sku=sku, external_id="10", parent_id="9", kept="parent")
        for sku, quantity in (("A", "5"), ("B", "3"))
    ]
    first, second = connect().write_stock(pair)
    assert first.error is second.error
    assert "A: 5, B: 3" in str(first.error)


@pytest.mark.parametrize(
    ("allowed", "before", "body"),
    [
        (None, False, {}),
        (True, False, {"backorders": "yes"}),
        (False, True, {"backorders": "no"}),
        (True, True, {}),
        (False, False, {}),
    ],
)
def test_backorders_are_sent_only_where_they_change(mock, allowed, before, body):
    mock.add_callback("POST", BATCH, callback=taken)
    connect().write_stock([StockWrite(article=article(backorders=before), quantity=Decimal(-3), backorders=allowed)])
    assert sent(mock.calls[0])["update"] == [{"id": 14, "stock_quantity": -3} | body]


def test_an_article_that_lost_its_count_meanwhile_is_no_success(mock):
    mock.post(BATCH, json={"update": [{"id": 14, "stock_quantity": None}]})
    [result] = connect().write_stock([write()])
    assert isinstance(result.error, RecordRejected)


MANY = [write(sku=f"S-{number}", external_id=str(number)) for number in range(1, 251)]


@pytest.mark.parametrize(
    ("answer", "first", "rest"),
    [
        ({"status": 502, "body": "<title>Bad gateway</title>"}, OutcomeUnknown, Transient),
        ({"body": requests.ReadTimeout()}, OutcomeUnknown, Transient),
        ({"status": 200, "body": "<html>"}, OutcomeUnknown, Transient),
        ({"status": 200, "json": {"update": []}}, OutcomeUnknown, Transient),
        ({"status": 429, "headers": {"Retry-After": "60"}}, RateLimited, RateLimited),
        ({"status": 401, "json": {"code": "woocommerce_rest_cannot_edit"}}, ConnectionBroken, ConnectionBroken),
    ],
)
def test_after_a_call_without_a_usable_answer_nothing_more_is_sent(mock, answer, first, rest):
    mock.post(BATCH, **answer)
    results = connect().write_stock(MANY)
    assert len(mock.calls) == 1, "a batch is never sent again blindly"
    assert {type(result.error) for result in results[:100]} == {first}
    assert {type(result.error) for result in results[100:]} == {rest}


def test_a_batch_that_is_refused_whole_fails_its_articles_and_no_others(mock):
    replay(mock, "106", BATCH, "POST")
    mock.add_callback("POST", f"{API}/products/16/variations/batch", callback=taken)
    results = connect().write_stock([write(), write(sku="B", external_id="17", parent_id="16")])
    assert (results[0].error.code, results[1].quantity) == ("woocommerce_rest_request_entity_too_large", 5)


def test_an_article_that_the_shop_failed_on_may_have_been_written(mock):
    failed = {"id": 14, "error": {"code": "internal_error", "message": "oops", "data": {"status": 500}}}
    mock.post(BATCH, json={"update": [failed]})
    [result] = connect().write_stock([write()])
    assert isinstance(result.error, OutcomeUnknown)


def test_ten_thousand_products_are_a_hundred_calls(mock):
    mock.add_callback("POST", BATCH, callback=taken)
    writes = [write(str(number), sku=f"S-{number}", external_id=str(number)) for number in range(1, 10_001)]
    results = connect().write_stock(writes)
    assert [result.quantity for result in results] == list(range(1, 10_001))
    assert len(mock.calls) == 100


def test_five_hundred_variations_of_fifty_parents_are_fifty_calls_in_whatever_order_they_come(mock):
    for parent in range(1, 51):
        mock.add_callback("POST", f"{API}/products/{parent}/variations/batch", callback=taken)
    writes = [
        write(sku=f"S-{number}", external_id=str(1000 + number), parent_id=str(number % 50 + 1))
        for number in range(500)
    ]
    assert all(result.quantity == 5 for result in connect().write_stock(writes))
    assert len(mock.calls) == 50


def test_nothing_to_write_is_no_call():
    assert connect().write_stock([]) == []


def test_a_dry_run_sends_nothing():
    with pytest.raises(DryRun):
        WooCommerce(SETTINGS, dry_run=True).write_stock([write()])


def test_the_connector_says_that_it_takes_stock():
    connector = connect()
    assert isinstance(connector, StockTarget)
    assert (connector.stock_bulk, connector.compares_stock) == (100, False)
