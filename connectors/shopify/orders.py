"""Orders as they are pulled, fetched and listed.

A list is read by key: from the second of the newest row seen, until a page is the last one. What changes meanwhile
gets a later time and comes later, so nothing is lost and no list gets as long as Shopify's limit. Only where one second
fills a page its cursor is followed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.kit.base import DocumentSummary, Envelope, JsonDict, Page
from connectors.kit.errors import ConnectionBroken, RecordRejected, Transient
from connectors.kit.moments import moment_of, moment_text, whole_second
from connectors.kit.words import say
from connectors.shopify import codes, queries
from connectors.shopify.bulk import Ended, History, Mark, mark_of, reached_at
from connectors.shopify.client import Client

#: Without `read_all_orders` the shop shows this much of its past.
WALL: Final = dt.timedelta(days=60)
ALL_ORDERS: Final = "read_all_orders"
_BEGINNING: Final = dt.datetime(2006, 1, 1, tzinfo=dt.UTC)
_SUMMARIES: Final = 250
#: Before the number of an order, where the API names it.
ORDER: Final = "gid://shopify/Order/"
_AMOUNT: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_SECOND: Final = dt.timedelta(seconds=1)
#: From further back than this a pull may have very many orders to read.
_LONG: Final = dt.timedelta(days=3)
#: Orders of one page that comes out of a file.
_OF_FILE: Final = 100


class Orders:
    """The orders of one shop. Thread-safe."""

    def __init__(self, client: Client, per_page: int, overlap: dt.timedelta, history: History | None = None) -> None:
        """A checkpoint steps back by `overlap`; a long past is read by `history`."""
        self._client, self._per_page, self._overlap, self._history = client, per_page, overlap, history

    # -- pulling ---------------------------------------------------------------------------------------------

    def pull(self, checkpoint: str | None, since: dt.datetime | None) -> Iterator[Page]:
        """See `Shopify.pull_orders`."""
        mark = mark_of(checkpoint) if checkpoint is not None else None
        if mark is not None and self._history is not None:
            yield from self._from_file(self._history, mark)
            return
        start = whole_second(since) if since else _BEGINNING
        if checkpoint is not None:
            start = max(reached_at(checkpoint) - self._overlap, _BEGINNING)
        elif since is not None:
            self.behind_no_wall(since)
        if self._history is not None and dt.datetime.now(dt.UTC) - start > _LONG:
            mark = self._history.begin(moment_text(start))
            if mark is not None:
                yield Page((), str(mark))
                return
        yield from self._by_page(start, start if checkpoint is None else reached_at(checkpoint))

    def _by_page(self, start: dt.datetime, reached: dt.datetime) -> Iterator[Page]:
        yielded = False
        for rows in self.walk(queries.ORDERS, "updated_at", "updatedAt", start, self._per_page):
            reached = max([reached, *(time_of(row, "updatedAt") for row in rows)])
            if rows:
                yielded = True
                yield Page(tuple(self._envelope(row) for row in rows), moment_text(reached))
        if not yielded:
            yield Page((), moment_text(reached))

    def _from_file(self, history: History, mark: Mark) -> Iterator[Page]:
        """What a bulk operation has brought, some orders at a time; the rest page by page."""
        ended = history.look(mark)
        if ended.running:
            yield Page((), str(mark))
            return
        since = moment_of(mark.since)
        try:
            yield from self._rows_of_file(history, ended, mark)
        except RecordRejected:
            yield from self._by_page(since, since)
            return
        if not ended.whole:
            yield from self._by_page(since, since)
            return
        # What changed while it ran comes with the next pull.
        yield Page((), moment_text(max(since, time_of({"createdAt": ended.begun_at}, "createdAt"))))

    def _rows_of_file(self, history: History, ended: Ended, mark: Mark) -> Iterator[Page]:
        if not ended.url:
            return
        shop = {"ianaTimezone": (self._client.read(queries.SHOP).get("shop") or {}).get("ianaTimezone")}
        rows: list[JsonDict] = []
        offset = mark.offset
        for order, offset in history.read(ended, mark.offset):
            rows.append(order | {"shop": shop})
            if len(rows) == _OF_FILE:
                yield Page(self._whole(rows), str(dataclasses.replace(mark, offset=offset)))
                rows = []
        if rows:
            yield Page(self._whole(rows), str(dataclasses.replace(mark, offset=offset)))

    def _whole(self, rows: list[JsonDict]) -> tuple[Envelope, ...]:
        """Those with refunds as they are now, whose lines are not in a file; what is gone meanwhile is left out."""
        refunded = [row["id"].removeprefix(ORDER) for row in rows if row["refunds"]]
        read: dict[str, JsonDict] = {}
        for first in range(0, len(refunded), self._per_page):
            some = refunded[first : first + self._per_page]
            read |= {row["id"]: row for row in self._nodes(some) if row is not None}
        found = [read.get(row["id"]) if row["refunds"] else row for row in rows]
        return tuple(self._envelope(row) for row in found if row is not None)

    def behind_no_wall(self, since: dt.datetime) -> None:
        """Raise ConnectionBroken where the shop would leave out what is older than 60 days without a word."""
        if dt.datetime.now(dt.UTC) - since <= WALL or ALL_ORDERS in self._client.scopes():
            return
        text = say(
            "the app has not the scope read_all_orders: the shop would show orders of the last 60 days only, not from "
            "%(since)s on, and not say so; ask Shopify for the scope and install the app again, or begin later",
            since=since.date(),
        )
        raise ConnectionBroken(text, code=codes.WALL)

    def walk(self, document: str, field: str, name: str, start: dt.datetime, size: int) -> Iterator[list[JsonDict]]:
        """Every order from `start` on by the time `name`, oldest first; one that changes meanwhile may come twice."""
        position, after = start, None
        known: dict[str, str] = {}
        while True:
            found = self._page(document, f"{field}:>='{moment_text(position)}Z'", after, size)
            rows, page = found["nodes"], found["pageInfo"]
            size = min(size, found["size"])
            if any(time_of(row, name) < position for row in rows):
                raise Transient(say("the order list holds orders older than asked for"), code="old_rows")
            yield [row for row in rows if known.get(row["id"]) != row["updatedAt"]]
            if not page["hasNextPage"] or not rows:
                return
            newest = max(time_of(row, name) for row in rows)
            if newest > position:
                position, after = newest, None
                known = {row["id"]: row["updatedAt"] for row in rows if time_of(row, name) == newest}
            else:
                after = page["endCursor"]
                known |= {row["id"]: row["updatedAt"] for row in rows}

    def _page(self, document: str, query: str, after: str | None, size: int) -> JsonDict:
        """One page; smaller where the shop finds the query too costly."""
        while True:
            try:
                data = self._client.read(document, first=size, after=after, query=query)
            except RecordRejected as error:
                if error.code != codes.TOO_COSTLY or size == 1:
                    raise
                size = max(1, size // 2)
                continue
            return {**_connection(data.get("orders")), "size": size} | {"nodes": self._rows(data)}

    def _rows(self, data: JsonDict) -> list[JsonDict]:
        rows = _connection(data.get("orders"))["nodes"]
        return [row | {"shop": data.get("shop")} for row in rows]

    # -- fetching --------------------------------------------------------------------------------------------

    def fetch(self, external_ids: Sequence[str]) -> list[Envelope]:
        """See `Shopify.fetch_orders`."""
        wanted = list(dict.fromkeys(order_id(external_id) for external_id in external_ids))
        data = self._nodes(wanted)
        return [self._seen(external_id, row) for external_id, row in zip(wanted, data, strict=True)]

    def _nodes(self, ids: list[str]) -> list[JsonDict | None]:
        """The order of each id, in their order; in halves where all of them are too costly at once."""
        try:
            data = self._client.read(queries.BY_ID, ids=[f"{ORDER}{each}" for each in ids])
        except RecordRejected as error:
            if error.code != codes.TOO_COSTLY or len(ids) == 1:
                raise
            half = len(ids) // 2
            return [*self._nodes(ids[:half]), *self._nodes(ids[half:])]
        rows = data.get("nodes")
        if not isinstance(rows, list) or len(rows) != len(ids):
            raise Transient(say("the shop answered with other orders than asked for"), code="not_the_orders")
        return [row | {"shop": data.get("shop")} if isinstance(row, dict) and row else None for row in rows]

    def _seen(self, external_id: str, row: JsonDict | None) -> Envelope:
        if row is not None:
            if row.get("id") != f"{ORDER}{external_id}":
                raise Transient(say("the shop answered with other orders than asked for"), code="not_the_orders")
            return self._envelope(row)
        if ALL_ORDERS not in self._client.scopes():
            text = say(
                "the shop does not show order %(order)s: it was deleted, or is older than 60 days, and without the "
                "scope read_all_orders nobody can tell",
                order=external_id,
            )
            raise RecordRejected(text, code=codes.WALL)
        return Envelope(external_id, version="", payload={}, deleted=True)

    def _envelope(self, row: JsonDict) -> Envelope:
        """With all of its lines."""
        payload = dict(row)
        lines = _connection(row.get("lineItems"))
        while lines["pageInfo"].get("hasNextPage"):
            data = self._client.read(queries.LINES, id=row["id"], after=lines["pageInfo"]["endCursor"])
            more = _connection((data.get("order") or {}).get("lineItems"))
            lines = {"nodes": [*lines["nodes"], *more["nodes"]], "pageInfo": more["pageInfo"]}
        payload["lineItems"] = {"nodes": lines["nodes"], "pageInfo": {"hasNextPage": False}}
        return Envelope(row["id"].removeprefix(ORDER), moment_text(time_of(row, "updatedAt")), payload)

    # -- listing ---------------------------------------------------------------------------------------------

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """See `Shopify.list_orders`."""
        self.behind_no_wall(since)
        yielded: set[str] = set()
        end = f"processed_at:<'{moment_text(whole_second(until) + _SECOND)}Z'"
        for rows in self.walk(queries.SUMMARIES, f"{end} processed_at", "processedAt", whole_second(since), _SUMMARIES):
            for row in rows:
                line = _summary(row)
                if since <= line.placed_at < until and line.external_id not in yielded:
                    yielded.add(line.external_id)
                    yield line


def _connection(value: Any) -> JsonDict:
    """Raises Transient for what is no list."""
    ok = isinstance(value, dict) and isinstance(value.get("nodes"), list) and isinstance(value.get("pageInfo"), dict)
    if not ok or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in value["nodes"]):
        raise Transient(say("the shop answered with something that is no list of records"), code="not_a_list")
    return dict(value)


def _summary(row: JsonDict) -> DocumentSummary:
    """What the order is worth: as it was sold, or what is left of it where the rest was never paid for."""
    total, current = amount_of(row, "totalPriceSet"), amount_of(row, "currentTotalPriceSet")
    received, refunded = amount_of(row, "totalReceivedSet"), amount_of(row, "totalRefundedSet")
    shrunk = row.get("cancelledAt") is None and not refunded[0] and received[0] <= current[0]
    placed_at = time_of(row, "processedAt")
    return DocumentSummary(
        external_id=row["id"].removeprefix(ORDER),
        key=row["id"].removeprefix(ORDER),
        number=str(row.get("name") or row["id"]),
        state="cancelled" if row.get("cancelledAt") else str(row.get("displayFinancialStatus") or "pending").lower(),
        total=current[0] if shrunk else total[0],
        currency=total[1],
        placed_at=placed_at,
        placed_on=day_of(placed_at, row.get("shop")),
        version=str(row.get("updatedAt") or ""),
    )


def amount_of(row: JsonDict, name: str) -> tuple[Decimal, str]:
    """What the customer saw of a bag, and its currency. Raises RecordRejected for one that cannot be read."""
    bag = (row.get(name) or {}).get("presentmentMoney") or {}
    amount = bag.get("amount")
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        text = say("%(number)s of the list has no readable total", number=row.get("name") or row.get("id"))
        raise RecordRejected(text, field=name)
    return Decimal(amount), str(bag.get("currencyCode") or "")


def day_of(moment: dt.datetime, shop: Any) -> dt.date | None:
    """The day of the shop's own zone; None where it does not say one."""
    try:
        return moment.astimezone(ZoneInfo(str((shop or {}).get("ianaTimezone") or ""))).date()
    except (ZoneInfoNotFoundError, ValueError):
        return None


def order_id(text: str) -> str:
    """The id of an order as it may stand in a query. Raises RecordRejected for what is none."""
    if text.isascii() and text.isdecimal():
        return text
    raise RecordRejected(say("%(id)s is no Shopify order id: it must be a whole number", id=repr(text)), field="id")


def time_of(row: JsonDict, name: str) -> dt.datetime:
    """A time of the order, in UTC. Raises Transient for one that cannot be read."""
    try:
        return dt.datetime.fromisoformat(str(row.get(name))).astimezone(dt.UTC)
    except ValueError:
        raise Transient(say("an order of the list has no readable %(name)s", name=name), code="no_time") from None
