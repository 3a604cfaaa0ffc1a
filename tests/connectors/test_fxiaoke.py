"""What is Fxiaoke's alone: two ways of asking, codes with status 200, limits, lists by key, lines of their own."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.fxiaoke import Fxiaoke, codes
from connectors.kit.answers import Response
from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    Locked,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.exchanges import capture
from connectors.kit.findings import Circumstances
from connectors.sandbox.exchange import Request, json_response
from connectors.sandbox.fxiaoke import CompanySettings, serve_company
from mappings.base import SourceOptions
from mappings.canonical.jsontext import read_json
from mappings.registry import SOURCES
from tests.connectors.test_tokens import Shelf
from tests.shared import PATIENCE_S, shared_path

pytestmark = pytest.mark.loopback


def connect(url: str, **settings: Any) -> Fxiaoke:
    values: dict[str, Any] = {
        "name": "crm",
        "url": url,
        "key": "FSAID_sandbox",
        "secret": "fxiaoke_secret",
        "password": "fxiaoke_code",
        "login": "1000",
        "allow_hosts": ("127.0.0.1",),
        "deadline_s": PATIENCE_S,
        "overlap_s": 0.0,
    }
    return Fxiaoke(ConnectorSettings(**(values | settings)))


@pytest.fixture
def company():
    with serve_company() as (server, app):
        yield server, app


def asked(company: Any) -> list[Request]:
    """Every request from now on, with its body."""
    server, app = company
    seen: list[Request] = []

    def answer(request: Request) -> Any:
        seen.append(request)
        return app(request)

    server._app = answer
    return seen


def pulled(connector: Fxiaoke, checkpoint: str | None = None) -> tuple[dict[str, Any], str]:
    seen: dict[str, Any] = {}
    reached = checkpoint or ""
    for page in connector.pull_orders(checkpoint):
        seen |= {each.external_id: each for each in page.envelopes}
        reached = page.checkpoint
    return seen, reached


# Who asks


def test_the_new_scheme_speaks_in_headers_and_the_legacy_one_in_bodies(company):
    server, app = company
    app.company.sell()
    seen = asked(company)
    assert len(pulled(connect(server.url))[0]) == 1
    queries = [request for request in seen if request.path.endswith("/query")]
    assert {request.headers["x-fs-ea"] for request in queries} == {"fxsandbox"}
    assert all("corpAccessToken" not in request.json() for request in queries)
    seen.clear()
    for login in ("FSUID_1000", "13800000000"):
        assert len(pulled(connect(server.url, auth_method="session", login=login))[0]) == 1
    queries = [request for request in seen if request.path.endswith("/query")]
    assert {request.json()["currentOpenUserId"] for request in queries} == {"FSUID_1000"}
    assert all("authorization" not in request.headers for request in queries)


def test_every_request_has_a_trace_id_of_its_own(company):
    server, app = company
    app.company.sell()
    seen = asked(company)
    pulled(connect(server.url))
    traces = [dict(request.query)["thirdTraceId"] for request in seen]
    assert len(set(traces)) == len(traces) > 3
    assert {UUID(trace).version for trace in traces} == {4}


def test_many_threads_ask_for_one_token(company):
    server, app = company
    [order] = [app.company.sell()]
    seen, connector = asked(company), connect(server.url)
    barrier = threading.Barrier(8)

    def fetch(_number: int) -> None:
        barrier.wait(PATIENCE_S)
        connector.fetch_orders([order])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fetch, range(8)))
    assert len([request for request in seen if request.path == "/oauth2.0/token"]) == 1


def test_all_processes_take_the_token_that_one_of_them_got(company):
    server, app = company
    [order] = [app.company.sell()]
    seen, shelf = asked(company), Shelf()
    for method, login in (("bearer", "1000"), ("session", "13800000000")):
        seen.clear()
        for _process in range(3):
            connect(server.url, auth_method=method, login=login, shelf=shelf).fetch_orders([order])
        assert len([request for request in seen if "/query" not in request.path]) == (2 if method == "session" else 1)
    assert [token for token in app._tokens if token.encode() in b"".join(shelf.kept.values())] == []


def test_a_token_that_ran_out_is_replaced_once_and_the_call_repeated(company):
    server, app = company
    [order] = [app.company.sell()]
    connector, now = connect(server.url), 1000.0
    connector._client.auth._clock = lambda: now
    connector.fetch_orders([order])
    app.forget_tokens()
    with pytest.raises(ConnectionBroken, match="20016"):
        # Made only now: the next one would be refused as well, and there are ten in a minute.
        connector.fetch_orders([order])
    now += 10
    seen = asked(company)
    assert not connector.fetch_orders([order])[0].deleted
    assert len([request for request in seen if request.path == "/oauth2.0/token"]) == 1


def test_a_token_is_asked_for_anew_before_it_ends(company):
    server, app = company
    [order] = [app.company.sell()]
    connector, now = connect(server.url), 0.0
    connector._client.auth._clock = lambda: now
    seen = asked(company)
    for moment, tokens in ((0.0, 1), (6599.0, 1), (6600.0, 2)):
        now = moment
        connector.fetch_orders([order])
        assert len([request for request in seen if request.path == "/oauth2.0/token"]) == tokens


@pytest.mark.parametrize("method", ["bearer", "session"])
def test_a_wrong_secret_breaks_the_connection_with_the_vendors_words(company, method):
    server, _app = company
    with pytest.raises(ConnectionBroken, match="永久授权码错误") as caught:
        connect(server.url, auth_method=method, secret="wrong-canary").fetch_orders(["1"])
    assert "canary" not in str(caught.value)
    assert caught.value.code == "20015"


def test_an_employee_whom_nobody_knows_breaks_the_connection(company):
    server, _app = company
    with pytest.raises(ConnectionBroken, match="login"):
        connect(server.url, login="2000").fetch_orders(["1"])
    with pytest.raises(ConnectionBroken, match="13900000001"):
        connect(server.url, auth_method="session", login="13900000001").fetch_orders(["1"])


@pytest.mark.parametrize("missing", ["key", "secret", "password", "login"])
def test_what_is_missing_of_the_credentials_is_said_before_any_call(missing):
    with pytest.raises(ConnectionBroken, match="permanentCode"):
        connect("https://open.fxiaoke.example", **{missing: ""})


def test_no_token_is_kept_with_an_exchange(company):
    server, app = company
    app.company.sell()
    for method, login in (("bearer", "1000"), ("session", "FSUID_1000")):
        with capture() as exchanges:
            pulled(connect(server.url, auth_method=method, login=login))
        told = repr(exchanges)
        assert [token for token in app._tokens if token in told] == []


# Codes


def answer_of(code: Any, *, path: str = "/cgi/crm/v2/data/query", write: bool = False, **more: Any) -> Response:
    data = {"errorCode": code, "errorMessage": "系统繁忙", "traceId": "E-O.1", **more}
    body = json.dumps(data).encode()
    return Response(method="POST", path=path, write=write, status=200, headers={}, body=body, data=data)


@pytest.mark.parametrize(
    ("code", "read", "write"),
    [
        (0, type(None), type(None)),
        (-1, Transient, OutcomeUnknown),
        (-2, Transient, OutcomeUnknown),
        (50009, Transient, OutcomeUnknown),
        (30004, RateLimited, RateLimited),
        (14001, RateLimited, RateLimited),
        (30002, RateLimited, RateLimited),
        (30003, ConnectionBroken, ConnectionBroken),
        (20016, ConnectionBroken, ConnectionBroken),
        (20021, ConnectionBroken, ConnectionBroken),
        (20022, ConnectionBroken, ConnectionBroken),
        (10013, RecordRejected, RecordRejected),
        (15002, RecordRejected, RecordRejected),
        (99999, RecordRejected, RecordRejected),
    ],
)
def test_a_code_says_what_may_happen_next_and_the_status_nothing(code, read, write):
    assert type(codes.verdict(answer_of(code))) is read
    assert type(codes.verdict(answer_of(code, write=True))) is write


def test_every_code_that_is_published_has_an_outcome_and_keeps_its_words():
    table = read_json(shared_path("vendor/fxiaoke/error-codes.json").read_bytes())["problem_types"]
    assert len(table) >= 61
    for row in table:
        error = codes.verdict(answer_of(row["code"], errorMessage=row["title"]))
        assert (error is None) == (row["code"] == 0)
        assert error is None or (row["title"] in str(error) and str(row["code"]) in str(error))
        broken = row["class"] in {"authz", "commercial"} or row["code"] in codes.STALE
        if broken:
            assert isinstance(error, ConnectionBroken), row
        if row["class"] in {"server", "rate-limit"}:
            assert isinstance(error, Transient), row


def test_the_published_samples_are_judged_as_what_they_are():
    def judged(sample: str) -> Any:
        data = read_json(shared_path(f"vendor/fxiaoke/samples/{sample}").read_bytes())
        response = dataclasses.replace(answer_of(0), data=data)
        return codes.verdict(response)

    assert judged("success_envelope.json") is None
    assert judged("query_ids_only.json") is None
    assert judged("token_oauth2_success.json") is None
    missing = judged("err_20017_missing_token_http200.json")
    assert isinstance(missing, ConnectionBroken)
    assert "corpAccessToken为必填项，不能为空" in str(missing)


def test_any_code_of_a_token_call_is_about_the_credentials():
    error = codes.verdict(answer_of(10006, path="/oauth2.0/token", error_description="appSecret wrong"))
    assert isinstance(error, ConnectionBroken)
    assert (error.code, "appSecret wrong" in str(error)) == ("no_token", True)


@pytest.mark.parametrize("data", [{}, [], "OK", {"errorCode": "0"}, {"success": True, "code": 0}])
def test_an_answer_without_a_code_is_no_answer(data):
    response = dataclasses.replace(answer_of(0), data=data)
    assert isinstance(codes.verdict(response), Transient)
    assert isinstance(codes.verdict(dataclasses.replace(response, write=True)), OutcomeUnknown)


@given(st.integers(1_577_836_800, 2_208_988_800))
def test_calls_are_counted_anew_at_midnight_in_china(seconds):
    now = dt.datetime.fromtimestamp(seconds, tz=dt.UTC)
    left_s = codes.until_midnight_s(now)
    then = (now + dt.timedelta(seconds=left_s)).astimezone(codes._MIDNIGHT)
    assert 0 < left_s <= 86_400
    assert (then.hour, then.minute, then.second) == (0, 0, 0)


# Limits


class Told:
    """A throttle that remembers what it was told."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def wait(self, deadline_s: float) -> None:
        pass

    def slow_down(self, seconds: float) -> None:
        self.pauses.append(seconds)


