"""A level needs a resync: looking again at what no event will ever tell us about."""

from __future__ import annotations

import datetime as dt

from sync.rules.comparison import Kind, compare
from sync.rules.refund_comparison import compare_refunds
from sync.rules.systems import ChannelSystems
from sync.store.backlog import open_before
from sync.store.engine import Store
from sync.store.marking import mark

#: The first hour of an order is the pull's and the webhooks' business.
_YOUNG = dt.timedelta(hours=1)
#: Differences that looking again may end; a foreign sale is nobody's order.
_MENDABLE = {Kind.MISSING, Kind.DOUBLED, Kind.AMOUNT, Kind.STATE}


def mark_resting(store: Store, channel: str, looked_before: dt.datetime) -> int:
    """Mark every open order that nobody looked at since; answers how many."""
    ids = store.read(lambda c: open_before(c, channel, "order", looked_before))
    return store.write(lambda c: mark(c, channel, "order", ids, facet="target", refetch=True)) if ids else 0


def compare_and_mark(store: Store, systems: ChannelSystems, since: dt.datetime, until: dt.datetime) -> int:
    """Mark what vanished or drifted between the shop, Crossdock and the ERP; answers how many orders.

    Raises Transient, ConnectionBroken.
    """
    groups = compare(store, systems, since, until, young=_YOUNG)
    groups += compare_refunds(store, systems, since, until, young=_YOUNG) or ()
    ids = {
        difference.shop_id
        for group in groups
        for difference in group.differences
        if difference.kind in _MENDABLE and difference.shop_id
    }
    if not ids:
        return 0
    return store.write(lambda c: mark(c, systems.channel.name, "order", ids, facet="target", refetch=True))
