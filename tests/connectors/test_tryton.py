"""Tryton's connector without a server: what recorded answers mean, how references are found, what is remembered."""

from __future__ import annotations

import base64
import datetime as dt
import json
from decimal import Decimal

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from connectors.kit.answers import Response, classify
from connectors.kit.base import ConnectorSettings
from connectors.kit.cache import Aged
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.ladder import climb
from connectors.registry import connector_class
from connectors.tryton import Tryton, typed
from connectors.tryton.client import _READS, TrytonClient, _refused, _rpc_error
from connectors.tryton.goods import batches
from connectors.tryton.masters import find_tax, tax_trees
from connectors.tryton.options import read_options
from connectors.tryton.parties import _domain
from mappings.canonical.refs import Ref
from tests.shared import shared_path

TODAY = dt.date(2026, 11, 22)


# Answers


def recorded_answer(name, attempt=_READS):
    [file] = shared_path("captures/tryton").glob(f"{name}*.json")
    exchange = json.loads(file.read_text())
    body = exchange["response"]["body"]
    method = exchange["request"]["method"]
    return Response(
        method=method,
        path=exchange["request"]["url"].split("?")[0].removeprefix("/erp/rest"),
        write=method != "GET",
        status=exchange["response"]["status"],
        headers=exchange["response"]["headers"],
        body=(body if isinstance(body, str) else json.dumps(body)).encode(),
        data=None if isinstance(body, str) else body,
        attempt=attempt,
    )


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("62-err-bad-key", ConnectionBroken, "401"),
        ("63-err-no-key", ConnectionBroken, "401"),
        ("66-err-access-denied-create", RecordRejected, "not allowed to access"),
        ("67-err-access-denied-read", ConnectionBroken, "check the rights"),
        ("68-err-unknown-product", RecordRejected, "99999"),
        ("69-err-unknown-model", ConnectionBroken, "does not know 'no.such'"),
        ("70-err-unknown-field", RecordRejected, "does not know 'nme'"),
        ("71-err-missing-required", RecordRejected, "User in companies"),
        ("73-err-put-not-found", RecordRejected, "404"),
        ("74-err-edit-processed-sale", RecordRejected, "Carrier"),
        ("75-err-wrong-digits", RecordRejected, "digits"),
        ("76-err-unknown-action", ConnectionBroken, "403"),
        ("77-err-illegal-transition-cancel", RecordRejected, "You can not call"),
        ("78-err-malformed-json", Transient, "500"),
        ("80-err-quote-no-address", RecordRejected, "invoice address"),
        ("18-sale-duplicate-web-id", RecordRejected, "must be unique per shop"),
    ],
)
def test_a_recorded_refusal_means(name, kind, told):
    answer = recorded_answer(name)
    error = _refused(answer) or classify(answer)
    assert type(error) is kind
    assert told in str(error)


def test_a_read_that_is_refused_once_is_no_matter_of_rights():
    assert type(_refused(recorded_answer("67-err-access-denied-read", attempt=1))) is Transient


def gone(number):
    return {"message": f'You are trying to read records "{number}" of "Stock Move" that don\'t exist.'}


@pytest.mark.parametrize(("refusals", "calls"), [(1, 2), (2, 3), (9, 3)])
@responses.activate
def test_a_search_goes_on_when_records_are_deleted_under_it(monkeypatch, refusals, calls):
    monkeypatch.setattr("connectors.kit.http.time.sleep", lambda seconds: None)
    url = "https://erp.example.com/db/rest/model/stock.move"
    for number in range(refusals):
        responses.add(responses.GET, url, json=gone(number), status=400)
    responses.add(responses.GET, url, json=[{"id": 7}])
    client = TrytonClient(ConnectorSettings(name="erp", url="https://erp.example.com", key="k"), "db")

    if refusals < _READS:
        assert client.search("stock.move", [], ["id"]) == [{"id": 7}]
    else:
        with pytest.raises(ConnectionBroken, match="check the rights"):
            client.search("stock.move", [], ["id"])

    assert len(responses.calls) == calls
    client.close()


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_of_a_write_is_unknown(status):
    answer = Response(method="POST", path="/model/sale.sale", write=True, status=status, headers={}, body=b"<html>")
    assert type(_refused(answer) or classify(answer)) is OutcomeUnknown


