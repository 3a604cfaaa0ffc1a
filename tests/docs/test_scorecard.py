"""The pages that compare the connectors say what was found, and what was found is so."""

from __future__ import annotations

import pytest

from tests.matrix.sources import SOURCES
from tests.scorecard.lines import PARTS, lines_of_code
from tests.scorecard.pages import pages
from tests.scorecard.recorded import CALLS, LINES, SAMPLES, load
from tests.scorecard.samples import found_samples

#: So much may a part grow or shrink before its figure has to be found anew.
SLACK = 0.15
SMALL = 100


def test_the_pages_are_made_of_what_was_found():
    stale = [page.name for page, text in pages().items() if page.read_text("utf-8") != text]
    assert stale == [], "run: .venv/bin/python -m tests.scorecard"


@pytest.mark.parametrize("system", load(SAMPLES))
def test_what_becomes_of_each_sample_is_what_the_page_says(system):
    assert found_samples()[system] == load(SAMPLES)[system], "run: .venv/bin/python -m tests.scorecard samples"


def test_lines_of_code_are_about_what_the_page_says():
    kept = load(LINES)["systems"]
    now = lines_of_code()
    assert kept.keys() == now.keys()
    far = [
        f"{system} {part}: {before} -> {count}"
        for system, counts in now.items()
        for part, before, count in zip(PARTS, kept[system], counts, strict=True)
        if abs(count - before) > max(SMALL, before * SLACK)
    ]
    assert far == [], "run: .venv/bin/python -m tests.scorecard lines"


def test_every_source_of_the_matrix_has_its_calls_counted():
    assert load(CALLS)["pairs"].keys() == SOURCES.keys()
    assert {frozenset(pairs) for pairs in load(CALLS)["pairs"].values()} == {frozenset({"odoo", "tryton"})}
