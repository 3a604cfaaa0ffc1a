"""Where the machine stands is nobody's business: times are aware, days are those of the shop."""

from __future__ import annotations

import dataclasses
import os
import time

import pytest

from sync.work.tasks import Tasks
from tests.sync.flows.world import CHANNEL, World

#: Half an hour off, a day ahead, a day behind in the evening.
ZONES = ["America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago"]


@pytest.fixture
def zone(monkeypatch):
    """Sets the zone of the machine, for this process."""

    def move(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    before = os.environ.get("TZ")
    yield move
    if before is None:
        monkeypatch.delenv("TZ", raising=False)
    else:
        monkeypatch.setenv("TZ", before)
    time.tzset()


@pytest.mark.fault("G12")
@pytest.mark.parametrize("name", ZONES)
def test_an_order_is_the_same_and_as_old_in_every_zone_of_the_machine(sqlite_store, zone, name):
    world = World(sqlite_store)
    before = world.shop.place()
    world.carry()
    zone(name)
    after = world.shop.place()
    world.carry()
    world.forward(1)
    one, two = world.order(before), world.order(after)
    assert (two.state, two.reason, len(world.sales(after))) == ("done", "", 1)
    numbers = {"id", "item_id", "external_id", "number", "erp_id", "erp_number", "due_at", "placed_at"}
    said = [
        {name: value for name, value in dataclasses.asdict(order).items() if name not in numbers}
        for order in (one, two)
    ]
    assert said[0] == said[1]
    assert two.placed_at.isoformat() == "2026-11-10T10:00:00+00:00"
    assert abs((one.due_at - two.due_at).total_seconds()) < 60
    assert Tasks(world.runtime).next_run(f"nightly:{CHANNEL}").utcoffset().total_seconds() == 0
