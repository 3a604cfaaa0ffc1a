"""`crossdock lookup ...` as people type it."""

from __future__ import annotations

import functools

import pytest

from config.settings import Settings
from sync.store.engine import Store
from sync.store.lookups import load_rows
from sync.store.migrate import migrate
from tests.sync.flows.world import World

CONFIG = """\
connections:
  shop: {system: woocommerce, url: "https://shop.example", auth: {key: "${env:KEY}", secret: "${env:KEY}"}}
  erp: {system: sandbox_erp, url: "https://erp.example", auth: {key: "${env:KEY}"}}
channels:
  web: {source: shop, erp: erp}
"""


@pytest.fixture
def store(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "crossdock.yaml").write_text(CONFIG)
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CROSSDOCK_REDIS", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setenv("CROSSDOCK_LOG_LEVEL", "error")
    monkeypatch.setenv("KEY", "a secret")
    store = Store.open(Settings.from_env().database_url.reveal())
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def lookup(store, crossdock):
    return functools.partial(crossdock, "lookup")


def rows(store):
    return {(row.key.table, row.key.scope, row.key.value): row.target for row in store.read(load_rows)}


def test_a_row_is_set_with_and_without_the_word_listed_and_removed(lookup, store):
    assert "0 orders will be looked at again" in lookup("sku", "SHOP-1", "ERP-1", "--reason", "renamed")
    lookup("set", "sku", "SHOP-*", "ERP-2", "--channel", "web")
    lookup("set", "tax", "*", "MwSt 19", "--when", "rate=19..19.5;country=DE")
    assert set(rows(store)) == {
        ("sku", "global", "SHOP-1"),
        ("sku", "channel:web", "SHOP-*"),
        ("tax", "global", "*"),
    }
    assert "country=DE; rate=19..19.5" in lookup("list", "tax")
    listed = lookup("list", "sku", "ERP-2")
    assert "SHOP-*" in listed
    assert "SHOP-1" not in listed
    assert "the code of an article in the ERP" in lookup("list")
    assert "removed: sku SHOP-1 -> ERP-1" in lookup("remove", "sku", "SHOP-1")
    history = lookup("history", "sku", "SHOP-1")
    assert "renamed" in history
    assert history.count("ERP-1") == 2


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (("sku", "A"), "Missing argument 'TARGET'", 2),
        (("colour", "A", "B"), "there is no table colour", 2),
        (("set", "sku", "A", "B", "--channel", "nowhere"), "channel:nowhere", 2),
        (("set", "sku", "A", "B", "--channel", "web", "--connection", "erp"), "not both", 2),
        (("set", "order_state", "odd", "done"), "one of draft", 2),
        (("remove", "sku", "A"), "sku has no row for 'A'", 1),
        (("drop", "shelf"), "nobody has made a table shelf", 2),
    ],
)
def test_what_cannot_be_meant_is_said_in_plain_words(lookup, words, said, status):
    assert said in lookup(*words, status=status)


def test_a_file_shows_what_it_would_change_and_changes_it_all_or_not_at_all(lookup, store, tmp_path):
    lookup("sku", "A", "1")
    lookup("sku", "B", "2")
    file = tmp_path / "rows.csv"
    lookup("export", "sku", "--output", file)
    file.write_text(file.read_text(encoding="utf-8-sig").replace("A,,1", "A,,9").replace("B,,2", "C,,3"), "utf-8")
    shown = lookup("import", file, "--replace", "--dry-run")
    assert "1 added, 1 changed, 1 removed, 0 as they are" in shown
    assert rows(store) == {("sku", "global", "A"): "1", ("sku", "global", "B"): "2"}
    assert "done: 3 rows" in lookup("import", file, "--replace", "--yes", "--reason", "new season")
    assert rows(store) == {("sku", "global", "A"): "9", ("sku", "global", "C"): "3"}
    file.write_text("value,target\nA,5\nB,\n")
    told = lookup("import", file, "--table", "sku", "--yes", status=1)
    assert "line 3, column target: it is empty" in told
    assert "nothing was changed" in told
    assert rows(store)["sku", "global", "A"] == "9"


def test_a_row_and_a_file_release_what_waits_for_them(lookup, store, tmp_path):
    world = World(store)
    orders = [world.shop.place(sku=sku, customer=sku) for sku in ("OLD-1", "OLD-2")]
    world.carry()
    assert "1 orders will be looked at again" in lookup("sku", "OLD-1", "TASSE")
    world.drain()
    assert [world.item(order).state for order in orders] == ["done", "held"]
    file = tmp_path / "rows.csv"
    file.write_text("table,value,target\nsku,OLD-1,TASSE\nsku,OLD-2,KANNE\n")
    assert "1 orders will be looked at again" in lookup("import", file, "--yes")
    world.drain()
    assert [world.item(order).state for order in orders] == ["done", "done"]


def test_a_table_of_ones_own_is_made_used_and_dropped(lookup, store):
    lookup("add", "shelf", "Where it lies")
    lookup("shelf", "A", "1")
    assert "Where it lies" in lookup("list")
    assert "still has 1 rows" in lookup("drop", "shelf", status=2)
    lookup("remove", "shelf", "A")
    lookup("drop", "shelf")
    assert rows(store) == {}
