"""The bodies of what came in: each distinct one is kept once, until the last event that brought it is gone."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, FromClause, delete, exists, func, select
from sqlalchemy.dialects.postgresql import Insert

from sync.store.bodies import digest
from sync.store.tables import events, payloads
from sync.store.upsert import dialect_of

#: The compressed body of an event, to be selected from `WITH_BODIES`. Rows of an older version have theirs themselves.
BODY: Final = func.coalesce(payloads.c.body, events.c.body).label("body")
WITH_BODIES: Final[FromClause] = events.outerjoin(payloads, payloads.c.id == events.c.payload_id)


def keep_bodies(connection: Connection, bodies: Collection[bytes]) -> dict[bytes, int]:
    """Compressed body -> the id of its row, which is locked until the transaction ends and made where there is none."""
    by_hash = {digest(body): body for body in bodies}
    if not by_hash:
        return {}
    # In the order of their hashes, as whoever deletes locks them too: two transactions never wait for each other.
    rows = [{"hash": key, "body": by_hash[key]} for key in sorted(by_hash)]
    found = connection.execute(_keeping(dialect_of(connection)), rows)
    return {by_hash[row.hash]: row.id for row in found}


@functools.cache
def _keeping(dialect: Any) -> Insert:
    """Made once. A row that is there is written over with itself: only so is it locked, and its id answered."""
    statement = dialect.insert(payloads)
    statement = statement.on_conflict_do_update(
        index_elements=[payloads.c.hash], set_={"hash": statement.excluded.hash}
    )
    made: Insert = statement.returning(payloads.c.id, payloads.c.hash)
    return made


def drop_unused(connection: Connection, payload_ids: Collection[int | None]) -> None:
    """Delete those of these payloads that no event points at any more."""
    ids = sorted({each for each in payload_ids if each is not None})
    if not ids:
        return
    # First all locks, then the look: on PostgreSQL one statement would not see the event of whoever it waited for.
    chosen = select(payloads.c.id).where(payloads.c.id.in_(ids)).order_by(payloads.c.hash)
    connection.execute(chosen.with_for_update()).all()
    used = exists().where(events.c.payload_id == payloads.c.id)
    connection.execute(delete(payloads).where(payloads.c.id.in_(ids), ~used))
