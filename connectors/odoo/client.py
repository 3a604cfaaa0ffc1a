"""Odoo's two protocols as calls on models: JSON-2 (19 and newer) and JSON-RPC.

JSON-2 answers with a status, JSON-RPC with HTTP 200 whatever happened; the exception's name says the same in both.
Every call is a transaction of its own: an exception has undone it, whatever the protocol makes of it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.kit.answers import Response
from connectors.kit.auth import Bearer
from connectors.kit.base import ConnectorSettings, JsonDict, Throttle
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.odoo.options import OdooOptions
from connectors.odoo.versions import JSON2, OLDEST, fields_then, path_then, rows_now, specification_then, values_then

#: 50 confirmations in one call take 4 to 8 s on an idle server.
DEFAULT_DEADLINE_S: Final = 90.0

_NOT_FOUND: Final = 404
#: The exceptions of Odoo that say that the document, or what was asked, is wrong.
_REFUSALS: Final = frozenset(
    {
        "odoo.exceptions.UserError",
        "odoo.exceptions.ValidationError",
        "odoo.exceptions.RedirectWarning",
        "odoo.exceptions.MissingError",
        "werkzeug.exceptions.UnprocessableEntity",
        "werkzeug.exceptions.BadRequest",
    }
)
#: Exception -> our name of what is wrong with the connection.
_CODES: Final = {"odoo.exceptions.AccessError": "access", "werkzeug.exceptions.NotFound": "unknown_name"}
#: What the database could not do at that moment; the server has tried five times already.
_BUSY: Final = re.compile(r"^psycopg2\.errors\.(SerializationFailure|LockNotAvailable|DeadlockDetected)")
#: A field that the installation does not have: found before anything is written.
_UNKNOWN_FIELD: Final = re.compile(r"^Invalid field (?:name )?'?([\w.]+)'?")
#: Methods of JSON-RPC whose arguments go by place.
_BY_PLACE: Final[Mapping[str, tuple[str, ...]]] = {"create": ("vals_list",)}


class OdooClient:
    """One database of one server; safe to share between threads."""

    def __init__(
        self,
        settings: ConnectorSettings,
        options: OdooOptions,
        *,
        throttle: Throttle | None = None,
        dry_run: bool = False,
    ) -> None:
        """Raises ConnectionBroken when the key, the login or the address cannot be used."""
        if not settings.key:
            raise ConnectionBroken(say("Odoo needs `auth.key`: an API key of the integration's user"), code="option")
        if options.protocol == "jsonrpc" and not (settings.login and options.database):
            raise ConnectionBroken(
                say("Odoo before 19 needs `auth.login` (whose key it is) and the option `database`"), code="option"
            )
        self.deadline_s = settings.deadline_s or DEFAULT_DEADLINE_S
        self._key, self._login_name = settings.key, settings.login
        self._options = options
        self._lock = threading.Lock()
        self._version: int | None = None
        self._user: int | None = None
        self._company: int | None = None
        common: dict[str, Any] = {
            "deadline_s": self.deadline_s,
            "read_timeout_s": self.deadline_s,
            "allow_hosts": settings.allow_hosts,
            "ca_file": settings.ca_file,
            "throttle": throttle,
            "dry_run": dry_run,
            "secrets": tuple(secret for secret in (settings.key, settings.password) if secret),
        }
        database = {"X-Odoo-Database": options.database} if options.database else {}
        self._json2 = HttpClient(
            settings.url, auth=Bearer(settings.key), headers=database, classifier=_classified, **common
        )
        self._rpc = HttpClient(settings.url, verdict=_verdict, **common)

    def close(self) -> None:
        """Close the connections; the client can be used again afterwards."""
        self._json2.close()
        self._rpc.close()

    def in_company(self, company: int) -> None:
        """From now on every call is made for this company alone."""
        self._company = company

    @property
    def context(self) -> JsonDict:
        """What goes with every call: times are UTC."""
        company = {} if self._company is None else {"allowed_company_ids": [self._company]}
        return {"tz": "UTC", **company}

    def told_version(self) -> tuple[list[Any], Response]:
        """What the server tells everybody of its version, and the answer that said it. Raises Transient, ..."""
        try:
            answer = self._json2.request("GET", "web/version", anonymous=True)
            told = answer.data.get("version_info") if isinstance(answer.data, dict) else None
        except (ConnectionBroken, RecordRejected):
            answer, told = self._older_version()
        if not isinstance(told, list) or not told or not isinstance(told[0], int):
            raise ConnectionBroken(say("there is no Odoo at this address"), code="no_odoo", status=answer.status)
        return told, answer

    def _older_version(self) -> tuple[Response, Any]:
        """As servers before 19 tell it."""
        try:
            answer, told = self._common("version", [])
        except RecordRejected as refusal:
            # Whatever answers there is no Odoo, and will be none for the next document either.
            text = say("there is no Odoo at this address")
            raise ConnectionBroken(text, code="no_odoo", status=refusal.status) from None
        return answer, told.get("server_version_info") if isinstance(told, dict) else None

    @property
    def version(self) -> int:
        """The major version, asked once. Raises Transient, ConnectionBroken."""
        if self._version is None:
            told, _ = self.told_version()
            version = int(told[0])
            if version < OLDEST:
                text = say("Odoo %(version)s is too old: %(oldest)s at least", version=version, oldest=OLDEST)
                raise ConnectionBroken(text, code="version")
            if version < JSON2 and not (self._login_name and self._options.database):
                text = say("Odoo before 19 needs `auth.login` (whose key it is) and the option `database`")
                raise ConnectionBroken(text, code="option")
            self._version = version
        return self._version

    # -- reading ---------------------------------------------------------------------------------------------

    def search(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        order: str = "id",
        limit: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[JsonDict]:
        """Rows with `id` and these fields. Raises Transient, ConnectionBroken."""
        arguments: JsonDict = {
            "domain": self._domain(model, domain),
            "fields": fields_then(model, fields, self.version),
        }
        if limit is not None:
            arguments["limit"] = limit
        rows = self._read(model, "search_read", {**arguments, "order": order}, context=context)
        return rows_now(model, _rows(rows, model), self.version)

    def search_nested(self, model: str, domain: Sequence[Any], specification: Mapping[str, Any]) -> list[JsonDict]:
        """Rows with what is asked of their relations, by id."""
        wanted = specification_then(model, specification, self.version)
        arguments = {"domain": self._domain(model, domain), "specification": wanted, "order": "id"}
        told = self._read(model, "web_search_read", arguments)
        rows = told.get("records") if isinstance(told, dict) else None
        return rows_now(model, _rows(rows, model), self.version)

    def find_ids(self, model: str, domain: Sequence[Any], *, limit: int | None = None) -> list[int]:
        """Ids alone."""
        arguments: JsonDict = {"domain": self._domain(model, domain), "order": "id"}
        if limit is not None:
            arguments["limit"] = limit
        ids = self._read(model, "search", arguments)
        if not isinstance(ids, list) or not all(type(each) is int for each in ids):
            raise Transient(say("%(model)s: not a list of ids", model=model), code="shape")
        return ids

    def external_ids(self, model: str, ids: Sequence[int]) -> dict[int, str]:
        """Id -> its first external id, where it has one; a plain user may ask this of what he may read."""
        if not ids:
            return {}
        told = self._read(model, "get_external_id", {}, ids=list(ids))
        if not isinstance(told, dict):
            raise Transient(say("%(model)s: no external ids", model=model), code="shape")
        return {int(number): name for number, name in told.items() if name}

    def read(self, model: str, method: str, *, ids: Sequence[int] | None = None, **arguments: Any) -> Any:
        """Another method that only reads."""
        return self._read(model, method, arguments, ids=ids)

    # -- writing ---------------------------------------------------------------------------------------------

    def write(
        self,
        model: str,
        method: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        ids: Sequence[int] | None = None,
        context: Mapping[str, Any] | None = None,
        deadline_s: float | None = None,
    ) -> Any:
        """Call a method that changes something. What it answers is no proof. `vals` go by the newest names.

        Raises RecordRejected, OutcomeUnknown, Transient (nothing was kept), ConnectionBroken.
        """
        told = dict(arguments or {})
        if "vals" in told:
            told["vals"] = values_then(model, told["vals"], self.version)
        return self._call(model, method, told, ids, context, write=True, deadline_s=deadline_s)

    def columns(self, model: str, names: Sequence[str]) -> list[str]:
        """The columns of a `load`, as this version calls them."""
        return [path_then(model, name, self.version) for name in names]

    # -- calls -----------------------------------------------------------------------------------------------

    def _domain(self, model: str, domain: Sequence[Any]) -> list[Any]:
        version = self.version
        return [leaf if isinstance(leaf, str) else [path_then(model, leaf[0], version), *leaf[1:]] for leaf in domain]

    def _read(
        self,
        model: str,
        method: str,
        arguments: JsonDict,
        *,
        ids: Sequence[int] | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return self._call(model, method, arguments, ids, context, write=False)
        except RecordRejected as refusal:
            # Our reads are always the same: one that is refused will be refused for every document.
            raise ConnectionBroken(str(refusal), code=refusal.code, status=refusal.status) from None

    def _call(
        self,
        model: str,
        method: str,
        arguments: JsonDict,
        ids: Sequence[int] | None,
        context: Mapping[str, Any] | None,
        *,
        write: bool,
        deadline_s: float | None = None,
    ) -> Any:
        told = {**self.context, **(context or {})}
        if self._speaks_json2():
            body = {**({} if ids is None else {"ids": list(ids)}), **arguments, "context": told}
            path = f"json/2/{model}/{method}"
            return self._json2.request(
                "POST", path, json=body, write=write, repeatable=not write, deadline_s=deadline_s
            ).data
        places = _BY_PLACE.get(method, ())
        by_place = [arguments.pop(name) for name in places]
        args = [*([] if ids is None else [list(ids)]), *by_place]
        params = [
            self._options.database,
            self._logged_in(),
            self._key,
            model,
            method,
            args,
            {**arguments, "context": told},
        ]
        return self._send("object", "execute_kw", params, write=write, deadline_s=deadline_s)

    def _speaks_json2(self) -> bool:
        if self._options.protocol == "auto":
            return self.version >= JSON2
        return self._options.protocol == "json2"

    def _logged_in(self) -> int:
        with self._lock:
            if self._user is None:
                _, user = self._common("authenticate", [self._options.database, self._login_name, self._key, {}])
                if type(user) is not int:
                    # No error, only `false`: a wrong login, key or database.
                    raise ConnectionBroken(
                        say("Odoo does not know the login with this key in the database"), code="login"
                    )
                self._user = user
            return self._user

    def _common(self, method: str, args: Sequence[Any]) -> tuple[Response, Any]:
        answer = self._request("common", method, args, write=False)
        return answer, answer.data.get("result")

    def _send(
        self, service: str, method: str, args: Sequence[Any], *, write: bool, deadline_s: float | None = None
    ) -> Any:
        return self._request(service, method, args, write=write, deadline_s=deadline_s).data["result"]

    def _request(
        self, service: str, method: str, args: Sequence[Any], *, write: bool, deadline_s: float | None = None
    ) -> Response:
        params = {"service": service, "method": method, "args": list(args)}
        body = {"jsonrpc": "2.0", "method": "call", "params": params, "id": 1}
        return self._rpc.request("POST", "jsonrpc", json=body, write=write, repeatable=not write, deadline_s=deadline_s)


def _rows(rows: Any, model: str) -> list[JsonDict]:
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "id" in row for row in rows):
        raise Transient(say("%(model)s: not a list of records", model=model), code="shape")
    return rows


def _classified(response: Response) -> ConnectorError | None:
    """What a JSON-2 answer of 300 and more means; None leaves it to the kit's table."""
    data = response.data
    if not isinstance(data, dict) or not isinstance(data.get("name"), str):
        if response.status == _NOT_FOUND:
            text = say("%(text)s; check the address and the option `database`", text=response)
            return ConnectionBroken(text, code="not_found", status=response.status)
        return None
    return _meant(data["name"], str(data.get("message") or ""), response)


