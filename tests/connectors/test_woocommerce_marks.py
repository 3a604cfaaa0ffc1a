"""What is written to an order of a WooCommerce shop: its state, its meta, its notes; against recordings."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
import requests
import responses

from connectors.kit.errors import OutcomeUnknown, RecordRejected
from connectors.kit.facets import DetailsRefunds, MarksOrders
from tests.connectors.woocommerce_wire import API, connect, recorded, replay, sent

ORDER = f"{API}/orders/19"
INVOICE = [{"key": "_invoice_number", "value": "RE-2026-001"}]


@pytest.fixture
def mock():
    with responses.RequestsMock() as mocked:
        yield mocked


def methods(mock):
    return [call.request.method for call in mock.calls]


def test_what_differs_is_sent_and_the_answer_is_the_order_as_it_stands(mock):
    replay(mock, "67", ORDER)
    after = replay(mock, "72", ORDER, "PUT")
    envelope = connect().update_order("19", {"status": "completed"})
    assert sent(mock.calls[1]) == recorded("72")["request"]["json"]
    assert (envelope.payload["status"], envelope.version) == ("completed", after["date_modified_gmt"])
    assert "_links" not in envelope.payload


def test_what_stands_there_already_is_not_sent_for_it_would_come_back_as_news(mock):
    replay(mock, "72", ORDER)
    envelope = connect().update_order("19", {"status": "completed", "meta_data": INVOICE, "billing": {"city": "Köln"}})
    assert methods(mock) == ["GET"]
    assert envelope.version == recorded("72")["response"]["json"]["date_modified_gmt"]


def test_a_mark_that_is_there_is_changed_by_its_id_and_no_other_is_touched(mock):
    before = replay(mock, "72", ORDER)
    replay(mock, "72", ORDER, "PUT")
    changed = {"key": "_invoice_number", "value": "RE-2"}
    connect().update_order("19", {"meta_data": [changed, {"key": "_new", "value": [{"a": "1"}]}, *INVOICE[:0]]})
    [known] = [entry for entry in before["meta_data"] if entry["key"] == "_invoice_number"]
    assert sent(mock.calls[1]) == {"meta_data": [changed | {"id": known["id"]}, {"key": "_new", "value": [{"a": "1"}]}]}


def test_of_a_mark_that_stands_twice_the_first_is_meant_and_one_to_be_removed_that_is_not_there_is_left(mock):
    twice = [{"id": 7, "key": "_a", "value": "1"}, {"id": 8, "key": "_a", "value": "2"}]
    mock.get(ORDER, json={"id": 19, "meta_data": twice})
    mock.put(ORDER, json={"id": 19})
    entries = [{"key": "_a", "value": "2"}, {"key": "_gone", "value": None}]
    connect().update_order("19", {"meta_data": entries})
    assert sent(mock.calls[1]) == {"meta_data": [{"id": 7, "key": "_a", "value": "2"}]}


def test_an_order_that_is_gone_is_refused_without_a_write(mock):
    replay(mock, "90", ORDER)
    with pytest.raises(RecordRejected, match="no longer"):
        connect().update_order("19", {"status": "completed"})
    assert methods(mock) == ["GET"]


def test_a_state_that_the_shop_does_not_have_is_refused(mock):
    replay(mock, "67", ORDER)
    replay(mock, "74", ORDER, "PUT")
    with pytest.raises(RecordRejected) as caught:
        connect().update_order("19", {"status": "versendet"})
    assert caught.value.field == "status"


UNUSABLE = [{"status": 502}, {"body": requests.ReadTimeout()}, {"json": []}, {"json": {"id": "19"}}, {"body": "<html>"}]
UPDATE = ("PUT", ORDER, lambda shop: shop.update_order("19", {"status": "completed"}))
NOTE = ("POST", f"{ORDER}/notes", lambda shop: shop.add_note("19", {"note": "x"}))

REFUND = ("POST", f"{ORDER}/refunds", lambda shop: shop.create_refund("19", {"amount": "1.00"}))


@pytest.mark.parametrize(
    ("write", "answer"),
    [
        (UPDATE, {"json": {"id": 20}}),
        *((UPDATE, each) for each in UNUSABLE[:3]),
        *((write, each) for write in (NOTE, REFUND) for each in UNUSABLE),
    ],
)
def test_a_write_without_a_usable_answer_is_unknown_and_sent_once(mock, write, answer):
    method, url, act = write
    if method == "PUT":
        replay(mock, "67", ORDER)
    mock.add(method, url, **answer)
    with pytest.raises(OutcomeUnknown):
        act(connect())
    assert methods(mock).count(method) == 1


@pytest.mark.parametrize("bad", ["", "abc", "1/notes", "../customers", "19?x", "\uff11"])
@pytest.mark.parametrize(
    "act",
    [
        lambda shop, order: shop.update_order(order, {"status": "completed"}),
        lambda shop, order: shop.list_notes(order),
        lambda shop, order: shop.add_note(order, {"note": "x"}),
        lambda shop, order: shop.fetch_refunds(order),
        lambda shop, order: shop.create_refund(order, {}),
        lambda shop, order: shop.list_fulfilments(order),
        lambda shop, order: shop.create_fulfilment(order, {}),
    ],
)
def test_an_id_that_is_none_never_becomes_an_address(act, bad):
    with pytest.raises(RecordRejected, match="no WooCommerce order id"):
        act(connect(), bad)


def test_a_note_is_added_as_recorded_and_comes_back_with_its_id(mock):
    replay(mock, "64", f"{ORDER}/notes", "POST")
    note = connect().add_note("19", recorded("64")["request"]["json"])
    assert sent(mock.calls[0]) == recorded("64")["request"]["json"]
    assert (note["id"], note["customer_note"], "_links" in note) == (47, True, False)


def test_a_refund_is_made_as_recorded_and_one_of_too_much_is_refused_for_good(mock):
    replay(mock, "75", f"{ORDER}/refunds", "POST")
    asked = recorded("75")["request"]["json"]
    made = connect().create_refund("19", asked)
    assert sent(mock.calls[0]) == asked
    assert (made["id"], made["amount"], "_links" in made) == (31, "6.00", False)
    replay(mock, "77", f"{ORDER}/refunds", "POST")
    with pytest.raises(RecordRejected, match="Invalid refund amount"):
        connect().create_refund("19", {"amount": "999.00"})


def test_notes_are_listed_oldest_first(mock):
    mock.get(f"{ORDER}/notes", json=[{"id": 9, "note": "b", "_links": {}}, {"id": 3, "note": "a"}])
    assert connect().list_notes("19") == [{"id": 3, "note": "a"}, {"id": 9, "note": "b"}]


def test_more_refunds_than_a_page_holds_are_all_read(mock):
    for number, ids in ((1, [5, 4]), (2, [3])):
        match = [responses.matchers.query_param_matcher({"page": str(number)}, strict_match=False)]
        rows = json.dumps([{"id": each, "amount": "1.10", "refunded": 1.5} for each in ids])
        mock.get(f"{ORDER}/refunds", body=rows, headers={"X-WP-TotalPages": "2"}, match=match)
    refunds = connect().fetch_refunds("19")
    assert [refund["id"] for refund in refunds] == [3, 4, 5]
    assert refunds[0]["refunded"] == Decimal("1.5")


def test_the_connector_says_how_each_kind_is_found_again():
    connector = connect()
    assert isinstance(connector, MarksOrders)
    assert isinstance(connector, DetailsRefunds)
    assert {kind: (key.enforced, key.same_call) for kind, key in connector.order_keys.items()} == {
        "fulfilment": (False, True),
        "note": (False, True),
        "refund": (False, True),
        "mark": (True, True),
    }


def test_a_write_has_half_a_minute_or_less_where_the_connection_says_so():
    """Three of them are as long as a lease: for so long the orders of a killed worker rest."""
    assert (connect().write_deadline_s, connect(deadline_s=5.0).write_deadline_s) == (30.0, 5.0)
