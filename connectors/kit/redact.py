"""What a request or answer may show: secrets are taken out before anything is kept, raised or logged."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit

from connectors.kit.words import Phrase

MASK = "***"

#: Shorter values would blank out half of a page and protect nothing.
_SHORTEST_SECRET = 4

#: Parts of names whose value is secret, wherever they stand: headers, query, forms, JSON.
_WORDS = (
    "authorization",
    "cookie",
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "access-key",
    "consumer_key",
    "private_key",
    "credential",
    "signature",
    "session",
    "oauth_",
)
_NAME = "|".join(map(re.escape, _WORDS))
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
#: `"access_token": "..."`; the closing quote may have been cut off, numbers and lists are left alone.
_JSON_FIELD = re.compile(rf'("[^"\\]{{0,60}}(?:{_NAME})[^"\\]{{0,60}}"\s*:\s*")(?:[^"\\]|\\.)*("?)', re.IGNORECASE)
#: `consumer_secret=...` in a query, a form or an error text.
_FORM_FIELD = re.compile(rf"(\b[\w.\[\]-]*(?:{_NAME})[\w.\[\]-]*=)[^&\s\"'<>]+", re.IGNORECASE)
#: `https://user:password@host`.
_USERINFO = re.compile(r"(\w+://)[^/\s@\"']+@")


class Redactor:
    """Takes out the values of telling names and every form in which the known secrets travel."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` are this connection's own: keys, passwords, tokens, in any combination."""
        forms: set[str] = set()
        known = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        for secret in known:
            forms |= {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
            forms |= {json.dumps(secret, ensure_ascii=False)[1:-1]}
            forms |= {base64.b64encode(f"{first}:{secret}".encode()).decode() for first in known}
        # The longest first: one secret can be the beginning of another.
        ordered = sorted(forms, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._longest = len(ordered[0]) if ordered else 0

    def text(self, text: str) -> str:
        """The text with every secret replaced by `***`; a phrase stays one where its values alone hold them."""
        redacted = self._plain(text)
        if isinstance(text, Phrase):
            phrase = text.mapped(self._plain)
            return phrase if phrase == redacted else redacted
        return redacted

    def _plain(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub(MASK, text)
        if "://" in text:
            text = _USERINFO.sub(rf"\1{MASK}@", text)
        # Looking for a few words is far cheaper than letting the patterns try every position of a large body.
        lowered = text.lower()
        if any(map(lowered.__contains__, _WORDS)):
            text = _JSON_FIELD.sub(rf"\g<1>{MASK}\g<2>", text)
            text = _FORM_FIELD.sub(rf"\g<1>{MASK}", text)
        return text

    def body(self, body: bytes | str | None, limit: int) -> str:
        """At most about `limit` characters of a body, redacted, with a note of what was cut off."""
        if not body:
            return ""
        # Cut first, so that a large body costs no more than what is kept; then drop what may be half a secret.
        margin = self._longest
        piece = body[: (limit + margin) * (4 if isinstance(body, bytes) else 1)]
        text = piece.decode("utf-8", errors="replace") if isinstance(piece, bytes) else piece
        whole = len(piece) == len(body) and len(text) <= limit
        shown = self.text(text[: limit + margin])
        if whole:
            return shown
        return f"{shown[: max(0, len(shown) - margin)]}... ({len(body)} {_unit(body)} in all)"

    def headers(self, headers: Mapping[str, str | bytes]) -> dict[str, str]:
        """The headers with the values of telling names masked."""
        shown = {
            str(name): MASK
            if _is_telling(str(name))
            else value.decode("latin-1")
            if isinstance(value, bytes)
            else value
            for name, value in headers.items()
        }
        # Headers seldom hold more than that, and one look at all of them costs as much as one at each. No pattern
        # needs the beginning or the end of a text, so what it finds in one value it finds in the lines of all.
        together = "\n".join(shown.values())
        if self.text(together) == together:
            return shown
        return {name: self.text(value) for name, value in shown.items()}

    def url(self, url: str) -> str:
        """The address without credentials; secret query values are masked."""
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, self.text(parts.query), ""))


@functools.lru_cache(maxsize=500)
def _is_telling(name: str) -> bool:
    """Whether the values of a header of this name are secret. There are few names, and no secret is in them."""
    return _SECRET_NAME.search(name) is not None


def _unit(body: bytes | str) -> str:
    return "bytes" if isinstance(body, bytes) else "characters"
