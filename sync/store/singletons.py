"""One process among many: whoever holds the row, and keeps it beating, is the scheduler."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from typing import Final

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from sync.store.tables import singletons
from sync.store.types import db_now

#: The one that pulls, checks and rings on time.
SCHEDULER: Final = "scheduler"
#: Its heart beats every few seconds, and a restart takes less than this: after so long it is not slow but away.
SILENT: Final = dt.timedelta(minutes=1)


def take(connection: Connection, name: str, holder: str, length_s: float) -> tuple[str, dt.timedelta | None] | None:
    """Take the place when it is free or its holder is gone: (token, how long nobody held it); None when it is taken.

    The silence is None for the very first holder; a long one means an outage or a restored backup.
    """
    table = singletons.c
    now = connection.execute(select(db_now())).scalar_one()
    token = secrets.token_hex(16)
    values = {"holder": holder, "token": token, "beat_at": now, "expires_at": now + dt.timedelta(seconds=length_s)}
    row = connection.execute(
        select(table.beat, table.beat_at, table.expires_at).where(table.name == name).with_for_update()
    ).first()
    if row is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(singletons).values(name=name, beat=0, **values))
        except IntegrityError:
            return None
        return token, None
    if row.expires_at > now:
        return None
    connection.execute(update(singletons).where(table.name == name).values(beat=row.beat + 1, **values))
    return token, now - row.beat_at


def beat(connection: Connection, name: str, token: str, length_s: float) -> bool:
    """Keep the place; False when somebody else has it now."""
    table = singletons.c
    now = connection.execute(select(db_now())).scalar_one()
    changed = connection.execute(
        update(singletons)
        .where(table.name == name, table.token == token)
        .values(beat=table.beat + 1, beat_at=now, expires_at=now + dt.timedelta(seconds=length_s))
    )
    return bool(changed.rowcount)


def give_up(connection: Connection, name: str, token: str) -> None:
    """Leave the place at once, so that the next holder need not wait."""
    table = singletons.c
    connection.execute(update(singletons).where(table.name == name, table.token == token).values(expires_at=db_now()))


@dataclasses.dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a place, or held it last."""

    holder: str
    beat_at: dt.datetime
    #: How long ago that was, by the database's clock.
    silence: dt.timedelta

    @property
    def alive(self) -> bool:
        """Whether anybody still counts on it."""
        return self.silence <= SILENT


def holder_of(connection: Connection, name: str) -> Holder | None:
    """None when nobody ever held it."""
    table = singletons.c
    row = connection.execute(select(table.holder, table.beat_at, db_now()).where(table.name == name)).first()
    return None if row is None else Holder(row[0], row[1], max(row[2] - row[1], dt.timedelta(0)))
