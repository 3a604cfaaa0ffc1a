"""Signed JSON from a system that nobody can ask: each order of a delivery is stored before it is answered."""

from __future__ import annotations

import hmac
import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from config.settings import Settings
from connectors.registry import make_connector
from sync.rules.systems import Systems
from sync.store.audit import Actor, AuditFilter, list_audit
from sync.store.bodies import load_json, unpack
from sync.store.issues import list_open
from sync.store.kept import load_kept
from sync.store.tables import events, schedules, work_items
from sync.store.unreadable import count_unreadable
from sync.work.receive.again import read_again
from tests.sync.flows.hooks import PROFILE, SECRET
from webapp.app import create_app
from webapp.parts import LazyParts

CONFIG = """
connections:
  hooks:
    system: json
    webhook_secrets: ["${env:HOOK_SECRET}"]
    options: {id: no, version: at, orders: "orders || @"}
  erp: {system: sandbox_erp, url: https://erp.example, auth: {key: "${env:HOOK_SECRET}"}}
channels:
  web: {source: hooks, erp: erp, profile: profiles/hooks.yaml}
"""
ACTOR = Actor("ada", "test")


@pytest.fixture
def store(sqlite_store):
    return sqlite_store


@pytest.fixture
def configured(sqlite_url, tmp_path):
    """Makes the application with this configuration; each is closed at the end."""
    folder, made = tmp_path / "config", []
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles" / "hooks.yaml").write_text(PROFILE)

    def make(text):
        (folder / "crossdock.yaml").write_text(text)
        made.append(_app(folder, tmp_path, sqlite_url))
        return made[-1]

    yield make
    for app in made:
        app.extensions[LazyParts.KEY].close()


@pytest.fixture
def app(store, configured):
    return configured(CONFIG)


def _app(folder, tmp_path, sqlite_url):
    return create_app(
        Settings.from_env(
            {
                "HOOK_SECRET": SECRET,
                "CROSSDOCK_CONFIG": str(folder),
                "CROSSDOCK_STATE": str(tmp_path),
                "CROSSDOCK_DATABASE": sqlite_url,
                "CROSSDOCK_REDIS": f"unix://{tmp_path}/no.sock",
                "CROSSDOCK_MAX_BODY_KIB": "64",
            }
        )
    )


@pytest.fixture
def client(app):
    return app.test_client()


def post(client, document, secret=SECRET):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    signature = hmac.digest(secret.encode(), body, "sha256").hex()
    return client.post("/webhooks/hooks", data=body, headers={"X-Signature": signature}).status_code


def order(number, at="2026-11-22T10:00:00Z", **fields):
    return {"no": number, "at": at, **fields}


def rows(store, query):
    return store.read(lambda c: c.execute(query).all())


def wanted(store):
    return dict(rows(store, select(work_items.c.external_id, work_items.c.wanted)))


def kept(store, *ids):
    found = store.read(lambda c: load_kept(c, "hooks", "order", ids))
    return {name: load_json(unpack(each.body)) for name, each in found.items()}


def test_each_order_of_a_list_is_an_event_of_its_own_and_amounts_stay_as_written(client, store):
    assert (
        post(client, b'{"orders": [{"no": "A", "at": "2026-11-22", "total": 1.10}, {"no": "B", "at": "2026-11-22"}]}')
        == 202
    )
    assert wanted(store) == {"A": 1, "B": 1}
    assert kept(store, "A")["A"]["total"] == Decimal("1.10")


def test_a_list_that_comes_again_says_nothing_new(client, store):
    for _ in range(3):
        assert post(client, {"orders": [order("A"), order("B")]}) == 202
    assert wanted(store) == {"A": 1, "B": 1}
    assert sum(count + 1 for (count,) in rows(store, select(events.c.repeats))) == 6


def test_more_orders_than_a_group_of_the_writer_are_all_stored(client, store):
    assert post(client, {"orders": [order(f"N{number}") for number in range(200)]}) == 202
    assert len(wanted(store)) == 200


@pytest.mark.parametrize("newer", [0, 1])
def test_the_newer_version_is_what_holds_in_whatever_order_they_come(client, store, newer):
    given = [order("A", "2026-11-22T10:00:00+01:00", state="old"), order("A", "2026-11-22T09:30:00Z", state="new")]
    for document in (given[1 - newer], given[newer]):
        post(client, document)
    assert kept(store, "A")["A"]["state"] == "new"


