"""One shop over GraphQL: who asks, what an answer is, and how much of the bucket it took."""

from __future__ import annotations

import re
import threading
import time
from typing import Any, Final

from requests.auth import AuthBase

from connectors.kit.auth import HeaderKey, SessionLogin
from connectors.kit.base import ConnectorSettings, JsonDict, Throttle
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.shopify import codes
from connectors.shopify.queries import VERSION

_HEADER: Final = "X-Shopify-Access-Token"
_GRAPHQL: Final = f"admin/api/{VERSION}/graphql.json"
_SCOPES: Final = "admin/oauth/access_scopes.json"
_TOKEN: Final = "admin/oauth/access_token"  # noqa: S105 - an address
#: Calls of one connection in flight; what they may cost together the bucket says.
_DEADLINE_S: Final = 60.0
_REMEMBERED_S: Final = 900.0
_TAIL: Final = re.compile(r"/admin(/.*)?$")


class Client:
    """Speaks GraphQL with one shop. Thread-safe."""

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None, dry_run: bool) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        self.url = _TAIL.sub("", settings.url.rstrip("/"))
        self._throttle = throttle
        self._allow_hosts, self._ca_file = settings.allow_hosts, settings.ca_file
        self.http = HttpClient(
            self.url,
            auth=self._auth(settings),
            deadline_s=settings.deadline_s or _DEADLINE_S,
            read_timeout_s=settings.deadline_s or _DEADLINE_S,
            allow_hosts=settings.allow_hosts,
            ca_file=settings.ca_file,
            throttle=throttle,
            dry_run=dry_run,
            classifier=codes.classify,
            verdict=codes.verdict,
            secrets=(settings.key, settings.secret, *settings.webhook_secrets),
        )
        self._lock = threading.Lock()
        self._scopes: tuple[frozenset[str], float] | None = None
        #: By which version the shop answered last; empty until then.
        self.answered_by = ""
        #: `Date` of the newest answer.
        self.date = ""

    def download(self, url: str) -> HttpClient:
        """For files that the shop has put elsewhere: without our credentials. Close it."""
        deadline_s = self.http.deadline_s
        return HttpClient(
            url, deadline_s=deadline_s, read_timeout_s=deadline_s, allow_hosts=self._allow_hosts, ca_file=self._ca_file
        )

    def _auth(self, settings: ConnectorSettings) -> AuthBase:
        """Client credentials where there is an id and a secret; a secret alone is an access token."""
        if settings.auth_method not in {"", "bearer", "session"}:
            text = say("Shopify has no auth method %(method)s", method=repr(settings.auth_method))
            raise ConnectionBroken(text)
        if not settings.secret:
            raise ConnectionBroken(
                say("auth of the connection needs `key` and `secret` of an app, or its access token as `secret` alone")
            )
        if not settings.key or settings.auth_method == "bearer":
            return HeaderKey(_HEADER, settings.secret)
        return SessionLogin(lambda: self._login(settings.key, settings.secret), header=_HEADER)

    def _login(self, client_id: str, secret: str) -> str:
        """A token for a day (grant `client_credentials`); renewed when a call is answered 401."""
        body = {"client_id": client_id, "client_secret": secret, "grant_type": "client_credentials"}
        try:
            answer = self.http.request("POST", _TOKEN, json=body, write=False, anonymous=True)
        except RecordRejected as error:
            text = say(
                "the shop gives no access token (%(error)s); check the client id and secret, and that the app is "
                "installed in this shop",
                error=error,
            )
            raise ConnectionBroken(text, code="no_token", status=error.status) from None
        token = answer.data.get("access_token") if isinstance(answer.data, dict) else None
        if not isinstance(token, str) or not token:
            raise ConnectionBroken(say("the shop's answer holds no access token"), code="no_token")
        return token

    def read(self, document: str, **variables: Any) -> JsonDict:
        """The data of a query. Raises Transient, ConnectionBroken, RecordRejected (a query that it does not take)."""
        return self._ask(document, variables, write=False)

    def write(self, document: str, root: str, *, errors: str = "userErrors", **variables: Any) -> JsonDict:
        """What a mutation answered under `root`. Raises RecordRejected for its user errors, OutcomeUnknown.

        The user errors stand under the name `errors`; with none the caller looks at them.
        """
        payload = self._ask(document, variables, write=True).get(root)
        if not isinstance(payload, dict):
            raise OutcomeUnknown(say("%(root)s was answered with nothing", root=root), code="no_record")
        if errors:
            codes.refused(payload, errors)
        return payload

    def _ask(self, document: str, variables: JsonDict, *, write: bool) -> JsonDict:
        answer = self.http.request("POST", _GRAPHQL, json={"query": document, "variables": variables}, write=write)
        self.answered_by = answer.headers.get("X-Shopify-API-Version", self.answered_by)
        self.date = answer.headers.get("Date", "")
        if self._throttle is not None and codes.runs_dry(answer.data):
            self._throttle.slow_down(codes.pause_s(answer.data))
        data = answer.data.get("data")
        if not isinstance(data, dict):
            kind = OutcomeUnknown if write else Transient
            raise kind(say("%(path)s was answered without data", path=answer.path), code="no_data")
        return data

    def scopes(self) -> frozenset[str]:
        """What the app may do in this shop; asked once in a quarter of an hour."""
        with self._lock:
            if self._scopes is not None and time.monotonic() < self._scopes[1]:
                return self._scopes[0]
        rows = self.http.get(_SCOPES).data
        rows = rows.get("access_scopes") if isinstance(rows, dict) else None
        if not isinstance(rows, list):
            raise Transient(say("the shop does not say which scopes the app has"), code="no_scopes")
        found = frozenset(str(row.get("handle")) for row in rows if isinstance(row, dict))
        with self._lock:
            self._scopes = (found, time.monotonic() + _REMEMBERED_S)
        return found
