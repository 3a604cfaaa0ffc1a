from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import text, update

from sync.store import leases as leases_module
from sync.store.intents import IntentOpen, Wanted, open_intents, orphans
from sync.store.items import Leave, claim, leave
from sync.store.leases import (
    Lease,
    LeaseLost,
    Watch,
    close_lease,
    demand_lease,
    expire_lease,
    heartbeat,
    open_lease,
    used_slots,
)
from sync.store.marking import mark, release, skip
from sync.store.states import BACKFILL, LIVE, ItemState
from sync.store.tables import leases, work_items
from tests.databases import forward, now
from tests.sync.flows.world import World

LEASE_S = 30.0


def lease(store, concurrency: int = 8, channel: str = "web") -> Lease | None:
    return store.write(
        lambda c: open_lease(
            c, channel=channel, kind="order", target="erp", holder="test", concurrency=concurrency, lease_s=LEASE_S
        )
    )


def wanted(store, *ids: str, priority: int = LIVE) -> None:
    store.write(lambda c: mark(c, "web", "order", ids, facet="order", priority=priority))


def claimed(store, held: Lease, limit: int = 10) -> list[str]:
    return [item.external_id for item in store.write(lambda c: claim(c, held, limit))]


def state_of(world: World, order: str) -> tuple[str, bool, int]:
    row = world.item(order)
    return row.state, row.suspect, row.deaths


# --- slots ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("concurrency", "expected"), [(1, [1]), (2, [1, 1]), (3, [1, 1, 1]), (4, [2, 2]), (5, [2, 2, 1]), (8, [4, 4])]
)
def test_drains_share_the_concurrency_of_a_connection_and_never_exceed_it(store, concurrency, expected):
    given = []
    while (held := lease(store, concurrency)) is not None:
        given.append(held.slots)
    assert given == expected
    assert store.read(used_slots) == {"erp": concurrency}


def test_slots_are_counted_over_the_channels_of_a_connection_and_come_back(store):
    first = lease(store, 1)
    assert lease(store, 1, channel="b2b") is None
    store.write(lambda c: close_lease(c, first))
    assert lease(store, 1, channel="b2b") is not None


# --- claiming ---------------------------------------------------------------------------------------------------


def test_live_goes_before_backfill_and_what_waits_longest_first(store):
    wanted(store, "1", "2", priority=BACKFILL)
    wanted(store, "3")
    forward(store, 10)
    wanted(store, "4")
    held = lease(store)
    assert claimed(store, held) == ["3", "4", "1", "2"]


def test_only_what_is_due_is_claimed(store):
    wanted(store, "1", "2")
    later = now() + dt.timedelta(hours=1)
    store.write(lambda c: c.execute(update(work_items).where(work_items.c.external_id == "1").values(due_at=later)))
    assert claimed(store, lease(store)) == ["2"]


@pytest.mark.fault("A8")
def test_no_item_is_claimed_twice(store):
    wanted(store, "1", "2", "3")
    one, two = lease(store), lease(store)
    assert claimed(store, one, 2) == ["1", "2"]
    assert claimed(store, two) == ["3"]


def test_a_claim_takes_no_more_than_its_limit_however_the_database_goes_about_it(postgres_store):
    """PostgreSQL may ask a query in a loop again for each row, and one that skips what is locked answers anew."""
    wanted(postgres_store, *"abcd")
    held = lease(postgres_store)

    def by_loops(c) -> list[str]:
        for way in ("hashagg", "hashjoin", "material", "memoize", "mergejoin", "sort"):
            c.execute(text(f"SET LOCAL enable_{way} = off"))
        return [item.external_id for item in claim(c, held, 1)]

    assert postgres_store.write(by_loops) == ["a"]


def test_a_suspect_is_claimed_alone_and_first(store):
    wanted(store, "1", "2", "3")
    store.write(lambda c: c.execute(update(work_items).where(work_items.c.external_id == "2").values(suspect=True)))
    held = lease(store)
    assert claimed(store, held) == ["2"]
    assert claimed(store, held) == ["1", "3"]


def test_nothing_is_claimed_without_a_lease(store):
    wanted(store, "1")
    held = lease(store)
    store.write(lambda c: expire_lease(c, held.token))
    with pytest.raises(LeaseLost):
        claimed(store, held)
    assert World(store).item("1").state == "ready"


# --- leaving ----------------------------------------------------------------------------------------------------


def left(store, held: Lease, state: ItemState = ItemState.DONE, *, meanwhile: bool = False, **how) -> None:
    [item] = store.write(lambda c: claim(c, held, 1))
    if meanwhile:
        wanted(store, item.external_id)
    store.write(lambda c: leave(c, held, [Leave(item=item, state=state, **how)]))


