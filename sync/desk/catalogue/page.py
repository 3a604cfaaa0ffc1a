"""Writes docs/errors.md from the catalogue: `python -m sync.desk.catalogue.page`.

A test compares the page with `page()`, so it cannot fall behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sync.desk.catalogue.book import chapters
from sync.desk.catalogue.entry import Entry
from sync.desk.causes import CAUSES

PAGE: Final = Path(__file__).parents[3] / "docs" / "errors.md"
_BEGINNING: Final = """\
# Every error, by its id

What each error means, why it comes, and what to do. An id never changes; the texts do. `crossdock explain ID` tells the
same in a terminal, the console's page *Errors* in your language, and each issue links to its own entry.

Codes of other systems that are not listed here are shown as they came, with the entry of their kind: `system.rejected`
for one document, `system.broken` for a whole connection. This page is made from the program: `python -m
sync.desk.catalogue.page`.
"""


def page() -> str:
    """The page as it should be."""
    return _BEGINNING + "".join(_chapters())


def _chapters() -> Iterator[str]:
    for title, found in chapters():
        yield f"\n## {title}\n"
        for entry in found:
            yield _told(entry)


def _told(entry: Entry) -> str:
    part, _, name = entry.id.partition(".")
    label = f"{CAUSES[name].label}. " if part == "cause" else ""
    why = f"\n*Why:* {entry.why}\n" if entry.why is not None else ""
    return f"\n### {entry.id}\n\n{label}{entry.happened}\n{why}\n*What to do:* {entry.remedy}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
