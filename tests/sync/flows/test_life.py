from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from sync.store.engine import Store
from tests.boundaries.removals import take_out
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


# --- the machine itself goes red --------------------------------------------------------------------------------

REPLY_LOST = [("create", "landed"), ("advance", "landed"), ("create", "late"), ("advance", "late")]
BOUNDARIES = range(1, 26, 2)


def short_lives(store: Store) -> Iterator[tuple[str, Callable[[], None]]]:
    """Lives of one order in which one thing goes wrong, whatever a search would find first."""

    def live(disturb: Callable[[Life], None]) -> None:
        machine = type("Life", (Life,), {"store": store})()
        machine.begin(enforced=False, bulk=1, trusted=True)
        machine.place("processing", "TASSE", "20.00", "a", told=True)
        disturb(machine)
        machine.all_of_it_holds()
        machine.heal()
        machine.all_of_it_holds()

    def spoil(machine: Life, action: str, kind: str) -> None:
        machine.spoil_write(action, kind, 20)
        for seconds in (1, 16, 45):
            machine.drain()
            machine.wait(seconds)

    for action, kind in REPLY_LOST:
        yield f"{action} {kind}", functools.partial(live, functools.partial(spoil, action=action, kind=kind))
    for boundary in BOUNDARIES:
        yield (
            f"asleep at {boundary}",
            functools.partial(live, functools.partial(Life.drain_and_sleep, boundary=boundary)),
        )


def test_short_lives_end_well(sqlite_store):
    for _, live in short_lives(sqlite_store):
        live()


# What the fence keeps from happening shows in what is written where, and is seen by tests.boundaries.test_removals.
@pytest.mark.parametrize("safeguard", ["look_up", "intent", "settle"])
def test_with_a_safeguard_taken_out_one_of_them_does_not(sqlite_store, monkeypatch, safeguard):
    take_out(safeguard, monkeypatch.setattr)
    assert any(fails(live) for _, live in short_lives(sqlite_store))


def fails(live: Callable[[], None]) -> bool:
    try:
        live()
    except AssertionError:
        return True
    return False
