"""The refunds of a whole WooCommerce shop: one list where the shop has it, order by order where it has not."""

from __future__ import annotations

import datetime as dt

import pytest
import responses

from connectors.kit.errors import ConnectionBroken, RecordRejected
from tests.connectors.woocommerce_wire import API, connect, query, recorded, replay

SINCE, UNTIL = (dt.datetime(2026, 11, day, tzinfo=dt.UTC) for day in (20, 23))
ORDER = {"id": 19, "number": "R-19", "currency": "EUR"}
PAGE = {"X-WP-TotalPages": "1", "Date": "Sat, 21 Nov 2026 23:04:32 GMT"}


@pytest.fixture
def mock():
    with responses.RequestsMock() as mocked:
        yield mocked


def listed(**settings):
    return list(connect(**settings).list_refunds(SINCE, UNTIL))


def test_the_recorded_list_is_read_by_its_time_with_the_currency_of_the_orders(mock):
    replay(mock, "79", f"{API}/refunds")
    mock.get(f"{API}/orders", json=[ORDER], headers=PAGE)
    found = listed()
    told = [(each.external_id, each.of, each.number, str(each.amount), each.currency, each.key) for each in found]
    assert sorted(told) == [("31", "19", "R-19", "6.00", "EUR", ""), ("32", "19", "R-19", "3.50", "EUR", "")]
    # The shop is an hour east of Greenwich: its books have the refund on the next day.
    assert {(each.made_at.date().isoformat(), each.made_on.isoformat()) for each in found} == {
        ("2026-11-21", "2026-11-22")
    }
    asked = query(mock.calls[0])
    assert (asked["orderby"], asked["order"], asked["dates_are_gmt"]) == ("date", "asc", "true")
    assert (asked["after"], asked["before"]) == ("2026-11-19T23:59:59", "2026-11-23T00:00:00")
    assert query(mock.calls[1])["include"] == "19"


def test_what_was_made_outside_of_the_window_is_left_out(mock):
    early = {"id": 1, "parent_id": 19, "amount": "1.00", "date_created_gmt": "2026-11-23T00:00:00"}
    mock.get(f"{API}/refunds", json=[early], headers=PAGE)
    assert listed() == []


def test_the_refund_of_a_trashed_order_is_listed_and_that_of_a_deleted_one_is_not(mock):
    rows = [
        {"id": number, "parent_id": of, "amount": "1.00", "date_created_gmt": "2026-11-21T00:00:00"}
        for number, of in ((5, 21), (6, 22))
    ]
    mock.get(f"{API}/refunds", json=rows, headers=PAGE)
    mock.get(f"{API}/orders", json=[], headers=PAGE)
    mock.get(f"{API}/orders/21", json={"id": 21, "number": "21", "currency": "JPY"})
    gone = recorded("90")["response"]
    mock.get(f"{API}/orders/22", json=gone["json"], status=gone["status"])
    assert [(each.of, each.currency) for each in listed()] == [("21", "JPY")]


def test_a_shop_without_the_list_is_read_order_by_order(mock):
    no_route = {"code": "rest_no_route", "message": "No route was found", "data": {"status": 404}}
    mock.get(f"{API}/refunds", json=no_route, status=404)
    changed = {"date_modified_gmt": "2026-11-21T23:04:32"}
    orders = [{"id": 19, "refunds": [{"id": 31}], **changed}, {"id": 20, "refunds": [], **changed}]
    mock.get(f"{API}/orders", json=orders, headers=PAGE)
    replay(mock, "78", f"{API}/orders/19/refunds")
    mock.get(f"{API}/orders", json=[ORDER], headers=PAGE)
    assert sorted(each.external_id for each in listed()) == ["31", "32"]
    assert query(mock.calls[1])["modified_after"] == "2026-11-19T23:59:59"


def test_another_refusal_is_no_empty_list(mock):
    mock.get(f"{API}/refunds", json={"code": "woocommerce_rest_cannot_view", "message": "No"}, status=401)
    with pytest.raises(ConnectionBroken):
        listed()


@pytest.mark.parametrize("field", ["amount", "date_created_gmt"])
def test_a_refund_that_cannot_be_read_is_named_and_not_left_out(mock, field):
    row = {"id": 5, "parent_id": 19, "amount": "1.00", "date_created_gmt": "2026-11-21T00:00:00"}
    mock.get(f"{API}/refunds", json=[row | {field: "soon"}], headers=PAGE)
    mock.get(f"{API}/orders", json=[ORDER], headers=PAGE)
    with pytest.raises(RecordRejected, match="refund 5") as caught:
        listed()
    assert caught.value.field == field
