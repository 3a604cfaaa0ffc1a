"""`erase` at the terminal: first what it would touch, then with `--yes`, and a refusal with its next step; `purge`."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import select, update

from config.settings import Settings
from sync import cli
from sync.cli import keeping
from sync.store.issue_sums import REPORT
from sync.store.reports import last_report
from sync.store.tables import audit, erasures, events, issue_sums, orders
from tests.sync.flows.world import World


@pytest.fixture
def world(sqlite_store):
    return World(sqlite_store)


@pytest.fixture
def typed(world, monkeypatch, capsys):
    """(exit status, what it prints) of a command."""
    monkeypatch.setattr(keeping, "opened", lambda: contextlib.nullcontext(world.runtime))

    def type_in(*arguments):
        monkeypatch.setattr("sys.argv", ["crossdock", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        return stop.value.code or 0, " ".join((said.out + said.err).split())

    return type_in


def emails(world):
    return [row.email for row in world.rows(select(orders.c.email).order_by(orders.c.id))]


def test_what_would_be_erased_is_shown_and_nothing_is_touched_without_yes(world, typed):
    world.shop.place(customer="zoe")
    world.shop.place(customer="anna")
    world.carry()
    mine, other = emails(world)
    status, shown = typed("erase", mine)
    assert status == 0
    assert "would be erased from 1 orders, 1 payloads, " in shown
    assert "Nothing was changed: `--yes` does it." in shown
    assert (emails(world), world.rows(select(erasures)), world.rows(select(audit))) == ([mine, other], [], [])


def test_with_yes_one_customer_is_gone_and_the_next_one_stays(world, typed):
    order = world.shop.place(customer="zoe")
    world.shop.place(customer="anna")
    world.carry()
    mine, other = emails(world)
    status, shown = typed("erase", mine, "--yes")
    assert status == 0
    assert shown.startswith("order ")
    assert "erased from 1 orders, 1 payloads, " in shown
    assert "would" not in shown
    assert emails(world) == ["", other]
    assert len(world.rows(select(events.c.id))) == 1
    [row] = world.rows(select(audit))
    assert (row.action, row.subject) == ("erase", f"order:web:{order}")
    assert mine not in shown + row.actor + row.after
    assert typed("erase", mine, "--yes")[1] == "erased from 0 orders, 0 payloads, 0 records of calls"


def test_a_customer_of_whom_something_is_still_expected_is_not_erased_and_the_next_step_is_named(world, typed):
    world.shop.place(customer="zoe", sku="OLD")
    world.carry()
    [mine] = emails(world)
    status, shown = typed("erase", mine, "--yes")
    assert status == 1
    assert "still open" in shown
    assert "let them end, or reject them" in shown
    assert "Traceback" not in shown
    assert emails(world) == [mine]


def test_a_purge_counts_anew_what_is_kept_of_issues_and_says_what_differed(world, typed):
    world.runtime.settings = Settings.from_env({})
    world.shop.place(sku="UNKNOWN")
    world.carry()
    spoilt = update(issue_sums).where(issue_sums.c.documents > 0).values(stopped=issue_sums.c.stopped + 7)
    world.write(lambda c: c.execute(spoilt))
    status, shown = typed("purge")
    assert status == 0
    assert "nothing was old enough of issues, 0 orders and 1 sums differed and were put right" in shown
    report = world.store.read(lambda c: last_report(c, REPORT))
    assert (report.ok, report.body) == (False, {"documents": 0, "sums": 1})
    status, shown = typed("purge")
    assert status == 0
    assert "differed" not in shown
    assert world.store.read(lambda c: last_report(c, REPORT)).ok