def test_of_equal_versions_the_later_arrival_holds(client, store):
    for state in ("one", "two", "one"):
        post(client, order("A", state=state))
    assert kept(store, "A")["A"]["state"] == "one"


def test_one_bad_order_of_a_list_is_kept_and_told_and_nothing_is_pulled(client, store):
    assert post(client, {"orders": [order("A"), {"at": "2026-11-22"}, order("B")]}) == 202
    assert wanted(store) == {"A": 1, "B": 1}
    assert rows(store, select(schedules.c.name).where(schedules.c.asked)) == []
    [issue] = store.read(list_open)
    assert (issue.cause, issue.connection) == ("unreadable_delivery", "hooks")
    assert "crossdock read-again hooks" in issue.next_step


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"no": "A\\u0000", "at": "2026-11-22"}', b'{"no": "\xff"}', b"[" * 9_000 + b"]" * 9_000],
    ids=["empty", "HTML", "NUL in the id", "not UTF-8", "deep"],
)
def test_a_hostile_body_is_kept_and_told(client, store, body):
    assert post(client, body) == 202
    assert wanted(store) == {}
    assert [issue.cause for issue in store.read(list_open)] == ["unreadable_delivery"]


def test_a_body_that_is_too_large_asks_nobody(client, store):
    assert post(client, b"0" * 100_000) == 413
    assert rows(store, select(schedules.c.name)) == []


def test_a_wrong_secret_leaves_no_row(client, store):
    assert post(client, order("A"), secret="another") == 401
    assert rows(store, select(events.c.id)) == []


# --- reading again ----------------------------------------------------------------------------------------------


def again(app, store, *, discard=False, **options):
    parts = app.extensions[LazyParts.KEY].get()
    settings = Systems(parts.config)._settings(parts.config.connections["hooks"])
    mended = make_connector("json", type(settings)(**{**_fields(settings), "options": {**settings.options, **options}}))
    return read_again(store, mended, "hooks", ["web"], discard=discard, actor=ACTOR)


def _fields(settings):
    return {name: getattr(settings, name) for name in type(settings).__dataclass_fields__}


def test_what_nobody_could_read_is_read_by_corrected_options_and_the_issue_ends(app, client, store):
    post(client, {"orders": [{"nr": "A", "at": "2026-11-22"}, order("B")]})
    post(client, {"nr": "C", "at": "2026-11-22"})
    done = again(app, store, id="no || nr")
    assert (done.read, done.left) == (2, 0)
    assert [key[2] for key in done.marked] == ["A", "C"]
    assert wanted(store) == {"A": 1, "B": 1, "C": 1}
    assert kept(store, "A", "C") == {name: {"nr": name, "at": "2026-11-22"} for name in ("A", "C")}
    assert store.read(list_open) == []
    assert again(app, store, id="no || nr").read == 0


def test_what_still_cannot_be_read_stays_until_somebody_gives_it_up(app, client, store):
    post(client, b"<html>")
    assert (again(app, store).left, len(store.read(list_open))) == (1, 1)
    done = again(app, store, discard=True)
    assert (done.read, done.given_up, done.left) == (0, 1, 0)
    assert store.read(list_open) == []
    assert store.read(lambda c: count_unreadable(c, "hooks")) == 0
    entries = store.read(lambda c: list_audit(c, AuditFilter(), limit=9))
    assert "1 given up" in entries[0].after


def test_what_is_read_again_is_no_newer_than_it_came(app, client, store):
    """Without versions the later arrival holds; one that could not be read then is the earlier one still."""
    post(client, {"nr": "A", "state": "old", "at": "2026-11-22"})
    post(client, order("A", "2026-11-22", state="new"))
    again(app, store, id="no || nr")
    assert kept(store, "A")["A"]["state"] == "new"


# --- options that the system does not take ----------------------------------------------------------------------


def test_a_wrong_option_stops_its_own_connection_alone_until_it_is_corrected(configured, store):
    wrong = CONFIG.replace("id: no,", "id: '[',")
    client = configured(wrong).test_client()
    assert client.get("/readyz").status_code in {200, 503}
    assert post(client, order("B")) == 503
    [issue] = store.read(list_open)
    assert (issue.cause, issue.connection) == ("misconfigured", "hooks")
    assert "option 'id'" in issue.title
    client = configured(CONFIG).test_client()
    assert post(client, order("B")) == 202
    assert store.read(list_open) == []
