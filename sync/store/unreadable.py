"""Deliveries that nobody could read when they came: kept for as long as somebody may still make something of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select

from sync.store.payloads import BODY, WITH_BODIES, drop_unused
from sync.store.tables import events


@dataclasses.dataclass(frozen=True, slots=True)
class Unreadable:
    """One event without a record."""

    id: int
    topic: str
    received_at: dt.datetime
    #: Compressed.
    body: bytes


def list_unreadable(connection: Connection, name: str, *, after: int, limit: int) -> list[Unreadable]:
    """Those of a connection, oldest first, with ids above `after`."""
    table = events.c
    query = (
        select(table.id, table.topic, table.received_at, BODY)
        .select_from(WITH_BODIES)
        .where(table.connection == name, table.external_id.is_(None), table.problem != "", table.id > after)
        .where(BODY.is_not(None))
        .order_by(table.id)
        .limit(limit)
    )
    return [Unreadable(*row) for row in connection.execute(query)]


def count_unreadable(connection: Connection, name: str) -> int:
    """How many are kept of a connection."""
    table = events.c
    query = select(func.count()).where(table.connection == name, table.external_id.is_(None), table.problem != "")
    return int(connection.execute(query).scalar_one())


def drop_events(connection: Connection, ids: Sequence[int]) -> None:
    """Events whose records are stored by others now, or that are given up."""
    gone = connection.execute(delete(events).where(events.c.id.in_(ids)).returning(events.c.payload_id))
    drop_unused(connection, gone.scalars().all())