def test_a_limit_that_is_told_as_a_code_pauses_the_whole_connection(monkeypatch):
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda _seconds: None)
    throttle = Told()
    with serve_company(CompanySettings(calls=2)) as (server, app):
        orders = [app.company.sell() for _ in range(3)]
        settings = connect(server.url)._client._settings
        connector = Fxiaoke(settings, throttle=throttle)
        connector.fetch_orders(orders[:0])
        with pytest.raises(RateLimited, match="秒频次超限"):
            connector.fetch_orders(orders)
    assert throttle.pauses
    assert set(throttle.pauses) == {2.0}


def test_a_day_whose_calls_are_spent_waits_for_midnight_and_says_so(company):
    server, app = company
    app.company.settings = dataclasses.replace(app.company.settings, day=0)
    with pytest.raises(RateLimited, match="0点重新统计") as caught:
        connect(server.url).fetch_orders(["1"])
    assert caught.value.code == "30002"
    assert 0 < (caught.value.asked_s or 0) <= 86_400
    assert caught.value.retry_after_s <= 3600


def test_no_interface_is_called_faster_than_it_takes(company, monkeypatch):
    waited: list[str] = []
    server, app = company
    [order] = [app.company.sell()]
    connector = connect(server.url)
    monkeypatch.setattr(
        "connectors.kit.throttle.ConnectionThrottle.wait", lambda self, _deadline_s: waited.append(self._connection)
    )
    connector.fetch_orders([order])
    assert set(waited) == {"crm/cgi/crm/v2/data/query"}
    assert connector._client._pace("/x")._alone.room()[:2] == (99, 20)


