"""The page of the console's quality says what the tests assert."""

from __future__ import annotations

import re

from tests.quality import CHECKS, PAGE, page
from tests.shared import REPOSITORY


def test_the_page_is_made_of_the_tables_of_the_tests():
    assert PAGE.read_text("utf-8") == page(), "run: .venv/bin/python -m tests.quality"


def test_every_test_that_a_check_names_is_there():
    there = {
        f"{path.name}::{name}"
        for path in (REPOSITORY / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert [name for check in CHECKS for name in check["tests"] if name not in there] == []


def test_a_check_that_no_test_holds_says_why():
    assert [check["check"] for check in CHECKS if not check["tests"] and not check.get("reason")] == []
