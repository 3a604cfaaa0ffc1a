"""Fulfilments of a WooCommerce shop, against recordings of 11.0.1 with the feature on and off."""

from __future__ import annotations

import pytest
import requests
import responses

from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.facets import TakesFulfilments
from connectors.woocommerce import codes
from connectors.woocommerce.fulfilments import REMEMBERED_S
from tests.connectors.woocommerce_wire import API, connect, recorded, replay, sent

OF_ORDER = f"{API}/orders/19/fulfillments"
PROBE = f"{API}/orders/0/fulfillments"
NO_ORDER = {"code": "woocommerce_rest_order_invalid_id", "message": "Invalid order ID.", "data": {"status": 404}}


@pytest.fixture
def mock():
    with responses.RequestsMock() as mocked:
        yield mocked


def test_it_is_asked_once_in_a_while_whether_the_feature_is_on(mock, monkeypatch):
    mock.get(PROBE, status=404, json=NO_ORDER)
    connector = connect()
    assert isinstance(connector, TakesFulfilments)
    assert [connector.takes_fulfilments() for _ in range(3)] == [True] * 3
    assert len(mock.calls) == 1
    monkeypatch.setattr("connectors.woocommerce.fulfilments.REMEMBERED_S", -1.0)
    later = connect()
    assert [later.takes_fulfilments() for _ in range(2)] == [True] * 2
    assert len(mock.calls) == 3
    assert REMEMBERED_S >= 60


def test_a_missing_route_is_a_feature_that_is_off_and_not_a_shop_that_is_gone(mock):
    replay(mock, "152", PROBE)
    assert connect().takes_fulfilments() is False


def test_a_call_that_finds_the_feature_off_is_refused_and_remembered(mock):
    replay(mock, "152", OF_ORDER, "POST")
    connector = connect()
    with pytest.raises(RecordRejected, match="switched off") as caught:
        connector.create_fulfilment("19", {"meta_data": []})
    assert caught.value.code == codes.NO_ROUTE
    assert connector.takes_fulfilments() is False
    assert len(mock.calls) == 1


def test_what_is_wrong_with_the_connection_is_not_taken_for_a_feature(mock):
    replay(mock, "04", PROBE)
    with pytest.raises(ConnectionBroken):
        connect().takes_fulfilments()


def test_a_shop_that_is_away_says_nothing_about_the_feature(mock, monkeypatch):
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda seconds: None)
    mock.get(PROBE, status=502)
    with pytest.raises(Transient):
        connect().takes_fulfilments()


def test_the_list_and_an_answer_say_alike_whether_it_is_fulfilled(mock):
    replay(mock, "70", OF_ORDER)
    replay(mock, "69", OF_ORDER, "POST")
    connector = connect()
    assert [(row["id"], row["is_fulfilled"]) for row in connector.list_fulfilments("19")] == [(1, False), (2, True)]
    made = connector.create_fulfilment("19", recorded("69")["request"]["json"])
    assert (made["id"], made["is_fulfilled"]) == (2, True)
    assert sent(mock.calls[1]) == recorded("69")["request"]["json"]


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": requests.ReadTimeout()}, {"json": {}}, {"json": []}])
def test_a_new_one_without_a_usable_answer_is_unknown_and_sent_once(mock, answer):
    mock.post(OF_ORDER, **answer)
    with pytest.raises(OutcomeUnknown):
        connect().create_fulfilment("19", {"meta_data": []})
    assert len(mock.calls) == 1


def change(number="00340434161094015902"):
    """What we would have it say: the recorded one, with this tracking number."""
    body = recorded("69")["request"]["json"]
    meta = [entry | {"value": number} if entry["key"] == "_tracking_number" else entry for entry in body["meta_data"]]
    return body | {"notify_customer": True, "meta_data": meta}


def test_a_corrected_number_is_sent_with_all_that_others_wrote_because_the_shop_removes_the_rest(mock):
    replay(mock, "70", OF_ORDER)
    mock.put(f"{OF_ORDER}/2", json={"id": 2, "is_fulfilled": True, "meta_data": []})
    connect().update_fulfilment("19", "2", change("NEW"))
    before = recorded("70")["response"]["json"][1]["meta_data"]
    body = sent(mock.calls[1])
    assert body["meta_data"] == [entry | {"value": "NEW"} if entry["id"] == 3 else entry for entry in before]
    assert "_date_fulfilled" in [entry["key"] for entry in body["meta_data"]], "else it would be fulfilled anew"
    assert (body["status"], body["is_fulfilled"], body["notify_customer"]) == ("fulfilled", True, True)


def test_one_that_says_it_already_is_left_alone_so_that_nobody_is_mailed_again(mock):
    replay(mock, "70", OF_ORDER)
    assert connect().update_fulfilment("19", "2", change())["id"] == 2
    assert len(mock.calls) == 1


def test_a_fraction_that_stands_there_already_is_not_sent_again(mock):
    items = {"key": "_items", "value": [{"item_id": 4, "qty": 0.1}]}
    row = {"id": 2, "status": "fulfilled", "is_fulfilled": "1", "meta_data": [items | {"id": 1}]}
    mock.get(OF_ORDER, json=[row])
    connect().update_fulfilment("19", "2", {"status": "fulfilled", "is_fulfilled": True, "meta_data": [items]})
    assert len(mock.calls) == 1


def test_one_that_is_gone_is_refused(mock):
    replay(mock, "70", OF_ORDER)
    with pytest.raises(RecordRejected, match="any more"):
        connect().update_fulfilment("19", "7", change())


def test_a_plugins_fraction_is_sent_back_as_the_number_that_it_was(mock):
    row = {"id": 2, "status": "fulfilled", "is_fulfilled": "1", "meta_data": [{"id": 1, "key": "_kg", "value": [1.5]}]}
    mock.get(OF_ORDER, json=[row])
    mock.put(f"{OF_ORDER}/2", json={"id": 2})
    connect().update_fulfilment("19", "2", {"meta_data": [{"key": "_tracking_number", "value": "N"}]})
    assert sent(mock.calls[1])["meta_data"] == [row["meta_data"][0], {"key": "_tracking_number", "value": "N"}]
