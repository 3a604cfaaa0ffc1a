"""Routing at the terminal: which rule chose, and which rules an order in a file fits."""

from __future__ import annotations

import contextlib
import json

import pytest

from sync import cli
from sync.cli import mapping, orders, stock
from tests.mappings.woocommerce_orders import ADDRESS, woo_order
from tests.sync.flows.routing_world import ALL, RoutedWorld, always
from tests.sync.flows.stock_world import SECOND


@pytest.fixture
def world(sqlite_store):
    return RoutedWorld(sqlite_store, always(SECOND, countries=("AT",)), ALL)


@pytest.fixture
def typed(world, monkeypatch, capsys):
    """What a command prints."""
    for module in (orders, stock):
        monkeypatch.setattr(module, "opened", lambda: contextlib.nullcontext(world.runtime))
    monkeypatch.setattr(mapping, "read_config", lambda _: world.config)

    def type_in(*arguments):
        monkeypatch.setattr("sys.argv", ["crossdock", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            cli.main()
        said = capsys.readouterr()
        return said.out + said.err

    return type_in


def test_an_order_says_from_where_it_is_sent_and_why(typed, world):
    world.stock("TASSE", MAIN=0, SECOND=5)
    order = world.buy(("TASSE", 1))
    world.capture()
    assert "sent from SECOND: rule default: SECOND has all of it; MAIN lacks 1 x TASSE (stock read " in typed(
        "order", order
    )
    assert json.loads(typed("order", order, "--json"))["routing"]["rule"] == "default"


def test_the_ledger_of_stock_says_from_where_an_order_takes_its_goods(typed, world):
    world.stock("TASSE", MAIN=0, SECOND=5)
    world.run()
    order = world.buy(("TASSE", 2))
    world.erp.fail("create", "rejected")
    world.capture()
    assert f"- 2 order WC-{order} of web from SECOND: not in the ERP's figure yet (parked)" in typed(
        "stock", "web", "TASSE"
    )


def test_a_file_says_which_rules_it_fits(typed, tmp_path):
    file = tmp_path / "order.json"
    file.write_text(json.dumps(woo_order(shipping=ADDRESS | {"country": "AT"})), "utf-8")
    said = typed("mapping", "try", "woocommerce", str(file), "--channel", "web")
    assert said.splitlines()[-2:] == [
        "  may be sent by rule to_second from SECOND (always)",
        "  may be sent by rule default from MAIN, SECOND (has_all)",
    ]
    shown = json.loads(typed("mapping", "try", "woocommerce", str(file), "--channel", "web", "--json"))
    assert [rule["rule"] for rule in shown["routing"]] == ["to_second", "default"]
    assert "there is no channel other; there are web" in typed(
        "mapping", "try", "woocommerce", str(file), "--channel", "other"
    )
