"""The company over HTTP: tokens of both kinds, trace ids, limits, and its interfaces; every answer has status 200."""

from __future__ import annotations

import collections
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from email.utils import formatdate
from typing import Any, Final

from connectors.sandbox.exchange import Request, Response, json_response
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.fxiaoke.company import Company, CompanySettings, Json, Refused
from connectors.sandbox.server import Server, serve

_WINDOW_S: Final = 20.0
_MINUTE_S: Final = 60.0
_MOST: Final = 100
_DEEPEST: Final = 10_000
_WHO: Final = ("corpAccessToken", "corpId", "currentOpenUserId")

#: Operators of filters: the record's value, and the filter's. Times are numbers here and texts there.
_OPERATORS: Final[Mapping[str, Callable[[Any, list[str]], bool]]] = {
    "EQ": lambda have, values: str(have) == values[0],
    "N": lambda have, values: str(have) != values[0],
    "GT": lambda have, values: _sortable(have) > _sortable(values[0]),
    "GTE": lambda have, values: _sortable(have) >= _sortable(values[0]),
    "LT": lambda have, values: _sortable(have) < _sortable(values[0]),
    "LTE": lambda have, values: _sortable(have) <= _sortable(values[0]),
    "IN": lambda have, values: str(have) in values,
    "NIN": lambda have, values: str(have) not in values,
    "IS": lambda have, _values: have is None,
    "ISN": lambda have, _values: have is not None,
}


class FxiaokeApp:
    """Answers what a client asks."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._lock = threading.Lock()
        self._tokens: dict[str, float] = {}
        self._traces: set[str] = set()
        self._calls: dict[str, collections.deque[float]] = collections.defaultdict(collections.deque)
        #: Calls of this day.
        self.spent = 0
        self._interfaces: dict[str, Callable[[Json], Json]] = {
            "crm/v2/object/describe": self._describe,
            "user/getByMobile": self._by_mobile,
        }
        for path in ("crm/v2/data", "crm/custom/v2/data"):
            for verb in ("query", "get", "create", "update"):
                self._interfaces[f"{path}/{verb}"] = getattr(self, f"_{verb}")

    def at(self, server: Server) -> None:
        """What its people do, over the server's own routes."""
        control = server.control
        control.add("POST", "/_sandbox/sell", self._sell)
        for name, act in (
            ("void", self.company.void),
            ("submit", self.company.submit),
            ("approve", self.company.approve),
            ("delete", self.company.delete),
        ):
            control.add("POST", f"/_sandbox/orders/{{number}}/{name}", _acting(act))
        control.add("GET", "/_sandbox/records/{name}", self._records)

    def _sell(self, request: Request) -> Response:
        told = request.json() if request.body else {}
        lines = [(told["sku"], int(told.get("quantity", 1)))] if "sku" in told else None
        try:
            return json_response({"id": self.company.sell(lines)}, 201)
        except KeyError as error:
            return json_response({"error": f"the company sells no {error}"}, 404)

    def _records(self, _request: Request, name: str) -> Response:
        return json_response(list(self.company.objects.get(name, {}).values()))

    # -- calls -----------------------------------------------------------------------------------------------

    def __call__(self, request: Request) -> Response:
        """One request."""
        try:
            answer = {"errorDescription": "success", "errorMessage": "OK", "errorCode": 0} | self._answer(request)
        except Refused as refused:
            answer = {"errorCode": refused.code, "errorMessage": str(refused)}
        date = formatdate(self.company.now_ms() / 1000, usegmt=True)
        return json_response({"traceId": f"E-O.sandbox.{uuid.uuid4()}", **answer}, 200, headers=(("Date", date),))

    def _answer(self, request: Request) -> Json:
        path = request.path.removeprefix("/")
        known = (
            path in {"oauth2.0/token", "cgi/corpAccessToken/get/V2"} or path.removeprefix("cgi/") in self._interfaces
        )
        if request.method != "POST" or not known:
            raise Refused(10006, f"the request uri=[/{path}], apiName=[null] is not exists")
        self._demand_trace(request)
        body = request.json() if request.body else {}
        if path == "oauth2.0/token":
            return self._token(body, "accessToken")
        if path == "cgi/corpAccessToken/get/V2":
            return self._token(body, "corpAccessToken")
        if path != "cgi/user/getByMobile":
            self._demand_who(request, body)
        elif not self._alive(body.get("corpAccessToken")):
            raise Refused(20016, "corpAccessToken不存在或者已经过期")
        self._count(path, self.company.settings.calls, _WINDOW_S, 30004, "秒频次超限")
        with self._lock:
            self.spent += 1
            if self.spent > self.company.settings.day:
                raise Refused(30002, "当天访问频次超限（0点重新统计）")
        return self._interfaces[path.removeprefix("cgi/")](body)

    def _demand_trace(self, request: Request) -> None:
        told = dict(request.query).get("thirdTraceId", "")
        try:
            fits = uuid.UUID(told).version == 4  # noqa: PLR2004 - random ones
        except ValueError:
            fits = False
        with self._lock:
            if not fits or told in self._traces:
                raise Refused(10006, "thirdTraceId缺失或重复")
            self._traces.add(told)

    def _count(self, what: str, most: int, window_s: float, code: int, message: str) -> None:
        with self._lock:
            now, calls = time.monotonic(), self._calls[what]
            while calls and calls[0] <= now - window_s:
                calls.popleft()
            if len(calls) >= most:
                raise Refused(code, message)
            calls.append(now)

    def _token(self, body: Json, name: str) -> Json:
        settings = self.company.settings
        self._count("token", settings.token_calls, _MINUTE_S, 30004, "秒频次超限")
        told = (body.get("appId"), body.get("appSecret"), body.get("permanentCode"))
        fits = name != "accessToken" or body.get("grantType") == "app_secret"
        if not fits or told != (settings.app_id, settings.app_secret, settings.permanent_code):
            raise Refused(20015, "永久授权码错误")
        with self._lock:
            value = f"BC{secrets.token_hex(16)}"
            self._tokens[value] = time.monotonic() + settings.token_life_s
        company = {"ea": settings.account} if name == "accessToken" else {"corpId": f"FSCID_{settings.account}"}
        return {name: value, "expiresIn": settings.token_life_s, "openUserId": "FSCID_sandbox", **company}

    def forget_tokens(self) -> None:
        """Every token has run out."""
        with self._lock:
            self._tokens.clear()

    def _alive(self, token: Any) -> bool:
        with self._lock:
            return self._tokens.get(token, 0.0) > time.monotonic()

    def _demand_who(self, request: Request, body: Json) -> None:
        settings = self.company.settings
        header = request.headers.get("authorization", "")
        named = [body[name] for name in _WHO if name in body]
        if header and named:
            raise Refused(15002, "新旧鉴权方式不能混用")
        if not header and not named:
            raise Refused(20017, "corpAccessToken为必填项，不能为空")
        token = header.removeprefix("Bearer ") if header else body.get("corpAccessToken")
        if not self._alive(token):
            raise Refused(20016, "corpAccessToken不存在或者已经过期")
        if header:
            who = (request.headers.get("x-fs-ea"), request.headers.get("x-fs-userid"))
            known = who == (settings.account, settings.employee)
        else:
            who = (body.get("corpId"), body.get("currentOpenUserId"))
            known = who == (f"FSCID_{settings.account}", f"FSUID_{settings.employee}")
        if not known:
            raise Refused(20012, "openUserId未找到")

    # -- interfaces ------------------------------------------------------------------------------------------

    def _by_mobile(self, body: Json) -> Json:
        settings = self.company.settings
        found = body.get("mobile") == settings.mobile
        return {"empList": [{"openUserId": f"FSUID_{settings.employee}"}] if found else []}

    def _describe(self, body: Json) -> Json:
        name = body["data"]["apiName"]
        return {"data": {"describe": {"api_name": name, "fields": self.company.describe(name)}}}

    def _query(self, body: Json) -> Json:
        data = body["data"]
        search = data["search_query_info"]
        limit, offset = search["limit"], search["offset"]
        if not 0 < limit <= _MOST:
            raise Refused(15002, "limit 不能超过100")
        if offset > _DEEPEST:
            raise Refused(10013, "offset out of range 10000")
        with self.company.lock:
            rows = [row for row in self.company.table(data["dataObjectApiName"]).values() if _matches(row, search)]
            for order in reversed(search.get("orders", [])):
                rows.sort(key=lambda row: _sortable(row.get(order["fieldName"])), reverse=not order["isAsc"])
            found = [_projected(row, search.get("fieldProjection")) for row in rows[offset : offset + limit]]
        total = len(rows) if data.get("find_explicit_total_num") else 0
        return {"data": {"dataList": found, "offset": offset, "limit": limit, "total": total}}

    def _get(self, body: Json) -> Json:
        data = body["data"]
        record = self.company.table(data["dataObjectApiName"]).get(data["objectDataId"])
        if record is None:
            raise Refused(15002, "数据不存在或已删除")
        return {"data": record}

    def _create(self, body: Json) -> Json:
        data = body["data"]
        given = data["object_data"]
        return {"dataId": self.company.create(given["dataObjectApiName"], given, data.get("details"))}

    def _update(self, body: Json) -> Json:
        given = body["data"]["object_data"]
        self.company.update(given["dataObjectApiName"], given)
        return {}


