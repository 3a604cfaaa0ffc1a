"""Look-up tables are loaded again when, and only when, a row has become another one."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select

from sync.store.lookups import renew_lookups, save_lookup
from sync.store.tables import lookups

WEB = "channel:web"


def save(store, source, target, scope=WEB):
    store.write(lambda c: save_lookup(c, "sku", scope, source, target, by="test"))


def renew(store, known=None):
    return store.read(lambda c: renew_lookups(c, "web", "erp", known))


def test_what_has_not_changed_is_not_loaded_again(store):
    save(store, "cup", "10001")
    first = renew(store)
    assert first.rows == {("sku", "cup"): "10001"}
    assert renew(store, first) is first


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        (lambda store: save(store, "pot", "10002"), {("sku", "cup"): "10001", ("sku", "pot"): "10002"}),
        (lambda store: save(store, "cup", "10003"), {("sku", "cup"): "10003"}),
        (lambda store: store.write(lambda c: c.execute(delete(lookups))), {}),
    ],
    ids=["added", "changed", "taken away"],
)
def test_a_row_that_was_added_changed_or_taken_away_is_seen(store, change, rows):
    save(store, "cup", "10001")
    first = renew(store)
    change(store)
    assert renew(store, first).rows == rows


def test_the_narrower_scope_wins(store):
    save(store, "cup", "10001", scope="global")
    save(store, "cup", "10002")
    assert renew(store).rows == {("sku", "cup"): "10002"}
    assert store.read(lambda c: len(c.execute(select(lookups)).all())) == 2
