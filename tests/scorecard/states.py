"""How each connector stands: yes, partly or no, by what its class declares and by what the tests have found."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.kit.base import ManagesWebhooks, ReceivesWebhooks, SalesTarget
from connectors.kit.facets import DetailsRefunds, ListsRefunds, MakesRefunds, RefundsSales
from connectors.registry import CONNECTORS, has
from sync.cli.sandbox import SANDBOXES
from sync.contract import held_by
from tests.scorecard.recorded import EVIDENCE, RESULTS, load
from tests.shared import REPOSITORY

#: The sandbox ERP is no system of anybody's.
SYSTEMS: Final = tuple(system for system in CONNECTORS if system != "sandbox_erp")
YES, PARTLY, NO = "yes", "partly", "no"
#: A heading of the page says what is there and what is not.
_SUPPORTED: Final = ("## Supported", "## What it cannot do")


@dataclasses.dataclass(frozen=True)
class Cell:
    """One of a connector's eight."""

    state: str
    #: What speaks for it.
    there: tuple[str, ...]
    #: Why it is not there, or not whole.
    reason: str


@dataclasses.dataclass(frozen=True)
class _Found:
    there: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def card() -> dict[str, dict[str, Cell]]:
    """System -> column -> how it stands. Raises LookupError for what is not whole without a reason."""
    return {system: {column: _cell(system, column) for column in COLUMNS} for system in SYSTEMS}


def _cell(system: str, column: str) -> Cell:
    told = load(EVIDENCE).get(column, {}).get(system, {})
    found = COLUMNS[column](system, told)
    state = NO if not found.there else PARTLY if found.lacks else YES
    reason = told.get("reason", "")
    if state != YES and not reason:
        raise LookupError(f"evidence.yaml does not say why {column} of {system} is {state}: {', '.join(found.lacks)}")
    return Cell(state, found.there, "" if state == YES else reason)


def _contract(system: str, _told: Mapping[str, Any]) -> _Found:
    """Every capability that the class declares and the suite has tests for."""
    passed = load(RESULTS)["contract"].get(system, {})
    declared = [each.__name__ for each, tests in held_by(CONNECTORS[system]).items() if tests]
    held = [each for each in declared if passed.get(each)]
    count = sum(passed[each] for each in held)
    there = (f"{_counted(count, 'test')} of {_counted(len(held), 'capability')}",) if held else ()
    return _Found(there, tuple(each for each in declared if each not in held))


def _counted(count: int, what: str) -> str:
    return f"one {what}" if count == 1 else f"{count} {what.removesuffix('y') + 'ie' if what.endswith('y') else what}s"


def _declared(*wanted: type) -> Callable[[str, Mapping[str, Any]], _Found]:
    """These capabilities, where the connector has them."""

    def look(system: str, _told: Mapping[str, Any]) -> _Found:
        names = {each: each.__name__ for each in wanted}
        there = tuple(f"`{name}`" for each, name in names.items() if has(CONNECTORS[system], each))
        lacks = tuple(name for each, name in names.items() if not has(CONNECTORS[system], each))
        return _Found(there, lacks)

    return look


def _refunds(system: str, told: Mapping[str, Any]) -> _Found:
    is_erp = has(CONNECTORS[system], SalesTarget)
    wanted = (RefundsSales, ListsRefunds) if is_erp else (ListsRefunds, DetailsRefunds, MakesRefunds)
    return _declared(*wanted)(system, told)


def _tested(_system: str, told: Mapping[str, Any]) -> _Found:
    """Tests that have passed; with a reason they are not all that there is to it."""
    passed, named = load(RESULTS)["tests"], told.get("tests", ())
    failed = tuple(f"{test} has not passed" for test in named if not passed.get(test))
    there = tuple(f"`{test.rpartition('::')[2]}`" for test in named if passed.get(test))
    return _Found(there, (*failed, *(["what the reason says"] if "reason" in told else [])))


def _sandbox(system: str, _told: Mapping[str, Any]) -> _Found:
    return _Found((f"`crossdock sandbox {system}`",)) if system in SANDBOXES else _Found()


def _docs(system: str, _told: Mapping[str, Any]) -> _Found:
    page = REPOSITORY / "docs" / "connectors" / f"{system.replace('_', '-')}.md"
    if not page.exists():
        return _Found()
    text = page.read_text("utf-8")
    told = any(f"\n{heading}" in text for heading in _SUPPORTED)
    return _Found((f"[{page.name}]({page.name})",), () if told else ("what is there and what is not",))


COLUMNS: Final[Mapping[str, Callable[[str, Mapping[str, Any]], _Found]]] = {
    "contract suite": _contract,
    "webhooks": _declared(ReceivesWebhooks, ManagesWebhooks),
    "limits": _tested,
    "refunds": _refunds,
    "multi-currency": _tested,
    "schema-checked": _tested,
    "sandbox": _sandbox,
    "docs": _docs,
}
