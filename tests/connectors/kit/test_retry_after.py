from __future__ import annotations

import pytest

from connectors.kit.retry_after import asked_s, retry_after_s

DATE = "Sat, 21 Nov 2026 23:00:00 GMT"


@pytest.mark.fault("B5")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("0", 1.0),
        ("-5", 1.0),
        ("1e9", 3600.0),
        ("99999999999999999999", 3600.0),
        ("inf", 3600.0),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Sat, 21 Nov 2026 23:00:30 GMT", 30.0),
        ("Saturday, 21-Nov-26 23:01:00 GMT", 60.0),
        ("Sat Nov 21 23:00:09 2026", 9.0),
        ("Sat, 21 Nov 2026 22:00:00 GMT", 1.0),
        ("Sat, 21 Nov 2099 22:00:00 GMT", 3600.0),
    ],
)
def test_every_form_is_read_and_clamped_to_one_second_up_to_one_hour(text, seconds):
    assert retry_after_s({"Retry-After": text, "Date": DATE}) == seconds


def test_what_was_named_is_kept_beside_what_is_waited():
    assert asked_s({"Retry-After": "259200"}) == 259200.0
    assert asked_s({"Retry-After": "Tue, 24 Nov 2026 23:00:00 GMT", "Date": DATE}) == 3 * 86400.0
    assert asked_s({"Retry-After": "soon"}) is None


def test_no_header_means_that_nothing_was_said():
    assert retry_after_s({}) is None


def test_a_date_without_a_server_clock_is_held_against_ours(time_machine):
    time_machine.move_to("2026-11-21T23:00:00+00:00", tick=False)
    assert retry_after_s({"Retry-After": "Sat, 21 Nov 2026 23:00:20 GMT"}) == 20.0
