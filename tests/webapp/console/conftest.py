"""An empty installation with one user per role, and browsers for them."""

from __future__ import annotations

import contextlib
import html
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from playwright.sync_api import sync_playwright

from sync.desk import accounts
from sync.store import users
from sync.store.audit import Actor
from tests.shared import unavailable
from tests.valkey import ValkeyServer
from tests.webapp.console import hostile
from tests.webapp.console.browsing import Person
from tests.webapp.console.stage import PASSWORD, staged

PAGE = {"Accept": "text/html"}


class _Compiled(BytecodeCache):
    """What one application has compiled, for all that come after it."""

    def __init__(self):
        self.kept = {}

    def load_bytecode(self, bucket):
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket):
        self.kept[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once():
    """Each test has an application of its own, and half of its time would be the compiling of the same templates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": _Compiled()})
        yield


def words_of(page):
    """What a reader sees: the values of a text stand in elements of their own."""
    return html.unescape(re.sub(r"<[^>]+>", "", page))


@pytest.fixture(scope="session")
def password_hash():
    return accounts._hash(PASSWORD)


@pytest.fixture
def people(store, password_hash):
    """A user of each role, with the role as login and PASSWORD."""
    for role in accounts.ROLES:
        store.write(lambda c, role=role: users.add_user(c, role, password_hash, role))
    return accounts.ROLES


class Browser:
    """A client that asks for pages, keeps cookies and fills the token into its forms."""

    def __init__(self, app, **environ):
        self.client = app.test_client()
        self.environ = environ

    def get(self, path, **options):
        options["headers"] = {**PAGE, **options.pop("headers", {})}
        return self.client.get(path, environ_overrides=self.environ, **options)

    def token(self):
        """The token of the forms of this session."""
        page = self.get("/account", follow_redirects=True).text
        return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]

    def post(self, path, token=None, headers=(), **fields):
        data = {"csrf_token": token or self.token(), **fields}
        return self.client.post(path, data=data, headers={**PAGE, **dict(headers)}, environ_overrides=self.environ)

    def sign_in(self, login, password=PASSWORD, **fields):
        return self.post("/sign-in", login=login, password=password, **fields)

    def cookie(self, name="crossdock-session"):
        found = self.client.get_cookie(name)
        return found and found.value


@pytest.fixture
def browser(app, people):
    """Makes browsers, each with cookies of its own: `browser()` for a stranger, `browser("viewer")` for a user."""

    def make(login="", **environ):
        made = Browser(app, **environ)
        if login:
            assert made.sign_in(login).status_code == 303
        return made

    return make


@pytest.fixture
def actor():
    return Actor("tester", "terminal here")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    """The turns of an account under attack take no time here."""
    monkeypatch.setattr("webapp.console.throttle.TURN_S", 0.0)


# --- a real browser ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium():
    """One for all: a second Playwright in the same thread is refused."""
    # The same engine without a window around it: somebody who comes costs a third of the time.
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if found is None:
        unavailable("there is no chromium: make browser, or as root on Debian: apt install chromium-headless-shell")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def stage(chromium):
    """An installation with a past, spoiled by hostile texts in every field; `stage.url` is its console."""
    folder = Path(tempfile.mkdtemp(prefix="cd-"))
    valkey = ValkeyServer(folder)
    valkey.start()
    (folder / "state").mkdir()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        stack.callback(valkey.close)
        made = stack.enter_context(staged(folder / "state", valkey.url.reveal()))
        made.live(customers=hostile.TEXTS)
        with made.runtime() as runtime:
            hostile.spoil(runtime.store)
        made.url = made.serve()
        yield made


@pytest.fixture(scope="session")
def signed_in(chromium, stage):
    """Role -> what its browser keeps, so that nobody signs in twice."""
    kept = {}
    for role in accounts.ROLES:
        person = Person(chromium, stage.url)
        person.sign_in(role)
        kept[role] = person.context.storage_state()
        person.close()
    return kept


@pytest.fixture
def person(chromium, stage, signed_in):
    """Makes people: `person("viewer")` is signed in, `person()` a stranger; nothing bad may have happened to any."""
    made = []

    def make(role="", **options):
        made.append(Person(chromium, stage.url, storage_state=signed_in.get(role), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
