"""Control routes for what people do in the ERP's own pages, so that tests and the demo can play them.

POST  /_sandbox/shipments/{id}/send      [{"lines": {"CODE": "2"}, "tracking": [{"number", "url"}], "carrier"}]
POST  /_sandbox/sales/{id}/send          everything that can leave, the same way -> {"shipments": [..]}
PATCH /_sandbox/shipments/{id}           {"tracking": [..], "carrier"}: somebody corrects them
POST  /_sandbox/shipments/{id}/receive   a return has come
POST  /_sandbox/shipments/{id}/cancel
POST  /_sandbox/invoices/{id}/post
POST  /_sandbox/invoices/{id}/cancel     a draft
POST  /_sandbox/payments/{id}/post       a draft
POST  /_sandbox/fees/{id}/post           a draft
POST  /_sandbox/invoices/{id}/pay        [{"amount", "reference"}]: all that is open unless it says how much
PATCH /_sandbox/invoices/{id}            {"number", "file"}: what nobody should do
POST  /_sandbox/sales/{id}/cancel
POST  /_sandbox/sales/{id}/return        {"lines": {"CODE": "1"}, "amount": "10.00"}: goods are back, a refund is made
PATCH /_sandbox/sales/{id}/edit          {"note": ..}: addresses and notes in any state, lines while it is open
GET   /_sandbox/sales/{id}               the sale with everything that hangs on it
PUT   /_sandbox/stock                    {"code", "quantity"[, "warehouse"]}, or a list of them
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.core import today
from connectors.sandbox.erp.documents import CONFIRMED, JsonDict, Refused, decimal
from connectors.sandbox.erp.papers import READY
from connectors.sandbox.erp.shipping import pieces_from
from connectors.sandbox.exchange import Handler, Request, Response, Router, json_response


def add_people_routes(control: Router[Handler], books: Books) -> None:
    """Add the routes to a server's control router."""
    shipping, billing = books.shipping, books.billing
    routes: list[tuple[str, str, Callable[[int, JsonDict], object]]] = [
        ("POST", "shipments/{number}/send", lambda number, sent: shipping.send(number, **_parcels(sent))),
        ("PATCH", "shipments/{number}", lambda number, sent: shipping.track(number, **sent)),
        ("POST", "shipments/{number}/receive", lambda number, _: shipping.receive(number)),
        ("POST", "shipments/{number}/cancel", lambda number, _: shipping.cancel(number)),
        ("POST", "invoices/{number}/post", lambda number, _: billing.post(number)),
        ("POST", "invoices/{number}/cancel", lambda number, _: billing.cancel(number)),
        ("POST", "invoices/{number}/pay", lambda number, sent: _pay(books, number, sent)),
        ("POST", "payments/{number}/post", lambda number, _: billing.post_payment(number)),
        ("POST", "fees/{number}/post", lambda number, _: books.expenses.decide_post(number)()),
        ("PATCH", "invoices/{number}", billing.spoil),
        ("POST", "sales/{number}/send", lambda number, sent: _send_all(books, number, sent)),
        ("POST", "sales/{number}/cancel", lambda number, _: books.cancel(number)),
        ("POST", "sales/{number}/return", lambda number, sent: _take_back(books, number, sent)),
        ("PATCH", "sales/{number}/edit", books.edit),
        ("GET", "sales/{number}", lambda number, _: _survey(books, number)),
    ]
    for method, pattern, do in routes:
        control.add(method, f"/_sandbox/{pattern}", _answering(do))
    control.add("PUT", "/_sandbox/stock", lambda request: _set_stock(books, request))


def _answering(do: Callable[[int, JsonDict], object]) -> Handler:
    def answer(request: Request, number: str) -> Response:
        return refusing(lambda: json_response(do(int(number), request.json() if request.body else {})))

    return answer


def refusing(do: Callable[[], Response]) -> Response:
    """The answer, or why the ERP refuses."""
    try:
        return do()
    except Refused as refused:
        return json_response(refused.to_json(), refused.status)


def _parcels(sent: JsonDict) -> dict[str, Any]:
    return {
        "pieces": pieces_from(sent.get("lines")),
        "tracking": sent.get("tracking", ()),
        "carrier": sent.get("carrier", ""),
    }


def _send_all(books: Books, number: int, sent: JsonDict) -> JsonDict:
    ready = [each["id"] for each in _survey(books, number)["shipments"] if each["state"] == READY]
    return {"shipments": [books.shipping.send(shipment, **_parcels(sent)) for shipment in ready]}


def _pay(books: Books, number: int, sent: JsonDict) -> JsonDict:
    invoices = books.billing.invoices([number])
    amount = sent.get("amount") or (invoices[0]["open"] if invoices else "0")
    payload = {"invoice": number, "amount": amount, "reference": sent.get("reference", "")}
    return books.billing.commit_payment(books.billing.decide_payment(payload))


def _take_back(books: Books, number: int, sent: JsonDict) -> JsonDict:
    """A refund of the person's own for `amount` net, without a key; confirmed, and its goods are in stock again."""
    pieces = pieces_from(sent.get("lines", {})) or {}
    amount = decimal(sent, "amount", "amount") if "amount" in sent else Decimal(0)
    lines = [
        {"product": product.id, "quantity": f"{-pieces[product.code]:f}", "amount": "0", "tax": "0"}
        for product in books.products(list(pieces))
    ]
    if len(lines) != len(pieces) or not lines:
        raise Refused(422, "unknown_product", "each line must be a product's code and its pieces", "lines")
    lines[0]["amount"] = f"{-amount:f}"
    why = {"restock": True, "returned": True, "reason": "return"}
    payload = {"sale": number, "sale_date": today(), "lines": lines, **why}
    made = books.commit_sale(books.decide_refund(payload))["id"]
    for shipment in books.decide_advance(made, CONFIRMED, "refund")()["shipments"]:
        books.shipping.receive(shipment)
    return books.sales_by_id([made], "refund")[0]


def _survey(books: Books, number: int) -> JsonDict:
    found = books.survey([number])
    if not found:
        raise Refused(404, "not_found", f"there is no sale {number}", "id")
    return found[0]


def _set_stock(books: Books, request: Request) -> Response:
    def do() -> Response:
        sent = request.json()
        for each in sent if isinstance(sent, list) else [sent]:
            books.shipping.set_stock(each["code"], decimal(each, "quantity", "quantity"), each.get("warehouse", ""))
        return Response(204)

    return refusing(do)
