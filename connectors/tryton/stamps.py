"""Reading what changed, by the times that Tryton stamps on its records.

A record has `create_date`, and `write_date` from its first write on; both are UTC with microseconds and are taken when
the transaction *begins*, so a long one appears late under an old time: whoever comes again steps back by an overlap. No
list is sorted by "the one or the other" on the server. So a source is first asked for everything at once, and only
where that is more than a page it is walked by key in two lists, which are merged; what is written meanwhile moves to
the end of the second one. Deletions leave no stamp.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectionBroken
from connectors.tryton.client import TrytonClient

FIELDS: Final = ("create_date", "write_date")
#: Before any Tryton; the server takes no year below 1.
BEGINNING: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_VERSION: Final = 1
_PAGE: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Records of one model that matter to us, and what is read of them."""

    model: str
    domain: tuple[Any, ...]
    fields: tuple[str, ...]
    #: What a changed record stands for: ids of sales, codes of products.
    names: Callable[[JsonDict], Iterable[str]]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Change:
    """A record changed at `at`, which means that `names` are to be looked at."""

    at: dt.datetime
    names: tuple[str, ...] = dataclasses.field(compare=False)


def stamp(row: JsonDict) -> dt.datetime:
    """When the record was last changed."""
    changed: dt.datetime = row["write_date"] or row["create_date"]
    return changed


def version(row: JsonDict) -> str:
    """The same as sortable text."""
    return stamp(row).isoformat(timespec="microseconds")


def changes(client: TrytonClient, sources: Iterable[Source], since: dt.datetime) -> Iterator[list[Change]]:
    """What changed in any of the sources at `since` or later, oldest first over all of them, in lists of a page."""
    merged = heapq.merge(*(_changed(client, source, since) for source in sources))
    page: list[Change] = []
    for change in merged:
        page.append(change)
        if len(page) == _PAGE:
            yield page
            page = []
    if page:
        yield page


def newest(client: TrytonClient, source: Source) -> dt.datetime | None:
    """The time of the newest change there, by the server's clock; None where there is no record at all."""
    stamps: list[dt.datetime] = []
    for field in FIELDS:
        domain = [*source.domain, [field, "!=", None]]
        order = [[field, "DESC"], ["id", "DESC"]]
        stamps.extend(row[field] for row in client.search(source.model, domain, FIELDS, order=order, limit=1))
    return max(stamps, default=None)


def write_checkpoint(read_to: dt.datetime) -> str:
    """Everything that carried this time or an earlier one has been read."""
    return json.dumps({"v": _VERSION, "read_to": read_to.isoformat()})


def read_checkpoint(checkpoint: str) -> dt.datetime:
    """Raises ConnectionBroken for a text that is no checkpoint of ours."""
    try:
        read = json.loads(checkpoint)
        if read["v"] == _VERSION:
            moment = dt.datetime.fromisoformat(read["read_to"])
            if moment.tzinfo is not None:
                return moment.astimezone(dt.UTC)
    except (ValueError, TypeError, KeyError):
        pass
    raise ConnectionBroken(f"the checkpoint {checkpoint!r} is none that this version of the connector has written")


def _changed(client: TrytonClient, source: Source, since: dt.datetime) -> Iterator[Change]:
    created = [["write_date", "=", None], ["create_date", ">=", since]]
    domain = [*source.domain, ["OR", [["write_date", ">=", since]], created]]
    rows = client.search(source.model, domain, _fields(source), order=[["id", "ASC"]], limit=_PAGE + 1)
    if len(rows) > _PAGE:
        walks = (_walk(client, source, field, since) for field in FIELDS)
        yield from heapq.merge(*walks)
    else:
        yield from sorted(_change(source, row) for row in rows)


def _walk(client: TrytonClient, source: Source, field: str, since: dt.datetime) -> Iterator[Change]:
    """By key: a row that changes on the way cannot move another one over the edge of a page."""
    never_written = [] if field == "write_date" else [["write_date", "=", None]]
    after: list[Any] = [[field, ">=", since]]
    while True:
        domain = [*source.domain, *never_written, *after]
        order = [[field, "ASC"], ["id", "ASC"]]
        rows = client.search(source.model, domain, _fields(source), order=order, limit=_PAGE)
        for row in rows:
            yield _change(source, row)
        if len(rows) < _PAGE:
            return
        last = rows[-1]
        after = [["OR", [[field, ">", last[field]]], [[field, "=", last[field]], ["id", ">", last["id"]]]]]


def _fields(source: Source) -> tuple[str, ...]:
    return (*FIELDS, *source.fields)


def _change(source: Source, row: JsonDict) -> Change:
    return Change(stamp(row), tuple(dict.fromkeys(source.names(row))))
