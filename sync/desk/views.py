"""Saved views: the filters of a list by name, one's own or everybody's, and with which the list begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection

from sync.desk.phrases import Refusal, say
from sync.store import views
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.users import User
from sync.store.views import SavedView

#: Page -> what of its address is a filter or the order of the list. Where somebody stood in it is neither.
FILTERS: Final[Mapping[str, frozenset[str]]] = {
    "orders": frozenset(
        {"tab", "sort", "dir", "q", "channel", "connection", "cause", "since", "until", "low", "high", "currency"}
        | {"assignee", "due"}
    ),
    "needs": frozenset({"state", "owner", "channel", "connection", "cause", "assignee", "sort"}),
}
MAX_NAME: Final = 64
#: No user has this id.
NOBODY: Final = 0
_MAX_QUERY: Final = 2000
_MAX_VIEWS: Final = 100


class ViewRefused(Refusal):
    """Nothing was kept or changed; why, in whole sentences."""


def views_of(store: Store, user: User, page: str = "") -> list[SavedView]:
    """What a user sees: their own views, and what others share."""
    return store.read(lambda c: views.list_views(c, user.id, page))


def shared_views(store: Store, page: str = "") -> list[SavedView]:
    """What everybody sees."""
    return store.read(lambda c: views.list_views(c, NOBODY, page))


def default_of(store: Store, user: User, page: str) -> SavedView | None:
    """With which view a list begins for this user."""
    return next((view for view in views_of(store, user, page) if view.default), None)


def keep_view(
    store: Store, user: User, page: str, name: str, query: str, *, shared: bool = False, actor: Actor
) -> SavedView:
    """Keep the filters of an address. Raises ViewRefused."""
    name, query = _checked_name(name), _checked_query(page, query)
    _demand_may_share(user, shared=shared)

    def work(connection: Connection) -> SavedView:
        if views.count_views(connection, user.id) >= _MAX_VIEWS:
            raise ViewRefused(say("You have kept %(most)s views; remove one first.", most=_MAX_VIEWS))
        made = views.add_view(connection, user.id, page, name, query, shared=shared)
        if made is None:
            raise _taken(name)
        record_audit(connection, actor, "view kept", _subject(page, name), after=query)
        return _found(connection, made, user)

    return store.write(work)


def change_view(
    store: Store,
    user: User,
    view_id: int,
    *,
    name: str | None = None,
    query: str | None = None,
    shared: bool | None = None,
    actor: Actor,
) -> SavedView:
    """Rename it, share it, or give it other filters. Raises LookupError for none of theirs, ViewRefused."""

    def work(connection: Connection) -> SavedView:
        view = _own(connection, view_id, user)
        new = view.name if name is None else _checked_name(name)
        asked = view.query if query is None else _checked_query(view.page, query)
        share = view.shared if shared is None else shared
        _demand_may_share(user, shared=share and not view.shared)
        same = (other for other in views.list_views(connection, view.user_id, view.page) if other.id != view.id)
        if any(other.name == new and other.user_id == view.user_id for other in same):
            raise _taken(new)
        views.change_view(connection, view_id, name=new, query=asked, shared=share)
        before, after = (f"{one[0]}: {one[1]}" for one in ((view.name, view.query), (new, asked)))
        record_audit(connection, actor, "view changed", _subject(view.page, view.name), before=before, after=after)
        # Not read again: an admin who ends the sharing does not see it any more.
        return dataclasses.replace(view, name=new, query=asked, shared=share)

    return store.write(work)


def remove_view(store: Store, user: User, view_id: int, *, actor: Actor) -> SavedView:
    """Raises LookupError for none of theirs; answers what it was."""

    def work(connection: Connection) -> SavedView:
        view = _own(connection, view_id, user)
        views.remove_view(connection, view_id)
        record_audit(connection, actor, "view removed", _subject(view.page, view.name), before=view.query)
        return view

    return store.write(work)


def begin_with(store: Store, user: User, view_id: int, *, on: bool) -> SavedView:
    """Have the list begin with it for this user, or with all again. Raises LookupError for one that is not seen."""

    def work(connection: Connection) -> SavedView:
        view = _found(connection, view_id, user)
        views.set_default(connection, user.id, view.page, view_id if on else None)
        return view

    return store.write(work)


def _found(connection: Connection, view_id: int, user: User) -> SavedView:
    view = views.find_view(connection, view_id, user.id)
    if view is None:
        raise LookupError(say("there is no such view any more"))
    return view


def _own(connection: Connection, view_id: int, user: User) -> SavedView:
    """Admins put in order what is shared, too."""
    view = _found(connection, view_id, user)
    if view.user_id != user.id and user.role != "admin":
        raise LookupError(say("the view is %(owner)s's: only its owner or an admin changes it", owner=view.owner))
    return view


def _demand_may_share(user: User, *, shared: bool) -> None:
    if shared and user.role == "viewer":
        raise ViewRefused(say("Whoever only looks keeps views for themselves."))


def _checked_name(name: str) -> str:
    told = "".join(sign for sign in name if sign.isprintable()).strip()
    if not told or len(told) > MAX_NAME:
        raise ViewRefused(say("A view has a name of %(most)s characters at most.", most=MAX_NAME))
    return told


def _checked_query(page: str, query: str) -> str:
    """Only what the page knows as filters; of each the last."""
    if page not in FILTERS:
        raise ViewRefused(say("Views are kept of the lists of orders and of causes."))
    given = dict(parse_qsl(query.replace("\0", "").removeprefix("?")))
    told = urlencode(sorted((name, value) for name, value in given.items() if name in FILTERS[page] and value))
    if len(told) > _MAX_QUERY:
        raise ViewRefused(say("The filters are too long to be kept."))
    return told


def _taken(name: str) -> ViewRefused:
    return ViewRefused(say("There is a view %(name)s already; take another name.", name=name))


def _subject(page: str, name: str) -> str:
    return f"view:{page}:{name}"
