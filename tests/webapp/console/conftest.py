"""An empty installation with one user per role, and browsers for them."""

from __future__ import annotations

import re

import pytest

from sync.desk import accounts
from sync.store import users
from sync.store.audit import Actor
from tests.sync.databases import migrated_sqlite, sqlite_store

__all__ = ["migrated_sqlite", "sqlite_store"]

PASSWORD = "correct horse battery"
PAGE = {"Accept": "text/html"}


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


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
