"""The state of one shop: orders, products, notes, fulfillments, webhooks; and who wants to know of changes.

Orders are kept as JSON bytes, because 20,000 of them as Python objects would take a gigabyte; an order is parsed when
it changes and rendered once per change. All amounts in it have up to 6 decimals, all times are GMT text to the second.

Everything that happens is a ledger entry. Where the ledger is a file the entry carries the whole record afterwards, so
that the shop stands again after a kill -9 (`restore`).
"""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
import email.utils
import threading
import time
from collections.abc import Callable
from typing import Any

import orjson

from connectors.sandbox.ledger import Entry, Ledger
from connectors.sandbox.woocommerce.errors import invalid_id
from connectors.sandbox.woocommerce.settings import ShopSettings, to_local

Json = dict[str, Any]
#: (topic, resource id), e.g. ("order.updated", 19); called under the shop's lock, so it must be quick.
Listener = Callable[[str, int], None]


@dataclasses.dataclass(slots=True)
class OrderRow:
    """An order with the columns that lists need. `shown` caches its rendered bytes by (scheme, decimals)."""

    id: int
    status: str
    created: str
    modified: str
    raw: bytes
    shown: dict[tuple[str, int], bytes] = dataclasses.field(default_factory=dict)

    def document(self) -> Json:
        """The order as it is kept; a copy of its own."""
        document: Json = orjson.loads(self.raw)
        return document


class Ids:
    """Counters. Orders, refunds and products share one, as rows of one table do in WordPress."""

    def __init__(self) -> None:
        self._last = {"post": 11, "item": 0, "meta": 0, "comment": 0, "webhook": 0, "fulfillment": 0}

    def take(self, kind: str) -> int:
        """The next id."""
        self._last[kind] += 1
        return self._last[kind]

    def used(self, kind: str, number: int) -> None:
        """Never give an id up to `number` again."""
        self._last[kind] = max(self._last[kind], number)


