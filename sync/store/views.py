"""Views of lists that people keep, and with which of them a list begins."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select, update

from sync.store.tables import default_views, saved_views, users
from sync.store.types import db_now
from sync.store.upsert import dialect_of, upsert


@dataclasses.dataclass(frozen=True, slots=True)
class SavedView:
    """A list with filters, by name."""

    id: int
    user_id: int
    #: Login of whose it is.
    owner: str
    page: str
    name: str
    query: str
    #: Everybody sees it.
    shared: bool
    #: The list begins with it, for who asks.
    default: bool


_VIEW, _DEFAULT = saved_views.c, default_views.c


def list_views(connection: Connection, user_id: int, page: str = "") -> list[SavedView]:
    """What this user has kept and what others share, by page and name."""
    query = _seen_by(user_id).order_by(_VIEW.page, func.lower(_VIEW.name), _VIEW.id)
    if page:
        query = query.where(_VIEW.page == page)
    return [SavedView(*row) for row in connection.execute(query)]


def find_view(connection: Connection, view_id: int, user_id: int) -> SavedView | None:
    """One of them; None also for one that the user does not see."""
    row = connection.execute(_seen_by(user_id).where(_VIEW.id == view_id)).first()
    return None if row is None else SavedView(*row)


def _seen_by(user_id: int) -> Select[Any]:
    mine: ColumnElement[bool] = (_DEFAULT.view_id == _VIEW.id) & (_DEFAULT.user_id == user_id)
    return (
        select(
            *(_VIEW.id, _VIEW.user_id, users.c.login, _VIEW.page, _VIEW.name, _VIEW.query, _VIEW.shared),
            _DEFAULT.view_id.is_not(None),
        )
        .join(users, users.c.id == _VIEW.user_id)
        .outerjoin(default_views, mine)
        .where(or_(_VIEW.user_id == user_id, _VIEW.shared))
    )


def count_views(connection: Connection, user_id: int) -> int:
    """How many this user has kept."""
    return connection.execute(select(func.count()).where(_VIEW.user_id == user_id)).scalar_one()


def add_view(connection: Connection, user_id: int, page: str, name: str, query: str, *, shared: bool) -> int | None:
    """Its id; None where the user has one of that name on the page."""
    values = {"user_id": user_id, "page": page, "name": name, "query": query, "shared": shared}
    made = dialect_of(connection).insert(saved_views).values(**values, changed_at=db_now()).on_conflict_do_nothing()
    found: int | None = connection.execute(made.returning(_VIEW.id)).scalar()
    return found


def change_view(connection: Connection, view_id: int, *, name: str, query: str, shared: bool) -> None:
    """Raises sqlalchemy.exc.IntegrityError for a name that the owner has given already.

    What is shared no longer is nobody else's beginning either.
    """
    values = {"name": name, "query": query, "shared": shared, "changed_at": db_now()}
    connection.execute(update(saved_views).where(_VIEW.id == view_id).values(**values))
    if not shared:
        owner = select(_VIEW.user_id).where(_VIEW.id == view_id).scalar_subquery()
        connection.execute(delete(default_views).where(_DEFAULT.view_id == view_id, _DEFAULT.user_id != owner))


def remove_view(connection: Connection, view_id: int) -> None:
    """Lists that began with it begin with all again."""
    connection.execute(delete(default_views).where(_DEFAULT.view_id == view_id))
    connection.execute(delete(saved_views).where(_VIEW.id == view_id))


def set_default(connection: Connection, user_id: int, page: str, view_id: int | None) -> None:
    """With which view the list begins for this user; None for all."""
    if view_id is None:
        connection.execute(delete(default_views).where(_DEFAULT.user_id == user_id, _DEFAULT.page == page))
    else:
        upsert(connection, default_views, {"user_id": user_id, "page": page, "view_id": view_id}, ["user_id", "page"])
