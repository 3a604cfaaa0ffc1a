"""The shop over HTTP: who asks, and GraphQL; whatever comes of it, the status is 200."""

from __future__ import annotations

import operator
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import format_datetime
from typing import Any, Final

from connectors.sandbox.exchange import Request, Response, json_response
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.server import Server, serve
from connectors.sandbox.shopify.selection import Document, Field, GraphQLError, parse, project
from connectors.sandbox.vendure.shop import Json, Refused, Shop, ShopSettings

_MOST: Final = 1000
_NOT_FOUND: Final = "ENTITY_NOT_FOUND"


class VendureApp:
    """Answers what a client of the admin API asks."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._tokens: set[str] = set()
        self._roots: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "orders": lambda told: self._listed(list(shop.orders.values()), told),
            "order": lambda told: shop.orders.get(str(told["id"])),
            "productVariants": lambda told: self._listed(list(shop.variants.values()), told),
            "stockLocations": lambda _told: {
                "items": [{"id": str(number), "name": name} for number, name in enumerate(shop.settings.locations, 1)]
            },
            "fulfillmentHandlers": lambda _told: [{"code": "manual-fulfillment"}],
            "globalSettings": lambda _told: {"serverConfig": {"moneyStrategyPrecision": shop.settings.precision}},
            "activeChannel": lambda _told: self._channel(),
            "me": lambda _told: {
                "identifier": shop.settings.login,
                "channels": [{"code": shop.settings.channel, "permissions": list(shop.settings.permissions)}],
            },
            "addFulfillmentToOrder": self._fulfil,
            "transitionFulfillmentToState": lambda told: shop.move_parcel(str(told["id"]), told["state"]),
            "transitionOrderToState": lambda told: shop.move(str(told["id"]), told["state"]),
            "cancelOrder": self._cancel_order,
            "addNoteToOrder": lambda told: shop.add_note(
                str(told["input"]["id"]), told["input"]["note"], public=told["input"]["isPublic"]
            ),
            "updateOrderNote": lambda told: shop.change_note(str(told["input"]["noteId"]), told["input"]["note"]),
            "refundOrder": lambda told: shop.give_back(told["input"]),
            "updateProductVariants": self._set_stock,
        }

    def at(self, server: Server) -> None:
        """What its people do, over the server's own routes."""
        control = server.control
        control.add("POST", "/_sandbox/sell", self._sell)
        control.add("POST", "/_sandbox/orders/{number}/cancel", self._cancel)
        control.add("POST", "/_sandbox/orders/{number}/refund", self._refund)

    def _sell(self, request: Request) -> Response:
        told = request.json() if request.body else {}
        lines = [(line["sku"], int(line.get("quantity", 1))) for line in told.get("lines", ())]
        try:
            return json_response({"id": self.shop.sell(lines or None)["id"]}, 201)
        except KeyError as error:
            return json_response({"error": f"the shop sells no {error}"}, 404)

    def _cancel(self, _request: Request, number: str) -> Response:
        if number not in self.shop.orders:
            return json_response({"error": f"the shop has no order {number}"}, 404)
        self.shop.cancel(number)
        return Response(204)

    def _refund(self, request: Request, number: str) -> Response:
        """`lines` {line: pieces}, or `amount` in whole units; settled at once."""
        if number not in self.shop.orders:
            return json_response({"error": f"the shop has no order {number}"}, 404)
        told = request.json()
        lines = [{"orderLineId": line, "quantity": count} for line, count in told.get("lines", {}).items()]
        payment = self.shop.orders[number]["payments"][0]["id"]
        refund = {"paymentId": payment, "lines": lines, "amount": told.get("amount"), "reason": told.get("reason")}
        try:
            return json_response({"id": self.shop.give_back(refund, "Settled")["id"]}, 201)
        except Refused as error:
            return json_response(error.record, 400)

    # -- GraphQL ---------------------------------------------------------------------------------------------

    def __call__(self, request: Request) -> Response:
        """One request."""
        if (request.method, request.path) != ("POST", "/admin-api"):
            return json_response({"statusCode": 404, "message": f"Cannot {request.method} {request.path}"}, 404)
        sent = request.json()
        try:
            document = parse(sent["query"], sent.get("variables") or {})
        except GraphQLError as error:
            return self._reply({"errors": [_told(str(error), "GRAPHQL_VALIDATION_FAILED")]})
        [first, *_others] = document.fields
        if first.name == "login":
            return self._login(first)
        settings, sent_token = self.shop.settings, request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.headers.get("vendure-api-key") != settings.api_key and sent_token not in self._tokens:
            text = "You are not currently authorized to perform this action"
            return self._reply({"errors": [_told(text, "FORBIDDEN")], "data": None})
        return self._reply(self._answer(document))

    def _login(self, field: Field) -> Response:
        settings, told = self.shop.settings, field.arguments
        if (told["username"], told["password"]) != (settings.login, settings.password):
            error = {"errorCode": "INVALID_CREDENTIALS_ERROR", "message": "The provided credentials are invalid"}
            return self._reply({"data": {"login": {"__typename": "InvalidCredentialsError", **error}}})
        token = secrets.token_hex(32)
        self._tokens.add(token)
        return self._reply({"data": {"login": {"__typename": "CurrentUser"}}}, ("vendure-auth-token", token))

    def forget_sessions(self) -> None:
        """As a shop whose session table was emptied."""
        self._tokens.clear()

    def _answer(self, document: Document) -> Json:
        try:
            with self.shop.lock:
                return {"data": {field.alias: self._root(field, document) for field in document.fields}}
        except GraphQLError as error:
            return {"errors": [_told(str(error), error.code)], "data": None}
        except (KeyError, StopIteration) as error:
            return {"errors": [_told(f"No record with the id {error} could be found", _NOT_FOUND)], "data": None}

    def _root(self, field: Field, document: Document) -> Any:
        if field.name not in self._roots:
            raise GraphQLError(f'Cannot query field "{field.name}"', "GRAPHQL_VALIDATION_FAILED")
        try:
            value = self._roots[field.name](field.arguments)
        except Refused as error:
            return error.record
        return project(value, field.selection, document, self._inside)

    def _inside(self, record: Json, field: Field) -> Any:
        """The history is a list with options of its own."""
        value = record[field.name]
        return self._listed(value, field.arguments) if field.name == "history" else value

    def _reply(self, body: Json, *headers: tuple[str, str]) -> Response:
        return json_response(body, 200, headers=(("Date", format_datetime(self.shop.now(), usegmt=True)), *headers))

    def _listed(self, rows: list[Json], told: Mapping[str, Any]) -> Json:
        options = told.get("options") or {}
        take = options.get("take", 100)
        if take > _MOST:
            text = f"Cannot take more than {_MOST} results from a list query"
            raise GraphQLError(text, "USER_INPUT_ERROR")
        found = [row for row in rows if _matches(row, options.get("filter") or {})]
        for name, direction in reversed((options.get("sort") or {}).items()):
            found.sort(key=lambda row, name=name: _key(name, row), reverse=direction == "DESC")  # type: ignore[misc]
        start = options.get("skip", 0)
        return {"totalItems": len(found), "items": found[start : start + take]}

    def _channel(self) -> Json:
        settings = self.shop.settings
        return {"code": settings.channel, "defaultCurrencyCode": settings.currency, "pricesIncludeTax": True}

    def _fulfil(self, told: Mapping[str, Any]) -> Json:
        handler = told["input"]["handler"]
        if handler["code"] != "manual-fulfillment":
            text = "The FulfillmentHandler code is not valid"
            raise Refused("InvalidFulfillmentHandlerError", "INVALID_FULFILLMENT_HANDLER_ERROR", text)
        texts = {each["name"]: each["value"] for each in handler["arguments"]}
        return self.shop.fulfil(told["input"]["lines"], texts["method"], texts["trackingCode"])

    def _cancel_order(self, told: Mapping[str, Any]) -> Json:
        number = str(told["input"]["orderId"])
        self.shop.cancel(number)
        return self.shop.orders[number]

    def _set_stock(self, told: Mapping[str, Any]) -> list[Json]:
        """One unknown article, and nothing is written."""
        if missing := next((each["id"] for each in told["input"] if each["id"] not in self.shop.variants), None):
            raise GraphQLError(f'No ProductVariant with the id "{missing}" could be found', _NOT_FOUND)
        return [
            self.shop.count_stock(each["id"], level["stockLocationId"], level["stockOnHand"])
            for each in told["input"]
            for level in each["stockLevels"]
        ]


def _told(text: str, code: str) -> Json:
    return {"message": text, **({"extensions": {"code": code}} if code else {})}


def _key(name: str, row: Json) -> Any:
    return (len(row[name]), row[name]) if name == "id" else row[name]


#: How a filter compares; times are texts of one form.
_SIGNS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "in": lambda have, values: have in values,
    "notIn": lambda have, values: have not in values,
    "after": operator.gt,
    "before": operator.lt,
}


def _matches(row: Json, filtered: Mapping[str, Any]) -> bool:
    return all(_SIGNS[sign](row[name], value) for name, terms in filtered.items() for sign, value in terms.items())


@contextmanager
def serve_shop(
    settings: ShopSettings | None = None, *, port: int = 0, plan: FaultPlan | None = None
) -> Iterator[tuple[Server, VendureApp]]:
    """A shop on loopback."""
    shop = Shop(settings)
    app = VendureApp(shop)
    with serve(app, port=port, name="vendure", plan=plan, ledger=shop.ledger) as server:
        app.at(server)
        yield server, app