class Shop:
    """One shop. Take `lock` around anything that reads and then writes."""

    def __init__(self, settings: ShopSettings, *, ledger: Ledger | None = None) -> None:
        self.settings = settings
        self.ledger = Ledger() if ledger is None else ledger
        self.lock = threading.RLock()
        self.ids = Ids()
        self.orders: dict[int, OrderRow] = {}
        #: (time, id) of every order, sorted: a walk by time is a slice.
        self.by_time: dict[str, list[tuple[str, int]]] = {"created": [], "modified": []}
        self.products: dict[int, Json] = {}
        self.skus: dict[str, int] = {}
        self.notes: dict[int, list[Json]] = {}
        self.fulfillments: dict[int, list[Json]] = {}
        self.webhooks: dict[int, Json] = {}
        #: What customers were mailed, oldest first.
        self.mails: list[Json] = []
        self.listeners: list[Listener] = []
        #: "" in service, "maintenance" or "database-down".
        self.mode = ""
        self.clock_offset_s = 0.0

    # -- time --------------------------------------------------------------------------------------------------

    def now(self) -> str:
        """The shop's clock: GMT, whole seconds."""
        moment = dt.datetime.fromtimestamp(time.time() + self.clock_offset_s, tz=dt.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S")

    def http_date(self) -> str:
        """The shop's clock as the `Date` header says it."""
        return email.utils.formatdate(time.time() + self.clock_offset_s, usegmt=True)

    def local(self, gmt: str | None) -> str | None:
        """`gmt` in the site's zone."""
        return None if gmt is None else to_local(gmt, self.settings.zone)

    def meta(self, key: str, value: Any, *, shown: bool = False) -> Json:
        """A new entry of somebody's `meta_data`; those of lines are `shown` under a readable name too."""
        meta = {"id": self.ids.take("meta"), "key": key, "value": value}
        return meta | {"display_key": key, "display_value": value} if shown else meta

    # -- orders ------------------------------------------------------------------------------------------------

    def order(self, order_id: int) -> OrderRow:
        """The order's row. Raises WpError 404."""
        try:
            return self.orders[order_id]
        except KeyError:
            raise invalid_id() from None

    def save_order(self, document: Json, effect: str, *, modified: str | None = None) -> OrderRow:
        """Keep a new or changed order and write the ledger. `modified` None means now."""
        document["date_modified_gmt"] = modified or self.now()
        row = self._put_order(document)
        self.record(effect, row.id, number=document["number"], total=document["total"], document=row.raw)
        return row

    def save_many(self, documents: list[Json], effect: str) -> None:
        """Keep many new orders with the times that they carry, in one ledger write (a generated backlog)."""
        rows = [(self._put_order(document), document) for document in documents]
        self.ledger.append_many(
            Entry(effect, document["number"], str(row.id), document["total"], self._kept(row.raw))
            for row, document in rows
        )

    def _put_order(self, document: Json) -> OrderRow:
        with self.lock:
            old = self.orders.get(document["id"])
            if old is not None:
                self._forget_times(old)
            row = OrderRow(
                document["id"],
                document["status"],
                document["date_created_gmt"],
                document["date_modified_gmt"],
                orjson.dumps(document),
            )
            self.orders[row.id] = row
            bisect.insort(self.by_time["created"], (row.created, row.id))
            bisect.insort(self.by_time["modified"], (row.modified, row.id))
            return row

    def _forget_times(self, row: OrderRow) -> None:
        for index, moment in ((self.by_time["created"], row.created), (self.by_time["modified"], row.modified)):
            del index[bisect.bisect_left(index, (moment, row.id))]

    def drop_order(self, order_id: int) -> None:
        """Delete for good; nobody is told, as in a real shop."""
        with self.lock:
            self._forget_times(self.orders.pop(order_id))
            self.notes.pop(order_id, None)
            self.fulfillments.pop(order_id, None)
            self.record("order.delete", order_id)

    # -- products ----------------------------------------------------------------------------------------------

    def save_product(self, product: Json, effect: str) -> None:
        """Keep a new or changed product."""
        with self.lock:
            self.products[product["id"]] = product
            if product["sku"]:
                self.skus[product["sku"]] = product["id"]
            self.record(effect, product["id"], number=product["sku"], document=orjson.dumps(product))

    def drop_product(self, product_id: int) -> None:
        """Delete for good. Orders read from now on have `sku: null` and `product_id: 0` on its lines."""
        with self.lock:
            product = self.products.pop(product_id)
            self.skus.pop(product["sku"], None)
            for row in self.orders.values():
                row.shown.clear()
            self.record("product.delete", product_id)

    # -- what happened -----------------------------------------------------------------------------------------

    def record(
        self, effect: str, external_id: int, *, number: str = "", total: str = "", document: bytes | None = None
    ) -> None:
        """Write one effect to the ledger."""
        self.ledger.append(Entry(effect, number, str(external_id), total, self._kept(document)))

    def record_json(self, effect: str, external_id: int, record: Json, *, number: str = "") -> None:
        """Write the effect on a small record (a note, a webhook) to the ledger, with the record as it is now."""
        self.record(effect, external_id, number=number, document=orjson.dumps(record))

    def _kept(self, document: bytes | None) -> orjson.Fragment | None:
        return orjson.Fragment(document) if document is not None and self.ledger.durable else None

    def tell(self, topic: str, resource_id: int) -> None:
        """Tell the listeners (webhooks) that something happened."""
        for listener in self.listeners:
            listener(topic, resource_id)

    def mail(self, kind: str, order_id: int, text: str) -> None:
        """Mail the customer of an order; it cannot be taken back."""
        with self.lock:
            mail = {"order_id": order_id, "kind": kind, "text": text, "at": self.now()}
            self.mails.append(mail)
            self.record_json("mail.send", len(self.mails), mail, number=str(order_id))

    def restore(self) -> int:
        """Rebuild the state from the ledger's file; the number of orders that stand again."""
        with self.lock:
            for entry in self.ledger.entries():
                self._replay(entry)
        return len(self.orders)

    def _replay(self, entry: Entry) -> None:
        kind, number = entry.kind.partition(".")[0], int(entry.external_id or 0)
        if entry.kind == "order.delete":
            self._forget_times(self.orders.pop(number))
        elif entry.kind == "product.delete":
            self.skus.pop(self.products.pop(number)["sku"], None)
        elif entry.kind == "webhook.delete":
            self.webhooks.pop(number, None)
        elif entry.document is not None:
            self._replay_document(kind, number, entry.document)

    def _replay_document(self, kind: str, number: int, document: Json) -> None:
        if kind == "order":
            self._put_order(document)
            self._mark_ids(document)
        elif kind == "product":
            self.products[number] = document
            self.skus[document["sku"]] = number
            self.ids.used("post", number)
        elif kind == "webhook":
            self.webhooks[number] = document
            self.ids.used("webhook", number)
        elif kind == "mail":
            self.mails.append(document)
        elif kind in {"note", "fulfillment"}:
            records = (self.notes if kind == "note" else self.fulfillments).setdefault(document["order_id"], [])
            records[:] = [record for record in records if record["id"] != number] + [document]
            self.ids.used("comment" if kind == "note" else "fulfillment", number)

    def _mark_ids(self, document: Json) -> None:
        self.ids.used("post", document["id"])
        for part in (document, *document["refunds"]):
            self.ids.used("post", part["id"])
            for meta in part["meta_data"]:
                self.ids.used("meta", meta["id"])
            for name in ("line_items", "tax_lines", "shipping_lines", "fee_lines", "coupon_lines"):
                for line in part.get(name, ()):
                    self.ids.used("item", line["id"])
                    for meta in line["meta_data"]:
                        self.ids.used("meta", meta["id"])
