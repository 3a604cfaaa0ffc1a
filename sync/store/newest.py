"""The newest payload of each order of a channel, whatever became of it."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import Connection, select

from sync.store.payloads import BODY, WITH_BODIES
from sync.store.tables import events, work_items


@dataclasses.dataclass(frozen=True, slots=True)
class Newest:
    """An order as its shop sent it last."""

    item_id: int
    external_id: str
    #: The payload, compressed.
    body: bytes


def newest_payloads(connection: Connection, channel: str, since: dt.datetime, limit: int) -> list[Newest]:
    """The orders that were heard of since, at most so many, the newest first."""
    item = work_items.c
    query = (
        select(item.id, item.external_id, BODY)
        .select_from(work_items.join(WITH_BODIES, events.c.id == item.event_id))
        .where(item.channel == channel, item.kind == "order", events.c.received_at >= since, BODY.is_not(None))
        .order_by(item.id.desc())
        .limit(limit)
    )
    return [Newest(*row) for row in connection.execute(query)]
