"""The articles of a channel as people look through them."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import Connection, select

from sync.store.states import STOPPED
from sync.store.stock.items import KIND
from sync.store.tables import work_items

#: The last character of Unicode ends the range of what begins with a text. (No LIKE: `_` and `%` stand in SKUs.)
_LAST = "\U0010ffff"


@dataclasses.dataclass(frozen=True, slots=True)
class Article:
    """One article of a channel and where the work on it stands."""

    item_id: int
    sku: str
    state: str
    reason: str
    due_at: dt.datetime
    updated_at: dt.datetime


_COLUMNS = (
    work_items.c.id,
    work_items.c.external_id,
    work_items.c.state,
    work_items.c.reason,
    work_items.c.due_at,
    work_items.c.updated_at,
)


def list_articles(
    connection: Connection, channel: str, *, text: str = "", after: str = "", stopped: bool = False, limit: int = 50
) -> list[Article]:
    """A page of articles by SKU: those that begin with `text`, after a SKU, only those that are stopped if asked."""
    table = work_items.c
    query = (
        select(*_COLUMNS)
        .where(table.channel == channel, table.kind == KIND, table.external_id > after)
        .order_by(table.external_id)
        .limit(limit)
    )
    if text:
        query = query.where(table.external_id >= text, table.external_id < text + _LAST)
    if stopped:
        query = query.where(table.state.in_(STOPPED))
    return [Article(*row) for row in connection.execute(query)]


def find_article(connection: Connection, channel: str, sku: str) -> Article | None:
    """One article; None for one of which nobody has heard."""
    table = work_items.c
    query = select(*_COLUMNS).where(table.channel == channel, table.kind == KIND, table.external_id == sku)
    row = connection.execute(query).first()
    return None if row is None else Article(*row)
