"""What hangs on a sale, and stock.

    GET    /api/sales/changes?shop=S[&after=N|&since=T][&limit=N]
                                                {"changes": [{"id", "change"} ..], "reached": N, "last": N}
    GET    /api/sales/survey?id=1&id=2          {"sales": [..]} with everything that hangs on them
    POST   /api/refunds                         [refund, ..] -> {"results": [..]}, drafts
    POST   /api/refunds/advance                 {"ids": [..], "state": ".."} -> {"results": [..]}
    GET    /api/refunds?shop=S&key=A | ?id=1    {"refunds": [..]}, every refund under each key, lowest id first
    GET    /api/refunds?shop=S&since=T&until=T[&after=ID][&limit=N]    {"refunds": [summary ..], "next": ID or null}
    GET    /api/invoices?id=1                   {"invoices": [..]}, credit notes too
    POST   /api/invoices/{id}/post              {"invoice": {..}}; one that is posted already is left alone
    GET    /api/invoices/{id}/file              the printed text; 404 for a draft
    GET    /api/payments?reference=A            {"payments": [..]}, every payment under each reference, lowest id first
    POST   /api/payments                        {"reference", "invoice", "amount", "draft" ..} -> 201 {"payment": ..}
    GET    /api/fees?reference=A                {"fees": [..]}, the same of what gateways kept
    POST   /api/fees                            {"reference", "account", "amount", "currency" ..} -> 201 {"fee": ..}
    POST   /api/fees/{id}/post                  {"fee": {..}}; one that is posted already is left alone
    GET    /api/accounts                        {"accounts": [{"id", "code", "name"} ..]}, those of expenses
    GET    /api/warehouses                      {"warehouses": [{"id", "code", "name"} ..]}
    GET    /api/payment-methods                 {"payment_methods": [{"id", "code", "name"} ..]}
    GET    /api/stock?warehouse=A[&code=B ..][&after=ID][&limit=N]     {"stock": [..], "next": ID or null}
    GET    /api/stock/changes[?after=N][&limit=N]                      {"codes": [..], "reached": N, "last": N}

All of `changes` up to `reached` is told; without `after` the stock's list tells nothing and where it stands.
"""

from __future__ import annotations

from typing import Final

