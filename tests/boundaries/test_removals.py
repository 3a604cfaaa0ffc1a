"""Each safeguard taken out makes the verdict red: what stays green without it would prove nothing.

With it they are green: each of these cases is one of `test_boundaries` too.
"""

from __future__ import annotations

import dataclasses

import pytest

from tests.boundaries.cases import ADVANCE, CREATE, PARTY, Case, commit_then_drop, drop_then_commit
from tests.boundaries.conftest import NEVER

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]

NEEDED = {
    "look_up": (Case(enforced_key=False, faults=commit_then_drop(CREATE), only=NEVER), "doubled"),
    "intent, creation": (Case(enforced_key=False, faults=drop_then_commit(CREATE), only=NEVER), "doubled"),
    "intent, confirmation": (Case(faults=drop_then_commit(ADVANCE), only=NEVER), "was confirmed 2 times"),
    "intent, customer": (Case(enforced_key=False, faults=drop_then_commit(PARTY), only=NEVER), "was created 2 times"),
    "settle, creation": (Case(enforced_key=False, faults=drop_then_commit(CREATE), only=NEVER), "doubled"),
    "settle, confirmation": (Case(faults=drop_then_commit(ADVANCE), only=NEVER), "was confirmed 2 times"),
    "settle, customer": (Case(enforced_key=False, faults=drop_then_commit(PARTY), only=NEVER), "was created 2 times"),
    "fence": (Case(enforced_key=False, blow="stop", only=tuple(range(10, 70, 4))), "the zombie wrote"),
    "unheard": (Case(story="stock", only=NEVER), "was set to"),
    "fence_of_claims": (Case(blow="stop", only=tuple(range(1, 13))), "missing"),
}


#: What one safeguard prevents is a race, and on a busy machine a run may miss it.
TRIES = 3


@pytest.mark.parametrize("name", NEEDED)
def test_without_it_the_verdict_is_red(runs_of, name):
    case, fault = NEEDED[name]
    found = []
    for only in _pieces(case.only) * TRIES:
        runs = runs_of(dataclasses.replace(case, removed=name.partition(",")[0], only=only))
        found += [text for run in runs for text in run["faults"]]
        if any(fault in text for text in found):
            return
    raise AssertionError(f"all green without {name}: {found}")


def _pieces(numbers: tuple[int, ...]) -> list[tuple[int, ...]]:
    """A few at a time, for the first that is red is enough; those of a piece come from all over the drain."""
    count = -(-len(numbers) // 4)
    return [numbers[begin::count] for begin in range(count)]
