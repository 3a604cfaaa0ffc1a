"""Products, parties and sales.

GET    /api/products?code=A&code=B          {"products": [..]}; all without `code`
POST   /api/products                        one product -> 201
GET    /api/parties?code=A&email=B&vat_id=C&id=1    {"parties": [..]} under any of them, lowest id first
POST   /api/parties                         [party, ..] -> {"results": [..]}
POST   /api/sales[?atomic=1]                [sale, ..] -> {"results": [..]}, drafts
POST   /api/sales/advance                   {"ids": [..], "state": ".."} -> {"results": [..]}
GET    /api/sales?shop=S&key=A&key=B        {"sales": [..]}, every sale under each key, lowest id first
GET    /api/sales?id=1&id=2                 {"sales": [..]}
GET    /api/sales?shop=S&named=TEXT         {"sales": [..]} whose number, reference, key or id it is, newest first
GET    /api/sales?shop=S&since=T&until=T[&after=ID][&limit=N]     {"sales": [summary ..], "next": ID or null}
PUT    /api/sales/{id}                      absolute values of a draft or a quotation -> {"sale": {..}}; else 409
POST   /api/sales/{id}/cancel               as far as its state allows -> {"sale": {..}}
DELETE /api/sales/{id}                      of a sale or a refund: 204; 409 unless it is a draft
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.calls import (
    Commit,
    at,
    items,
    json_of,
    limit,
    number,
    object_of,
    result,
    tried,
    value,
    values,
)
from connectors.sandbox.erp.core import Decided
from connectors.sandbox.erp.documents import MARKS, JsonDict, Party, Refused, Sale, moment
from connectors.sandbox.exchange import Request, Response, Router, json_response

#: Decides a call: books, request, the path's segments by name.
Route = Callable[..., Commit]

_LIST_LIMIT: Final = 500
_NAMED_LIMIT: Final = 20


def add_sales_routes(router: Router[Route]) -> None:
    """See the module's text."""
    router.add("GET", "/api/products", _get_products)
    router.add("POST", "/api/products", _post_product)
    router.add("GET", "/api/parties", _get_parties)
    router.add("POST", "/api/parties", _post_parties)
    router.add("GET", "/api/sales", _get_sales)
    router.add("POST", "/api/sales", _post_sales)
    router.add("POST", "/api/sales/advance", _post_advance)
    router.add("PUT", "/api/sales/{sale_id}", _put_sale)
    router.add("POST", "/api/sales/{sale_id}/cancel", _cancel_sale)
    router.add("DELETE", "/api/sales/{sale_id}", _delete_sale)


# Reading happens at the commit: the answer shows what stands when it leaves.


def _get_products(books: Books, request: Request) -> Commit:
    codes = values(request, "code")
    return lambda: json_response({"products": [found.to_json() for found in books.products(codes or None)]})


def _get_parties(books: Books, request: Request) -> Commit:
    marks = [(name, each) for name in MARKS for each in values(request, name)]
    ids = [number(each, "id") for each in values(request, "id")]
    return lambda: json_response({"parties": [dataclasses.asdict(found) for found in books.parties(marks, ids)]})


def _get_sales(books: Books, request: Request) -> Commit:
    shop, keys, ids = value(request, "shop"), values(request, "key"), values(request, "id")
    if ids:
        numbers = [number(found, "id") for found in ids]
        return lambda: json_response({"sales": books.sales_by_id(numbers)})
    if keys:
        return lambda: json_response({"sales": books.sales_by_key(shop, keys)})
    if named := value(request, "named"):
        return lambda: json_response({"sales": books.sales_named(shop, named, _NAMED_LIMIT)})
    since, until = moment(value(request, "since"), "since"), moment(value(request, "until"), "until")
    after = number(value(request, "after") or "0", "after")
    size = limit(request, _LIST_LIMIT)

    def commit() -> Response:
        sales = books.list_sales(shop, since, until, after, size)
        return json_response({"sales": sales, "next": sales[-1]["id"] if len(sales) == size else None})

    return commit


# Writing


def _post_product(books: Books, request: Request) -> Commit:
    payload = object_of(request)
    return lambda: json_response(books.add_product(payload).to_json(), 201)


def _post_parties(books: Books, request: Request) -> Commit:
    decided = [tried(books.decide_party, item) for item in items(json_of(request), dict)]

    def commit_one(item: Decided[Party]) -> JsonDict:
        return {"ok": True, "party": dataclasses.asdict(books.commit_party(item))}

    return lambda: json_response({"results": [result(commit_one, item) for item in decided]})


def _post_sales(books: Books, request: Request) -> Commit:
    sent = items(json_of(request), dict)
    if value(request, "atomic"):
        batch = [at(index, books.decide_sale, item) for index, item in enumerate(sent)]
        return lambda: json_response({"results": [{"ok": True, "sale": sale} for sale in books.commit_sales(batch)]})
    decided = [tried(books.decide_sale, item) for item in sent]

    def commit_one(item: Decided[Sale]) -> JsonDict:
        return {"ok": True, "sale": books.commit_sale(item)}

    return lambda: json_response({"results": [result(commit_one, item) for item in decided]})


def _post_advance(books: Books, request: Request) -> Commit:
    return advance(books, request, "sale")


def advance(books: Books, request: Request, kind: str) -> Commit:
    """Bring sales, or refunds, up to a state."""
    payload = object_of(request)
    state = payload.get("state")
    if not isinstance(state, str):
        raise Refused(400, "bad_request", 'the body must be {"ids": [..], "state": ".."}')
    ids = items(payload.get("ids"), int)
    decided = [tried(lambda sale_id: books.decide_advance(sale_id, state, kind), sale_id) for sale_id in ids]

    def commit_one(step: Callable[[], JsonDict]) -> JsonDict:
        return {"ok": True, kind: step()}

    return lambda: json_response({"results": [result(commit_one, item) for item in decided]})


def _put_sale(books: Books, request: Request, sale_id: str) -> Commit:
    change = books.decide_change(number(sale_id, "id"), object_of(request))
    return lambda: json_response({"sale": change()})


def _cancel_sale(books: Books, request: Request, sale_id: str) -> Commit:  # noqa: ARG001 - as every route
    found = number(sale_id, "id")
    return lambda: json_response({"sale": books.cancel(found)})


def _delete_sale(books: Books, request: Request, sale_id: str) -> Commit:  # noqa: ARG001 - as every route
    found = number(sale_id, "id")

    def commit() -> Response:
        books.delete_sale(found)
        return Response(204)

    return commit
