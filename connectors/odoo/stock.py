"""Stock: what is free of each article in each warehouse (`free_qty`), and which articles' quants were written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken
from connectors.kit.stock import Location, StockChanges, StockReading
from connectors.kit.words import say
from connectors.odoo import stamps
from connectors.odoo.client import OdooClient
from connectors.odoo.goods import batches
from connectors.odoo.masters import Masters
from connectors.odoo.stamps import Source

#: On hand less what is reserved: a sale's goods are reserved from its confirmation on, as far as they are there.
FIGURE: Final = "free_qty"
BATCH: Final = 200
_FIELDS: Final = ("default_code", FIGURE, "qty_available")


class Stock:
    """The stock of one company."""

    def __init__(self, client: OdooClient, masters: Masters, overlap_s: float) -> None:
        self._client, self._masters = client, masters
        self._overlap = dt.timedelta(seconds=overlap_s)

    def locations(self) -> list[Location]:
        """The warehouses."""
        rows = self._masters.warehouses()
        return [Location(str(row["id"]), row["code"] or str(row["id"]), row["name"] or "") for row in rows]

    def read(self, locations: Sequence[str], skus: Sequence[str] | None) -> Iterator[list[StockReading]]:
        """A list for each call. Raises ConnectionBroken for a warehouse that Odoo does not have."""
        known = {location.code: location for location in self.locations()}
        for code in locations:
            if code not in known:
                names = ", ".join(sorted(known))
                text = say("Odoo has no warehouse %(code)s; there are: %(names)s", code=repr(code), names=names)
                raise ConnectionBroken(text, code="option")
        for code in locations:
            context = {"warehouse_id": int(known[code].external_id)}
            for rows in self._pages(context, skus):
                yield [_reading(row, code) for row in rows]

    def _pages(self, context: JsonDict, skus: Sequence[str] | None) -> Iterator[list[JsonDict]]:
        goods: list[Any] = [["type", "!=", "service"]]
        if skus is not None:
            for batch in batches(list(dict.fromkeys(skus)), BATCH):
                domain = [*goods, ["default_code", "in", list(batch)]]
                yield self._client.search("product.product", domain, _FIELDS, context=context)
            return
        last = 0
        while True:
            domain = [*goods, ["default_code", "!=", False], ["id", ">", last]]
            rows = self._client.search("product.product", domain, _FIELDS, context=context, limit=BATCH)
            if rows:
                yield rows
            if len(rows) < BATCH:
                return
            last = rows[-1]["id"]

    def changes(self, checkpoint: str | None) -> Iterator[StockChanges]:
        """A product itself is not written when its stock moves: its quants are, by reservations too."""
        source = Source("stock.quant", (["location_id.usage", "=", "internal"],), ("product_id",), self._codes)
        if checkpoint is None:
            now = stamps.newest(self._client, source) or stamps.BEGINNING
            yield StockChanges(frozenset(), stamps.write_checkpoint(now))
            return
        reached = stamps.read_checkpoint(checkpoint)
        yielded = False
        for page in stamps.changes(self._client, [source], reached - self._overlap):
            reached = max(reached, page[-1].at)
            yielded = True
            yield StockChanges(
                frozenset(name for each in page for name in each.names), stamps.write_checkpoint(reached)
            )
        if not yielded:
            yield StockChanges(frozenset(), checkpoint)

    def _codes(self, rows: list[JsonDict]) -> list[Any]:
        ids = sorted({row["product_id"][0] for row in rows})
        found = self._client.search("product.product", [["id", "in", ids]], ("default_code",))
        codes = {row["id"]: row["default_code"] for row in found}
        return [[code] if (code := codes.get(row["product_id"][0])) else [] for row in rows]


def _reading(row: JsonDict, location: str) -> StockReading:
    free, have = Decimal(str(row[FIGURE])), Decimal(str(row["qty_available"]))
    return StockReading(row["default_code"], location, free, max(have - free, Decimal(0)))
