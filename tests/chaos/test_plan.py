from __future__ import annotations

import pytest

from connectors.sandbox.faults import fault_from_json
from tests.chaos.nemesis import Nemesis, kind_of
from tests.chaos.plan import Plan, make_plan
from tests.chaos.scale import LEASE_S, SETTLE_S
from tests.faultproxy.toxics import toxic_from_json

DATABASES = ("sqlite", "postgresql")
SEEDS = range(40)


def plans(database: str) -> list[Plan]:
    return [make_plan(seed, seconds=90, database=database) for seed in SEEDS]


@pytest.mark.parametrize("database", DATABASES)
def test_the_same_seed_is_the_same_schedule_and_another_is_another(database):
    assert plans(database) == plans(database)
    assert len({str(plan) for plan in plans(database)}) == len(SEEDS)


@pytest.mark.parametrize("database", DATABASES)
def test_every_step_can_be_carried_out(database):
    for step in (step for plan in plans(database) for step in plan.steps):
        assert callable(getattr(Nemesis, f"_{kind_of(step).replace(' ', '_')}"))
        if "toxic" in step.how:
            toxic_from_json(step.how["toxic"])
        if step.kind.endswith("reply"):
            fault = fault_from_json(step.how)
            # Nothing lands later than the systems declare: what comes after that nobody could know of.
            assert fault.after_s <= SETTLE_S


@pytest.mark.parametrize("database", DATABASES)
def test_a_minute_and_a_half_hold_every_kind_of_fault(database):
    every = {kind_of(step) for plan in plans(database) for step in plan.steps}
    for plan in plans(database):
        assert {kind_of(step) for step in plan.steps} == every


def test_who_is_stopped_stands_still_for_longer_than_a_lease():
    stopped = [step for plan in plans("sqlite") for step in plan.steps if step.kind.startswith("stop")]
    assert stopped
    assert all(step.how["for_s"] > LEASE_S for step in stopped)


def test_the_shop_is_both_broken_and_in_maintenance():
    modes = {step.how["mode"] for plan in plans("sqlite") for step in plan.steps if step.kind == "shop down"}
    assert modes == {"database-down", "maintenance"}


def test_both_kinds_of_erp_are_met():
    assert {plan.enforces_keys for plan in plans("sqlite")} == {True, False}
