"""The order page says from where an order is sent and why, in the reader's language."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from config.model import Routing, RoutingRule
from sync.rules.routing import choose
from sync.store.routes import RouteRow, save_routes
from sync.store.tables import orders
from sync.store.types import db_now
from tests.mappings.orders import make_order
from tests.webapp.console.pseudo import foreigner, pseudo_language, unmarked
from tests.webapp.console.selling import CHANNEL, selling

__all__ = ["foreigner", "pseudo_language"]

pytestmark = pytest.mark.loopback


@pytest.fixture
def home(tmp_path, store):
    with selling(tmp_path, store.engine.url.render_as_string(hide_password=False)) as made:
        yield made


@pytest.fixture
def app(home):
    return home.app


def test_a_short_order_shows_its_warehouse_what_was_missing_and_how_old_the_stock_was(home, store, browser, foreigner):
    [number] = home.shop.place(1)
    home.carry()
    rule = RoutingRule(name="default", warehouses=("SÜD", "MAIN"))
    there = {"TASSE": {"SÜD": Decimal(0), "MAIN": Decimal("1.000")}}
    route = choose(Routing(rules=(rule,)), make_order(), {"TASSE": Decimal("2.00")}, there)

    def keep(connection):
        order_id, now = connection.execute(select(orders.c.id, db_now())).one()
        row = RouteRow(
            order_id=order_id, rule=route.rule, warehouse=route.warehouse, short=route.short, reason=route.reason,
            read_at=now, material="",
        )  # fmt: skip
        save_routes(connection, [row])

    store.write(keep)
    page = browser("viewer").get(f"/orders/{CHANNEL}/{number}").text
    for text in (
        "Sent from",
        "SÜD",
        "Back-ordered",
        "2 x TASSE",
        "Why it is sent from there",
        "the stock was read",
        "Warehouse chosen",
    ):
        assert text in page, text
    assert unmarked(foreigner("viewer").get(f"/orders/{CHANNEL}/{number}").text) == []
