"""Work that a page waits for, but not for ever; and one check-up at a time."""

from __future__ import annotations

import threading
import time

import pytest

from tests.shared import PATIENCE_S
from webapp.console import doctor
from webapp.console.patience import StillAtWork, within


def test_what_is_done_in_time_is_answered():
    assert within(lambda: 7, 5) == 7


def test_what_breaks_in_time_breaks_here():
    with pytest.raises(ZeroDivisionError):
        within(lambda: 1 // 0, 5)


def test_what_takes_longer_goes_on_by_itself():
    let_go, done = threading.Event(), threading.Event()

    def work():
        let_go.wait(PATIENCE_S)
        done.set()

    begun = time.monotonic()
    with pytest.raises(StillAtWork):
        within(work, 0.1)
    assert time.monotonic() - begun < PATIENCE_S / 2
    let_go.set()
    assert done.wait(PATIENCE_S)


def test_a_second_check_up_waits_for_the_first_and_says_so(app, browser, monkeypatch):
    monkeypatch.setattr(doctor, "examine", lambda *_, **__: pytest.fail("one is under way"))
    ours = browser("integrator")
    with doctor._running:
        assert ours.post("/doctor").status_code == 303
        assert "under way already" in ours.get("/doctor").text
