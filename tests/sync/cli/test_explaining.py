from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from sync.cli.explaining import explain
from sync.desk.catalogue.book import entries


def run(*arguments):
    return CliRunner().invoke(explain, arguments)


def test_one_error_is_told_whole():
    told = run("tryton.period").output
    for text in ("tryton.period", "no open period", "Why: The books", "What to do: Open the period"):
        assert text in told


def test_a_cause_needs_no_first_part_and_json_is_for_programs():
    [told] = json.loads(run("unknown_sku", "--json").output)
    assert (told["id"], told["why"]) == ("cause.unknown_sku", "")


def test_without_an_id_all_are_listed():
    assert {line.split()[0] for line in run().output.splitlines()} == set(entries())
    assert len(json.loads(run("--json").output)) == len(entries())


def test_an_unknown_id_is_an_error_that_says_what_was_meant_perhaps():
    with pytest.raises(LookupError, match=r"tryton\.period"):
        CliRunner().invoke(explain, ["tryton.periods"], catch_exceptions=False)
