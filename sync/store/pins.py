"""Orders that are mapped with another revision of their channel's profile than the one that applies."""

from __future__ import annotations

import enum
from typing import Any

from sqlalchemy import ColumnElement, Connection, ScalarSelect, case, func, null, select

from sync.store.tables import profile_revisions, work_items


class Using(enum.StrEnum):
    """With which revision of the mapping profile an order is looked at again."""

    #: As it stands: whoever ends a cause, or lets an order pass, says nothing about the mapping.
    SAME = ""
    #: What applies, also later.
    CURRENT = "current"
    #: What applied when the order came in, until it is done.
    ORIGINAL = "original"


def _newest(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    """The number that applied, 0 where nothing was published yet; of the channel of each item."""
    table = profile_revisions.c
    query = select(func.coalesce(func.max(table.number), 0)).where(table.channel == work_items.c.channel, *conditions)
    return query.correlate(work_items).scalar_subquery()


def _original() -> ScalarSelect[int]:
    return _newest(profile_revisions.c.published_at <= work_items.c.created_at)


def pinned(using: Using) -> ColumnElement[Any]:
    """What `work_items.pinned_revision` is to be. An order that came in with what applies needs no pin."""
    if using is Using.SAME:
        return work_items.c.pinned_revision
    if using is Using.CURRENT:
        return null()
    return case((work_items.c.kind == "order", func.nullif(_original(), _newest())))


def pin_of(connection: Connection, item_id: int) -> int | None:
    """The revision that this item stays with, 0 for what the configuration says; None for what applies."""
    return connection.execute(select(work_items.c.pinned_revision).where(work_items.c.id == item_id)).scalar()


def original_of(connection: Connection, item_id: int) -> int | None:
    """With what `Using.ORIGINAL` would look at this item; None where that is what applies."""
    query = select(pinned(Using.ORIGINAL)).select_from(work_items).where(work_items.c.id == item_id)
    return connection.execute(query).scalar()


def has_originals(connection: Connection, channel: str) -> bool:
    """Whether anything was published since a channel began, so that there is more than one mapping to choose from."""
    table = profile_revisions.c
    query = select(table.number).where(table.channel == channel) if channel else select(table.number)
    return connection.execute(query.limit(1)).first() is not None
