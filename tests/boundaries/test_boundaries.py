"""kill -9 at every boundary: whatever dies where, each order stands in the ERP once, confirmed once, and we know it."""

from __future__ import annotations

import pytest

from tests.boundaries.cases import ADVANCE, BATCH, CREATE, PARTY, Case, commit_then_drop, drop_then_commit

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.timeout(600)]

BAD_LUCK = {
    "nothing else goes wrong": (),
    "the answer to the creation is lost": commit_then_drop(CREATE),
    "the answer to the confirmation is lost": commit_then_drop(ADVANCE),
    "the creation comes late": drop_then_commit(CREATE),
    "the confirmation comes late": drop_then_commit(ADVANCE),
}

with_and_without_key = pytest.mark.parametrize("enforced_key", [True, False], ids=["key enforced", "no key"])
with_bad_luck = pytest.mark.parametrize("faults", BAD_LUCK.values(), ids=BAD_LUCK)


@with_and_without_key
@with_bad_luck
def test_one_order_survives_a_kill_at_every_boundary(survives, enforced_key, faults):
    survives(Case(enforced_key=enforced_key, faults=faults))


@with_bad_luck
def test_a_batch_of_known_and_new_customers_survives_a_kill_at_every_boundary(survives, faults):
    survives(Case(customers=BATCH, enforced_key=False, bulk=4, faults=faults))


def test_a_batch_survives_a_kill_at_every_boundary_where_the_key_is_enforced(survives):
    survives(Case(customers=BATCH, bulk=4))


def test_a_batch_of_untrusted_orders_survives_a_kill_at_every_boundary(survives):
    survives(Case(customers=BATCH, enforced_key=False, bulk=4, trusted=False))


@with_and_without_key
def test_a_customer_that_is_made_late_is_made_once(survives, enforced_key):
    survives(Case(enforced_key=enforced_key, faults=drop_then_commit(PARTY)))


@with_and_without_key
def test_a_zombie_that_wakes_at_any_boundary_doubles_nothing_and_writes_nothing_of_ours(survives, enforced_key):
    survives(Case(enforced_key=enforced_key, blow="stop"))


def test_a_zombie_with_a_whole_batch_doubles_nothing_and_writes_nothing_of_ours(survives):
    survives(Case(customers=BATCH, enforced_key=False, bulk=4, blow="stop"))


@with_and_without_key
def test_a_pause_at_any_boundary_while_another_drain_serves_the_same_customer_doubles_nothing(survives, enforced_key):
    survives(Case(enforced_key=enforced_key, blow="pause"))
