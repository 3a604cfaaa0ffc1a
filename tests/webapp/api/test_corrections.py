"""Correcting an order by the API: preview, keep once, who was faster, the way back."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from sync.store.tables import audit, corrections
from tests.webapp.console.selling import CHANNEL, selling

pytestmark = pytest.mark.loopback


@pytest.fixture
def home(tmp_path, sqlite_store):
    with selling(tmp_path, sqlite_store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


@pytest.fixture
def anna(program):
    return program("orders:read", "orders:write")


@pytest.fixture
def path(home):
    [order] = home.shop.place(1)
    home.carry(limit=0)
    return f"/orders/{CHANNEL}/{order}"


def count(store):
    return store.read(lambda c: c.execute(select(func.count()).select_from(corrections)).scalar_one())


def test_a_correction_is_tried_kept_once_shown_and_taken_back(sqlite_store, anna, path):
    found = anna.get(f"{path}/corrections").json
    assert (found["basis"], found["corrections"], found["outdated"]) == ("order", [], [])
    body = {"seen": found["seen"], "fields": [{"field": "shipping.city", "value": "Bonn"}]}
    tried = anna.post(f"{path}/corrections/preview", json=body)
    assert tried.status_code == 200, tried.json
    assert [(each["field"], each["after"]) for each in tried.json["changes"]] == [("shipping.city", "Bonn")]
    assert tried.json["dry_run"]["order"]["shipping"]["city"] == "Bonn"
    assert count(sqlite_store) == 0
    kept = {"json": body | {"reason": "she called"}, "headers": {"Idempotency-Key": "one"}}
    first, again = (anna.post(f"{path}/corrections", **kept) for _ in range(2))
    assert first.status_code == again.status_code == 200, first.json
    assert first.json["correction"]["number"] == again.json["correction"]["number"] == 1
    assert count(sqlite_store) == 1
    assert anna.get(f"{path}/corrections").json["document"]["shipping"]["city"] == "Bonn"
    assert anna.get(f"{path}/corrections/1/original").json["shipping"]["city"] != "Bonn"
    [told] = anna.get(path).json["passport"]["corrections"]
    assert (told["counts"], told["reason"]) == (True, "she called")
    back = anna.post(f"{path}/corrections/1/take-back", json={"reason": "no"})
    assert back.json["correction"]["taken_back"]["reason"] == "no"
    assert anna.post(f"{path}/corrections/1/take-back", json={"reason": "no"}).json["id"] == "not_now"
    done = select(audit.c.action).where(audit.c.action.in_(["correct", "take correction back"])).order_by(audit.c.id)
    assert sqlite_store.read(lambda c: list(c.execute(done).scalars())) == ["correct", "take correction back"]


def test_a_whole_document_whose_totals_do_not_tie_is_refused_at_its_field(sqlite_store, anna, path):
    found = anna.get(f"{path}/corrections").json
    found["document"]["lines"][0]["total"] = "0.01"
    body = {"seen": found["seen"], "document": found["document"], "reason": "x"}
    refused = anna.post(f"{path}/corrections", json=body)
    assert (refused.status_code, refused.json["id"]) == (422, "invalid")
    assert refused.json["errors"][0]["field"] == "totals.grand"
    neither = anna.post(f"{path}/corrections", json={"seen": found["seen"], "reason": "x"})
    assert neither.status_code == 422
    unknown = {"seen": found["seen"], "reason": "x", "fields": [{"field": "lines[9].sku", "value": "A"}]}
    assert "there is no such field" in anna.post(f"{path}/corrections", json=unknown).json["errors"][0]["message"]
    assert count(sqlite_store) == 0


def test_who_is_slower_is_told_what_has_happened_and_nothing_is_kept(sqlite_store, anna, path):
    seen = anna.get(f"{path}/corrections").json["seen"]
    bodies = [{"seen": seen, "reason": "x", "fields": [{"field": "note", "value": text}]} for text in ("one", "two")]
    assert anna.post(f"{path}/corrections", json=bodies[0]).status_code == 200
    late = anna.post(f"{path}/corrections", json=bodies[1])
    assert (late.status_code, late.json["id"]) == (409, "changed_since")
    assert "has corrected it: note" in late.json["detail"]
    assert count(sqlite_store) == 1
