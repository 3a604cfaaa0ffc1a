"""One drain of a channel's stock: claim due articles, bring the shop to show what it is to show, write it down."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from config.model import Channel, Config
from sync.flows.context import Clock
from sync.flows.stock.batches import batches
from sync.flows.stock.converge import converge_stock
from sync.flows.stock.piece import StockDrain
from sync.rules.lookups import NO_LOOKUPS, Lookups, renew_lookups
from sync.rules.stock import Articles
from sync.rules.stock_systems import StockSystems
from sync.store.engine import Store
from sync.store.items import Item, claim_these, has_due
from sync.store.leases import LeaseLost, close_lease, open_lease
from sync.store.stock.items import KIND, due_articles
from sync.store.switches import find_pause, pauses
from sync.work import stopping
from sync.work.bell import DRAIN_S
from sync.work.drain import holder_name
from sync.work.heart import Heart
from sync.work.stock.settle import settle_stock

log = structlog.get_logger()

#: One drain of a shop's stock at a time: it writes in bulk, and figures land in the order in which they were made.
_SLOTS: Final = 1
#: Articles that are put in order at once: more than a drain gets through.
_MOST: Final = 20_000


def drain_stock(
    store: Store,
    config: Config,
    systems: StockSystems,
    *,
    ring: Callable[[str, str], object],
    drain_s: float = DRAIN_S,
    job: str = "",
) -> int:
    """Drain what is due of a channel's stock; answers how many articles were looked at. Safe to run twice, or at once.

    A pause of the ERP stops nothing here: the shop then shows no more than it does, and less where orders come in.
    """
    channel = systems.channel
    if not channel.stock.push or _paused(store, channel):
        return 0
    begun = time.monotonic()
    lease = store.write(
        lambda c: open_lease(
            c,
            channel=channel.name,
            kind=KIND,
            target=channel.source,
            holder=holder_name(job),
            concurrency=_SLOTS,
            lease_s=systems.lease_s,
        )
    )
    if lease is None:
        return 0
    clock = Clock(lease.lease_s, begun)
    heart = Heart(store, lease, clock, stall_s=3 * systems.shop.write_deadline_s + 60.0)
    with heart:
        drain = StockDrain(store, config, systems, lease, clock, Articles(NO_LOOKUPS), progress=heart.moved)
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


def _batches(drain: StockDrain, drain_s: float) -> tuple[int, bool]:
    """(articles looked at, whether there are more)."""
    until = time.monotonic() + drain_s
    channel = drain.systems.channel
    looked, planned = 0, _plan(drain)
    items: list[Item] = []
    lookups: Lookups | None = None
    while planned and time.monotonic() < until and not stopping.asked():
        if items := _claim(drain, planned.popleft()):
            # After the claim: a row that is added from now on finds these articles owned, and makes them come again.
            known = lookups
            lookups = drain.store.read(lambda c, known=known: renew_lookups(c, channel, known))  # type: ignore[misc]
            if lookups is not known:
                drain.articles = Articles(lookups)
            settle_stock(drain, converge_stock(drain, items))
            looked += len(items)
        if _paused(drain.store, channel):
            return looked, False
        if items and not planned:
            planned = _plan(drain)
    # Where nothing could be claimed, somebody holds it: the dispatcher looks when to ring again.
    return looked, bool(items) and drain.store.read(lambda c: has_due(c, channel.name, KIND))


def _plan(drain: StockDrain) -> collections.deque[list[int]]:
    """What is due, in batches that each fill one call to the shop as well as can be; suspect ones alone, and first."""
    shop = drain.systems.shop
    due = drain.store.read(lambda c: due_articles(c, drain.systems.channel.name, _MOST))
    alone = [[item_id] for item_id, suspect, _ in due if suspect]
    others = [(item_id, parent if shop.writes_by_parent else "") for item_id, suspect, parent in due if not suspect]
    return collections.deque(alone + batches(others, shop.stock_bulk))


def _claim(drain: StockDrain, ids: Sequence[int]) -> list[Item]:
    """A planned batch, as far as it is due still, in claims that each are a short transaction."""
    items: list[Item] = []
    for some in drain.store.pieces(ids, 1):
        items += drain.store.write(lambda c, some=some: claim_these(c, drain.lease, some))  # type: ignore[misc]
    return items


def _paused(store: Store, channel: Channel) -> bool:
    return find_pause(store.read(pauses), channel=channel.name, connections=(channel.source,)) is not None
