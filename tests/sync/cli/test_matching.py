"""`crossdock match ...` as people type it."""

from __future__ import annotations

import functools
import json

import pytest

from sync.desk.bulk import advance
from tests.sync.cli.test_lookup import store
from tests.sync.flows.world import World

__all__ = ["store"]
MAIL = "ann@example.test"


@pytest.fixture
def world(store):
    world = World(store)
    world.twins = world.erp.know("Ann", "C1", MAIL), world.erp.know("Bo [red]", "C2", MAIL)
    world.shop.place(customer="ann")
    world.carry()
    return world


@pytest.fixture
def match(crossdock):
    return functools.partial(crossdock, "match")


def test_a_match_is_listed_shown_decided_and_taken_back(match, world):
    one, two = world.twins
    [listed] = [json.loads(line) for line in match("list", "--json").splitlines()]
    assert (listed["key"], listed["candidates"], listed["blocked"]["documents"]) == (f"email:{MAIL}", 2, 1)
    number = listed["id"]
    assert f"email:{MAIL}" in match("list")
    shown = match("show", number)
    assert "Bo [red]" in shown
    assert "1 order(s) wait for it, worth 20.00 EUR" in shown
    told = json.loads(match("show", number, "--json"))
    assert [(each["id"], each["same"]) for each in told["candidates"]] == [(one, ["email"]), (two, ["email"])]
    assert "either --is RECORD or --apart" in match("decide", number, status=2)
    assert "not '4711'" in match("decide", number, "--is", 4711, status=1)
    assert "there is no match 99" in match("show", 99, status=1)
    assert "1 order(s) are looked at again" in match("decide", number, "--is", two, "--reason", "asked")
    advance(world.store)
    world.drain()
    assert world.causes() == {}
    assert match("list", "--json") == ""
    assert json.loads(match("list", "--decided", "--json", "--connection", "erp"))["chosen"] == two
    assert "is asked for again" in match("undo", number)
    assert "nobody has decided it" in match("undo", number, status=1)
    assert json.loads(match("list", "--json"))["open"] is True
