"""The API over HTTP: JSON-2 with status codes, JSON-RPC with 200 whatever happened, and the version for everybody."""

from __future__ import annotations

import inspect
import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson

from connectors.sandbox.exchange import Request, Response, json_response
from connectors.sandbox.odoo import loading
from connectors.sandbox.odoo.database import Database, Json, OdooError
from connectors.sandbox.odoo.fields import CUSTOM, LABELS, MODELS, names_of
from connectors.sandbox.odoo.methods import Model, find_method

_HTML: Final = (("Content-Type", "text/html; charset=utf-8"),)
_JSON: Final = (("Content-Type", "application/json; charset=utf-8"),)
_USER: Final = 5
_JSON2_SINCE: Final = 19
_WRONG_METHOD: Final = "Did you mean POST /json/2/<model>/<method>?"


class OdooApp:
    """Answers one call after the other: the one lock stands for the server's one process."""

    def __init__(
        self, db: Database, *, database: str, api_key: str, login: str, version: int, latency_s: float = 0.0
    ) -> None:
        self.db, self._database, self._key, self._login = db, database, api_key, login
        self.version = version
        self._latency_s = latency_s
        self.lock = threading.Lock()
        #: So many loads more lose against another one.
        self.conflicts = 0
        #: Models that the key's user may not create.
        self.read_only: frozenset[str] = frozenset()
        #: Models that he may not even read.
        self.hidden: frozenset[str] = frozenset()

    def __call__(self, request: Request) -> Response:
        """One request."""
        if self._latency_s:
            time.sleep(self._latency_s)
        if request.path == "/web/version":
            return self._told_version()
        if request.path == "/jsonrpc" and request.method == "POST":
            return self._jsonrpc(request)
        if request.path.startswith("/json/2/") and self.version >= _JSON2_SINCE:
            return self._json2(request)
        page = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n"
        return Response(404, page, _HTML)

    def _told_version(self) -> Response:
        if self.version < _JSON2_SINCE:
            return Response(404, b"<!doctype html>\n<title>404 Not Found</title>\n", _HTML)
        return json_response({"version_info": [self.version, 0, 0, "final", 0, ""], "version": f"{self.version}.0"})

    # -- JSON-2 ----------------------------------------------------------------------------------------------

    def _json2(self, request: Request) -> Response:
        if (page := self._refused(request)) is not None:
            return page
        try:
            body = _body(request)
            _, _, _, model, method = (*request.path.split("/"), "")[:5]
            ids, context = body.pop("ids", []), body.pop("context", {})
            return json_response(self.call(model, method, ids, context, body))
        except OdooError as error:
            return _failed(error)

    def _refused(self, request: Request) -> Response | None:
        """What the door says, before anything is looked at."""
        if request.method == "POST" and "json" not in request.headers.get("content-type", ""):
            page = b"<!doctype html>\n<html lang=en>\n<title>415 Unsupported Media Type</title>\n"
            return Response(415, page, _HTML)
        if request.headers.get("x-odoo-database", self._database) != self._database:
            return Response(404, b"<!DOCTYPE html>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n", _HTML)
        if request.method != "POST":
            return _failed(OdooError("werkzeug.exceptions.NotFound", _WRONG_METHOD, 404))
        if request.headers.get("authorization", "").lower() == f"bearer {self._key}".lower():
            return None
        text = "Invalid apikey" if "authorization" in request.headers else "User not authenticated, use an API Key"
        return _failed(OdooError("werkzeug.exceptions.Unauthorized", text, 401))

    # -- JSON-RPC --------------------------------------------------------------------------------------------

    def _jsonrpc(self, request: Request) -> Response:
        body = request.json()
        answer = {"jsonrpc": "2.0", "id": body.get("id")}
        try:
            return json_response({**answer, "result": self._service(body["params"])})
        except OdooError as error:
            data = _told(error)
            told = {"code": 0, "message": "Odoo Server Error", "data": data}
            return json_response({**answer, "error": told})

    def _service(self, params: Json) -> Any:
        match params["service"], params["method"], params["args"]:
            case "common", "version", _:
                info = [self.version, 0, 0, "final", 0, ""]
                name = f"{self.version}.0"
                return {
                    "server_version": name,
                    "server_version_info": info,
                    "server_serie": name,
                    "protocol_version": 1,
                }
            case "common", "authenticate", [database, login, key, _]:
                known = (database, login, key) == (self._database, self._login, self._key)
                return _USER if known else False
            case "object", "execute_kw", [database, user, key, model, method, args, *kwargs]:
                if (database, user, key) != (self._database, _USER, self._key):
                    raise OdooError("odoo.exceptions.AccessDenied", "Access Denied", 401)
                return self._execute(model, method, list(args), dict(kwargs[0]) if kwargs else {})
        raise OdooError("builtins.KeyError", str(params.get("service")), 500)

    def _execute(self, model: str, method: str, args: list[Any], kwargs: Json) -> Any:
        context = kwargs.pop("context", {})
        if method in Model.OF_MODEL or not args:
            names = ("vals_list",) if method == "create" else ("fields", "data") if method == "load" else ("domain",)
            kwargs |= dict(zip(names, args, strict=False))
            return self.call(model, method, [], context, kwargs)
        return self.call(model, method, args[0], context, kwargs)

    # -- calls -----------------------------------------------------------------------------------------------

    def call(self, model: str, method: str, ids: Any, context: Mapping[str, Any], arguments: Json) -> Any:
        """One call in a transaction of its own. Raises OdooError."""
        with self.lock:
            self.db.begin()
            try:
                answer = self._run(model, method, ids, context, arguments)
            except BaseException:
                self.db.roll_back()
                raise
            self.db.commit()
            return answer

    def _run(self, model: str, method: str, ids: Any, context: Mapping[str, Any], arguments: Json) -> Any:
        if model in self.hidden:
            text = f"You are not allowed to access '{LABELS.get(model, model)}' ({model}) records."
            raise OdooError("odoo.exceptions.AccessError", text, 403)
        called = find_method(self.db, model, method, ids if isinstance(ids, list) else [ids], context)
        arguments = _renamed(arguments, model, self.version)
        try:
            inspect.signature(called).bind(**arguments)
        except TypeError as error:
            raise OdooError("werkzeug.exceptions.UnprocessableEntity", str(error), 422) from None
        if method == "load" and model in self.read_only:
            return loading.refused_rights(model, len(arguments["data"]))
        if method == "load" and self.conflicts:
            self.conflicts -= 1
            return loading.conflict(len(arguments["data"]))
        answer = called(**arguments)
        return answer if self.version >= _JSON2_SINCE else _shown_as(answer, model, method, self.version)


