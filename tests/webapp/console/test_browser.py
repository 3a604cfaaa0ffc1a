"""The frame in a real browser: what scripts add, and that nothing needs them."""

from __future__ import annotations

import re

import pytest

from sync.desk import accounts
from sync.store import users
from sync.store.engine import Store
from sync.store.migrate import migrate
from tests.shared import PATIENCE_S
from tests.webapp.console.browsing import settle
from tests.webapp.console.conftest import PASSWORD
from tests.webapp.served import Server

pytestmark = [pytest.mark.heavy, pytest.mark.loopback, pytest.mark.slow]


@pytest.fixture(scope="module")
def installation(tmp_path_factory):
    """(address of a running web process, its store) with one user, `admin`."""
    folder = tmp_path_factory.mktemp("console")
    url = f"sqlite:///{folder / 'crossdock.db'}"
    store = Store.open(url)
    migrate(store)
    store.write(lambda c: users.add_user(c, "admin", accounts._hash(PASSWORD), "admin"))
    server = Server(folder, url).start()
    yield f"http://127.0.0.1:{server.port}", store
    server.stop()
    store.close()


@pytest.fixture
def page(chromium, installation):
    """Makes pages; a script error, a dialog, a stopped resource or a request elsewhere fails the test."""
    wrong, contexts = [], []

    def make(*, signed_in=True, **options):
        context = chromium.new_context(base_url=installation[0], **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_S * 1000)
        made = context.new_page()
        made.on("pageerror", lambda error: wrong.append(f"script: {error}"))
        made.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        made.on("console", lambda said: wrong.append(said.text) if "Security Policy" in said.text else None)
        made.on("request", lambda asked: None if asked.url.startswith(installation[0]) else wrong.append(asked.url))
        if signed_in:
            made.goto("/sign-in")
            made.get_by_label("Login").fill("admin")
            made.get_by_label("Password").fill(PASSWORD)
            made.get_by_role("button", name="Sign in").click()
            made.wait_for_url("**/")
        return made

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def test_one_signs_in_and_out_by_keyboard_alone(page):
    ours = page(signed_in=False)
    ours.goto("/account")
    # The page gives it the focus when it is painted, which may be after it is loaded.
    ours.locator("input[name=login]:focus").wait_for()
    ours.keyboard.type("admin")
    ours.keyboard.press("Tab")
    ours.keyboard.type(PASSWORD)
    ours.keyboard.press("Enter")
    ours.wait_for_url(re.compile(r":\d+/account$"))
    ours.keyboard.press("Tab")
    assert ours.evaluate("document.activeElement.textContent") == "Skip to the content"
    ours.keyboard.press("Enter")
    ours.locator("summary").focus()
    ours.keyboard.press("Enter")
    ours.get_by_role("button", name="Sign out", exact=True).focus()
    ours.keyboard.press("Enter")
    ours.wait_for_url("**/sign-in")


def test_everything_works_without_scripts(page):
    ours = page(java_script_enabled=False)
    ours.goto("/account")
    assert not ours.locator("#live").is_visible()
    zone = ours.locator("form", has=ours.get_by_label("Times are shown in"))
    zone.get_by_label("Times are shown in").fill("Asia/Tokyo")
    zone.get_by_role("button", name="Keep").click()
    ours.get_by_text("The time zone is changed.").wait_for()
    ours.goto("/activity?action=user+timezone")
    ours.get_by_role("cell", name="Asia/Tokyo").first.wait_for()


def live_requests(ours):
    asked = []
    ours.on("request", lambda one: asked.append(one.url) if one.headers.get("x-live") else None)
    return asked


def test_live_parts_come_anew_keep_the_focus_and_can_be_paused(page):
    ours = page(signed_in=True)
    ours.clock.install()
    asked = live_requests(ours)
    ours.goto("/")
    toggle = ours.locator("#live")
    assert toggle.text_content() == "Live"
    inside = ours.locator("[data-live] a, [data-live] button").first
    inside.focus()
    before = ours.evaluate("document.activeElement.textContent")
    with ours.expect_response(lambda answer: answer.request.headers.get("x-live") == "1"):
        ours.clock.fast_forward(10_500)
    settle(ours)
    assert ours.evaluate("document.activeElement.textContent") == before
    toggle.click()
    assert (toggle.text_content(), toggle.get_attribute("aria-pressed")) == ("Paused", "false")
    count = len(asked)
    ours.clock.fast_forward(60_000)
    ours.wait_for_timeout(300)
    assert len(asked) == count
    ours.reload()
    assert toggle.text_content() == "Paused"


def test_who_is_signed_out_meanwhile_hears_it_on_the_page_that_stands(page, installation, actor):
    ours = page()
    ours.clock.install()
    ours.goto("/")
    accounts.end_sessions(installation[1], "admin", actor=actor)
    ours.clock.fast_forward(10_500)
    ours.get_by_text("You have been signed out.").wait_for()
    assert ours.url.endswith("/")
