"""One's own account: password, language, time zone, the browsers that are signed in."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from sync.desk import accounts
from sync.desk.accounts import AccountRefused
from sync.desk.phrases import say
from webapp.console import texts
from webapp.console.access import current_actor, needs, signed_in
from webapp.console.present import said
from webapp.parts import parts

blueprint = Blueprint("account", __name__)


def _me() -> accounts.SignedIn:
    who = signed_in()
    assert who is not None
    return who


def _page(error: AccountRefused | None = None, field: str = "") -> ResponseReturnValue:
    who = _me()
    page = render_template(
        "console/account.html",
        who=who,
        sessions=accounts.sessions_of(parts().store, who.user.login),
        error="" if error is None else said(error.phrase),
        field=field,
        least=accounts.MIN_PASSWORD_CHARS,
        zones=accounts.zones(),
        languages=texts.named_languages(),
    )
    return page if error is None else (page, 422)


@blueprint.get("/account")
@needs("viewer")
def index() -> ResponseReturnValue:
    """The page."""
    return _page()


@blueprint.post("/account/password")
@needs("viewer")
def change_password() -> ResponseReturnValue:
    """A new password; every other browser of this user is signed out."""
    form = request.form
    if form.get("new_password") != form.get("again_password"):
        return _page(AccountRefused(say("The new password and its repetition differ.")), "again_password")
    try:
        accounts.change_own_password(
            parts().store, _me(), form.get("old_password", ""), form.get("new_password", ""), actor=current_actor()
        )
    except AccountRefused as error:
        return _page(error, "new_password")
    flash(_("The password is changed. Your other browsers are signed out."))
    return redirect(url_for("account.index"), 303)


@blueprint.post("/account/timezone")
@needs("viewer")
def change_timezone() -> ResponseReturnValue:
    """In which zone times are shown."""
    try:
        accounts.set_timezone(parts().store, _me(), request.form.get("timezone", "").strip(), actor=current_actor())
    except AccountRefused as error:
        return _page(error, "timezone")
    flash(_("The time zone is changed."))
    return redirect(url_for("account.index"), 303)


@blueprint.post("/account/keys")
@needs("viewer")
def change_keys() -> ResponseReturnValue:
    """Whether single keys do something."""
    on = request.form.get("keys") == "on"
    accounts.set_shortcuts(parts().store, _me(), on=on, actor=current_actor())
    flash(_("Single keys are on.") if on else _("Single keys are off."))
    return redirect(url_for("account.index"), 303)


@blueprint.post("/account/language")
@needs("viewer")
def change_language() -> ResponseReturnValue:
    """In which language the console is."""
    language = request.form.get("language", "").strip()
    try:
        accounts.set_language(parts().store, _me(), language, texts.languages(), actor=current_actor())
    except AccountRefused as error:
        return _page(error, "language")
    with force_locale(language or texts.of_browser()):
        flash(_("The language is changed."))
    return redirect(url_for("account.index"), 303)


@blueprint.post("/account/sessions/end")
@needs("viewer")
def end_sessions() -> ResponseReturnValue:
    """Sign out everywhere else."""
    who = _me()
    count = accounts.end_sessions(parts().store, who.user.login, actor=current_actor(), but=who.session.token_hash)
    flash(_("%(count)s other browsers are signed out.", count=count))
    return redirect(url_for("account.index"), 303)
