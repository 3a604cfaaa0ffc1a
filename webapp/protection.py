"""What every answer carries and what no answer shows."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

import structlog
from flask import Flask, Response, current_app, got_request_exception, jsonify, request
from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    # At run time there is no such module.
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = structlog.get_logger(__name__)

#: A page that needs more says so in its own answer; these stand where nothing else was said.
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HSTS: Final = "max-age=31536000"
#: What is asked for by machines, and by customers who follow a link: never by somebody who uses the console.
_MACHINES: Final = ("/webhooks/", "/healthz", "/readyz", "/files/", "/api/")
#: Where an application keeps who answers errors in a shape of their own: prefix of the path -> what makes the answer.
_SHAPES: Final = "crossdock-errors"


def protect(app: Flask) -> None:
    """Have every answer of `app`, errors too, carry the security headers, and errors nothing of what came in."""
    # Flask's own log line ends in the exception's text, which may quote a delivery or a statement's parameters.
    app.logger.disabled = True
    got_request_exception.connect(_log_failure, app)
    app.register_error_handler(HTTPException, plain_error)
    app.wsgi_app = _WithHeaders(app.wsgi_app)  # type: ignore[method-assign]  # Flask's documented place for it


def for_machines(path: str) -> bool:
    """Whether this path is asked for by machines: they have no session, and their errors are JSON."""
    return path.startswith(_MACHINES)


def shape_errors(app: Flask, prefix: str, make: Callable[[HTTPException], Response]) -> None:
    """Have `make` answer every error below `prefix`, also where no view was found."""
    app.extensions.setdefault(_SHAPES, {})[prefix] = make


class _WithHeaders:
    """Adds HEADERS where the application did not set them itself.

    As WSGI, below Flask's own request handling: it costs a twentieth of an `after_request`, and no answer gets past it.
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._plain = [(name.lower(), (name, value)) for name, value in HEADERS.items()]
        self._secure = [*self._plain, ("strict-transport-security", ("Strict-Transport-Security", HSTS))]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        wanted = self._secure if environ["wsgi.url_scheme"] == "https" else self._plain

        def start(
            status: str, headers: list[tuple[str, str]], exc_info: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            present = {name.lower() for name, _ in headers}
            headers += [pair for name, pair in wanted if name not in present]
            return start_response(status, headers, exc_info)

        return self._app(environ, start)


def plain_error(error: HTTPException) -> Response | HTTPException:
    """Status and its standard name, never the description: that one may quote the request."""
    if error.code is None or error.code < 400:  # noqa: PLR2004 - redirects are exceptions in werkzeug
        return error
    shapes: dict[str, Callable[[HTTPException], Response]] = current_app.extensions.get(_SHAPES, {})
    for prefix, make in shapes.items():
        if request.path.startswith(prefix):
            return make(error)
    response = jsonify(error=error.name)
    response.status_code = error.code
    original = error.get_response()
    for name in ("Allow", "Retry-After"):
        if name in original.headers:
            response.headers[name] = original.headers[name]
    return response


def _log_failure(_app: Flask, exception: BaseException, **_: object) -> None:
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(exception.__traceback__)
    ]
    log.error("request_failed", endpoint=request.endpoint, error=type(exception).__name__, frames=frames[-12:])