def _renamed(arguments: Json, model: str, version: int) -> Json:
    """Fields by the names of this version; those of another are unknown here."""
    if version >= _JSON2_SINCE or model not in MODELS:
        return arguments
    changed = dict(arguments)
    if "fields" in changed:
        changed["fields"] = [_path(each, model, version) for each in changed["fields"]]
    if "domain" in changed:
        changed["domain"] = [_leaf(each, model, version) for each in changed["domain"]]
    for name in ("vals", "vals_list"):
        if name in changed:
            many = changed[name] if isinstance(changed[name], list) else [changed[name]]
            made = [_values(each, model, version) for each in many]
            changed[name] = made if isinstance(changed[name], list) else made[0]
    if "specification" in changed:
        changed["specification"] = _specified(changed["specification"], model, version)
    return changed


def _leaf(leaf: Any, model: str, version: int) -> Any:
    if isinstance(leaf, str):
        return leaf
    path, *rest = leaf
    return [_path(path.replace(".", "/"), model, version).replace("/", "."), *rest]


def _values(values: Json, model: str, version: int) -> Json:
    made = {}
    for name, value in values.items():
        new = _path(name, model, version)
        of = MODELS[model][new].model if new in MODELS[model] and MODELS[model][new].kind == "one2many" else ""
        made[new] = [_command(each, of, version) for each in value] if of else value
    return made


def _command(command: Any, model: str, version: int) -> Any:
    return [_values(part, model, version) if isinstance(part, dict) else part for part in command]


def _specified(specification: Json, model: str, version: int) -> Json:
    made = {}
    for name, inner in specification.items():
        new = _path(name, model, version)
        of = MODELS[model][new].model
        nested = {"fields": _specified(inner["fields"], of, version)} if "fields" in inner else {}
        made[new] = {**inner, **nested}
    return made


def _path(path: str, model: str, version: int) -> str:
    parts, of, made = path.split("/"), model, []
    for name in parts:
        if name in {"id", ".id"} or name.startswith(CUSTOM):
            made.append(name)
            continue
        known = names_of(of, version)
        if name not in known:
            raise OdooError("builtins.ValueError", f"Invalid field name '{name}'", 500)
        made.append(known[name])
        of = MODELS[of][known[name]].model or of
    return "/".join(made)


def _shown_as(answer: Any, model: str, method: str, version: int) -> Any:
    """Rows, rows inside of rows, and the list of fields, by the names of this version."""
    if model not in MODELS:
        return answer
    then = {now: name for name, now in names_of(model, version).items()}
    if method == "fields_get":
        return {then[name]: told for name, told in answer.items() if name in then}
    if method == "web_search_read":
        return {**answer, "records": _shown_as(answer["records"], model, "read", version)}
    if not isinstance(answer, list):
        return answer
    return [_row_as(row, model, then, version) if isinstance(row, dict) else row for row in answer]


def _row_as(row: Json, model: str, then: Mapping[str, str], version: int) -> Json:
    fields = MODELS[model]
    return {
        then.get(name, name): _inner_as(value, fields[name].model if name in fields else "", version)
        for name, value in row.items()
    }


def _inner_as(value: Any, model: str, version: int) -> Any:
    if model and isinstance(value, dict):
        return _shown_as([value], model, "read", version)[0]
    if model and isinstance(value, list) and value and isinstance(value[0], dict):
        return _shown_as(value, model, "read", version)
    return value


def _told(error: OdooError) -> Json:
    return {
        "name": error.name,
        "message": error.message,
        "arguments": [error.message, error.status] if error.name.startswith("werkzeug") else [error.message],
        "context": {},
        "debug": f"Traceback (most recent call last):\n{error.name}: {error.message}\n",
    }


def _body(request: Request) -> Json:
    try:
        body: Json = json.loads(request.body or b"{}")
    except ValueError as error:
        text = f"could not parse the body as json: {error}"
        raise OdooError("werkzeug.exceptions.BadRequest", text, 400) from None
    return body


def _failed(error: OdooError) -> Response:
    return Response(error.status, orjson.dumps(_told(error)), _JSON)
