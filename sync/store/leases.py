"""Leases: one drain owns its items while its lease lives, and every later write of the drain names the lease.

A lease is judged twice: by the database's clock (`expires_at`), and by the taker's own monotonic clock, which must have
seen the same heartbeat for a whole lease. So neither a jumping clock nor a paused database gives an order two owners.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
import time

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from sync.store.states import ItemState
from sync.store.tables import leases, work_items
from sync.store.types import db_now

#: Deaths while alone after which an item is parked as "kills the worker".
MAX_DEATHS = 3


class LeaseLost(Exception):
    """Another drain took the items over; nothing may be written to our side any more."""


@dataclasses.dataclass(frozen=True, slots=True)
class Lease:
    """One drain's claim on its items."""

    token: str
    channel: str
    kind: str
    connection: str
    #: Calls that this drain may have in flight.
    slots: int
    lease_s: float


def open_lease(
    connection: Connection,
    *,
    channel: str,
    kind: str,
    target: str,
    holder: str,
    concurrency: int,
    lease_s: float,
) -> Lease | None:
    """A new lease with a share of the target connection's `concurrency`; None when all of it is in use.

    The first drain takes half, so that a second worker helps without either having to wait.
    """
    _serialise(connection, target)
    slots = min(concurrency - used_slots(connection).get(target, 0), max(1, concurrency // 2))
    if slots < 1:
        return None
    lease = Lease(secrets.token_hex(16), channel, kind, target, slots, lease_s)
    now = connection.execute(select(db_now())).scalar_one()
    connection.execute(
        insert(leases).values(
            token=lease.token,
            channel=channel,
            kind=kind,
            connection=target,
            slots=slots,
            holder=holder,
            started_at=now,
            expires_at=now + dt.timedelta(seconds=lease_s),
        )
    )
    return lease


def used_slots(connection: Connection) -> dict[str, int]:
    """Target connection -> calls that living drains may have in flight on it."""
    query = select(leases.c.connection, func.sum(leases.c.slots)).group_by(leases.c.connection)
    return {target: int(slots) for target, slots in connection.execute(query)}


def _serialise(connection: Connection, target: str) -> None:
    """Two drains must not count the same free slots; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"slots:{target}"))))


def heartbeat(connection: Connection, lease: Lease) -> None:
    """Prolong the lease; one row. Raises LeaseLost when it is gone."""
    now = connection.execute(select(db_now())).scalar_one()
    changed = connection.execute(
        update(leases)
        .where(leases.c.token == lease.token)
        .values(beat=leases.c.beat + 1, expires_at=now + dt.timedelta(seconds=lease.lease_s))
    )
    if not changed.rowcount:
        raise LeaseLost(f"the lease of {lease.channel} was taken over")


_FENCE = select(leases.c.token).where(leases.c.token == bindparam("held")).with_for_update(read=True)


def demand_lease(connection: Connection, lease: Lease) -> None:
    """The fence: raises LeaseLost unless the lease still stands, and holds it until the transaction ends."""
    if connection.execute(_FENCE, {"held": lease.token}).first() is None:
        raise LeaseLost(f"the lease of {lease.channel} was taken over")


def close_lease(connection: Connection, lease: Lease) -> None:
    """End the lease; items that it still owns go back to ready at once, as nothing of them was begun."""
    connection.execute(
        update(work_items)
        .where(work_items.c.lease_token == lease.token)
        .values(state=ItemState.READY.value, lease_token=None, attempts=work_items.c.attempts - 1)
    )
    connection.execute(delete(leases).where(leases.c.token == lease.token))


class Watch:
    """What a long-lived process has seen of the leases; decides which are dead."""

    def __init__(self) -> None:
        """Begin with nothing seen: a fresh process waits a whole lease before it takes one over."""
        self._seen: dict[str, tuple[int, float]] = {}

    def dead(self, connection: Connection, lease_s: dict[str, float]) -> list[str]:
        """Tokens whose time is over by the database's clock and whose heartbeat stood still for a whole lease here.

        `lease_s` is target connection -> length of its leases.
        """
        now = time.monotonic()
        table = leases.c
        rows = connection.execute(select(table.token, table.beat, table.connection, table.expires_at < db_now())).all()
        seen, dead = {}, []
        for token, beat, target, expired in rows:
            last = self._seen.get(token)
            seen[token] = last if last is not None and last[0] == beat else (beat, now)
            if expired and now - seen[token][1] >= lease_s.get(target, 0.0):
                dead.append(token)
        self._seen = seen
        return dead


def expire_lease(connection: Connection, token: str) -> int:
    """Take a dead drain's items back: each becomes suspect, and one that died alone comes nearer to being parked.

    Answers how many items went back. Safe to run twice.
    """
    gone = connection.execute(delete(leases).where(leases.c.token == token))
    if not gone.rowcount:
        return 0
    table = work_items.c
    items = connection.execute(
        select(table.id, table.suspect).where(table.lease_token == token).order_by(table.id).with_for_update()
    ).all()
    alone = len(items) == 1 and items[0].suspect
    connection.execute(
        update(work_items)
        .where(table.lease_token == token)
        .values(
            state=ItemState.READY.value,
            lease_token=None,
            suspect=True,
            deaths=table.deaths + (1 if alone else 0),
            due_at=db_now(),
            updated_at=db_now(),
        )
    )
    return len(items)
