"""Messages on the wire: webhooks signed as docs/alerts.md says, and apprise in a process of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from config.model import AlertChannel, AlertKind, Secret
from sync.desk.phrases import say
from sync.store.alerts import Message
from sync.work import telling
from sync.work.telling import NotTold, send, signed
from tests.databases import now
from tests.shared import REPOSITORY

BODY = {"type": "test", "at": "2026-11-22T12:00:00+00:00", "raised": [], "over": [], "open": 0, "link": ""}


def message():
    return Message(1, "u" * 32, "team", BODY, now(), 1)


def hook(url, *secrets, **how):
    kept = tuple(Secret(text) for text in secrets or ("s3cret-of-the-hook",))
    return AlertChannel(
        name="team", kind=AlertKind.WEBHOOK, url=Secret(url), secrets=kept, allow_hosts=("127.0.0.1",), **how
    )


@pytest.mark.loopback
def test_the_language_of_the_installation_reaches_every_way(receiver, monkeypatch):
    catalogue = SimpleNamespace(ugettext=lambda text: f"<{text}>", ungettext=lambda one, many, _: f"<{one}>")
    monkeypatch.setattr(telling, "catalogue_of", lambda language: {"eo": catalogue}[language])
    body = {**BODY, "raised": [{"label": say("Disk nearly full"), "place": "web"}]}
    told = Message(1, "u" * 32, "team", body, now(), 1)
    send(hook(f"http://{receiver.host}/in"), told, "eo")
    assert json.loads(receiver.got[0][2])["raised"] == [{"label": "<Disk nearly full>", "place": "web"}]
    ran = []

    def run(*_args, **named):
        ran.append(json.loads(named["input"]))
        return SimpleNamespace(stdout=json.dumps({"sent": True, "said": ""}))

    monkeypatch.setattr(telling.subprocess, "run", run)
    send(AlertChannel(name="team", kind=AlertKind.APPRISE, url=Secret("json://x")), told, "eo")
    assert ran[0]["title"] == "<Crossdock: a test>"


@pytest.fixture
def receiver():
    """Keeps what it gets; `status` is what it answers."""
    kept = SimpleNamespace(got=[], status=200)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.got.append((self.path, dict(self.headers), body))
            self.send_response(kept.status)
            self.end_headers()
            self.wfile.write(b"token-in-path is not what I like")

        def log_message(self, *_):
            """It has nothing to say."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    kept.host = f"127.0.0.1:{server.server_port}"
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.loopback
def test_a_webhook_is_signed_over_id_time_and_body(receiver):
    key = base64.b64encode(b"k" * 24).decode()
    send(hook(f"http://{receiver.host}/hooks/t0ken?x=1", f"whsec_{key}", "an old one"), message())
    [(path, headers, body)] = receiver.got
    given = {name.lower(): value for name, value in headers.items()}
    assert path == "/hooks/t0ken?x=1"
    content = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    wanted = [
        "v1," + base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
        for secret in (b"k" * 24, b"an old one")
    ]
    assert given["webhook-signature"].split(" ") == wanted
    assert json.loads(body) == {"id": "u" * 32, **BODY}
    assert given["webhook-id"] == "u" * 32
    assert abs(int(given["webhook-timestamp"]) - now().timestamp()) < 60


def test_what_the_page_tells_receivers_to_do_verifies_what_is_sent():
    [code] = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs" / "alerts.md").read_text(), re.DOTALL)
    page: dict = {}
    exec(code, page)
    secrets = (Secret("the old one"), Secret("the new one"))
    headers = signed(secrets, "id", int(now().timestamp()), b"{}")
    assert page["is_ours"](b"the old one", headers, b"{}")
    assert page["is_ours"](b"the new one", headers, b"{}")
    assert not page["is_ours"](b"another", headers, b"{}")
    assert not page["is_ours"](b"the new one", headers, b"{ }")
    assert not page["is_ours"](b"the new one", signed(secrets, "id", int(now().timestamp()) - 600, b"{}"), b"{}")


def test_a_secret_that_only_looks_encoded_is_taken_as_it_is():
    plain = signed((Secret("whsec_not base64!"),), "id", 1, b"{}")
    wanted = hmac.new(b"whsec_not base64!", b"id.1.{}", hashlib.sha256).digest()
    assert plain["webhook-signature"] == "v1," + base64.b64encode(wanted).decode()


@pytest.mark.loopback
@pytest.mark.parametrize("status", [302, 400, 401, 404, 410, 500])
def test_whatever_is_not_taken_is_told_without_the_address(receiver, status):
    receiver.status = status
    with pytest.raises(NotTold) as refused:
        send(hook(f"http://{receiver.host}/token-in-path"), message())
    assert "token-in-path" not in str(refused.value)
    assert len(receiver.got) == 1


@pytest.mark.loopback
def test_nobody_at_the_address_is_told_without_it():
    with pytest.raises(NotTold) as refused:
        send(hook("http://127.0.0.1:1/token-in-path"), message())
    assert "token-in-path" not in str(refused.value)


@pytest.mark.loopback
def test_a_private_address_that_nobody_named_is_not_spoken_to(receiver):
    way = AlertChannel(
        name="team", kind=AlertKind.WEBHOOK, url=Secret(f"http://{receiver.host}/"), secrets=(Secret("secret"),)
    )
    with pytest.raises(NotTold):
        send(way, message())
    assert receiver.got == []


@pytest.mark.loopback
def test_apprise_sends_what_people_read_and_says_what_went_wrong(receiver):
    way = AlertChannel(name="team", url=Secret(f"json://user:hunter22@{receiver.host}/token-in-path"))
    send(way, message())
    [(_, _, body)] = receiver.got
    told = json.loads(body)
    assert told["title"] == "Crossdock: a test"
    assert f"[{'u' * 32}]" in told["message"]
    receiver.status = 500
    with pytest.raises(NotTold) as refused:
        send(way, message())
    assert "hunter22" not in str(refused.value)
    assert "token-in-path" not in str(refused.value)
    assert str(refused.value)


def test_an_address_that_no_service_has_is_refused_in_plain_words():
    with pytest.raises(NotTold) as refused:
        send(AlertChannel(name="team", url=Secret("nothing://token-in-host/")), message())
    assert "token-in-host" not in str(refused.value)


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        (subprocess.TimeoutExpired("x", 60), "nothing came of it within 60 s"),
        (SimpleNamespace(stdout="Traceback"), "the library that sends it broke off"),
        (SimpleNamespace(stdout='{"sent": false, "said": ""}'), "the service did not take it"),
    ],
)
def test_a_library_that_hangs_or_breaks_is_no_more_than_a_message_that_was_not_taken(monkeypatch, ends, says):
    def run(command, **_):
        assert "hunter22" not in " ".join(command)
        if isinstance(ends, Exception):
            raise ends
        return ends

    monkeypatch.setattr(telling.subprocess, "run", run)
    with pytest.raises(NotTold, match=says):
        send(AlertChannel(name="team", url=Secret("json://u:hunter22@host/")), message())
