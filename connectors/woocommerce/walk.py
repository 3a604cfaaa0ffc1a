"""Reading a list that changes while it is read, without losing a row.

WooCommerce pages by number over the live list: when an order of page 1 changes, it moves to the end, everything moves
up by one, and the first row of page 2 is never seen (recorded: 3 changes in a walk of 162 lost 3 others). So the walk
goes by key: always page 1, from one second before the last row seen, until there is no more. What changes meanwhile
gets a later time and comes later.

Two cases stop that: more rows in one second than fit on a page, and pages whose rows the key's user may not see
(WooCommerce drops these after paging, so a page can be empty in the middle). Then a closed window of time is read page
by page *from the last page to the first*: a row that changes leaves the window, and the rows that move up come to
pages that are still to be read.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator

from connectors.kit.base import JsonDict
from connectors.kit.errors import Transient
from connectors.kit.words import say
from connectors.woocommerce.rows import SECOND


@dataclasses.dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list."""

    rows: list[JsonDict]
    #: How many pages the whole list has; 0 for an empty one.
    pages: int
    #: The server's clock.
    now: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """Some rows, and the time up to which everything is read now; never later than the server's clock."""

    rows: list[JsonDict]
    reached: dt.datetime


#: `(after, before, page)`, both exclusive, `before` None for no end.
Lister = Callable[[dt.datetime, dt.datetime | None, int], ListPage]
#: The time by which the list is sorted and cut.
Stamp = Callable[[JsonDict], dt.datetime | None]


def by_key(fetch: Lister, stamp: Stamp, start: dt.datetime, end: dt.datetime | None = None) -> Iterator[Step]:
    """Every row from `start` (included) to `end` (excluded), oldest first.

    `fetch` sorts by `stamp`, ascending. A row that changes during the walk may come twice, the newer state later.
    Raises Transient when the answers contradict the question (a cache that ignores the query).
    """
    position, span = start, SECOND
    known: dict[object, JsonDict] = {}
    while True:
        page = fetch(position - SECOND, end, 1)
        newest = _newest(page, stamp, position)
        yield Step([row for row in page.rows if known.get(row["id"]) != row], min(newest or position, page.now))
        if page.pages <= 1:
            return
        if newest is not None and newest > position:
            position, span = newest, SECOND
            known = {row["id"]: row for row in page.rows if stamp(row) == newest}
            continue
        upto = position + span if end is None else min(position + span, end)
        yield from backwards(fetch, position - SECOND, upto)
        if upto == end or upto > page.now:
            # The present is reached. What changes in this very second belongs to the next walk, which reads it again.
            return
        position, span, known = upto, span * 2, {}


def backwards(fetch: Lister, after: dt.datetime, before: dt.datetime) -> Iterator[Step]:
    """Every row with a time between the two (both excluded), oldest pages last.

    `fetch` may sort by anything while `before` is not in the future; else by the time. Only the last step has reached
    anything, because nothing is known of what the pages before it hold.
    """
    first = fetch(after, before, 1)
    reached = min(before, first.now)
    if first.pages <= 1:
        yield Step(first.rows, reached)
        return
    for number in range(first.pages, 0, -1):
        page = fetch(after, before, number)
        yield Step(page.rows, reached if number == 1 else after)


def _newest(page: ListPage, stamp: Stamp, position: dt.datetime) -> dt.datetime | None:
    stamps = [time for row in page.rows if (time := stamp(row)) is not None]
    if stamps and min(stamps) < position:
        raise Transient(
            say("the order list holds orders older than asked for; does a cache in front of the shop answer?")
        )
    return max(stamps, default=None)
