"""Marking many articles at once: the work items of kind `stock`, whose external id is the shop's SKU."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select, update

from sync.store.due import is_due
from sync.store.lists import in_lists
from sync.store.marks import mark_many
from sync.store.states import STOPPED, ItemState
from sync.store.tables import shown_stock, work_items
from sync.store.types import db_now

KIND = "stock"
#: Facets: the sum may have changed; ask the ERP first; compare with what the shop shows whatever we believe.
LEVEL, READ, FULL = "level", "read", "full"


def mark_stock(connection: Connection, channel: str, skus: Iterable[str], facets: Iterable[str] = (LEVEL,)) -> int:
    """Let the channel's drain look at these articles; answers how many. A caller on SQLite passes some dozens."""
    return mark_many(connection, channel, KIND, skus, facets)


def due_articles(connection: Connection, channel: str, limit: int) -> list[tuple[int, bool, str]]:
    """What may be claimed now, what has been due longest first.

    (item, whether it is suspect, product that its variation belongs to as far as we know, or nothing).
    """
    table, shown = work_items.c, shown_stock.c
    parent = (
        select(func.coalesce(func.max(shown.parent_id), ""))
        .where(shown.channel == channel, shown.sku == table.external_id)
        .scalar_subquery()
    )
    query = (
        select(table.id, table.suspect, parent)
        .where(is_due(channel, KIND))
        .order_by(table.priority, table.due_at, table.id)
        .limit(limit)
    )
    return [(item_id, suspect, parent_id) for item_id, suspect, parent_id in connection.execute(query)]


def release_waiting(connection: Connection, channel: str) -> int:
    """The ERP can be read again: articles that waited for it are looked at; answers how many."""
    table = work_items.c
    changed = connection.execute(
        update(work_items)
        .where(table.channel == channel, table.kind == KIND, table.state == ItemState.WAITING.value)
        .values(state=ItemState.READY.value, wanted=table.wanted + 1, due_at=db_now(), updated_at=db_now())
    )
    return changed.rowcount


def release_stopped(connection: Connection, channel: str, skus: Iterable[str]) -> int:
    """Let those of these articles be looked at that a person was asked about; answers how many."""
    table = work_items.c
    released = 0
    for some in in_lists(sorted(set(skus))):
        changed = connection.execute(
            update(work_items)
            .where(table.channel == channel, table.kind == KIND, table.external_id.in_(some), table.state.in_(STOPPED))
            .values(state=ItemState.READY.value, wanted=table.wanted + 1, due_at=db_now(), updated_at=db_now())
        )
        released += changed.rowcount
    return released