# Lists


def test_more_orders_than_a_page_of_one_millisecond_are_walked_by_id(company):
    """What an import does: all of them changed at once."""
    server, app = company
    ids = [app.company.sell() for _ in range(11)]
    for number, order in enumerate(ids):
        app.company.objects["SalesOrderObj"][order]["last_modified_time"] = 1_757_548_800_000 + number // 10
    connector = connect(server.url, options={"per_page": 3, "line_changes": False})
    assert set(pulled(connector)[0]) == set(ids)


def test_an_offset_is_never_asked_for(company):
    server, app = company
    for _ in range(7):
        app.company.sell()
    seen = asked(company)
    connector = connect(server.url, options={"per_page": 2})
    now = dt.datetime.now(dt.UTC)
    assert len(list(connector.list_orders(now - dt.timedelta(hours=1), now + dt.timedelta(hours=1)))) == 7
    searches = [request.json()["data"]["search_query_info"] for request in seen if request.path.endswith("/query")]
    assert {search["offset"] for search in searches} == {0}
    assert len(searches) == 4
    assert all(search["orders"] == [{"fieldName": "_id", "isAsc": True}] for search in searches)


def test_a_query_has_the_published_shape(company):
    server, app = company
    app.company.sell()
    seen = asked(company)
    connector = connect(server.url)
    next(connector.pull_orders(None, since=dt.datetime(2025, 9, 11, tzinfo=dt.UTC)))
    [first, *_] = [request.json() for request in seen if request.path.endswith("/query")]
    sample = read_json(shared_path("vendor/fxiaoke/samples/req_query_sales_orders_changed_since.json").read_bytes())
    assert first["data"].keys() == sample["data"].keys()
    ours, theirs = first["data"]["search_query_info"], sample["data"]["search_query_info"]
    assert ours.keys() <= theirs.keys()
    assert ours["filters"] == theirs["filters"]
    assert [each.keys() for each in ours["orders"]] == [each.keys() for each in theirs["orders"]]
    assert (first["convertUserId"], first["convertMediaId"]) == (False, False)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"dataList": [{"_id": "a"}], "total": 0}},
        {"dataList": [{"_id": "a"}]},
        {"data": {"_id": "a"}},
    ],
)
def test_a_list_is_found_in_each_of_the_places_where_interfaces_have_it(company, answer):
    server, app = company
    connector = connect(server.url)
    server._app = lambda request: (
        app(request) if "token" in request.path else json_response({"errorCode": 0, "errorMessage": "OK", **answer})
    )
    assert connector._client.rows("SalesOrderObj", [], "_id") == [{"_id": "a"}]


