"""Who takes care of an order, and by which day."""

from __future__ import annotations

import dataclasses

from sqlalchemy import Connection, select

from sync.store.tables import order_cares
from sync.store.types import db_now
from sync.store.upsert import dialect_of


@dataclasses.dataclass(frozen=True, slots=True)
class Care:
    """A login, and a day (ISO); empty for nobody and none."""

    assignee: str = ""
    due_on: str = ""


def load_care(connection: Connection, item_id: int) -> Care:
    """Nobody, where nobody was named."""
    table = order_cares.c
    row = connection.execute(select(table.assignee, table.due_on).where(table.item_id == item_id)).first()
    return Care() if row is None else Care(*row)


def save_care(connection: Connection, item_id: int, care: Care, *, by: str) -> None:
    """In the place of what was said before."""
    values = {**dataclasses.asdict(care), "changed_at": db_now(), "changed_by": by[:128]}
    statement = dialect_of(connection).insert(order_cares).values(item_id=item_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[order_cares.c.item_id], set_=values))
