"""Files of orders: brought, looked at, and taken whole or not at all."""

from __future__ import annotations

import re
from typing import Final

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from connectors.csvfiles.reading import DELIMITERS, ENCODINGS
from sync.store.imports import Import, drop_import, list_imports, load_import
from sync.work.importing import MAX_PAGE_BYTES, NotTaken, file_connections, keep_file, look_again, look_at_file
from sync.work.importing import take_kept_file as take_kept
from webapp.console.access import current_actor, may, needs
from webapp.console.csvfile import csv_response
from webapp.console.home import ring_all
from webapp.console.patience import StillAtWork, within
from webapp.console.present import said
from webapp.parts import parts

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

_TOKEN: Final = re.compile(r"[0-9a-f]{32}")
_LISTED: Final = 50
#: Problems that the page lists; the file has all that are kept.
_SHOWN: Final = 50
#: Of a form beside its file.
_FORM_BYTES: Final = 16 * 1024
#: What a form says -> the sign.
_DELIMITERS: Final = {"tab" if sign == "\t" else sign: sign for sign in DELIMITERS}
_STATES: Final = {
    "reading": ("work", "sync", lazy_gettext("Being read")),
    "refused": ("bad", "alert", lazy_gettext("Cannot be read")),
    "taking": ("work", "sync", lazy_gettext("Being taken")),
    "ready": ("wait", "clock", lazy_gettext("Waits for your word")),
    "taken": ("ok", "check", lazy_gettext("Taken")),
}


@blueprint.url_value_preprocessor
def _make_room(endpoint: str | None, _values: dict[str, object] | None) -> None:
    """A file may be larger than a delivery; only of somebody who may bring one is so much read."""
    if endpoint == "imports.upload" and may("operator"):
        request.max_content_length = MAX_PAGE_BYTES + _FORM_BYTES


@blueprint.get("/")
@needs("operator")
def index() -> ResponseReturnValue:
    """The files that were brought of late, and the form for another one."""
    return _index()


@blueprint.post("/")
@needs("operator")
def upload() -> ResponseReturnValue:
    """Keep a file and look at it."""
    file, connection = request.files.get("file"), request.form.get("connection", "")
    if connection not in file_connections(parts().systems):
        return _index(_("Choose whose orders the file has.")), 422
    body = b"" if file is None else file.read()
    if file is None or not body:
        return _index(_("Choose a file that is not empty.")), 422
    token = keep_file(
        parts().store,
        connection,
        file.filename or "",
        body,
        actor=current_actor(),
        encoding=_encoding(),
        delimiter=_sign(),
    )
    return _looked(token)


@blueprint.get("/<token>")
@needs("operator")
def show(token: str) -> ResponseReturnValue:
    """What taking a file would do, or has done."""
    kept = _kept(token)
    return render_template(
        "console/import.html",
        kept=kept,
        report=kept.report,
        bad=(kept.report or {}).get("bad", [])[:_SHOWN],
        encodings=ENCODINGS,
        delimiters=list(_DELIMITERS),
        said_delimiter=next((name for name, sign in _DELIMITERS.items() if sign == kept.delimiter), ""),
        states=_STATES,
    )


@blueprint.get("/<token>/errors.csv")
@needs("operator")
def errors(token: str) -> Response:
    """What is wrong with it, for whoever corrects it."""
    report = _kept(token).report or {}
    header = [_("Line"), _("Order"), _("Column or field"), _("What is wrong"), _("What to do")]
    return csv_response("errors", header, ([said(value) for value in row] for row in _texts(report)))


@blueprint.post("/<token>/look")
@needs("operator")
def look(token: str) -> ResponseReturnValue:
    """Look at a file anew: by other settings, or since a mapping was corrected."""
    if _kept(token).state == "taken":
        flash(_("Its orders are taken already."))
        return redirect(url_for(".show", token=token), 303)
    look_again(parts().store, token, encoding=_encoding(), delimiter=_sign())
    return _looked(token)


@blueprint.post("/<token>/take")
@needs("operator")
def take(token: str) -> ResponseReturnValue:
    """Take what was shown."""
    _kept(token)
    store, systems, actor = parts().store, parts().systems, current_actor()
    seen, only_good = request.form.get("seen", ""), request.form.get("good") == "only"
    try:
        marked = within(lambda: take_kept(store, systems, token, seen=seen, only_good=only_good, actor=actor))
    except StillAtWork:
        flash(_("This takes longer; the page says when it is done."))
    except NotTaken as error:
        flash(_("Nothing was taken: %(why)s.", why=said(error.phrase)))
    else:
        ring_all()
        count = len({key[2] for key in marked})
        flash(ngettext("%(num)s order is taken.", "%(num)s orders are taken.", count))
    return redirect(url_for(".show", token=token), 303)


@blueprint.post("/<token>/drop")
@needs("operator")
def drop(token: str) -> ResponseReturnValue:
    """Forget a file; what was taken of it stays."""
    _kept(token)
    parts().store.write(lambda c: drop_import(c, token))
    flash(_("The file is forgotten."))
    return redirect(url_for(".index"), 303)


def _index(error: str = "") -> str:
    return render_template(
        "console/imports.html",
        files=parts().store.read(lambda c: list_imports(c, limit=_LISTED)),
        connections=file_connections(parts().systems),
        chosen=request.values.get("connection", ""),
        encodings=ENCODINGS,
        delimiters=list(_DELIMITERS),
        states=_STATES,
        most=MAX_PAGE_BYTES,
        error=error,
    )


def _looked(token: str) -> ResponseReturnValue:
    store, systems = parts().store, parts().systems
    try:
        within(lambda: look_at_file(store, systems, token))
    except StillAtWork:
        flash(_("This takes longer; the page says when it is done."))
    return redirect(url_for(".show", token=token), 303)


def _kept(token: str) -> Import:
    kept = parts().store.read(lambda c: load_import(c, token)) if _TOKEN.fullmatch(token) else None
    return kept or abort(404)


def _texts(report: dict[str, list[list[object]]]) -> list[list[str]]:
    return [[value if isinstance(value, str) else str(value) for value in row] for row in report.get("bad", [])]


def _encoding() -> str:
    given = request.form.get("encoding", "")
    return given if given in ENCODINGS else ""


def _sign() -> str:
    return _DELIMITERS.get(request.form.get("delimiter", ""), "")