def _verdict(response: Response) -> ConnectorError | None:
    """The same for JSON-RPC, where an error comes with HTTP 200."""
    told = response.data
    if isinstance(told, dict) and isinstance(told.get("error"), dict):
        data = told["error"].get("data")
        if isinstance(data, dict):
            found = _meant(str(data.get("name") or ""), str(data.get("message") or ""), response)
            if found is not None:
                return found
        return _unclear(response)
    if isinstance(told, dict) and "result" in told:
        return None
    return _unclear(response)


def _unclear(response: Response) -> ConnectorError:
    kind = OutcomeUnknown if response.write else Transient
    return kind(say("%(answer)s: neither a result nor an error", answer=response), code="shape", status=response.status)


def _meant(name: str, message: str, response: Response) -> ConnectorError | None:
    status, code = response.status, name.rpartition(".")[2]
    told = message.strip() or str(response)
    broken = {
        "werkzeug.exceptions.Unauthorized": say("Odoo does not accept the key: %(told)s", told=told),
        "odoo.exceptions.AccessDenied": say("Odoo does not accept the key: %(told)s", told=told),
        "odoo.exceptions.AccessError": told,
        "werkzeug.exceptions.NotFound": say("%(told)s; is the module that has it installed?", told=told),
    }
    if name in broken:
        return ConnectionBroken(broken[name], code=_CODES.get(name, code), status=status)
    if name in _REFUSALS:
        return RecordRejected(told, code=code, status=status)
    if _BUSY.match(name):
        return Transient(told, code="busy", status=status)
    if name == "builtins.ValueError" and (found := _UNKNOWN_FIELD.match(told)):
        text = say("Odoo does not know the field %(name)s; is the module that has it installed?", name=found[1])
        if response.write:
            return RecordRejected(text, field=found[1], code="unknown_name", status=status)
        return ConnectionBroken(text, code="unknown_name", status=status)
    return None