def test_what_was_wanted_meanwhile_makes_it_ready_again(store):
    world = World(store)
    wanted(store, "1")
    left(store, lease(store), meanwhile=True)
    row = world.item("1")
    assert (row.state, row.wanted, row.done) == ("ready", 2, 1)
    assert row.facets == '["order"]'


def test_what_was_looked_at_is_done(store):
    world = World(store)
    wanted(store, "1")
    left(store, lease(store), done_digest="abc")
    row = world.item("1")
    assert (row.state, row.done, row.facets, row.attempts, row.done_digest) == ("done", 1, "[]", 0, "abc")


def test_what_was_not_looked_at_keeps_its_count_and_waits_for_its_time(store):
    world = World(store)
    wanted(store, "1")
    due = now() + dt.timedelta(minutes=5)
    left(store, lease(store), ItemState.READY, looked=False, due_at=due, meanwhile=True)
    row = world.item("1")
    assert (row.state, row.wanted, row.done, row.attempts, row.due_at) == ("ready", 2, 0, 1, due)


def test_items_that_were_not_begun_go_back_without_a_mark_when_a_lease_is_closed(store):
    world = World(store)
    wanted(store, "1")
    held = lease(store)
    claimed(store, held)
    store.write(lambda c: close_lease(c, held))
    assert state_of(world, "1") == ("ready", False, 0)
    assert world.item("1").attempts == 0


def test_a_retry_of_an_owned_item_comes_again_after_its_drain(store):
    world = World(store)
    wanted(store, "1")
    held = lease(store)
    [item] = store.write(lambda c: claim(c, held, 1))
    assert store.write(lambda c: release(c, [item.id])) == 1
    assert world.item("1").state == "leased"
    store.write(lambda c: leave(c, held, [Leave(item=item, state=ItemState.HELD)]))
    assert world.item("1").state == "ready"


def test_a_retry_leaves_what_is_in_reconcile_its_time(store):
    world = World(store)
    wanted(store, "1")
    due = now() + dt.timedelta(minutes=2)
    left(store, lease(store), ItemState.RECONCILE, looked=False, due_at=due)
    assert store.write(lambda c: release(c, [world.item("1").id])) == 0
    assert world.item("1").due_at == due


# --- deaths -----------------------------------------------------------------------------------------------------


def die(store, world: World) -> list[str]:
    """A drain claims and is never heard of again."""
    held = lease(store)
    taken = claimed(store, held)
    store.write(lambda c: expire_lease(c, held.token))
    world.dispatcher._park_killers()
    return taken


@pytest.mark.fault("A6")
def test_every_item_of_a_dead_drain_is_suspect_and_none_is_blamed(store):
    world = World(store)
    wanted(store, "1", "2")
    assert die(store, world) == ["1", "2"]
    assert state_of(world, "1") == state_of(world, "2") == ("ready", True, 0)


@pytest.mark.fault("A6")
def test_three_deaths_alone_park_the_item_with_an_issue(store):
    world = World(store)
    wanted(store, "1")
    for deaths in (0, 1, 2):
        die(store, world)
        assert state_of(world, "1") == ("ready", True, deaths)
    die(store, world)
    assert state_of(world, "1") == ("parked", False, 0)
    assert world.item("1").done == world.item("1").wanted
    assert world.causes() == {"kills_the_worker": 1}


def test_an_end_clears_the_mark_and_to_wait_for_an_outcome_is_no_end(store):
    world = World(store)
    wanted(store, "1")
    die(store, world)
    die(store, world)
    left(store, lease(store), ItemState.RECONCILE, looked=False, due_at=now())
    assert state_of(world, "1") == ("reconcile", True, 1)
    left(store, lease(store))
    assert state_of(world, "1") == ("done", False, 0)


def test_to_expire_a_lease_twice_blames_nobody_twice(store):
    world = World(store)
    wanted(store, "1")
    die(store, world)
    held = lease(store)
    claimed(store, held)
    assert store.write(lambda c: expire_lease(c, held.token)) == 1
    assert store.write(lambda c: expire_lease(c, held.token)) == 0
    assert state_of(world, "1") == ("ready", True, 1)


# --- the fence --------------------------------------------------------------------------------------------------