def test_a_database_that_is_not_there_breaks_the_connection():
    answer = Response(method="GET", path="/model/sale.sale", write=False, status=404, headers={}, body=b"<html>")
    assert "option `database`" in str(_refused(answer))


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (["UserError", ['A value is required for field "Party".', "", None]], "", "required"),
        (["UserWarning", ["late", "The sale is late.", "Go on?"]], "warning", "The sale is late. Go on?"),
        (["'nonexistent'", "Traceback ..."], "server_error", "'nonexistent'"),
    ],
)
def test_an_rpc_error_is_a_refusal_with_its_text(error, code, told):
    refusal = _rpc_error("model.sale.sale.quote", error, login=False)
    assert (type(refusal), refusal.code) == (RecordRejected, code)
    assert told in str(refusal)
    assert "Traceback" not in str(refusal)


def test_only_a_business_refusal_proves_that_nothing_was_kept():
    assert _rpc_error("m", ["UserError", ["x", "", None]], login=False).rolled_back
    assert not _rpc_error("m", ["boom", ""], login=False).rolled_back


# Typed JSON

plain = st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False)
#: In whole seconds: the server's own are a float of them.
spans = st.integers(-(10**9), 10**9).map(lambda seconds: dt.timedelta(seconds=seconds))
times = st.dates() | st.datetimes(timezones=st.just(dt.UTC)) | spans
values = st.recursive(
    plain | times,
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "__class__"), inner),
)


@given(values)
def test_what_is_encoded_is_read_back(value):
    assert typed.decode(json.loads(json.dumps(typed.encode(value)))) == value


def test_bytes_come_with_line_breaks():
    raw = bytes(range(256))
    assert typed.decode({"__class__": "bytes", "base64": base64.encodebytes(raw).decode()}) == raw


def test_an_amount_keeps_its_scale_and_is_never_in_exponent_notation():
    assert typed.encode(Decimal("1E+2")) == {"__class__": "Decimal", "decimal": "100"}
    assert str(typed.decode({"__class__": "Decimal", "decimal": "12.50"})) == "12.50"


# Taxes


def tax_row(number, name, rate, **values):
    row = {"id": number, "name": name, "description": None, "type": "percentage", "rate": Decimal(rate), "amount": None}
    more = {"sequence": None, "update_unit_price": False, "parent": None, "start_date": None, "end_date": None}
    return {**row, **more, "group": None, **values}


TAXES = tax_trees(
    [
        tax_row(1, "VAT DE 19%", "0.19"),
        tax_row(2, "Input VAT 19%", "0.19", group={"kind": "purchase"}),
        tax_row(3, "VAT DE 16%", "0.16", end_date=dt.date(2020, 12, 31)),
        tax_row(4, "VAT AT 20%", "0.2"),
        tax_row(5, "VAT UK 20%", "0.2"),
        tax_row(6, "Group", "0", type="none"),
        tax_row(7, "Part", "0.05", parent=6),
    ]
)


def asked(value, rate="", country=""):
    return find_tax(TAXES, Ref("tax", value, hint={"rate": rate, "country": country}), TODAY)


def test_a_tax_is_found_by_its_rate_among_those_that_are_sold_today():
    assert asked("DE:19", "19", "DE")["id"] == 1


def test_several_taxes_of_one_rate_are_no_answer():
    answer = asked("AT:20", "20", "AT")
    assert answer["id"] is None
    assert [each["name"] for each in answer["candidates"]] == ["VAT AT 20%", "VAT UK 20%"]


def test_a_look_up_row_names_the_tax():
    assert asked("vat at 20%", "20", "AT")["id"] == 4
    assert asked("5", "20", "AT")["id"] == 5


def test_a_name_that_is_not_there_does_not_end_at_another_tax():
    assert asked("No such tax", "19", "DE") is None


def test_a_tax_that_is_over_is_unknown():
    assert asked("DE:16", "16", "DE") is None


def test_parts_of_a_tax_hang_on_it_and_are_not_found_alone():
    assert asked("DE:5", "5", "DE") is None
    assert [part["rate"] for part in asked("6")["childs"]] == [Decimal(5)]


# Parties


def party_row(number, code, *, vat_ids=(), emails=()):
    return {"id": number, "code": code, "name": f"P{number}", "vat_ids": list(vat_ids), "emails": list(emails)}


