"""Look-up tables as a channel sees them: which row answers, and when they are loaded again."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import delete, select

from mappings.canonical.refs import Ref
from sync.rules.lookups import Lookups, load_lookups, renew_lookups, scopes_of
from sync.rules.references import resolve
from sync.rules.stock import Articles
from sync.store.lookups import RowKey, StoredRow, save_rows
from sync.store.tables import lookups

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)


@dataclasses.dataclass(frozen=True)
class Channel:
    name: str = "web"
    source: str = "shop"
    erp: str = "erp"


CHANNEL = Channel()
SCOPES = ("channel:web", "connection:shop", "connection:erp", "global")


def compiled(*rows):
    """From (table, value, target[, scope[, conditions]])."""
    stored = []
    for number, (table, value, target, *rest) in enumerate(rows, start=1):
        scope, conditions = (*rest, *("global", "")[len(rest) :])
        stored.append(StoredRow(number, RowKey(table, scope, value, conditions), target, 1, NOW, ""))
    return Lookups(stored, SCOPES)


def save(store, value, target, scope="channel:web", conditions=""):
    store.write(lambda c: save_rows(c, [(RowKey("sku", scope, value, conditions), target)], by="test"))


def renew(store, known=None):
    return store.read(lambda c: renew_lookups(c, CHANNEL, known))


# --- loading ----------------------------------------------------------------------------------------------------


def test_what_has_not_changed_is_not_loaded_again(store):
    save(store, "cup", "10001")
    first = renew(store)
    assert first.text("sku", "cup") == "10001"
    assert renew(store, first) is first


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda store: save(store, "pot", "10002"), {"cup": "10001", "pot": "10002"}),
        (lambda store: save(store, "cup", "10003"), {"cup": "10003", "pot": ""}),
        (lambda store: store.write(lambda c: c.execute(delete(lookups))), {"cup": "", "pot": ""}),
    ],
    ids=["added", "changed", "taken away"],
)
def test_a_row_that_was_added_changed_or_taken_away_is_seen(store, change, found):
    save(store, "cup", "10001")
    first = renew(store)
    change(store)
    seen = renew(store, first)
    assert {value: seen.text("sku", value) for value in found} == found


def test_a_changed_row_keeps_its_id_and_counts_its_revisions(store):
    for target in ("10001", "10002", "10003"):
        save(store, "cup", target)
    [row] = store.read(lambda c: c.execute(select(lookups.c.id, lookups.c.revision)).all())
    found = store.read(lambda c: load_lookups(c, CHANNEL)).find("sku", "cup")
    assert (found.row_id, found.revision, found.value) == (row.id, 3, "10003")


# --- which row answers ------------------------------------------------------------------------------------------


def test_the_narrower_scope_wins():
    assert scopes_of(CHANNEL) == SCOPES
    rows = [("sku", "cup", scope, scope) for scope in SCOPES]
    for count, scope in enumerate(SCOPES):
        assert compiled(*rows[count:]).find("sku", "cup").scope == scope
        assert compiled(*reversed(rows[count:])).text("sku", "cup") == scope


@pytest.mark.parametrize(
    ("rows", "target"),
    [
        ([("sku", "T*", "star"), ("sku", "TEE", "itself")], "itself"),
        ([("sku", "T*", "short"), ("sku", "TE*", "long")], "long"),
        ([("sku", "*", "any"), ("sku", "*E", "end")], "end"),
        # The scope comes first: who writes a star for one channel means all values there.
        ([("sku", "TEE", "itself"), ("sku", "T*", "star", "channel:web")], "star"),
        ([("sku", "TEE", "itself", "channel:web"), ("sku", "T*", "star", "channel:web")], "itself"),
        ([("sku", "T*", "star"), ("sku", "X*", "other")], "star"),
    ],
)
def test_of_several_rows_the_more_exact_one_answers_in_whatever_order_they_stand(rows, target):
    assert compiled(*rows).text("sku", "TEE") == target
    assert compiled(*reversed(rows)).text("sku", "TEE") == target


TAXES = [
    ("tax", "DE:19", "any 19"),
    ("tax", "DE:19", "goods", "global", "title=MwSt*"),
    ("tax", "*", "German", "global", "country=DE"),
    ("tax", "*", "German about 19", "global", "country=DE; rate=18..20"),
    ("tax", "*", "German 19", "global", "country=DE; rate=19..19.5"),
]


@pytest.mark.parametrize(
    ("value", "facts", "target"),
    [
        ("DE:19", {"country": "DE", "rate": "19", "title": "MwSt 19%"}, "goods"),
        ("DE:19", {"country": "DE", "rate": "19", "title": "Steuer"}, "any 19"),
        ("DE:19.5", {"country": "DE", "rate": "19.5"}, "German 19"),
        ("DE:18", {"country": "DE", "rate": "18"}, "German about 19"),
        ("DE:7", {"country": "DE", "rate": "7"}, "German"),
        ("AT:20", {"country": "AT", "rate": "20"}, ""),
        ("DE:7", {}, ""),
    ],
)
def test_conditions_choose_between_rows_and_the_narrower_range_wins(value, facts, target):
    for rows in (TAXES, TAXES[::-1]):
        found = compiled(*rows)
        # Twice: what is remembered is remembered for these facts alone.
        assert [found.text("tax", value, "", facts) for _ in range(2)] == [target] * 2


def test_a_value_of_which_nobody_speaks_is_not_found():
    found = compiled(("sku", "T*", "star"))
    assert found.find("sku", "CUP") is None
    assert found.find("tax", "TEE") is None
    assert found.plain.find("sku", "CUP") is None
    assert found.plain.find("sku", "TEE") == "star"


# --- who asks ---------------------------------------------------------------------------------------------------


class Target:
    def resolve(self, refs):
        return {ref: {"id": ref.value} for ref in refs}


def test_two_taxes_of_one_rate_are_told_apart_by_their_titles():
    def tax(title):
        return Ref("tax", "DE:19", hint={"country": "DE", "rate": "19", "title": title}, variant=title)

    rows = compiled(("tax", "DE:19", "goods", "global", "title=Goods*"), ("tax", "DE:19", "services"))
    goods, services = tax("Goods 19"), tax("Services 19")
    found = resolve({goods, services}, rows, Target())
    assert (found[goods]["id"], found[services]["id"]) == ("goods", "services")


def test_stock_goes_to_every_sku_that_has_a_row_of_its_own_and_to_the_code_unless_that_means_another():
    articles = Articles(
        compiled(
            ("sku", "OLD", "TEE"),
            ("sku", "TEE", "TEE-2"),
            ("sku", "CUP-*", "CUP"),
            ("sku", "BIG", "TEE", "channel:web"),
        )
    )
    assert articles.code("CUP-RED") == "CUP"
    assert articles.skus("TEE") == ("BIG", "OLD")
    assert articles.skus("TEE-2") == ("TEE", "TEE-2")
    assert articles.skus("CUP") == ("CUP",)
    assert articles.is_spare("TEE-2")
    assert not articles.is_spare("CUP-RED")
