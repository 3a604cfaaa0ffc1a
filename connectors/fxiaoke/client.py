"""One company's CRM over its Open API: who asks, what an answer is, and lists of any length."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.fxiaoke import codes
from connectors.fxiaoke.auth import Granted, InBody, InHeaders, token_of, trace_id
from connectors.fxiaoke.tenant import MAX_PER_PAGE, Tenant
from connectors.kit.base import ConnectorSettings, JsonDict, Throttle
from connectors.kit.errors import ConnectionBroken, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import HttpClient
from connectors.kit.throttle import ConnectionThrottle
from connectors.kit.tokens import Token
from connectors.kit.words import say

#: 100 calls in 20 seconds, for each interface by itself; as a rate that is 99 in 20 seconds, and not 5 in each.
RATE_PER_S: Final = 4.95
_DEADLINE_S: Final = 30.0
#: What a company has made itself ends so.
_CUSTOM: Final = "__c"

Filter = tuple[str, str, Sequence[str]]


class Client:
    """Speaks with one company's CRM. Thread-safe."""

    def __init__(
        self, settings: ConnectorSettings, tenant: Tenant, *, throttle: Throttle | None, dry_run: bool
    ) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        if settings.auth_method not in {"", "bearer", "session"}:
            text = say("Fxiaoke has no auth method %(method)s", method=repr(settings.auth_method))
            raise ConnectionBroken(text)
        if not all((settings.key, settings.secret, settings.password, settings.login)):
            raise ConnectionBroken(
                say(
                    "auth of the connection needs `key` (appId), `secret` (appSecret), `password` (permanentCode) and "
                    "`login` (the employee for whom calls are made)"
                )
            )
        self._settings, self._tenant = settings, tenant
        legacy = settings.auth_method == "session"
        self.auth: Granted = InBody(settings, self._granted_legacy) if legacy else InHeaders(settings, self._granted)
        self.http = HttpClient(
            settings.url,
            auth=self.auth,
            deadline_s=settings.deadline_s or _DEADLINE_S,
            read_timeout_s=settings.deadline_s or _DEADLINE_S,
            allow_hosts=settings.allow_hosts,
            ca_file=settings.ca_file,
            throttle=throttle,
            dry_run=dry_run,
            verdict=codes.verdict,
            secrets=(settings.key, settings.secret, settings.password),
        )
        self._lock = threading.Lock()
        self._paces: dict[str, ConnectionThrottle] = {}
        #: `Date` of the newest answer.
        self.date = ""

    # -- tokens ----------------------------------------------------------------------------------------------

    def _granted(self) -> Token:
        return self._token(codes.TOKEN_PATHS[0], {"grantType": "app_secret"}, "accessToken", "ea")

    def _granted_legacy(self) -> Token:
        token = self._token(codes.TOKEN_PATHS[1], {}, "corpAccessToken", "corpId")
        company, _, user = token.address.partition(" ")
        if user.startswith("FSUID_"):
            return token
        who = {"corpAccessToken": token.value, "corpId": company, "mobile": user}
        found = self._anonymous("/cgi/user/getByMobile", who).get("empList")
        users = [each.get("openUserId") for each in found if isinstance(each, dict)] if isinstance(found, list) else []
        if not users or not isinstance(users[0], str):
            text = say(
                "`login` of auth is neither an FSUID_ of this app nor the mobile number of an employee: %(login)s",
                login=user,
            )
            raise ConnectionBroken(text, code="no_user")
        return dataclasses.replace(token, address=f"{company} {users[0]}")

    def _anonymous(self, path: str, body: JsonDict) -> JsonDict:
        """Once: calls for tokens are counted, and each needs a trace id of its own."""
        answer = self.http.request(
            "POST",
            path,
            params={"thirdTraceId": trace_id()},
            json=body,
            write=False,
            repeatable=False,
            anonymous=True,
        )
        data: JsonDict = answer.data
        return data

    def _token(self, path: str, more: JsonDict, name: str, company: str) -> Token:
        settings = self._settings
        asked = {"appId": settings.key, "appSecret": settings.secret, "permanentCode": settings.password}
        data = self._anonymous(path, asked | more)
        value, owner, life = data.get(name), data.get(company), data.get("expiresIn")
        if not isinstance(value, str) or not value or not isinstance(owner, str):
            raise ConnectionBroken(say("Fxiaoke's answer holds no access token"), code="no_token")
        life_s = float(life) if type(life) is int else 0.0
        return token_of(value, company=owner, user=settings.login, life_s=life_s, now=self.auth.now())

    # -- calls -----------------------------------------------------------------------------------------------

    def read(self, path: str, body: JsonDict) -> JsonDict:
        """The answer to a question. Raises Transient, ConnectionBroken, RecordRejected."""
        return self._call(path, body, write=False)

    def write(self, path: str, body: JsonDict) -> JsonDict:
        """The answer to a write, sent once. Raises RecordRejected, OutcomeUnknown and what `read` raises."""
        triggers = {"triggerApprovalFlow": False, "triggerWorkFlow": self._tenant.trigger_workflow}
        return self._call(path, body | triggers, write=True)

    def _call(self, path: str, body: JsonDict, *, write: bool) -> JsonDict:
        # Said in every call: the two schemes have different ideas of what is meant where nobody says it.
        sent = {"convertUserId": False, "convertMediaId": False, **body}
        self._pace(path).wait(self.http.deadline_s)
        answer = self.http.request("POST", path, json=sent, write=write)
        self.date = answer.headers.get("Date", "")
        data: JsonDict = answer.data
        return data

    def _pace(self, path: str) -> ConnectionThrottle:
        with self._lock:
            return self._paces.setdefault(path, ConnectionThrottle(f"{self._settings.name}{path}", RATE_PER_S))

    # -- lists -----------------------------------------------------------------------------------------------

    def rows(
        self,
        name: str,
        filters: Iterable[Filter],
        order_by: str,
        *,
        limit: int = MAX_PER_PAGE,
        fields: Sequence[str] = (),
    ) -> list[JsonDict]:
        """The first page of an object's records, sorted ascending. Raises Transient for what is no list."""
        search: JsonDict = {
            "limit": limit,
            "offset": 0,
            "filters": [
                {"field_name": field, "field_values": list(values), "operator": operator}
                for field, operator, values in filters
            ],
            "orders": [{"fieldName": order_by, "isAsc": True}],
        }
        if fields:
            search["fieldProjection"] = list(fields)
        data = {"dataObjectApiName": name, "find_explicit_total_num": False, "search_query_info": search}
        return _records(self.read(_path(name, "query"), {"data": data}))

    def walk(
        self, name: str, filters: Sequence[Filter], *, fields: Sequence[str] = (), limit: int = MAX_PER_PAGE
    ) -> Iterator[list[JsonDict]]:
        """Every record, by `_id`: an offset ends at 10,000, and shifts when something changes meanwhile."""
        last: list[Filter] = []
        while True:
            rows = self.rows(name, [*filters, *last], "_id", limit=limit, fields=fields)
            if rows and last and min(str(row["_id"]) for row in rows) <= last[0][2][0]:
                raise Transient(say("the list holds records that were not asked for"), code="old_rows")
            yield rows
            if len(rows) < limit:
                return
            last = [("_id", "GT", [str(rows[-1]["_id"])])]

    def by_ids(self, name: str, field: str, ids: Iterable[str], *, fields: Sequence[str] = ()) -> list[JsonDict]:
        """Every record whose field is one of the ids."""
        wanted = list(dict.fromkeys(ids))
        found: list[JsonDict] = []
        for start in range(0, len(wanted), self._tenant.ids_per_call):
            some = wanted[start : start + self._tenant.ids_per_call]
            for rows in self.walk(name, [(field, "IN", some)], fields=fields):
                found += rows
        return found

    # -- records ---------------------------------------------------------------------------------------------

    def create(self, name: str, record: Mapping[str, Any]) -> str:
        """The id of a new record: one more, whatever there is."""
        data = {"object_data": {"dataObjectApiName": name, **record}}
        answer = self.write(_path(name, "create"), {"data": data})
        found = answer.get("dataId")
        if not isinstance(found, str):
            inside = answer.get("data")
            found = inside.get("dataId") if isinstance(inside, dict) else None
        if not isinstance(found, str) or not found:
            raise OutcomeUnknown(say("%(what)s was written, and the answer holds no id", what=name), code="no_record")
        return found

    def update(self, name: str, record_id: str, values: Mapping[str, Any]) -> None:
        """Write some fields of a record."""
        data = {"object_data": {"dataObjectApiName": name, "_id": record_id, **values}}
        self.write(_path(name, "update"), {"data": data})

    def describe(self, name: str) -> JsonDict:
        """Field -> its description. Raises RecordRejected for an object that the company does not have."""
        answer = self.read("/cgi/crm/v2/object/describe", {"includeDetail": True, "data": {"apiName": name}})
        data = answer.get("data")
        described = data.get("describe", data) if isinstance(data, dict) else {}
        fields = described.get("fields") if isinstance(described, dict) else None
        if not isinstance(fields, dict):
            raise RecordRejected(say("Fxiaoke does not say which fields %(name)s has", name=name), code="no_describe")
        return fields

    def close(self) -> None:
        """Close the connections."""
        self.http.close()


def _path(name: str, verb: str) -> str:
    """Objects that a company has made itself have interfaces of their own."""
    return f"/cgi/crm/{'custom/' if name.endswith(_CUSTOM) else ''}v2/data/{verb}"


def _records(answer: JsonDict) -> list[JsonDict]:
    """The records of a list, in each of the three places where interfaces have them."""
    data = answer.get("data")
    found: Any = answer.get("dataList")
    if isinstance(data, dict):
        found = data.get("dataList", [data] if "_id" in data else found)
    if not isinstance(found, list) or not all(
        isinstance(row, dict) and isinstance(row.get("_id"), str) for row in found
    ):
        raise Transient(say("Fxiaoke answered with something that is no list of records"), code="not_a_list")
    return found
