from __future__ import annotations

from decimal import Decimal

from connectors.kit.base import Rank
from tests.sync.flows.world import World


def test_an_order_becomes_one_confirmed_sale(store):
    world = World(store)
    order = world.shop.place()
    world.carry()
    assert world.item(order).state == "done"
    assert world.totals(order) == [Decimal("20.00")]
    assert world.sales(order)[0].rank is Rank.CONFIRMED
    assert world.sales(order)[0].confirmed == 1
    assert [row.external_id for row in world.bindings(order)] == [str(world.sales(order)[0].id)]
    assert not world.open_intents()
    assert not world.leases()
