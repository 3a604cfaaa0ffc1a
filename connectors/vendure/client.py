"""One shop over GraphQL: who asks, and what an answer is."""

from __future__ import annotations

import re
from typing import Any, Final

from requests.auth import AuthBase

from connectors.kit.auth import HeaderKey, RenewableAuth, SessionLogin
from connectors.kit.base import ConnectorSettings, JsonDict, Throttle
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.vendure import codes, queries

_DEADLINE_S: Final = 60.0
_WRITE_DEADLINE_S: Final = 30.0
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Client:
    """Speaks GraphQL with one shop, in one of its channels. Thread-safe."""

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        api_path: str,
        channel_token: str,
        throttle: Throttle | None,
        dry_run: bool,
    ) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        self._path = api_path.strip("/")
        self.url = settings.url.rstrip("/").removesuffix(f"/{self._path}")
        self._auth = self._auth_of(settings)
        deadline_s = settings.deadline_s or _DEADLINE_S
        #: The longest deadline of any of the writes.
        self.write_deadline_s = min(deadline_s, _WRITE_DEADLINE_S)
        self.http = HttpClient(
            self.url,
            auth=self._auth,
            headers={"vendure-token": channel_token} if channel_token else {},
            deadline_s=deadline_s,
            read_timeout_s=deadline_s,
            allow_hosts=settings.allow_hosts,
            ca_file=settings.ca_file,
            throttle=throttle,
            dry_run=dry_run,
            classifier=codes.classify,
            verdict=codes.verdict,
            secrets=(settings.key, settings.secret, settings.password, channel_token),
        )
        #: `Date` of the newest answer.
        self.date = ""

    def _auth_of(self, settings: ConnectorSettings) -> AuthBase:
        """An API key as `secret` alone, or an administrator's login and password."""
        if settings.auth_method not in {"", "bearer", "session"}:
            raise ConnectionBroken(
                say("Vendure has no auth method %(method)s; it knows session", method=repr(settings.auth_method))
            )
        if settings.login and settings.password:
            return SessionLogin(lambda: self._login(settings.login, settings.password))
        if not settings.secret:
            raise ConnectionBroken(
                say(
                    "auth of the connection needs `login` and `password` of an administrator, or an API key as `secret`"
                )
            )
        return HeaderKey("vendure-api-key", settings.secret)

    def _login(self, username: str, password: str) -> str:
        """The Authorization header of a new session. Hashing the password takes the shop half a second."""
        body = {"query": queries.LOGIN, "variables": {"username": username, "password": password}}
        answer = self.http.request("POST", self._path, json=body, write=False, anonymous=True)
        result = (answer.data.get("data") or {}).get("login") or {}
        if result.get("errorCode"):
            text = say("the shop does not let %(login)s in; check `login` and `password`", login=username)
            raise ConnectionBroken(text, code=str(result["errorCode"]), status=200)
        token = answer.headers.get("vendure-auth-token", "")
        if not token:
            text = say(
                "the shop gives no token with its answer; its `authOptions.tokenMethod` must have 'bearer', and the "
                "proxy in front of it must pass the header vendure-auth-token"
            )
            raise ConnectionBroken(text, code="no_token", status=200)
        return f"Bearer {token}"

    def read(self, document: str, **variables: Any) -> JsonDict:
        """The data of a query. Raises Transient, ConnectionBroken, RecordRejected (a query that it does not take)."""
        return self._ask(document, variables, write=False)

    def write(self, document: str, root: str, **variables: Any) -> Any:
        """What a mutation answered under `root`. Raises RecordRejected for a typed error, OutcomeUnknown."""
        result = self._ask(document, variables, write=True).get(root)
        if not isinstance(result, dict | list):
            raise OutcomeUnknown(say("%(root)s was answered with nothing", root=root), code="no_record")
        if isinstance(result, dict):
            codes.refused(result)
        return result

    def _ask(self, document: str, variables: JsonDict, *, write: bool) -> JsonDict:
        try:
            return self._once(document, variables, write=write)
        except ConnectionBroken as error:
            # A session that has ended is answered as a right that is missing: at the door, so nothing was done.
            if error.code != codes.FORBIDDEN or not isinstance(self._auth, RenewableAuth) or not self._auth.renew():
                raise
        return self._once(document, variables, write=write)

    def _once(self, document: str, variables: JsonDict, *, write: bool) -> JsonDict:
        answer = self.http.request(
            "POST",
            self._path,
            json={"query": document, "variables": variables},
            write=write,
            deadline_s=self.write_deadline_s if write else None,
        )
        self.date = answer.headers.get("Date", "")
        data = answer.data.get("data")
        if not isinstance(data, dict):
            kind = OutcomeUnknown if write else Transient
            raise kind(say("%(path)s was answered without data", path=answer.path), code="no_data")
        return data

    def order(self, document: str, order_id: str) -> JsonDict:
        """One order, of which `document` asks by its id. Raises RecordRejected where the shop has it not."""
        found = self.read(document, id=record_id(order_id)).get("order")
        if found is None:
            raise gone(order_id)
        if not isinstance(found, dict) or found.get("id") != order_id:
            raise Transient(say("the shop answered with another order"), code="not_the_orders")
        return found


def gone(order_id: str) -> RecordRejected:
    """The refusal for an order that is not there."""
    return RecordRejected(say("order %(order)s is no longer in the shop", order=order_id), code=codes.GONE)


def record_id(text: str, what: str = "order") -> str:
    """The id of a record as it may stand in a query. Raises RecordRejected for what is none."""
    if _ID.fullmatch(text):
        return text
    msg = say("%(id)s is no Vendure %(what)s id", id=repr(text), what=what)
    raise RecordRejected(msg, field="id")
