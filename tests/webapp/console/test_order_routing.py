"""The order page says from where an order is sent and why, in the reader's language."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from sqlalchemy import select

from config.model import Routing, RoutingRule, ShortLines
from sync.rules.routing import choose
from sync.rules.shortage import cut_short
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


def keep(store, route):
    def work(connection):
        order_id, now = connection.execute(select(orders.c.id, db_now())).one()
        values = {field.name: getattr(route, field.name) for field in dataclasses.fields(route)}
        save_routes(connection, [RouteRow(**values | {"order_id": order_id, "read_at": now, "material": ""})])

    store.write(work)


def test_a_short_order_shows_its_warehouse_what_was_missing_and_how_old_the_stock_was(home, store, browser, foreigner):
    [number] = home.shop.place(1)
    home.carry()
    rule = RoutingRule(name="default", warehouses=("SÜD", "MAIN"))
    there = {"TASSE": {"SÜD": Decimal(0), "MAIN": Decimal("1.000")}}
    route = choose(Routing(rules=(rule,)), make_order(), {"TASSE": Decimal("2.00")}, there)
    keep(store, route)
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


def test_an_order_whose_rest_is_given_back_shows_which_pieces_and_how_much(home, store, browser, foreigner):
    [number] = home.shop.place(1)
    home.carry()
    routing = Routing(rules=(RoutingRule(name="default", warehouses=("SÜD",)),), short=ShortLines.CANCEL)
    wanted, there = {"SKU-A": Decimal(2)}, {"SKU-A": {"SÜD": Decimal(1)}}
    keep(store, cut_short(routing, make_order(), wanted, there, str, digits=2))
    page = browser("viewer").get(f"/orders/{CHANNEL}/{number}").text
    for text in ("In part: the rest is given back in the shop", "11.90 EUR", "1 x SKU-A"):
        assert text in page, text
    assert "Back-ordered" not in page
    assert unmarked(foreigner("viewer").get(f"/orders/{CHANNEL}/{number}").text) == []
