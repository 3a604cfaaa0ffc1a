"""The sandboxes' server: what a client sees of each fault, and whether the effect happened."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from email.utils import parsedate_to_datetime

import pytest
import requests

from connectors.sandbox.exchange import json_response
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.server import serve
from tests.shared import PATIENCE_S, wait_until

pytestmark = pytest.mark.loopback


class Counter:
    """An app whose effect is to count."""

    def __init__(self):
        self.effects = 0
        self._lock = threading.Lock()

    def __call__(self, request):
        with self._lock:
            self.effects += 1
        return json_response({"effects": self.effects, "filler": "x" * 200})


@pytest.fixture
def app():
    return Counter()


@pytest.fixture
def server(app):
    with serve(app, plan=FaultPlan(settle_s=2)) as running:
        yield running


def post(server, **options):
    return requests.post(
        f"{server.url}/things", json={"key": "k-1"}, timeout=options.pop("timeout", PATIENCE_S), **options
    )


def test_a_kept_connection_serves_many_requests(server, app):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    for _ in range(50):
        connection.request("POST", "/things", b"{}")
        assert connection.getresponse().read()
    connection.close()

    assert app.effects == 50
    assert requests.get(f"{server.url}/_sandbox/info", timeout=PATIENCE_S).json()["requests"] == 50


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ({"kind": "status", "status": 429}, 429),
        ({"kind": "status", "status": 502, "body": "<html>bad gateway</html>"}, 502),
        ({"kind": "html"}, 200),
        ({"kind": "empty"}, 200),
    ],
)
def test_a_made_up_reply_comes_without_the_effect(server, app, script, status):
    server.plan.add(**script)

    assert post(server).status_code == status
    assert app.effects == 0
    assert post(server).status_code == 200
    assert app.effects == 1


@pytest.mark.parametrize("value", ["7", "-5", "1e9", "soon"])
def test_retry_after_is_sent_as_it_is_written(server, value):
    server.plan.add(kind="status", status=429, retry_after=value)

    assert post(server).headers["Retry-After"] == value


def test_retry_after_can_be_a_date_or_missing(server):
    server.plan.add(kind="status", status=429, retry_after="http-date:30")
    server.plan.add(kind="status", status=429)

    ahead_s = parsedate_to_datetime(post(server).headers["Retry-After"]).timestamp() - time.time()
    assert 5 < ahead_s < 31
    assert "Retry-After" not in post(server).headers


@pytest.mark.parametrize("kind", ["reset", "close", "hang"])
def test_a_broken_connection_without_an_effect(server, app, kind):
    server.plan.add(kind=kind, hold_s=0.05)

    with pytest.raises(requests.ConnectionError):
        post(server)
    assert app.effects == 0


@pytest.mark.parametrize("kind", ["commit_then_drop", "commit_then_hang"])
def test_commit_then_drop_has_the_effect_and_no_reply(server, app, kind):
    server.plan.add(kind=kind, hold_s=0.05)

    with pytest.raises(requests.ConnectionError):
        post(server)
    assert app.effects == 1


@pytest.mark.parametrize("kind", ["drop_then_commit", "hang_then_commit"])
def test_drop_then_commit_has_the_effect_after_the_client_has_gone(server, app, kind):
    server.plan.add(kind=kind, after_s=1.5, hold_s=0.05)

    with pytest.raises(requests.ConnectionError):
        post(server)
    assert app.effects == 0
    assert requests.get(f"{server.url}/_sandbox/info", timeout=PATIENCE_S).json()["pending_effects"] == 1
    wait_until(lambda: app.effects == 1)


def test_a_reset_is_a_reset_and_no_orderly_end(server):
    server.plan.add(kind="reset")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_promised_length_that_is_not_kept(server, app):
    server.plan.add(kind="truncate")
    server.plan.add(kind="overlong")

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        post(server)
    with pytest.raises(requests.JSONDecodeError):
        post(server).json()
    assert app.effects == 2


def test_a_slow_drip_outlasts_a_read_time_out_between_bytes(server):
    server.plan.add(kind="drip", interval_s=0.005)

    started = time.monotonic()
    assert post(server, timeout=0.5).json()["effects"] == 1
    assert time.monotonic() - started > 1


def test_a_gzip_bomb_is_small_on_the_wire(server):
    server.plan.add(kind="gzip_bomb", size_mb=20)

    reply = post(server, stream=True)
    assert int(reply.headers["Content-Length"]) < 100_000
    assert len(reply.content) > 20_000_000


def test_faults_are_scripted_counted_and_removed_over_http(server, app):
    control = f"{server.url}/_sandbox/faults"
    numbers = requests.post(
        control, json=[{"kind": "reset", "count": None}, {"kind": "html"}], timeout=PATIENCE_S
    ).json()

    with pytest.raises(requests.ConnectionError):
        post(server)
    [first, second] = requests.get(control, timeout=PATIENCE_S).json()
    assert (first["fired"], second["fired"]) == (1, 0)
    requests.delete(f"{control}/{numbers['numbers'][0]}", timeout=PATIENCE_S)
    assert post(server).headers["Content-Type"].startswith("text/html")
    requests.delete(control, timeout=PATIENCE_S)
    assert post(server).status_code == 200


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ({"kind": "explode"}, "explode"),
        ({"kind": "reset", "nht": 2}, "nht"),
        ({"kind": "drip", "effect": "none"}, "before"),
        ({"kind": "drop_then_commit", "after_s": 3}, "settle_s"),
        ("reset", "object"),
    ],
)
def test_a_script_that_cannot_be_used_is_refused_with_its_reason(server, script, says):
    reply = requests.post(f"{server.url}/_sandbox/faults", json=script, timeout=PATIENCE_S)

    assert reply.status_code == 400
    assert says in reply.json()["error"]


def test_a_defect_of_the_app_is_a_500_and_the_server_lives_on(caplog):
    def broken(request):
        raise RuntimeError("defect")

    with serve(broken) as server:
        assert post(server).status_code == 500
        assert post(server).status_code == 500
    assert "defect" in caplog.text


def test_closing_drops_effects_that_have_not_landed(app):
    with serve(app) as server:
        server.plan.add(kind="drop_then_commit", after_s=0.2)
        with pytest.raises(requests.ConnectionError):
            post(server)
    time.sleep(0.3)

    assert app.effects == 0
