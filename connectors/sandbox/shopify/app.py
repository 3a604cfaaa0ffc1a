"""The shop over HTTP: tokens, scopes, GraphQL with its cost, and webhooks that go out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import logging
import queue
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from connectors.sandbox.exchange import Request, Response, json_response
from connectors.sandbox.faults import FaultPlan
from connectors.sandbox.server import Server, serve
from connectors.sandbox.shopify.bulk import BulkOperations
from connectors.sandbox.shopify.roots import WayBack
from connectors.sandbox.shopify.selection import Document, Field, GraphQLError, cost_of, parse, project
from connectors.sandbox.shopify.shop import Json, Shop, ShopSettings

log = logging.getLogger(__name__)

_GRAPHQL: Final = re.compile(r"/admin/api/[0-9]{4}-[0-9]{2}/graphql\.json")
_TERM: Final = re.compile(r"(\w+):(>=|<=|<|>)'([^']+)'")
_SORTED: Final = {"UPDATED_AT": "updatedAt", "PROCESSED_AT": "processedAt", "CREATED_AT": "createdAt"}
_SEARCHED: Final = {"updated_at": "updatedAt", "processed_at": "processedAt", "created_at": "createdAt"}
#: They take a length, and are no connections all the same.
_PLAIN_LISTS: Final = frozenset({"fulfillments"})
_SKU: Final = re.compile(r'sku:"((?:[^"\\]|\\.)*)"')
_MOST: Final = 1000
_LONGEST_PAGE: Final = 250
_TIMEOUT_S: Final = 5.0


class ShopifyApp:
    """Answers what a client of the shop asks."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._tokens: set[str] = set()
        self._codes: set[str] = set()
        self._numbers = itertools.count(7001)
        self._going: queue.Queue[tuple[str, Json] | None] = queue.Queue()
        shop.listeners.append(lambda topic, body: self._going.put((topic, body)))
        self._roots: dict[str, Callable[[Field], Any]] = {
            "shop": self._shop,
            "publicApiVersions": lambda _field: [{"handle": shop.settings.version, "supported": True}],
            "orders": self._orders,
            "order": lambda field: self._by_gid(field.arguments["id"]),
            "nodes": lambda field: [self._by_gid(gid) for gid in field.arguments["ids"]],
            "webhookSubscriptions": lambda field: self._connection(list(shop.subscriptions.values()), field),
            "webhookSubscriptionCreate": self._subscribe,
            "locations": lambda field: self._connection(self._locations(), field),
            "productVariants": self._variants,
        }
        self._way_back = WayBack(shop)
        self.bulk = BulkOperations(shop, self._found, self._inside)
        self._roots |= self._way_back.roots
        self._roots |= {
            "bulkOperationRunQuery": self.bulk.run,
            "bulkOperation": self.bulk.look,
            "ordersCount": lambda field: {"count": len(self._found(field)), "precision": "EXACT"},
        }
        self._sender = threading.Thread(target=self._send_all, name="shopify-webhooks", daemon=True)
        self._sender.start()

    def at(self, server: Server) -> None:
        """What its people do, over the server's own routes."""
        control = server.control
        self.bulk.url = server.url
        control.add("POST", "/_sandbox/sell", self._sell)
        control.add("POST", "/_sandbox/orders/{number}/edit", self._edit)
        control.add("POST", "/_sandbox/orders/{number}/cancel", self._cancel)
        control.add("POST", "/_sandbox/orders/{number}/refund", self._refund)
        control.add("POST", "/_sandbox/orders/{number}/remove", self._remove)
        control.add("POST", "/_sandbox/stock", self._count)

    def _sell(self, request: Request) -> Response:
        told = request.json() if request.body else {}
        lines = [(told["sku"], int(told.get("quantity", 1)))] if "sku" in told else None
        if "lines" in told:
            lines = [(line["sku"], int(line.get("quantity", 1))) for line in told["lines"]]
        try:
            return json_response({"id": self.shop.sell(lines, told.get("currency", ""))["id"].rpartition("/")[2]}, 201)
        except KeyError as error:
            return json_response({"error": f"the shop sells nothing as {error}"}, 404)

    def _refund(self, request: Request, number: str) -> Response:
        """`lines` {line: pieces}, or an `amount` alone."""
        told = request.json()
        amount = Decimal(told["amount"]) if "amount" in told else None
        return self._act(
            number, lambda order: self.shop.refund(order, told.get("lines"), amount, told.get("reason", ""))
        )

    def _remove(self, request: Request, number: str) -> Response:
        """`line`, `quantity`: taken out of the order before it is sent."""
        told = request.json()
        gid = f"gid://shopify/LineItem/{told['line']}"
        return self._act(number, lambda order: self.shop.remove(order, gid, int(told.get("quantity", 1))))

    def _count(self, request: Request) -> Response:
        told = request.json()
        try:
            with self.shop.lock:
                self.shop.goods.count(told["sku"], int(told["quantity"]), told.get("location", ""))
        except KeyError as error:
            return json_response({"error": f"the shop has no {error}"}, 404)
        return Response(204)

    def _edit(self, request: Request, number: str) -> Response:
        """The note and the tags."""
        told = {name: value for name, value in request.json().items() if name in {"note", "tags"}}
        return self._act(number, lambda order: self.shop.edit(order, **told))

    def _cancel(self, _request: Request, number: str) -> Response:
        return self._act(number, self.shop.cancel)

    def _act(self, number: str, act: Callable[[int], object]) -> Response:
        try:
            act(int(number))
        except (KeyError, StopIteration):
            return json_response({"error": f"the shop has no order {number}, or no such line in it"}, 404)
        return Response(204)

    def close(self) -> None:
        """Stop sending webhooks."""
        self._going.put(None)
        self._sender.join(_TIMEOUT_S)

    def __call__(self, request: Request) -> Response:
        """One request."""
        if (request.method, request.path) == ("POST", "/admin/oauth/access_token"):
            return self._token(request)
        if (file := self.bulk.file(request)) is not None:
            return file
        if request.headers.get("x-shopify-access-token", "") not in self._tokens:
            text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return json_response({"errors": text}, 401)
        if (request.method, request.path) == ("GET", "/admin/oauth/access_scopes.json"):
            return json_response({"access_scopes": [{"handle": scope} for scope in self.shop.settings.scopes]})
        if request.method == "POST" and _GRAPHQL.fullmatch(request.path):
            return self._graphql(request)
        return json_response({"errors": "Not Found"}, 404)

    def _token(self, request: Request) -> Response:
        told, settings = request.json(), self.shop.settings
        if "code" in told:
            return self._exchanged(told)
        known = (told.get("client_id"), told.get("client_secret")) == (settings.client_id, settings.client_secret)
        if not known or told.get("grant_type") != "client_credentials":
            return json_response({"error": "application_cannot_be_found"}, 400)
        token = f"shpat_{secrets.token_hex(16)}"
        self._tokens.add(token)
        return json_response({"access_token": token, "scope": ",".join(settings.scopes), "expires_in": 86399})

    def _exchanged(self, told: Json) -> Response:
        """A code is good once."""
        settings = self.shop.settings
        known = (told.get("client_id"), told.get("client_secret")) == (settings.client_id, settings.client_secret)
        if not known or told["code"] not in self._codes:
            return json_response({"error": "invalid_request", "error_description": "The code was not found."}, 400)
        self._codes.discard(told["code"])
        token = f"shpat_{secrets.token_hex(16)}"
        self._tokens.add(token)
        return json_response({"access_token": token, "scope": ",".join(settings.scopes)})

    def approve(self, address: str, domain: str) -> str:
        """The shop's owner opens the address of an app and approves; where the browser is sent then."""
        asked = dict(parse_qsl(urlsplit(address).query))
        code = secrets.token_hex(16)
        self._codes.add(code)
        told = {
            "code": code,
            "shop": domain,
            "state": asked["state"],
            "timestamp": str(int(self.shop.now().timestamp())),
        }
        query = urlencode(sorted(told.items()))
        signed = hmac.new(self.shop.settings.client_secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return f"{asked['redirect_uri']}?{query}&hmac={signed}"

    # -- GraphQL ---------------------------------------------------------------------------------------------

    def _graphql(self, request: Request) -> Response:
        sent = request.json()
        try:
            document = parse(sent["query"], sent.get("variables") or {})
        except GraphQLError as error:
            return self._reply({"errors": [_told(error)]})
        cost = cost_of(document.fields, document)
        if cost > _MOST:
            text = f"Query cost is {cost}, which exceeds the single query max cost limit ({_MOST})."
            return self._reply({"errors": [_told(GraphQLError(text, "MAX_COST_EXCEEDED"))]})
        had, left = self.shop.take(cost)
        told = {
            "requestedQueryCost": cost,
            "actualQueryCost": cost if had else None,
            "throttleStatus": {
                "maximumAvailable": self.shop.settings.bucket,
                "currentlyAvailable": left,
                "restoreRate": self.shop.settings.restore_rate,
            },
        }
        body = self._answer(document) if had else {"errors": [_told(GraphQLError("Throttled", "THROTTLED"))]}
        return self._reply(body | {"extensions": {"cost": told}})

    def _answer(self, document: Document) -> Json:
        try:
            with self.shop.lock:
                if document.kind == "query":
                    self._way_back.settle()
                return {"data": {field.alias: self._root(field, document) for field in document.fields}}
        except GraphQLError as error:
            return {"errors": [_told(error)]}

    def _root(self, field: Field, document: Document) -> Any:
        if field.name not in self._roots:
            raise GraphQLError(f"Field '{field.name}' doesn't exist on type", "undefinedField")
        return project(self._roots[field.name](field), field.selection, document, self._inside)

    def _inside(self, record: Json, field: Field) -> Any:
        """Lists inside of a record are connections where a length is asked for."""
        value, told = record[field.name], field.arguments
        if field.name == "metafield":
            name = (told["namespace"], told["key"])
            return next((row for row in record["metafields"] if (row["namespace"], row["key"]) == name), None)
        if field.name == "metafields" and "namespace" in told:
            value = [row for row in value if row["namespace"] == told["namespace"]]
        if isinstance(value, list) and "first" in told and field.name not in _PLAIN_LISTS:
            return self._connection(value, field)
        return value

    def _reply(self, body: Json) -> Response:
        version = ("X-Shopify-API-Version", self.shop.settings.version)
        return json_response(body, 200, headers=(version, ("Date", format_datetime(self.shop.now(), usegmt=True))))

    def _connection(self, rows: list[Json], field: Field) -> Json:
        """After a cursor: the key of the last row, so that nothing is lost where rows come and go."""
        first, after = field.arguments.get("first"), field.arguments.get("after")
        if not isinstance(first, int) or not 0 < first <= _LONGEST_PAGE:
            raise GraphQLError("you must provide one of first or last", "BAD_REQUEST")
        keys = [_cursor(place, row) for place, row in enumerate(rows)]
        start = keys.index(after) + 1 if after in keys else 0
        page = rows[start : start + first]
        more = start + first < len(rows)
        info = {"hasNextPage": more, "endCursor": keys[start + len(page) - 1] if page else None}
        return {"nodes": page, "pageInfo": info}

    def _shop(self, _field: Field) -> Json:
        settings = self.shop.settings
        return {
            "name": settings.title,
            "myshopifyDomain": "sandbox.myshopify.com",
            "ianaTimezone": settings.zone_name,
            "currencyCode": settings.currency,
            "taxesIncluded": settings.taxes_included,
        }

    def _orders(self, field: Field) -> Json:
        return self._connection(self._found(field), field)

    def _found(self, field: Field) -> list[Json]:
        """The orders that the search finds, in the order asked for."""
        name = _SORTED[field.arguments.get("sortKey", "PROCESSED_AT")]
        rows = [order for order in self.shop.orders.values() if _matches(order, field.arguments.get("query") or "")]
        return sorted(rows, key=lambda order: (order[name], order["id"]))

    def _locations(self) -> list[Json]:
        return [{"id": gid, "name": name, "isActive": True} for gid, name in self.shop.goods.locations.items()]

    def _variants(self, field: Field) -> Json:
        searched = _SKU.findall(field.arguments["query"] or "")
        words = [re.sub(r"\\(.)", r"\1", word) for word in searched]
        return self._connection(self.shop.goods.variants(words), field)

    def _by_gid(self, gid: str) -> Json | None:
        number = gid.rpartition("/")[2]
        return self.shop.orders.get(int(number)) if number.isdigit() else None

    def _subscribe(self, field: Field) -> Json:
        uri = field.arguments["webhookSubscription"].get("uri") or ""
        if urlsplit(uri).scheme not in {"http", "https"}:
            error = {"field": ["webhookSubscription", "uri"], "message": "Address is invalid"}
            return {"webhookSubscription": None, "userErrors": [error]}
        topic = field.arguments["topic"]
        if any((row["topic"], row["uri"]) == (topic, uri) for row in self.shop.subscriptions.values()):
            error = {
                "field": ["webhookSubscription", "uri"],
                "message": "Address for this topic has already been taken",
            }
            return {"webhookSubscription": None, "userErrors": [error]}
        number = next(self._numbers)
        row = {
            "id": f"gid://shopify/WebhookSubscription/{number}",
            "topic": topic,
            "uri": uri,
            "format": "JSON",
            "apiVersion": {"handle": self.shop.settings.version},
        }
        self.shop.subscriptions[number] = row
        return {"webhookSubscription": row, "userErrors": []}

    # -- webhooks --------------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        while (going := self._going.get()) is not None:
            topic, body = going
            wanted = topic.upper().replace("/", "_")
            with self.shop.lock:
                addresses = [row["uri"] for row in self.shop.subscriptions.values() if row["topic"] == wanted]
            for uri in addresses:
                self._post(uri, topic, json.dumps(body).encode())

    def _post(self, uri: str, topic: str, body: bytes) -> None:
        address = urlsplit(uri)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=_TIMEOUT_S)
        try:
            connection.request("POST", address.path or "/", body, self.headers(topic, body))
            connection.getresponse().read()
        except (OSError, http.client.HTTPException) as error:
            log.info("webhook to %s: %s", address.hostname, error)
        finally:
            connection.close()

    def headers(self, topic: str, body: bytes) -> dict[str, str]:
        """As Shopify sends them since 2026, without `X-`."""
        settings = self.shop.settings
        secret = settings.signing_secret or settings.client_secret
        digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        return {
            "Content-Type": "application/json",
            "Shopify-Topic": topic,
            "Shopify-Shop-Domain": "sandbox.myshopify.com",
            "Shopify-Hmac-Sha256": digest,
            "Shopify-Webhook-Id": secrets.token_hex(16),
            "Shopify-Event-Id": secrets.token_hex(16),
            "Shopify-API-Version": settings.version,
        }


def _cursor(place: int, row: Json) -> str:
    return base64.b64encode(f"{row.get('updatedAt', '')}|{row.get('id', place)}".encode()).decode()


def _told(error: GraphQLError) -> Json:
    return {"message": str(error), **({"extensions": {"code": error.code}} if error.code else {})}


def _matches(order: Json, query: str) -> bool:
    for name, sign, value in _TERM.findall(query):
        have = order[_SEARCHED[name]]
        ok = {">=": have >= value, ">": have > value, "<": have < value, "<=": have <= value}[sign]
        if not ok:
            return False
    return True


@contextmanager
def serve_shop(
    settings: ShopSettings | None = None, *, port: int = 0, plan: FaultPlan | None = None
) -> Iterator[tuple[Server, ShopifyApp]]:
    """A shop on loopback."""
    shop = Shop(settings)
    app = ShopifyApp(shop)
    try:
        with serve(app, port=port, name="shopify", plan=plan, ledger=shop.ledger) as server:
            app.at(server)
            yield server, app
    finally:
        app.close()
