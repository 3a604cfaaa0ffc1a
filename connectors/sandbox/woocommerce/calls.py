"""One REST call inside the shop, and what every handler needs: who asks, the body, replies with WordPress' headers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import orjson

from connectors.sandbox.exchange import Headers, Request, Response
from connectors.sandbox.woocommerce.auth import is_secure, unauthorised
from connectors.sandbox.woocommerce.deliveries import Deliveries
from connectors.sandbox.woocommerce.errors import WpError, invalid_id
from connectors.sandbox.woocommerce.query import pick_fields
from connectors.sandbox.woocommerce.render import Renderer, php_json
from connectors.sandbox.woocommerce.settings import ApiKey
from connectors.sandbox.woocommerce.shop import Json, Shop

JSON_TYPE = ("Content-Type", "application/json; charset=UTF-8")
_REST_HEADERS: Headers = (
    ("X-Robots-Tag", "noindex"),
    ("X-Content-Type-Options", "nosniff"),
    ("Access-Control-Expose-Headers", "X-WP-Total, X-WP-TotalPages, Link"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, X-WP-Nonce, Content-Disposition, Content-MD5, Content-Type",
    ),
    ("Vary", "Origin"),
)
NO_CACHE: Headers = (
    ("Expires", "Wed, 11 Jan 1984 05:00:00 GMT"),
    ("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private"),
)
_MAX_BATCH = 100
_ERROR = 400


@dataclasses.dataclass(slots=True)
class Store:
    """The parts that handlers use together."""

    shop: Shop
    renderer: Renderer
    deliveries: Deliveries


@dataclasses.dataclass(slots=True)
class Call:
    """One request on its way through a handler."""

    store: Store
    request: Request
    key: ApiKey | None
    #: Methods of the route, for the `Allow` header.
    allow: str = ""

    @property
    def shop(self) -> Shop:
        """The shop."""
        return self.store.shop

    @property
    def scheme(self) -> str:
        """How links are written: by how the client came."""
        return "https" if is_secure(self.request) else "http"

    def require(self, verb: str) -> None:
        """Raises WpError 401 for a visitor."""
        if self.key is None:
            raise unauthorised(verb)

    def json(self) -> Json:
        """The body as an object; an absent one is empty. Raises WpError 400."""
        if not self.request.body:
            return {}
        try:
            body = self.request.json()
        except ValueError:
            data = {"json_error_code": 4, "json_error_message": "Syntax error"}
            raise WpError(400, "rest_invalid_json", "Invalid JSON body passed.", data=data) from None
        return body if isinstance(body, dict) else {}

    def reply(self, value: Any, status: int = 200, *, headers: Headers = ()) -> Response:
        """`value`, cut to `_fields`; an error is never cut (rest_filter_response_fields of WordPress)."""
        fields = dict(self.request.query).get("_fields", "") if status < _ERROR else ""
        return self.reply_bytes(php_json(pick_fields(value, fields)), status, headers=headers)

    def reply_bytes(self, body: bytes, status: int = 200, *, headers: Headers = ()) -> Response:
        """A JSON reply with the headers that the recorded shop sends."""
        sent: list[tuple[str, str]] = [("Date", self.shop.http_date()), JSON_TYPE, *_REST_HEADERS]
        if not any(name == "Link" for name, _ in headers):
            home = f"{self.scheme}://{self.store.renderer.host}/wp-json/"
            sent.append(("Link", f'<{home}>; rel="https://api.w.org/"'))
        sent.extend(headers)
        if self.allow:
            sent.append(("Allow", self.allow))
        if self.key is not None:
            sent.extend(NO_CACHE)
        return Response(status, body, tuple(sent))

    def created(self, value: Any, path: str) -> Response:
        """201 with the new record's address."""
        return self.reply(value, 201, headers=(("Location", self.store.renderer.href(self.scheme, path)),))


def number_of(segment: str, kind: str = "shop_order") -> int:
    """A path segment as an id. Raises WpError 404."""
    if not segment.isdigit():
        raise invalid_id(kind)
    return int(segment)


def run_batch(
    sent: Json, create: Callable[[Json], Json], update: Callable[[Json], Json], delete: Callable[[int], Json]
) -> Json:
    """A batch: 200 with an `error` in the place of each item that failed. Raises WpError 413 above 100 items."""
    groups = {name: sent.get(name) or [] for name in ("create", "update", "delete")}
    if sum(len(items) for items in groups.values()) > _MAX_BATCH:
        text = f"Unable to accept more than {_MAX_BATCH} items for this request."
        raise WpError(413, "woocommerce_rest_request_entity_too_large", text)
    steps: dict[str, Callable[[Any], Json]] = {"create": create, "update": update, "delete": delete}
    return {name: [_attempt(steps[name], item) for item in items] for name, items in groups.items() if items}


def _attempt(step: Callable[[Any], Json], item: Any) -> Json:
    try:
        return step(item)
    except WpError as error:
        number = item.get("id", 0) if isinstance(item, dict) else item
        return {"id": number, "error": error.as_json()}


def loads(body: bytes) -> Json:
    """Rendered bytes back as JSON."""
    value: Json = orjson.loads(body)
    return value
