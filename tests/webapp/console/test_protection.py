"""What every answer carries, and what no request gets us to do."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from config.problems import ConfigError
from sync.desk import accounts
from sync.store.engine import DatabaseBusy
from sync.store.tables import audit, sessions
from tests.webapp.console.conftest import PAGE, Browser
from webapp.protection import HEADERS

ALWAYS = {name: value for name, value in HEADERS.items() if name not in {"Content-Security-Policy", "Referrer-Policy"}}
POLICY = re.compile(
    r"default-src 'none'; script-src 'nonce-[\w-]{22}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    r"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def demand_headers(answer):
    for name, value in ALWAYS.items():
        if name == "Cache-Control" and answer.headers[name].startswith("public"):
            continue
        assert answer.headers[name] == value
    if answer.mimetype == "text/html":
        assert POLICY.fullmatch(answer.headers["Content-Security-Policy"])
        assert answer.headers["Referrer-Policy"] == "same-origin"
    else:
        assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def answers(someone):
    """Pages, redirects, files and errors, of each way that they are made."""
    yield 200, someone.get("/account")
    yield 200, someone.get("/activity.csv")
    yield 200, someone.get("/static/console.css")
    yield 303, someone.post("/account/timezone", timezone="")
    yield 400, someone.client.post("/account/timezone", headers=PAGE)
    yield 403, someone.get("/users")
    yield 404, someone.get("/nowhere")
    yield 404, someone.get("/static/../templates/console/base.html")
    yield 405, someone.get("/account/timezone")
    yield 413, someone.client.post("/account/timezone", data={"x": "x" * 2_000_000}, headers=PAGE)
    yield 422, someone.post("/account/timezone", timezone="Mars/Base")
    yield 302, Browser(someone.client.application).get("/account")
    yield 401, Browser(someone.client.application).post("/account/timezone")
    yield 405, someone.get("/webhooks/shop")
    yield 200, someone.get("/healthz")


def test_every_answer_carries_the_headers_errors_too(browser):
    statuses = []
    for status, answer in answers(browser("viewer")):
        demand_headers(answer)
        statuses.append((status, answer.status_code))
        answer.close()
    assert [wanted for wanted, _ in statuses] == [seen for _, seen in statuses]


def test_each_page_has_a_nonce_of_its_own_and_its_scripts_carry_it(browser):
    someone = browser("viewer")
    seen = set()
    for _ in range(2):
        page = someone.get("/account")
        nonce = re.search(r"nonce-([\w-]+)", page.headers["Content-Security-Policy"])[1]
        assert page.text.count(f'<script nonce="{nonce}" src="/static/') == page.text.count("<script") == 3
        seen.add(nonce)
    assert len(seen) == 2


def test_no_page_has_what_the_policy_would_stop(browser):
    someone = browser("admin")
    for path in ("/account", "/users", "/users/viewer", "/activity", "/sign-in", "/nowhere"):
        page = someone.get(path).text
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:|https?://(?!www\.w3\.org/2000/svg)", page)


@pytest.mark.parametrize("how", ["no token", "another session's token", "a made-up token"])
def test_a_form_without_its_own_token_changes_nothing(browser, store, how):
    someone = browser("viewer")
    token = {"no token": "", "another session's token": browser("operator").token(), "a made-up token": "x.y.z"}[how]
    data = {"csrf_token": token, "timezone": "Asia/Tokyo"}
    assert someone.client.post("/account/timezone", data=data, headers=PAGE).status_code == 400
    assert accounts.find_user(store, "viewer").timezone == ""


def test_a_script_may_send_the_token_as_a_header(browser, store):
    someone = browser("viewer")
    headers = {"X-CSRFToken": someone.token(), **PAGE}
    assert someone.client.post("/account/timezone", data={"timezone": "Asia/Tokyo"}, headers=headers).status_code == 303
    assert accounts.find_user(store, "viewer").timezone == "Asia/Tokyo"


def test_the_sign_in_form_needs_its_token_too(browser):
    someone = browser()
    data = {"login": "viewer", "password": "correct horse battery"}
    assert someone.client.post("/sign-in", data=data, headers=PAGE).status_code == 400


def test_over_https_a_form_of_another_origin_is_refused(browser):
    someone = browser()
    base = {"base_url": "https://localhost", "headers": {**PAGE, "Referer": "https://evil.example/"}}
    page = someone.client.get("/sign-in", base_url="https://localhost", headers=PAGE).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
    assert someone.client.post("/sign-in", data={"csrf_token": token}, **base).status_code == 400
    base["headers"]["Referer"] = "https://localhost/sign-in"
    assert someone.client.post("/sign-in", data={"csrf_token": token}, **base).status_code == 401


def set_cookie(app, base_url="http://localhost"):
    return app.test_client().get("/sign-in", base_url=base_url, headers=PAGE).headers["Set-Cookie"]


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(app, people):
    cookie = set_cookie(app)
    assert cookie.startswith("crossdock-session=")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert "Expires" not in cookie


@pytest.mark.parametrize("way", ["https", "public https"])
def test_where_the_way_is_encrypted_the_cookie_stays_on_it(make_app, people, way):
    variables = {"CROSSDOCK_PUBLIC_URL": "https://dock.example"} if way == "public https" else {}
    cookie = set_cookie(make_app(**variables), "https://dock.example" if way == "https" else "http://10.0.0.1")
    assert cookie.startswith("__Host-crossdock-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


def test_two_installations_on_one_host_have_two_cookies(make_app, people):
    assert set_cookie(make_app(CROSSDOCK_INSTANCE="second")).startswith("second-session=")


def test_a_webhook_and_a_health_check_get_no_cookie(client):
    for answer in (client.post("/webhooks/shop"), client.get("/healthz"), client.get("/readyz")):
        assert "Set-Cookie" not in answer.headers
        assert "Vary" not in answer.headers


def test_nothing_is_built_from_a_hostile_host_name(browser):
    someone = browser("viewer", HTTP_HOST="evil.example")
    for answer in (
        someone.get("/account"),
        Browser(someone.client.application, HTTP_HOST="evil.example").get("/account"),
    ):
        assert "evil.example" not in answer.text
        assert "evil.example" not in str(answer.headers)


def test_with_trusted_hosts_others_are_not_answered(make_app, people):
    app = make_app(CROSSDOCK_TRUSTED_HOSTS="dock.example")
    assert Browser(app, HTTP_HOST="dock.example").get("/sign-in").status_code == 200
    refused = Browser(app, HTTP_HOST="evil.example").get("/sign-in")
    assert (refused.status_code, refused.json) == (400, {"error": "Bad Request"})
    demand_headers(refused)


@pytest.mark.parametrize(("hops", "seen"), [("0", "192.0.2.1"), ("1", "203.0.113.9"), ("2", "198.51.100.4")])
def test_the_address_is_believed_only_as_far_as_our_proxies_wrote_it(make_app, people, store, hops, seen):
    someone = Browser(make_app(CROSSDOCK_PROXY_HOPS=hops), REMOTE_ADDR="192.0.2.1")
    forwarded = {"X-Forwarded-For": "1.1.1.1, 198.51.100.4, 203.0.113.9"}
    assert (
        someone.post("/sign-in", headers=forwarded, login="viewer", password="correct horse battery").status_code == 303
    )
    assert store.read(lambda c: c.execute(select(sessions.c.address)).scalar_one()) == seen
    assert store.read(lambda c: c.execute(select(audit.c.origin)).scalar_one()) == f"console {seen}"


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:8080", "dock.example:80"])
def test_debug_mode_is_refused_where_others_reach_us(make_app, monkeypatch, listen):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(ConfigError, match="FLASK_DEBUG: found debug mode"):
        make_app(CROSSDOCK_LISTEN=listen)


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "[::1]:8080", "localhost:8080"])
def test_on_ones_own_machine_debug_mode_is_ones_own_affair(make_app, monkeypatch, listen):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    assert make_app(CROSSDOCK_LISTEN=listen).debug


def test_an_error_shows_nothing_of_what_went_wrong(app, browser, monkeypatch):
    someone = browser("viewer")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def explode():
        raise RuntimeError("the password of the database is hunter2")

    monkeypatch.setitem(app.view_functions, "account.index", explode)
    answer = someone.get("/account")
    assert answer.status_code == 500
    assert "hunter2" not in answer.text
    assert "Orders are safe" in answer.text
    demand_headers(answer)


def test_a_busy_database_is_a_page_that_says_so(app, browser, monkeypatch):
    someone = browser("viewer")

    def busy(*_):
        raise DatabaseBusy("busy")

    monkeypatch.setattr("webapp.console.access.load_signed_in", busy)
    answer = someone.get("/account")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "The database is busy or away" in answer.text
    demand_headers(answer)


def test_machines_get_their_errors_as_json_whatever_they_accept(client):
    assert client.get("/webhooks/shop", headers=PAGE).json == {"error": "Method Not Allowed"}
    assert client.get("/nowhere").json == {"error": "Not Found"}


def test_a_refusal_names_the_role_that_it_takes(browser):
    assert "This needs the role admin." in browser("viewer").get("/users").text


def test_with_queue_and_scheduler_away_each_page_says_so_and_works(browser, queue):
    queue.answers = False
    page = browser("viewer").get("/account")
    assert page.status_code == 200
    assert "server is away" in page.text
    assert "The scheduler is away" in page.text
