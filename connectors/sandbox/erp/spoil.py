"""Control routes that spoil the books by hand, so that a proof can be shown to notice; refunds are sales here too.

DELETE /_sandbox/sales/{id}             the sale vanishes, whatever its state -> 204
PATCH  /_sandbox/sales/{id}             {"total": "12.35"} -> the sale
POST   /_sandbox/sales/{id}/double      -> its twin, with the same key and a higher id
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.people import refusing
from connectors.sandbox.exchange import Handler, Request, Response, Router, json_response


def add_spoil_routes(control: Router[Handler], books: Books) -> None:
    """Add the routes to a server's control router."""

    def delete(_request: Request, number: str) -> Response:
        books.spoil_delete(int(number))
        return Response(204)

    def change(request: Request, number: str) -> Response:
        return json_response(books.spoil_total(int(number), request.json()["total"]))

    def double(_request: Request, number: str) -> Response:
        return json_response(books.spoil_double(int(number)), 201)

    control.add("DELETE", "/_sandbox/sales/{number}", _answered(delete))
    control.add("PATCH", "/_sandbox/sales/{number}", _answered(change))
    control.add("POST", "/_sandbox/sales/{number}/double", _answered(double))


def _answered(handler: Callable[[Request, str], Response]) -> Handler:
    return lambda request, number: refusing(lambda: handler(request, number))
