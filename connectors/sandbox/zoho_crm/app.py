"""The organisation over HTTP: tokens, records, queries, channels, and notifications that go out."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import logging
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from connectors.sandbox.exchange import Handler, Request, Response, Router, json_response
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.server import Server, serve
from connectors.sandbox.zoho_crm import coql
from connectors.sandbox.zoho_crm.organisation import MODULES, Json, Organisation, OrganisationSettings
from connectors.sandbox.zoho_crm.writes import Writes, failure

log = logging.getLogger(__name__)

_API: Final = "/crm/v8"
_LIVES_S: Final = 3600
_TEN_MINUTES_S: Final = 600.0
_TIMEOUT_S: Final = 5.0
_DELETED_PAGE: Final = 200
_TOKEN_LENGTH: Final = 50


class ZohoCrmApp:
    """Answers what a client of the organisation asks."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        self.writes = Writes(organisation)
        #: Access token -> when it was given, by the monotonic clock.
        self.tokens: dict[str, float] = {}
        self._spent = 0
        self._going: queue.Queue[tuple[str, str, str] | None] = queue.Queue()
        organisation.listeners.append(lambda *told: self._going.put(told))
        self._router: Router[Handler] = Router()
        self._add_routes()
        self._sender = threading.Thread(target=self._send_all, name="zoho-notifications", daemon=True)
        self._sender.start()

    def _add_routes(self) -> None:
        add, writes = self._router.add, self.writes
        add("GET", f"{_API}/org", self._org)
        add("POST", f"{_API}/coql", self._coql)
        for method, handler in (("GET", self._channels), ("POST", self._watch), ("PUT", self._watch)):
            add(method, f"{_API}/actions/watch", handler)
        add("GET", f"{_API}/settings/fields", writes.fields)
        add("POST", f"{_API}/settings/fields", writes.add_fields)
        add("GET", f"{_API}/{{module}}/deleted", self._deleted)
        add("POST", f"{_API}/{{module}}/upsert", writes.upsert)
        add("GET", f"{_API}/{{module}}/{{record_id}}/Notes", writes.notes)
        add("POST", f"{_API}/{{module}}/{{record_id}}/Notes", writes.add_note)
        add("GET", f"{_API}/{{module}}/{{record_id}}", self._record)
        add("PUT", f"{_API}/{{module}}/{{record_id}}", writes.update_one)
        add("GET", f"{_API}/{{module}}", self._records)
        add("POST", f"{_API}/{{module}}", writes.insert)
        add("PUT", f"{_API}/{{module}}", writes.update)

    def at(self, server: Server) -> None:
        """What its people do, over the server's own routes."""
        control = server.control
        control.add("POST", "/_sandbox/sell", self._sell)
        control.add("POST", "/_sandbox/{module}/{record_id}/edit", self._edit)
        control.add("POST", "/_sandbox/{module}/{record_id}/delete", self._delete)
        control.add("GET", "/_sandbox/records/{module}", lambda _request, module: self._all_of(module))

    def _all_of(self, module: str) -> Response:
        with self.organisation.lock:
            return json_response(list(self.organisation.records[module].values()))

    def _sell(self, request: Request) -> Response:
        told = request.json() if request.body else {}
        lines = [(row["sku"], int(row.get("quantity", 1))) for row in told.get("lines", ())]
        try:
            record = self.organisation.sell(lines or None, module=told.get("module", "Sales_Orders"))
        except KeyError as error:
            return json_response({"error": f"the organisation sells no {error}"}, 404)
        return json_response({"id": record["id"]}, 201)

    def _edit(self, request: Request, module: str, record_id: str) -> Response:
        self.organisation.edit(module, record_id, **request.json())
        return Response(204)

    def _delete(self, _request: Request, module: str, record_id: str) -> Response:
        self.organisation.delete(module, record_id)
        return Response(204)

    def close(self) -> None:
        """Stop sending notifications."""
        self._going.put(None)
        self._sender.join(_TIMEOUT_S)

    # -- calls -----------------------------------------------------------------------------------------------

    def __call__(self, request: Request) -> Response:
        """One request."""
        response = self._answer(request)
        spent = self.organisation.settings.credits - self._spent
        headers = [("Date", format_datetime(self.organisation.now().astimezone(dt.UTC), usegmt=True))]
        if spent * 2 <= self.organisation.settings.credits:
            headers.append(("X-API-CREDITS-REMAINING", str(max(0, spent))))
        return Response(response.status, response.body, (*response.headers, *headers))

    def _answer(self, request: Request) -> Response:
        if (request.method, request.path) == ("POST", "/oauth/v2/token"):
            return self._token(request)
        refused = self._refused(request)
        if refused is not None:
            return refused
        found = self._router.find(request.method, request.path)
        if found is None:
            text = "Please check if the URL trying to access is a correct one"
            return json_response(failure("INVALID_URL_PATTERN", text), 404)
        handler, segments = found
        if segments.get("module", MODULES[0]) not in MODULES:
            row = failure("INVALID_MODULE", "the module name given seems to be invalid", resource_path_index=0)
            return json_response({"data": [row]}, 400)
        with self.organisation.lock:
            return handler(request, **segments)

    def _refused(self, request: Request) -> Response | None:
        """At the door: the token, the credits, the scope."""
        given = request.headers.get("authorization", "").removeprefix("Zoho-oauthtoken ")
        if given not in self.tokens:
            return json_response(failure("INVALID_TOKEN", "invalid oauth token"), 401)
        self._spent += 1
        if self._spent > self.organisation.settings.credits:
            return json_response(failure("TOO_MANY_REQUESTS", "Too many requests fired"), 429)
        if missing := self._missing_scope(request.path):
            return json_response(failure("OAUTH_SCOPE_MISMATCH", "Unauthorized", scope=missing), 401)
        return None

    def _missing_scope(self, path: str) -> str:
        needs = {"org": "ZohoCRM.org.READ", "coql": "ZohoCRM.coql.READ", "actions": "ZohoCRM.notifications.ALL"}
        scope = needs.get(path.removeprefix(f"{_API}/").partition("/")[0], "ZohoCRM.modules.ALL")
        return "" if scope in self.organisation.settings.scopes else scope

    def _token(self, request: Request) -> Response:
        """A refusal comes with status 200."""
        told = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        settings = self.organisation.settings
        if told.get("client_id") != settings.client_id:
            return json_response({"error": "invalid_client"})
        if told.get("client_secret") != settings.client_secret:
            return json_response({"error": "invalid_client_secret"})
        if told.get("refresh_token") != settings.refresh_token:
            return json_response({"error": "invalid_code"})
        now = time.monotonic()
        if sum(now - given < _TEN_MINUTES_S for given in self.tokens.values()) >= settings.tokens:
            text = "You have made too many requests continuously. Please try again after some time."
            return json_response({"error": "Access Denied", "error_description": text, "status": "failure"}, 400)
        token = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        self.tokens[token] = now
        body = {"access_token": token, "token_type": "Bearer", "expires_in": _LIVES_S}
        return json_response(body | ({"api_domain": settings.api_domain} if settings.api_domain else {}))

    # -- reading ---------------------------------------------------------------------------------------------

    def _org(self, _request: Request) -> Response:
        settings = self.organisation.settings
        row = {
            "id": "5725767000000020005",
            "company_name": settings.title,
            "iso_code": settings.currency,
            "time_zone": settings.zone_name,
            "mc_status": settings.currencies,
        }
        return json_response({"org": [row]})

    def _coql(self, request: Request) -> Response:
        organisation = self.organisation

        def rows_of(name: str) -> list[Json]:
            if name not in organisation.records:
                raise coql.QueryError("INVALID_QUERY", "module given seems to be invalid", module=name)
            return list(organisation.records[name].values())

        custom = {name for fields in self.writes.custom.values() for name in fields}

        def value_of(row: Json, column: str) -> Any:
            absent = column.startswith("Crossdock_") and column not in custom
            if absent or (column == "Currency" and not organisation.settings.currencies):
                raise coql.QueryError("INVALID_QUERY", "column given seems to be invalid", column_name=column)
            return organisation.value(row, column)

        try:
            rows, more = coql.run(request.json()["select_query"], rows_of, value_of)
        except coql.QueryError as error:
            return json_response(failure(error.code, str(error), **error.details), 400)
        if not rows:
            return Response(204)
        return json_response({"data": rows, "info": {"count": len(rows), "more_records": more}})

    def _record(self, _request: Request, module: str, record_id: str) -> Response:
        record = self.organisation.records[module].get(record_id)
        # Every field of the layout, with null where it is empty.
        empty = dict.fromkeys(self.writes.custom.get(module, {}))
        return Response(204) if record is None else json_response({"data": [{**empty, **record}]})

    def _records(self, request: Request, module: str) -> Response:
        query = dict(request.query)
        if "fields" not in query:
            return json_response(
                failure("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", param_name="fields"), 400
            )
        fields = query["fields"].split(",")
        ids = query.get("ids", "").split(",")
        rows = [self.organisation.records[module][each] for each in ids if each in self.organisation.records[module]]
        # Lines stand in no list.
        listed = [{"id": row["id"], **{name: row.get(name) for name in fields}} for row in rows]
        return json_response({"data": listed, "info": {"more_records": False}}) if listed else Response(204)

    def _deleted(self, request: Request, module: str) -> Response:
        query = dict(request.query)
        since = request.headers.get("if-modified-since", "")
        rows = self.organisation.deleted[module]
        if since:
            start = dt.datetime.fromisoformat(since)
            rows = [row for row in rows if dt.datetime.fromisoformat(row["deleted_time"]) >= start]
            if not rows:
                return Response(304)
        page, size = int(query.get("page", "1")), int(query.get("per_page", str(_DELETED_PAGE)))
        part = rows[(page - 1) * size : page * size]
        more = page * size < len(rows)
        return json_response({"data": part, "info": {"more_records": more, "page": page}}) if part else Response(204)

    # -- notifications ---------------------------------------------------------------------------------------

    def _channels(self, request: Request) -> Response:
        query = dict(request.query)
        rows = [
            {name: value for name, value in channel.items() if name != "token"}
            for channel in self.organisation.channels.values()
            if query.get("channel_id") in {None, channel["channel_id"]} and not self._ended(channel)
        ]
        return (
            json_response({"watch": rows, "info": {"count": len(rows), "more_records": False}})
            if rows
            else Response(204)
        )

    def _watch(self, request: Request) -> Response:
        """POST makes channels, PUT replaces them; a refused row makes it 202."""
        done = [self._watched(asked, new=request.method == "POST") for asked in request.json()["watch"]]
        refused = any(row["status"] == "error" for row in done)
        return json_response({"watch": done}, 202 if refused else 201 if request.method == "POST" else 200)

    def _watched(self, asked: Json, *, new: bool) -> Json:
        url, number = asked.get("notify_url", ""), asked["channel_id"]
        if urlsplit(url).scheme not in {"http", "https"}:
            return failure("INVALID_DATA", "invalid data", api_name="notify_url", json_path="$.watch[0].notify_url")
        if len(asked.get("token", "")) > _TOKEN_LENGTH:
            return failure("INVALID_DATA", "invalid data", api_name="token", maximum_length=_TOKEN_LENGTH)
        if not new and number not in self.organisation.channels:
            return failure("NOT_SUBSCRIBED", "the channel is not subscribed")
        longest = self.organisation.now() + dt.timedelta(seconds=self.organisation.settings.channel_s)
        end = min(dt.datetime.fromisoformat(asked["channel_expiry"]), longest).isoformat()
        module = asked["events"][0].partition(".")[0]
        self.organisation.channels[number] = {**asked, "channel_expiry": end, "resource_name": module}
        message = "Successfully subscribed for actions-watch of the given module"
        details = {"events": [{"channel_id": number, "channel_expiry": end, "resource_name": module}]}
        return {"code": "SUCCESS", "status": "success", "message": message, "details": details}

    def _ended(self, channel: Json) -> bool:
        return dt.datetime.fromisoformat(channel["channel_expiry"]) <= self.organisation.now()

    def _send_all(self) -> None:
        while (going := self._going.get()) is not None:
            module, operation, record_id = going
            with self.organisation.lock:
                channels = [
                    channel
                    for channel in self.organisation.channels.values()
                    if f"{module}.{operation}" in channel["events"] and not self._ended(channel)
                ]
            for channel in channels:
                self._post(
                    channel["notify_url"], json.dumps(self.told(channel, module, operation, [record_id])).encode()
                )

    def told(self, channel: Json, module: str, operation: str, ids: list[str]) -> Json:
        """What a delivery says."""
        return {
            "server_time": int(time.time() * 1000),
            "module": module,
            "operation": operation,
            "channel_id": channel["channel_id"],
            "token": channel["token"],
            "resource_uri": f"https://www.zohoapis.eu/crm/v8/{module}",
            "ids": ids,
            "affected_fields": [],
            "query_params": {},
        }

    @staticmethod
    def _post(uri: str, body: bytes) -> None:
        address = urlsplit(uri)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", address.path or "/", body, {"Content-Type": "application/json"})
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            log.info("notification to %s: %s", address.hostname, error)
        finally:
            connection.close()


@contextmanager
def serve_crm(
    settings: OrganisationSettings | None = None, *, port: int = 0, plan: FaultPlan | None = None
) -> Iterator[tuple[Server, ZohoCrmApp]]:
    """An organisation on loopback; its accounts are at the same address."""
    organisation = Organisation(settings)
    app = ZohoCrmApp(organisation)
    try:
        with serve(app, port=port, name="zoho_crm", plan=plan, ledger=organisation.ledger) as server:
            app.at(server)
            yield server, app
    finally:
        app.close()
