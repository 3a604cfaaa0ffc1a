"""The list of orders as people look through it: tabs with their counts, filters, pages, everything for a file."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from sync.desk.phrases import Phrase, say
from sync.store.engine import Store
from sync.store.listed import Listed
from sync.store.search import Mark, Page, Paging, Sort, Wanted, count_by_state, list_causes, load_page
from sync.store.states import ItemState

#: Rows that are read at once for a file.
_PIECE: Final = 500
_DIGITS: Final = 18


class Tab(enum.StrEnum):
    """What people want to see together."""

    NEEDS = "needs"
    DOUBT = "doubt"
    WAY = "way"
    WAITING = "waiting"
    DONE = "done"
    SKIPPED = "skipped"
    ALL = "all"


#: In the order in which they are shown; no states means all.
TABS: Final[Mapping[Tab, tuple[ItemState, ...]]] = {
    Tab.NEEDS: (ItemState.HELD, ItemState.PARKED),
    Tab.DOUBT: (ItemState.RECONCILE,),
    Tab.WAY: (ItemState.READY, ItemState.LEASED),
    Tab.WAITING: (ItemState.WAITING,),
    Tab.DONE: (ItemState.DONE,),
    Tab.SKIPPED: (ItemState.SKIPPED,),
    Tab.ALL: (),
}
LABELS: Final[Mapping[Tab, Phrase]] = {
    Tab.NEEDS: say("Needs you"),
    Tab.DOUBT: say("In doubt"),
    Tab.WAY: say("On the way"),
    Tab.WAITING: say("Waiting"),
    Tab.DONE: say("Done"),
    Tab.SKIPPED: say("Not carried over"),
    Tab.ALL: say("All"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Listing:
    """One page of one tab, and how many orders each tab has under the same filters."""

    page: Page
    counts: Mapping[Tab, int]


def list_page(store: Store, config: Config, wanted: Wanted, tab: Tab, paging: Paging) -> Listing:
    """What fits the filters; `wanted.states` is the tab's. Raises DatabaseBusy."""
    targets = _targets(config)
    chosen = dataclasses.replace(wanted, states=TABS[tab])

    def read(connection: Connection) -> Listing:
        states = count_by_state(connection, chosen, targets)
        counts = {each: sum(states[state] for state in TABS[each] or ItemState) for each in TABS}
        return Listing(load_page(connection, chosen, paging, targets, states), counts)

    return store.read(read)


def every_order(
    store: Store, config: Config, wanted: Wanted, *, sort: Sort = Sort.PLACED, descending: bool = True
) -> Iterator[Listed]:
    """Everything that fits, read piece by piece: an order that changes meanwhile may be seen as before or as after."""
    targets = _targets(config)
    paging = Paging(sort=sort, descending=descending, limit=_PIECE)
    while True:
        page = store.read(lambda c, paging=paging: load_page(c, wanted, paging, targets))  # type: ignore[misc]
        yield from page.rows
        if page.next is None:
            return
        paging = dataclasses.replace(paging, after=page.next)


def open_causes(store: Store) -> list[str]:
    """What the list can be narrowed to."""
    return sorted(store.read(list_causes))


def _targets(config: Config) -> dict[str, str]:
    return {channel.name: channel.erp for channel in config.channels.values()}


def write_mark(mark: Mark) -> str:
    """A place in the list as it stands in an address."""
    value = mark.value.isoformat() if isinstance(mark.value, dt.datetime) else str(mark.value)
    return f"{value}_{mark.item_id}"


def read_mark(text: str, sort: Sort) -> Mark | None:
    """The place that an address names; None where it names none of this sort."""
    value, _, item_id = text.rpartition("_")
    try:
        if not _is_id(item_id):
            return None
        if sort is Sort.AMOUNT:
            return Mark(int(value), int(item_id)) if _is_id(value.removeprefix("-")) else None
        moment = dt.datetime.fromisoformat(value)
        return Mark(moment.astimezone(dt.UTC), int(item_id)) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS
