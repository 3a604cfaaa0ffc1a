"""The audit as people look through it."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import update

from sync.desk.activity import activity_page, activity_words, all_activity
from sync.store.audit import Actor, AuditFilter, record_audit
from sync.store.tables import audit


@pytest.fixture
def busy(store):
    """25 changes: 1, 2, ... by ada and eve in turn."""
    for number in range(1, 26):
        actor = Actor("ada" if number % 2 else "eve", "console 192.0.2.1")
        store.write(
            lambda c, a=actor, n=number: record_audit(
                c, a, "retry", f"order:web:{n}", before="held", reason=f"100% of {n}"
            )
        )
    return store


def numbers(entries):
    return [int(entry.subject.rpartition(":")[2]) for entry in entries]


def test_the_newest_comes_first_and_one_may_go_on_and_back(busy):
    everything = AuditFilter()
    first = activity_page(busy, everything, size=10)
    assert numbers(first.entries) == list(range(25, 15, -1))
    assert first.newer_than is None
    second = activity_page(busy, everything, size=10, below=first.older_than)
    last = activity_page(busy, everything, size=10, below=second.older_than)
    assert numbers(last.entries) == [5, 4, 3, 2, 1]
    assert last.older_than is None
    back = activity_page(busy, everything, size=10, above=last.newer_than)
    assert back.entries == second.entries
    start = activity_page(busy, everything, size=10, above=back.newer_than)
    assert start.entries == first.entries
    assert start.newer_than is None


def test_filters_hold_together(busy):
    assert numbers(all_activity(busy, AuditFilter(actor="ada", text="order:web:1"))) == [19, 17, 15, 13, 11, 1]
    assert list(all_activity(busy, AuditFilter(action="approve"))) == []


@pytest.mark.parametrize(
    ("text", "count"), [("100% of", 25), ("0% of 7", 1), ("%", 25), ("_", 0), ("HELD", 25), ("' OR 1=1", 0)]
)
def test_a_text_means_itself(busy, text, count):
    assert len(list(all_activity(busy, AuditFilter(text=text)))) == count


def test_a_time_begins_with_its_first_moment_and_ends_before_its_last(busy):
    border = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    busy.write(lambda c: c.execute(update(audit).where(audit.c.subject == "order:web:3").values(at=border)))
    day = dt.timedelta(days=1)
    assert numbers(all_activity(busy, AuditFilter(since=border, until=border + day))) == [3]
    assert numbers(all_activity(busy, AuditFilter(until=border))) == []


def test_everything_is_read_in_pieces(busy, monkeypatch):
    monkeypatch.setattr("sync.desk.activity._CHUNK", 10)
    assert numbers(all_activity(busy, AuditFilter())) == list(range(25, 0, -1))


def test_what_there_is_to_filter_by(busy):
    assert activity_words(busy) == (["ada", "eve"], ["retry"])


def test_an_empty_audit_is_an_empty_page(store):
    page = activity_page(store, AuditFilter(), size=10)
    assert (page.entries, page.newer_than, page.older_than) == ([], None, None)
