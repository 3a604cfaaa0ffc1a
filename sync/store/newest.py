"""The newest payload of each order of a channel, whatever became of it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, select

from sync.store.payloads import BODY, WITH_BODIES
from sync.store.tables import events, work_items


def newest_payloads(connection: Connection, channel: str, since: dt.datetime, limit: int) -> list[tuple[str, bytes]]:
    """(external id, compressed payload) of the orders that were heard of since, at most so many, the newest first."""
    item = work_items.c
    query = (
        select(item.external_id, BODY)
        .select_from(work_items.join(WITH_BODIES, events.c.id == item.event_id))
        .where(item.channel == channel, item.kind == "order", events.c.received_at >= since, BODY.is_not(None))
        .order_by(item.id.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]
