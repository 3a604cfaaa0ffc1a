"""Attempts: one row per try at one document, with what went over the wire."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence

from sqlalchemy import Connection, insert, select

from sync.store.tables import attempts, exchanges
from sync.store.types import db_now


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewAttempt:
    """One try. `exchanges` is packed JSON; the documents of one bulk call pass the same, stored once."""

    item_id: int
    lease_token: str
    started_at: dt.datetime
    ended_at: dt.datetime
    outcome: str
    error_class: str = ""
    #: The connection that could not be used, if any.
    blamed: str = ""
    message: str = ""
    exchanges: bytes | None = None
    #: The published revision of the mapping profile, where anything was mapped by one.
    profile_revision: int | None = None


def save_attempts(connection: Connection, rows: Sequence[NewAttempt]) -> None:
    """Insert the tries of one batch."""
    if not rows:
        return
    ids = _save_exchanges(connection, {row.exchanges for row in rows if row.exchanges is not None})
    connection.execute(
        insert(attempts),
        [
            {
                "item_id": row.item_id,
                "lease_token": row.lease_token,
                "started_at": row.started_at,
                "ended_at": row.ended_at,
                "outcome": row.outcome,
                "error_class": row.error_class,
                "blamed": row.blamed,
                "message": row.message,
                "profile_revision": row.profile_revision,
                "exchanges_id": None if row.exchanges is None else ids[row.exchanges],
            }
            for row in rows
        ],
    )


def _save_exchanges(connection: Connection, bodies: Collection[bytes]) -> dict[bytes, int]:
    """Body -> its id. The bodies come along, because SQLite would need a statement a row to answer in their order."""
    if not bodies:
        return {}
    now = connection.execute(select(db_now())).scalar_one()
    statement = insert(exchanges).returning(exchanges.c.body, exchanges.c.id)
    made = connection.execute(statement, [{"body": body, "created_at": now} for body in bodies])
    return {body: exchanges_id for body, exchanges_id in made}  # noqa: C416 - Row is no pair to dict()


@dataclasses.dataclass(frozen=True, slots=True)
class Attempt:
    """One try, as people see it."""

    id: int
    started_at: dt.datetime
    ended_at: dt.datetime
    outcome: str
    error_class: str
    message: str
    #: Whether anything went over the wire.
    has_exchanges: bool
    #: The published revision of the mapping profile that it was made with; None where none was, or nothing was mapped.
    profile_revision: int | None = None
    #: What did, compressed, where it was asked for.
    exchanges: bytes | None = None


def load_attempts(connection: Connection, item_id: int, limit: int = 50, *, bodies: bool = False) -> list[Attempt]:
    """The newest tries at one item, oldest first; `bodies` brings along what went over the wire."""
    table = attempts.c
    columns = (table.id, table.started_at, table.ended_at, table.outcome, table.error_class, table.message)
    query = select(*columns, table.exchanges_id.is_not(None), table.profile_revision).where(table.item_id == item_id)
    if bodies:
        query = query.outerjoin(exchanges, exchanges.c.id == table.exchanges_id).add_columns(exchanges.c.body)
    query = query.order_by(table.id.desc()).limit(limit)
    return [Attempt(*row) for row in reversed(connection.execute(query).all())]
