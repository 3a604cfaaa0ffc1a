"""Signing in and out."""

from __future__ import annotations

import dataclasses
from typing import Final
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, Flask, Response, abort, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import login_user, logout_user
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from config.settings import Settings
from sync.desk import accounts
from webapp.console import access, navigation
from webapp.console.access import ANYONE, Visitor, address, current_actor, needs, signed_in
from webapp.console.throttle import SignInThrottle
from webapp.parts import parts

log = structlog.get_logger(__name__)
blueprint = Blueprint("signin", __name__)

#: Fields of a form that came after its session had ended; they stand in the sign-in form under this prefix.
_KEPT: Final = "kept-"
_KEPT_PATH: Final = "kept_path"
#: More than people type.
_MOST_KEPT_CHARS: Final = 100_000
_NEVER_KEPT: Final = ("csrf_token", "password")


def register(app: Flask, settings: Settings) -> None:
    """Send whoever is not signed in to the form."""
    app.extensions["crossdock-sign-ins"] = SignInThrottle(settings.redis_url, instance=settings.instance)
    app.login_manager.unauthorized_handler(_ask)  # type: ignore[attr-defined]  # Flask-Login's


@blueprint.get("/sign-in")
@needs(ANYONE)
def show() -> ResponseReturnValue:
    """The form."""
    target = local_path(request.args.get("next", ""))
    if signed_in() is not None:
        return redirect(target or start_page())
    return _form(target)


@blueprint.post("/sign-in")
@needs(ANYONE)
def sign_in() -> ResponseReturnValue:
    """Try; the answer to whatever does not fit is the same, after the same time."""
    login, password = request.form.get("login", ""), request.form.get("password", "")
    throttle: SignInThrottle = current_app.extensions["crossdock-sign-ins"]
    wait_s = throttle.wait_s(accounts.normal_login(login), address())
    target = local_path(request.form.get("next", ""))
    if wait_s:
        log.warning("sign_in_throttled", address=address(), wait_s=wait_s)
        return _form(target, login=login, wait_s=wait_s), 429, {"Retry-After": str(wait_s)}
    agent = request.user_agent.string
    found = accounts.sign_in(
        parts().store, login, password, address=address(), agent=agent, before=session.get("_user_id", "")
    )
    if found is None:
        log.warning("sign_in_refused", address=address())
        return _form(target, login=login, refused=True), 401
    token, user = found
    throttle.succeeded(user.login, address())
    log.info("signed_in", user=user.login, address=address())
    _begin(token)
    return _go_on()


@blueprint.post("/sign-out")
@needs("viewer")
def sign_out() -> ResponseReturnValue:
    """End this session."""
    who = signed_in()
    assert who is not None
    accounts.sign_out(parts().store, who, actor=current_actor())
    logout_user()
    session.clear()
    return redirect(url_for("signin.show"), 303)


def _begin(token: str) -> None:
    """Nothing of the session before is taken over: neither its token nor that of its forms."""
    session.clear()
    who = accounts.load_signed_in(parts().store, token)
    if who is None:
        # Disabled in this very moment.
        abort(403)
    login_user(Visitor(token, who))


def _go_on() -> ResponseReturnValue:
    """To where the person wanted to go; with a form that was cut off, ask before it is sent."""
    kept = Kept.of(request.form)
    if kept is not None:
        return render_template("console/resend.html", kept=kept)
    return redirect(local_path(request.form.get("next", "")) or start_page(), 303)


def _ask() -> ResponseReturnValue:
    """Instead of a view that needs somebody: the form, and afterwards back."""
    if request.headers.get(access.LIVE_HEADER) or request.headers.get("HX-Request"):
        # The script says it on the page that stands; what is typed there stays.
        return Response(status=401)
    if request.endpoint == "signin.sign_out":
        return redirect(url_for("signin.show"), 303)
    if request.method == "POST":
        here = local_path(urlsplit(request.referrer or "").path)
        return _form(here, kept=Kept(request.path, _kept_fields(request.form)), ended=True), 401
    return redirect(url_for("signin.show", next=local_path(request.full_path.removesuffix("?"))), 302)


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A form that somebody sent after their session had ended: where to, and what was in it."""

    path: str
    fields: list[tuple[str, str]]
    prefix: str = _KEPT

    @classmethod
    def of(cls, form: MultiDict[str, str]) -> Kept | None:
        """What the sign-in form brought along; None without one, or for an address that takes none."""
        path = local_path(form.get(_KEPT_PATH, ""))
        if not path or not _takes_forms(path):
            return None
        names = [(name, value) for name, value in form.items(multi=True) if name.startswith(_KEPT)]
        return cls(path, [(name.removeprefix(_KEPT), value) for name, value in names])


def _kept_fields(form: MultiDict[str, str]) -> list[tuple[str, str]]:
    fields = [
        (name, value)
        for name, value in form.items(multi=True)
        if not any(word in name.casefold() for word in _NEVER_KEPT)
    ]
    return fields if sum(len(value) for _name, value in fields) <= _MOST_KEPT_CHARS else []


def _takes_forms(path: str) -> bool:
    """Whether a page of the console takes a form at this path."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    try:
        endpoint, _arguments = adapter.match(path, method="POST")
    except (HTTPException, RequestRedirect):
        return False
    return access.role_of(current_app.view_functions[endpoint]) not in {None, ANYONE}


def _form(target: str, *, kept: Kept | None = None, **shown: object) -> str:
    return render_template(
        "console/sign_in.html",
        target=target,
        kept=kept or Kept.of(request.form),
        nobody_yet=accounts.nobody_yet(parts().store),
        **shown,
    )


def local_path(target: str) -> str:
    r"""The target if it is a path of ours, else nothing: browsers take `//host`, `/\host` and `/%09/host` elsewhere."""
    if not target.startswith("/") or target.startswith("//"):
        return ""
    if any(sign in target for sign in "\\\r\n\t\0") or not target.isprintable():
        return ""
    split = urlsplit(target)
    if split.scheme or split.netloc or split.path.startswith(("/sign-in", "/sign-out")):
        return ""
    return target


def start_page() -> str:
    """The first page that there is for this user."""
    entries = navigation.entries()
    return url_for(entries[0].endpoint if entries else "account.index")
