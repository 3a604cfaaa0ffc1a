"""How many of a channel's orders a person has yet to release before the others follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, exists, select, update

from sync.store.marking import release
from sync.store.tables import channel_states, issue_documents, issues, orders

_CAUSE: Final = "canary"


def canary_left(connection: Connection, channel: str) -> int:
    """How many are left; 0 where the channel flows."""
    table = channel_states.c
    left: int | None = connection.execute(select(table.canary_left).where(table.channel == channel)).scalar()
    return left or 0


def note_canary(connection: Connection, channel: str, fingerprint: str, wanted: int) -> int:
    """Begin anew where the channel goes live or its configuration has changed; answers how many are left.

    The first note of a channel that has carried orders already is an upgrade of the program, and no change.
    """
    table = channel_states.c
    row = connection.execute(
        select(table.canary_print, table.canary_left).where(table.channel == channel).with_for_update()
    ).one()
    left: int = min(row.canary_left, wanted)
    if not row.canary_print:
        carried = connection.execute(select(exists().where(orders.c.channel == channel))).scalar_one()
        left = 0 if carried else wanted
    elif row.canary_print != fingerprint:
        left = wanted
    if (row.canary_print, row.canary_left) != (fingerprint, left):
        connection.execute(
            update(channel_states).where(table.channel == channel).values(canary_print=fingerprint, canary_left=left)
        )
    if not left:
        _release_all(connection, channel)
    return left


def count_release(connection: Connection, channel: str) -> int:
    """A person has released one; with the last of them those that wait behind go too. Answers how many are left."""
    table = channel_states.c
    left: int | None = connection.execute(
        update(channel_states)
        .where(table.channel == channel, table.canary_left > 0)
        .values(canary_left=table.canary_left - 1)
        .returning(table.canary_left)
    ).scalar()
    if not left:
        _release_all(connection, channel)
    return left or 0


def _release_all(connection: Connection, channel: str) -> None:
    waiting = _waiting(connection, channel)
    if waiting:
        release(connection, waiting)


def _waiting(connection: Connection, channel: str) -> Sequence[int]:
    query = (
        select(issue_documents.c.item_id)
        .join(issues, issues.c.id == issue_documents.c.issue_id)
        .where(
            issues.c.cause == _CAUSE,
            issues.c.channel == channel,
            issues.c.closed_at.is_(None),
            issue_documents.c.closed_at.is_(None),
        )
        .order_by(issue_documents.c.item_id)
    )
    return list(connection.execute(query).scalars())
