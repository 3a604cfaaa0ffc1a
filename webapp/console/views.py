"""Saved views of the lists of orders and of causes: kept, renamed, shared, taken away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from sync.desk.views import FILTERS, ViewRefused, begin_with, change_view, default_of, keep_view, remove_view, views_of
from sync.store.users import User
from sync.store.views import SavedView
from webapp.console.access import current_actor, needs, signed_in
from webapp.console.present import said, told
from webapp.parts import parts

blueprint = Blueprint("views", __name__, url_prefix="/views")

#: Page -> its endpoint, and what it is called.
PAGES: Final = {
    "orders": ("orders.index", lazy_gettext("Orders")),
    "needs": ("needs.index", lazy_gettext("Needs you")),
}
_MAX_ID: Final = 10**12


@blueprint.get("")
@needs("viewer")
def index() -> ResponseReturnValue:
    """All that one sees."""
    return _page()


def _page(error: str = "", status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "console/views.html",
        views=views_of(parts().store, _me()),
        pages=PAGES,
        address=address,
        me=_me(),
        error=error,
    )
    return page, status


@blueprint.post("")
@needs("viewer")
def keep() -> ResponseReturnValue:
    """Keep the filters that a list has now."""
    form = request.form
    shared = form.get("shared") == "yes"
    page = form.get("page", "")
    try:
        view = keep_view(
            parts().store,
            _me(),
            page,
            form.get("name", ""),
            form.get("query", ""),
            shared=shared,
            actor=current_actor(),
        )
    except ViewRefused as refusal:
        return _page(said(refusal.phrase), 422)
    flash(_("The view %(name)s is kept.", name=view.name))
    return redirect(address(view), 303)


@blueprint.post("/<int:view_id>")
@needs("viewer")
def change(view_id: int) -> ResponseReturnValue:
    """Another name, and whether everybody sees it."""
    name, shared = request.form.get("name", ""), request.form.get("shared") == "yes"
    return _changed(
        lambda me: change_view(parts().store, me, view_id, name=name, shared=shared, actor=current_actor()), view_id
    )


@blueprint.post("/<int:view_id>/remove")
@needs("viewer")
def remove(view_id: int) -> ResponseReturnValue:
    """Take it away."""
    return _changed(lambda me: remove_view(parts().store, me, view_id, actor=current_actor()), view_id)


@blueprint.post("/<int:view_id>/default")
@needs("viewer")
def default(view_id: int) -> ResponseReturnValue:
    """Have the list begin with it, or with all again."""
    on = request.form.get("on") == "yes"
    return _changed(lambda me: begin_with(parts().store, me, view_id, on=on), view_id)


def _changed(change: Callable[[User], SavedView], view_id: int) -> ResponseReturnValue:
    if view_id > _MAX_ID:
        abort(404)
    try:
        view = change(_me())
    except ViewRefused as refusal:
        return _page(said(refusal.phrase), 422)
    except LookupError as refusal:
        flash(told(refusal))
    else:
        flash(_("Done: the view %(name)s.", name=view.name))
    return redirect(url_for("views.index"), 303)


def _me() -> User:
    who = signed_in()
    assert who is not None
    return who.user


# --- for the lists ----------------------------------------------------------------------------------------------


def address(view: SavedView) -> str:
    """Where a view is seen."""
    query = f"{view.query}&" if view.query else ""
    return f"{url_for(PAGES[view.page][0])}?{query}view={view.id}"


def beginning(page: str) -> str:
    """With what a list begins that is asked for without a word; empty for all there is."""
    if request.args:
        return ""
    view = default_of(parts().store, _me(), page)
    return "" if view is None else address(view)


def bar(page: str) -> Mapping[str, object]:
    """The views above a list, and what of its address can be kept."""
    found: Sequence[SavedView] = views_of(parts().store, _me(), page)
    asked = {name: value for name, value in request.args.items() if name in FILTERS[page] and value}
    return {
        "page": page,
        "links": [(view, address(view), request.args.get("view") == str(view.id)) for view in found],
        "query": request.query_string.decode("ascii", "replace") if asked else "",
    }
