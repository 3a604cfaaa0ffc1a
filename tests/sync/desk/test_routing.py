"""What people are told of the warehouses of a channel: by the doctor, and in an order's passport."""

from __future__ import annotations

from typing import Any

import pytest

from config.model import RoutingRule
from connectors.kit.errors import Transient
from connectors.kit.findings import Level
from sync.desk.doctor.routing import routing_finding
from sync.desk.passport import passport
from sync.desk.steering import reject_order
from sync.flows.adopt import link, read_order
from sync.store.audit import Actor
from tests.sync.flows.erp import Erp
from tests.sync.flows.routing_world import ALL, RoutedWorld, always
from tests.sync.flows.stock_world import MAIN, ONE, SECOND


@pytest.fixture
def world(sqlite_store):
    made = RoutedWorld(sqlite_store)
    made.stock("TASSE", MAIN=0, SECOND=5)
    return made


def found(world):
    return routing_finding(world.systems.channel(ONE), world.store)


def test_the_doctor_wants_the_stock_read_lately(world):
    assert (found(world).level, "never read" in found(world).found) == (Level.WARN, True)
    world.run()
    assert (found(world).level, found(world).found) == (Level.OK, f"orders are sent from {MAIN}, {SECOND}")
    world.change(max_age_s=0.0)
    assert (found(world).level, "last asked for at" in found(world).found) == (Level.WARN, True)


def test_the_doctor_names_a_warehouse_that_the_erp_does_not_have(world):
    world.change(rules=(RoutingRule(name="default", warehouses=("THIRD", MAIN)),))
    assert (found(world).level, found(world).found) == (
        Level.FAIL,
        f"erp has no warehouse THIRD; it has {MAIN}, {SECOND}",
    )


def test_the_doctor_does_not_know_what_an_erp_that_is_away_has(world):
    world.erp.stock_errors.append(Transient("nobody answers"))
    assert found(world).level is Level.UNKNOWN


def test_the_doctor_asks_an_erp_that_tells_no_stock_for_none(world):
    made: Any = world.systems._made
    made["erp"] = Erp()
    assert found(world).level is Level.FAIL
    world.change(rules=(always(MAIN),))
    assert found(world).level is Level.OK
    world.change(rules=())
    assert (found(world).level, "no rules" in found(world).found) == (Level.OK, True)


def refused(world):
    """An order whose warehouse was chosen, and whose sale the ERP did not take."""
    world.run()
    world.erp.fail("create", "rejected")
    order = world.buy(("TASSE", 1))
    world.capture()
    [one] = passport(world.store, world.config, order)
    assert one["routing"]["warehouse"] == SECOND
    return order


def test_what_a_person_rejects_is_sent_from_nowhere(world):
    order = refused(world)
    assert reject_order(world.store, world.order(order), actor=Actor("test"), reason="no goods")
    [one] = passport(world.store, world.config, order)
    assert one["routing"] is None


def test_who_links_a_sale_by_hand_has_chosen_its_warehouse(world):
    order = refused(world)
    envelope = world.shop.fetch_orders([order])[0]
    systems = world.systems.channel(ONE)
    read = read_order(world.store, systems, envelope)
    sale = world.erp.enter(f"{ONE}:{order}", "10.00").summary()
    assert world.store.write(lambda c: link(c, systems, envelope, read, sale))
    [one] = passport(world.store, world.config, order)
    assert (one["erp_id"], one["routing"]) == (sale.external_id, None)


def test_the_passport_says_which_rule_chose_by_what_reading(world):
    world.run()
    world.change(rules=(ALL,))
    order = world.buy(("TASSE", 1))
    [before] = [one["routing"] for one in passport(world.store, world.config, order)] or [None]
    world.capture()
    [after] = [one["routing"] for one in passport(world.store, world.config, order)]
    assert before is None
    assert (after["warehouse"], after["rule"], after["short"]) == (SECOND, "default", False)
    assert after["read_at"] < after["routed_at"]
