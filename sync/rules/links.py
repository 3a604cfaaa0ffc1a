"""Signed links to files that end some day: whoever has one may fetch that file until then, and nothing else."""

from __future__ import annotations

import base64
import datetime as dt
import enum
import hashlib
import hmac
import json
from urllib.parse import urlencode

from config.model import Secret

#: What the key is used for, so that no signature of another kind is ever one of these.
_PURPOSE = b"crossdock file link 1"
_NAMES = b"crossdock file name 1"


class LinkState(enum.Enum):
    """What a link that came back is; only the holder of a link that was good learns that it has ended."""

    GOOD = enum.auto()
    ENDED = enum.auto()
    WRONG = enum.auto()


class FileLinks:
    """Makes and checks links to `/files/<token>` of one installation. The same file and day give the same link."""

    def __init__(self, public_url: str, key: Secret) -> None:
        """`public_url` empty: nobody can reach us from outside, so there are no links."""
        self._public_url = public_url.rstrip("/")
        self._key = hmac.digest(key.reveal().encode(), _PURPOSE, "sha256")
        self._names = hmac.digest(key.reveal().encode(), _NAMES, "sha256")

    def token(self, *what: str) -> str:
        """The name of a file in links, which nobody can guess, made from what it is the file of.

        So a database that is restored from before the file was kept gives it the same name again, and the link that a
        customer has goes on working.
        """
        named = hmac.digest(self._names, json.dumps(what).encode(), "sha256")
        return base64.urlsafe_b64encode(named).rstrip(b"=").decode()

    def link(self, token: str, until: dt.datetime) -> str:
        """The address; empty where nobody could follow it."""
        if not self._public_url:
            return ""
        moment = int(until.timestamp())
        return f"{self._public_url}/files/{token}?{urlencode({'until': moment, 'sig': self._sign(token, moment)})}"

    def link_from(self, token: str, day: dt.date | None, days: int) -> str:
        """The address, for so many days from a document's own day on: the same however often it is told."""
        begin = day or dt.datetime.now(dt.UTC).date()
        return self.link(token, dt.datetime.combine(begin, dt.time(), dt.UTC) + dt.timedelta(days=days))

    def judge(self, token: str, until: str, signature: str, now: dt.datetime) -> LinkState:
        """What a link that came back is."""
        if not (until.isascii() and until.isdecimal()) or len(until) > 12:  # noqa: PLR2004 - a time in seconds
            return LinkState.WRONG
        signed = hmac.compare_digest(self._sign(token, int(until)).encode(), signature.encode("utf-8", "replace"))
        if not signed:
            return LinkState.WRONG
        return LinkState.GOOD if now.timestamp() < int(until) else LinkState.ENDED

    def _sign(self, token: str, moment: int) -> str:
        return hmac.new(self._key, f"{token}\n{moment}".encode(), hashlib.sha256).hexdigest()
