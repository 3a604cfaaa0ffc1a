"""Doubtful matches: asked once for each customer, decided by people, taken back."""

from __future__ import annotations

import pytest

from sync.store.matches import (
    Answer,
    Candidate,
    Customer,
    Decision,
    Doubt,
    ask,
    count_open,
    decide,
    decided_matches,
    decision,
    decisions,
    find_match,
    fitting,
    load_match,
    open_matches,
    undo,
)
from sync.store.migrate import migrate

ANN = Customer(name="Ann", email="ann@shop.example", channel="web", order="7", number="#1007")
ONE = Candidate(id="1", name="Ann", code="C1", same=("name", "email"))
TWO = Candidate(id="2", name="Anna Ltd", email="ann@shop.example", same=("email",))


@pytest.fixture
def store(store):
    migrate(store)
    return store


def doubt(key="email:ann@shop.example", connection="erp", candidates=(ONE, TWO)):
    return Doubt(connection=connection, key=key, rung="email", customer=ANN, candidates=candidates)


def asked(store, *args, why="", **kw):
    return store.write(lambda c: ask(c, doubt(*args, **kw), why=why))


def decided(store, match_id, answer=Answer.SAME, chosen="2"):
    return store.write(lambda c: decide(c, match_id, answer, chosen, by="bo", reason="asked them"))


def test_a_customer_is_asked_for_once_and_what_is_found_last_is_shown(store):
    first = asked(store)
    assert asked(store, candidates=(TWO,)) == first
    assert asked(store, connection="crm") != first
    found = store.read(lambda c: load_match(c, first))
    assert (found.customer, found.candidates, found.is_open) == (ANN, (TWO,), True)
    assert store.read(count_open) == {"erp": 1, "crm": 1}


def test_a_decision_counts_until_it_is_taken_back(store):
    key, number = doubt().key, asked(store)
    assert store.read(lambda c: decision(c, "erp", key)) is None
    assert decided(store, number)
    assert not decided(store, number, Answer.APART, "")
    # The next order of the customer asks again, and changes nothing.
    assert asked(store, candidates=(ONE,)) == number
    found = store.read(lambda c: find_match(c, "erp", key))
    assert (found.answer, found.decided_by, found.reason, found.chosen_candidate) == ("same", "bo", "asked them", TWO)
    assert store.read(lambda c: decisions(c, "erp", [key, "vat:1"])) == {key: Decision(number, Answer.SAME, "2")}
    assert store.read(lambda c: decision(c, "crm", key)) is None
    assert store.read(count_open) == {}
    assert store.write(lambda c: undo(c, number, why="taken back"))
    assert not store.write(lambda c: undo(c, number, why="taken back"))
    again = store.read(lambda c: load_match(c, number))
    assert (again.is_open, again.why, again.chosen, again.decided_by) == (True, "taken back", "", "")


def test_what_is_wrong_with_a_decision_opens_it_again(store):
    number = asked(store)
    decided(store, number)
    assert asked(store, why="it is gone", candidates=(ONE,)) == number
    found = store.read(lambda c: load_match(c, number))
    assert (found.is_open, found.why, found.candidates) == (True, "it is gone", (ONE,))


def test_a_page_begins_behind_a_match_or_ends_before_one(store):
    ids = [asked(store, f"email:{number}@shop.example") for number in range(5)]
    decided(store, ids[2])

    def page(**kw):
        return [match.id for match in store.read(lambda c: open_matches(c, **kw))]

    assert page(limit=2) == ids[:2]
    assert page(after=ids[1], limit=2) == ids[3:]
    assert page(before=ids[4], limit=2) == [ids[1], ids[3]]
    assert page(asked="crm", limit=9) == []
    assert [match.id for match in store.read(lambda c: decided_matches(c, "erp", limit=9))] == [ids[2]]


def test_long_keys_that_begin_alike_are_two_customers(store):
    one, two = (f"email:{'a' * 300}{end}@shop.example" for end in "xy")
    assert len(fitting(one)) == 255
    assert asked(store, one) != asked(store, two)
    number = asked(store, one)
    decided(store, number)
    assert list(store.read(lambda c: decisions(c, "erp", [one, two]))) == [one]
