"""What runs when: rows that the scheduler works off and that anybody may ask for out of turn."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Final

from sqlalchemy import Connection, or_, select, update

from sync.store.tables import schedules
from sync.store.types import db_now
from sync.store.upsert import dialect_of

#: The one that is nobody's own: what is old is deleted.
PURGE: Final = "purge"


@dataclasses.dataclass(frozen=True, slots=True)
class Due:
    """A schedule that is due, e.g. `pull:shop-de`."""

    name: str
    asked: bool


def declare(connection: Connection, names: dict[str, dt.datetime]) -> None:
    """Make sure that every schedule has its row; one that is there keeps its time."""
    if not names:
        return
    connection.execute(
        dialect_of(connection).insert(schedules).on_conflict_do_nothing(),
        [{"name": name, "next_at": next_at} for name, next_at in sorted(names.items())],
    )


def ask(connection: Connection, name: str) -> None:
    """Run `name` out of turn, as soon as the scheduler looks."""
    statement = dialect_of(connection).insert(schedules).values(name=name, next_at=db_now(), asked=True)
    connection.execute(statement.on_conflict_do_update(index_elements=[schedules.c.name], set_={"asked": True}))


def exists(connection: Connection, name: str) -> bool:
    """Whether there is such a schedule: one that no scheduler has declared would never run."""
    return connection.execute(select(schedules.c.name).where(schedules.c.name == name)).first() is not None


def load_due(connection: Connection) -> list[Due]:
    """Everything whose time has come or that was asked for, oldest first."""
    query = (
        select(schedules.c.name, schedules.c.asked)
        .where(or_(schedules.c.next_at <= db_now(), schedules.c.asked))
        .order_by(schedules.c.next_at)
    )
    return [Due(name, asked) for name, asked in connection.execute(query)]


def start(connection: Connection, name: str, next_at: dt.datetime) -> None:
    """One run begins: its slot is taken before the work, so that a crash cannot run it twice in a row for ever."""
    connection.execute(update(schedules).where(schedules.c.name == name).values(next_at=next_at, asked=False))


def finish(connection: Connection, name: str, *, ok: bool, message: str) -> None:
    """One run ended; `message` is in plain words."""
    connection.execute(
        update(schedules).where(schedules.c.name == name).values(last_at=db_now(), last_ok=ok, message=message)
    )


def leave_out(connection: Connection, name: str, message: str) -> None:
    """A run did not happen, and why; when the last one was, and how it went, stays as it is."""
    connection.execute(update(schedules).where(schedules.c.name == name).values(message=message))


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One schedule, as people see it."""

    name: str
    next_at: dt.datetime
    last_at: dt.datetime | None
    last_ok: bool | None
    message: str
    #: Somebody asked for it, and it has not begun yet.
    asked: bool


def list_schedules(connection: Connection) -> list[Row]:
    """All of them, by name."""
    table = schedules.c
    query = select(table.name, table.next_at, table.last_at, table.last_ok, table.message, table.asked).order_by(
        table.name
    )
    return [Row(*row) for row in connection.execute(query)]
