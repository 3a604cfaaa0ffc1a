"""What is told of orders, connections and check-ups is made deep inside, and still in the reader's language."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from sync.store.tables import issues, work_items
from tests.webapp.console.pseudo import foreigner, pseudo_language, sentences, unmarked
from tests.webapp.console.selling import CHANNEL, selling

__all__ = ["foreigner", "pseudo_language"]

PLANTED = ("unknown_sku", "totals_mismatch", "over_limit")


@pytest.fixture
def home(tmp_path, store):
    with selling(tmp_path, store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


def column(store, table, name):
    return store.read(lambda c: list(c.execute(select(table.c[name])).scalars()))


def pages_of(store):
    """Every page that shows what has happened."""
    yield from ("/", "/orders?tab=all", "/needs/", "/connections", "/connections/shop", "/connections/erp")
    yield from ("/operations/", "/activity", "/doctor")
    yield from (f"/needs/{number}" for number in column(store, issues, "id"))
    yield from (f"/orders/{CHANNEL}/{number}" for number in column(store, work_items, "external_id"))


@pytest.mark.loopback
def test_what_happened_to_orders_is_in_the_readers_language_and_others_words_stay_theirs(home, store, foreigner):
    for plant in PLANTED:
        home.shop._generator.plant(plant)
    [first, *_] = home.shop.place(2)
    home.erp.plan.add(kind="status", status=422, method="POST", path="/api/sales*", body="No period is open")
    home.carry(limit=14_000)
    home.carry(limit=0)
    admin = foreigner("admin")
    admin.post("/doctor")
    admin.post("/connections/erp/pause", reason="Stock-taking until noon")
    answers = [
        admin.post(f"/orders/{CHANNEL}/{first}/retry"),
        admin.post(f"/orders/{CHANNEL}/{first}/approve", reason="They are good for it"),
        admin.post(f"/orders/{CHANNEL}/{first}/find-sale", text="4711"),
        admin.post(f"/orders/{CHANNEL}/{first}/link", sale="4711"),
        admin.post(f"/orders/{CHANNEL}/{first}/dry-run"),
    ]
    left = {path: unmarked(admin.get(path).text) for path in pages_of(store)}
    assert {path: words for path, words in left.items() if words} == {}
    reader = foreigner("admin", "zh-CN")
    chinese = {path: sentences(reader.get(path).text) for path in pages_of(store)}
    assert {path: words for path, words in chinese.items() if words} == {}
    assert [unmarked(answer.text) for answer in answers if answer.status_code != 303] == [[]] * 4
    assert {"unknown_sku", "value_limit"} <= set(column(store, issues, "cause"))
    assert '<span translate="no">Stock-taking until noon</span>' in admin.get("/connections/erp").text
