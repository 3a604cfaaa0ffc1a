"""The HTTP side of the sandbox ERP: a bearer key, bulk everywhere, errors as `{"code", "message", "field"}`.

    GET    /api/products?code=A&code=B          {"products": [..]}; all without `code`
    POST   /api/products                        one product -> 201
    GET    /api/parties?code=A&code=B           {"parties": [..]}, lowest id first
    POST   /api/parties                         [party, ..] -> {"results": [..]}
    POST   /api/sales[?atomic=1]                [sale, ..] -> {"results": [..]}, drafts
    POST   /api/sales/advance                   {"ids": [..], "state": ".."} -> {"results": [..]}
    GET    /api/sales?shop=S&key=A&key=B        {"sales": [..]}, every sale under each key, lowest id first
    GET    /api/sales?id=1&id=2                 {"sales": [..]}
    GET    /api/sales?shop=S&named=TEXT         {"sales": [..]} whose number, reference, key or id it is, newest first
    GET    /api/sales?shop=S&since=T&until=T[&after=ID][&limit=N]     {"sales": [summary ..], "next": ID or null}
    DELETE /api/sales/{id}                      204; 409 unless it is a draft

A result is `{"ok": true, "sale"|"party": {..}}` or `{"ok": false, "error": {..}}`, in the order of the input. With
`atomic` the first bad item refuses the call and nothing of it is kept; its `field` begins with `[index]`.
"""

from __future__ import annotations

import dataclasses
import hmac
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from connectors.sandbox.erp.books import Books, Decided
from connectors.sandbox.erp.documents import JsonDict, Party, Refused, Sale, moment
from connectors.sandbox.exchange import Request, Response, json_response

#: Items that one bulk call takes.
BULK_LIMIT: Final = 100
_LIST_LIMIT: Final = 500
_NAMED_LIMIT: Final = 20
_SALE: Final = "/api/sales/"

#: What was decided; calling it commits and answers.
Commit = Callable[[], Response]

