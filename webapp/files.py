"""`/files/<token>?until=&sig=`: a file of a document for whoever was given a signed link to it, until that link ends.

No session and no role: it is a customer who follows the link in the shop. Who has no link learns nothing, not even
whether there is such a file.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Final

import structlog
from flask import Blueprint, Flask, Response, abort, current_app, request, send_file
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from config.settings import Settings
from sync.desk.files import HandedOut, file_by_token
from sync.rules.links import FileLinks, LinkState
from webapp.addresses import customer_network
from webapp.parts import parts

log = structlog.get_logger(__name__)

blueprint = Blueprint("files", __name__)

#: Requests from one address (an IPv6 network of one customer) to one web process. A link cannot be guessed; this keeps
#: somebody who has one from having the same file read from the database all day.
PER_ADDRESS: Final = RateLimitItemPerMinute(60)
_KEY: Final = "crossdock-files"
_ENDED: Final = "This link has ended. Please ask the shop for the document.\n"


class _Gate:
    """What one application checks links with."""

    def __init__(self, settings: Settings) -> None:
        self.links = FileLinks(settings.public_url, settings.signing_key())
        self.limit = MovingWindowRateLimiter(MemoryStorage())


def register(app: Flask, settings: Settings) -> None:
    """Add the route to `app`."""
    app.extensions[_KEY] = _Gate(settings)
    app.register_blueprint(blueprint)


@blueprint.get("/files/<token>")
def show(token: str) -> Response:
    """The file, to be saved."""
    gate: _Gate = current_app.extensions[_KEY]
    if not gate.limit.hit(PER_ADDRESS, customer_network(request.remote_addr or "")):
        log.warning("file_links_throttled")
        abort(429)
    until, signature = request.args.get("until", ""), request.args.get("sig", "")
    state = gate.links.judge(token, until, signature, dt.datetime.now(dt.UTC))
    if state is LinkState.ENDED:
        return Response(_ENDED, 410, content_type="text/plain; charset=utf-8")
    if state is LinkState.WRONG:
        abort(404)
    found = file_by_token(parts().store, token)
    return abort(404) if found is None else attachment(found)


def attachment(file: HandedOut) -> Response:
    """A file that is saved and never shown: it is somebody else's, and would be shown under our address.

    That nothing is run in it, every answer says (`webapp.protection`).
    """
    content = io.BytesIO(file.body)
    answer = send_file(
        content, file.content_type, as_attachment=True, download_name=file.name, conditional=False, etag=False
    )
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
