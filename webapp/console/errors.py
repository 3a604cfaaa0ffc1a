"""Errors as pages for people. Machines get theirs from `webapp.protection`."""

from __future__ import annotations

from typing import Final

import structlog
from flask import Flask, Response, g, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import AnonymousUserMixin
from werkzeug.exceptions import HTTPException, SecurityError, ServiceUnavailable

from sync.store.engine import DatabaseBusy
from webapp.console.pages import finish
from webapp.protection import for_machines, plain_error

log = structlog.get_logger(__name__)

#: Status -> what happened, what to do. Never the exception's own description: that one may quote the request.
_WORDS: Final = {
    400: (
        lazy_gettext("This request was not accepted"),
        lazy_gettext("The form may have been open for too long, or a page of another site has sent it. Go back, "
                     "load the page anew and try again; what you typed is still there."),
    ),
    403: (
        lazy_gettext("You may not do this"),
        lazy_gettext("Your role does not include it. Ask an admin of this installation."),
    ),
    404: (
        lazy_gettext("There is nothing here"),
        lazy_gettext("The address may be mistyped, or what it named is gone. The search finds orders by any number."),
    ),
    405: (
        lazy_gettext("This address is for forms only"),
        lazy_gettext("Go back and use the button of the page."),
    ),
    413: (
        lazy_gettext("This is too large"),
        lazy_gettext("Send less at once. An admin can raise the limit (CROSSDOCK_MAX_BODY_KIB)."),
    ),
    429: (
        lazy_gettext("Too many tries"),
        lazy_gettext("Wait a moment, then try again."),
    ),
    500: (
        lazy_gettext("Something is wrong with Crossdock itself"),
        lazy_gettext("Orders are safe: nothing that runs depends on this page. The log has the details under "
                     "request_failed. Try again; if it stays, report it."),
    ),
    503: (
        lazy_gettext("The database is busy or away"),
        lazy_gettext("Nothing was changed. Try again in a moment; if it stays, look at the database and its disk."),
    ),
}  # fmt: skip


def register(app: Flask) -> None:
    """Answer browsers with pages."""
    app.register_error_handler(HTTPException, _answer)
    app.register_error_handler(DatabaseBusy, _busy)


def _answer(error: HTTPException) -> Response | HTTPException:
    plain = plain_error(error)
    # A host that we do not answer for gets no page: nothing may be built from its name.
    readable = request.accept_mimetypes.accept_html and not for_machines(request.path)
    if isinstance(plain, HTTPException) or isinstance(error, SecurityError) or not readable:
        return plain
    page = make_response(render_template("console/error.html", **_shown(plain.status_code)), plain.status_code)
    for name in ("Allow", "Retry-After"):
        if name in plain.headers:
            page.headers[name] = plain.headers[name]
    return finish(page)


def _busy(_error: DatabaseBusy) -> Response | HTTPException:
    log.warning("page_without_database", endpoint=request.endpoint)
    # Who is there could not be found out; the page must not ask again.
    g._login_user = AnonymousUserMixin()  # noqa: SLF001 - where Flask-Login keeps it
    return _answer(ServiceUnavailable(retry_after=5))


def _shown(status: int) -> dict[str, object]:
    fallback = 500 if status >= 500 else 400  # noqa: PLR2004 - the classes of HTTP
    title, advice = _WORDS.get(status, _WORDS[fallback])
    needed = _("This needs the role %(role)s.", role=g.missing_role) if "missing_role" in g else ""
    # After a failure nothing more is asked of the database than has been asked already.
    return {"status": status, "heading": title, "advice": advice, "needed": needed, "bare": status >= 500}  # noqa: PLR2004
