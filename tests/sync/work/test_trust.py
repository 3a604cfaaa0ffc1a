"""After an outage or a restored backup no order is spared its look-up, whoever comes first."""

import datetime as dt

import pytest
from sqlalchemy import update

from config.model import Channel
from sync.store import singletons
from sync.store.channels import channel_state, start_channel
from sync.store.singletons import SCHEDULER
from sync.store.tables import singletons as table
from sync.work.trust import begin_channel

CHANNEL = Channel(name="shop-de", source="shop", erp="erp")


@pytest.fixture
def store(store):
    store.write(lambda c: start_channel(c, "shop-de", None))
    return store


def trusted_since(store):
    return store.read(lambda c: channel_state(c, "shop-de")).trusted_since


def silent_for(store, minutes):
    store.write(lambda c: singletons.take(c, SCHEDULER, "host:1", 15.0))
    past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
    store.write(lambda c: c.execute(update(table).values(beat_at=past)))


@pytest.mark.fault("A23")
def test_a_drain_that_comes_before_the_scheduler_stops_trusting(store):
    before = trusted_since(store)
    silent_for(store, 6)
    assert store.write(lambda c: begin_channel(c, CHANNEL)).trusted_since > before


@pytest.mark.parametrize("minutes", [None, 0, 4])
def test_a_restart_or_a_first_start_is_no_outage(store, minutes):
    before = trusted_since(store)
    if minutes is not None:
        silent_for(store, minutes)
    assert store.write(lambda c: begin_channel(c, CHANNEL)).trusted_since == before
