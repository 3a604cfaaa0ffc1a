"""The contract of a source mapping, on every recorded order: it maps, ties to the cent, and refuses what is wrong."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_to_json
from mappings.registry import SOURCES
from sync.contract import mapping_contract_of
from tests.contract.recorded_orders import Recorded, recorded_orders, refusals

OPTIONS = SourceOptions()
ORDER = SOURCES["woocommerce"].order
Body = dict[str, Any]

every_order = pytest.mark.parametrize("recorded", recorded_orders(), ids=lambda recorded: recorded.where)
every_accepted_order = pytest.mark.parametrize(
    "recorded",
    [recorded for recorded in recorded_orders() if recorded.where not in refusals()],
    ids=lambda recorded: recorded.where,
)


def problems_of(body: Body) -> tuple[Problem, ...]:
    with pytest.raises(Problems) as caught:
        ORDER(body, OPTIONS)
    return caught.value.problems


def outcome(body: Body) -> Order | tuple[Problem, ...]:
    try:
        return ORDER(body, OPTIONS)
    except Problems as problems:
        return problems.problems


def test_there_are_orders_of_every_origin():
    origins = {recorded.where.split("/")[2] for recorded in recorded_orders()}
    assert {"hooks", "orders", "docs-v3", "47-orders-list-page1.json.response.json[0]"} <= origins
    assert len(recorded_orders()) >= 110


def test_at_most_three_are_refused_and_each_of_them_exists():
    assert len(refusals()) <= 3
    assert refusals().keys() <= {recorded.where for recorded in recorded_orders()}
    assert all(line["reason"] for line in refusals().values())


TestRecorded = mapping_contract_of(
    SOURCES["woocommerce"],
    {recorded.where: recorded.body for recorded in recorded_orders()},
    stated=lambda body: (body["total"], body["total_tax"]),
    refused={where: (line["path"], "") for where, line in refusals().items()},
)


@every_accepted_order
def test_an_order_writes_the_total_as_its_payload_does(recorded: Recorded):
    order = ORDER(recorded.body, OPTIONS)
    written = order_to_json(order)
    assert (written["currency"], written["totals"]["grand"]) == (recorded.body["currency"], recorded.body["total"])
    assert len(order.lines) == len(recorded.body["line_items"])


@pytest.mark.parametrize("where", refusals())
def test_a_refusal_names_what_is_wrong(where: str):
    body = next(recorded.body for recorded in recorded_orders() if recorded.where == where)
    (problem,) = problems_of(body)
    assert problem.cause == "totals_mismatch"
    assert problem.path == refusals()[where]["path"]
    assert all(fee["name"] in problem.reason for fee in body["fee_lines"])


def drop(*path: str | int) -> Callable[[Body], None]:
    """Drop the field at this path; of a list the last entry, so that single-line orders are hit too."""

    def mutate(body: Body) -> None:
        *way, name = path
        del _at(body, way)[name]

    return mutate


def put(value: Any, *path: str | int) -> Callable[[Body], None]:
    def mutate(body: Body) -> None:
        *way, name = path
        _at(body, way)[name] = value

    return mutate


def move_total(by: str) -> Callable[[Body], None]:
    def mutate(body: Body) -> None:
        body["total"] = f"{Decimal(body['total']) + Decimal(by):f}"

    return mutate


def add_unknown_keys(body: Body) -> None:
    for found in list(_objects(body)):
        found["crossdock_has_never_seen_this"] = {"amount": "1e400", "list": [None, True]}


def _objects(value: Any) -> Iterator[Body]:
    if isinstance(value, dict):
        yield value
        for key, child in value.items():
            # An address or a line may get new fields; a meta value is one value, whatever is inside.
            if key != "meta_data":
                yield from _objects(child)
    elif isinstance(value, list):
        for child in value:
            yield from _objects(child)


def _at(value: Any, way: list[str | int]) -> Any:
    for step in way:
        value = value[step]
    return value


@dataclasses.dataclass(frozen=True)
class Mutant:
    name: str
    mutate: Callable[[Body], None]
    #: Path and cause of the problem that must be among those reported; None: the outcome is that of the original.
    refused: tuple[str, str] | None
    #: What the reason must say.
    says: str = ""


#: The table of mutants.
MUTANTS = [
    Mutant("total dropped", drop("total"), ("total", "mapping"), "missing"),
    Mutant("currency dropped", drop("currency"), ("currency", "mapping"), "missing"),
    Mutant("lines dropped", drop("line_items"), ("line_items", "mapping"), "missing"),
    Mutant("tax of a line dropped", drop("line_items", 0, "total_tax"), ("line_items[0].total_tax", "mapping")),
    Mutant("billing dropped", drop("billing"), ("billing", "mapping"), "missing"),
    Mutant("time of payment dropped", drop("date_paid_gmt"), ("date_paid_gmt", "mapping"), "missing"),
    Mutant("comma in a total", put("12,34", "total"), ("total", "mapping"), "'12,34'"),
    Mutant("thousands in a line", put("1.234,56", "line_items", 0, "total"), ("line_items[0].total", "mapping")),
    Mutant("NaN in a tax", put("NaN", "total_tax"), ("total_tax", "mapping"), "'NaN'"),
    Mutant("underscore in a line", put("1_000", "line_items", 0, "subtotal"), ("line_items[0].subtotal", "mapping")),
    Mutant("Arabic digits in a total", put("٧٣.٠٦", "total"), ("total", "mapping")),
    Mutant("float in a total", put(73.06, "total"), ("total", "mapping"), "73.06"),
    Mutant("total raised by 0.06", move_total("0.06"), ("total", "totals_mismatch")),
    Mutant("total lowered by 0.06", move_total("-0.06"), ("total", "totals_mismatch")),
    Mutant("unknown state", put("teleported", "status"), ("status", "unmapped"), "'teleported'"),
    Mutant("unknown keys everywhere", add_unknown_keys, None),
]


@pytest.mark.fault("B20")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
@every_order
def test_a_mutant_gets_the_outcome_of_its_row(recorded: Recorded, mutant: Mutant):
    body = copy.deepcopy(recorded.body)
    mutant.mutate(body)
    if mutant.refused is None:
        assert outcome(body) == outcome(recorded.body)
        return
    named = {(problem.path, problem.cause): problem.reason for problem in problems_of(body)}
    assert mutant.refused in named
    assert mutant.says in named[mutant.refused]


@every_accepted_order
def test_a_total_within_the_threshold_carries_the_difference_by_name(recorded: Recorded):
    body = copy.deepcopy(recorded.body)
    move_total("0.05")(body)
    order = ORDER(body, OPTIONS)
    assert order.totals.rounding.amount == Decimal("0.05") + ORDER(recorded.body, OPTIONS).totals.rounding.amount
    assert f"{order.totals.grand.amount:f}" == body["total"]


@every_order
def test_everything_that_is_wrong_is_reported_at_once(recorded: Recorded):
    body = copy.deepcopy(recorded.body)
    for mutant in (put("x", "total"), put("soon", "date_created_gmt"), put("?", "status"), drop("number")):
        mutant(body)
    body["line_items"] = [{**line, "quantity": "two", "total": None} for line in body["line_items"]]
    paths = {problem.path for problem in problems_of(body)}
    lines = range(len(body["line_items"]))
    assert paths == {
        *("total", "date_created_gmt", "status", "number"),
        *(f"line_items[{index}].{field}" for index in lines for field in ("quantity", "total")),
    }
