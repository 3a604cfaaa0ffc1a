"""Signing in and out, and everything that could let somebody in who may not."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from sqlalchemy import select, text, update

from sync.desk import accounts
from sync.store import users
from sync.store.tables import audit, sessions
from tests.webapp.console.conftest import PASSWORD, Browser
from webapp.console import signin


def is_in(browser):
    return browser.get("/account").status_code == 200


def test_without_a_user_the_form_says_how_to_make_one(app):
    assert "crossdock user add" in Browser(app).get("/sign-in").text


def test_with_a_user_it_does_not_say_so(browser):
    assert "crossdock user add" not in browser().get("/sign-in").text


def test_the_right_password_lets_in_and_the_login_may_be_typed_with_capitals_and_blanks(browser):
    someone = browser()
    assert someone.sign_in(" Viewer ").status_code == 303
    assert is_in(someone)


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("viewer", "wrong"),
        ("viewer", ""),
        ("nobody", PASSWORD),
        ("", ""),
        ("viewer\0", PASSWORD),
        ("v" * 9999, "x" * 9999),
    ],
)
def test_whatever_does_not_fit_gets_the_same_answer(browser, login, password):
    someone = browser()
    expected, answer = someone.sign_in("viewer", "not it"), someone.sign_in(login, password)
    assert answer.status_code == expected.status_code == 401

    def said(page):
        return re.search(r'<p class="notice bad".*?</p>', page.text, re.DOTALL)[0]

    assert said(answer) == said(expected)
    assert not is_in(someone)


def test_a_disabled_user_gets_that_answer_too(browser, store, actor):
    accounts.set_active(store, "viewer", active=False, actor=actor)
    assert browser().sign_in("viewer").status_code == 401


def test_an_unknown_login_costs_one_hash_as_a_known_one_does(store, people, monkeypatch):
    verified = []
    verify = accounts._HASHER.verify

    class Counting:
        def __getattr__(self, name):
            return getattr(accounts.PasswordHasher, name)

        def verify(self, password_hash, password):
            verified.append(accounts.PasswordHasher().parameters if not password_hash else password_hash.split("$")[3])
            return verify(password_hash, password)

    monkeypatch.setattr(accounts, "_HASHER", Counting())
    for login in ("viewer", "nobody"):
        assert accounts.sign_in(store, login, "wrong", address="x", agent="y") is None
    assert len(verified) == 2
    assert verified[0] == verified[1]


def test_the_token_is_another_one_after_signing_in_and_that_of_before_is_worth_nothing(browser):
    """Fixation: whoever planted the first cookie holds nothing afterwards."""
    victim = browser()
    form = victim.token()
    planted = victim.cookie()
    victim.sign_in("viewer", token=form)
    assert victim.cookie() != planted
    thief = browser()
    thief.client.set_cookie("crossdock-session", planted)
    assert not is_in(thief)
    assert victim.post("/account/timezone", token=form).status_code == 400


def test_signing_in_again_ends_the_session_that_this_browser_had(browser):
    someone = browser("viewer")
    before = someone.cookie()
    someone.sign_in("operator")
    someone.client.set_cookie("crossdock-session", before)
    assert not is_in(someone)


def test_signing_out_kills_the_session_and_not_only_the_cookie(browser):
    someone = browser("viewer")
    stolen = someone.cookie()
    assert someone.post("/sign-out").status_code == 303
    someone.client.set_cookie("crossdock-session", stolen)
    assert not is_in(someone)


@pytest.mark.parametrize(("column", "age"), [("seen_at", accounts.IDLE), ("created_at", accounts.LONGEST)])
def test_a_session_ends_by_itself(browser, store, column, age):
    someone = browser("viewer")
    for back, alive in ((age - dt.timedelta(minutes=2), True), (dt.timedelta(minutes=3), False)):
        moment = store.read(lambda c: c.execute(select(sessions.c[column])).scalar_one()) - back
        if not alive:
            moment = dt.datetime.now(dt.UTC) - age - dt.timedelta(seconds=1)
        store.write(lambda c, moment=moment: c.execute(update(sessions).values({column: moment})))
        assert is_in(someone) is alive


def test_what_the_page_asks_by_itself_keeps_nobody_signed_in(browser, store):
    someone = browser("viewer")
    past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=30)
    store.write(lambda c: c.execute(update(sessions).values(seen_at=past)))

    def seen():
        return store.read(lambda c: c.execute(select(sessions.c.seen_at)).scalar_one())

    someone.get("/account", headers={"X-Live": "1"})
    assert seen() == past
    someone.get("/account")
    assert seen() > past


def test_disabling_a_user_ends_every_session_at_once(browser, store, actor):
    someone = browser("viewer")
    accounts.set_active(store, "viewer", active=False, actor=actor)
    assert not is_in(someone)
    accounts.set_active(store, "viewer", active=True, actor=actor)
    assert not is_in(someone)


def test_a_new_role_counts_from_the_next_click_on(browser, store, actor):
    someone = browser("viewer")
    assert someone.get("/users").status_code == 403
    accounts.set_role(store, "viewer", "admin", actor=actor)
    assert someone.get("/users").status_code == 200


def test_one_may_sign_out_everywhere_else(browser):
    here, there = browser("viewer"), browser("viewer")
    assert here.post("/account/sessions/end").status_code == 303
    assert is_in(here)
    assert not is_in(there)


def test_a_new_password_signs_out_everywhere_else_and_the_old_one_is_needed(browser):
    here, there = browser("viewer"), browser("viewer")
    new = {"new_password": "a sentence is good", "again_password": "a sentence is good"}
    assert here.post("/account/password", old_password="wrong", **new).status_code == 422
    assert is_in(there)
    assert here.post("/account/password", old_password=PASSWORD, **new).status_code == 303
    assert is_in(here)
    assert not is_in(there)
    assert browser().sign_in("viewer").status_code == 401
    assert browser().sign_in("viewer", "a sentence is good").status_code == 303


def test_a_hash_of_other_parameters_is_renewed_at_the_next_sign_in(browser, store):
    weak = accounts.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
    user = accounts.find_user(store, "viewer")
    store.write(lambda c: users.set_password(c, user.id, weak))
    browser("viewer")
    renewed = accounts.find_user(store, "viewer").password_hash
    assert renewed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    browser("viewer")
    assert accounts.find_user(store, "viewer").password_hash == renewed


def test_neither_token_nor_password_is_stored_readable(browser, store):
    someone = browser("viewer")
    rows = store.read(lambda c: [*c.execute(select(sessions)), *c.execute(text("SELECT * FROM users"))])
    shown = repr(rows)
    assert PASSWORD not in shown
    session = someone.client.application.session_interface.get_signing_serializer(someone.client.application)
    token = session.loads(someone.cookie())["_user_id"]
    assert len(token) >= 43
    assert token not in shown


def test_signing_in_and_out_is_audited_with_the_address(browser, store):
    someone = browser("viewer", REMOTE_ADDR="192.0.2.7")
    someone.post("/sign-out")
    rows = store.read(lambda c: c.execute(select(audit.c.actor, audit.c.action, audit.c.origin)).all())
    assert rows == [("viewer", "sign in", "console 192.0.2.7"), ("viewer", "sign out", "console 192.0.2.7")]


ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "http:evil.example",
    "///evil.example", "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "evil.example", " //evil.example",
    "/%0d%0aLocation:x\r\n", "/sign-in", "/sign-out", "", "/\0", "data:text/html,x", "/\\/evil.example",
]  # fmt: skip


@pytest.mark.parametrize("target", ELSEWHERE)
def test_after_signing_in_nobody_is_sent_elsewhere(browser, target):
    answer = browser().sign_in("viewer", next=target)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/activity" or answer.headers["Location"] == "/"


@pytest.mark.parametrize("target", ["/orders?q=1&state=held", "/orders/web/a%2Fb", "/%5cevil.example", "/a//b"])
def test_after_signing_in_one_is_where_one_wanted_to_go(browser, target):
    assert browser().sign_in("viewer", next=target).headers["Location"] == target


def test_a_page_remembers_where_one_wanted_to_go(browser):
    someone = browser()
    answer = someone.get("/activity?actor=ada&text=a%26b")
    assert answer.status_code == 302
    form = someone.get(answer.headers["Location"]).text
    target = re.search(r'name="next" value="([^"]+)"', form)[1].replace("&amp;", "&")
    assert someone.sign_in("viewer", next=target).headers["Location"] == "/activity?actor=ada&text=a%26b"


def hidden(page):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def test_a_form_that_came_after_the_session_had_ended_is_kept_and_sent_on_request(browser, store, actor):
    someone = browser("viewer")
    token = someone.token()
    accounts.end_sessions(store, "viewer", actor=actor)
    cut_off = someone.post("/account/timezone", token=token, timezone="Asia/Tokyo")
    assert cut_off.status_code == 401
    assert "signed out before you sent" in cut_off.text
    kept = hidden(cut_off.text)
    kept |= {"login": "viewer", "password": PASSWORD}
    asked = someone.client.post("/sign-in", data=kept)
    assert asked.status_code == 200
    assert "Asia/Tokyo" in asked.text
    assert accounts.find_user(store, "viewer").timezone == ""
    assert 'action="/account/timezone"' in asked.text
    someone.client.post("/account/timezone", data=hidden(asked.text))
    assert accounts.find_user(store, "viewer").timezone == "Asia/Tokyo"


def test_passwords_are_never_kept(browser, store, actor):
    someone = browser("viewer")
    token = someone.token()
    accounts.end_sessions(store, "viewer", actor=actor)
    page = someone.post("/account/password", token=token, old_password=PASSWORD, new_password="s3cret sentence").text
    assert PASSWORD not in page
    assert "s3cret sentence" not in page


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "https://evil.example/", "/webhooks/shop", "//evil.example"])
def test_a_kept_form_goes_only_to_a_page_of_ours_that_takes_forms(browser, path):
    answer = browser().sign_in("viewer", kept_path=path, **{"kept-reason": "x"})
    assert answer.status_code == 303


def test_a_live_part_of_a_page_gets_a_status_and_no_form(browser):
    answer = browser().get("/account", headers={"X-Live": "1"})
    assert (answer.status_code, answer.data) == (401, b"")


def test_the_local_paths_are_told_by_one_function():
    assert signin.local_path("/a?b=c") == "/a?b=c"
    assert {signin.local_path(target) for target in ELSEWHERE} == {""}