def test_what_is_no_list_is_no_empty_one(company):
    server, app = company
    connector = connect(server.url, deadline_s=0.5)
    for answer in ({}, {"data": None}, {"data": {"dataList": [{"name": "x"}]}}, {"data": {"dataList": {}}}):
        body = {"errorCode": 0, **answer}
        server._app = lambda request, body=body: app(request) if "token" in request.path else json_response(body)
        with pytest.raises(Transient, match="no list"):
            connector._client.rows("SalesOrderObj", [], "_id")


def test_objects_of_the_company_itself_have_their_own_interface(company):
    server, _app = company
    seen = asked(company)
    connect(server.url)._client.rows("shipment__c", [], "_id")
    assert seen[-1].path == "/cgi/crm/custom/v2/data/query"


# Orders


def test_an_order_comes_with_its_lines_customer_and_products_and_maps(company):
    server, app = company
    product = app.company._products[1]
    order = app.company.sell([(app.company._products[0].sku, 2), (product.sku, 3)])
    [envelope] = connect(server.url, options={"tax_rate": "19"}).fetch_orders([order])
    read = SOURCES["fxiaoke"].order(envelope.payload, SourceOptions())
    assert [line.sku for line in read.lines] == [app.company._products[0].sku, product.sku]
    assert read.version == envelope.version
    assert not read.totals.rounding
    assert read.customer.company == "上海茶行有限公司"


