"""What is not finished: where a drain has something to do, what rests, and how many of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, func, or_, select

from sync.store.states import CLAIMABLE, UNDER_WAY, ItemState
from sync.store.tables import work_items
from sync.store.types import db_now


def due_channels(connection: Connection) -> list[tuple[str, str]]:
    """(channel, kind) of everything that is due and not leased: what the dispatcher rings for."""
    table = work_items.c
    query = (
        select(table.channel, table.kind)
        .where(table.state.in_(CLAIMABLE), table.due_at <= db_now())
        .group_by(table.channel, table.kind)
        .order_by(func.min(table.priority), func.min(table.due_at))
    )
    return [(channel, kind) for channel, kind in connection.execute(query)]


def open_before(connection: Connection, channel: str, kind: str, looked_before: dt.datetime) -> list[str]:
    """External ids of items that are not finished and that nobody looked at since: the six-hourly resync."""
    table = work_items.c
    resting = or_(*(table.state == state.value for state in (ItemState.WAITING, ItemState.HELD, ItemState.PARKED)))
    query = select(table.external_id).where(
        table.channel == channel, table.kind == kind, resting, table.updated_at < looked_before
    )
    return list(connection.execute(query).scalars())


def count_open(connection: Connection, channel: str, kind: str, external_ids: Sequence[str]) -> int:
    """How many of these items still have something to be looked at."""
    table = work_items.c
    busy = table.state.in_(UNDER_WAY)
    found = 0
    for start in range(0, len(external_ids), 500):
        query = select(func.count()).where(
            table.channel == channel, table.kind == kind, busy, table.external_id.in_(external_ids[start : start + 500])
        )
        found += connection.execute(query).scalar_one()
    return found


def count_states(connection: Connection, kind: str = "") -> dict[tuple[str, str], tuple[int, dt.datetime]]:
    """(channel, state) -> (how many items, or how many of one kind, and the oldest due time)."""
    table = work_items.c
    query = select(table.channel, table.state, func.count(), func.min(table.due_at)).group_by(
        table.channel, table.state
    )
    if kind:
        query = query.where(table.kind == kind)
    return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(query)}
