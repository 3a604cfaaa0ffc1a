"""Signed JSON from a system that nobody can ask: each order lands once, and what it said last is what holds."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from connectors.kit.findings import Level
from sync.desk.connections import connection_detail
from sync.desk.doctor.channel import ChannelCheckup
from sync.desk.doctor.connection import ConnectionCheckup
from sync.desk.proof import prove
from sync.desk.volume import look_at_volumes
from sync.store.marking import mark
from sync.store.volume import load_volumes
from sync.work.tasks import Tasks
from tests.sync.flows.hooks import Hooks, order
from tests.sync.flows.shop import PLACED
from tests.sync.flows.world import CHANNEL


@pytest.fixture
def hooks(store):
    world = Hooks(store)
    yield world
    world.systems.close()


def test_each_order_that_was_delivered_is_one_sale_however_often_it_comes(hooks):
    hooks.deliver(order("A"))
    hooks.deliver({"orders": [order("A"), order("B", "3.00")]})
    hooks.drain()
    hooks.deliver(order("A"))
    hooks.drain()
    assert (hooks.totals("A"), hooks.totals("B")) == ([Decimal("12.00")], [Decimal("3.00")])


def test_a_newer_version_changes_the_order_and_an_older_one_that_comes_late_does_not(hooks):
    hooks.deliver(order("A"))
    hooks.drain()
    hooks.deliver(order("A", "15.00", "2026-11-22T11:00:00Z"))
    hooks.drain()
    hooks.deliver(order("A", "14.00", "2026-11-22T10:30:00Z"))
    hooks.drain()
    assert hooks.order("A").grand == Decimal("15.00")
    assert len(hooks.sales("A")) == 1


def test_who_looks_again_looks_at_what_holds(hooks):
    hooks.deliver(order("A"))
    hooks.drain()
    hooks.write(lambda c: mark(c, CHANNEL, "order", ["A"], facet="target", refetch=True))
    hooks.drain()
    assert hooks.item("A").state == "done"
    assert len(hooks.sales("A")) == 1


def test_the_proof_is_what_was_delivered_against_the_erp(hooks):
    hooks.deliver({"orders": [order("A"), order("B", "3.00")]})
    hooks.drain()
    since, until = PLACED - dt.timedelta(days=30), dt.datetime.now(dt.UTC)
    assert prove(hooks.store, hooks.systems.channel(CHANNEL), since, until).holds
    hooks.erp.enter(f"{CHANNEL}:A", "12.00")
    assert not prove(hooks.store, hooks.systems.channel(CHANNEL), since, until).holds


def test_nothing_is_scheduled_that_would_ask_the_source(hooks):
    names = set(Tasks(hooks.runtime).first_runs())
    assert not names & {"pull:shop", "webhooks:shop"}
    assert f"proof:{CHANNEL}" in names


def test_the_doctor_says_what_came_and_how_to_rehearse(hooks):
    def own(public_url="https://x"):
        checkup = ConnectionCheckup("shop", hooks.store, hooks.systems, hooks.systems, public_url=public_url)
        return {each.check: each for each in checkup.run()}

    found = {each.check: each for each in ChannelCheckup(CHANNEL, hooks.config, hooks.systems, hooks.store).run()}
    assert found["channel.rehearsal"].level is Level.UNKNOWN
    assert "crossdock order" in found["channel.rehearsal"].next_step
    assert "https://x/webhooks/shop" in own()["connection.deliveries"].next_step
    assert own(public_url="")["connection.deliveries"].level is Level.WARN
    hooks.deliver(order("A"))
    assert own()["connection.deliveries"].level is Level.OK


def test_the_desk_offers_nothing_that_it_lacks(hooks):
    detail = connection_detail(hooks.store, hooks.config, "shop")
    assert (detail.can_rewind, detail.has_webhooks, detail.takes_sales) == (False, False, False)


def test_the_silence_of_a_system_that_posts_is_watched(hooks):
    look_at_volumes(hooks.store, hooks.config)
    assert set(hooks.store.read(load_volumes)) == {CHANNEL}
