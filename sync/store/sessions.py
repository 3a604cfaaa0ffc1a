"""Browsers that are signed in. Whoever has a row that has not ended and is not too old, is; ending the row ends it."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from sync.store.tables import sessions, users
from sync.store.types import db_now
from sync.store.users import COLUMNS, User


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """One browser of one user."""

    token_hash: str = dataclasses.field(repr=False)
    user_id: int
    created_at: dt.datetime
    seen_at: dt.datetime
    address: str
    agent: str


_SESSION = tuple(sessions.c[field.name] for field in dataclasses.fields(Session))


def open_session(connection: Connection, token_hash: str, user_id: int, *, address: str, agent: str) -> None:
    """A browser has signed in."""
    connection.execute(
        insert(sessions).values(
            token_hash=token_hash,
            user_id=user_id,
            created_at=db_now(),
            seen_at=db_now(),
            address=address[:64],
            agent=agent[:255],
        )
    )


def load_session(
    connection: Connection, token_hash: str, *, idle: dt.timedelta, longest: dt.timedelta
) -> tuple[Session, User, bool] | None:
    """The session, its user, and whether it is time to `touch` it; None when it has ended in any way.

    Judged by the database's clock: unused for `idle`, older than `longest`, ended, or its user may not sign in.
    """
    row = connection.execute(
        select(*_SESSION, *COLUMNS, db_now())
        .join_from(sessions, users)
        .where(sessions.c.token_hash == token_hash, sessions.c.ended_at.is_(None), users.c.active)
    ).first()
    if row is None:
        return None
    session, now = Session(*row[: len(_SESSION)]), row[-1]
    if now - session.seen_at > idle or now - session.created_at > longest:
        return None
    return session, User(*row[len(_SESSION) : -1]), now - session.seen_at > dt.timedelta(minutes=1)


def touch(connection: Connection, token_hash: str) -> None:
    """The person did something."""
    connection.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=db_now()))


def list_sessions(connection: Connection, user_id: int, *, idle: dt.timedelta, longest: dt.timedelta) -> list[Session]:
    """The user's browsers that are signed in now, the one that was used last first."""
    now = connection.execute(select(db_now())).scalar_one()
    table = sessions.c
    query = select(*_SESSION).where(
        table.user_id == user_id, table.ended_at.is_(None), table.seen_at > now - idle, table.created_at > now - longest
    )
    return [Session(*row) for row in connection.execute(query.order_by(table.seen_at.desc()))]


def end_session(connection: Connection, token_hash: str) -> bool:
    """Sign this browser out; False when it was."""
    return bool(_end(connection, sessions.c.token_hash == token_hash))


def end_sessions(connection: Connection, user_id: int, *, but: str = "") -> int:
    """Sign the user's browsers out, all but the one with this hash; answers how many."""
    return _end(connection, sessions.c.user_id == user_id, sessions.c.token_hash != but)


def forget_sessions(connection: Connection, *, older: dt.timedelta) -> None:
    """Delete what has long been over."""
    border = connection.execute(select(db_now())).scalar_one() - older
    connection.execute(delete(sessions).where(or_(sessions.c.ended_at < border, sessions.c.seen_at < border)))


def _end(connection: Connection, *which: ColumnElement[bool]) -> int:
    changed = connection.execute(
        update(sessions).where(sessions.c.ended_at.is_(None), *which).values(ended_at=db_now())
    )
    return int(changed.rowcount)
