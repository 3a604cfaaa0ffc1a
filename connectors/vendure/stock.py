"""Stock: what can be sold of each SKU at one of the shop's stock locations, and setting it.

As recorded (80 to 85): a sale allocates pieces and its fulfilment takes them off what is on hand, so what can be sold
is `stockOnHand` less `stockAllocated`. Written is what is on hand alone: to what is to be sold the allocated pieces are
added, which are read directly before. Setting what can be sold as what is on hand would count every open order twice.
Whole numbers only. One unknown article fails a whole call, so articles are looked up first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import DryRun
from connectors.kit.stock import ShopStock, StockResult, StockWrite
from connectors.kit.words import say
from connectors.vendure import queries, rows
from connectors.vendure.client import Client

#: A mutation writes its articles one after the other, at about 10 ms each.
BULK: Final = 100
_REMEMBERED_S: Final = 900.0


class Stock:
    """The stock of one shop, at one location. Thread-safe."""

    def __init__(self, client: Client, location: str) -> None:
        """`location` is the id or the name of a stock location; empty for the shop's only one."""
        self._client, self._location = client, location
        self._lock = threading.Lock()
        #: The location's id, and until when (monotonic) it is believed.
        self._known: tuple[str, float] | None = None

    def find(self, skus: Iterable[str]) -> dict[str, list[ShopStock]]:
        """Every article under each SKU, lowest id first."""
        wanted = [sku for sku in dict.fromkeys(skus) if sku.strip()]
        place = self.place() if wanted else ""
        found: dict[str, list[ShopStock]] = {}
        for first in range(0, len(wanted), BULK):
            batch = wanted[first : first + BULK]
            for row in self._variants({"sku": {"in": batch}}, 10 * len(batch)):
                # The database may compare without regard to case.
                if (sku := str(row.get("sku") or "")) in batch:
                    found.setdefault(sku, []).append(_article(row, sku, place))
        return found

    def write(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        """A look and a write for each hundred articles. After a write without a usable answer nothing more is sent."""
        results: dict[int, StockResult] = {}
        stopped: ConnectorError | None = None
        for first in range(0, len(writes), BULK):
            batch = {index: writes[index] for index in range(first, min(first + BULK, len(writes)))}
            if stopped is None:
                stopped = self._batch(batch, results)
            else:
                results |= {index: StockResult(error=stopped) for index in batch}
        return [results[index] for index in range(len(writes))]

    def _batch(self, batch: dict[int, StockWrite], results: dict[int, StockResult]) -> ConnectorError | None:
        """Fill in the results of one batch; an error that stops the others too is returned."""
        try:
            place = self.place()
            ids = list(dict.fromkeys(write.article.external_id for write in batch.values()))
            standing = {row["id"]: row for row in self._variants({"id": {"in": ids}}, len(ids))}
        except DryRun:
            raise
        except ConnectorError as error:
            results |= {index: StockResult(error=error) for index in batch}
            return error
        orders: dict[str, JsonDict] = {}
        for index, write in batch.items():
            row = standing.get(write.article.external_id)
            refusal = _refusal(write, row)
            if refusal is not None or row is None:
                results[index] = StockResult(error=refusal)
                continue
            on_hand = int(write.quantity) + _level(row, place)[1]
            orders[row["id"]] = {"id": row["id"], "stockLevels": [{"stockLocationId": place, "stockOnHand": on_hand}]}
        return self._send(batch, list(orders.values()), place, results) if orders else None

    def _send(
        self, batch: dict[int, StockWrite], orders: list[JsonDict], place: str, results: dict[int, StockResult]
    ) -> ConnectorError | None:
        open_ones = [index for index in batch if index not in results]
        try:
            made = self._client.write(queries.SET_STOCK, "updateProductVariants", input=orders)
        except DryRun:
            raise
        except ConnectorError as error:
            results |= {index: StockResult(error=error) for index in open_ones}
            if isinstance(error, RecordRejected):
                return None
            unsent = Transient(say("not sent: the call before it had no usable answer"))
            return unsent if isinstance(error, OutcomeUnknown) else error
        shown = {row["id"]: row for row in made if isinstance(row, dict)} if isinstance(made, list) else {}
        for index in open_ones:
            row = shown.get(batch[index].article.external_id)
            if row is None:
                text = say("the shop's answer does not name the article")
                results[index] = StockResult(error=OutcomeUnknown(text, code="not_the_articles"))
                continue
            on_hand, allocated = _level(row, place)
            results[index] = StockResult(quantity=Decimal(on_hand - allocated))
        return None

    def place(self) -> str:
        """The id of the stock location. Raises ConnectionBroken where it is not there, or nobody can say which."""
        with self._lock:
            if self._known is not None and time.monotonic() < self._known[1]:
                return self._known[0]
        found = rows.records(self._client.read(queries.LOCATIONS), "stockLocations")
        fitting = [row["id"] for row in found if self._location in {"", row["id"], row.get("name")}]
        if len(fitting) != 1:
            names = ", ".join(str(row.get("name") or row["id"]) for row in found)
            text = say("option `stock_location` must name one of the shop's stock locations: %(names)s", names=names)
            raise ConnectionBroken(text, code="stock_location")
        with self._lock:
            self._known = (fitting[0], time.monotonic() + _REMEMBERED_S)
        return str(fitting[0])

    def _variants(self, filtered: JsonDict, take: int) -> list[JsonDict]:
        options = {"filter": filtered, "sort": {"id": "ASC"}, "take": min(take, 1000)}
        return rows.records(self._client.read(queries.STOCK, options=options), "productVariants")


def _article(row: JsonDict, sku: str, place: str) -> ShopStock:
    on_hand, allocated = _level(row, place)
    # INHERIT is the shop's default, which is to keep a count.
    kept = "none" if row.get("trackInventory") == "FALSE" else "own"
    quantity = Decimal(on_hand - allocated) if kept == "own" else None
    return ShopStock(sku=sku, external_id=row["id"], quantity=quantity, kept=kept)


def _level(row: JsonDict, place: str) -> tuple[int, int]:
    """On hand and allocated at the location; nothing where the article never was."""
    for level in row.get("stockLevels") or ():
        if level.get("stockLocationId") == place:
            return int(level["stockOnHand"]), int(level["stockAllocated"])
    return 0, 0


def _refusal(write: StockWrite, row: JsonDict | None) -> RecordRejected | None:
    sku = write.article.sku
    if row is None:
        return RecordRejected(say("article %(sku)s is no longer in the shop", sku=sku), code="gone")
    if row.get("trackInventory") == "FALSE":
        return RecordRejected(say("the shop keeps no count of %(sku)s", sku=sku), code="not_counted")
    if write.quantity != write.quantity.to_integral_value():
        text = say("the shop counts whole pieces; %(sku)s has %(quantity)s", sku=sku, quantity=f"{write.quantity:f}")
        return RecordRejected(text, code="fraction")
    return None