def test_the_published_shape_of_a_new_order_reads_back_to_its_own_total(company):
    server, app = company
    sample = read_json(shared_path("vendor/fxiaoke/samples/req_create_sales_order_shape.json").read_bytes())
    order = app.company.create(
        "SalesOrderObj", sample["data"]["object_data"] | {"discount": "100"}, sample["data"]["details"]
    )
    [envelope] = connect(server.url).fetch_orders([order])
    read = SOURCES["fxiaoke"].order(envelope.payload, SourceOptions())
    assert (str(read.totals.grand), len(read.lines)) == ("100.01 CNY", 1)


def test_a_line_that_changes_without_its_order_is_found(company):
    server, app = company
    order = app.company.sell()
    connector = connect(server.url)
    _seen, reached = pulled(connector)
    checkpoint = connector.checkpoint_at(connector.checkpoint_moment(reached) + dt.timedelta(milliseconds=1))
    app.company.clock_offset_s += 5
    [line] = [row for row in app.company.objects["SalesOrderProductObj"].values() if row["order_id"] == order]
    app.company.change("SalesOrderProductObj", line["_id"], remark="加急")
    assert pulled(connect(server.url, options={"line_changes": "false"}), checkpoint)[0] == {}
    seen, _checkpoint = pulled(connector, checkpoint)
    assert seen[order].payload["SalesOrderProductObj"][0]["remark"] == "加急"


def test_an_order_whose_lines_were_saved_after_it_comes_once(company):
    server, app = company
    order = app.company.sell()
    for line in app.company.objects["SalesOrderProductObj"].values():
        line["last_modified_time"] += 40
    pages = list(connect(server.url).pull_orders(None))
    assert [each.external_id for page in pages for each in page.envelopes] == [order]


def test_a_quiet_company_costs_two_calls_a_pull(company):
    server, app = company
    app.company.sell()
    connector = connect(server.url)
    checkpoint = pulled(connector)[1]
    later = connector.checkpoint_at(connector.checkpoint_moment(checkpoint) + dt.timedelta(milliseconds=1))
    with capture() as exchanges:
        assert pulled(connector, later)[0] == {}
    assert len(exchanges) == 2


def test_only_what_is_wanted_of_customers_and_products_is_kept(company):
    server, app = company
    order = app.company.sell()
    options = {"account_fields": ["owner"], "product_fields": ["unit__c"], "vat_id_field": "tax__c"}
    [envelope] = connect(server.url, options=options).fetch_orders([order])
    account, [product] = envelope.payload["AccountObj"], envelope.payload["ProductObj"]
    assert account.keys() == {"_id", "name", "account_no", "tel", "email", "address", "life_status", "owner"}
    assert product.keys() == {"_id", "name", "life_status", "product_code"}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"sku_field": "a b"}, "sku_field"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"tax_rate": "thirteen"}, "tax_rate"),
        ({"currency": "RMB元"}, "currency"),
        ({"order_page": "https://www.fxiaoke.com/order"}, "order_page"),
        ({"account_fields": ["a b"]}, "account_fields"),
        ({"per_page": "101"}, "per_page"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options, named):
    with pytest.raises(ConnectionBroken, match=named):
        connect("https://open.fxiaoke.example", options=options)


