"""Intents: the row that is committed before a write to a foreign system. Every intent gets closed.

At most one is open per document key (a unique index): whoever comes second must first find out how the first ended.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sync.store.leases import Lease, demand_lease
from sync.store.tables import intents, leases, work_items
from sync.store.types import db_now

#: Outcomes of what was looked up and not found, and what only a person can decide about: nobody knows whether it was
#: done; a person says that it was; a person says that it was not, and is to be sent again.
UNDECIDED: Final = "unknown"
ASSUMED: Final = "assumed"
RESEND: Final = "resend"


class IntentOpen(Exception):
    """An earlier write of the same document has no outcome yet."""


@dataclasses.dataclass(frozen=True, slots=True)
class Intent:
    """One open intent."""

    id: int
    item_id: int
    kind: str
    action: str
    key: str
    settles_at: dt.datetime
    #: A look-up that finds nothing is conclusive.
    settled: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """An intent to be written: `item_id` is the item on whose behalf."""

    item_id: int
    kind: str
    action: str
    key: str


def open_intents(
    connection: Connection,
    lease: Lease,
    wanted: Sequence[Wanted],
    *,
    start_s: float,
    settle_s: float,
    at: str = "",
) -> dict[str, int]:
    """Write the intents of one batch; answers key -> intent id. The caller commits before it calls anybody.

    `at` is the connection that will be written to, that of the lease where it is empty. `start_s` is how long the
    caller takes at most until its last call of these has *started*; the settle time counts from then. Raises LeaseLost,
    and IntentOpen when one of the keys has an open intent (nothing is written then).
    """
    demand_lease(connection, lease)
    now = connection.execute(select(db_now())).scalar_one()
    sent_at = now + dt.timedelta(seconds=start_s)
    rows = [
        {
            "item_id": entry.item_id,
            "channel": lease.channel,
            "connection": at or lease.connection,
            "kind": entry.kind,
            "action": entry.action,
            "key": entry.key,
            "lease_token": lease.token,
            "sent_at": sent_at,
            "settles_at": sent_at + dt.timedelta(seconds=settle_s),
        }
        for entry in wanted
    ]
    try:
        # The key comes along, because SQLite would need a statement a row to answer in their order.
        made = connection.execute(insert(intents).returning(intents.c.key, intents.c.id), rows).all()
    except IntegrityError as error:
        raise IntentOpen("an earlier write of the same document has no outcome yet") from error
    return {key: intent_id for key, intent_id in made}  # noqa: C416 - Row is no pair to dict()


def close_by_outcome(connection: Connection, outcomes: Mapping[str, Sequence[int]]) -> None:
    """Record how writes ended (outcome -> intent ids); an intent that is closed already keeps its outcome."""
    table = intents.c
    for outcome, ids in sorted(outcomes.items()):
        if ids:
            connection.execute(
                update(intents)
                .where(table.id.in_(ids), table.closed_at.is_(None))
                .values(closed_at=db_now(), outcome=outcome)
            )


def last_outcome(connection: Connection, item_id: int, kind: str, key: str) -> str:
    """How the newest try at one document ended; empty where there was none, or where it is open."""
    table = intents.c
    query = select(table.outcome).where(table.item_id == item_id, table.kind == kind, table.key == key)
    return connection.execute(query.order_by(table.id.desc()).limit(1)).scalar() or ""


def newest_intent(connection: Connection) -> int:
    """The highest number that an intent was ever given; 0 before the first. A restored database has gone back."""
    return connection.execute(select(func.max(intents.c.id))).scalar() or 0


def list_undecided(connection: Connection, item_id: int) -> list[tuple[str, str, str]]:
    """(kind, action, key) of the writes of an item that a person must decide about, oldest first."""
    table = intents.c
    query = select(table.kind, table.action, table.key).where(table.item_id == item_id, table.outcome == UNDECIDED)
    return [(row.kind, row.action, row.key) for row in connection.execute(query.order_by(table.id))]


def decide(connection: Connection, item_id: int, outcome: str) -> int:
    """A person's word (ASSUMED or RESEND) on the writes that wait for one, and on no later ones; answers how many."""
    table = intents.c
    decided = connection.execute(
        update(intents).where(table.item_id == item_id, table.outcome == UNDECIDED).values(outcome=outcome)
    )
    return decided.rowcount


def load_open(connection: Connection, item_ids: Sequence[int]) -> list[Intent]:
    """The open intents of some items."""
    return _load(connection, intents.c.item_id.in_(item_ids))


def load_open_keys(connection: Connection, target: str, kind: str, keys: Sequence[str]) -> list[Intent]:
    """The open intents on some documents of one target, whoever has them."""
    return _load(connection, (intents.c.connection == target) & (intents.c.kind == kind) & intents.c.key.in_(keys))


def _load(connection: Connection, condition) -> list[Intent]:  # type: ignore[no-untyped-def]  # noqa: ANN001 - SQL
    table = intents.c
    query = (
        select(
            table.id,
            table.item_id,
            table.kind,
            table.action,
            table.key,
            table.settles_at,
            table.settles_at <= db_now(),
        )
        .where(condition, table.closed_at.is_(None))
        .order_by(table.id)
    )
    return [Intent(*row) for row in connection.execute(query)]


def orphans(connection: Connection, limit: int = 500) -> list[tuple[str, str, str, str]]:
    """(channel, kind, external id, state) of items with an open intent that is settled and whose lease has ended.

    Whatever the item's state: the sweep marks them, their owner looks the key up and records the outcome.
    """
    table = intents.c
    query = (
        select(work_items.c.channel, work_items.c.kind, work_items.c.external_id, work_items.c.state)
        .join(work_items, work_items.c.id == table.item_id)
        .outerjoin(leases, leases.c.token == table.lease_token)
        .where(table.closed_at.is_(None), table.settles_at <= db_now(), leases.c.token.is_(None))
        .where(work_items.c.state.notin_(("leased", "ready", "reconcile")))
        .distinct()
        .limit(limit)
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


@dataclasses.dataclass(frozen=True, slots=True)
class PastIntent:
    """One intent, as people see it; `outcome` is empty while nobody knows."""

    kind: str
    action: str
    key: str
    outcome: str
    #: The call starts no later than this, which may lie ahead.
    sent_at: dt.datetime
    #: When its outcome was written down.
    closed_at: dt.datetime | None


def list_intents(connection: Connection, item_id: int, limit: int = 50) -> list[PastIntent]:
    """The newest intents of one item, oldest first."""
    table = intents.c
    query = (
        select(table.kind, table.action, table.key, table.outcome, table.sent_at, table.closed_at)
        .where(table.item_id == item_id)
        .order_by(table.id.desc())
        .limit(limit)
    )
    return [PastIntent(*row) for row in reversed(connection.execute(query).all())]
