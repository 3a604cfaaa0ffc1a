"""Who is there, and what they may see and do."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, ParamSpec

from flask import Flask, Response, abort, current_app, g, make_response, request
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user

from sync.desk.accounts import ROLES, SignedIn, keep_alive, load_signed_in
from sync.store.audit import Actor
from webapp.console.pages import finish
from webapp.parts import parts

#: For what must be seen before signing in.
ANYONE: Final = "anyone"
#: A request that the page makes by itself, to show what is new: it keeps nobody signed in.
LIVE_HEADER: Final = "X-Live"
_P = ParamSpec("_P")
_View = Callable[_P, ResponseReturnValue]


class Visitor(UserMixin):  # type: ignore[misc]  # of a library without types
    """Flask-Login's user: somebody in one browser, known by the token in its cookie and not by their own id."""

    def __init__(self, token: str, who: SignedIn) -> None:
        self.token, self.who = token, who

    def get_id(self) -> str:
        """What the cookie holds."""
        return self.token


def register(app: Flask) -> None:
    """Have Flask-Login look sessions up in the database."""
    # Off: whether a session is good is decided by its row, not by the address or the browser's name.
    manager = LoginManager()
    manager.session_protection = None
    manager.user_loader(_load)
    # What `init_app` does, but for its hook behind every answer: that one keeps a cookie that we do not have.
    app.login_manager = manager  # type: ignore[attr-defined]  # where Flask-Login looks for it
    app.jinja_env.globals.update(signed_in=signed_in, may=may)


def _load(token: str) -> Visitor | None:
    who = load_signed_in(parts().store, token)
    if who is None:
        return None
    if who.stale and LIVE_HEADER not in request.headers:
        keep_alive(parts().store, who)
    return Visitor(token, who)


def needs(role: str) -> Callable[[_View[_P]], Callable[_P, Response]]:
    """Let only this role and the ones above it in; stands directly above the view, below its route."""
    if role != ANYONE and role not in ROLES:
        raise ValueError(f"no role: {role}")

    def decorate(view: _View[_P]) -> Callable[_P, Response]:
        @functools.wraps(view)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> Response:
            refusal = None if role == ANYONE else _refusal(role)
            return finish(make_response(view(*args, **kwargs) if refusal is None else refusal))

        guarded.needs_role = role  # type: ignore[attr-defined]  # read by `demand_roles`
        return guarded

    return decorate


def _refusal(role: str) -> ResponseReturnValue | None:
    """What somebody gets instead of the view; None for who may see it."""
    who = signed_in()
    if who is None:
        answer: ResponseReturnValue = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
        return answer
    if not who.may(role):
        g.missing_role = role
        abort(403)
    return None


def signed_in() -> SignedIn | None:
    """Who makes this request; None when nobody is signed in. Raises DatabaseBusy."""
    return current_user.who if current_user.is_authenticated else None


def may(role: str) -> bool:
    """Whether who makes this request may do what `role` may; for buttons that only some see."""
    who = signed_in()
    return who is not None and who.may(role)


def current_actor() -> Actor:
    """Who makes this request, for the audit. Only for views that need a role."""
    who = signed_in()
    assert who is not None
    return Actor(who.user.login, f"console {address()}")


def address() -> str:
    """Where the request comes from, as far as we can believe it (CROSSDOCK_PROXY_HOPS)."""
    return request.remote_addr or "unknown"


def role_of(view: Callable[..., Any]) -> str | None:
    """Which role `needs` demands for a view; None for a view without it."""
    return getattr(view, "needs_role", None)


def demand_roles(app: Flask, names: set[str]) -> None:
    """Refuse an application in which a page of these blueprints does not say who may see it."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in names and role_of(app.view_functions[rule.endpoint]) is None:
            raise RuntimeError(f"the view {rule.endpoint} does not say with @needs who may see it")


def known() -> SignedIn | None:
    """Who makes this request, as far as it is known already: asks nobody, for error pages."""
    visitor = g.get("_login_user")
    return visitor.who if isinstance(visitor, Visitor) else None
