"""Stock as the sandbox ERP tells it: `available`, which is what is on hand less what is confirmed and not sent yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import JsonDict
from connectors.kit.stock import Location, StockChanges, StockReading
from connectors.sandbox_erp.client import Client, batches, reading
from connectors.sandbox_erp.follow import position, written

FIGURE: Final = "available"
#: Articles of one call, whose codes must fit into its address.
STOCK_BATCH: Final = 50
_PAGE: Final = 500


def list_locations(client: Client) -> list[Location]:
    """The warehouses."""
    data = client.get("api/warehouses")
    with reading():
        return [Location(str(int(each["id"])), each["code"], each["name"]) for each in data["warehouses"]]


def read_stock(client: Client, locations: Sequence[str], skus: Sequence[str] | None) -> Iterator[list[StockReading]]:
    """Some articles by code, or all of them by their id, so that nothing slips while we walk."""
    places = [("warehouse", location) for location in locations]
    if not places:
        return
    if skus is not None:
        for batch in batches(dict.fromkeys(skus), STOCK_BATCH):
            yield _readings(client.get("api/stock", [*places, *(("code", code) for code in batch)]))
        return
    after: int | None = 0
    while after is not None:
        data = client.get("api/stock", [*places, ("after", str(after)), ("limit", str(_PAGE))])
        readings = _readings(data)
        with reading():
            after = data["next"]
        if readings:
            yield readings


def pull_stock_changes(client: Client, checkpoint: str | None) -> Iterator[StockChanges]:
    """Pages of articles; the first pull names none."""
    after = None if checkpoint is None else position(checkpoint)
    while True:
        data = client.get("api/stock/changes", [] if after is None else [("after", str(after))])
        with reading():
            codes, reached, last = frozenset(data["codes"]), int(data["reached"]), int(data["last"])
        if after is not None and after > last:
            # As with sales: an ERP that counts anew is read anew.
            after = 0
            continue
        yield StockChanges(codes, written(reached))
        if reached >= last:
            return
        after = reached


def _readings(data: JsonDict) -> list[StockReading]:
    with reading():
        return [
            StockReading(each["code"], each["warehouse"], Decimal(each[FIGURE]), Decimal(each["reserved"]))
            for each in data["stock"]
        ]