ROWS = [
    party_row(1, "email:a@example.com", emails=["a@example.com"]),
    party_row(2, "2", vat_ids=["DE1"], emails=["b@example.com"]),
    party_row(3, "3", emails=["b@example.com"]),
    party_row(4, "4", emails=["c@example.com"]),
    party_row(5, "5", emails=["c@example.com"]),
]


def climbed(code, *, vat_id="", email=""):
    return climb(Ref("party", code, hint={"code": code, "vat_id": vat_id, "email": email}), ROWS)


@pytest.mark.parametrize(
    ("party", "found", "rung"),
    [
        ({"code": "email:a@example.com", "email": "c@example.com"}, 1, "code"),
        ({"code": "x", "vat_id": "de 1", "email": "a@example.com"}, 2, "vat_id"),
        ({"code": "x", "email": "A@Example.com "}, 1, "email"),
        ({"code": "x", "email": "c@example.com"}, None, "email"),
        ({"code": "x", "vat_id": "DE9", "email": "b@example.com"}, 3, "email"),
    ],
)
def test_the_first_rung_that_matches_decides(party, found, rung):
    answer = climbed(**party)
    assert (answer["id"], answer["matched_by"]) == (found, rung)


def test_nobody_is_nobody():
    assert climbed("x", vat_id="DE9", email="z@example.com") is None


# What is remembered, and how much is asked at once


def test_a_value_is_believed_until_its_age():
    now = [0.0]
    cache = Aged(10.0, lambda: now[0])
    cache.put_many({"a": 1})
    now[0] = 9.9
    assert cache.get_many(["a", "b"]) == {"a": 1}
    assert cache.get_many(["a"], 5.0) == {}
    now[0] = 10.0
    assert cache.get_many(["a"]) == {}


def test_single_keys_can_be_forgotten():
    cache = Aged(10.0, lambda: 0.0)
    cache.put_many({"a": 1, "b": 2})
    cache.forget(["a", "never there"])
    assert cache.get_many(["a", "b"]) == {"b": 2}


@given(st.lists(st.text(max_size=300)))
def test_every_code_is_asked_for_once_in_addresses_of_bounded_length(codes):
    asked_for = list(batches(codes))
    assert sorted(code for batch in asked_for for code in batch) == sorted(set(codes))
    assert all(len(json.dumps(batch)) < 6_000 or len(batch) == 1 for batch in asked_for)


# Options


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "database"),
        ({"database": "a/b"}, "database"),
        ({"database": "erp", "backend": "mysql"}, "sqlite or postgresql"),
        ({"database": "erp", "bulk": 0}, "bulk"),
        ({"database": "erp", "bulk": True}, "bulk"),
        ({"database": "erp", "cache_s": -1}, "cache_s"),
        ({"database": "erp", "webshop": "x"}, "webshop"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options, told):
    with pytest.raises(ConnectionBroken, match=told):
        read_options(options)


def settings(**changes):
    values = {"name": "erp", "url": "http://erp.example", "key": "k-secret", "options": {"database": "erp"}}
    return ConnectorSettings(**(values | changes))


@pytest.mark.parametrize(("backend", "calls"), [("sqlite", 1), ("postgresql", 4)])
def test_the_database_decides_how_many_calls_may_be_in_flight(backend, calls):
    assert Tryton(settings(options={"database": "erp", "backend": backend})).concurrency == calls
    assert Tryton(settings(concurrency=2)).concurrency == 2


def test_without_a_key_the_connection_is_broken():
    with pytest.raises(ConnectionBroken, match=r"auth\.key"):
        Tryton(settings(key=""))


def test_the_registry_has_the_connector():
    assert connector_class("tryton") is Tryton


def test_all_but_payments_and_fees_are_kept_single_by_the_server():
    keys = Tryton(settings()).keys
    assert {kind: (key.key_field, key.enforced, key.same_call) for kind, key in keys.items()} == {
        "sale": ("web_id", True, True),
        "party": ("code", True, True),
        "refund": ("web_id", True, True),
        "payment": ("description", False, True),
        "fee": ("description", False, True),
    }


def test_a_party_that_a_person_has_chosen_is_asked_for_by_its_id():
    chosen = Ref("party", "x", hint={"code": "x", "email": "a@example.com", "vat_id": "DE1", "id": "3"})
    assert _domain([chosen]) == ["OR", ["code", "in", ["x"]], ["id", "in", [3]]]
