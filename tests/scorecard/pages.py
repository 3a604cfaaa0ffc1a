"""Writes the pages that compare the connectors, of what was recorded: docs/connectors/README.md and samples.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.matrix import basket
from tests.scorecard.lines import PARTS
from tests.scorecard.recorded import CALLS, LINES, NOTES, SAMPLES, load
from tests.shared import REPOSITORY

_DOCS: Final = REPOSITORY / "docs" / "connectors"
_WRITTEN: Final = "<!-- Written by `python -m tests.scorecard`; change what it is made of, not this page. -->\n"
#: As people call them.
NAMES: Final[Mapping[str, str]] = {
    "woocommerce": "WooCommerce",
    "shopify": "Shopify",
    "vendure": "Vendure",
    "zoho_crm": "Zoho CRM",
    "fxiaoke": "Fxiaoke",
    "csv": "CSV files",
    "json": "signed JSON",
    "api": "JSON API",
    "tryton": "Tryton",
    "odoo": "Odoo",
    "sandbox_erp": "the sandbox ERP",
}


def pages() -> dict[Path, str]:
    """File -> what should stand in it."""
    return {_DOCS / "README.md": _comparison(), _DOCS / "samples.md": _samples()}


def link(system: str) -> str:
    """Its name, leading to its page where there is one; from the folder of the pages."""
    page = f"{system.replace('_', '-')}.md"
    return f"[{NAMES[system]}]({page})" if (_DOCS / page).exists() else NAMES[system]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Of Markdown; figures stand to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    right = [all(re.fullmatch(r"[\d.,+ -]*", row[place]) for row in rows) for place in range(len(head))]
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---:' if is_figure else '---' for is_figure in right)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


# --- the comparison ---------------------------------------------------------------------------------------------


def _comparison() -> str:
    parts = (_WRITTEN, "# The connectors compared\n", _text("beginning"), *_pairs(), *_calls(), *_lines())
    return "\n".join(parts)


def _pairs() -> Iterator[str]:
    end, target = basket.END, ("Tryton, a real one", "Odoo, our stand-in")
    yield "## One basket, every pair\n"
    yield _text("pairs")
    rows = [(NAMES[source], _how(source), *("the same order",) * len(target)) for source in load(CALLS)["pairs"]]
    yield from table(("source", "how the basket is entered there", *target), rows)
    yield _text("basket", articles=len(basket.BASKET), percent=f"{basket.PERCENT_OFF:f}")
    rows = [(f"`{code}`", f"{count:f}", f"{net:f}") for code, (count, net) in end.lines.items()]
    yield from table(("in the ERP", "pieces", "net"), rows)
    yield _text("end", tax=f"{end.tax:f}", total=f"{end.total:f}")


def _text(name: str, **values: object) -> str:
    text: str = load(NOTES)["texts"][name]
    return text.format(**values)


def _how(source: str) -> str:
    found: str = load(NOTES)["baskets"][source]
    return found


def _calls() -> Iterator[str]:
    found = load(CALLS)
    erps = list(next(iter(found["pairs"].values())))
    yield "## Calls for one order\n"
    yield _text("calls", orders=found["orders"])
    rows = (
        (NAMES[source], *(" + ".join(f"{count:.2f}" for count in pairs[erp]) for erp in erps))
        for source, pairs in found["pairs"].items()
    )
    yield from table(("source", *(f"into {NAMES[erp]}" for erp in erps)), rows)
    yield _text("why_calls")


def _lines() -> Iterator[str]:
    found: Mapping[str, Any] = load(LINES)
    yield "## Lines of code\n"
    yield _text("lines", kit=_rounded(found["shared"]))
    rows = ((link(system), *map(_rounded, counts)) for system, counts in found["systems"].items())
    yield from table(("system", *PARTS), rows)


def _rounded(count: int) -> str:
    return f"{max(50, round(count / 50) * 50):,}" if count else "-"


# --- the samples ------------------------------------------------------------------------------------------------


def _samples() -> str:
    notes = load(NOTES)["samples"]
    parts = [_WRITTEN, "# Every published sample, and what becomes of it\n", notes["beginning"]]
    for system, outcomes in load(SAMPLES).items():
        parts.append(f"## {NAMES[system]}\n")
        parts.extend(table(("what is said of it", "is it right?", "", "samples"), _outcomes(outcomes, notes["why"])))
    return "\n".join(parts)


def _outcomes(outcomes: Mapping[str, Sequence[str]], why: Mapping[str, str]) -> Iterator[tuple[str, str, int, str]]:
    for said, names in outcomes.items():
        reason = next((text for begins, text in why.items() if said.startswith(begins)), "")
        assert reason, f"nobody has said in {NOTES.name} why this is right: {said}"
        yield (said.replace("|", "\\|"), reason, len(names), "<br>".join(f"`{name}`" for name in names))
