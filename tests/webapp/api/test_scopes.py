"""Every address of the API x who may call it: the one table is `scopes.yaml`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml
from sqlalchemy import update

from config.settings import Settings
from sync.desk import accounts
from sync.desk.tokens import SCOPES, revoke_token
from sync.store.tables import api_tokens
from tests.webapp.api.conftest import ACTOR
from webapp.api import access
from webapp.api.access import ANYONE, require, scope_of
from webapp.app import create_app

#: "METHOD /path" -> the scope.
TABLE = yaml.safe_load(Path(__file__).with_name("scopes.yaml").read_text())


@pytest.fixture(scope="module")
def bare_app(tmp_path_factory):
    return create_app(Settings.from_env({"CROSSDOCK_STATE": str(tmp_path_factory.mktemp("state"))}))


def routes(app):
    """ "METHOD /path" -> (the scope that its view demands, an address)."""
    found = {}
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith("/api/"):
                path = app.url_for(rule.endpoint, **dict.fromkeys(rule.arguments, "1"))
                for method in rule.methods - {"HEAD", "OPTIONS"}:
                    name = f"{method} {rule.rule.removeprefix('/api/v1')}"
                    found[name] = scope_of(app.view_functions[rule.endpoint]), path.removeprefix("/api/v1")
    return found


def test_the_table_has_every_route_with_its_scope_and_no_other(bare_app):
    assert {name: scope for name, (scope, _) in routes(bare_app).items()} == TABLE


def test_every_scope_is_good_for_something():
    assert set(SCOPES) <= set(TABLE.values())


def test_writing_never_comes_with_a_scope_for_reading():
    wrong = {name for name, scope in TABLE.items() if (name.split()[0] != "GET") != scope.endswith(":write")}
    assert wrong == set()


def answers(app, program):
    """Route -> status."""
    return {
        name: program.call(name.split()[0], path).status_code
        for name, (scope, path) in routes(app).items()
        if scope != ANYONE
    }


def test_nobody_gets_in_without_a_token(app, program):
    nobody = program()
    nobody.token = ""
    assert set(answers(app, nobody).values()) == {401}


def test_nobody_gets_in_with_a_token_that_was_revoked(app, program, store, monkeypatch):
    someone = program()
    revoke_token(store, "program-1", actor=ACTOR)
    monkeypatch.setattr("webapp.console.throttle.PER_ADDRESS", ())
    assert set(answers(app, someone).values()) == {401}


def test_nobody_gets_in_with_a_token_that_has_expired(app, program, store, monkeypatch):
    someone = program(days=1)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    store.write(lambda c: c.execute(update(api_tokens).values(expires_at=past)))
    monkeypatch.setattr("webapp.console.throttle.PER_ADDRESS", ())
    assert set(answers(app, someone).values()) == {401}


def test_each_address_takes_its_own_scope_and_no_other(app, program):
    """What it answers then is for the resource's own tests: here only that it lets in."""
    for scope in SCOPES:
        only, others = program(scope), program(*(set(SCOPES) - {scope}))
        for name, (needed, path) in routes(app).items():
            if needed == scope:
                method = name.split()[0]
                assert others.call(method, path).status_code == 403, name
                let_in = only.call(method, path)
                assert let_in.status_code not in {401, 403, 405, 500}, (name, let_in.text)


def test_somebody_who_is_signed_in_to_the_console_is_nobody_here(app, store, program):
    accounts.add_user(store, "ada", "correct horse battery", "admin", actor=ACTOR)
    token, _ = accounts.sign_in(store, "ada", "correct horse battery", address="x", agent="y")
    client = app.test_client()
    with client.session_transaction("/") as session:
        session["_user_id"] = token
    assert client.get("/account", headers={"Accept": "text/html"}).status_code == 200
    assert client.get("/api/v1/orders").status_code == 401
    answer = client.get("/api/v1/orders", headers={"Authorization": f"Bearer {program().token}"})
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_an_application_with_an_address_that_names_no_scope_is_not_made(monkeypatch, tmp_path):
    monkeypatch.setattr(access, "scope_of", lambda view: None)
    with pytest.raises(RuntimeError, match="does not say with @require which scope it takes"):
        create_app(Settings.from_env({"CROSSDOCK_STATE": str(tmp_path)}))


def test_a_scope_that_does_not_exist_is_refused_at_once():
    with pytest.raises(ValueError, match="no scope: orders:everything"):
        require("orders:everything")