@pytest.mark.fault("A7")
def test_a_zombie_can_write_nothing(store):
    world = World(store)
    wanted(store, "1")
    zombie = lease(store)
    [item] = store.write(lambda c: claim(c, zombie, 1))
    store.write(lambda c: expire_lease(c, zombie.token))
    owner = lease(store)
    claimed(store, owner)
    attempts = {
        "leave": lambda c: leave(c, zombie, [Leave(item=item, state=ItemState.DONE)]),
        "intents": lambda c: open_intents(
            c, zombie, [Wanted(item.id, "sale", "create", "web:1")], start_s=1, settle_s=1
        ),
        "beat": lambda c: heartbeat(c, zombie),
        "fence": lambda c: demand_lease(c, zombie),
    }
    for name, work in attempts.items():
        with pytest.raises(LeaseLost):
            store.write(work)
        assert world.open_intents() == [], name
    assert world.item("1").lease_token == owner.token


def test_one_item_that_is_lost_keeps_all_of_the_batch_from_being_left(store):
    world = World(store)
    wanted(store, "1", "2")
    held = lease(store)
    items = store.write(lambda c: claim(c, held, 2))
    store.write(
        lambda c: c.execute(update(work_items).where(work_items.c.external_id == "2").values(lease_token="another"))
    )
    with pytest.raises(LeaseLost):
        store.write(lambda c: leave(c, held, [Leave(item=item, state=ItemState.DONE) for item in items]))
    assert world.item("1").state == "leased"


def test_a_heartbeat_prolongs_and_is_seen(store):
    held = lease(store)
    forward(store, 20)
    store.write(lambda c: heartbeat(c, held))
    [row] = World(store).leases()
    assert row.beat == 1
    assert row.expires_at > now() + dt.timedelta(seconds=LEASE_S - 5)


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.mark.fault("D9")
def test_a_taker_must_have_seen_the_same_heartbeat_for_a_whole_lease(store, monkeypatch):
    clock = _Clock()
    monkeypatch.setattr(leases_module, "time", clock)
    held, watch = lease(store), Watch()
    lengths = {"erp": LEASE_S}

    def dead() -> list[str]:
        return store.read(lambda c: watch.dead(c, lengths))

    assert dead() == []
    # The database's clock jumped: a lease that is over for it has not been watched long enough.
    forward(store, 10 * LEASE_S)
    clock.now += LEASE_S / 2
    assert dead() == []
    # It beat meanwhile: everything begins anew.
    store.write(lambda c: c.execute(update(leases).values(beat=leases.c.beat + 1)))
    clock.now += LEASE_S / 2
    assert dead() == []
    clock.now += LEASE_S - 1
    assert dead() == []
    clock.now += 1
    assert dead() == [held.token]


def test_a_lease_that_lives_by_the_database_clock_is_never_dead(store, monkeypatch):
    clock = _Clock()
    monkeypatch.setattr(leases_module, "time", clock)
    lease(store)
    watch = Watch()
    store.read(lambda c: watch.dead(c, {"erp": LEASE_S}))
    clock.now += 100 * LEASE_S
    assert store.read(lambda c: watch.dead(c, {"erp": LEASE_S})) == []


# --- intents ----------------------------------------------------------------------------------------------------


def announce(store, held: Lease, item_id: int, key: str = "web:1", settle_s: float = 60) -> dict[str, int]:
    entry = Wanted(item_id, "sale", "create", key)
    return store.write(lambda c: open_intents(c, held, [entry], start_s=10, settle_s=settle_s))


def test_one_key_has_one_open_intent(store):
    world = World(store)
    wanted(store, "1")
    held = lease(store)
    announce(store, held, world.item("1").id)
    with pytest.raises(IntentOpen):
        announce(store, held, world.item("1").id)
    assert len(world.open_intents()) == 1


def test_an_intent_settles_after_its_last_start(store):
    world = World(store)
    wanted(store, "1")
    announce(store, lease(store), world.item("1").id)
    [intent] = world.open_intents()
    assert intent.settles_at - intent.sent_at == dt.timedelta(seconds=60)
    assert intent.sent_at > now() + dt.timedelta(seconds=5)


def test_an_orphan_is_a_settled_intent_of_a_dead_lease_whose_item_rests(store):
    world = World(store)
    wanted(store, "1")
    held = lease(store)
    announce(store, held, world.item("1").id)

    def found() -> list[str]:
        return [row[2] for row in store.read(orphans)]

    forward(store, 100)
    store.write(lambda c: c.execute(update(work_items).values(state="skipped", done=work_items.c.wanted)))
    assert found() == []
    store.write(lambda c: expire_lease(c, held.token))
    assert found() == ["1"]
    store.write(lambda c: c.execute(update(work_items).values(state="ready")))
    assert found() == []


def test_an_order_with_a_write_in_doubt_cannot_be_rejected(store):
    world = World(store)
    wanted(store, "1")
    held = lease(store)
    announce(store, held, world.item("1").id)
    assert not store.write(lambda c: skip(c, world.item("1").id, "no"))
    assert world.item("1").state == "ready"
