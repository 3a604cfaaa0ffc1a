"""How long work that a killed worker held waits for its next owner: the promise of two leases, measured."""

from __future__ import annotations

import dataclasses
import os
import signal
import time
from typing import Final

from sqlalchemy import select

from sync.store.tables import intents, leases, work_items
from tests.chaos.installation import Installation
from tests.chaos.scale import LEASE_S, SETTLE_S, SLACK_S

#: Orders that are placed to have something to hold.
_ORDERS: Final = 40
_PATIENCE_S: Final = 20.0
_LONGEST_S: Final = SETTLE_S + 2 * LEASE_S + 4 * SLACK_S

#: The promise, and what a busy machine takes on top of it.
BOUND_S: Final = 2 * LEASE_S + SLACK_S
BOUND_WITH_INTENT_S: Final = SETTLE_S + 2 * LEASE_S + SLACK_S


@dataclasses.dataclass(slots=True)
class Recovery:
    """What became of the work of one killed drain."""

    #: Seconds from the kill until each document that had no open intent could be somebody else's.
    plain_s: list[float] = dataclasses.field(default_factory=list)
    #: The same for those with one, until it was closed.
    in_doubt_s: list[float] = dataclasses.field(default_factory=list)
    #: Seconds until all of them were worked off; each is tried alone, as it may be what kills.
    worked_off_s: float = 0.0
    #: Documents that were not taken up within any sensible time.
    lost: int = 0

    def faults(self) -> list[str]:
        """Where the promise was broken."""
        faults = [f"{self.lost} documents of a killed worker were not taken up"] if self.lost else []
        if max(self.plain_s, default=0.0) > BOUND_S:
            faults.append(f"a document of a killed worker waited {max(self.plain_s):.1f} s, not {BOUND_S:.1f} s")
        if max(self.in_doubt_s, default=0.0) > BOUND_WITH_INTENT_S:
            worst = max(self.in_doubt_s)
            faults.append(f"one with an open intent waited {worst:.1f} s, not {BOUND_WITH_INTENT_S:.1f} s")
        return faults


def measure(at: Installation, seed: int) -> Recovery:
    """Place orders, kill the first drain that holds some of them, and wait. All else is well meanwhile."""
    # Slow enough that a drain is met in the middle of its work.
    at.erp.ask("faults", {"kind": "delay", "hold_s": 0.15, "count": None, "for_s": 5.0})
    at.shop.ask("orders", {"count": _ORDERS, "seed": seed, "variety": "demo"})
    recovery = Recovery()
    held = _kill_a_holder(at)
    if held is None:
        return recovery
    begun, plain, doubts = held
    items = list(plain)
    deadline = begun + _LONGEST_S
    while (plain or doubts) and time.monotonic() < deadline:
        time.sleep(0.1)
        passed = time.monotonic() - begun
        still = set(_items_of(at, next(iter(plain.values())))) if plain else set()
        free = plain.keys() - still
        for item in free:
            del plain[item]
        recovery.plain_s += [passed] * len(free)
        closed = _closed(at, doubts)
        doubts -= closed
        recovery.in_doubt_s += [passed] * len(closed)
    recovery.lost = len(plain) + len(doubts)
    while _wait(at, items) and time.monotonic() < deadline + _PATIENCE_S:
        time.sleep(0.1)
    recovery.worked_off_s = time.monotonic() - begun
    return recovery


def _kill_a_holder(at: Installation) -> tuple[float, dict[int, str], set[int]] | None:
    """(when, item -> its lease, intents in doubt) of the drain that was killed; None where none was met."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        for token, holder in at.store.read(
            lambda c: c.execute(select(leases.c.token, leases.c.holder).where(leases.c.kind == "order")).all()
        ):
            pid = int(holder.split(":")[1])
            items = _items_of(at, token)
            if len(items) < 2 or pid not in at.crossdock.everybody():
                continue
            os.kill(pid, signal.SIGKILL)
            begun = time.monotonic()
            # What it held when it died; it may have settled some of it in between.
            items = _items_of(at, token)
            doubted = _open_intents(at, token)
            plain = {item: token for item in items if item not in doubted.values()}
            if plain or doubted:
                return begun, plain, set(doubted)
        time.sleep(0.02)
    return None


def _items_of(at: Installation, token: str) -> list[int]:
    table = work_items.c
    return at.store.read(lambda c: list(c.execute(select(table.id).where(table.lease_token == token)).scalars()))


def _open_intents(at: Installation, token: str) -> dict[int, int]:
    table = intents.c
    query = select(table.id, table.item_id).where(table.lease_token == token, table.closed_at.is_(None))
    return dict(at.store.read(lambda c: c.execute(query).all()))


def _wait(at: Installation, items: list[int]) -> bool:
    """Whether any of them has not been looked at yet."""
    table = work_items.c
    query = select(table.id).where(table.id.in_(items), table.wanted > table.done).limit(1)
    return at.store.read(lambda c: c.execute(query).first()) is not None


def _closed(at: Installation, doubts: set[int]) -> set[int]:
    table = intents.c
    query = select(table.id).where(table.id.in_(doubts), table.closed_at.is_not(None))
    return set(at.store.read(lambda c: c.execute(query).scalars()))