def _matches(row: Json, search: Json) -> bool:
    for each in search.get("filters", []):
        values = each["field_values"]
        if not isinstance(values, list):
            raise Refused(15002, "field_values 必须是数组")
        if each["operator"] not in _OPERATORS:
            raise Refused(15002, f"operator 不支持: {each['operator']}")
        if not _OPERATORS[each["operator"]](row.get(each["field_name"]), [str(value) for value in values]):
            return False
    return True


def _projected(row: Json, fields: list[str] | None) -> Json:
    return dict(row) if not fields else {name: row[name] for name in fields if name in row}


def _sortable(value: Any) -> tuple[Decimal, str]:
    """Numbers by their size, all else as text."""
    text = "" if value is None else str(value)
    return (Decimal(text), "") if text.isdecimal() and len(text) < 20 else (Decimal(0), text)  # noqa: PLR2004 - no id


def _acting(act: Callable[[str], None]) -> Callable[..., Response]:
    def answer(_request: Request, number: str) -> Response:
        try:
            act(number)
        except KeyError:
            return json_response({"error": f"the company has no order {number}"}, 404)
        return Response(204)

    return answer


@contextmanager
def serve_company(
    settings: CompanySettings | None = None, *, port: int = 0, plan: FaultPlan | None = None
) -> Iterator[tuple[Server, FxiaokeApp]]:
    """A company on loopback."""
    app = FxiaokeApp(Company(settings))
    with serve(app, port=port, name="fxiaoke", plan=plan, ledger=app.company.ledger) as server:
        app.at(server)
        yield server, app
