"""Which requests a fault hits."""

from __future__ import annotations

import pytest

from connectors.sandbox.exchange import Request
from connectors.sandbox.faults import FaultPlan, FaultScriptError


def request(method="POST", target="/wp-json/wc/v3/orders?x=1", body=b""):
    return Request(method, target, {}, body)


def hits(plan, count, **fields):
    return [plan.pick(request(**fields)) is not None for _ in range(count)]


def test_a_fault_hits_the_nth_matching_request_and_then_count_times():
    plan = FaultPlan()
    plan.add(kind="reset", nth=2, count=2)

    assert hits(plan, 5) == [False, True, True, False, False]


def test_without_a_count_it_hits_for_ever():
    plan = FaultPlan()
    plan.add(kind="reset", count=None)

    assert all(hits(plan, 20))


def test_method_path_and_body_choose_the_request():
    plan = FaultPlan()
    plan.add(kind="reset", method="POST", path="*/orders", body_contains="k-1", count=None)

    assert hits(plan, 1, body=b'{"key":"k-1"}') == [True]
    assert hits(plan, 1, body=b'{"key":"k-2"}') == [False]
    assert hits(plan, 1, method="GET", body=b"k-1") == [False]
    assert hits(plan, 1, target="/wp-json/wc/v3/orders/1", body=b"k-1") == [False]


def test_a_request_that_does_not_match_is_not_counted():
    plan = FaultPlan()
    plan.add(kind="reset", method="POST", nth=2)

    assert hits(plan, 3, method="GET") == [False] * 3
    assert hits(plan, 2) == [False, True]


def test_a_probability_is_repeatable_by_its_seed():
    def series(seed):
        plan = FaultPlan()
        plan.add(kind="reset", probability=0.3, seed=seed, count=None)
        return hits(plan, 200)

    assert series(1) == series(1)
    assert series(1) != series(2)
    assert 30 < sum(series(1)) < 90


def test_an_outage_ends_by_itself(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    plan = FaultPlan()
    plan.add(kind="status", status=503, for_s=10, count=None)

    assert hits(plan, 1) == [True]
    clock[0] = 111.0
    assert hits(plan, 1) == [False]


def test_the_first_fault_that_fires_wins_and_the_next_takes_over():
    plan = FaultPlan()
    plan.add(kind="reset")
    plan.add(kind="close")

    assert [plan.pick(request()).kind for _ in range(2)] == ["reset", "close"]


def test_an_effect_may_not_land_later_than_the_declared_bound():
    plan = FaultPlan(settle_s=2)

    with pytest.raises(FaultScriptError, match="settle_s"):
        plan.add(kind="drop_then_commit", after_s=2.5)