from connectors.sandbox.erp.api_sales import Route, advance
from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.calls import (
    BULK_LIMIT,
    Commit,
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
from connectors.sandbox.erp.documents import JsonDict, Refused, Sale, moment
from connectors.sandbox.erp.expenses import ACCOUNTS
from connectors.sandbox.exchange import Request, Response, Router, json_response

_LIST_LIMIT: Final = 500
_STOCK_LIMIT: Final = 1_000

#: What a payment can be made by.
PAYMENT_METHODS: Final = ("bacs", "bank", "card", "cash", "cheque", "cod", "paypal", "stripe")


def add_facet_routes(router: Router[Route]) -> None:
    """See the module's text."""
    router.add("GET", "/api/sales/changes", _get_changes)
    router.add("GET", "/api/sales/survey", _get_survey)
    router.add("POST", "/api/refunds", _post_refunds)
    router.add("POST", "/api/refunds/advance", lambda books, request: advance(books, request, "refund"))
    router.add("GET", "/api/refunds", _get_refunds)
    router.add("GET", "/api/invoices", _get_invoices)
    router.add("POST", "/api/invoices/{invoice_id}/post", _post_invoice)
    router.add("GET", "/api/invoices/{invoice_id}/file", _get_file)
    router.add("GET", "/api/payments", _get_payments)
    router.add("POST", "/api/payments", _post_payment)
    router.add("GET", "/api/fees", _get_fees)
    router.add("POST", "/api/fees", _post_fee)
    router.add("POST", "/api/fees/{fee_id}/post", _post_draft_fee)
    router.add("GET", "/api/accounts", _get_accounts)
    router.add("GET", "/api/warehouses", _get_warehouses)
    router.add("GET", "/api/payment-methods", _get_methods)
    router.add("GET", "/api/stock", _get_stock)
    router.add("GET", "/api/stock/changes", _get_stock_changes)


def _get_changes(books: Books, request: Request) -> Commit:
    shop, after, since = value(request, "shop"), value(request, "after"), value(request, "since")
    start = number(after, "after") if after else None
    begin = moment(since, "since") if since else ""
    size = limit(request, _LIST_LIMIT)
    return lambda: json_response(books.changed_sales(shop, start, begin, size))


def _get_survey(books: Books, request: Request) -> Commit:
    ids = [number(found, "id") for found in values(request, "id")]
    if len(ids) > BULK_LIMIT:
        raise Refused(413, "too_many", f"at most {BULK_LIMIT} sales a call")
    return lambda: json_response({"sales": books.survey(ids)})


def _post_refunds(books: Books, request: Request) -> Commit:
    decided = [tried(books.decide_refund, item) for item in items(json_of(request), dict)]

    def commit_one(item: Decided[Sale]) -> JsonDict:
        return {"ok": True, "refund": books.commit_sale(item)}

    return lambda: json_response({"results": [result(commit_one, item) for item in decided]})


def _get_refunds(books: Books, request: Request) -> Commit:
    shop, keys, ids = value(request, "shop"), values(request, "key"), values(request, "id")
    if ids:
        numbers = [number(found, "id") for found in ids]
        return lambda: json_response({"refunds": books.sales_by_id(numbers, "refund")})
    if keys:
        return lambda: json_response({"refunds": books.sales_by_key(shop, keys, "refund")})
    since, until = moment(value(request, "since"), "since"), moment(value(request, "until"), "until")
    after = number(value(request, "after") or "0", "after")
    size = limit(request, _LIST_LIMIT)

    def commit() -> Response:
        refunds = books.list_refunds(shop, since, until, after, size)
        return json_response({"refunds": refunds, "next": refunds[-1]["id"] if len(refunds) == size else None})

    return commit


def _get_invoices(books: Books, request: Request) -> Commit:
    ids = [number(found, "id") for found in values(request, "id")]
    return lambda: json_response({"invoices": books.billing.invoices(ids)})


def _post_invoice(books: Books, request: Request, invoice_id: str) -> Commit:  # noqa: ARG001 - as every route
    post = books.billing.decide_post(number(invoice_id, "id"))
    return lambda: json_response({"invoice": post()})


def _get_file(books: Books, request: Request, invoice_id: str) -> Commit:  # noqa: ARG001 - as every route
    found = number(invoice_id, "id")

    def commit() -> Response:
        name, shown = books.billing.file(found)
        disposition = ("Content-Disposition", f'attachment; filename="{name}"')
        return Response(200, shown.encode(), (("Content-Type", "text/plain; charset=utf-8"), disposition))

    return commit


def _get_payments(books: Books, request: Request) -> Commit:
    references = values(request, "reference")
    return lambda: json_response({"payments": books.billing.payments(references)})


def _post_payment(books: Books, request: Request) -> Commit:
    payload = object_of(request)
    if payload.get("method") not in {"", None, *PAYMENT_METHODS}:
        raise Refused(422, "unknown_method", f"there is no payment method {payload['method']!r}", "method")
    decided = books.billing.decide_payment(payload)
    return lambda: json_response({"payment": books.billing.commit_payment(decided)}, 201)


def _get_fees(books: Books, request: Request) -> Commit:
    references = values(request, "reference")
    return lambda: json_response({"fees": books.expenses.fees(references)})


def _post_fee(books: Books, request: Request) -> Commit:
    decided = books.expenses.decide(object_of(request))
    return lambda: json_response({"fee": books.expenses.commit(decided)}, 201)


def _post_draft_fee(books: Books, request: Request, fee_id: str) -> Commit:  # noqa: ARG001 - as every route
    post = books.expenses.decide_post(number(fee_id, "id"))
    return lambda: json_response({"fee": post()})


def _get_accounts(books: Books, request: Request) -> Commit:  # noqa: ARG001 - as every route
    rows = [{"id": index, "code": code, "name": name} for index, (code, name) in enumerate(ACCOUNTS.items(), start=1)]
    return lambda: json_response({"accounts": rows})


def _get_warehouses(books: Books, request: Request) -> Commit:  # noqa: ARG001 - as every route
    return lambda: json_response({"warehouses": _named(books.state.warehouses, "Warehouse {}")})


def _get_methods(books: Books, request: Request) -> Commit:  # noqa: ARG001 - as every route
    return lambda: json_response({"payment_methods": _named(PAYMENT_METHODS, "{}")})


def _named(codes: tuple[str, ...], name: str) -> list[JsonDict]:
    return [{"id": index, "code": code, "name": name.format(code)} for index, code in enumerate(codes, start=1)]


def _get_stock(books: Books, request: Request) -> Commit:
    warehouses, codes = values(request, "warehouse"), values(request, "code")
    after = number(value(request, "after") or "0", "after")
    size = limit(request, _STOCK_LIMIT)

    def commit() -> Response:
        stock = books.shipping.stock(warehouses, codes or None, after, size)
        full = not codes and bool(warehouses) and len(stock) == size * len(warehouses)
        return json_response({"stock": stock, "next": stock[-1]["product"] if full else None})

    return commit


def _get_stock_changes(books: Books, request: Request) -> Commit:
    after = value(request, "after")
    start = number(after, "after") if after else None
    size = limit(request, _STOCK_LIMIT)

    def commit() -> Response:
        last = books.state.changed_stock.last
        return json_response(books.shipping.changed_stock(last if start is None else start, size))

    return commit
