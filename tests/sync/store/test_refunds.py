"""Which refunds of a shop are known, which credit of the ERP stands for each, and which a person has seen to."""

from __future__ import annotations

import pytest

from sync.store.documents import Seen, load_documents, save_made, save_seen
from sync.store.refunds import known_refunds, link_made, settle_returns, settled_returns
from sync.store.tables import orders
from tests.sync.flows.world import World


@pytest.fixture
def world(store):
    """One order of a shop that feeds two channels; each has a row and a sale of its own."""
    made = World(store, channels=("web", "b2b"))
    made.shop.place()
    made.carry()
    return made


def ids(world):
    """Channel -> our id of its order."""
    rows = world.rows(orders.select())
    return {row.channel: row.id for row in rows}


def seen(order_id, external_id, connection="shop", **fields):
    usual = {"total": "2.00", "currency": "EUR", "dated_on": "2026-11-22", "state": "refunded", "digest": "d"}
    return Seen(
        order_id=order_id,
        connection=connection,
        kind="refund",
        external_id=external_id,
        body=b"",
        **{**usual, **fields},
    )


def known(world, channel):
    found = world.store.read(lambda c: known_refunds(c, channel, "shop", "erp"))
    return [(each.order, each.external_id, str(each.total), each.credit) for each in found]


def test_each_channel_knows_the_refunds_of_its_orders_with_its_own_credits(world):
    web, b2b = ids(world)["web"], ids(world)["b2b"]
    saved = world.write(lambda c: save_seen(c, [seen(web, "31"), seen(web, "32")]))
    # The same rows, seen by the other channel.
    world.write(lambda c: save_seen(c, [seen(b2b, "31")]))
    origin = saved["shop", "refund", "31"]
    world.write(lambda c: save_made(c, seen(web, "900", "erp", key="web:1:refund:31"), origin, "d"))
    assert known(world, "web") == [("1", "31", "2.00", "900"), ("1", "32", "2.00", "")]
    assert known(world, "b2b") == [("1", "31", "2.00", "")]


def test_a_credit_that_takes_the_place_of_a_cancelled_one_stands_for_the_refund_alone(world):
    web = ids(world)["web"]
    saved = world.write(lambda c: save_seen(c, [seen(web, "31"), seen(web, "901", "erp")]))
    origin, credit = saved["shop", "refund", "31"], saved["erp", "refund", "901"]
    world.write(lambda c: save_made(c, seen(web, "900", "erp", key="web:1:refund:31"), origin, "d"))
    world.write(lambda c: link_made(c, credit, web, origin, "d"))
    assert known(world, "web") == [("1", "31", "2.00", "901")]
    # The cancelled one is still seen with its sale; nothing breaks by that.
    world.write(lambda c: save_seen(c, [seen(web, "900", "erp", key="web:1:refund:31", state="cancelled")]))
    assert known(world, "web") == [("1", "31", "2.00", "901")]


def test_what_a_person_has_seen_to_is_what_the_erps_people_made_until_then(world):
    web = ids(world)["web"]
    ours = seen(web, "900", "erp", key="web:1:refund:31")
    saved = world.write(
        lambda c: save_seen(c, [seen(web, "31"), ours, seen(web, "901", "erp"), seen(web, "902", "erp")])
    )
    world.write(lambda c: link_made(c, saved["erp", "refund", "902"], web, saved["shop", "refund", "31"], "d"))
    assert world.write(lambda c: settle_returns(c, web)) == 1
    world.write(lambda c: save_seen(c, [seen(web, "901", "erp", state="done"), seen(web, "903", "erp")]))
    assert world.store.read(lambda c: settled_returns(c, "erp")) == {"901"}
    documents = world.store.read(lambda c: load_documents(c, [web]))[web]
    assert [each.external_id for each in documents if each.settled_at] == ["901"]
