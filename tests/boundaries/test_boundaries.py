"""kill -9 at every boundary: whatever dies where, each order stands in the ERP once, confirmed once, and we know it."""

from __future__ import annotations

import pytest

from tests.boundaries.cases import (
    ADVANCE,
    BATCH,
    CANCEL,
    CHANGE,
    CREATE,
    PARCEL,
    PARTY,
    PAYMENT,
    REFUND,
    STOCK,
    Case,
    commit_then_drop,
    drop_then_commit,
)

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]

BAD_LUCK = {
    "the answer to the creation is lost": commit_then_drop(CREATE),
    "the answer to the confirmation is lost": commit_then_drop(ADVANCE),
    "the creation comes late": drop_then_commit(CREATE),
    "the confirmation comes late": drop_then_commit(ADVANCE),
    "the customer comes late": drop_then_commit(PARTY),
}

with_bad_luck = pytest.mark.parametrize("faults", BAD_LUCK.values(), ids=BAD_LUCK)


@pytest.mark.fault("A1", "A2", "A3")
def test_one_order_survives_a_kill_at_every_boundary(survives):
    survives(Case(enforced_key=False))


@pytest.mark.fault("A1", "A2", "A3")
def test_one_order_with_an_enforced_key_survives_a_kill_wherever_something_has_changed(survives_changes):
    survives_changes(Case(), every=2)


@pytest.mark.fault("B1", "B2")
@with_bad_luck
def test_one_order_survives_a_kill_in_bad_luck(survives_from_the_intent, faults):
    survives_from_the_intent(Case(enforced_key=False, faults=faults), every=4)


@pytest.mark.fault("B1", "B2")
@with_bad_luck
def test_one_order_with_an_enforced_key_survives_a_kill_in_bad_luck(survives_from_the_intent, faults):
    """The steps are the same as without; only the second creation is refused."""
    survives_from_the_intent(Case(faults=faults), every=8)


def test_a_batch_of_known_and_new_customers_survives_a_kill_at_its_boundaries(survives_at_some):
    survives_at_some(Case(customers=BATCH, enforced_key=False, bulk=4), every=10)


def test_a_batch_with_an_enforced_key_survives_a_kill_wherever_something_has_changed(survives_changes):
    survives_changes(Case(customers=BATCH, bulk=4), every=8)


@with_bad_luck
def test_a_batch_survives_a_kill_in_bad_luck(survives_from_the_intent, faults):
    survives_from_the_intent(Case(customers=BATCH, enforced_key=False, bulk=4, faults=faults), every=10)


@pytest.mark.fault("A23")
def test_a_batch_that_is_looked_up_first_survives_a_kill(survives_from_the_intent):
    survives_from_the_intent(Case(customers=BATCH, enforced_key=False, bulk=4, trusted=False), every=8)


@pytest.mark.fault("A7")
def test_a_zombie_that_wakes_at_any_boundary_doubles_nothing_and_writes_nothing_of_ours(survives_at_some):
    survives_at_some(Case(enforced_key=False, blow="stop"), every=6)


@pytest.mark.fault("A7")
def test_a_zombie_with_an_enforced_key_doubles_nothing_and_writes_nothing_of_ours(survives_from_the_intent):
    survives_from_the_intent(Case(blow="stop"), every=8)


def test_a_zombie_with_a_whole_batch_doubles_nothing_and_writes_nothing_of_ours(survives_from_the_intent):
    survives_from_the_intent(Case(customers=BATCH, enforced_key=False, bulk=4, blow="stop"), every=12)


def test_a_pause_at_any_boundary_while_another_drain_serves_the_same_customer_doubles_nothing(survives_at_some):
    survives_at_some(Case(enforced_key=False, blow="pause"), every=8)


def test_one_order_survives_a_kill_wherever_something_has_changed_on_postgresql(survives_changes, postgres_url):
    survives_changes(Case(enforced_key=False, postgres=postgres_url), every=4)


def test_a_zombie_doubles_nothing_and_writes_nothing_of_ours_on_postgresql(survives_from_the_intent, postgres_url):
    survives_from_the_intent(Case(enforced_key=False, blow="stop", postgres=postgres_url), every=12)


def test_what_comes_after_the_import_survives_a_kill_at_its_boundaries(survives_in_a_life):
    """One drain that carries a refund, two postings, a payment, a fee, a parcel and marks: each once, on both sides.

    At every twelfth one, for each effect has a dozen of the same kind.
    """
    survives_in_a_life(Case(story="life"), every=12)


LOST_IN_A_LIFE = {
    "refund": {"enforced_key": False, "faults": commit_then_drop(REFUND)},
    "payment": {"faults": commit_then_drop(PAYMENT)},
    "parcel": {"shop_faults": commit_then_drop(PARCEL)},
}


@pytest.mark.parametrize("what", LOST_IN_A_LIFE)
def test_what_comes_after_the_import_survives_a_kill_beside_an_answer_that_is_lost(survives_in_a_life, what):
    survives_in_a_life(Case(story="life", **LOST_IN_A_LIFE[what]), every=30)


@pytest.mark.fault("A1", "A2", "A3")
def test_an_order_that_is_divided_survives_a_kill_wherever_something_has_changed(survives_changes):
    """Whatever dies between its two sales, each is made once, and both together are what the shop charged."""
    survives_changes(Case(story="divided", enforced_key=False), every=4)


def test_an_edit_and_a_cancellation_survive_a_kill_wherever_something_has_changed(survives_changes):
    survives_changes(Case(story="change"), every=4)


@pytest.mark.parametrize("what", ["edit", "cancellation"])
def test_an_edit_and_a_cancellation_survive_a_kill_beside_an_answer_that_is_lost(survives_in_a_life, what):
    lost = {"edit": CHANGE, "cancellation": CANCEL}[what]
    survives_in_a_life(Case(story="change", faults=commit_then_drop(lost)), every=10)


def test_a_shops_stock_survives_a_kill_at_its_boundaries(survives_while_stock_is_shown):
    """One drain that looks, announces and writes: in the end the shop shows what is there, and never more before."""
    survives_while_stock_is_shown(Case(story="stock"), every=4)


def test_a_shops_stock_survives_a_kill_beside_an_answer_that_is_lost(survives_while_stock_is_shown):
    survives_while_stock_is_shown(Case(story="stock", shop_faults=commit_then_drop(STOCK)), every=10)
