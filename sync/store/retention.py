"""Deleting what is old: in pieces that one transaction takes, while everything runs, and never what is still open.

Each function looks at one piece of a table, in the order in which its rows were written, and deletes what may go of it.
A row may go when it is older than the border and nobody needs it: its order is at rest, with nothing in doubt and
nothing that waits for a person. Rows stay that are newer, and rows that others still refer to.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Final, Protocol

from sqlalchemy import Column, ColumnElement, Connection, Table, delete, exists, func, null, select, update

from sync.store.intents import ASSUMED, RESEND, UNDECIDED
from sync.store.payloads import drop_unused
from sync.store.states import ItemState
from sync.store.tables import (
    api_answers,
    attempts,
    audit,
    bulk_run_items,
    bulk_runs,
    comments,
    events,
    exchanges,
    intents,
    issue_documents,
    issue_hours,
    issue_sums,
    issues,
    work_items,
)

#: States in which nothing is expected of an item until its system tells of a change.
_FINISHED: Final = (ItemState.DONE.value, ItemState.SKIPPED.value)
#: Outcomes of writes that a person's word decides about, also later.
_DECISIONS: Final = (UNDECIDED, ASSUMED, RESEND)


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """Which piece of a table is looked at, and what is old."""

    #: The id behind which it begins.
    after: int
    #: Aware UTC.
    before: dt.datetime
    #: How many rows it has at most.
    size: int


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """What became of one piece of a table."""

    removed: int
    #: From here the next piece goes on; None where the table has no older rows.
    reached: int | None


def _piece(
    connection: Connection, table: Table, written: str, look: Look, *, ordered: bool = True
) -> tuple[list[int], int | None]:
    """Ids of the old rows among the next `size`, by the time in the column `written`, and where to go on.

    Where rows are numbered in the order of their times, none is old behind a piece that ends with a newer one.
    """
    query = select(table.c.id, table.c[written]).where(table.c.id > look.after).order_by(table.c.id).limit(look.size)
    rows = connection.execute(query).all()
    if not rows:
        return [], None
    old = [row[0] for row in rows if row[1] is not None and row[1] < look.before]
    last = rows[-1]
    return old, last[0] if last[1] is None or last[1] < look.before or not ordered else None


def open_item(item_id: Column[int]) -> ColumnElement[bool]:
    """Whether anything is still expected of the item, or of anybody because of it."""
    item, doubt, stop = work_items.alias("of").c, intents.alias("doubt").c, issue_documents.alias("stop").c
    unfinished = exists().where(item.id == item_id, item.state.notin_(_FINISHED) | (item.wanted > item.done))
    doubted = exists().where(doubt.item_id == item_id, doubt.closed_at.is_(None))
    undecided = exists().where(doubt.item_id == item_id, doubt.outcome == UNDECIDED)
    stopped = exists().where(stop.item_id == item_id, stop.closed_at.is_(None))
    return unfinished | doubted | undecided | stopped


def purge_payloads(connection: Connection, look: Look) -> Piece:
    """Received orders and articles. Of a finished one the newest goes too: should anybody look again, it is fetched."""
    old, reached = _piece(connection, events, "received_at", look)
    if not old:
        return Piece(0, reached)
    item = work_items.c
    connection.execute(update(work_items).where(item.event_id.in_(old), ~open_item(item.id)).values(event_id=null()))
    unread = exists().where(
        # Signed and unreadable: the issue about it is still open.
        issues.c.connection == events.c.connection,
        issues.c.cause == "unreadable_delivery",
        issues.c.closed_at.is_(None),
        events.c.problem != "",
    )
    gone = connection.execute(
        delete(events)
        .where(events.c.id.in_(old), ~exists().where(item.event_id == events.c.id), ~unread)
        .returning(events.c.payload_id)
    )
    bodies = gone.scalars().all()
    drop_unused(connection, bodies)
    return Piece(len(bodies), reached)


def purge_calls(connection: Connection, look: Look) -> Piece:
    """What went over the wire: the tries themselves stay, with their outcomes."""
    old, reached = _piece(connection, exchanges, "created_at", look)
    if not old:
        return Piece(0, reached)
    table = attempts.c
    needed = select(table.exchanges_id).where(table.exchanges_id.in_(old), open_item(table.item_id))
    free = sorted(set(old) - set(connection.execute(needed).scalars()))
    connection.execute(update(attempts).where(table.exchanges_id.in_(free)).values(exchanges_id=null()))
    gone = connection.execute(delete(exchanges).where(exchanges.c.id.in_(free)))
    return Piece(gone.rowcount, reached)


def purge_attempts(connection: Connection, look: Look) -> Piece:
    """Tries at documents that are finished; what went over the wire goes by its own rule."""
    old, reached = _piece(connection, attempts, "ended_at", look)
    table = attempts.c
    gone = connection.execute(
        delete(attempts).where(table.id.in_(old), table.exchanges_id.is_(None), ~open_item(table.item_id))
    )
    return Piece(gone.rowcount, reached)


def purge_intents(connection: Connection, look: Look) -> Piece:
    """Writes whose outcome is known and that nobody had to decide about.

    The newest of all stays: by its number a restored database is noticed.
    """
    old, reached = _piece(connection, intents, "closed_at", look)
    table = intents.c
    newest = connection.execute(select(func.max(table.id))).scalar()
    gone = connection.execute(
        delete(intents).where(
            table.id.in_(old), table.id != newest, table.outcome.notin_(_DECISIONS), ~open_item(table.item_id)
        )
    )
    return Piece(gone.rowcount, reached)


def purge_issues(connection: Connection, look: Look) -> Piece:
    """Causes that have ended, with what they had stopped."""
    old, reached = _piece(connection, issues, "closed_at", look, ordered=False)
    busy = exists().where(issue_documents.c.issue_id == issues.c.id, issue_documents.c.closed_at.is_(None))
    running = exists().where(bulk_runs.c.issue_id == issues.c.id, bulk_runs.c.ended_at.is_(None))
    query = select(issues.c.id).where(issues.c.id.in_(old), issues.c.closed_at.is_not(None), ~busy, ~running)
    # Locked, so that nobody opens one of them again meanwhile.
    free = list(connection.execute(query.with_for_update()).scalars())
    for table in (bulk_runs, issue_documents, comments, issue_sums, issue_hours):
        connection.execute(delete(table).where(table.c.issue_id.in_(free)))
    gone = connection.execute(delete(issues).where(issues.c.id.in_(free)))
    return Piece(gone.rowcount, reached)


def purge_runs(connection: Connection, look: Look) -> Piece:
    """Runs over filters that have ended, with the list of what they dealt with; those of an issue go with it."""
    old, reached = _piece(connection, bulk_runs, "ended_at", look, ordered=False)
    over = select(bulk_runs.c.id).where(bulk_runs.c.id.in_(old), bulk_runs.c.issue_id.is_(None))
    free = list(connection.execute(over).scalars())
    connection.execute(delete(bulk_run_items).where(bulk_run_items.c.run_id.in_(free)))
    gone = connection.execute(delete(bulk_runs).where(bulk_runs.c.id.in_(free)))
    return Piece(gone.rowcount, reached)


def purge_audit(connection: Connection, look: Look) -> Piece:
    """Who changed what."""
    old, reached = _piece(connection, audit, "at", look)
    gone = connection.execute(delete(audit).where(audit.c.id.in_(old)))
    return Piece(gone.rowcount, reached)


def purge_answers(connection: Connection, look: Look) -> Piece:
    """What the JSON API has answered to calls with a key; nobody asks for them again."""
    old, reached = _piece(connection, api_answers, "begun_at", look, ordered=False)
    gone = connection.execute(delete(api_answers).where(api_answers.c.id.in_(old)))
    return Piece(gone.rowcount, reached)


class Purge(Protocol):
    """One class's look at one piece."""

    def __call__(self, connection: Connection, look: Look) -> Piece:
        """In the caller's transaction."""
        ...


#: Class of data -> what is looked at for it, in this order.
CLASSES: Final[Mapping[str, tuple[Purge, ...]]] = {
    "payloads": (purge_payloads,),
    "calls": (purge_calls,),
    "history": (purge_attempts, purge_intents, purge_issues, purge_runs),
    "audit": (purge_audit,),
    "answers": (purge_answers,),
}
