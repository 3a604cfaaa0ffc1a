"""What the tests that speak for the scorecard have found: run here and kept, so that a page is made without them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import pytest

from connectors.registry import CONNECTORS
from sync.contract.suite import ANY_SIDE, SIDES
from tests.scorecard.recorded import EVIDENCE, RESULTS, keep, load
from tests.scorecard.states import SYSTEMS
from tests.shared import REPOSITORY

#: Where the contract of each connector is run; Tryton's is a real one.
CONTRACT: Final = (
    *("tests/contract/test_connectors.py", "tests/contract/test_targets.py"),
    *("tests/real/test_tryton_contract.py", "tests/real/test_tryton_facets.py"),
)
MATRIX: Final = "tests/real/test_matrix.py::test_the_same_basket_ends_as_the_same_order"
_HELD: Final = "held"


def evidence() -> list[str]:
    """The tests that the scorecard names, and the matrix: `file::test`."""
    named = (test for column in load(EVIDENCE).values() for told in column.values() for test in told.get("tests", ()))
    return sorted({MATRIX, *named})


def record(only: Sequence[str] = ()) -> None:
    """Run them all, a quarter of an hour, or some, and keep what was found; ends the program where one fails."""
    tests = only or [*CONTRACT, *(test for test in evidence() if not test.startswith(CONTRACT))]
    # In a process of its own: this one has imported what pytest wants to import itself.
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-q", "-p", __name__, *tests]
    if subprocess.run(command, cwd=REPOSITORY, check=False).returncode:
        sys.exit("not all of them have passed: those that have not speak for nothing")


def pytest_configure(config: pytest.Config) -> None:
    """Loaded by `record` alone."""
    config.pluginmanager.register(_Recorder(keeps=not hasattr(config, "workerinput")))


class _Recorder:
    """Counts what has passed, by the connector and its capability, and by the test."""

    def __init__(self, *, keeps: bool) -> None:
        self._keeps = keeps
        #: (system, capability), or a test -> how often it has passed; 0 once it has not.
        self._passed: Counter[tuple[str, str] | str] = Counter()
        self._failed: set[tuple[str, str] | str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Say whose each test is, to whoever counts."""
        for item in items:
            item.user_properties += [(_HELD, whose) for whose in _held(item)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One more has passed, or has not; what was skipped says nothing."""
        if report.skipped or (report.passed and report.when != "call"):
            return
        held = [(str(whose[0]), str(whose[1])) for name, whose in report.user_properties if name == _HELD]  # type: ignore[index]
        names: list[tuple[str, str] | str] = [*held, report.nodeid.partition("[")[0]]
        if report.nodeid.startswith(MATRIX):
            names.append(report.nodeid)
        if report.passed:
            self._passed.update(names)
        else:
            self._failed.update(names)

    def pytest_sessionfinish(self) -> None:
        """In place of what was known of those that have run."""
        if not self._keeps:
            return
        kept = load(RESULTS) or {"contract": {}, "tests": {}}
        wanted = set(evidence())
        for name in {*self._passed, *self._failed}:
            count = 0 if name in self._failed else self._passed[name]
            if isinstance(name, tuple):
                if name[0] in SYSTEMS:
                    kept["contract"].setdefault(name[0], {})[name[1]] = count
            elif name in wanted or name.startswith(f"{MATRIX}["):
                kept["tests"][name] = count
        contract = {system: dict(sorted(counts.items())) for system, counts in sorted(kept["contract"].items())}
        keep(RESULTS, {"contract": contract, "tests": dict(sorted(kept["tests"].items()))})


def _held(item: pytest.Item) -> Iterator[tuple[str, str]]:
    """(system, capability) of a test of the contract."""
    function = getattr(item, "function", None)
    owner = getattr(function, "__qualname__", "").rpartition(".")[0]
    systems = [system for system, connector in CONNECTORS.items() if _speaks_to(getattr(item, "cls", None), connector)]
    # A capability that both sides have is held by tests of its own on each.
    suites = [each for side in (*SIDES.values(), ANY_SIDE) for each in side.items()]
    asked = [(each, suite) for each, suite in suites if owner in {base.__name__ for base in suite.__mro__}]
    own = [(each, suite) for each, suite in asked if issubclass(getattr(item, "cls", object), suite)]
    for system in systems[:1]:
        yield from ((system, each.__name__) for each, _ in (own or asked)[:1])


def _speaks_to(cls: type | None, connector: type) -> bool:
    """By what the class says, else by what it is called."""
    told = getattr(cls, "connector", None)
    return cls is not None and (told is connector if told else cls.__name__ == f"Test{connector.__name__}")
