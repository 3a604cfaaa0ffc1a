"""The promises of `HttpClient`, held against servers that break them one by one."""

from __future__ import annotations

import gzip
import logging
import os
import re
import threading
import time
import traceback
import tracemalloc
from decimal import Decimal

import pytest

from connectors.kit.auth import Basic, QueryKeys, SessionLogin
from connectors.kit.errors import (
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.exchanges import BODY_LIMIT, capture
from connectors.kit.http import DryRun, HttpClient
from tests.connectors.kit.wires import answer, hang_up, reset, wire
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

SECRET = "cs_canary/äöü 42"


@pytest.fixture
def connect():
    """Make clients that may speak to this machine; they are closed with the test."""
    made = []

    def make(server, **options):
        url = server if isinstance(server, str) else server.url
        client = HttpClient(url, **{"allow_hosts": ["127.0.0.1"], "deadline_s": 5.0, **options})
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Pauses between attempts, recorded instead of slept."""
    slept: list[float] = []
    monkeypatch.setattr("connectors.kit.http.time.sleep", slept.append)
    return slept


def head_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


# What comes back


def test_an_answer_is_parsed_with_exact_numbers(connect):
    with wire(answer('{"total": 73.06, "id": 12}', "201 Created")) as server:
        response = connect(server).request("POST", "orders", json={"a": "ü"})
    assert response.data == {"total": Decimal("73.06"), "id": 12}
    assert response.status == 201
    assert server.requests[0].startswith(b"POST /orders HTTP/1.1\r\n")
    assert server.requests[0].endswith('{"a":"ü"}'.encode())


def test_path_and_query_are_put_below_the_base_address(connect):
    with wire(answer("[]")) as server:
        connect(server.url + "/blog/").get("/orders", {"after": "2026-11-21T23:01:56", "x": "a&b=c"})
    assert server.requests[0].startswith(b"GET /blog/orders?after=2026-11-21T23%3A01%3A56&x=a%26b%3Dc HTTP/1.1")


def test_an_empty_answer_is_fine_where_the_status_says_so(connect):
    with wire(answer(b"", "204 No Content")) as server:
        assert connect(server).request("DELETE", "x").data is None


def test_a_body_of_null_is_json(connect):
    with wire(answer("null")) as server:
        assert connect(server).request("POST", "x", json={}).data is None


def test_gzip_is_unpacked(connect):
    with wire(answer(gzip.compress(b'{"a": 1}'), "200 OK", "Content-Encoding: gzip")) as server:
        assert connect(server).get("x").data == {"a": 1}


def test_one_connection_serves_many_calls_of_a_thread(connect):
    with wire(answer("{}")) as server:
        client = connect(server)
        for _ in range(5):
            client.get("x")
        assert server.connections == 1


def test_each_thread_has_a_connection_of_its_own(connect):
    with wire(answer("{}")) as server:
        client = connect(server)
        barrier = threading.Barrier(3)

        def call():
            barrier.wait()
            client.get("x")

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.connections == 3


def test_a_forked_child_does_not_speak_on_its_parents_connection(connect):
    with wire(answer("{}")) as server:
        client = connect(server)
        client.get("x")
        child = os.fork()
        if child == 0:
            client.get("x")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert server.connections == 2


# What a failure means. A write that was never sent, refused or lost are three different things.

GET, POST = "GET", "POST"
HTML = "<!DOCTYPE html><html><head><title>Wartung</title></head><body>x</body></html>"
GZIP_HEAD = "Content-Encoding: gzip"
FAILURES = [
    ("connection closed without a byte", hang_up, Transient, OutcomeUnknown),
    ("connection reset", reset, Transient, OutcomeUnknown),
    ("body shorter than said", answer('{"a": 1}', length=20) + b"", Transient, OutcomeUnknown),
    ("HTML with status 200", answer(HTML, kind="text/html"), Transient, OutcomeUnknown),
    ("nothing with status 200", answer(""), Transient, OutcomeUnknown),
    ("half of a JSON", answer('{"a": '), Transient, OutcomeUnknown),
    ("JSON with NaN", answer('{"a": NaN}'), Transient, OutcomeUnknown),
    ("broken gzip", answer(b"no gzip", "200 OK", GZIP_HEAD), Transient, OutcomeUnknown),
    ("no HTTP at all", b"SSH-2.0-OpenSSH_9.2\r\n", Transient, OutcomeUnknown),
    ("408", answer("{}", "408 Request Timeout"), Transient, OutcomeUnknown),
    ("500", answer("{}", "500 Internal Server Error"), Transient, OutcomeUnknown),
    ("502 page", answer(HTML, "502 Bad Gateway", kind="text/html"), Transient, OutcomeUnknown),
    ("503 page", answer(HTML, "503 Service Unavailable", kind="text/html"), Transient, OutcomeUnknown),
    ("599", answer("{}", "599 Odd"), Transient, OutcomeUnknown),
    ("421", answer("{}", "421 Misdirected Request"), Transient, Transient),
    ("425", answer("{}", "425 Too Early"), Transient, Transient),
    ("429", answer("{}", "429 Too Many Requests"), RateLimited, RateLimited),
    ("400", answer("{}", "400 Bad Request"), RecordRejected, RecordRejected),
    ("404", answer("{}", "404 Not Found"), RecordRejected, RecordRejected),
    ("409", answer("{}", "409 Conflict"), RecordRejected, RecordRejected),
    ("413", answer("{}", "413 Content Too Large"), RecordRejected, RecordRejected),
    ("422", answer("{}", "422 Unprocessable Entity"), RecordRejected, RecordRejected),
    ("401", answer("{}", "401 Unauthorized"), ConnectionBroken, ConnectionBroken),
    ("403", answer(HTML, "403 Forbidden", kind="text/html"), ConnectionBroken, ConnectionBroken),
    ("301", answer("", "301 Moved", "Location: http://other/"), ConnectionBroken, ConnectionBroken),
    ("302", answer("", "302 Found", "Location: http://other/"), ConnectionBroken, OutcomeUnknown),
    ("308", answer("", "308 Moved", "Location: http://other/"), ConnectionBroken, ConnectionBroken),
]


def closing(reply):
    """The same reply and the end of the connection, so that a short body is seen to be short."""
    if callable(reply):
        return reply

    def send(connection):
        connection.sendall(reply)
        connection.shutdown(2)

    return send


@pytest.mark.fault("B2", "B9")
@pytest.mark.parametrize("method", [GET, POST])
@pytest.mark.parametrize(
    ("reply", "read", "write"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES]
)
def test_every_failure_says_whether_a_write_can_have_happened(connect, reply, read, write, method):
    expected = read if method == GET else write
    with wire(closing(reply)) as server, pytest.raises(ConnectorError) as caught:
        connect(server).request(method, "orders", json={} if method == POST else None)
    assert type(caught.value) is expected
    assert method in str(caught.value)


@pytest.mark.parametrize("method", [GET, POST])
def test_what_was_never_sent_can_be_sent_again(connect, method):
    with wire(answer("{}")) as server:
        url = server.url
    with pytest.raises(ConnectorError) as caught:
        connect(url).request(method, "orders")
    assert type(caught.value) is Transient
    assert "Connection refused" in str(caught.value)


def test_a_write_that_gets_no_answer_in_time_is_unknown(connect):
    with wire(hang_up) as server:
        server.replies = [server.stall]
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            connect(server).request("POST", "orders", json={}, deadline_s=0.3)
    assert time.monotonic() - started < PATIENCE_S / 3


def test_a_post_that_only_reads_is_treated_as_a_read(connect, patience):
    with wire(hang_up, answer("{}")) as server:
        assert connect(server).request("POST", "search", json={}, write=False).data == {}
    assert len(server.requests) == 2


@pytest.mark.fault("B17")
def test_a_redirect_is_not_followed_and_names_the_other_address(connect):
    with wire(answer("{}")) as other, wire(answer("", "301 Moved", f"Location: {other.url}/x")) as server:
        with pytest.raises(ConnectionBroken, match=re.escape(other.url)):
            connect(server).get("x")
        assert other.requests == []


def test_the_connectors_own_table_goes_first_and_may_leave_an_answer_to_the_default(connect):
    def vendor(response):
        return RecordRejected("no", code="E7", status=response.status) if response.data == {"code": "E7"} else None

    with wire(answer('{"code": "E7"}', "500 Oops"), answer('{"code": "E8"}', "500 Oops")) as server:
        client = connect(server, classifier=vendor)
        with pytest.raises(RecordRejected) as caught:
            client.request("POST", "x", json={})
        assert caught.value.code == "E7"
        with pytest.raises(OutcomeUnknown):
            client.request("POST", "x", json={})


def test_an_answer_with_status_200_is_judged_where_the_system_says_its_errors_there(connect):
    def vendor(response):
        return Transient("busy", status=200) if response.data.get("errors") else None

    refused, usable = answer('{"errors": ["busy"]}'), answer('{"data": {}}')
    with wire(refused, usable, refused) as server:
        client = connect(server, verdict=vendor)
        assert client.request("POST", "x", json={}, write=False).data == {"data": {}}
        assert len(server.requests) == 2
        with pytest.raises(Transient, match="busy"):
            client.request("POST", "x", json={})


# Time and size


@pytest.mark.fault("B14")
def test_a_dripping_body_ends_at_the_deadline(connect):
    with wire(hang_up) as server:
        server.replies = [server.drip(answer("x" * 1000)[:-1000], b"x" * 1000, 0.05)]
        started = time.monotonic()
        with pytest.raises(Transient):
            connect(server).get("x", deadline_s=0.5)
    assert 0.4 < time.monotonic() - started < PATIENCE_S / 3


def test_a_dripping_head_ends_at_the_deadline(connect):
    with wire(hang_up) as server:
        server.replies = [server.drip(b"", answer("{}", "200 OK", *[f"X-{n}: y" for n in range(200)]), 0.05)]
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            connect(server).request("POST", "x", json={}, deadline_s=0.5)
    assert 0.4 < time.monotonic() - started < PATIENCE_S / 3


def test_a_dripping_chunked_body_ends_at_the_deadline(connect):
    with wire(hang_up) as server:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        server.replies = [server.drip(head, b"1\r\nx\r\n" * 1000, 0.02)]
        started = time.monotonic()
        with pytest.raises(Transient):
            connect(server).get("x", deadline_s=0.5)
    assert 0.4 < time.monotonic() - started < PATIENCE_S / 3


def test_the_deadline_counts_all_attempts_together(connect, monkeypatch):
    monkeypatch.undo()
    with wire(hang_up) as server:
        started = time.monotonic()
        with pytest.raises(Transient):
            connect(server).get("x", deadline_s=0.4)
    assert time.monotonic() - started < 1.0


@pytest.mark.fault("B15")
def test_a_gzip_bomb_is_stopped_before_it_fills_the_memory(connect):
    bomb = gzip.compress(b"\0" * 100_000_000)
    with wire(answer(bomb, "200 OK", GZIP_HEAD)) as server:
        client = connect(server, max_bytes=2_000_000)
        tracemalloc.start()
        try:
            with pytest.raises(Transient, match="more than 2000000 bytes") as caught:
                client.get("x")
            assert tracemalloc.get_traced_memory()[1] < 12_000_000
        finally:
            tracemalloc.stop()
    assert caught.value.code == "too_large"
    assert len(server.requests) == 1


@pytest.mark.fault("B16")
def test_an_endless_body_is_stopped_and_a_write_with_it_is_unknown(connect):
    def pour(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with wire(pour) as server, pytest.raises(OutcomeUnknown, match="more than 1000000 bytes"):
        connect(server, max_bytes=1_000_000).request("POST", "x", json={})


def test_bytes_beyond_the_stated_length_never_become_the_next_answer(connect):
    smuggled = answer("{}") + answer('{"evil": true}')
    with wire(smuggled, answer('{"a": 1}')) as server:
        client = connect(server)
        assert client.get("x").data == {}
        time.sleep(0.05)
        assert client.get("x").data == {"a": 1}


# Repeating


def test_a_read_is_repeated_a_few_times(connect, patience):
    with wire(hang_up, answer(HTML, "502 Bad Gateway"), answer("", "200 OK"), answer("[1]")) as server:
        assert connect(server).get("x").data == [1]
    assert len(server.requests) == 4
    assert len(patience) == 3
    assert all(0 <= pause <= 2 for pause in patience)


def test_a_read_gives_up_after_four_attempts(connect, patience):
    with wire(answer("{}", "500 Oops")) as server, pytest.raises(Transient):
        connect(server).get("x")
    assert len(server.requests) == 4


def test_a_refused_read_is_not_repeated(connect, patience):
    with wire(answer("{}", "404 Not Found")) as server, pytest.raises(RecordRejected):
        connect(server).get("x")
    assert len(server.requests) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "reply",
    [hang_up, answer(HTML), answer("{}", "503 Away"), answer("{}", "429 Slow")],
    ids=["lost", "page", "503", "429"],
)
def test_a_write_is_sent_once(connect, method, reply, patience):
    with wire(reply) as server, pytest.raises(ConnectorError):
        connect(server).request(method, "x", json={})
    assert len(server.requests) == 1


def test_a_write_that_may_be_repeated_is_repeated(connect, patience):
    with wire(hang_up, answer('{"id": 1}')) as server:
        assert connect(server).request("PUT", "x", json={}, repeatable=True).data == {"id": 1}
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "second", [answer("{}", "429 Slow", "Retry-After: 900"), answer("{}", "401 Who")], ids=["429", "401"]
)
def test_a_doubt_of_an_earlier_attempt_is_not_forgotten(connect, second, patience):
    with wire(hang_up, second) as server, pytest.raises(OutcomeUnknown, match="earlier attempt"):
        connect(server).request("PUT", "x", json={}, repeatable=True)


def test_a_short_retry_after_is_honoured(connect, patience):
    with wire(answer("{}", "429 Slow", "Retry-After: 3"), answer("[]")) as server:
        connect(server, deadline_s=30).get("x")
    assert patience == [3.0]


def test_a_pause_beyond_the_deadline_is_left_to_the_caller(connect, patience):
    with wire(answer("{}", "429 Slow", "Retry-After: 15")) as server, pytest.raises(RateLimited) as caught:
        connect(server, deadline_s=10).get("x")
    assert caught.value.retry_after_s == 15
    assert patience == []


def test_a_long_retry_after_is_left_to_the_caller(connect, patience):
    with wire(answer("{}", "429 Slow", "Retry-After: 21")) as server, pytest.raises(RateLimited) as caught:
        connect(server, deadline_s=300).get("x")
    assert caught.value.retry_after_s == 21
    assert len(server.requests) == 1


@pytest.mark.fault("B6")
def test_without_retry_after_the_pause_grows_with_the_attempts(connect, patience):
    with wire(answer("{}", "429 Slow")) as server, pytest.raises(RateLimited):
        connect(server, deadline_s=300).get("x")
    assert len(patience) == 3
    assert all(1 <= pause <= 2 ** (attempt + 2) for attempt, pause in enumerate(patience))


def test_a_maintenance_that_names_its_end_on_a_read_is_waited_for(connect):
    with wire(answer(HTML, "503 Away", "Retry-After: 600")) as server, pytest.raises(RateLimited) as caught:
        connect(server).get("x")
    assert (caught.value.retry_after_s, caught.value.status) == (600, 503)


# The address


def test_a_private_address_is_refused_unless_it_is_allowed(connect):
    with wire(answer("{}")) as server:
        with pytest.raises(ConnectionBroken, match="allow_hosts"):
            connect(server, allow_hosts=[]).request("POST", "x", json={})
        assert server.connections == 0


def test_the_checked_address_is_the_one_that_is_connected_to(connect):
    """A name server that says 'allowed' when asked first and 'metadata service' afterwards (DNS rebinding)."""
    asked = []

    def flipping(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    with wire(answer("{}"), closing(answer("{}"))) as server:
        client = connect(f"http://shop.example:{server.port}", resolver=flipping)
        client.get("x")
        client.get("x")
        assert asked == ["shop.example"]
        assert head_of(server.requests[0])["host"] == f"shop.example:{server.port}"
        client.close()
        with pytest.raises(ConnectionBroken, match=r"169\.254\.169\.254"):
            client.get("x")


def test_the_next_address_is_tried_when_the_first_does_not_answer(connect):
    with wire(answer("{}")) as server:
        client = connect(
            f"http://shop.example:{server.port}",
            resolver=lambda host, port: ["::1", "127.0.0.1"],
            allow_hosts=["::1", "127.0.0.0/8"],
        )
        assert client.get("x").data == {}


def test_the_environment_is_not_asked_for_proxies(connect, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with wire(answer("{}")) as server:
        connect(server).get("x")
    assert "authorization" not in head_of(server.requests[0])


@pytest.mark.parametrize(
    "url", ["", "shop.example", "ftp://shop.example", "file:///etc/passwd", "https://", "http://[::1", "http://a:99999"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConnectionBroken, match="https://host/path"):
        HttpClient(url)


def test_credentials_in_the_address_are_refused_without_showing_them():
    with pytest.raises(ConnectionBroken) as caught:
        HttpClient("https://user:canary@shop.example")
    assert "canary" not in str(caught.value)


# Sessions


def test_a_session_is_renewed_once_after_a_401_even_for_a_write(connect):
    sessions = iter(["Session one", "Session two", "Session three"])
    with wire(answer("{}", "401 Who"), answer('{"id": 1}')) as server:
        client = connect(server, auth=SessionLogin(lambda: next(sessions)))
        assert client.request("POST", "x", json={"a": 1}).data == {"id": 1}
        client.get("y")
    used = [head_of(request)["authorization"] for request in server.requests]
    assert used == ["Session one", "Session two", "Session two"]


def test_a_session_that_stays_refused_breaks_the_connection(connect):
    with wire(answer("{}", "401 Who")) as server, pytest.raises(ConnectionBroken):
        connect(server, auth=SessionLogin(lambda: "Session x")).get("x")
    assert len(server.requests) == 2


@pytest.mark.fault("B11")
def test_threads_share_one_renewal(connect):
    logins = []
    fresh = threading.Event()

    def login():
        logins.append(1)
        return f"Session {len(logins)}"

    def judge(connection):
        connection.sendall(answer("{}") if fresh.is_set() else answer("{}", "401 Who"))

    with wire(judge) as server:
        client = connect(server, auth=SessionLogin(login))
        with pytest.raises(ConnectionBroken):
            client.get("x")
        assert len(logins) == 2
        fresh.set()
        threads = [threading.Thread(target=client.get, args=("x",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(logins) == 2


# Secrets


FORMS = [SECRET, "cs_canary%2F%C3%A4%C3%B6%C3%BC%2042", "cs_canary%2F%C3%A4%C3%B6%C3%BC+42", r"cs_canary/\u00e4"]


def leaks(text: str) -> list[str]:
    return [form for form in (*FORMS, "cs_canary", "hunter2") if form in text]


@pytest.mark.parametrize(
    "reply",
    [
        answer('{"message": "wrong secret cs_canary/äöü 42"}', "401 Who"),
        answer('{"message": "cs_canary/äöü 42"}', "422 No"),
        answer("<title>cs_canary/äöü 42</title>", "500 Oops"),
        answer("", "301 Moved", "Location: http://x/?consumer_secret=hunter2&token=hunter2"),
        answer("", "301 Moved", "Location: http://me:hunter2@x/"),
        hang_up,
        answer('{"a":'),
        answer("{}", "429 Slow", "Retry-After: 900"),
    ],
    ids=["401", "422", "500 page", "301 query", "301 credentials", "lost", "half JSON", "429"],
)
@pytest.mark.parametrize("method", [GET, POST])
def test_no_error_log_or_record_carries_a_secret(connect, reply, method, caplog, patience):
    caplog.set_level(logging.DEBUG)
    auth = QueryKeys(consumer_key="ck_public", consumer_secret=SECRET)
    # Not written out in the call, whose source line stands in the traceback.
    hidden = {"token": "hunter2", "password": "hunter2"}
    with wire(reply) as server:
        client = connect(server, auth=auth, secrets=[SECRET])
        with pytest.raises(ConnectorError) as caught, capture() as exchanges:
            client.request(method, "x", params=hidden, json=hidden)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert not leaks(told)
    assert not leaks(repr(exchanges))
    assert not leaks(caplog.text)


def test_what_is_recorded_shows_everything_but_the_secrets(connect):
    reply = answer('{"id": 7, "access_token": "hunter2"}', "201 Created", "Set-Cookie: sid=hunter2", "X-Kept: yes")
    with wire(reply) as server, capture() as exchanges:
        client = connect(server, auth=Basic("ck_key", SECRET), secrets=["ck_key", SECRET])
        client.request("POST", "x", params={"page": 2, "api_key": "hunter2"}, json={"password": "hunter2", "n": 1})
    [exchange] = exchanges
    assert not leaks(repr(exchange))
    assert exchange.method == "POST"
    assert exchange.url == f"{server.url}/x?page=2&api_key=***"
    assert exchange.request_headers["Authorization"] == "***"
    assert exchange.request_body == '{"password":"***","n":1}'
    assert exchange.status == 201
    assert exchange.response_headers["X-Kept"] == "yes"
    assert exchange.response_headers["Set-Cookie"] == "***"
    assert exchange.response_body == '{"id": 7, "access_token": "***"}'
    assert exchange.started_at.utcoffset().total_seconds() == 0
    assert 0 < exchange.elapsed_s < 5
    assert exchange.error == ""


def test_every_attempt_is_recorded_with_its_failure(connect, patience):
    with wire(hang_up, answer("[]")) as server, capture() as exchanges:
        connect(server).get("x")
    assert [exchange.status for exchange in exchanges] == [None, 200]
    assert "broke off" in exchanges[0].error


def test_a_refusal_is_recorded_with_its_body(connect):
    with wire(answer('{"message": "no"}', "422 No")) as server, capture() as exchanges, pytest.raises(RecordRejected):
        connect(server).request("POST", "x", json={"a": 1})
    assert (exchanges[0].status, exchanges[0].response_body) == (422, '{"message": "no"}')


def test_large_bodies_are_cut_in_the_record(connect):
    with wire(answer('{"a": "' + "x" * 200_000 + '"}')) as server, capture() as exchanges:
        connect(server).request("POST", "x", json={"b": "y" * 200_000})
    for body in (exchanges[0].request_body, exchanges[0].response_body):
        assert BODY_LIMIT <= len(body) < BODY_LIMIT + 100
        assert body.endswith("bytes in all)")


def test_nothing_is_recorded_for_another_thread(connect):
    with wire(answer("{}")) as server, capture() as exchanges:
        client = connect(server)
        thread = threading.Thread(target=client.get, args=("x",))
        thread.start()
        thread.join()
        assert exchanges == []


def test_nested_blocks_record_both(connect):
    with wire(answer("{}")) as server:
        client = connect(server)
        with capture() as outer:
            client.get("a")
            with capture() as inner:
                client.get("b")
        client.get("c")
    assert [exchange.url[-1] for exchange in outer] == ["a", "b"]
    assert [exchange.url[-1] for exchange in inner] == ["b"]


# Dry run


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_in_a_dry_run_writes_are_recorded_and_not_sent(connect, method):
    with wire(answer("[]")) as server:
        client = connect(server, dry_run=True, auth=Basic("a", SECRET), secrets=[SECRET])
        with capture() as exchanges, pytest.raises(DryRun):
            client.request(method, "orders", json={"a": 1})
        assert server.connections == 0
        assert client.get("x").data == []
        assert client.request("POST", "search", json={}, write=False).data == []
    [exchange] = exchanges
    assert (exchange.method, exchange.error, exchange.status) == (method, "dry run", None)
    assert exchange.request_body == '{"a":1}'


# The shared rate limit


class Throttle:
    def __init__(self):
        self.waits: list[float] = []
        self.pauses: list[float] = []

    def wait(self, deadline_s):
        self.waits.append(deadline_s)

    def slow_down(self, seconds):
        self.pauses.append(seconds)


def test_every_attempt_asks_the_throttle_and_a_429_slows_everybody_down(connect, patience):
    throttle = Throttle()
    with wire(answer("{}", "429 Slow", "Retry-After: 2"), answer("[]")) as server:
        connect(server, throttle=throttle).get("x")
    assert len(throttle.waits) == 2
    assert all(0 < left <= 5 for left in throttle.waits)
    assert throttle.pauses == [2.0]


def test_a_throttle_without_room_keeps_the_call_from_being_sent(connect):
    class Full(Throttle):
        def wait(self, deadline_s):
            raise RateLimited(retry_after_s=60)

    with wire(answer("{}")) as server:
        with pytest.raises(RateLimited):
            connect(server, throttle=Full()).request("POST", "x", json={})
        assert server.connections == 0


def test_characters_that_http_cannot_carry_are_refused_before_anything_is_sent(connect):
    with wire(answer("{}")) as server:
        with pytest.raises(ConnectionBroken, match="characters"):
            connect(server, headers={"X-Key": "a\r\nEvil: b"}).get("x")
        assert server.connections == 0
