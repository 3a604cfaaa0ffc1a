"""What compares the connectors, made of what was recorded: two pages of docs/connectors and a table of the README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.matrix import basket
from tests.matrix.sources import SOURCES
from tests.scorecard.lines import PARTS
from tests.scorecard.recorded import CALLS, LINES, NOTES, RESULTS, SAMPLES, load
from tests.scorecard.results import MATRIX
from tests.scorecard.states import COLUMNS, YES, Cell, card
from tests.shared import REPOSITORY

_DOCS: Final = REPOSITORY / "docs" / "connectors"
_README: Final = REPOSITORY / "README.md"
#: Between these the README has the scorecard.
_BEGIN: Final = "<!-- scorecard: written by `python -m tests.scorecard` -->\n"
_END: Final = "<!-- end of the scorecard -->\n"
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
    return {_DOCS / "README.md": _comparison(), _DOCS / "samples.md": _samples(), _README: _readme()}


def link(system: str, folder: str = "") -> str:
    """Its name, leading to its page where there is one."""
    page = f"{system.replace('_', '-')}.md"
    return f"[{NAMES[system]}]({folder}{page})" if (_DOCS / page).exists() else NAMES[system]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Of Markdown; figures stand to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    right = [all(re.fullmatch(r"[\d.,+ -]*", row[place]) for row in rows) for place in range(len(head))]
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---:' if is_figure else '---' for is_figure in right)}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


# --- the scorecard ----------------------------------------------------------------------------------------------


def _readme() -> str:
    """The README as it is, with the table as it should be."""
    before, _, rest = _README.read_text("utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    return "".join((before, _BEGIN, "\n", *(f"{line}\n" for line in _table("docs/connectors/")), _END, after))


def _scores() -> Iterator[str]:
    yield "## The scorecard\n"
    yield _text("scorecard")
    yield from _table("")
    for system, cells in _card():
        yield f"### {NAMES[system]}\n"
        rows = ((column, cell.state, "<br>".join(cell.there), cell.reason) for column, cell in cells.items())
        yield from table(("", "", "what speaks for it", "why not, or not whole"), rows)


def _table(folder: str) -> Iterator[str]:
    yield from table(
        ("", *COLUMNS),
        (
            (
                link(system, folder),
                *(
                    _state(cell, f"{folder}{'README.md' if folder else ''}#{_anchor(system)}")
                    for cell in cells.values()
                ),
            )
            for system, cells in _card()
        ),
    )


def _card() -> list[tuple[str, dict[str, Cell]]]:
    """Sources first, as in the list of names."""
    places = {system: place for place, system in enumerate(NAMES)}
    return sorted(card().items(), key=lambda each: places[each[0]])


def _state(cell: Cell, reasons: str) -> str:
    return cell.state if cell.state == YES else f"[{cell.state}]({reasons})"


def _anchor(system: str) -> str:
    return NAMES[system].lower().replace(" ", "-")


# --- the comparison ---------------------------------------------------------------------------------------------


def _comparison() -> str:
    parts = (_WRITTEN, "# The connectors compared\n", _text("beginning"), *_scores(), *_pairs(), *_calls(), *_lines())
    return "\n".join(parts)


def _pairs() -> Iterator[str]:
    end, targets = basket.END, {"tryton": "Tryton, a real one", "odoo": "Odoo, our stand-in"}
    yield "## One basket, every pair\n"
    yield _text("pairs")
    passed = load(RESULTS)["tests"]
    ends = {True: "the same order", False: "not found out"}
    rows = [
        (NAMES[source], _how(source), *(ends[bool(passed.get(f"{MATRIX}[{source}-{target}]"))] for target in targets))
        for source in SOURCES
    ]
    yield from table(("source", "how the basket is entered there", *targets.values()), rows)
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
