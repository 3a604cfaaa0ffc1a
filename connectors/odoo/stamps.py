"""Reading what changed, by `write_date`: taken when the transaction begins, kept in microseconds, shown in seconds.

So `>` would give the same rows again and again, and miss those of the same second: it is asked with `>=`, what was seen
under the same stamp is left out, and whoever comes again steps back by an overlap for what was committed late.
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
from connectors.kit.words import say
from connectors.odoo.client import OdooClient

TIME: Final = "%Y-%m-%d %H:%M:%S"
#: Before any Odoo.
BEGINNING: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_VERSION: Final = 1
_PAGE: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Records of one model that matter to us, and what is read of them."""

    model: str
    domain: tuple[Any, ...]
    fields: tuple[str, ...]
    #: What changed records stand for, one list each: ids of sales, codes of products.
    names: Callable[[list[JsonDict]], list[Iterable[str]]]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Change:
    """A record changed at `at`, which means that `names` are to be looked at."""

    at: dt.datetime
    names: tuple[str, ...] = dataclasses.field(compare=False)
    #: Which record, and what was read of it: tells two changes of one second apart.
    told: str = dataclasses.field(compare=False)


def changes(
    client: OdooClient, sources: Iterable[Source], since: dt.datetime, page: int = _PAGE
) -> Iterator[list[Change]]:
    """What changed in any of the sources at `since` or later, oldest first over all of them, in lists of a page."""
    merged = heapq.merge(*(_changed(client, source, since, page) for source in sources))
    found: list[Change] = []
    for change in merged:
        found.append(change)
        if len(found) == page:
            yield found
            found = []
    if found:
        yield found


def _changed(client: OdooClient, source: Source, since: dt.datetime, page: int) -> Iterator[Change]:
    """Oldest first. A whole page of one second is asked for again as a longer one: there is no finer place to go on."""
    stamp, seen, limit = written(since), frozenset[int](), page
    while True:
        domain = [["write_date", ">=", stamp], *source.domain]
        fields = ("write_date", *source.fields)
        rows = client.search(source.model, domain, fields, order="write_date, id", limit=limit)
        fresh = [row for row in rows if row["write_date"] != stamp or row["id"] not in seen]
        for row, names in zip(fresh, source.names(fresh) if fresh else (), strict=True):
            yield Change(moment(row["write_date"]), tuple(names), _told(source, row))
        if len(rows) < limit:
            return
        last = rows[-1]["write_date"]
        limit = page if last != stamp else 2 * limit
        seen = frozenset(row["id"] for row in rows if row["write_date"] == last) | (
            seen if last == stamp else frozenset()
        )
        stamp = last


def _told(source: Source, row: JsonDict) -> str:
    return json.dumps([source.model, row["id"], [row[name] for name in source.fields]], default=str)


def newest(client: OdooClient, source: Source) -> dt.datetime | None:
    """The time of the newest change there, by the server's clock; None where there is no record at all."""
    rows = client.search(source.model, source.domain, ("write_date",), order="write_date desc, id desc", limit=1)
    return moment(rows[0]["write_date"]) if rows else None


def moment(text: str) -> dt.datetime:
    """A time as Odoo writes it: UTC, without saying so."""
    return dt.datetime.strptime(text, TIME).replace(tzinfo=dt.UTC)


def written(at: dt.datetime) -> str:
    """The other way round."""
    return at.astimezone(dt.UTC).strftime(TIME)


def write_checkpoint(read_to: dt.datetime) -> str:
    """Everything that carried this time or an earlier one has been read."""
    return json.dumps({"v": _VERSION, "read_to": read_to.isoformat()})


def read_checkpoint(checkpoint: str) -> dt.datetime:
    """Raises ConnectionBroken for a text that is no checkpoint of ours."""
    try:
        kept = json.loads(checkpoint)
        read_to = dt.datetime.fromisoformat(kept["read_to"])
        usable = kept["v"] == _VERSION and read_to.tzinfo is not None
    except (ValueError, TypeError, KeyError):
        usable = False
    if not usable:
        text = say("%(checkpoint)s is no checkpoint of this connector", checkpoint=repr(checkpoint[:80]))
        raise ConnectionBroken(text, code="checkpoint")
    return read_to
