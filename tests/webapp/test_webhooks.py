from __future__ import annotations

import json
import sqlite3

import pytest
from sqlalchemy import func, select

from sync.store.issues import list_open
from sync.store.tables import events, schedules, work_items
from tests.webapp.shop import order, sign, signed
from webapp.parts import LazyParts

BODY = order(7)


def rows(store, table):
    return store.read(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one())


def asked(store):
    query = select(schedules.c.name).where(schedules.c.asked).order_by(schedules.c.name)
    return list(store.read(lambda connection: connection.execute(query).scalars().all()))


def test_a_signed_delivery_is_stored_and_its_items_are_wanted_before_the_answer(client, store):
    assert client.post("/webhooks/shop", data=BODY, headers=signed(BODY)).status_code == 202
    assert rows(store, events) == 1
    assert rows(store, work_items) == 2


@pytest.mark.fault("C5")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Shop-Signature": ""},
        {"X-Shop-Signature": sign(BODY, b"another")},
        {"X-Shop-Signature": sign(BODY) + "0"},
        {"X-Shop-Signature": sign(BODY).upper()},
        {"X-Shop-Signature": "v1,"},
        {"X-Shop-Signature": "\u00e4\u00f6\u00fc"},
        {"X-Shop-Signature": "9" * 4000},
        {"X-Shop-Signature": sign(BODY + b" ")},
        {"X-Shop-Signature": sign(json.dumps(json.loads(BODY), separators=(",", ":")).encode())},
    ],
    ids=[
        "no header",
        "empty",
        "another secret",
        "one digit more",
        "upper case",
        "another scheme",
        "not ASCII",
        "very long",
        "of another body",
        "of the same JSON written anew",
    ],
)
def test_what_is_not_signed_right_gets_401_and_leaves_no_row(client, store, headers):
    response = client.post("/webhooks/shop", data=BODY, headers={"X-Shop-Topic": "order.updated", **headers})
    assert response.status_code == 401
    assert (rows(store, events), rows(store, work_items), asked(store)) == (0, 0, [])


@pytest.mark.fault("C11")
def test_a_stranger_cannot_tell_which_connections_there_are(client, store):
    wrong = signed(BODY, b"another")
    known, unknown = (client.post(f"/webhooks/{name}", data=BODY, headers=wrong) for name in ("shop", "nobody"))
    assert known.status_code == unknown.status_code == 401
    assert known.data == unknown.data
    assert dict(known.headers) == dict(unknown.headers)


def test_an_unsigned_ping_does_not_tell_either(client):
    ping = {"X-Shop-Topic": "ping", "X-Shop-Signature": sign(BODY)}
    assert [client.post(f"/webhooks/{name}", data=BODY, headers=ping).status_code for name in ("shop", "nobody")] == [
        200,
        200,
    ]


@pytest.mark.fault("C11")
def test_a_right_signature_counts_for_its_own_connection_only(client, store):
    assert client.post("/webhooks/nobody", data=BODY, headers=signed(BODY)).status_code == 401
    assert rows(store, events) == 0


@pytest.mark.parametrize("topic", ["ping", "coupon.created"])
def test_a_ping_and_a_topic_that_is_not_ours_are_answered_and_stored_nowhere(client, store, topic):
    assert client.post("/webhooks/shop", data=BODY, headers=signed(BODY, topic=topic)).status_code == 200
    assert rows(store, events) == 0


@pytest.mark.fault("C12")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>down for maintenance</html>",
        b'{"id": 7',
        b'{"updated": "2026-01-01"}',
        b'{"id": 7, "updated": "\xff\xfe"}',
        order(7) + b"\0",
        order("7\0"),
        b'{"id": "\\ud800", "updated": ""}',
        order("7" * 300),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"id": ' + b"7" * 5_000 + b', "updated": ""}',
    ],
    ids=[
        "empty",
        "HTML",
        "cut off",
        "no id",
        "not UTF-8",
        "NUL",
        "NUL in the id",
        "half a surrogate pair",
        "id too long",
        "100,000 deep",
        "id of 5,000 digits",
    ],
)
def test_what_is_signed_but_unreadable_is_kept_told_and_pulled_at_once(client, store, body):
    response = client.post("/webhooks/shop", data=body, headers=signed(body))
    assert response.status_code == 202
    event = store.read(lambda connection: connection.execute(select(events)).one())
    assert event.problem
    assert event.external_id is None
    assert rows(store, work_items) == 0
    assert asked(store) == ["pull:shop"]
    assert [issue.cause for issue in store.read(list_open)] == ["unreadable_delivery"]


def test_fifty_megabytes_get_413_and_the_shop_is_pulled_at_once(client, store):
    body = b"0" * 50_000_000
    response = client.post("/webhooks/shop", data=body, headers=signed(b"unread"))
    assert response.status_code == 413
    assert rows(store, events) == 0
    assert asked(store) == ["pull:shop"]


def test_strangers_cannot_have_a_shop_pulled_without_end(make_app, store):
    client = make_app(CROSSDOCK_MAX_BODY_KIB="1").test_client()
    for _ in range(3):
        assert client.post("/webhooks/shop", data=b"0" * 2000).status_code == 413
        store.write(lambda connection: connection.execute(schedules.update().values(asked=False)))
        assert client.post("/webhooks/nobody", data=b"0" * 2000).status_code == 413
    assert asked(store) == []


@pytest.mark.parametrize("wait_s", [0.5])
def test_a_locked_database_is_503_with_a_time_to_come_again(client, store, tmp_path):
    holder = sqlite3.connect(tmp_path / "crossdock.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    response = client.post("/webhooks/shop", data=BODY, headers=signed(BODY))
    holder.execute("ROLLBACK")
    holder.close()
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert client.post("/webhooks/shop", data=BODY, headers=signed(BODY)).status_code == 202


def test_only_post_is_answered(client):
    response = client.get("/webhooks/shop")
    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]


def test_a_failure_of_ours_shows_neither_traceback_nor_what_came_in(app, client, caplog):
    def fail(body, headers):
        raise RuntimeError(f"secret {body!r}")

    app.extensions[LazyParts.KEY].get().sources["shop"].verify_webhook = fail
    response = client.post("/webhooks/shop", data=b"canary-canary", headers=signed(BODY))
    assert response.status_code == 500
    assert response.json == {"error": "Internal Server Error"}
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/nothing-here<script>", 404),
        ("GET", "/webhooks/shop", 405),
        ("POST", "/webhooks/shop", 401),
        ("POST", "/webhooks/<script>alert(1)", 401),
    ],
)
def test_every_answer_has_the_security_headers_and_reflects_nothing(client, method, path, status):
    response = client.open(path, method=method)
    assert response.status_code == status
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert b"script" not in response.data


def test_a_host_that_is_not_ours_is_refused_where_hosts_are_named(make_app):
    client = make_app(CROSSDOCK_TRUSTED_HOSTS="dock.example, .internal.example").test_client()
    statuses = [
        client.get("/healthz", base_url=f"http://{host}").status_code
        for host in ("dock.example", "a.internal.example", "evil.example")
    ]
    assert statuses == [200, 200, 400]


@pytest.mark.parametrize(("hops", "secure"), [("0", False), ("1", True)])
def test_forwarded_headers_count_only_as_far_as_there_are_proxies(make_app, hops, secure):
    client = make_app(CROSSDOCK_PROXY_HOPS=hops).test_client()
    response = client.get("/healthz", headers={"X-Forwarded-Proto": "https"})
    assert ("Strict-Transport-Security" in response.headers) is secure
