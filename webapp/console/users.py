"""Users and their roles, for admins."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from sync.desk import accounts
from sync.desk.accounts import ROLES, AccountRefused
from sync.store.users import User
from webapp.console.access import current_actor, needs
from webapp.console.present import said
from webapp.parts import parts

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.get("")
@needs("admin")
def index() -> ResponseReturnValue:
    """Everybody."""
    return _list()


@blueprint.post("")
@needs("admin")
def add() -> ResponseReturnValue:
    """A new user; the password is made here and shown once."""
    login, role, password = request.form.get("login", ""), request.form.get("role", ""), accounts.new_password()
    try:
        name = accounts.add_user(parts().store, login, password, role, actor=current_actor())
    except AccountRefused as error:
        return _list(error, login=login, role=role)
    return _password(name, password)


@blueprint.get("/<login>")
@needs("admin")
def show(login: str) -> ResponseReturnValue:
    """One user."""
    return _one(login)


@blueprint.post("/<login>/role")
@needs("admin")
def change_role(login: str) -> ResponseReturnValue:
    """What the user may do."""
    try:
        accounts.set_role(parts().store, login, request.form.get("role", ""), actor=current_actor())
    except AccountRefused as error:
        return _one(login, error)
    flash(_("The role is changed."))
    return redirect(url_for("users.index"), 303)


@blueprint.post("/<login>/disable")
@needs("admin")
def disable(login: str) -> ResponseReturnValue:
    """The user may not sign in any more, and is out at once."""
    return _switch(login, active=False, done=_("The user is disabled and signed out everywhere."))


@blueprint.post("/<login>/enable")
@needs("admin")
def enable(login: str) -> ResponseReturnValue:
    """The user may sign in again."""
    return _switch(login, active=True, done=_("The user may sign in again."))


@blueprint.post("/<login>/sessions/end")
@needs("admin")
def end_sessions(login: str) -> ResponseReturnValue:
    """Sign the user out everywhere."""
    try:
        count = accounts.end_sessions(parts().store, login, actor=current_actor())
    except AccountRefused as error:
        return _one(login, error)
    flash(ngettext("%(num)s browser is signed out.", "%(num)s browsers are signed out.", count))
    return redirect(url_for("users.show", login=login), 303)


@blueprint.post("/<login>/password")
@needs("admin")
def renew_password(login: str) -> ResponseReturnValue:
    """A new password, made here and shown once."""
    password = accounts.new_password()
    try:
        accounts.set_password(parts().store, login, password, actor=current_actor())
    except AccountRefused as error:
        return _one(login, error)
    return _password(login, password)


def _switch(login: str, *, active: bool, done: str) -> ResponseReturnValue:
    try:
        accounts.set_active(parts().store, login, active=active, actor=current_actor())
    except AccountRefused as error:
        return _one(login, error)
    flash(done)
    return redirect(url_for("users.show", login=login), 303)


def _list(error: AccountRefused | None = None, *, login: str = "", role: str = "viewer") -> ResponseReturnValue:
    page = render_template(
        "console/users.html",
        users=accounts.list_users(parts().store),
        roles=ROLES,
        login=login,
        role=role,
        error=_said(error),
    )
    return (page, 422) if error else page


def _one(login: str, error: AccountRefused | None = None) -> ResponseReturnValue:
    user = _found(login)
    sessions = accounts.sessions_of(parts().store, user.login)
    page = render_template("console/user.html", user=user, roles=ROLES, sessions=sessions, error=_said(error))
    return (page, 422) if error else page


def _found(login: str) -> User:
    user = accounts.find_user(parts().store, login)
    return user or abort(404)


def _password(login: str, password: str) -> ResponseReturnValue:
    """In the answer itself: it is in no cookie, no redirect and no second place."""
    return render_template("console/password.html", login=login, password=password)


def _said(error: AccountRefused | None) -> str:
    return "" if error is None else said(error.phrase)
