"""What becomes of every sample that a vendor has published, or that others have recorded of it.

Kept is the name of each and what our mapping says of it, nothing of what is in it: values in a reason are left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mappings.base import SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.jsontext import read_json
from mappings.canonical.words import Phrase
from mappings.registry import SOURCES
from tests.shared import shared_path

_Bodies = Iterator[tuple[str, dict[str, Any]]]
#: What is said where a file holds neither an order nor anything that could be one.
_NO_OBJECT: Final = "holds no record"


@dataclasses.dataclass(frozen=True)
class Samples:
    """Where a system's samples lie, and by what an order in them is known: any of these sets of fields."""

    folder: str
    orders: tuple[frozenset[str], ...] = ()
    #: The name under which an answer or a request has its records.
    records: str = ""


SAMPLES: Final[Mapping[str, Samples]] = {
    "woocommerce": Samples("vendor/woocommerce", (frozenset({"line_items", "billing", "total"}),)),
    "shopify": Samples(
        "vendor/shopify",
        (frozenset({"line_items", "total_price"}), frozenset({"lineItems", "currentTotalPriceSet"})),
    ),
    "zoho_crm": Samples("vendor/zoho-crm/samples", records="data"),
    "fxiaoke": Samples("vendor/fxiaoke/samples"),
}


def outcomes(system: str) -> dict[str, str]:
    """Sample -> "maps", or why it is refused. One that holds several orders is named once for each."""
    where, root = SAMPLES[system], shared_path(SAMPLES[system].folder)
    return {
        f"{file.relative_to(root)}{path}": _outcome(system, body)
        for file in _files(root)
        for path, body in _bodies(where, read_json(file.read_bytes()))
    }


def _files(root: Path) -> list[Path]:
    """Schemas and lists of topics are no samples."""
    found = sorted(root.rglob("*.json"))
    return [file for file in found if "schema" not in f"{file.relative_to(root)}" and "topics" not in file.name]


def _bodies(where: Samples, document: Any) -> _Bodies:
    """The orders in a document; else its records, or it itself."""
    orders = list(_found(document, lambda body: any(marks <= body.keys() for marks in where.orders)))
    if orders:
        yield from orders
        return
    if where.records and isinstance(document, dict) and isinstance(document.get(where.records), list):
        document = document[where.records]
    if not isinstance(document, list):
        yield "", document
        return
    # Of a list of equals the first stands for all.
    yield "", next(iter(document), {})


def _found(value: Any, wanted: Callable[[dict[str, Any]], bool], path: str = "") -> _Bodies:
    if isinstance(value, dict):
        if wanted(value):
            yield path, value
            return
        for name, child in value.items():
            yield from _found(child, wanted, f"{path}.{name}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _found(child, wanted, f"{path}[{index}]")


def _outcome(system: str, body: Any) -> str:
    if not isinstance(body, dict):
        return _NO_OBJECT
    try:
        SOURCES[system].order(body, SourceOptions())
    except Problems as error:
        more = ", and more" if len(error.problems) > 1 else ""
        return f"{_told(error.problems[0])}{more}"
    return "maps"


def _told(problem: Problem) -> str:
    reason = _without_values(problem.reason).partition("\n")[0]
    return f"`{problem.path}` {reason}" if problem.path else reason


def _without_values(text: str) -> str:
    """The words of a reason; what they were filled with stays out, unless that is words of ours."""
    if not isinstance(text, Phrase):
        return text
    return str(
        text.filled(
            **{
                name: _without_values(value) if isinstance(value, Phrase) else "…"
                for name, value in text.values.items()
            }
        )
    )


def said_of_samples(system: str) -> dict[str, list[str]]:
    """What is said -> of which samples; what maps first, then what is said most often."""
    grouped: dict[str, list[str]] = {}
    for name, said in outcomes(system).items():
        grouped.setdefault(said, []).append(name)
    return dict(sorted(grouped.items(), key=lambda each: (each[0] != "maps", -len(each[1]), each[0])))
