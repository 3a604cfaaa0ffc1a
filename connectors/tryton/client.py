"""Tryton's two protocols (trytond 8: protocols/rest.py, protocols/dispatcher.py), as calls on models.

REST takes an application key and does almost everything. JSON-RPC takes a login and does what REST cannot: press a
button for a list of records. Business errors carry a translated text and no code: HTTP 400 in REST, an `error` list
in JSON-RPC. So what a refusal means is decided by the call that was refused and by reading the state back.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from connectors.kit.answers import Response
from connectors.kit.auth import Bearer, SessionLogin
from connectors.kit.base import ConnectorSettings, JsonDict, Throttle
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import HttpClient
from connectors.kit.words import say
from connectors.tryton import typed

#: A confirm of 25 sales takes 3 to 6 s on an idle server, and several times that on a busy one.
DEFAULT_DEADLINE_S: Final = 60.0

_BAD_REQUEST, _NOT_FOUND, _SERVER_ERROR, _UNAVAILABLE = 400, 404, 500, 503
#: So often a read has to be refused before it is the connection's fault; fewer than the kit's attempts.
_READS: Final = 3
#: The server's own page for a row that another transaction holds (a strict number series, a database in one file).
_LOCKED: Final = re.compile(
    rb"<h1>Service Unavailable</h1>\s*<p>(?:could not obtain lock on row|database is locked)", re.ASCII
)
#: The server's own page for a KeyError, e.g. `'shipment_cost_method'`: it does not know a field or model that we named.
_UNKNOWN_NAME: Final = re.compile(rb"<h1>Internal Server Error</h1>\s*<p>&#39;([^<]*)&#39;</p>")


class TrytonClient:
    """One database of one server; safe to share between threads."""

    def __init__(
        self, settings: ConnectorSettings, database: str, *, throttle: Throttle | None = None, dry_run: bool = False
    ) -> None:
        """Raises ConnectionBroken when key, or address, cannot be used."""
        if not settings.key:
            raise ConnectionBroken(say("Tryton needs `auth.key`: a validated user application key of type REST"))
        self.deadline_s = settings.deadline_s or DEFAULT_DEADLINE_S
        self.has_login = bool(settings.login and settings.password)
        self._login = (settings.login, settings.password)
        common: dict[str, Any] = {
            "deadline_s": self.deadline_s,
            "read_timeout_s": self.deadline_s,
            "allow_hosts": settings.allow_hosts,
            "ca_file": settings.ca_file,
            "throttle": throttle,
            "dry_run": dry_run,
            "secrets": tuple(secret for secret in (settings.key, settings.password) if secret),
        }
        address = f"{settings.url.rstrip('/')}/{quote(database, safe='')}"
        self._rest = HttpClient(f"{address}/rest", auth=Bearer(settings.key), classifier=_refused, **common)
        self._rpc = HttpClient(address, auth=SessionLogin(self._log_in), classifier=_locked, **common)
        #: The server itself, whatever databases it has.
        self._server = HttpClient(settings.url.rstrip("/"), **common)

    def close(self) -> None:
        """Close the connections; the client can be used again afterwards."""
        for client in (self._rest, self._rpc, self._server):
            client.close()

    def server(self) -> tuple[str, Response]:
        """The server's version, which it tells everybody, and the answer that said it."""
        body = {"id": 1, "method": "common.server.version", "params": []}
        answer = self._server.request("POST", "rpc/", json=body, write=False)
        told = answer.data.get("result") if isinstance(answer.data, dict) else None
        return told if isinstance(told, str) else "", answer

    def ask(self, model: str, method: str, arguments: JsonDict) -> JsonDict:
        """Call a method of a model that only reads. Raises Transient, ConnectionBroken."""
        answer = self._rest.request("POST", f"model/{model}/{method}", json=arguments, write=False)
        if not isinstance(answer.data, dict):
            raise Transient(say("%(answer)s: not an object", answer=answer), status=answer.status)
        told: JsonDict = typed.decode(answer.data)
        return told

    def log_in(self) -> None:
        """See whether the login is accepted. Raises ConnectionBroken."""
        self._log_in()

    def search(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Iterable[str],
        *,
        context: Mapping[str, Any] | None = None,
        order: Sequence[Any] | None = None,
        limit: int | None = None,
    ) -> list[JsonDict]:
        """Records that match, with `id` and the named fields (dotted ones come nested), as plain Python.

        A field that the user may not read is silently absent. Raises Transient, ConnectionBroken.
        """
        params: list[tuple[str, str | int]] = [("d", _base64(typed.encode(domain)))]
        if order is not None:
            params.append(("o", _base64(order)))
        if limit is not None:
            params.append(("s", limit))
        answer = self._rest.request(
            "GET", f"model/{model}", params=[*params, *_fields(fields)], headers=_context_header(context)
        )
        if not isinstance(answer.data, list):
            raise Transient(say("%(answer)s: not a list of records", answer=answer), status=answer.status)
        rows: list[JsonDict] = typed.decode(answer.data)
        return rows

    def create(
        self,
        model: str,
        values: JsonDict,
        fields: Iterable[str],
        *,
        deadline_s: float | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> JsonDict:
        """Create one record and answer it with `fields`. Raises RecordRejected, OutcomeUnknown ..."""
        return self._write("POST", f"model/{model}", values, fields, deadline_s, headers=_context_header(context))

    def create_many(self, model: str, values: Sequence[JsonDict], *, deadline_s: float | None = None) -> list[int]:
        """Create all in one transaction, or none; ids in the order of the values."""
        body = {"vlist": typed.encode(list(values))}
        answer = self._rest.request("POST", f"model/{model}/create", json=body, deadline_s=deadline_s)
        ids = answer.data
        if not isinstance(ids, list) or len(ids) != len(values) or not all(type(each) is int for each in ids):
            raise OutcomeUnknown(
                say("%(answer)s: not the ids of what was created", answer=answer), status=answer.status
            )
        return ids

    def update(
        self, model: str, record: int, values: JsonDict, fields: Iterable[str], *, deadline_s: float | None = None
    ) -> JsonDict:
        """Write to one record and answer it with `fields`."""
        return self._write("PUT", f"model/{model}/{record}", values, fields, deadline_s)

    def press(
        self,
        model: str,
        record: int,
        button: str,
        fields: Iterable[str],
        *,
        context: Mapping[str, Any] | None = None,
        deadline_s: float | None = None,
    ) -> JsonDict:
        """Press a button of one record and answer it with `fields`, as they stand inside of that transaction."""
        path = f"model/{model}/{record}/{button}"
        return self._write("POST", path, {}, fields, deadline_s, headers=_context_header(context))

    def delete(self, model: str, record: int) -> None:
        """Delete one record."""
        self._rest.request("DELETE", f"model/{model}/{record}", parse=False)

    def press_many(
        self,
        model: str,
        records: Sequence[int],
        button: str,
        context: Mapping[str, Any],
        *,
        deadline_s: float | None = None,
    ) -> None:
        """Press a button for a list of records in one transaction; needs a login. All or none."""
        self._send(f"model.{model}.{button}", [list(records), dict(context)], deadline_s=deadline_s)

    def call(self, method: str, params: Sequence[Any], *, deadline_s: float | None = None) -> Any:
        """Call `model.<name>.<method>` or `wizard.<name>.<method>` over JSON-RPC, for writing; needs a login."""
        return self._send(method, params, deadline_s=deadline_s)

    def report(self, name: str, record: int, *, max_bytes: int) -> Response:
        """The printed record, whatever format its report is set to. Raises RecordRejected, Transient ..."""
        path = f"report/{name}/{record}"
        return self._rest.request("GET", path, parse=False, max_bytes=max_bytes, classifier=_not_printed)

    def _write(
        self,
        verb: str,
        path: str,
        values: JsonDict,
        fields: Iterable[str],
        deadline_s: float | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> JsonDict:
        params, body = _fields(fields), typed.encode(values)
        answer = self._rest.request(verb, path, params=params, json=body, headers=headers, deadline_s=deadline_s)
        if not isinstance(answer.data, dict) or "id" not in answer.data:
            raise OutcomeUnknown(
                say("%(answer)s: not the record that was written", answer=answer), status=answer.status
            )
        record: JsonDict = typed.decode(answer.data)
        return record

    def _log_in(self) -> str:
        login, password = self._login
        result = self._send("common.db.login", [login, {"password": password}, "en"], login=True)
        user, session = result[0], result[1]
        return "Session " + base64.b64encode(f"{login}:{user}:{session}".encode()).decode("ascii")

    def _send(self, method: str, params: Sequence[Any], *, login: bool = False, deadline_s: float | None = None) -> Any:
        # Exactly these three names: with one more the server leaves JSON-RPC and answers errors as HTML.
        body = {"id": 1, "method": method, "params": typed.encode(list(params))}
        answer = self._rpc.request("POST", "rpc/", json=body, write=not login, anonymous=login, deadline_s=deadline_s)
        if isinstance(answer.data, dict) and "error" in answer.data:
            raise _rpc_error(method, answer.data["error"], login=login)
        if not isinstance(answer.data, dict) or "result" not in answer.data:
            kind = Transient if login else OutcomeUnknown
            raise kind(say("%(answer)s: neither a result nor an error", answer=answer), status=answer.status)
        return typed.decode(answer.data["result"])


def _refused(response: Response) -> ConnectorError | None:
    """What a REST answer of 300 and more means; None leaves it to the kit's table."""
    text = str(response)
    if response.status == _BAD_REQUEST and isinstance(response.data, dict):
        told = " ".join(str(response.data.get(name) or "") for name in ("message", "description")).strip()
        if not response.write:
            return _unread(response, told)
        return RecordRejected(told, status=response.status)
    if response.status == _NOT_FOUND and response.path.count("/") < 3:  # noqa: PLR2004 -- /model/<name>
        return ConnectionBroken(
            say("%(text)s; check the address and the option `database`", text=text), status=response.status
        )
    if (busy := _locked(response)) is not None:
        return busy
    if response.status == _SERVER_ERROR and (found := _UNKNOWN_NAME.search(response.body)):
        return _not_known(response, found[1].decode(errors="replace"))
    return None


def _not_known(response: Response, name: str) -> ConnectorError:
    """A model, or a field of what was written, that the installation does not have."""
    told = say("Tryton does not know %(name)s; is the module that has it activated?", name=repr(name))
    if response.write:
        # The exception ended the request inside of its transaction, which is rolled back before the answer is made.
        return RecordRejected(told, field=name, code="unknown_name", status=response.status)
    return ConnectionBroken(told, code="unknown_name", status=response.status)


def _unread(response: Response, told: str) -> ConnectorError:
    """A search that names records which somebody deletes before it has read them is refused like one without rights.

    So it goes on SQLite, where a reader has no snapshot, whenever shipments are made anew; neither has a code.
    """
    if response.attempt < _READS:
        return Transient(say("Tryton refuses to be read: %(told)s", told=told), status=response.status)
    # Our reads are always the same: one that stays refused lacks rights, whatever the translated text says.
    return ConnectionBroken(
        say("Tryton refuses to be read: %(told)s; check the rights of the key's user", told=told),
        status=response.status,
    )


def _locked(response: Response) -> ConnectorError | None:
    """The statement failed inside of its transaction, so nothing was kept; None for anything else."""
    if response.status == _UNAVAILABLE and _LOCKED.search(response.body):
        return Transient(say("another call holds what Tryton needs for this one"), code="locked", status=_UNAVAILABLE)
    return None


def _not_printed(response: Response) -> ConnectorError | None:
    if response.status == _BAD_REQUEST and isinstance(response.data, dict):
        return RecordRejected(str(response.data.get("message") or response), status=_BAD_REQUEST)
    return None


def _rpc_error(method: str, error: Any, *, login: bool) -> ConnectorError:
    kind = str(error[0]) if error else ""
    told = error[1] if len(error) > 1 else ""
    if login:
        return ConnectionBroken(say("Tryton refuses the login; check `auth.login` and `auth.password`"), code=kind)
    if kind == "UserWarning":
        return RecordRejected(" ".join(map(str, told[1:])), code="warning", status=200)
    if kind == "UserError":
        return RecordRejected(" ".join(str(part) for part in told[:2] if part), status=200)
    return RecordRejected(
        say("%(method)s: %(kind)s", method=method, kind=kind), code="server_error", status=200, rolled_back=False
    )


def _fields(names: Iterable[str]) -> list[tuple[str, str | int]]:
    return [("f", name) for name in names]


def _context_header(context: Mapping[str, Any] | None) -> dict[str, str]:
    return {"X-Tryton-Context": _base64(typed.encode(dict(context)))} if context else {}


def _base64(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode("ascii")
