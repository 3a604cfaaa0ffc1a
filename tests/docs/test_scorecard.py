"""The pages that compare the connectors say what was found, and what was found is so; the scorecard has its rules."""

from __future__ import annotations

import re

import pytest

from connectors.registry import CONNECTORS
from tests.matrix.sources import SOURCES
from tests.scorecard import states
from tests.scorecard.lines import PARTS, lines_of_code
from tests.scorecard.pages import pages
from tests.scorecard.recorded import CALLS, EVIDENCE, LINES, RESULTS, SAMPLES, load
from tests.scorecard.results import MATRIX, evidence
from tests.scorecard.samples import said_of_samples
from tests.shared import REPOSITORY

#: So much may a part grow or shrink before its figure has to be found anew.
SLACK = 0.25
SMALL = 200


def test_the_pages_are_made_of_what_was_found():
    stale = [page.name for page, text in pages().items() if page.read_text("utf-8") != text]
    assert stale == [], "run: .venv/bin/python -m tests.scorecard"


@pytest.mark.parametrize("system", load(SAMPLES))
def test_what_becomes_of_each_sample_is_what_the_page_says(system):
    assert said_of_samples(system) == load(SAMPLES)[system], "run: .venv/bin/python -m tests.scorecard samples"


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


def test_every_pair_of_the_matrix_has_ended_as_the_same_order():
    results = load(RESULTS)["tests"]
    passed = {name.removeprefix(MATRIX) for name, count in results.items() if count and name.startswith(f"{MATRIX}[")}
    assert passed == {f"[{source}-{erp}]" for source in SOURCES for erp in ("odoo", "tryton")}


def test_what_speaks_for_a_connector_is_a_test_that_is_there():
    gone = []
    for test in evidence():
        file, _, name = test.partition("::")
        text = (REPOSITORY / file).read_text("utf-8") if (REPOSITORY / file).exists() else ""
        gone += [] if re.search(rf"^def {name}\(", text, re.MULTILINE) else [test]
    assert gone == []


def test_only_connectors_and_columns_that_there_are_have_evidence():
    told = load(EVIDENCE)
    assert told.keys() <= states.COLUMNS.keys()
    assert {system for column in told.values() for system in column} <= CONNECTORS.keys()


@pytest.fixture
def found(monkeypatch):
    """Results and evidence as a test has them."""
    kept = {RESULTS: {"contract": {}, "tests": {}}, EVIDENCE: {}}
    monkeypatch.setattr(states, "load", kept.__getitem__)
    return kept


def cell(system, column):
    return states._cell(system, column)


def test_what_is_declared_is_whole_only_when_all_of_it_has_passed(found):
    found[EVIDENCE] = {"contract suite": {"csv": {"reason": "nobody asks"}, "odoo": {"reason": "not all"}}}
    assert (cell("csv", "contract suite").state, cell("odoo", "contract suite").state) == (states.NO, states.NO)
    names = [each.__name__ for each, tests in states.held_by(CONNECTORS["odoo"]).items() if tests]
    found[RESULTS]["contract"]["odoo"] = dict.fromkeys(names, 2)
    assert cell("odoo", "contract suite").there == (f"{2 * len(names)} tests of {len(names)} capabilities",)
    assert cell("odoo", "contract suite").state == states.YES
    del found[RESULTS]["contract"]["odoo"][names[0]]
    assert cell("odoo", "contract suite").state == states.PARTLY


def test_a_test_speaks_for_something_only_after_it_has_passed(found):
    found[EVIDENCE] = {"limits": {"odoo": {"tests": ["a.py::test_a", "a.py::test_b"]}}}
    found[RESULTS]["tests"] = {"a.py::test_a": 1, "a.py::test_b": 1}
    assert (cell("odoo", "limits").state, cell("odoo", "limits").there) == (states.YES, ("`test_a`", "`test_b`"))
    del found[RESULTS]["tests"]["a.py::test_b"]
    with pytest.raises(LookupError, match=r"limits of odoo is partly: a\.py::test_b has not passed"):
        cell("odoo", "limits")


def test_what_is_not_whole_says_why(found):
    with pytest.raises(LookupError, match="does not say why webhooks of csv is no: ReceivesWebhooks"):
        cell("csv", "webhooks")
    found[EVIDENCE] = {"webhooks": {"json": {"reason": "set up by hand"}}}
    assert (cell("json", "webhooks").state, cell("json", "webhooks").reason) == (states.PARTLY, "set up by hand")
    assert (cell("shopify", "webhooks").state, cell("shopify", "webhooks").reason) == (states.YES, "")


def test_every_source_of_the_matrix_has_its_calls_counted():
    assert load(CALLS)["pairs"].keys() == SOURCES.keys()
    assert {frozenset(pairs) for pairs in load(CALLS)["pairs"].values()} == {frozenset({"odoo", "tryton"})}
