"""Corrections of orders, as they are kept: added, taken back, and never changed."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select, update

from sync.store.tables import corrections, work_items
from sync.store.types import db_now


@dataclasses.dataclass(frozen=True, slots=True)
class KeptCorrection:
    """One of them; `changes` and `original` are compressed JSON."""

    item_id: int
    number: int
    basis: str
    changes: bytes
    original: bytes
    reason: str
    made_at: dt.datetime
    made_by: str
    ended_at: dt.datetime | None
    ended_by: str
    ended_reason: str


_COLUMNS = tuple(corrections.c[field.name] for field in dataclasses.fields(KeptCorrection))


def list_corrections(connection: Connection, item_id: int) -> list[KeptCorrection]:
    """Every one of an order, the oldest first."""
    query = select(*_COLUMNS).where(corrections.c.item_id == item_id).order_by(corrections.c.number)
    return [KeptCorrection(*row) for row in connection.execute(query)]


def load_standing(connection: Connection, item_ids: Sequence[int]) -> dict[int, dict[str, KeptCorrection]]:
    """Item -> basis -> the correction that counts: the newest that was not taken back."""
    table = corrections.c
    query = select(*_COLUMNS).where(table.item_id.in_(item_ids), table.ended_at.is_(None)).order_by(table.number)
    found: dict[int, dict[str, KeptCorrection]] = {}
    for row in connection.execute(query):
        found.setdefault(row.item_id, {})[row.basis] = KeptCorrection(*row)
    return found


def add_correction(
    connection: Connection, item_id: int, *, basis: str, changes: bytes, original: bytes, reason: str, by: str
) -> int:
    """Answers its number. The item must be locked, or two of them would get the same."""
    last = select(func.coalesce(func.max(corrections.c.number), 0)).where(corrections.c.item_id == item_id)
    number = int(connection.execute(last).scalar_one()) + 1
    values = {"basis": basis, "changes": changes, "original": original, "reason": reason, "made_by": by[:128]}
    connection.execute(insert(corrections).values(item_id=item_id, number=number, made_at=db_now(), **values))
    return number


def end_correction(connection: Connection, item_id: int, number: int, *, by: str, reason: str) -> bool:
    """It counts no more; False where it did not."""
    table = corrections.c
    one = (table.item_id == item_id) & (table.number == number) & table.ended_at.is_(None)
    values = {"ended_at": db_now(), "ended_by": by[:128], "ended_reason": reason}
    return bool(connection.execute(update(corrections).where(one).values(**values)).rowcount)


def forget_approvals(connection: Connection, item_id: int) -> None:
    """The order is another one now: what a person has let pass is held again."""
    connection.execute(update(work_items).where(work_items.c.id == item_id).values(approved="[]", approved_digest=""))