def test_an_orders_page_is_where_the_connection_says():
    page = {"order_page": "https://www.fxiaoke.com/XV/UI/Home#order/{id}"}
    connector = connect("https://open.fxiaoke.example", options=page)
    assert connector.link("order", "5f3a") == "https://www.fxiaoke.com/XV/UI/Home#order/5f3a"
    assert connect("https://open.fxiaoke.example").link("order", "5f3a") == ""


# The check-up


def levels(connector: Fxiaoke, **circumstances: Any) -> dict[str, str]:
    return {finding.check: finding.level.value for finding in connector.diagnose(Circumstances(**circumstances))}


def test_the_check_up_misses_a_place_for_parcels_only_where_a_channel_tells_of_them(company):
    server, _app = company
    assert levels(connect(server.url))["fxiaoke.parcels"] == "ok"
    assert levels(connect(server.url), tell_parcels=("web",))["fxiaoke.parcels"] == "warn"
    for option, name in (("shipment_field", "shipments__c"), ("shipment_object", "shipment__c")):
        found = levels(connect(server.url, options={option: name}), tell_parcels=("web",))
        assert found["fxiaoke.parcels"] == "ok"


def test_the_check_up_misses_a_place_for_histories_only_where_a_channel_tells_them(company):
    server, _app = company
    assert levels(connect(server.url))["fxiaoke.entries"] == "ok"
    assert levels(connect(server.url), tell_histories=("web",))["fxiaoke.entries"] == "warn"


def test_the_check_up_sees_whether_a_key_is_enforced(company):
    server, app = company
    options = {"shipment_object": "shipment__c"}
    assert levels(connect(server.url, options=options))["fxiaoke.key"] == "ok"
    app.company.settings = dataclasses.replace(app.company.settings, unique=frozenset())
    assert levels(connect(server.url, options=options))["fxiaoke.key"] == "warn"
    assert levels(connect(server.url, options={**options, "key_field": "no__c"}))["fxiaoke.key"] == "fail"
    assert levels(connect(server.url, options={"shipment_object": "none__c"}))["fxiaoke.key"] == "fail"


def test_the_check_up_sees_whether_a_customer_may_stand_twice(company):
    server, app = company
    assert levels(connect(server.url))["fxiaoke.accounts"] == "ok"
    assert levels(connect(server.url, options={"account_key_field": "ext_id__c"}))["fxiaoke.accounts"] == "ok"
    assert levels(connect(server.url, options={"account_key_field": "no__c"}))["fxiaoke.accounts"] == "fail"
    app.company.settings = dataclasses.replace(app.company.settings, unique=frozenset())
    assert levels(connect(server.url, options={"account_key_field": "ext_id__c"}))["fxiaoke.accounts"] == "warn"


def test_the_check_up_names_fields_that_are_not_there(company):
    server, _app = company
    assert levels(connect(server.url, options={"freight_field": "freight__c"}))["fxiaoke.fields"] == "fail"
    assert levels(connect(server.url, options={"state_field": "erp_state__c"}))["fxiaoke.fields"] == "ok"


# The way back


BACK = {
    "state_field": "erp_state__c",
    "shipment_field": "shipments__c",
    "invoice_field": "invoices__c",
}


def test_an_order_under_approval_is_not_written_to_and_says_why(company):
    server, app = company
    order = app.company.sell()
    connector = connect(server.url, options=BACK)
    app.company.submit(order)
    seen = asked(company)
    for write in (
        lambda: connector.update_order(order, {"state_field": "shipped"}),
        lambda: connector.add_note(order, {"note": "OUT/1 | Ref. 1"}),
    ):
        with pytest.raises(Locked, match="in_change"):
            write()
    assert [request.path for request in seen if request.path.endswith("/update")] == []
    app.company.approve(order)
    shown = connector.update_order(order, {"state_field": "shipped"}).payload["SalesOrderObj"]
    assert shown["erp_state__c"] == "shipped"


