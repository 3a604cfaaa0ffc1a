"""How many orders a channel had in some hours; what was found of that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from sync.store.tables import orders, volumes
from sync.store.upsert import upsert


def count_placed(connection: Connection, channel: str, spans: Sequence[tuple[dt.datetime, dt.datetime]]) -> list[int]:
    """Orders that customers placed from the first to before the second moment of each span, by one query."""
    table = orders.c
    counts = [
        select(func.count())
        .where(table.channel == channel, table.placed_at >= begin, table.placed_at < end)
        .scalar_subquery()
        for begin, end in spans
    ]
    return [int(count) for count in connection.execute(select(*counts)).one()] if counts else []


def placed_between(connection: Connection, channel: str) -> tuple[dt.datetime, dt.datetime] | None:
    """When the first and the last order were placed; None where there is none."""
    table = orders.c
    first, last = (
        connection.execute(
            select(table.placed_at).where(table.channel == channel).order_by(by).limit(1)
        ).scalar_one_or_none()
        for by in (table.placed_at, table.placed_at.desc())
    )
    return None if first is None or last is None else (first, last)


def save_volume(connection: Connection, channel: str, values: dict[str, object]) -> None:
    """What was found now."""
    upsert(connection, volumes, {"channel": channel, **values}, ["channel"])


def load_volumes(connection: Connection) -> dict[str, dict[str, object]]:
    """Channel -> what was found last, by column."""
    return {row["channel"]: dict(row) for row in connection.execute(select(volumes)).mappings()}
