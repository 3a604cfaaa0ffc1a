"""The issue of an article of which more is sold than there is: it outlives every look at its orders."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from sync.store.issues import Cause, Stop, open_issues
from sync.store.states import ItemState
from sync.store.tables import issue_documents, issues, work_items
from sync.store.types import db_now


def open_oversold(connection: Connection, cause: Cause, orders: Sequence[tuple[int, str]]) -> None:
    """Flag it, with (item, why) of every order that takes of the article; what was skipped since is left out."""
    stops = [Stop(item_id, cause, (("", reason),)) for item_id, reason in orders]
    open_issues(connection, stops or [Stop(None, cause)])
    issue = select(issues.c.id).where(issues.c.fingerprint == cause.fingerprint).scalar_subquery()
    skipped = select(work_items.c.id).where(work_items.c.state == ItemState.SKIPPED.value)
    table = issue_documents.c
    connection.execute(
        update(issue_documents)
        .where(table.issue_id == issue, table.closed_at.is_(None), table.item_id.in_(skipped))
        .values(closed_at=db_now())
    )


def close_oversold(connection: Connection, cause: str, erp: str, codes: Sequence[str]) -> None:
    """There is enough of these articles again."""
    if not codes:
        return
    table = issues.c
    closed = (
        connection.execute(
            update(issues)
            .where(table.cause == cause, table.connection == erp, table.subject.in_(codes), table.closed_at.is_(None))
            .values(closed_at=db_now())
            .returning(table.id)
        )
        .scalars()
        .all()
    )
    if closed:
        documents = issue_documents.c
        connection.execute(
            update(issue_documents)
            .where(documents.issue_id.in_(closed), documents.closed_at.is_(None))
            .values(closed_at=db_now())
        )


def has_oversold(connection: Connection, cause: str, erp: str) -> frozenset[str]:
    """The articles of an ERP that are flagged now."""
    table = issues.c
    query = select(table.subject).where(table.cause == cause, table.connection == erp, table.closed_at.is_(None))
    return frozenset(connection.execute(query).scalars())
