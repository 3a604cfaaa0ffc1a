"""How a request says who sends it: one `requests` AuthBase class per scheme."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from requests import PreparedRequest
from requests.auth import AuthBase

from connectors.kit.answers import Response

_UNAUTHORIZED = 401


class Basic(AuthBase):
    """HTTP Basic, RFC 7617. In UTF-8, where `requests` would take Latin-1."""

    def __init__(self, username: str, password: str) -> None:
        self._header = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Set the header."""
        r.headers["Authorization"] = self._header
        return r


class HeaderKey(AuthBase):
    """A fixed value in one header: `HeaderKey("Authorization", "Bearer abc")`, `HeaderKey("X-Api-Key", "abc")`."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Set the header."""
        r.headers[self._name] = self._value
        return r


class Bearer(HeaderKey):
    """A bearer token, RFC 6750."""

    def __init__(self, token: str) -> None:
        super().__init__("Authorization", f"Bearer {token}")


class QueryKeys(AuthBase):
    """Keys in the query, for hosts that strip the Authorization header. Only over TLS: the query is in every log."""

    def __init__(self, **keys: str) -> None:
        self._keys = keys

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Append the keys to the query."""
        r.url = _with_query(r.url or "", list(self._keys.items()))
        return r


class OAuth1(AuthBase):
    """One-legged OAuth 1.0a (RFC 5849) with HMAC-SHA256 and no token; the parameters travel in the query.

    Every request is signed with a nonce of its own, so a request that is sent again must be prepared again.
    """

    def __init__(
        self,
        consumer_key: str,
        consumer_secret: str,
        *,
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._key, self._secret = consumer_key, consumer_secret
        self._clock, self._nonce = clock, nonce

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Sign method, address and query. A JSON body is no part of the signature (RFC 5849, 3.4.1.3.1)."""
        url = _with_query(
            r.url or "",
            [
                ("oauth_consumer_key", self._key),
                ("oauth_nonce", self._nonce()),
                ("oauth_signature_method", "HMAC-SHA256"),
                ("oauth_timestamp", str(int(self._clock()))),
            ],
        )
        base = oauth1_base_string(r.method or "GET", url)
        digest = hmac.new(f"{_escape(self._secret)}&".encode(), base.encode(), hashlib.sha256).digest()
        r.url = _with_query(url, [("oauth_signature", base64.b64encode(digest).decode("ascii"))])
        return r


def oauth1_base_string(method: str, url: str) -> str:
    """What is signed: method, address without query, and all query parameters but the signature, sorted (3.4.1)."""
    parts = urlsplit(url)
    # The default port is no part of the address that is signed (3.4.1.2).
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "") + ("" if parts.port in {None, default} else f":{parts.port}")
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=False)
    escaped = sorted((_escape(name), _escape(value)) for name, value in pairs if name != "oauth_signature")
    query = "&".join(f"{name}={value}" for name, value in escaped)
    return "&".join((method.upper(), _escape(f"{parts.scheme}://{host}{parts.path}"), _escape(query)))


class RenewableAuth(AuthBase, ABC):
    """Credentials that can run out; the client renews them once when an answer says that they did."""

    def ran_out(self, response: Response) -> bool:
        """Whether the answer refuses the credentials at the door; systems that answer 200 say it by their own code."""
        return response.status == _UNAUTHORIZED

    @abstractmethod
    def renew(self) -> bool:
        """Make the next request use fresh credentials; False when there is nothing to renew.

        Raises what the login raises (ConnectionBroken for a wrong password, Transient ...).
        """


class SessionLogin(RenewableAuth):
    """A login that is made when it is first needed, shared by all threads, and renewed after a 401.

    `login` makes the call (through the same HttpClient, with `anonymous=True` and `write=False`) and returns the
    value of the Authorization header.
    """

    def __init__(self, login: Callable[[], str], *, header: str = "Authorization") -> None:
        self._login, self._header = login, header
        self._lock = threading.Lock()
        self._value: str | None = None
        self._used = threading.local()

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Set the header; log in first when there is no session yet."""
        with self._lock:
            if self._value is None:
                self._value = self._login()
            value = self._value
        self._used.value = value
        r.headers[self._header] = value
        return r

    def renew(self) -> bool:
        """Forget the session that this thread used last; another thread may have renewed it already."""
        with self._lock:
            if self._value == getattr(self._used, "value", None):
                self._value = None
        return True


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    parts = urlsplit(url)
    more = urlencode(pairs, quote_via=quote, safe="")
    return urlunsplit(parts._replace(query=f"{parts.query}&{more}" if parts.query else more))


def _escape(text: str) -> str:
    """Percent-encoding of RFC 5849, 3.6: everything but letters, digits and `-._~`."""
    return quote(text, safe="-._~")
