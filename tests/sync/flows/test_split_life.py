"""Whatever goes wrong while an order is divided, each part is one sale, and together they are the order."""

from __future__ import annotations

from decimal import Decimal

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from config.model import RoutingRule, Split
from connectors.kit.base import KeyDeclaration
from sync.store.marking import release
from sync.store.states import CLAIMABLE
from sync.store.tables import intents, leases, work_items
from sync.work.drain import drain_channel
from tests.databases import empty
from tests.logs import log_plainly
from tests.sync.flows.erp import Crash
from tests.sync.flows.routing_world import RoutedWorld
from tests.sync.flows.stock_world import MAIN, ONE, SECOND
from tests.sync.flows.world import FragileStore

RULE = RoutingRule(name="default", warehouses=(MAIN, SECOND), split=Split.LINES)
TRIES = st.lists(
    st.tuples(
        st.lists(
            st.tuples(
                st.sampled_from(["create", "create", "advance", "find", "party"]),
                st.sampled_from(
                    ["transient", "rejected", "landed", "late", "never", "crash", "crash_landed", "defect"]
                ),
            ),
            max_size=2,
        ),
        st.integers(0, 30),
        st.booleans(),
    ),
    min_size=1,
    max_size=4,
)


class Divided(RoutedWorld):
    """Cups in one warehouse, pots in the other, and one order over both."""

    def __init__(self, store, *, enforced):
        super().__init__(store, RULE)
        for kind, key in dict(self.erp.keys).items():
            self.erp.keys |= {kind: KeyDeclaration(key.key_field, enforced=enforced, same_call=True, draft=key.draft)}
        # That a taker must have seen the same heartbeat for a whole lease has a test of its own.
        self.dispatcher._lease_s = {"erp": 0.0}
        self.fragile = FragileStore(store)
        self.fragile.strike = self._die
        self.stock("TASSE", MAIN=9, SECOND=0)
        self.stock("KANNE", MAIN=0, SECOND=9)
        self.number = self.buy(("TASSE", 1), ("KANNE", 1))
        self.pull()

    def _die(self):
        self.erp.is_dead = True
        raise Crash

    def work(self, *, boundary=0):
        """One drain, on a store that may break at a boundary."""
        self.fragile.countdown = boundary
        try:
            drain_channel(self.fragile, self.systems.channel(ONE), "order", ring=self.bell.ring)
        except Crash:
            pass
        finally:
            self.fragile.countdown, self.erp.is_dead = 0, False

    def time_passes(self):
        self.forward(300)
        self.erp.forward(300)
        self.dispatcher.recover()

    def retry(self):
        stopped = self.store.read(lambda c: list(c.execute(select(work_items).where(work_items.c.state == "parked"))))
        self.store.write(lambda c: release(c, [row.id for row in stopped]))

    @property
    def is_quiet(self):
        def busy(c):
            yield c.execute(select(leases)).first()
            yield c.execute(select(intents).where(intents.c.closed_at.is_(None))).first()
            yield c.execute(select(work_items).where(work_items.c.state.in_([*CLAIMABLE, "leased"]))).first()

        return not any(self.store.read(lambda c: list(busy(c)))) and not self.erp.is_awaited


@pytest.mark.slow
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(enforced=st.booleans(), tries=TRIES)
def test_each_part_is_made_once_whatever_happens_meanwhile(store, enforced, tries):
    log_plainly(structlog.ReturnLoggerFactory())
    empty(store)
    world = Divided(store, enforced=enforced)
    for faults, boundary, goods_come in tries:
        for action, kind in faults:
            world.erp.fail(action, kind, 20)
        if goods_come:
            # Now one warehouse has all of it: where a part stands, or may, that changes nothing any more.
            world.stock("KANNE", MAIN=9)
        world.work(boundary=boundary)
        world.retry()
        world.time_passes()
    world.erp.faults.clear()
    for _ in range(20):
        world.work()
        world.retry()
        world.time_passes()
        if world.is_quiet:
            break
    assert world.is_quiet
    keys = [f"{ONE}:{world.number}", f"{ONE}:{world.number}:part:2"]
    sales = [sale for key in keys for sale in world.erp.standing(key)]
    assert {sale.key for sale in world.erp.sales.values()} <= set(keys)
    assert len({sale.key for sale in sales}) == len(sales)
    assert [sale.confirmed for sale in sales] == [1] * len(sales)
    assert sum((sale.total for sale in sales), Decimal(0)) == Decimal(20)
    assert world.order(world.number).state == "done"
    assert {world.erp.sent_from[sale.key] for sale in sales} == ({MAIN, SECOND} if len(sales) > 1 else {MAIN})
