"""The list semantics of WooCommerce as measured, small enough to be seen through; it changes while it is read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import email.utils
import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import responses

URL = "https://shop.example"
EPOCH = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def text(second: int) -> str:
    return (EPOCH + dt.timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


@dataclasses.dataclass
class Order:
    id: int
    created: int
    modified: int
    status: str = "processing"
    #: Rows that the key's user may not read are dropped after paging.
    hidden: bool = False
    #: What a change changes; a second one within the same second too.
    revision: int = 0

    def row(self) -> dict[str, object]:
        local = EPOCH + dt.timedelta(seconds=self.created, hours=1)
        return {
            "id": self.id,
            "number": str(self.id),
            "status": self.status,
            "total": f"{self.id}.10",
            "currency": "EUR",
            "date_created": local.strftime("%Y-%m-%dT%H:%M:%S"),
            "date_created_gmt": text(self.created),
            "date_modified_gmt": text(self.modified),
            "revision": self.revision,
            "_links": {"self": [{"href": f"{URL}/wp-json/wc/v3/orders/{self.id}"}]},
        }


class Shop:
    """Answers `GET /orders` below URL through `responses`; `before_each` runs before every answer."""

    def __init__(self, orders: list[Order], *, now: int, old_core: bool = False) -> None:
        self.orders = {order.id: order for order in orders}
        self.now = now
        self.old_core = old_core
        self.calls: list[dict[str, str]] = []
        self.before_each: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"Shop({list(self.orders.values())}, now={self.now}, old_core={self.old_core})"

    def touch(self, order: Order) -> None:
        order.modified = self.now
        order.revision += 1

    def visible(self) -> dict[str, int]:
        return {str(order.id): order.revision for order in self.orders.values() if not order.hidden}

    def serve(self, mock: responses.RequestsMock) -> None:
        mock.add_callback(responses.GET, f"{URL}/wp-json/wc/v3/orders", callback=self._answer)

    def _answer(self, request):
        self.before_each()
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        self.calls.append(query)
        headers = {"Date": email.utils.format_datetime(EPOCH + dt.timedelta(seconds=self.now), usegmt=True)}
        if self.old_core and query.get("orderby") == "modified":
            params = {"orderby": "orderby is not one of date, id, include, title, slug."}
            error = {"code": "rest_invalid_param", "message": "Invalid parameter(s): orderby"}
            return 400, headers, json.dumps(error | {"data": {"status": 400, "params": params}})
        found = self._found(query)
        size, number = int(query["per_page"]), int(query["page"])
        page = found[(number - 1) * size : number * size]
        total = len(found) if page else 0
        headers |= {"X-WP-Total": str(total), "X-WP-TotalPages": str(-(-total // size))}
        return 200, headers, json.dumps([order.row() for order in page if not order.hidden])

    def _found(self, query) -> list[Order]:
        assert query["dates_are_gmt"] == "true"
        trash = query["status"] == "trash"
        prefix, field = ("", "created") if "after" in query else ("modified_", "modified")
        after, before = query[f"{prefix}after"], query.get(f"{prefix}before")
        assert not after.endswith("Z")
        found = [
            order
            for order in self.orders.values()
            if (order.status == "trash") == trash
            and text(getattr(order, field)) > after
            and (before is None or text(getattr(order, field)) < before)
        ]
        key = {"modified": "modified", "date": "created"}.get(query["orderby"])
        assert query["order"] == "asc"
        return sorted(found, key=lambda order: (getattr(order, key) if key else 0, order.id))
