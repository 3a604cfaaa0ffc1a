"""A short run on each database: a whole installation, seconds of faults, and the checker's word."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.chaos.nemesis import kind_of
from tests.chaos.plan import make_plan
from tests.shared import REPOSITORY

#: Database -> seed; chosen so that a few seconds hold what stands in `MEETS`.
SEEDS = {"sqlite": 16, "postgresql": 3}
SECONDS = 10
MEETS = {
    "sqlite": {"stop before a call", "kill before a call", "stop", "erp reply", "shop reply"},
    "postgresql": {"stop before a call", "kill sandbox", "kill scheduler", "database restarted"},
}
#: A run that takes longer has hung; on a machine for itself it takes half a minute.
PATIENCE_S = 400


def command(database: str) -> list[str]:
    options = ["--seconds", str(SECONDS), "--seed", str(SEEDS[database]), "--database", database]
    return [sys.executable, "-m", "tests.chaos", *options]


@pytest.mark.parametrize("database", SEEDS)
def test_the_seeds_hold_what_they_were_chosen_for(database):
    plan = make_plan(SEEDS[database], seconds=SECONDS, database=database)
    assert {kind_of(step) for step in plan.steps} >= MEETS[database], str(plan)


@pytest.mark.heavy
@pytest.mark.timeout(PATIENCE_S + 20)
@pytest.mark.fault("A1")
@pytest.mark.fault("A7")
@pytest.mark.fault("A20")
@pytest.mark.fault("A24")
@pytest.mark.fault("C3")
@pytest.mark.parametrize("database", SEEDS)
def test_nothing_is_lost_or_doubled_while_everything_fails(database):
    run = subprocess.run(
        command(database), check=False, cwd=REPOSITORY, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
