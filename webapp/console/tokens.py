"""Tokens of programs that call the JSON API, for admins."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from sync.desk import tokens
from sync.desk.phrases import say
from sync.desk.tokens import SCOPES, TokenRefused
from webapp.console.access import current_actor, needs
from webapp.console.present import said
from webapp.parts import parts

blueprint = Blueprint("tokens", __name__, url_prefix="/tokens")

_MAX_TEXT: Final = 128
#: More digits than any number of days has that a token may be good.
_DIGITS: Final = 8


@blueprint.get("")
@needs("admin")
def index() -> ResponseReturnValue:
    """Every token, and the form for a new one."""
    return _list()


@blueprint.post("")
@needs("admin")
def add() -> ResponseReturnValue:
    """A new token, shown in this answer and nowhere else."""
    form, known = request.form, parts().config.channels
    name = form.get("name", "").strip()[:_MAX_TEXT]
    try:
        made = tokens.make_token(
            parts().store,
            name,
            form.getlist("scope")[: len(SCOPES) + 1],
            actor=current_actor(),
            channels=form.getlist("channel")[: len(known) + 1],
            known=known,
            days=_days(form.get("days", "").strip()),
        )
    except TokenRefused as error:
        return _list(error), 422
    return render_template("console/token.html", name=name, token=made)


@blueprint.post("/<name>/revoke")
@needs("admin")
def revoke(name: str) -> ResponseReturnValue:
    """End it: its next call is refused."""
    try:
        tokens.revoke_token(parts().store, name, actor=current_actor())
    except TokenRefused as error:
        flash(said(error.phrase))
    else:
        flash(_("The token is revoked: its next call is refused."))
    return redirect(url_for(".index"), 303)


def _days(text: str) -> int | None:
    """Raises TokenRefused."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < _DIGITS):
        raise TokenRefused(say("A token is good for 1 to %(most)s days.", most=tokens.MAX_DAYS))
    return int(text)


def _list(error: TokenRefused | None = None) -> str:
    return render_template(
        "console/tokens.html",
        tokens=tokens.list_tokens(parts().store),
        scopes=SCOPES,
        channels=sorted(parts().config.channels),
        given=request.form,
        error="" if error is None else said(error.phrase),
    )
