"""What a system posts is believed by its signature alone, and read as its connection's options say."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.jsonhooks import JsonHooks, reading
from connectors.kit.base import ConnectorSettings, SignatureInvalid
from connectors.kit.errors import ConnectionBroken

SECRET = "geheim-1"
NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


def connector(secrets=(SECRET,), **options):
    settings = ConnectorSettings(name="hooks", url="", webhook_secrets=secrets, options={"id": "id", **options})
    return JsonHooks(settings, now=lambda: NOW)


def mac(text, secret=SECRET):
    return hmac.digest(secret.encode(), text, "sha256")


def deliver(document, **options):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return connector(**options).verify_webhook(body, {"x-signature": mac(body).hex()})


def broken(**options):
    with pytest.raises(ConnectionBroken) as caught:
        connector(**options)
    return str(caught.value)


# --- signatures -------------------------------------------------------------------------------------------------

BODY = b'{"id": 7}'
STAMP = str(int(NOW.timestamp()))


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, {"X-Signature": mac(BODY).hex()}),
        ({}, {"X-Signature": mac(BODY).hex().upper()}),
        (
            {"signature_header": "X-Hub-Signature-256", "signature_prefix": "sha256="},
            {"X-Hub-Signature-256": "sha256=" + mac(BODY).hex()},
        ),
        ({"signature_encoding": "base64"}, {"X-Signature": base64.b64encode(mac(BODY)).decode()}),
        ({"timestamp_header": "X-At"}, {"X-Signature": mac(f"{STAMP}.".encode() + BODY).hex(), "X-At": STAMP}),
        (
            {"timestamp_header": "X-At", "signs": "v0:{timestamp}:{body}"},
            {"X-Signature": mac(f"v0:{STAMP}000:".encode() + BODY).hex(), "X-At": f"{STAMP}000"},
        ),
        (
            {"timestamp_header": "X-At", "signs": "{body}{timestamp}"},
            {"X-Signature": mac(BODY + b"2026-11-22T13:04:59+01:00").hex(), "X-At": "2026-11-22T13:04:59+01:00"},
        ),
    ],
    ids=["hex", "HEX", "prefix", "base64", "time", "milliseconds", "ISO time behind the body"],
)
def test_every_way_of_signing_is_verified_as_the_options_say(options, headers):
    assert connector(**options).verify_webhook(BODY, headers).external_id == "7"
    for secrets in (("another",), ("",)):
        with pytest.raises((SignatureInvalid, ConnectionBroken)):
            connector(secrets, **options).verify_webhook(BODY, headers)
    with pytest.raises(SignatureInvalid):
        connector(**options).verify_webhook(BODY + b" ", headers)


def test_both_secrets_count_while_one_takes_the_others_place():
    headers = {"X-Signature": mac(BODY, "new").hex()}
    assert connector(("old", "new")).verify_webhook(BODY, headers).external_id == "7"


@pytest.mark.parametrize("at", ["2026-11-22T11:54:59Z", "2026-11-22T12:05:01Z", "2026-11-22T12:00:00", "", "9" * 400])
def test_what_was_signed_too_long_ago_or_at_no_time_is_refused(at):
    headers = {"X-Signature": mac(f"{at}.".encode() + BODY).hex(), "X-At": at}
    with pytest.raises(SignatureInvalid):
        connector(timestamp_header="X-At").verify_webhook(BODY, headers)


def test_the_prefix_is_part_of_the_signature():
    with pytest.raises(SignatureInvalid):
        connector(signature_prefix="sha256=").verify_webhook(BODY, {"X-Signature": mac(BODY).hex()})


@given(signature=st.text(max_size=80), stamp=st.text(max_size=30))
def test_whatever_a_stranger_sends_is_refused_and_nothing_else(signature, stamp):
    for options in ({}, {"timestamp_header": "X-At"}):
        with pytest.raises(SignatureInvalid):
            connector(**options).verify_webhook(BODY, {"X-Signature": signature, "X-At": stamp})


# --- documents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"), [(7, "7"), (" A-7 ", "A-7"), (None, None), (True, None), (1.5, None), ({}, None), ("", None)]
)
def test_an_id_is_a_text_or_a_whole_number(value, expected):
    found = deliver({"order": {"no": value}}, id="order.no")
    assert (found.external_id, bool(found.problem)) == (expected, expected is None)


@pytest.mark.parametrize(
    ("kind", "older", "newer"),
    [
        ("time", "2026-11-22T12:00:00+01:00", "2026-11-22T11:30:00Z"),
        ("time", "2026-11-22", "2026-11-22T00:00:00.5"),
        ("number", 9, 10),
        ("number", "1763812800.25", "1763812800.5"),
        ("text", "v09", "v10"),
    ],
)
def test_versions_sort_as_they_follow_each_other(kind, older, newer):
    first, second = (
        deliver({"id": 1, "v": value}, version="v", version_is=kind).envelope.version for value in (older, newer)
    )
    assert first < second
    assert max(len(first), len(second)) <= 64


@pytest.mark.parametrize(("kind", "value"), [("time", "soon"), ("number", -1), ("number", "NaN"), ("text", None)])
def test_an_order_without_the_version_that_it_should_have_is_no_order(kind, value):
    # It could be older than what is there.
    assert kind in deliver({"id": 1, "v": value}, version="v", version_is=kind).problem


def test_without_a_version_all_are_as_new_as_they_come():
    assert deliver({"id": 1, "updated": "2026-11-22"}).envelope.version == ""


def test_a_list_is_a_delivery_of_each_of_its_orders_and_one_bad_one_spoils_no_other():
    found = deliver({"data": [{"id": 1}, {"no": 2}, 3, {"id": 4}]}, orders="data")
    assert [part.external_id for part in found.parts] == ["1", None, None, "4"]
    assert [bool(part.problem) for part in found.parts] == [False, True, True, False]
    assert [part.content for part in found.parts] == [{"id": 1}, {"no": 2}, 3, {"id": 4}]


def test_one_order_where_a_list_may_stand_is_one_order():
    assert deliver({"data": {"id": 1}}, orders="data").external_id == "1"
    assert deliver([{"id": 1}, {"id": 2}]).parts[1].external_id == "2"
    assert deliver({"data": []}, orders="data").ignored
    assert deliver({"else": 1}, orders="data").problem


def test_more_orders_than_one_delivery_may_have_are_none():
    found = deliver([{"id": number} for number in range(reading.MAX_ORDERS + 1)])
    assert "501" in found.problem
    assert not found.parts


def test_what_is_about_something_else_is_ignored():
    when = "event == 'order.paid'"
    assert deliver({"event": "stock", "id": 1}, when=when).ignored
    assert deliver({"event": "order.paid", "id": 1}, when=when).external_id == "1"


def test_amounts_stay_as_they_were_written():
    payload = deliver(b'{"id": 1, "total": 12.50}').envelope.payload
    assert str(payload["total"]) == "12.50"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": 1', b'{"id": 1, "id": 2}', b'{"id": NaN}', b'"text"', b"7"])
def test_what_is_signed_and_no_order_says_why(body):
    assert deliver(body).problem


def test_an_expression_that_cannot_be_applied_is_told_and_breaks_nothing():
    assert "expression" in deliver({"id": 1}, id="length(id)").problem


def test_what_could_not_be_read_is_read_again_by_other_options():
    body = b'{"id": null, "no": "A"}'
    assert deliver(body).problem
    assert connector(id="no").read_again("", body).external_id == "A"
    part = connector(id="no", orders="data").read_again(reading.IN_LIST, body)
    assert (part.external_id, part.topic) == ("A", reading.IN_LIST)
    assert connector().read_again(reading.IN_LIST, b"[").problem


# --- settings ---------------------------------------------------------------------------------------------------


def test_settings_that_cannot_be_used_are_named():
    assert "'id'" in broken(id="")
    assert "'id'" in broken(id="order..no")
    assert "'orders'" in broken(orders="(" * 2000)
    assert "webhook_secrets" in broken(secrets=("",))
    assert "version_is" in broken(version_is="date")
    assert "signature_encoding" in broken(signature_encoding="utf-8")
    assert "timestamp_tolerance_s" in broken(timestamp_tolerance_s="0")


@pytest.mark.parametrize(
    "options", [{"signs": "{timestamp}"}, {"signs": "{timestamp}.{body}"}, {"signs": "{body}{body}"}]
)
def test_what_is_signed_names_the_body_once_and_a_time_only_where_there_is_one(options):
    assert "'signs'" in broken(**options)


def test_a_time_that_is_not_signed_is_refused():
    assert "{timestamp}.{body}" in broken(signs="{body}", timestamp_header="X-At")
