"""What people say of an issue: that they know of it, that it may wait, who cares for it, by when."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection, update

from sync.store.tables import issues
from sync.store.types import db_now


def acknowledge(connection: Connection, issue_id: int, by: str) -> bool:
    """Somebody knows of it; False for one that is over."""
    return _change(connection, issue_id, acknowledged_at=db_now(), acknowledged_by=by[:128])


def snooze(connection: Connection, issue_id: int, *, until: dt.datetime | None, above: int | None, by: str) -> bool:
    """Put it aside until then, or until more than `above` documents stand in it; False for one that is over."""
    return _change(
        connection, issue_id, snoozed_at=db_now(), snoozed_by=by[:128], snoozed_until=until, snoozed_above=above
    )


def wake(connection: Connection, issue_id: int) -> bool:
    """Put it aside no longer; False for one that is over."""
    return _change(connection, issue_id, snoozed_at=None, snoozed_by="", snoozed_until=None, snoozed_above=None)


def assign(connection: Connection, issue_id: int, *, assignee: str, due_on: str) -> bool:
    """A login or nobody, and a day or none; False for one that is over."""
    return _change(connection, issue_id, assignee=assignee, due_on=due_on)


def _change(connection: Connection, issue_id: int, **values: Any) -> bool:
    open_one = (issues.c.id == issue_id) & issues.c.closed_at.is_(None)
    return bool(connection.execute(update(issues).where(open_one).values(**values)).rowcount)
