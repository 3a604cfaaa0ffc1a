"""Writes the pages: `python -m tests.scorecard [samples] [lines] [results]`; what is named is found out anew first.

`results` runs every test that speaks for a connector, for a quarter of an hour; `tests/...` in its place runs those.
Calls are counted by `python -m tests.benchmarks.calls --write`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Final

from tests.scorecard.lines import lines_of_code, shared_lines
from tests.scorecard.pages import pages
from tests.scorecard.recorded import LINES, SAMPLES, keep
from tests.scorecard.results import record
from tests.scorecard.samples import SAMPLES as KNOWN_SAMPLES
from tests.scorecard.samples import said_of_samples

_FIND: Final[Mapping[str, Callable[[], None]]] = {
    "samples": lambda: keep(SAMPLES, {system: said_of_samples(system) for system in KNOWN_SAMPLES}),
    "results": record,
    "lines": lambda: keep(LINES, {"shared": shared_lines(), "systems": lines_of_code()}),
}


def main(wanted: list[str]) -> None:
    """Find out, and write."""
    if tests := [each for each in wanted if each.startswith("tests/")]:
        record(tests)
    wanted = [each for each in wanted if each not in tests]
    if unknown := set(wanted) - set(_FIND):
        sys.exit(f"nothing is found out by {', '.join(sorted(unknown))}; there are: {', '.join(_FIND)}")
    for name in wanted:
        _FIND[name]()
    for page, text in pages().items():
        page.write_text(text, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
