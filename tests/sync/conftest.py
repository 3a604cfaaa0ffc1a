"""The time that the tests of the sync core turn on."""

from __future__ import annotations

import time

import pytest

from sync.flows import context, doubts, parties, sales
from sync.flows.facets import effects
from sync.work import drain, heart
from tests.sync.flows.world import World


class _Time:
    """Monotonic time that a test may turn on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_s


@pytest.fixture(autouse=True)
def passing_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a drain counts by goes on with the world's clock, or a zombie would not know how long it was away."""
    turned = _Time()
    for module in (context, doubts, drain, effects, heart, parties, sales):
        monkeypatch.setattr(module, "time", turned)
    monkeypatch.setattr(World, "time", turned)
