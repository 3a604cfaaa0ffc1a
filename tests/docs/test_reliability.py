"""The table of faults says what the tests show, and leaves nothing of priority 1 without a test or a reason."""

from __future__ import annotations

from tests.faults import PAGE, groups, page, shown_by


def test_the_page_is_what_the_tests_are_marked_with():
    assert PAGE.read_text("utf-8") == page(), "run: .venv/bin/python -m tests.faults"


def test_every_mark_names_a_fault():
    assert set(shown_by()) <= {fault.number for _, faults in groups() for fault in faults}


def test_a_fault_is_shown_or_has_a_reason_and_never_neither():
    tests = shown_by()
    silent = [
        fault.number for _, faults in groups() for fault in faults if not tests.get(fault.number) and not fault.reason
    ]
    assert silent == []


def test_what_does_not_apply_is_shown_by_no_test():
    tests = shown_by()
    assert [fault.number for _, faults in groups() for fault in faults if fault.none and tests.get(fault.number)] == []
