"""What an answer of the console carries beyond the headers that every answer has."""

from __future__ import annotations

import secrets
from typing import Final

from flask import Response, g

#: Scripts run by the nonce alone, styles come from our own files, and nothing from anywhere else.
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def nonce() -> str:
    """This page's nonce: each has its own."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(16)
    made: str = g.nonce
    return made


def finish(response: Response) -> Response:
    """The policy of a page; what is no page keeps the one that forbids everything."""
    # Browsers must name us to ourselves, or the check of where a form came from has nothing to look at.
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=nonce()))
    return response
