"""One drain of a channel's customers: claim who is due, tell the CRM, write it down."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from config.model import Channel
from sync.flows.context import Clock
from sync.flows.crm.converge import converge_customers
from sync.flows.crm.piece import CrmDrain
from sync.rules.crm_systems import CrmSystems
from sync.store.crm.customers import KIND
from sync.store.engine import Store
from sync.store.items import claim, has_due
from sync.store.leases import LeaseLost, close_lease, open_lease
from sync.store.switches import find_pause, pauses
from sync.work import stopping
from sync.work.bell import DRAIN_S
from sync.work.crm.settle import settle_customers
from sync.work.drain import holder_name
from sync.work.heart import Heart

log = structlog.get_logger()

#: One drain on a CRM at a time: several channels may count in one account, and figures land in the order in which
#: they were made.
_SLOTS: Final = 1


def drain_customers(
    store: Store,
    systems: CrmSystems,
    *,
    ring: Callable[[str, str], object],
    drain_s: float = DRAIN_S,
    job: str = "",
) -> int:
    """Drain who is due of a channel's customers; answers how many were looked at. Safe to run twice, or at once.

    A pause of the shop or the ERP stops nothing here: what is known is told.
    """
    channel = systems.channel
    if _paused(store, channel):
        return 0
    begun = time.monotonic()
    lease = store.write(
        lambda c: open_lease(
            c,
            channel=channel.name,
            kind=KIND,
            target=systems.connection,
            holder=holder_name(job),
            concurrency=_SLOTS,
            lease_s=systems.lease_s,
        )
    )
    if lease is None:
        return 0
    clock = Clock(lease.lease_s, begun)
    heart = Heart(store, lease, clock, stall_s=3 * systems.crm.write_deadline_s + 60.0)
    with heart:
        drain = CrmDrain(store, systems, lease, clock, progress=heart.moved)
        try:
            looked, more = _batches(drain, drain_s)
        except LeaseLost as lost:
            log.warning("lease_lost", channel=channel.name, reason=str(lost))
            return 0
    store.write(lambda c: close_lease(c, lease))
    if looked:
        log.info("drained", channel=channel.name, kind=KIND, items=looked, seconds=round(time.monotonic() - begun, 1))
    if more:
        ring(channel.name, KIND)
    return looked


def _batches(drain: CrmDrain, drain_s: float) -> tuple[int, bool]:
    """(customers looked at, whether there are more)."""
    until = time.monotonic() + drain_s
    channel, size, looked = drain.systems.channel, drain.systems.crm.account_batch, 0
    while time.monotonic() < until and not stopping.asked():
        items = drain.write(lambda c: claim(c, drain.lease, size))
        if not items:
            return looked, False
        settle_customers(drain, converge_customers(drain, items))
        looked += len(items)
        if _paused(drain.store, channel):
            return looked, False
    return looked, drain.store.read(lambda c: has_due(c, channel.name, KIND))


def _paused(store: Store, channel: Channel) -> bool:
    stop = find_pause(store.read(pauses), channel=channel.name, connections=(channel.crm.connection,))
    return stop is not None
