"""Orders as they are pulled, fetched and listed."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Iterator, Mapping, Sequence

from connectors.kit import strict_json
from connectors.kit.base import DocumentSummary, Envelope, Page
from connectors.kit.errors import ConnectionBroken, RecordRejected, Transient
from connectors.kit.words import say
from connectors.woocommerce import codes, rows
from connectors.woocommerce.lists import MAX_PER_PAGE, Get, now_of, pages_of, record_id, rows_of
from connectors.woocommerce.walk import ListPage, Step, backwards, by_key

#: Before the first online shop.
_BEGINNING = dt.datetime(1990, 1, 1, tzinfo=dt.UTC)
_CHECKPOINT_VERSION = 1


class Orders:
    """The orders of one shop. Thread-safe."""

    def __init__(self, get: Get, statuses: Sequence[str], per_page: int, overlap: dt.timedelta) -> None:
        """`statuses` are the lists that are read; a checkpoint steps back by `overlap`."""
        self._get = get
        self._statuses = statuses
        self._per_page = per_page
        self._overlap = overlap
        self._sorts_by_modified = True

    def pull(self, checkpoint: str | None, since: dt.datetime | None) -> Iterator[Page]:
        """See `WooCommerce.pull_orders`."""
        marks = _read_checkpoint(checkpoint) if checkpoint else {}
        begin = rows.floor(since) if since else _BEGINNING
        yielded = False
        for status in self._statuses:
            resumed = status in marks
            start = max(rows.floor(marks[status] - self._overlap if resumed else begin), _BEGINNING)
            marks.setdefault(status, begin)
            walk = self._resumed if resumed else self.changes
            for step in walk({"status": status}, start):
                marks[status] = max(marks[status], step.reached)
                if step.rows:
                    yielded = True
                    yield Page(tuple(map(rows.envelope, step.rows)), _write_checkpoint(marks))
        if not yielded:
            yield Page((), _write_checkpoint(marks))

    def _resumed(self, query: Mapping[str, str], start: dt.datetime) -> Iterator[Step]:
        """`changes`, also where the shop's clock was set back to before `start`.

        Then it writes times that we have left behind long ago. Until the clock has caught up each walk begins the
        overlap before it.
        """
        for step in self.changes(query, start):
            if step.reached < start:
                yield from self.changes(query, max(step.reached - self._overlap, _BEGINNING))
                return
            yield step

    def changes(self, query: Mapping[str, str], start: dt.datetime) -> Iterator[Step]:
        """What changed from `start` on in the list of `query`, oldest change first."""
        fetch = functools.partial(self._list, query, "modified")
        if self._sorts_by_modified:
            try:
                yield from by_key(fetch, rows.modified, start)
            except ConnectionBroken as error:
                # Nothing has been yielded: the first call of the walk has this parameter already.
                if error.code != codes.INVALID_PARAMETER or "orderby" not in str(error):
                    raise
                self._sorts_by_modified = False
            else:
                return
        now = fetch(start, None, 1).now
        if now > start:
            yield from backwards(fetch, start - rows.SECOND, now)

    def checkpoint_at(self, moment: dt.datetime) -> str:
        """See `WooCommerce.checkpoint_at`."""
        return _write_checkpoint(dict.fromkeys(self._statuses, max(rows.floor(moment), _BEGINNING)))

    def fetch(self, external_ids: Sequence[str]) -> list[Envelope]:
        """See `WooCommerce.fetch_orders`."""
        wanted = list(dict.fromkeys(external_ids))
        for external_id in wanted:
            record_id(external_id)
        found: dict[str, Envelope] = {}
        if len(wanted) > 1:
            for first in range(0, len(wanted), MAX_PER_PAGE):
                batch = ",".join(wanted[first : first + MAX_PER_PAGE])
                answer = self._get("orders", {"include": batch, "per_page": MAX_PER_PAGE, "orderby": "include"})
                found |= {str(row["id"]): rows.envelope(row) for row in rows_of(answer)}
        return [found.get(external_id) or self.fetch_one(external_id) for external_id in wanted]

    def fetch_one(self, external_id: str) -> Envelope:
        """The current state of one; `deleted` where the shop has it no more. Raises as `fetch`."""
        try:
            answer = self._get(f"orders/{external_id}", {})
        except RecordRejected as error:
            if error.code != codes.GONE:
                raise
            return Envelope(external_id, version="", payload={}, deleted=True)
        if not isinstance(answer.data, dict) or str(answer.data.get("id")) != external_id:
            msg = say("%(path)s was answered with something that is not this order", path=answer.path)
            raise Transient(msg, code="not_the_order")
        return rows.envelope(answer.data)

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """See `WooCommerce.list_orders`."""
        start, end = rows.floor(since), rows.floor(until - dt.timedelta.resolution) + rows.SECOND
        yielded: set[str] = set()
        for status in self._statuses:
            query = {"status": status, "_fields": rows.SUMMARY_FIELDS}
            for step in by_key(functools.partial(self._list, query, "date"), rows.created, start, end):
                for row in step.rows:
                    line = rows.summary(row)
                    # An order that is trashed between the two lists stands in both.
                    if since <= line.placed_at < until and line.external_id not in yielded:
                        yielded.add(line.external_id)
                        yield line

    def _list(
        self, query: Mapping[str, str], by: str, after: dt.datetime, before: dt.datetime | None, number: int
    ) -> ListPage:
        """One page of orders cut by their `modified` time or their `date` of placing."""
        prefix = "modified_" if by == "modified" else ""
        params: dict[str, str | int] = {
            **query,
            "orderby": by if by != "modified" or self._sorts_by_modified else "id",
            "order": "asc",
            "per_page": self._per_page,
            "page": number,
            "dates_are_gmt": "true",
            f"{prefix}after": rows.parameter(after),
        }
        if before is not None:
            params[f"{prefix}before"] = rows.parameter(before)
        try:
            answer = self._get("orders", params)
        except RecordRejected as error:
            # A list is no document: a question that is refused will be refused for all of them.
            refusal = ConnectionBroken(
                say("%(error)s (%(field)s)", error=error, field=error.field), code=error.code, status=error.status
            )
        else:
            return ListPage(rows_of(answer), pages_of(answer, self._per_page), now_of(answer))
        raise refusal


def checkpoint_moment(checkpoint: str) -> dt.datetime:
    """The newest change that was read. Raises ConnectionBroken for what is no checkpoint of ours."""
    return max(_read_checkpoint(checkpoint).values(), default=_BEGINNING)


def _read_checkpoint(text: str) -> dict[str, dt.datetime]:
    try:
        data = strict_json.loads(text)
        if data["v"] == _CHECKPOINT_VERSION:
            return {str(status): rows.time(mark) for status, mark in data["modified"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    msg = say("the checkpoint %(text)s is none of this connector; rewind the channel to a date", text=repr(text[:80]))
    raise ConnectionBroken(msg, code="checkpoint")


def _write_checkpoint(marks: Mapping[str, dt.datetime]) -> str:
    times = {status: rows.parameter(time) for status, time in marks.items()}
    return json.dumps({"v": _CHECKPOINT_VERSION, "modified": times}, separators=(",", ":"))
