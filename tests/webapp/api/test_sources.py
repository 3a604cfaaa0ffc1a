"""Orders that programs send in: what has an id is stored before the answer, whatever a mapping will say of it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from config.settings import Settings
from sync.store.bodies import load_json, unpack
from sync.store.kept import load_kept
from sync.store.tables import events, work_items
from tests.sync.flows.hooks import PROFILE, order
from webapp.app import create_app
from webapp.parts import LazyParts

CONFIG = """
connections:
  till: {system: api, options: {id: no, version: at}}
  hooks: {system: json, webhook_secrets: ["${env:KEY}"], options: {id: no}}
  idle: {system: api, options: {id: no}}
  erp: {system: sandbox_erp, url: https://erp.example, auth: {key: "${env:KEY}"}}
channels:
  web: {source: till, erp: erp, profile: profiles/p.yaml}
  posted: {source: hooks, erp: erp, profile: profiles/p.yaml}
"""
ORDERS = "/sources/till/orders"


@pytest.fixture
def app(store, tmp_path):
    folder = tmp_path / "config"
    (folder / "profiles").mkdir(parents=True)
    (folder / "profiles" / "p.yaml").write_text(PROFILE)
    (folder / "crossdock.yaml").write_text(CONFIG)
    variables = {
        "KEY": "secret-1234",
        "CROSSDOCK_CONFIG": str(folder),
        "CROSSDOCK_STATE": str(tmp_path),
        "CROSSDOCK_DATABASE": store.engine.url.render_as_string(hide_password=False),
        "CROSSDOCK_REDIS": f"unix://{tmp_path}/no.sock",
        "CROSSDOCK_MAX_BODY_KIB": "256",
    }
    made = create_app(Settings.from_env(variables))
    yield made
    made.extensions[LazyParts.KEY].close()


@pytest.fixture
def till(program):
    return program("sources:write", channels=("web",))


def wanted(store):
    query = select(work_items.c.external_id, work_items.c.wanted)
    return dict(store.read(lambda c: [tuple(row) for row in c.execute(query)]))


def raw(program, body, **options):
    return program.call("POST", ORDERS, data=body, content_type="application/json", **options)


def test_an_order_is_stored_before_the_answer_with_its_amounts_as_written(store, till):
    answer = raw(till, b'{"no": "A/1", "at": "2026-11-22", "total": 1.10}')
    assert answer.status_code == 202
    assert answer.json == {
        "accepted": 1,
        "refused": 0,
        "orders": [
            {
                "index": 0,
                "accepted": True,
                "external_id": "A/1",
                "problem": "",
                "places": [{"channel": "web", "address": "/api/v1/orders/web/A%2F1"}],
            }
        ],
    }
    assert wanted(store) == {"A/1": 1}
    kept = store.read(lambda c: load_kept(c, "till", "order", ["A/1"]))["A/1"]
    assert load_json(unpack(kept.body))["total"] == Decimal("1.10")


def test_its_address_says_how_it_stands(program, till):
    place = till.post(ORDERS, order("A")).json["orders"][0]["places"][0]["address"]
    found = program("orders:read").get(place.removeprefix("/api/v1"))
    assert found.status_code == 200
    assert found.json["passport"]["state"] == "ready"


def test_a_list_has_an_answer_for_each_and_one_without_an_id_keeps_no_other_back(store, till):
    answer = till.post(ORDERS, [order("A"), {"at": "2026-11-22"}, 7, order("B")])
    assert answer.status_code == 202
    assert [each["accepted"] for each in answer.json["orders"]] == [True, False, False, True]
    assert "'id'" in answer.json["orders"][1]["problem"]
    assert (answer.json["accepted"], answer.json["refused"]) == (2, 2)
    assert wanted(store) == {"A": 1, "B": 1}


def test_the_same_order_again_is_no_news_with_and_without_a_key(store, till):
    answers = [till.post(ORDERS, order("A"), key=key) for key in ("k1", "k1", "", "")]
    assert {each.status_code for each in answers} == {202}
    assert len({json.dumps(each.json) for each in answers}) == 1
    assert wanted(store) == {"A": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"7",
        b'{"at": "2026-11-22"}',
        b'{"no": "A"}',
        b'{"no": "A", "no": "B", "at": "2026-11-22"}',
        b'{"no": NaN}',
        b"[" * 5_000 + b"]" * 5_000,
        b'{"no": "A\\u0000", "at": "2026-11-22"}',
        b'{"no": "' + b"A" * 300 + b'", "at": "2026-11-22"}',
        b'{"no": "\xff", "at": "2026-11-22"}',
        json.dumps([order(f"N{number}") for number in range(101)]).encode(),
    ],
    ids=[
        "none",
        "number",
        "no id",
        "no version",
        "two ids",
        "NaN",
        "deep",
        "NUL",
        "long id",
        "not UTF-8",
        "101 orders",
    ],
)
def test_what_is_no_order_is_refused_with_its_reasons_and_leaves_no_row(store, till, body):
    answer = raw(till, body)
    assert answer.status_code == 422
    assert answer.json["id"] == "no_order"
    assert answer.json["errors"][0]["message"]
    assert store.read(lambda c: c.execute(select(events.c.id)).all()) == []


def test_what_is_no_json_at_all_is_refused(till):
    assert raw(till, b"<html>").status_code == 422
    assert till.call("POST", ORDERS, data=b"{}", content_type="text/plain").status_code == 415
    assert raw(till, b"0" * 300_000).status_code == 413


def test_a_token_of_another_channel_sends_nothing_in(store, program):
    other = program("sources:write", channels=("posted",))
    assert other.post(ORDERS, order("A")).json["id"] == "channel_out_of_reach"
    assert wanted(store) == {}


@pytest.mark.parametrize("name", ["hooks", "erp", "idle", "nowhere"])
def test_a_connection_that_takes_none_this_way_is_not_there(program, name):
    assert program("sources:write").post(f"/sources/{name}/orders", order("A")).status_code == 404


def test_a_webhook_is_none_of_its_ways(app):
    assert app.test_client().post("/webhooks/till", json=order("A")).status_code == 401
