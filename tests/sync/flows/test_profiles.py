"""An order goes the whole way by the rules of a profile; the flows know nothing of it."""

from __future__ import annotations

import pytest

from mappings.profiles import profiled_source, profiled_target, read_profile
from sync.desk.steering import retry_orders
from sync.rules import systems
from sync.store.audit import Actor
from sync.store.issues import list_open
from sync.store.lookups import save_lookup
from tests.sync.flows.world import World

PROFILE = read_profile(
    """
profile: nordwind
extends: woocommerce
source:
  order:
    - {to: po_number, concatenate: [source.number, order.billing.country], with: "/"}
    - {to: payment_terms, copy: source.payment_method, then: [{lookup: payment_term}]}
  lines:
    - {to: name, concatenate: [item.name, this.sku], with: " - "}
erp:
  sandbox_erp:
    order:
      - {to: x_terms, copy: order.payment_terms}
    lines:
      - {to: x_shop_line, copy: item.external_id}
""",
    "nordwind.yaml",
)


@pytest.fixture
def world(sqlite_store, monkeypatch):
    """Put together where mappings are put together: `sync.rules.systems`."""
    source, target = systems.SOURCES["woocommerce"], systems.TARGETS["sandbox_erp"]
    monkeypatch.setattr(systems, "SOURCES", {"woocommerce": profiled_source(source, PROFILE)})
    monkeypatch.setattr(systems, "TARGETS", {"sandbox_erp": profiled_target(target, PROFILE, "sandbox_erp")})
    return World(sqlite_store)


def sent_to(world):
    """What the ERP was given, as it was given."""
    given = []
    create = world.erp.create_sales

    def remember(payloads):
        given.extend(payloads)
        return create(payloads)

    world.erp.create_sales = remember
    return given


def test_the_rules_of_a_profile_reach_the_erp_and_a_missing_row_waits_and_is_released(world):
    given = sent_to(world)
    order = world.shop.place()
    world.carry()
    assert world.item(order).state == "parked"
    method = world.shop.orders[order]["payment_method"]
    subject = f"payment_term:{method}"
    assert [issue.subject for issue in world.store.read(list_open)] == [subject]

    world.write(lambda c: save_lookup(c, "payment_term", "global", method, "30 days", by="anna"))
    assert retry_orders(world.store, subject=subject, actor=Actor("anna")) == 1
    world.drain()

    assert world.item(order).state == "done"
    [payload] = given
    assert payload["x_terms"] == "30 days"
    assert payload["po_number"].endswith("/DE")
    line = payload["lines"][0]
    assert line["x_shop_line"] == line["origin"]
    assert " - " in line["description"]


def test_the_version_of_a_channels_mapping_names_the_profile(world):
    assert world.systems.channel("web").mapping_version.count(PROFILE.version) == 2
