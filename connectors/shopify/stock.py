"""Stock: what the shop shows in each location, and setting it, 250 quantities a call.

A quantity is set only while the shop still shows what we last saw (`changeFromQuantity`): what a customer bought
meanwhile is never overwritten, that article is simply looked at again. Each call has a key of its own
(`@idempotent`), so that the shop takes it once. A refusal names the rows that it is about and nothing is set; the
others are sent again without them. Only what the shop counts (`tracked`) and keeps in that location can be set.

Where the shop has one location, or the option `location` names one, that is the place without a name; every location
has its name too.
"""

from __future__ import annotations

import collections
import re
import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.http import DryRun
from connectors.kit.stock import ShopStock, StockResult, StockWrite
from connectors.kit.words import say
from connectors.shopify import codes, way_back
from connectors.shopify.client import Client

#: What one input takes.
BULK: Final = 250
#: SKUs of one search.
_SEARCHED: Final = 25
_REMEMBERED_S: Final = 900.0
_ITEM: Final = "gid://shopify/InventoryItem/"
_ROW: Final = re.compile(r"^[0-9]+$")
#: Somebody sold, or counted, since we looked.
_STALE: Final = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})


class Stock:
    """The stock of one shop. Thread-safe."""

    def __init__(self, client: Client, location: str) -> None:
        """`location` is the id or the name of the one without a name; empty where the shop has only one."""
        self._client, self._location = client, location
        self._lock = threading.Lock()
        self._known: tuple[dict[str, str], float] | None = None

    def locations(self) -> dict[str, str]:
        """Id -> name of each active one; asked once in a quarter of an hour."""
        with self._lock:
            if self._known is not None and time.monotonic() < self._known[1]:
                return self._known[0]
        rows = self._rows(way_back.LOCATIONS, "locations")
        found = {row["id"]: str(row.get("name") or "") for row in rows if row.get("isActive")}
        with self._lock:
            self._known = (found, time.monotonic() + _REMEMBERED_S)
        return found

    def places(self) -> tuple[dict[str, str], str]:
        """The locations, and the id of the one without a name. Raises ConnectionBroken for one that is not there."""
        locations = self.locations()
        return locations, self._unnamed(locations)

    def find(self, skus: Iterable[str]) -> dict[str, list[ShopStock]]:
        """Every article under each SKU in each of its places, the one without a name first."""
        wanted = [sku for sku in dict.fromkeys(skus) if sku.strip()]
        locations = self.locations() if wanted else {}
        unnamed = self._unnamed(locations) if wanted else ""
        found: dict[str, list[ShopStock]] = {}
        for first in range(0, len(wanted), _SEARCHED):
            some = wanted[first : first + _SEARCHED]
            for row in self._rows(way_back.STOCK, "productVariants", query=" OR ".join(map(_term, some))):
                if (sku := str(row.get("sku") or "")) in some:
                    found.setdefault(sku, []).extend(_articles(row, sku, locations, unnamed))
        return {sku: sorted(rows, key=lambda each: bool(each.location)) for sku, rows in found.items()}

    def _unnamed(self, locations: dict[str, str]) -> str:
        """The id of the location that a channel without places means; empty where nobody can say."""
        if not self._location:
            return next(iter(locations)) if len(locations) == 1 else ""
        for gid, name in locations.items():
            if self._location in {name, gid, gid.rpartition("/")[2]}:
                return gid
        text = say(
            "the shop has no location %(location)s; it has %(known)s",
            location=repr(self._location),
            known=", ".join(sorted(locations.values())),
        )
        raise ConnectionBroken(text, code="no_location")

    def _rows(self, document: str, root: str, **variables: Any) -> Iterator[JsonDict]:
        after: str | None = None
        while True:
            found = self._client.read(document, after=after, **variables).get(root)
            if not isinstance(found, dict) or not isinstance(found.get("nodes"), list):
                raise Transient(say("the shop answered with something that is no list of records"), code="not_a_list")
            yield from found["nodes"]
            if not found["pageInfo"]["hasNextPage"]:
                return
            after = found["pageInfo"]["endCursor"]

    # -- writing ---------------------------------------------------------------------------------------------

    def write(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        """One call for each 250, and one more for each refusal; after one without a usable answer nothing is sent."""
        results: dict[int, StockResult] = {}
        jobs = self._jobs(writes, results)
        while jobs:
            some, jobs = jobs[:BULK], jobs[BULK:]
            error = self._send(some, results)
            if error is not None:
                unsent = Transient(say("not sent: the call before it had no usable answer"))
                later = unsent if isinstance(error, OutcomeUnknown) else error
                results |= {index: StockResult(error=later) for job in jobs for index in job["indexes"]}
                break
        return [results[index] for index in range(len(writes))]

    def _jobs(self, writes: Sequence[StockWrite], results: dict[int, StockResult]) -> list[JsonDict]:
        """One for each count in each location; what cannot be sent gets its result here."""
        jobs: dict[tuple[str, str], JsonDict] = {}
        for index, write in enumerate(writes):
            try:
                item, place = self._place(write)
            except (RecordRejected, ConnectionBroken, Transient) as error:
                results[index] = StockResult(error=error)
                continue
            job = jobs.setdefault((item, place), {"indexes": [], "write": write, "item": item, "place": place})
            if job["write"].quantity != write.quantity:
                text = say("%(sku)s: two quantities for one count of the shop", sku=write.article.sku)
                results[index] = StockResult(error=RecordRejected(text, field="quantity", code="counted_together"))
                continue
            job["indexes"].append(index)
        return list(jobs.values())

    def _place(self, write: StockWrite) -> tuple[str, str]:
        article, sku = write.article, write.article.sku
        if write.quantity != write.quantity.to_integral_value():
            text = say(
                "%(sku)s: the shop counts whole pieces, not %(quantity)s; sell it in a smaller unit, or freeze its "
                "stock in the channel",
                sku=sku,
                quantity=f"{write.quantity:f}",
            )
            raise RecordRejected(text, field="quantity", code="fraction")
        if article.kept == "none":
            text = say("%(sku)s: the shop keeps no count of it; switch on `Track quantity` there", sku=sku)
            raise RecordRejected(text, field="tracked", code="not_counted")
        if write.backorders not in {None, article.backorders}:
            text = say(
                "%(sku)s: whether it may be sold without stock is set in the shop alone (`Continue selling when out of "
                "stock`); set `backorders: leave` in the channel, or change it there",
                sku=sku,
            )
            raise RecordRejected(text, field="inventoryPolicy", code="backorders")
        locations = self.locations()
        place = self._unnamed(locations) if not article.location else _named(article.location, locations)
        if not place or not article.external_id.isdecimal():
            text = say("%(sku)s: the shop has no location %(place)s", sku=sku, place=repr(article.location))
            raise RecordRejected(text, field="location", code="no_location")
        return f"{_ITEM}{article.external_id}", place

    def _send(self, jobs: list[JsonDict], results: dict[int, StockResult]) -> ConnectorError | None:
        """Fill in the results of some jobs; an error that stops the others too is returned."""
        while jobs:
            try:
                answer = self._client.write(way_back.SET_STOCK, "inventorySetQuantities", errors="", **_call(jobs))
            except DryRun:
                raise
            except ConnectorError as error:
                results |= {index: StockResult(error=error) for job in jobs for index in job["indexes"]}
                return None if isinstance(error, RecordRejected) else error
            refused = _refused(answer.get("userErrors") or [], len(jobs))
            for place, refusal in refused.items():
                results |= dict.fromkeys(jobs[place]["indexes"], StockResult(error=refusal))
            if not refused:
                for job in jobs:
                    results |= dict.fromkeys(job["indexes"], StockResult(quantity=job["write"].quantity))
                return None
            jobs = [job for place, job in enumerate(jobs) if place not in refused]
        return None


def _call(jobs: Sequence[JsonDict]) -> JsonDict:
    rows = [
        {
            "inventoryItemId": job["item"],
            "locationId": job["place"],
            "quantity": int(job["write"].quantity),
            # Null would set it whoever sold something meanwhile.
            "changeFromQuantity": int(job["write"].article.quantity or 0),
        }
        for job in jobs
    ]
    return {"input": {"name": "available", "reason": "correction", "quantities": rows}, "key": str(uuid.uuid4())}


def _refused(errors: Sequence[JsonDict], count: int) -> dict[int, ConnectorError]:
    """Row -> why it was not set; all of them where the shop names none."""
    found: dict[int, ConnectorError] = {}
    for error in errors:
        named = [int(part) for part in map(str, error.get("field") or ()) if _ROW.match(part)]
        for place in named or range(count):
            if place < count:
                found.setdefault(place, _error(error))
    return found


def _error(error: JsonDict) -> ConnectorError:
    code = str(error.get("code") or "")
    if code in _STALE:
        return Transient(say("somebody sold or counted it meanwhile; it is looked at again"), code=code)
    text = say("the shop refused it: %(told)s", told=str(error.get("message")))
    return RecordRejected(text, field=".".join(map(str, error.get("field") or ())), code=code or codes.REFUSED)


def _term(sku: str) -> str:
    quoted = sku.replace("\\", "\\\\").replace('"', '\\"')
    return f'sku:"{quoted}"'


def _named(name: str, locations: dict[str, str]) -> str:
    return next((gid for gid, known in locations.items() if known == name), "")


def _articles(row: JsonDict, sku: str, locations: dict[str, str], unnamed: str) -> Iterator[ShopStock]:
    """One for each place of the variant; one without a count where the shop keeps none."""
    item = row["inventoryItem"]
    if item["inventoryLevels"]["pageInfo"]["hasNextPage"]:
        raise RecordRejected(say("%(sku)s lies in more than 20 locations", sku=sku), code="too_long")
    common = {
        "sku": sku,
        "external_id": item["id"].removeprefix(_ITEM),
        "parent_id": str((row.get("product") or {}).get("id", "")).rpartition("/")[2],
        "kept": "own" if item["tracked"] else "none",
        "backorders": row.get("inventoryPolicy") == "CONTINUE",
    }
    names = collections.Counter(locations.values())
    for level in item["inventoryLevels"]["nodes"]:
        place = level["location"]["id"]
        shown = next((each["quantity"] for each in level["quantities"] if each["name"] == "available"), None)
        quantity = Decimal(shown) if item["tracked"] and shown is not None else None
        if place == unnamed:
            yield ShopStock(**common, quantity=quantity)
        if place in locations and names[locations[place]] == 1:
            yield ShopStock(**common, quantity=quantity, location=locations[place])
