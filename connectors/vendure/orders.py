"""Orders as they are pulled, fetched and listed.

A list is read by key: from a second before the newest row seen, until a page is not full. What changes meanwhile gets a
later time and comes later, so nothing is lost. Where one second fills a page, those seen of it are left out by their
ids: with `skip`, an order that changes meanwhile would move another one out of sight.

`updatedAt` of an order does not move when goods are sent, money is given back or a note is written (seen on two
databases). So a pull ends with a sweep: it reads the times of what hangs on the orders of the last `sweep_days`, a
hundred orders a page, and takes those on which something is younger than the last sweep. One pull reads `sweep_pages`
of them and the next one goes on from there; a round is over when all of them were seen. What is older than the window
is found by the nightly comparison, and by the resync while the order is open.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final

from connectors.kit import strict_json
from connectors.kit.base import DocumentSummary, Envelope, JsonDict, Page
from connectors.kit.errors import ConnectionBroken
from connectors.kit.words import say
from connectors.vendure import queries, rows
from connectors.vendure.client import Client, gone, record_id

_BEGINNING: Final = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
_VERSION: Final = 1
_MILLISECOND: Final = dt.timedelta(milliseconds=1)
#: Rows of a page of the cheap lists.
CHEAP: Final = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Sweeping:
    """How far back the sweep looks, and how many pages of `CHEAP` orders one pull reads; no days: none."""

    days: int
    pages: int


@dataclasses.dataclass(frozen=True, slots=True)
class _Checkpoint:
    """Up to where changes were read, and how far the sweep is.

    `since`: when the round before this one began; what is younger is news. `began`: when this round began; None between
    two. `placed`: where it is.
    """

    updated: dt.datetime
    since: dt.datetime | None = None
    began: dt.datetime | None = None
    placed: dt.datetime | None = None

    def written(self) -> str:
        times = {name: moment and rows.parameter(moment) for name, moment in dataclasses.asdict(self).items()}
        return json.dumps({"v": _VERSION, **times}, separators=(",", ":"))


def read_checkpoint(text: str) -> _Checkpoint:
    """Raises ConnectionBroken for what is no checkpoint of ours."""
    try:
        data = strict_json.loads(text)
        if data["v"] == _VERSION:
            later = {name: data[name] and rows.moment_of(data[name]) for name in ("since", "began", "placed")}
            return _Checkpoint(rows.moment_of(data["updated"]), **later)
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    msg = say("the checkpoint %(text)s is none of this connector; rewind the channel to a date", text=repr(text[:80]))
    raise ConnectionBroken(msg, code="checkpoint")


def checkpoint_at(moment: dt.datetime) -> str:
    """From here a pull reads whatever was changed at `moment` or later."""
    moment = max(moment, _BEGINNING)
    return _Checkpoint(moment, since=moment).written()


class Orders:
    """The orders of one shop. Thread-safe."""

    def __init__(
        self,
        client: Client,
        *,
        per_page: int,
        overlap: dt.timedelta,
        types: Sequence[str],
        custom_fields: Sequence[str],
        sweeping: Sweeping,
    ) -> None:
        """A checkpoint steps back by `overlap`."""
        self._client, self._per_page, self._overlap = client, per_page, overlap
        self._sweeping, self._whole = sweeping, queries.orders(custom_fields)
        # Carts are orders too.
        self._placed: JsonDict = {"active": {"eq": False}, "type": {"in": list(types)}}

    # -- pulling ---------------------------------------------------------------------------------------------

    def pull(self, checkpoint: str | None, since: dt.datetime | None) -> Iterator[Page]:
        """See `Vendure.pull_orders`."""
        begin = max(since or _BEGINNING, _BEGINNING)
        at = _Checkpoint(begin) if checkpoint is None else read_checkpoint(checkpoint)
        start = begin if checkpoint is None else max(at.updated - self._overlap, _BEGINNING)
        seen: dict[str, str] = {}
        yielded, now = False, None
        for page in self._walk(self._whole, "updatedAt", start, self._per_page):
            now = now or self._now()
            at = dataclasses.replace(at, since=at.since or now)
            reached = max([at.updated, *(rows.time_of(row, "updatedAt") for row in page.rows)])
            at = dataclasses.replace(at, updated=reached)
            envelopes = tuple(rows.envelope(row, page.data) for row in page.rows)
            seen |= {each.external_id: each.version for each in envelopes}
            if envelopes:
                yielded = True
                yield Page(envelopes, at.written())
        now = now or self._now()
        for swept in self._sweep(dataclasses.replace(at, since=at.since or now), now, seen):
            yielded = True
            yield swept
        if not yielded:
            yield Page((), at.written())

    def _now(self) -> dt.datetime:
        """The shop's clock; ours only where a proxy has taken the header away."""
        try:
            return parsedate_to_datetime(self._client.date).astimezone(dt.UTC)
        except (ValueError, TypeError):
            return dt.datetime.now(dt.UTC).replace(microsecond=0)

    # -- the sweep -------------------------------------------------------------------------------------------

    def _sweep(self, at: _Checkpoint, now: dt.datetime, seen: dict[str, str]) -> Iterator[Page]:
        """Orders on which something was changed since the round before; `now` is when this pull began."""
        if not self._sweeping.days or at.since is None:
            return
        began, since = at.began or now, at.since - self._overlap
        placed = at.placed or max(now - dt.timedelta(days=self._sweeping.days), _BEGINNING)
        walk = self._walk(queries.PARTS, "orderPlacedAt", placed, CHEAP)
        for _, page in zip(range(self._sweeping.pages), walk, strict=False):
            touched = [
                row["id"]
                for row in page.rows
                if (moved := rows.newest(row, with_notes=True)) >= since
                and seen.get(row["id"]) != rows.parameter(moved)
            ]
            placed = max([placed, *(rows.time_of(row, "orderPlacedAt") for row in page.rows)])
            at = dataclasses.replace(at, began=began, placed=placed)
            if page.is_last:
                at = dataclasses.replace(at, since=began, began=None, placed=None)
            yield Page(tuple(each for each in self._by_ids(touched) if not each.deleted), at.written())

    # -- pages -----------------------------------------------------------------------------------------------

    def _walk(
        self, document: str, name: str, start: dt.datetime, size: int, end: dt.datetime | None = None
    ) -> Iterator[_Rows]:
        """Every order with `start` <= time < `end`, oldest first; one that changes meanwhile may come twice."""
        position, begin = start, start - rows.SECOND
        known: dict[str, tuple[str, dt.datetime]] = {}
        stuck: list[str] = []
        while True:
            # `after` leaves out what is equal, and not every database keeps what follows the second.
            limits = {"after": rows.parameter(begin)}
            until = position + rows.SECOND if stuck else end
            if until is not None:
                limits["before"] = rows.parameter(until)
            filtered = {name: limits, **({"id": {"notIn": stuck}} if stuck else {})}
            data = self._client.read(document, options=self._options(filtered, name, size))
            found = rows.records(data, "orders")
            times = {row["id"]: rows.time_of(row, name) for row in found}
            is_new = {row["id"]: known.get(row["id"], ("",))[0] != row["updatedAt"] for row in found}
            known |= {row["id"]: (row["updatedAt"], times[row["id"]]) for row in found}
            is_last = len(found) < size and not stuck
            news = [row for row in found if is_new[row["id"]] and times[row["id"]] >= start]
            yield _Rows(news, data, is_last=is_last)
            if is_last:
                return
            if len(found) < size:
                # All of that second were seen, whatever the database keeps behind the millisecond.
                begin, stuck = position + _MILLISECOND, []
                continue
            newest = max(times.values())
            if newest > position:
                position, begin = newest, newest - rows.SECOND
            else:
                # One second fills a page: what was seen of it is left out until there is no more.
                stuck = [each for each, (_, time) in known.items() if begin <= time < position + rows.SECOND]

    def _options(self, filtered: JsonDict, name: str, size: int) -> JsonDict:
        return {"filter": {**self._placed, **filtered}, "sort": {name: "ASC", "id": "ASC"}, "take": size}

    # -- fetching --------------------------------------------------------------------------------------------

    def fetch(self, external_ids: Sequence[str]) -> list[Envelope]:
        """See `Vendure.fetch_orders`."""
        return self._by_ids(list(dict.fromkeys(record_id(external_id) for external_id in external_ids)))

    def fetch_one(self, external_id: str) -> Envelope:
        """The current state of one; `deleted` where the shop has it no more."""
        [found] = self.fetch([external_id])
        return found

    def _by_ids(self, ids: Sequence[str]) -> list[Envelope]:
        found: dict[str, Envelope] = {}
        for first in range(0, len(ids), self._per_page):
            batch = ids[first : first + self._per_page]
            options = {"filter": {"id": {"in": batch}}, "take": len(batch)}
            data = self._client.read(self._whole, options=options)
            found |= {row["id"]: rows.envelope(row, data) for row in rows.records(data, "orders")}
        gone = {each: Envelope(each, version="", payload={}, deleted=True) for each in ids if each not in found}
        return [found.get(each) or gone[each] for each in ids]

    # -- listing ---------------------------------------------------------------------------------------------

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """See `Vendure.list_orders`."""
        for row, data in self.placed(queries.SUMMARIES, since, until):
            yield rows.summary(row, data)

    def placed(self, document: str, since: dt.datetime, until: dt.datetime) -> Iterator[tuple[JsonDict, JsonDict]]:
        """Every order placed in the window, each once, with the answer in which it stood."""
        yielded: set[str] = set()
        for page in self._walk(document, "orderPlacedAt", max(since, _BEGINNING), CHEAP, until + rows.SECOND):
            for row in page.rows:
                if since <= rows.time_of(row, "orderPlacedAt") < until and row["id"] not in yielded:
                    yielded.add(row["id"])
                    yield row, page.data

    def count_placed(self, since: dt.datetime) -> int:
        """How many orders were placed from `since` on."""
        options = {"filter": {**self._placed, "orderPlacedAt": {"after": rows.parameter(since)}}, "take": 1}
        found: Any = (self._client.read(queries.WINDOW, options=options).get("orders") or {}).get("totalItems")
        return found if type(found) is int else 0

    def refunds(self, order_id: str) -> list[JsonDict]:
        """All refunds of one order, oldest first. Raises RecordRejected where the shop has it not."""
        payments = self.payments(order_id)[0]
        return rows.mark_continued(payments)

    def payments(self, order_id: str) -> tuple[list[JsonDict], int]:
        """The payments of one order with their refunds, and the decimals of the shop's money."""
        options = {"filter": {"id": {"eq": record_id(order_id)}}, "take": 1}
        data = self._client.read(queries.REFUNDS, options=options)
        found = rows.records(data, "orders")
        if not found:
            raise gone(order_id)
        return found[0].get("payments") or [], rows.digits(data)


@dataclasses.dataclass(frozen=True, slots=True)
class _Rows:
    """One page of a list: what is new of it, and the answer in which it stood."""

    rows: list[JsonDict]
    data: JsonDict
    is_last: bool
