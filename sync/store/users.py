"""Users of the console: who may sign in, with what role."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import Connection, func, insert, select, update

from sync.store.tables import users
from sync.store.types import db_now


@dataclasses.dataclass(frozen=True, slots=True)
class User:
    """A row of `users`; the hash never shows in a `repr`."""

    id: int
    login: str
    role: str
    active: bool
    #: Name of the zone in which times are shown; empty for UTC.
    timezone: str
    #: Of the console, as its catalogue is called (`zh_Hans_CN`); empty for the browser's.
    language: str
    created_at: dt.datetime
    password_changed_at: dt.datetime | None
    signed_in_at: dt.datetime | None
    password_hash: str = dataclasses.field(repr=False)
    #: Single keys do something on the pages.
    shortcuts: bool = True


COLUMNS = tuple(users.c[field.name] for field in dataclasses.fields(User))


def add_user(connection: Connection, login: str, password_hash: str, role: str) -> int:
    """A new user's id. Raises sqlalchemy.exc.IntegrityError when the login is taken."""
    values = {"login": login, "password_hash": password_hash, "role": role}
    row = connection.execute(
        insert(users).values(**values, active=True, created_at=db_now(), password_changed_at=db_now())
    )
    assert row.inserted_primary_key is not None
    return int(row.inserted_primary_key[0])


def find_user(connection: Connection, login: str, *, lock: bool = False) -> User | None:
    """The user of this login; `lock` keeps it as it is until the transaction ends."""
    query = select(*COLUMNS).where(users.c.login == login)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else User(*row)


def list_users(connection: Connection) -> list[User]:
    """All users, by login."""
    return [User(*row) for row in connection.execute(select(*COLUMNS).order_by(users.c.login))]


def count_users(connection: Connection, *, role: str = "") -> int:
    """How many users may sign in; with `role`, only those that have it."""
    query = select(func.count()).select_from(users).where(users.c.active)
    return int(connection.execute(query.where(users.c.role == role) if role else query).scalar_one())


def lock_users(connection: Connection) -> None:
    """Let nobody else change who is an admin until this transaction ends (SQLite's writers are alone anyway)."""
    connection.execute(select(users.c.id).order_by(users.c.id).with_for_update()).all()


def set_password(connection: Connection, user_id: int, password_hash: str) -> None:
    """A password that the person has chosen."""
    _change(connection, user_id, password_hash=password_hash, password_changed_at=db_now())


def renew_hash(connection: Connection, user_id: int, password_hash: str) -> None:
    """The same password, hashed as it is done today."""
    _change(connection, user_id, password_hash=password_hash)


def set_role(connection: Connection, user_id: int, role: str) -> None:
    """What the user may do, from the next request on."""
    _change(connection, user_id, role=role)


def set_active(connection: Connection, user_id: int, *, active: bool) -> None:
    """Whether the user may sign in."""
    _change(connection, user_id, active=active)


def set_timezone(connection: Connection, user_id: int, timezone: str) -> None:
    """In which zone this user reads times."""
    _change(connection, user_id, timezone=timezone)


def set_shortcuts(connection: Connection, user_id: int, *, on: bool) -> None:
    """Whether single keys do something on the pages of this user."""
    _change(connection, user_id, shortcuts=on)


def set_language(connection: Connection, user_id: int, language: str) -> None:
    """In which language this user reads the console."""
    _change(connection, user_id, language=language)


def note_sign_in(connection: Connection, user_id: int) -> None:
    """The user has signed in now."""
    _change(connection, user_id, signed_in_at=db_now())


def _change(connection: Connection, user_id: int, **values: object) -> None:
    connection.execute(update(users).where(users.c.id == user_id).values(**values))
