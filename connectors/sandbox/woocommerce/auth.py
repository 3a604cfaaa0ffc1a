"""Who asks: Basic or query-string keys over TLS, OAuth 1.0a (one-legged) over plain HTTP.

TLS is what `X-Forwarded-Proto: https` says, as on the recorded shop behind its proxy. Wrong secret, no key and a
read-only key that writes are all 401; only the code and the message tell them apart (recorded 01-07).
"""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from connectors.sandbox.exchange import Request
from connectors.sandbox.woocommerce.errors import WpError
from connectors.sandbox.woocommerce.settings import ApiKey

_WINDOW_S = 15 * 60
_HASHES = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}
_OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def is_secure(request: Request) -> bool:
    """Whether the shop believes that the request came over TLS."""
    return request.headers.get("x-forwarded-proto", "").lower() == "https"


class Authenticator:
    """Checks requests against the shop's keys; remembers nonces."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self._keys = {key.key: key for key in keys}
        self._nonces: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def authenticate(self, request: Request, now: float) -> ApiKey | None:
        """The key that asks, or None for a visitor. Raises WpError 401 when its secret or signature is wrong."""
        key = self._basic(request) if is_secure(request) else None
        return key or self._oauth(request, now)

    def _basic(self, request: Request) -> ApiKey | None:
        name, secret = _basic_pair(request)
        key = self._keys.get(name)
        if key is None:
            return None
        if not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise _error("Consumer secret is invalid.")
        return key

    def _oauth(self, request: Request, now: float) -> ApiKey | None:
        sent = _oauth_parameters(request)
        given = [name for name in _OAUTH if sent.get(name)]
        if not given:
            return None
        missing = [name for name in _OAUTH if name not in given]
        if missing:
            text = f"Missing OAuth parameter {', '.join(missing)}"
            raise WpError(401, "woocommerce_rest_authentication_missing_parameter", text)
        key = self._keys.get(sent["oauth_consumer_key"])
        if key is None:
            raise _error("Consumer key is invalid.")
        _check_signature(request, sent, key.secret)
        self._check_nonce(key, sent["oauth_timestamp"], sent["oauth_nonce"], now)
        return key

    def _check_nonce(self, key: ApiKey, timestamp: str, nonce: str, now: float) -> None:
        if not timestamp.isdigit() or not now - _WINDOW_S <= int(timestamp) <= now + _WINDOW_S:
            raise _error("Invalid timestamp.")
        with self._lock:
            self._nonces = {known: seen for known, seen in self._nonces.items() if seen > now - _WINDOW_S}
            if (key.key, nonce) in self._nonces:
                raise _error("Invalid nonce - nonce has already been used.")
            self._nonces[key.key, nonce] = float(timestamp)


def check_permission(key: ApiKey | None, method: str) -> None:
    """Raises WpError 401 when the key may not do that; a visitor is refused later, by the route."""
    if key is None:
        return
    if method in _READING and key.permissions == "write":
        raise _error("The API key provided does not have read permissions.")
    if method not in _READING and key.permissions == "read":
        raise _error("The API key provided does not have write permissions.")


def _basic_pair(request: Request) -> tuple[str, str]:
    query = dict(request.query)
    if "consumer_key" in query and "consumer_secret" in query:
        return query["consumer_key"], query["consumer_secret"]
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _oauth_parameters(request: Request) -> dict[str, str]:
    header = request.headers.get("authorization", "")
    if header.lower().startswith("oauth "):
        pairs = (part.strip().partition("=") for part in header[6:].split(","))
        return {name: unquote(value.strip('"')) for name, _, value in pairs}
    return {name: value for name, value in request.query if name.startswith("oauth_")}


def signature(method: str, url: str, parameters: Mapping[str, str], secret: str, hash_name: str) -> str:
    """The OAuth 1.0a signature of a request without a token; `parameters` without `oauth_signature`."""
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in parameters.items())
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method.upper(), quote(url, safe="~"), quote(normal, safe="~")))
    digest = hmac.new(f"{secret}&".encode(), base.encode(), hash_name).digest()
    return base64.b64encode(digest).decode()


def _check_signature(request: Request, sent: Mapping[str, str], secret: str) -> None:
    hash_name = _HASHES.get(sent["oauth_signature_method"])
    if hash_name is None:
        raise _error("Invalid signature - signature method is invalid.")
    url = f"http://{request.headers.get('host', '')}{urlsplit(request.target).path}"
    parameters = {name: value for name, value in {**dict(request.query), **sent}.items() if name != "oauth_signature"}
    if not hmac.compare_digest(signature(request.method, url, parameters, secret, hash_name), sent["oauth_signature"]):
        raise _error("Invalid signature - provided signature does not match.")


def _error(message: str) -> WpError:
    return WpError(401, "woocommerce_rest_authentication_error", message)


def unauthorised(verb: str) -> WpError:
    """What a visitor gets, by what they wanted: `list`, `view`, `create`, `edit`, `delete` or `batch`."""
    messages = {
        "list": ("cannot_view", "Sorry, you cannot list resources."),
        "view": ("cannot_view", "Sorry, you cannot view this resource."),
        "create": ("cannot_create", "Sorry, you are not allowed to create resources."),
        "edit": ("cannot_edit", "Sorry, you are not allowed to edit this resource."),
        "delete": ("cannot_delete", "Sorry, you are not allowed to delete this resource."),
        "batch": ("cannot_batch", "Sorry, you are not allowed to batch manipulate this resource."),
    }
    code, message = messages[verb]
    return WpError(401, f"woocommerce_rest_{code}", message)
