"""An answer of another system, and the default table from its status to our error taxonomy.

The table knows HTTP, not the vendor. A connector passes a classifier of its own, which goes first and decides by the
vendor's error codes; what it leaves open (None) is decided here.
"""

from __future__ import annotations

import dataclasses
import html
import http
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from connectors.kit.errors import (
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.retry_after import asked_s, retry_after_s
from connectors.kit.words import joined, say


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A complete answer, whatever its status."""

    method: str
    #: The path without the query: enough to know the call by, and never secret.
    path: str
    #: Whether the request may have changed something over there.
    write: bool
    status: int
    #: Names are compared without regard to case.
    headers: Mapping[str, str]
    body: bytes
    #: The parsed JSON (fractions are Decimal); None when the body is not JSON.
    data: Any = None
    #: How often this call was tried, this time included.
    attempt: int = 1

    @property
    def code(self) -> str:
        """The vendor's own code of an error, where the answer has it in the usual place; else empty."""
        code = self.data.get("code") if isinstance(self.data, dict) else None
        return code if isinstance(code, str) else ""

    def excerpt(self) -> str:
        """What the answer says, in one line: the vendor's message, a page's title, or the beginning of the text."""
        if isinstance(self.data, dict):
            told = [self.data.get(name) for name in ("code", "error", "message", "error_description")]
            texts = [text for text in told if isinstance(text, str) and text]
            if texts:
                return ": ".join(texts)[:_EXCERPT]
        text = self.body[: 4 * _EXCERPT].decode("utf-8", errors="replace")
        title = _TITLE.search(text)
        return " ".join(html.unescape(title[1] if title else _TAG.sub(" ", text)).split())[:_EXCERPT]

    def __str__(self) -> str:
        """`POST /orders was answered 422 Unprocessable Entity: name is missing`."""
        try:
            phrase = f"{self.status} {http.HTTPStatus(self.status).phrase}"
        except ValueError:
            phrase = str(self.status)
        excerpt = self.excerpt()
        text = say("%(call)s was answered %(status)s", call=f"{self.method} {self.path}", status=phrase)
        return joined(": ", (text, excerpt)) if excerpt else text


#: The connector's own table; None leaves the answer to `classify`. It sees answers with a status of 300 and more.
Classifier = Callable[[Response], ConnectorError | None]

_EXCERPT = 500
_TITLE = re.compile(r"<title>\s*(.+?)\s*</title>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>?")

#: What is refused at the door, before anything of the request was acted on.
_AT_THE_DOOR: dict[int, type[ConnectorError]] = {
    401: ConnectionBroken,
    403: ConnectionBroken,
    407: ConnectionBroken,
    421: Transient,
    425: Transient,
}
#: A redirect that repeats the method. 302 and 303 may also be the way to say "done, look over there".
_MOVED = frozenset({301, 307, 308})
_CLIENT_ERROR = 400
#: The one 4xx that a gateway may send when the system behind it is still at work.
_REQUEST_TIMEOUT = 408
_TOO_MANY = 429
_SERVER_ERROR = 500
_UNAVAILABLE = 503


def classify(response: Response) -> ConnectorError:
    """The default: what an answer with a status of 300 and more means for the one who asked."""
    status, text, code = response.status, str(response), response.code
    if status < _CLIENT_ERROR:
        return _redirect(response)
    asked_to_wait = status == _UNAVAILABLE and not response.write and retry_after_s(response.headers) is not None
    if status == _TOO_MANY or asked_to_wait:
        return asked_to_slow_down(response, code)
    if (kind := _AT_THE_DOOR.get(status)) is not None:
        return kind(text, code=code, status=status)
    if status < _SERVER_ERROR and status != _REQUEST_TIMEOUT:
        return RecordRejected(text, code=code, status=status)
    return (OutcomeUnknown if response.write else Transient)(text, code=code, status=status)


def asked_to_slow_down(response: Response, code: str) -> RateLimited:
    """For as long as `Retry-After` says, within our bounds; without one, exponential with full jitter, from 1 s on."""
    told = retry_after_s(response.headers)
    pause_s = told if told is not None else random.uniform(1.0, 2.0 ** (response.attempt + 1))  # noqa: S311  # no secret
    named_s = asked_s(response.headers)
    return RateLimited(str(response), retry_after_s=pause_s, asked_s=named_s, code=code, status=response.status)


def _redirect(response: Response) -> ConnectorError:
    """Redirects are never followed: tokens in headers of our own would travel to the other host."""
    target = response.headers.get("Location", "nowhere")
    text = say(
        "%(response)s and sent on to %(target)s; correct the address of the connection",
        response=response,
        target=target,
    )
    if response.write and response.status not in _MOVED:
        return OutcomeUnknown(text, code="redirect", status=response.status)
    return ConnectionBroken(text, code="redirect", status=response.status)