_JSON_NAMES: Final[dict[type, str]] = {dict: "object", int: "whole number"}

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class ErpApp:
    """Answers requests on `books`. `latency_s` is spent between decision and commit, as in a slow database.

    `concurrency` is how many requests are worked on at once, None for any number; others wait their turn. A request
    with `Sent-At` (seconds since 1970) commits nothing later than `settle_s` after it, even if it waited in a socket
    while this process stood still: then it is refused as `too_late`.
    """

    def __init__(
        self,
        books: Books,
        *,
        api_key: str,
        latency_s: float = 0.0,
        concurrency: int | None = None,
        settle_s: float = 5.0,
    ) -> None:
        self.books = books
        self.latency_s = latency_s
        self._settle_s = settle_s
        self._authorization = f"Bearer {api_key}".encode()
        self._turns = threading.BoundedSemaphore(concurrency) if concurrency else None
        self._routes: dict[tuple[str, str], Callable[[Request], Commit]] = {
            ("GET", "/api/products"): self._get_products,
            ("POST", "/api/products"): self._post_product,
            ("GET", "/api/parties"): self._get_parties,
            ("POST", "/api/parties"): self._post_parties,
            ("GET", "/api/sales"): self._get_sales,
            ("POST", "/api/sales"): self._post_sales,
            ("POST", "/api/sales/advance"): self._post_advance,
        }

    def __call__(self, request: Request) -> Response:
        """Decide, spend the latency, commit."""
        if self._turns is None:
            return self._work(request)
        with self._turns:
            return self._work(request)

    def decide(self, request: Request) -> Commit:
        """Check `request` and give its ids now; what it does happens when the answer is called."""
        try:
            commit = self._decide(request)
            latest = self._latest(request)
        except Refused as refused:
            return _refusal(refused)

        def guarded() -> Response:
            try:
                self._check_time(latest)
                return commit()
            except Refused as refused:
                return _refusal(refused)()

        return guarded

    def _work(self, request: Request) -> Response:
        commit = self.decide(request)
        if self.latency_s:
            time.sleep(self.latency_s)
        return commit()

    def _decide(self, request: Request) -> Commit:
        sent = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(sent, self._authorization):
            raise Refused(401, "unauthorized", "the key is missing or wrong")
        method, path = request.method, request.path
        handler = self._routes.get((method, path))
        if handler is not None:
            return handler(request)
        if method == "DELETE" and path.startswith(_SALE):
            return self._delete_sale(path.removeprefix(_SALE))
        raise Refused(404, "no_route", f"there is no {method} {path}")

    def _latest(self, request: Request) -> float:
        sent_at = request.headers.get("sent-at", "inf")
        try:
            return float(sent_at) + self._settle_s
        except ValueError:
            raise Refused(400, "bad_request", f"Sent-At must be seconds since 1970, not {sent_at!r}") from None

    def _check_time(self, latest: float) -> None:
        if time.time() > latest:
            raise Refused(408, "too_late", f"it is more than {self._settle_s} s after Sent-At")

    # Reading happens at the commit: the answer shows what stands when it leaves.

    def _get_products(self, request: Request) -> Commit:
        codes = _all(request, "code")

        def commit() -> Response:
            return json_response(
                {"products": [dataclasses.asdict(found) for found in self.books.products(codes or None)]}
            )

        return commit

    def _get_parties(self, request: Request) -> Commit:
        codes = _all(request, "code")

        def commit() -> Response:
            return json_response({"parties": [dataclasses.asdict(found) for found in self.books.parties(codes)]})

        return commit

    def _get_sales(self, request: Request) -> Commit:
        shop, keys, ids = _one(request, "shop"), _all(request, "key"), _all(request, "id")
        if ids:
            numbers = [_number(value, "id") for value in ids]
            return lambda: json_response({"sales": self.books.sales_by_id(numbers)})
        if keys:
            return lambda: json_response({"sales": self.books.sales_by_key(shop, keys)})
        if named := _one(request, "named"):
            return lambda: json_response({"sales": self.books.sales_named(shop, named, _NAMED_LIMIT)})
        since, until = moment(_one(request, "since"), "since"), moment(_one(request, "until"), "until")
        after = _number(_one(request, "after") or "0", "after")
        limit = min(_number(_one(request, "limit") or str(_LIST_LIMIT), "limit"), _LIST_LIMIT)

        def commit() -> Response:
            sales = self.books.list_sales(shop, since, until, after, limit)
            return json_response({"sales": sales, "next": sales[-1]["id"] if len(sales) == limit else None})

        return commit

    # Writing

    def _post_product(self, request: Request) -> Commit:
        payload = _json(request)
        if not isinstance(payload, dict):
            raise Refused(400, "bad_request", "the body must be one product")
        return lambda: json_response(dataclasses.asdict(self.books.add_product(payload)), 201)

    def _post_parties(self, request: Request) -> Commit:
        decided = [_tried(self.books.decide_party, item) for item in _items(_json(request), dict)]

        def commit_one(item: Decided[Party]) -> JsonDict:
            return {"ok": True, "party": dataclasses.asdict(self.books.commit_party(item))}

        return lambda: json_response({"results": [_result(commit_one, item) for item in decided]})

    def _post_sales(self, request: Request) -> Commit:
        items = _items(_json(request), dict)
        if _one(request, "atomic"):
            batch = [_at(index, self.books.decide_sale, item) for index, item in enumerate(items)]
            return lambda: json_response(
                {"results": [{"ok": True, "sale": sale} for sale in self.books.commit_sales(batch)]}
            )
        decided = [_tried(self.books.decide_sale, item) for item in items]

        def commit_one(item: Decided[Sale]) -> JsonDict:
            return {"ok": True, "sale": self.books.commit_sale(item)}

        return lambda: json_response({"results": [_result(commit_one, item) for item in decided]})

    def _post_advance(self, request: Request) -> Commit:
        payload = _json(request)
        if not isinstance(payload, dict) or not isinstance(payload.get("state"), str):
            raise Refused(400, "bad_request", 'the body must be {"ids": [..], "state": ".."}')
        state: str = payload["state"]
        ids = _items(payload.get("ids"), int)
        decided = [_tried(lambda sale_id: self.books.decide_advance(sale_id, state), sale_id) for sale_id in ids]

        def commit_one(advance: Callable[[], JsonDict]) -> JsonDict:
            return {"ok": True, "sale": advance()}

        return lambda: json_response({"results": [_result(commit_one, item) for item in decided]})

    def _delete_sale(self, sale_id: str) -> Commit:
        number = _number(sale_id, "id")

        def commit() -> Response:
            self.books.delete_sale(number)
            return Response(204)

        return commit


def _refusal(refused: Refused) -> Commit:
    return lambda: json_response(refused.to_json(), refused.status)


def _tried(decide: Callable[[Item], Outcome], item: Item) -> Outcome | Refused:
    try:
        return decide(item)
    except Refused as refused:
        return refused


def _at(index: int, decide: Callable[[Item], Outcome], item: Item) -> Outcome:
    try:
        return decide(item)
    except Refused as refused:
        raise refused.at(f"[{index}].") from refused


def _result(commit: Callable[[Item], JsonDict], decided: Item | Refused) -> JsonDict:
    if isinstance(decided, Refused):
        return {"ok": False, "error": decided.to_json()}
    try:
        return commit(decided)
    except Refused as refused:
        return {"ok": False, "error": refused.to_json()}


def _json(request: Request) -> Any:  # noqa: ANN401 - JSON is any value
    try:
        return request.json()
    except ValueError:
        raise Refused(400, "bad_json", "the body is no JSON") from None


def _items(items: object, kind: type[Item]) -> Sequence[Item]:
    if not isinstance(items, list) or not items or not all(isinstance(item, kind) for item in items):
        raise Refused(400, "bad_request", f"a list with at least one item is wanted, each a JSON {_JSON_NAMES[kind]}")
    if len(items) > BULK_LIMIT:
        raise Refused(413, "too_many", f"at most {BULK_LIMIT} items a call")
    return items


def _all(request: Request, name: str) -> list[str]:
    return [value for found, value in request.query if found == name]


def _one(request: Request, name: str) -> str:
    return next(iter(_all(request, name)), "")


def _number(value: str, name: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise Refused(400, "bad_request", f"{name} must be a whole number", name)
    return int(value)
