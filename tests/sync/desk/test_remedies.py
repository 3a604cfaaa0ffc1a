"""What the page of a cause offers, beside mending it where it comes from."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from sync.desk.causes import CAUSES
from sync.desk.needs import list_needs
from sync.desk.remedies import _ONE_BY_ONE, _POLICIES, _now, remedies_of
from sync.store.lookups import save_lookup
from sync.store.switches import pause
from tests.databases import now
from tests.sync.flows.world import CHANNEL, World


def only(world):
    [need] = list_needs(world.store)
    return remedies_of(world.store, world.config, need)


@pytest.mark.parametrize(("cause", "key"), [(cause, key) for cause, hints in _POLICIES.items() for key, _ in hints])
def test_every_policy_that_is_named_is_one_of_a_channel(sqlite_store, cause, key):
    channel = World(sqlite_store, value_limits={"EUR": Decimal(10)}).config.channels[CHANNEL]
    assert cause in CAUSES
    # What nobody has set is empty, and a key that is none raises.
    assert isinstance(_now(channel, key), str)
    with pytest.raises(AttributeError):
        _now(channel, f"{key.partition('.')[0]}_of_nobody")


def test_what_is_decided_one_by_one_are_causes_that_exist():
    assert set(_ONE_BY_ONE) <= set(CAUSES)


def test_a_rule_says_which_key_holds_and_that_a_word_lets_all_pass(sqlite_store):
    world = World(sqlite_store, value_limits={"EUR": Decimal(10)})
    world.shop.place()
    world.carry()
    found = only(world)
    assert [(hint.key, hint.now) for hint in found.policies] == [
        ("channels.web.policies.value_limits", "{EUR: 10}"),
        ("channels.web.policies.rules.value_limit", "hold"),
    ]
    assert (found.approvable, found.waits, found.connection, found.one_by_one) == (True, [], "", None)


def test_an_unknown_article_has_suggestions_and_the_channels_placeholder(sqlite_store):
    world = World(sqlite_store)
    channel = world.config.channels[CHANNEL]
    policies = dataclasses.replace(channel.policies, target={"free_text_product": "MISC"})
    world.config.channels[CHANNEL] = dataclasses.replace(channel, policies=policies)
    world.shop.place(sku="TASSE-ALT")
    world.carry()
    world.write(lambda c: save_lookup(c, "sku", "global", "TASSE-OLT", "TASSE", by="anna"))
    found = only(world)
    assert [each.target for each in found.suggestions] == ["TASSE"]
    assert (found.placeholder, found.approvable) == ("MISC", False)


def test_every_pause_that_its_orders_wait_for_is_named_and_no_other(sqlite_store):
    world = World(sqlite_store)
    world.shop.place(sku="ALT")
    world.carry()
    until = now() + dt.timedelta(minutes=5)
    for scope, name in (("connection", "erp"), ("channel", CHANNEL), ("connection", "elsewhere"), ("channel", "b2b")):
        world.write(lambda c, scope=scope, name=name: pause(c, scope, name, "why", until=until))
    assert {(each.scope, each.name) for each in only(world).waits} == {("connection", "erp"), ("channel", CHANNEL)}


def test_a_connection_that_is_broken_leads_to_its_page(sqlite_store):
    world = World(sqlite_store)
    world.erp.fail("resolve", "broken")
    world.shop.place()
    world.carry()
    [need] = [each for each in list_needs(world.store) if each.issue.cause == "connection"]
    found = remedies_of(world.store, world.config, need)
    assert (found.connection, [each.name for each in found.waits]) == ("erp", ["erp"])
