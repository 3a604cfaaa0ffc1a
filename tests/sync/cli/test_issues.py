"""`crossdock issue ...` as people type it."""

from __future__ import annotations

import datetime as dt
import functools
import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from sync.desk.profiles import publish
from sync.store import users
from sync.store.issues import list_open
from sync.store.tables import audit
from tests.databases import now
from tests.sync.cli.test_lookup import store
from tests.sync.desk.test_profiles import ANNA, text
from tests.sync.flows.erp import _article
from tests.sync.flows.world import World

__all__ = ["store"]


@pytest.fixture
def world(store):
    return World(store, value_limits={"EUR": Decimal(40)})


@pytest.fixture
def issue(crossdock):
    return functools.partial(crossdock, "issue")


def stopped(world, count=3, **how):
    """That many orders, stopped by one cause; answers its id."""
    for number in range(count):
        world.shop.place(customer=f"c{number}", **how)
    world.carry()
    [cause] = [each for each in world.store.read(list_open) if each.documents == count]
    return cause.id


def notes(world):
    query = select(audit.c.action, audit.c.subject, audit.c.after, audit.c.reason, audit.c.origin).order_by(audit.c.id)
    found = [tuple(row) for row in world.rows(query) if row.origin.startswith("terminal ")]
    return [row[:4] for row in found]


def test_issues_are_listed_by_filters_and_one_is_shown(issue, world):
    number = stopped(world, sku="ALT")
    other = stopped(world, count=1, total="50.00")
    listed = issue("list")
    assert listed.index("60.00 EUR") < listed.index("50.00 EUR")
    found = [json.loads(line) for line in issue("list", "--json", "--sort", "seen", "--channel", "web").splitlines()]
    assert [one["id"] for one in found] == [str(other), str(number)]
    assert (found[1]["stopped"], found[1]["worth"]) == (3, [{"amount": "60.00", "currency": "EUR"}])
    assert issue("list", "--json", "--cause", "value_limit", "--owner", "business").count("\n") == 1
    assert issue("list", "--json", "--state", "resolved") == ""
    assert "configured are: web" in issue("list", "--channel", "nobody", status=2)
    shown = issue("show", number, "--orders", 2)
    assert f"issue {number}, open: " in shown
    assert "3 orders stand still, worth 60.00 EUR" in shown
    assert "crossdock lookup sku ALT TARGET" in shown
    assert "and 1 more: --orders" in shown
    assert "decided by channels.web.policies.value_limits" in issue("show", other)
    told = json.loads(issue("show", number, "--json"))
    assert [one["total"]["amount"] for one in told["orders"]] == ["20.00"] * 3
    assert (told["lookup"], told["run"], told["comments"]) == ({"table": "sku", "value": "ALT"}, None, [])


def test_an_issue_is_known_put_aside_woken_given_and_spoken_of(issue, world):
    number = stopped(world, sku="ALT")
    world.write(lambda c: users.add_user(c, "anna", "x", "operator"))
    issue("acknowledge", number)
    assert json.loads(issue("show", number, "--json"))["state"] == "acknowledged"
    until = now() + dt.timedelta(days=2)
    assert "is put aside until" in issue("snooze", number, "--until", f"{until:%Y-%m-%dT%H:%M}", "--grows-by", 5)
    assert issue("list", "--json") == ""
    assert issue("list", "--json", "--state", "snoozed").count("\n") == 1
    issue("wake", number)
    assert issue("list", "--json", "--state", "acknowledged").count("\n") == 1
    assert "is cared for by anna, by 2026-11-30" in issue("assign", number, "anna", "--due", "2026-11-30")
    issue("comment", number, "the supplier renamed it [sic]")
    shown = issue("show", number)
    assert "cared for by anna by 2026-11-30" in shown
    assert ": the supplier renamed it [sic]" in shown
    assert issue("list", "--json", "--assignee", "anna").count("\n") == 1
    issue("assign", number)
    assert issue("list", "--json", "--assignee", "-").count("\n") == 1
    subject = f"issue:{number}"
    aside = f"until {until:%Y-%m-%d %H:%M} UTC, until 5 more"
    assert notes(world) == [
        ("acknowledge", subject, "", ""),
        ("snooze", subject, aside, ""),
        ("wake", subject, "", ""),
        ("assign", subject, "anna, by 2026-11-30", ""),
        ("comment", subject, "the supplier renamed it [sic]", ""),
        ("assign", subject, "nobody", ""),
    ]


def test_what_cannot_be_is_refused_with_its_reason_and_changes_nothing(issue, world):
    number = stopped(world, sku="ALT")
    assert "Say until when it may wait" in issue("snooze", number, status=1)
    assert "a time to come, for 90 days at most" in issue("snooze", number, "--until", "2020-01-01", status=1)
    assert "whole number from 1 on" in issue("snooze", number, "--grows-by", 0, status=1)
    assert "There is no user nobody" in issue("assign", number, "nobody", status=1)
    assert "is no day" in issue("assign", number, "--due", "tomorrow", status=1)
    assert "Write what is to be kept" in issue("comment", number, " ", status=1)
    assert "decided one by one" in issue("approve", number, "--reason", "x", status=1)
    assert "Missing option '--reason'" in issue("approve", number, status=2)
    assert "nothing of issue" in issue("cancel", number, status=1)
    assert "per-minute" in issue("retry", number, "--per-minute", 0, status=2)
    for words in (["show"], ["acknowledge"], ["wake"], ["retry"], ["comment", "x"], ["approve", "--reason", "x"]):
        assert "there is no issue 4711; `crossdock issue list`" in issue(words[0], 4711, *words[1:], status=1)
    assert notes(world) == []


def test_all_of_a_cause_is_looked_at_again_at_a_pace_and_cancelled(issue, world):
    number = stopped(world, sku="ALT")
    world.erp.articles["ALT"] = _article("ALT")
    assert "3 orders will be looked at again" in issue("retry", number, "--per-minute", 1, "--reason", "it is there")
    assert "goes already: 1 of 3 orders" in issue("retry", number)
    world.drain()
    assert "(goes): 1 of 3 released; 1 went, 0 stopped again, 0 under way" in issue("show", number)
    assert "is cancelled" in issue("cancel", number)
    assert "(cancelled): 1 of 3 released" in issue("show", number)
    assert sorted(row.state for row in world.items()) == ["done", "held", "held"]
    assert notes(world)[0] == ("retry all", f"issue:{number}", "3 documents", "it is there")


def test_all_that_a_rule_holds_passes_with_a_reason(issue, world):
    number = stopped(world, total="50.00")
    assert "3 orders pass this cause" in issue("approve", number, "--reason", "the yearly sale")
    world.drain()
    assert {row.state for row in world.items()} == {"done"}
    assert notes(world) == [("approve all", f"issue:{number}", "3 documents", "the yearly sale")]
    assert f"issue {number}, resolved: " in issue("show", number)
    assert "any more" in issue("retry", number, status=1)
    issue("comment", number, "passed until Christmas")


def test_its_orders_are_retried_with_what_they_came_in_with_and_the_order_says_so(issue, world):
    number = stopped(world, count=2, sku="ALT")
    publish(world.store, world.config, "web", text("own"), actor=ANNA, reason="a note", base=0)
    world.drain()
    assert "2 orders will be looked at again" in issue("retry", number, "--mapping", "original")
    assert {row.pinned_revision for row in world.items()} == {0}
    assert "'newest' is not one of" in issue("retry", number, "--mapping", "newest", status=2)
