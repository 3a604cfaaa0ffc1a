from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sync.store.engine import Store
from tests.sync.flows.life import Life

_CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def live(store: Store, *, examples: int, steps: int) -> None:
    machine = type("Life", (Life,), {"store": store})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=_CHECKS
        ),
    )


@pytest.mark.slow
def test_whatever_happens_every_order_ends_in_the_erp_once_or_held_with_its_cause(sqlite_store):
    live(sqlite_store, examples=15, steps=25)


@pytest.mark.slow
def test_the_same_on_postgresql(postgres_store):
    live(postgres_store, examples=5, steps=20)
