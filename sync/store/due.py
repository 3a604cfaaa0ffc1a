"""When a work item may be claimed: the one condition that everybody who looks for work shares."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_

from sync.store.states import CLAIMABLE
from sync.store.tables import work_items
from sync.store.types import db_now


def is_due(channel: str, kind: str) -> ColumnElement[bool]:
    """The condition that an item of the channel may be claimed now."""
    table = work_items.c
    return and_(table.channel == channel, table.kind == kind, table.state.in_(CLAIMABLE), table.due_at <= db_now())
