"""How long work that a killed worker held waits for its next owner: the promise of two leases, measured."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable
from typing import Final

from sqlalchemy import select

from sync.store.tables import intents, leases, work_items
from tests.chaos import within
from tests.chaos.installation import Installation
from tests.chaos.scale import LEASE_S, SETTLE_S, SLACK_S

#: Orders that are placed to have something to hold; each is tried alone afterwards, which takes its time.
_ORDERS: Final = 12
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
    """Place orders, kill a drain between the intents of some of them and their calls. All else is well meanwhile."""
    struck = at.folder / within.STRUCK
    struck.unlink(missing_ok=True)
    within.lay(at.folder, "SIGKILL")
    at.shop.ask("orders", {"count": _ORDERS, "seed": seed, "variety": "demo"})
    recovery = Recovery()
    deadline = time.monotonic() + _PATIENCE_S
    while not (struck.exists() and struck.read_text()):
        if time.monotonic() > deadline:
            recovery.lost = _ORDERS
            return recovery
        time.sleep(0.02)
    _await_recovery(at, int(struck.read_text()), recovery)
    struck.unlink()
    return recovery


def _await_recovery(at: Installation, pid: int, recovery: Recovery) -> None:
    begun = time.monotonic()
    token = _lease_of(at, pid)
    doubts = _open_intents(at, token)
    plain = set(_items_of(at, token)) - set(doubts.values())
    items = [*plain, *doubts.values()]
    deadline = begun + _LONGEST_S
    while (plain or doubts) and time.monotonic() < deadline:
        time.sleep(0.1)
        passed = time.monotonic() - begun
        free = plain - set(_items_of(at, token))
        closed = _closed(at, doubts)
        plain -= free
        recovery.plain_s += [passed] * len(free)
        recovery.in_doubt_s += [passed] * len(closed)
        doubts = {intent: item for intent, item in doubts.items() if intent not in closed}
    recovery.lost = len(plain) + len(doubts)
    while _wait(at, items) and time.monotonic() < deadline + _PATIENCE_S:
        time.sleep(0.1)
    recovery.worked_off_s = time.monotonic() - begun


def _lease_of(at: Installation, pid: int) -> str:
    rows = at.store.read(lambda c: c.execute(select(leases.c.token, leases.c.holder)).all())
    return next((row.token for row in rows if row.holder.split(":")[1] == str(pid)), "")


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


def _closed(at: Installation, doubts: Iterable[int]) -> set[int]:
    table = intents.c
    query = select(table.id).where(table.id.in_(list(doubts)), table.closed_at.is_not(None))
    return set(at.store.read(lambda c: c.execute(query).scalars()))
