from __future__ import annotations

import time

from sync.flows.context import Clock
from sync.store.leases import Lease, expire_lease, open_lease
from sync.work.heart import Heart
from tests.shared import wait_until
from tests.sync.flows.world import World

LEASE_S = 0.2


def opened(store) -> Lease:
    return store.write(
        lambda c: open_lease(
            c, channel="web", kind="order", target="erp", holder="test", concurrency=2, lease_s=LEASE_S
        )
    )


def beats(world: World) -> int:
    return world.leases()[0].beat


def test_a_heart_beats_and_renews_the_clock(sqlite_store):
    world, lease = World(sqlite_store), opened(sqlite_store)
    clock = Clock(LEASE_S, time.monotonic() - 10)
    assert clock.left_s() < 0
    with Heart(sqlite_store, lease, clock, stall_s=60):
        wait_until(lambda: beats(world) >= 2 and clock.left_s() > 0)


def test_a_heart_stops_when_nothing_moves(sqlite_store):
    world, lease = World(sqlite_store), opened(sqlite_store)
    with Heart(sqlite_store, lease, Clock(LEASE_S, time.monotonic()), stall_s=0.01) as heart:
        wait_until(lambda: not heart._thread.is_alive())
        assert beats(world) == 0


def test_a_heart_whose_lease_is_gone_tells_the_drain(sqlite_store):
    lease = opened(sqlite_store)
    clock = Clock(LEASE_S, time.monotonic() + 100)
    sqlite_store.write(lambda c: expire_lease(c, lease.token))
    with Heart(sqlite_store, lease, clock, stall_s=60):
        wait_until(lambda: clock.left_s() == 0.0)
