"""What people say about an issue or an order: added, read, and never changed."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import ColumnElement, Connection, insert, select

from sync.store.tables import comments
from sync.store.types import db_now


@dataclasses.dataclass(frozen=True, slots=True)
class Comment:
    """One of them."""

    id: int
    text: str
    at: dt.datetime
    by: str


_COLUMNS = tuple(comments.c[field.name] for field in dataclasses.fields(Comment))


def add_comment(
    connection: Connection, text: str, *, by: str, issue_id: int | None = None, item_id: int | None = None
) -> int:
    """About an issue, or about the order of a work item; answers its id."""
    values = {"text": text, "by": by[:128], "issue_id": issue_id, "item_id": item_id}
    made = connection.execute(insert(comments).values(**values, at=db_now()).returning(comments.c.id))
    return int(made.scalar_one())


def of_issue(connection: Connection, issue_id: int) -> list[Comment]:
    """In the order in which they were written."""
    return _read(connection, comments.c.issue_id == issue_id)


def of_item(connection: Connection, item_id: int) -> list[Comment]:
    """In the order in which they were written."""
    return _read(connection, comments.c.item_id == item_id)


def _read(connection: Connection, which: ColumnElement[bool]) -> list[Comment]:
    query = select(*_COLUMNS).where(which).order_by(comments.c.id)
    return [Comment(*row) for row in connection.execute(query)]