def test_an_approval_that_begins_meanwhile_is_known_by_the_refusal(company):
    """Its code is not documented: the order is read again."""
    server, app = company
    order = app.company.sell()
    connector = connect(server.url, options=BACK)

    def answer(request: Request) -> Any:
        if request.path.endswith("/update"):
            app.company.submit(order)
        return app(request)

    server._app = answer
    with pytest.raises(Locked, match="under approval"):
        connector.update_order(order, {"state_field": "shipped"})


def test_what_fxiaoke_takes_and_does_not_keep_is_told(company):
    server, app = company
    order = app.company.sell()
    connector = connect(server.url, options=BACK)
    server._app = lambda request: (
        json_response({"errorCode": 0, "errorMessage": "OK"}) if request.path.endswith("/update") else app(request)
    )
    with pytest.raises(RecordRejected, match="erp_state__c") as caught:
        connector.update_order(order, {"state_field": "shipped"})
    assert caught.value.code == "not_kept"


def test_lines_of_people_stay_where_they_are(company):
    server, app = company
    order = app.company.sell(invoices__c="客户要专票\nINV1 | 2026-01-01 | 1.00 CNY\n请月底寄出")
    connector = connect(server.url, options=BACK)
    lines = [{"line": f"INV{number} | 9.00 CNY", "begins": f"INV{number} | "} for number in (1, 2)]
    for _ in range(2):
        shown = connector.update_order(order, {"invoice_field": lines}).payload["SalesOrderObj"]["invoices__c"]
    assert shown.splitlines() == ["客户要专票", "INV1 | 9.00 CNY", "请月底寄出", "INV2 | 9.00 CNY"]


def test_a_key_that_is_taken_is_known_by_looking_for_it(company):
    server, app = company
    order = app.company.sell()
    options = {**BACK, "shipment_object": "shipment__c"}
    connector = connect(server.url, options=options)
    made = connector.create_fulfilment(order, {"key_field": "web-1"})
    with pytest.raises(AlreadyExists, match="唯一性校验失败"):
        connector.create_fulfilment(order, {"key_field": "web-1"})
    assert [row["id"] for row in connector.list_fulfilments(order)] == [made["id"]]
    [record] = app.company.objects["shipment__c"].values()
    assert (record["ext_id__c"], record["order_id__c"]) == ("web-1", order)


def test_a_record_is_written_in_the_published_shape(company):
    server, app = company
    order = app.company.sell()
    seen = asked(company)
    connect(server.url, options={"shipment_object": "shipment__c"}).create_fulfilment(order, {"key_field": "web-1"})
    [body] = [request.json() for request in seen if request.path.endswith("/create")]
    sample = read_json(shared_path("vendor/fxiaoke/samples/req_create_sales_order_shape.json").read_bytes())
    assert body.keys() - {"convertUserId", "convertMediaId"} == sample.keys()
    assert body["data"].keys() <= sample["data"].keys()
    assert (body["triggerApprovalFlow"], body["triggerWorkFlow"]) == (False, False)
    assert body["data"]["object_data"]["dataObjectApiName"] == "shipment__c"


def test_without_a_place_for_parcels_it_says_which_options_there_are(company):
    server, app = company
    order = app.company.sell()
    connector = connect(server.url)
    assert not connector.takes_fulfilments()
    with pytest.raises(RecordRejected, match="shipment_field"):
        connector.add_note(order, {"note": "x"})
    with capture() as exchanges:
        connector.update_order(order, {"state_field": "shipped", "invoice_field": [{"line": "x", "begins": "x"}]})
    assert [each for each in exchanges if "/update" in each.url] == []
