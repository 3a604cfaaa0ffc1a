"""Stock: what may be sold of each article in each warehouse, and which articles moved.

The server's forecast counts every move up to a day: those that were made and those that are planned. With a later day
it counts goods that are still to be bought. With today's it overlooks a confirmed sale of a product with a lead time,
whose parcel is planned for a later day (seen on 8.2). So it is asked for today, and what is to leave later is taken
out here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken
from connectors.kit.stock import Location, StockChanges, StockReading
from connectors.tryton import stamps
from connectors.tryton.client import TrytonClient
from connectors.tryton.goods import batches
from connectors.tryton.masters import Masters
from connectors.tryton.stamps import Source

#: What is on hand less what is promised: a sale's moves are there from its confirmation on.
FIGURE: Final = "forecast_quantity"
#: Articles of one call: 200 take 0.3 s on an idle server.
BATCH: Final = 200
_FIELDS: Final = ("code", "quantity", FIGURE)
_MOVE: Final = ("product", "internal_quantity")
_MOVES: Final = 1_000


class Stock:
    """The stock of one company."""

    def __init__(self, client: TrytonClient, masters: Masters, overlap_s: float) -> None:
        self._client, self._masters = client, masters
        self._overlap = dt.timedelta(seconds=overlap_s)

    def locations(self) -> list[Location]:
        """The warehouses."""
        return [
            Location(str(row["id"]), row.get("code") or str(row["id"]), row.get("name") or "")
            for row in self._masters.warehouses()
        ]

    def read(self, locations: Sequence[str], skus: Sequence[str] | None) -> Iterator[list[StockReading]]:
        """One list of readings for each call. Raises ConnectionBroken for a location that the server does not have."""
        known = {location.code: location for location in self.locations()}
        for code in locations:
            if code not in known:
                raise ConnectionBroken(
                    f"Tryton has no warehouse {code!r} that the key's user sees; there are: {', '.join(sorted(known))}"
                )
        for code in locations:
            for rows, later in self._pages(int(known[code].external_id), skus):
                yield [_reading(row, code, later.get(row["id"], Decimal(0))) for row in rows]

    def _pages(
        self, warehouse: int, skus: Sequence[str] | None
    ) -> Iterator[tuple[list[JsonDict], Mapping[int, Decimal]]]:
        """Products, and what is to leave later of them.

        The latter is read first: a parcel that leaves early between the two calls is then taken out twice, never not
        at all; an order that is confirmed between them is newer than the reading.
        """
        # Without `locations` the server says 0 for everything.
        context = {
            **self._masters.context(),
            "locations": [warehouse],
            "with_childs": True,
            "stock_date_end": self._masters.today(),
        }
        goods: list[Any] = [["type", "=", "goods"]]
        if skus is None:
            last, later = 0, self._leaving_later(warehouse, [])
            while True:
                domain = [*goods, ["code", "!=", None], ["id", ">", last]]
                rows = self._search(domain, context, BATCH)
                yield [row for row in rows if row["code"]], later
                if len(rows) < BATCH:
                    return
                last = rows[-1]["id"]
        for batch in batches(skus):
            for first in range(0, len(batch), BATCH):
                codes = ["code", "in", batch[first : first + BATCH]]
                later = self._leaving_later(warehouse, [[f"product.{codes[0]}", *codes[1:]]])
                yield self._search([*goods, codes], context), later

    def _leaving_later(self, warehouse: int, products: Sequence[Any]) -> dict[int, Decimal]:
        """Product id -> pieces in its own unit that are planned to leave the warehouse on a later day than today."""
        leaving = [
            ["from_location", "child_of", [warehouse], "parent"],
            ["to_location", "not child_of", [warehouse], "parent"],
            ["state", "in", ["draft", "assigned"]],
            ["planned_date", ">", self._masters.today()],
            ["company", "=", self._masters.company()["id"]],
        ]
        pieces: dict[int, Decimal] = {}
        last = 0
        while True:
            domain = [*products, *leaving, ["id", ">", last]]
            rows = self._client.search("stock.move", domain, _MOVE, order=[["id", "ASC"]], limit=_MOVES)
            for row in rows:
                pieces[row["product"]] = pieces.get(row["product"], Decimal(0)) + Decimal(row["internal_quantity"])
            if len(rows) < _MOVES:
                return pieces
            last = rows[-1]["id"]

    def _search(self, domain: Sequence[Any], context: JsonDict, limit: int | None = None) -> list[JsonDict]:
        order = [["id", "ASC"]]
        return self._client.search("product.product", domain, _FIELDS, context=context, order=order, limit=limit)

    def changes(self, checkpoint: str | None) -> Iterator[StockChanges]:
        """Articles of stock moves that were made or written; a product itself is not written when its stock moves."""
        source = self._moves()
        if checkpoint is None:
            # The server's clock, where it has said anything yet.
            now = stamps.newest(self._client, source) or stamps.BEGINNING
            yield StockChanges(frozenset(), stamps.write_checkpoint(now))
            return
        reached = stamps.read_checkpoint(checkpoint)
        yielded = False
        for page in stamps.changes(self._client, [source], reached - self._overlap):
            reached = max(reached, page[-1].at)
            yielded = True
            skus = frozenset(name for change in page for name in change.names)
            yield StockChanges(skus, stamps.write_checkpoint(reached))
        if not yielded:
            yield StockChanges(frozenset(), checkpoint)

    def _moves(self) -> Source:
        domain = (["company", "=", self._masters.company()["id"]],)
        return Source("stock.move", domain, ("product.code",), lambda row: filter(None, [row["product"]["code"]]))


def _reading(row: JsonDict, location: str, later: Decimal) -> StockReading:
    quantity, figure = Decimal(row["quantity"]), Decimal(row[FIGURE]) - later
    # What is expected today raises the figure above what is on hand; nothing is reserved then.
    return StockReading(row["code"], location, figure, max(quantity - figure, Decimal(0)))
