"""One drain: claim due items of a channel batch by batch for a while, converge each batch, write down how it ended."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from mappings.canonical.errors import Problems
from sync.desk.phrases import say
from sync.flows.context import Clock, Drain
from sync.flows.orders import converge
from sync.flows.piece import Piece
from sync.rules.lookups import NO_LOOKUPS, Lookups, renew_lookups
from sync.rules.pinned import Unreadable, under_pin
from sync.rules.stops import Held, Later
from sync.rules.systems import ChannelSystems
from sync.store.channels import channel_state
from sync.store.engine import Store
from sync.store.intents import newest_intent
from sync.store.items import Item, claim, has_due
from sync.store.leases import LeaseLost, close_lease, open_lease, used_slots
from sync.store.revisions import load_published, published_number
from sync.store.switches import pause_of
from sync.work import stopping
from sync.work.bell import DRAIN_S
from sync.work.heart import Heart
from sync.work.settle import settle
from sync.work.trust import begin_channel, notice_return
from sync.work.witness import Witness

log = structlog.get_logger()

#: On SQLite a worker's transaction stays under 64 rows.
MAX_BATCH = 64


def drain_channel(
    store: Store,
    systems: ChannelSystems,
    kind: str,
    *,
    ring: Callable[[str, str], object],
    drain_s: float = DRAIN_S,
    job: str = "",
    witness: Witness | None = None,
) -> int:
    """Drain what is due of one channel; answers how many items were looked at. Safe to run twice, or at once.

    `ring(channel, kind)` is called when a second worker can help, or when time was up with work left. `job` is the
    queue's name for this drain, by which a person can have it stopped. `witness` is what this machine remembers of the
    database.
    """
    channel = systems.channel
    if _paused(store, systems):
        return 0
    begun = time.monotonic()
    lease = store.write(
        lambda c: open_lease(
            c,
            channel=channel.name,
            kind=kind,
            target=channel.erp,
            holder=holder_name(job),
            concurrency=systems.target.concurrency,
            lease_s=systems.lease_s,
        )
    )
    if lease is None:
        return 0
    clock = Clock(lease.lease_s, begun)
    if witness is not None:
        notice_return(store, witness)
    state = store.write(lambda c: begin_channel(c, channel))
    heart = Heart(store, lease, clock, stall_s=3 * systems.target.write_deadline_s + 60.0)
    with heart, ThreadPoolExecutor(lease.slots, thread_name_prefix="window") as pool:
        drain = Drain(store, systems, state, lease, clock, NO_LOOKUPS, pool, progress=heart.moved)
        try:
            looked, more = _batches(drain, ring, drain_s)
        except LeaseLost as lost:
            log.warning("lease_lost", channel=channel.name, reason=str(lost))
            return 0
    store.write(lambda c: close_lease(c, lease))
    if witness is not None:
        witness.note(store.read(newest_intent))
    if looked:
        log.info("drained", channel=channel.name, kind=kind, items=looked, seconds=round(time.monotonic() - begun, 1))
    if more:
        ring(channel.name, kind)
    return looked


def holder_name(job: str = "") -> str:
    """`<host>:<process id>:<job>`; the job is empty where no worker runs it."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{job}"[:128]


def _batches(drain: Drain, ring: Callable[[str, str], object], drain_s: float) -> tuple[int, bool]:
    """(items looked at, whether there is more)."""
    until = time.monotonic() + drain_s
    size = batch_size(drain)
    looked, known = 0, None
    while time.monotonic() < until and not stopping.asked():
        items = drain.store.write(lambda c: claim(c, drain.lease, size))
        if not items:
            return looked, False
        if len(items) == size and looked == 0 and _has_room(drain):
            # A claim that came back full: a second worker can help, up to the connection's concurrency.
            ring(drain.lease.channel, drain.lease.kind)
        # After the claim: a row that is added from now on finds these items owned, and makes them come again.
        known = _lookups(drain, known)
        _renew_profile(drain)
        _work(drain, items, known)
        looked += len(items)
        if drain.away.is_set() or _paused(drain.store, drain.systems):
            return looked, False
    return looked, drain.store.read(lambda c: has_due(c, drain.lease.channel, drain.lease.kind))


def _work(drain: Drain, items: Sequence[Item], known: Lookups) -> None:
    """Converge and settle, those together that are mapped by the same revision. Raises LeaseLost."""
    applies = drain.systems
    for number in dict.fromkeys(item.pinned_revision for item in items):
        part = [item for item in items if item.pinned_revision == number]
        try:
            drain.systems = applies if number is None else under_pin(drain.store, applies, number)
        except Unreadable as stop:
            settle(drain, [Piece(item, error=stop) for item in part])
            continue
        drain.ask(known)
        pieces = converge(drain, part)
        changed = _changed_since(drain, known, pinned=number is not None)
        settle(drain, _postponed(pieces) if changed else pieces)
        drain.systems = applies


def _lookups(drain: Drain, known: Lookups | None) -> Lookups:
    return drain.store.read(lambda c: renew_lookups(c, drain.systems.channel, known))


def _renew_profile(drain: Drain) -> None:
    """With each batch what was published last, and with it how many orders are to wait for a person."""
    channel = drain.systems.channel.name
    if drain.store.read(lambda c: published_number(c, channel)) == drain.systems.revision:
        return
    drain.systems = drain.systems.under(drain.store.read(lambda c: load_published(c, channel)))
    drain.state = drain.store.read(lambda c: channel_state(c, channel)) or drain.state


def _changed_since(drain: Drain, known: Lookups, *, pinned: bool) -> bool:
    """Whether somebody has changed what orders are mapped by since this batch began."""
    number = drain.store.read(lambda c: published_number(c, drain.systems.channel.name))
    return (number != drain.systems.revision and not pinned) or _lookups(drain, known) is not known


def _postponed(pieces: list[Piece]) -> list[Piece]:
    """What was held by what has changed meanwhile is looked at again: nobody else would release it."""
    for piece in pieces:
        if isinstance(piece.error, Held | Problems):
            piece.error = Later(say("a look-up table or the mapping profile was changed meanwhile"))
    return pieces


def batch_size(drain: Drain) -> int:
    """As many as keep the window full, and no more than one transaction may carry."""
    return min(MAX_BATCH, max(drain.lease.slots * 4, drain.target.bulk))


def _has_room(drain: Drain) -> bool:
    used = drain.store.read(used_slots)
    return used.get(drain.lease.connection, 0) < drain.target.concurrency


def _paused(store: Store, systems: ChannelSystems) -> bool:
    channel = systems.channel
    stop = store.read(lambda c: pause_of(c, channel=channel.name, connections=(channel.source, channel.erp)))
    return stop is not None
