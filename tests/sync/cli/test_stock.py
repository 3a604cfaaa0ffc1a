"""`crossdock stock`, over shops and an ERP in memory."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from sqlalchemy import select

from sync import cli
from sync.cli import stock
from sync.store.tables import audit
from tests.sync.flows.stock_world import ONE, TWO, StockWorld


@pytest.fixture
def world(sqlite_store, monkeypatch):
    made = StockWorld(sqlite_store, channels=(ONE, TWO), safety=Decimal(2))
    made.offer("TASSE", 15)
    made.run()
    monkeypatch.setattr(stock, "opened", lambda: contextlib.nullcontext(made.runtime))
    return made


@pytest.fixture
def typed(world, monkeypatch, capsys):
    """What a command prints, with its exit status."""

    def type_in(*arguments):
        monkeypatch.setattr("sys.argv", ["crossdock", "stock", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        said = capsys.readouterr()
        return stop.value.code or 0, said.out + said.err

    return type_in


def test_the_ledger_is_a_table(typed):
    status, said = typed(ONE)
    assert status == 0
    row = next(line for line in said.splitlines() if "TASSE" in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")][:6] == ["TASSE", "15", "0", "2", "13", "13"]


def test_the_sum_of_an_article_names_every_order(typed, world):
    world.shops[TWO].sell("TASSE", 3)
    world.erp.fail("create", "transient")
    world.capture(TWO)
    world.push()
    status, said = typed(ONE, "TASSE")
    assert status == 0
    for line in (
        "shop-web shows 10",
        "+ 15 in MAIN",
        "- 3 order",
        "- 2 safety stock",
        "= 10 available",
        "-> 10 to be shown",
    ):
        assert line in said


def test_one_article_is_pushed_at_once_and_the_person_is_kept(typed, world):
    world.shop.articles["TASSE"].clear()
    world.shop.offer("TASSE", 99)
    status, said = typed(ONE, "TASSE", "--push")
    assert (status, world.shop.shows("TASSE")) == (0, 13)
    assert "shop-web shows 13" in said
    actions = world.store.read(lambda c: c.execute(select(audit.c.action)).scalars().all())
    assert actions == ["push stock"]


def test_what_changed_is_pushed_without_the_schedule(typed, world):
    world.erp.put_there("TASSE", 7)
    assert typed(ONE, "--push")[0] == 0
    assert world.shop.shows("TASSE") == 5


def test_everything_is_compared_on_demand(typed, world):
    world.shop.articles["TASSE"].clear()
    world.shop.offer("TASSE", 99)
    assert typed(ONE, "--push")[0] == 0
    assert world.shop.shows("TASSE") == 99
    assert typed(ONE, "--push", "--full")[0] == 0
    assert world.shop.shows("TASSE") == 13


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nobody",), "there is no channel 'nobody'"),
        ((ONE, "UNHEARD-OF"), "web knows no article 'UNHEARD-OF'"),
        ((ONE, "--full"), "--full goes with --push"),
    ],
)
def test_what_cannot_be_done_is_said(typed, arguments, said):
    status, text = typed(*arguments)
    assert status != 0
    assert said in text
