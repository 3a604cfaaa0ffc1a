"""Channels at run time: since when each imports, and since when its orders need no look-up before the first write."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

from sqlalchemy import Connection, select, update

from sync.store.tables import channel_states
from sync.store.types import db_now
from sync.store.upsert import dialect_of

#: The doctor tells of clocks that are less apart than this.
_CLOCKS: Final = dt.timedelta(minutes=10)


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelState:
    """Go-live and trust of a channel."""

    start_at: dt.datetime
    trusted_since: dt.datetime
    #: So many orders a person has yet to release before the others follow.
    canary_left: int = 0


def channel_state(connection: Connection, channel: str) -> ChannelState | None:
    """None for a channel that never started."""
    table = channel_states.c
    query = select(table.start_at, table.trusted_since, table.canary_left).where(table.channel == channel)
    row = connection.execute(query).first()
    return None if row is None else ChannelState(*row)


def start_channel(connection: Connection, channel: str, start_at: dt.datetime | None) -> ChannelState:
    """Go live: orders placed from `start_at` (default: now) on are imported.

    A started channel keeps what it has, but a `start_at` that the configuration names wins.
    """
    now = connection.execute(select(db_now())).scalar_one()
    known = channel_state(connection, channel)
    if known is None:
        # Another process may be the first at the same moment; what it wrote stands.
        connection.execute(
            dialect_of(connection)
            .insert(channel_states)
            .values(channel=channel, start_at=start_at or now, trusted_since=now)
            .on_conflict_do_nothing()
        )
        return channel_state(connection, channel) or ChannelState(start_at or now, now)
    if start_at is not None and start_at != known.start_at:
        connection.execute(update(channel_states).where(channel_states.c.channel == channel).values(start_at=start_at))
        return dataclasses.replace(known, start_at=start_at)
    return known


def distrust(connection: Connection) -> None:
    """After an outage or a restored backup: everything placed before now is looked up before the first write.

    By the shop's clock, which may go ahead of ours by as much as `_CLOCKS`.
    """
    now = connection.execute(select(db_now())).scalar_one()
    connection.execute(update(channel_states).values(trusted_since=now + _CLOCKS))
