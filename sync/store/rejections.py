"""Orders that a person has said not to carry over: who, when, why."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final

from sqlalchemy import Connection, literal, select

from sync.store.marking import skip
from sync.store.states import ItemState
from sync.store.tables import audit, work_items

#: How the audit calls it.
ACTION: Final = "reject"
_BEGINS: Final = "rejected by "


@dataclasses.dataclass(frozen=True, slots=True)
class Rejection:
    """One person's word."""

    by: str
    at: dt.datetime
    reason: str

    def to_json(self) -> dict[str, Any]:
        """As the proof and the passport tell it."""
        return {"by": self.by, "at": self.at.isoformat(), "reason": self.reason}


def reject(connection: Connection, item_id: int, *, by: str, reason: str) -> bool:
    """Do not carry it over; False while a drain owns the item or a write of it has no outcome yet."""
    return skip(connection, item_id, f"{_BEGINS}{by}: {reason}")


def load_rejections(connection: Connection, channel: str, item_id: int | None = None) -> dict[int, Rejection]:
    """Work item -> the word by which it is not carried over now, of the orders of a channel; or of one of them.

    What a rule leaves out is not among them, nor what was looked at again since.
    """
    item, note = work_items.c, audit.c
    subject = literal(f"order:{channel}:") + item.external_id
    query = (
        select(item.id, item.reason.label("said"), item.updated_at, note.at, note.actor, note.reason)
        .outerjoin(audit, (note.subject == subject) & (note.action == ACTION))
        .where(item.channel == channel, item.kind == "order", item.state == ItemState.SKIPPED.value)
        .where(item.reason.startswith(_BEGINS, autoescape=True))
        # The newest word comes last, and counts.
        .order_by(note.id)
    )
    if item_id is not None:
        query = query.where(item.id == item_id)
    found = {}
    for row in connection.execute(query):
        if row.at is not None:
            found[row.id] = Rejection(row.actor, row.at, row.reason)
            continue
        # Its note is older than such notes are kept; nothing has touched the item since.
        by, _, reason = row.said.removeprefix(_BEGINS).partition(": ")
        found[row.id] = Rejection(by, row.updated_at, reason)
    return found
