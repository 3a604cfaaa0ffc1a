"""What gateways kept, summed up by day and currency: the shop's word beside what is booked, exact on every database."""

from __future__ import annotations

import datetime as dt

import pytest

from sync.store.documents import Seen, end_others, save_seen
from sync.store.fees import fee_sums
from sync.store.tables import orders
from tests.sync.flows.world import World

EVER = (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC))


@pytest.fixture
def world(store):
    """Two orders of one day, each a row of either channel."""
    made = World(store, channels=("web", "b2b"))
    for _ in range(2):
        made.shop.place()
    made.carry()
    return made


def fee(order_id, external_id, total, connection="shop", currency="EUR"):
    return Seen(
        order_id=order_id, connection=connection, kind="fee", external_id=external_id, total=total,
        currency=currency, digest="d", body=b"",
    )  # fmt: skip


def placed(world, channel):
    return [row for row in world.rows(orders.select()) if row.channel == channel]


def sums(world, channel, since=EVER[0], until=EVER[1]):
    found = world.store.read(lambda c: fee_sums(c, channel, "shop", since, until))
    return [
        (each.currency, each.shop_count, str(each.shop_total), each.booked_count, str(each.booked_total))
        for each in found
    ]


def test_each_channel_has_the_sums_of_its_own_orders_by_currency(world):
    one, other = (row.id for row in placed(world, "web"))
    [foreign, _] = (row.id for row in placed(world, "b2b"))
    rows = [
        fee(one, "a", "0.10"),
        fee(one, "1", "0.10", "erp"),
        fee(other, "b", "0.20"),
        fee(other, "c", "7", currency="JPY"),
        fee(foreign, "d", "9.99"),
    ]
    world.write(lambda c: save_seen(c, rows))
    assert sums(world, "web") == [("EUR", 2, "0.30", 1, "0.10"), ("JPY", 1, "7", 0, "0")]
    assert sums(world, "b2b") == [("EUR", 1, "9.99", 0, "0")]


def test_what_ended_and_what_was_placed_outside_is_in_no_sum(world):
    [one, _] = placed(world, "web")
    world.write(lambda c: save_seen(c, [fee(one.id, "a", "0.10"), fee(one.id, "1", "0.10", "erp")]))
    later = one.placed_at + dt.timedelta(microseconds=1)
    assert sums(world, "web", since=later) == []
    assert sums(world, "web", until=later) == [("EUR", 1, "0.10", 1, "0.10")]
    world.write(lambda c: end_others(c, one.id, "erp", ["fee"], []))
    assert sums(world, "web") == [("EUR", 1, "0.10", 0, "0")]
