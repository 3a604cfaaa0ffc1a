"""Events as people see them: what came in for one record."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from sync.store.inbox import NewEvent, insert_events
from sync.store.tables import events


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One received webhook or pulled entry."""

    source: str
    topic: str
    version: str
    repeats: int
    received_at: dt.datetime
    id: int
    #: Of what came in: equal for equal payloads.
    digest: str


def list_events(connection: Connection, name: str, kind: str, external_id: str, limit: int = 100) -> list[Event]:
    """The newest events of one record, oldest first."""
    table = events.c
    query = (
        select(table.source, table.topic, table.version, table.repeats, table.received_at, table.id, table.digest)
        .where(table.connection == name, table.kind == kind, table.external_id == external_id)
        .order_by(table.id.desc())
        .limit(limit)
    )
    return [Event(*row) for row in reversed(connection.execute(query).all())]


def last_received(connection: Connection, name: str, source: str) -> dt.datetime | None:
    """When the newest event of a connection came that way (`webhook`, `poll`); None when none ever did."""
    table = events.c
    return connection.execute(
        select(table.received_at)
        .where(table.connection == name, table.source == source)
        .order_by(table.received_at.desc())
        .limit(1)
    ).scalar()


def count_missed(connection: Connection, name: str, since: dt.datetime) -> int:
    """What the pull of a connection has found after a moment and no webhook has brought, before or after it."""
    table = events.c
    query = select(func.count()).where(
        table.connection == name, table.source == "poll", table.received_at > since, table.repeats == 0
    )
    return int(connection.execute(query).scalar_one())


def newest_versions(connection: Connection, name: str, kind: str, external_ids: Sequence[str]) -> dict[str, str]:
    """External id -> the version of the newest event that is kept of it."""
    table = events.c
    newest = (
        select(func.max(table.id))
        .where(table.connection == name, table.kind == kind, table.external_id.in_(external_ids))
        .group_by(table.external_id)
    )
    query = select(table.external_id, table.version).where(table.id.in_(newest))
    return {row.external_id: row.version for row in connection.execute(query)}


def save_unseen(connection: Connection, name: str, kind: str, rows: Sequence[NewEvent]) -> list[NewEvent]:
    """Store the changes that were not told before, and answer them; a change is known by its record and version."""
    table = events.c
    ids = [row.external_id for row in rows]
    query = select(table.external_id, table.version).where(
        table.connection == name, table.kind == kind, table.external_id.in_(ids)
    )
    known = {(row.external_id, row.version) for row in connection.execute(query)}
    unseen = [row for row in rows if (row.external_id, row.version) not in known]
    if unseen:
        insert_events(connection, unseen)
    return unseen
