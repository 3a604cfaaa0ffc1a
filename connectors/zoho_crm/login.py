"""Logging in: data centres, and an access token that all processes share."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from requests import PreparedRequest

from connectors.kit.answers import Response
from connectors.kit.auth import RenewableAuth
from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken, ConnectorError, RateLimited, Transient
from connectors.kit.http import HttpClient
from connectors.kit.tokens import Token, Tokens
from connectors.kit.words import say

#: End of the API's host -> where its accounts are.
DATA_CENTRES: Final[Mapping[str, str]] = {
    "zohoapis.com": "accounts.zoho.com",
    "zohoapis.eu": "accounts.zoho.eu",
    "zohoapis.in": "accounts.zoho.in",
    "zohoapis.com.au": "accounts.zoho.com.au",
    "zohoapis.jp": "accounts.zoho.jp",
    "zohoapis.com.cn": "accounts.zoho.com.cn",
    "zohoapis.sa": "accounts.zoho.sa",
    "zohoapis.ca": "accounts.zohocloud.ca",
}
_TOKEN: Final = "oauth/v2/token"  # noqa: S105 - an address
#: Zoho hands out ten tokens in ten minutes and then none.
_TOO_MANY_S: Final = 600.0
_TOO_MANY: Final = "too many requests"
#: One that was made only now and is refused would be refused again.
_FRESH_S: Final = 120.0
#: Code of the refusal -> what a person must do.
REFUSALS: Final[Mapping[str, str]] = {
    "invalid_code": say("the refresh token was revoked or belongs to another data centre; make a new one"),
    "invalid_client": say("check the client id, and that the client is of the data centre of `url`"),
    "invalid_client_secret": say("check the client secret"),
    "unauthorized_client": say("the client may not do this; make it a self client or a server-based one"),
}


def data_centre(url: str) -> str:
    """`zohoapis.eu`; empty for an address that is none of Zoho's."""
    host = (urlsplit(url).hostname or "").lower()
    found = [end for end in DATA_CENTRES if host == end or host.endswith(f".{end}")]
    return max(found, key=len, default="")


def accounts_url(settings: ConnectorSettings, option: str) -> str:
    """Where tokens are fetched. Raises ConnectionBroken for an address that nobody knows the accounts of."""
    if option:
        return option
    known = DATA_CENTRES.get(data_centre(settings.url))
    if known is None:
        text = say(
            "`url` must be the address of a data centre of Zoho, such as https://www.zohoapis.eu (%(known)s), "
            "or the option `accounts_url` must say where its tokens are fetched",
            known=", ".join(DATA_CENTRES),
        )
        raise ConnectionBroken(text, code="data_centre")
    return f"https://{known}"


class Login(RenewableAuth):
    """`Authorization: Zoho-oauthtoken ...`, not Bearer. Thread-safe."""

    def __init__(
        self,
        settings: ConnectorSettings,
        accounts: HttpClient,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises ConnectionBroken naming what is missing in `auth`."""
        if not (settings.key and settings.secret and settings.refresh_token):
            raise ConnectionBroken(
                say("auth of the connection needs `key` and `secret` of the client, and its `refresh_token`")
            )
        self._settings, self._accounts, self._clock = settings, accounts, clock
        secret = f"{settings.key}\n{settings.secret}\n{settings.refresh_token}"
        self._tokens = Tokens(settings.name, secret, shelf=settings.shelf, clock=clock)
        self._used = threading.local()

    def __call__(self, r: PreparedRequest) -> PreparedRequest:
        """Set the header; fetch a token where nobody has one."""
        self._used.token = token = self._tokens.current(self._fetch)
        r.headers["Authorization"] = f"Zoho-oauthtoken {token.value}"
        return r

    def renew(self) -> bool:
        """Forget the token, unless it was fetched only now: of these there are ten in ten minutes."""
        token: Token | None = getattr(self._used, "token", None)
        if token is None or self._clock() - token.made_at < _FRESH_S:
            return False
        self._tokens.refuse(token)
        return True

    def _fetch(self) -> Token:
        settings = self._settings
        form = {
            "grant_type": "refresh_token",
            "client_id": settings.key,
            "client_secret": settings.secret,
            "refresh_token": settings.refresh_token,
        }
        answer = self._accounts.request(
            "POST",
            _TOKEN,
            data=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            write=False,
        )
        told: Mapping[str, Any] = answer.data if isinstance(answer.data, dict) else {}
        value, lasts = told.get("access_token"), told.get("expires_in")
        if not isinstance(value, str) or not value:
            raise Transient(say("the answer of Zoho's accounts holds no access token"), code="no_token")
        self._at_home(str(told.get("api_domain") or ""))
        now = self._clock()
        return Token(value, now, now + (float(lasts) if isinstance(lasts, int) else 3600.0), "")

    def _at_home(self, domain: str) -> None:
        """Raise ConnectionBroken where the token is of another data centre than the one that we are about to ask."""
        ours, theirs = data_centre(self._settings.url), data_centre(domain)
        if ours and theirs and ours != theirs:
            text = say(
                "the account is in the data centre %(theirs)s; set `url` of the connection to %(domain)s",
                theirs=theirs,
                domain=domain,
            )
            raise ConnectionBroken(text, code="data_centre")


def verdict(response: Response) -> ConnectorError | None:
    """A refusal of the accounts comes with status 200 and `error`, with 400 too."""
    told = response.data if isinstance(response.data, dict) else {}
    error, more = str(told.get("error") or ""), str(told.get("error_description") or "")
    if not error:
        return None
    if _TOO_MANY in more.lower():
        text = say("Zoho gives no more access tokens for ten minutes: %(more)s", more=more)
        return RateLimited(text, retry_after_s=_TOO_MANY_S, code="tokens", status=response.status)
    advice = REFUSALS.get(error, say("see `auth` of the connection"))
    text = say("Zoho's accounts refuse to give an access token (%(error)s); %(advice)s", error=error, advice=advice)
    return ConnectionBroken(text, code="no_token", status=response.status)
