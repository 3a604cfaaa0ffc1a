"""One warm driver process for all cases, and what a case says when it fails."""

from __future__ import annotations

import dataclasses
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.boundaries.cases import Case
from tests.shared import THOROUGH, run_folder

ROOT = Path(__file__).parents[2]
Try = Callable[[Case], list[dict[str, Any]]]


def _started(lanes: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.boundaries.driver", str(lanes)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.fixture(scope="session")
def runs_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Try]:
    """Tries a case at each of its boundaries; answers the runs by boundary."""
    lanes = run_folder(tmp_path_factory) / "lanes"
    driver, owes = _started(lanes), False

    def run(case: Case) -> list[dict[str, Any]]:
        nonlocal driver, owes
        if owes:
            # The last case was given up, for its time was over: its answer would be taken for this one's.
            driver.kill()
            driver.communicate()
            driver = _started(lanes)
        owes = True
        driver.stdin.write(json.dumps(dataclasses.asdict(case)) + "\n")
        driver.stdin.flush()
        answer = driver.stdout.readline()
        owes = False
        assert answer, "the driver died; its last words are on stderr"
        return json.loads(answer)["runs"]

    yield run
    if owes:
        driver.kill()
    driver.communicate()


@pytest.fixture
def boundaries_of(runs_of: Try) -> Callable[[Case], list[str]]:
    """The names of the boundaries that the drain of a case crosses when nobody strikes it, which must end well too."""

    def names(case: Case) -> list[str]:
        [run] = runs_of(dataclasses.replace(case, only=NEVER))
        assert not run["faults"], story(case, [run])
        return run["crossed"]

    return names


@pytest.fixture
def survives_at_some(survives, boundaries_of) -> Callable[..., None]:
    """The same at one of so many boundaries of every kind, where another case is struck at all of them."""

    def check(case: Case, *, every: int) -> None:
        count = len(boundaries_of(case))
        survives(dataclasses.replace(case, only=_thinned(range(1, count + 1), every)))

    return check


@pytest.fixture
def survives_changes(survives, boundaries_of) -> Callable[..., None]:
    """The same for cases beside those that are struck everywhere: wherever something has changed somewhere.

    Between a commit, a request that is out and an answer to a write nothing changes in our database or in the ERP, so
    what dies there leaves the same behind: one of them stands for all. What only stands still goes on from where it
    was, so there every boundary is another. `every` thins out what remains, at other places with each run of the
    tests, where another case is struck at all of them; what comes before `first`, where all is alike, is thinned out
    eight times as much. With THOROUGH nothing is left out.
    """

    def check(case: Case, *, first: int = 1, every: int = 1) -> None:
        names = boundaries_of(case)
        struck = [
            number
            for number, name in enumerate(names, 1)
            if number >= first and (THOROUGH or case.blow != "kill" or name.startswith(CHANGES))
        ]
        before = _thinned(range(1, first), _ALIKE * every)
        survives(dataclasses.replace(case, only=(*before, *_thinned(struck, every))))

    return check


@pytest.fixture
def survives_from_the_intent(survives_changes, boundaries_of) -> Callable[..., None]:
    """The same for bad luck in a call.

    What died before it had written down what it was about to send leaves a lease and nothing else, so the drain after
    it meets the bad luck unharmed; one or a few of those stand for all.
    """

    def check(case: Case, *, every: int = 1) -> None:
        # On a machine that stands still for seconds a drain may give its turn up before it has announced anything.
        tries = (boundaries_of(case) for _ in range(3))
        names = next(found for found in tries if any(INTENT in name for name in found))
        first = next(number for number, name in enumerate(names, 1) if INTENT in name)
        survives_changes(case, first=first, every=every)

    return check


@pytest.fixture
def survives_in_a_life(survives, boundaries_of) -> Callable[..., None]:
    """The same for a long drain: left out is what is like its neighbour for whoever comes after.

    A write that was begun is as little there as one that is about to be committed, and of a read nothing is left.
    `every` thins out what remains.
    """

    def check(case: Case, *, every: int = 1) -> None:
        names = boundaries_of(case)
        first = next(number for number, name in enumerate(names, 1) if INTENT in name)
        telling = [
            number
            for number, name in enumerate(names, 1)
            if number >= first and not name.startswith(("write about to commit", "read in"))
        ]
        survives(dataclasses.replace(case, only=_thinned(telling, every)))

    return check


@pytest.fixture
def survives_while_stock_is_shown(survives, boundaries_of) -> Callable[..., None]:
    """The same for the drain of a shop's stock: after each commit, and while and after each call.

    It makes no promise that it has to keep, so what died in between is what died after the last of these.
    """

    def check(case: Case, *, every: int = 1) -> None:
        names = boundaries_of(case)
        telling = [
            number
            for number, name in enumerate(names, 1)
            if name.startswith(("write committed", "sent", "answered")) and "sync.work.heart" not in name
        ]
        survives(dataclasses.replace(case, only=_thinned(telling, every)))

    return check


@pytest.fixture
def survives(runs_of: Try) -> Callable[[Case], None]:
    """Holds a case to the promise, at every boundary up to the first run that was not struck any more."""

    def check(case: Case) -> None:
        runs = runs_of(case)
        assert not faulty(runs), story(case, faulty(runs))
        if case.only:
            return
        struck = [run["at"] for run in runs if run["end"] != "whole"]
        whole = [run for run in runs if run["end"] == "whole"]
        assert whole, "no run came through unharmed: the boundaries have no end"
        assert [run["at"] for run in runs] == list(range(1, len(runs) + 1))
        assert len(struck) >= LEAST_BOUNDARIES

    return check


#: A boundary that no drain has: it comes through, and only its luck is bad.
NEVER = (9999,)
#: The function that writes intents down.
INTENT = "sync.flows.context.announce"
#: So many boundaries at which a drain has announced nothing yet are worth one at which it has.
_ALIKE = 8
#: How the boundaries begin behind which something is other than before.
CHANGES = ("write committed", "sent", "answered POST", "answered PUT", "answered DELETE")
#: Store and kit of a single order; fewer would mean that the numbering lost its grip on one of them.
LEAST_BOUNDARIES = 50


def _thinned(numbers: Sequence[int], every: int) -> tuple[int, ...]:
    """One of so many; which, the seed of the test run chooses, so that the runs of a week strike at all of them."""
    begin = 0 if THOROUGH else random.randrange(max(1, min(every, len(numbers))))
    return tuple(numbers[begin :: 1 if THOROUGH else every])


def faulty(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [run for run in runs if run["faults"]]


def story(case: Case, runs: list[dict[str, Any]]) -> str:
    lines = [f"{len(runs)} boundaries break the promise:"]
    for run in runs[:10]:
        lines.append(f"  {run['at']} ({run['end']}, {run['where']}):")
        lines.extend(f"    {fault}" for fault in run["faults"][:5])
    if case.tryton:
        return "\n".join(lines)
    again = json.dumps(dataclasses.asdict(case) | {"only": [run["at"] for run in runs[:10]]})
    return "\n".join([*lines, "again:", f"  echo '{again}' | python -m tests.boundaries.driver"])
