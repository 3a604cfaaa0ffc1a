"""What a channel's shop shows of each article, and what we last made it show."""

from __future__ import annotations

import dataclasses
import datetime as dt
import operator
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy import Connection, bindparam, select

from sync.store.lists import in_lists
from sync.store.tables import shown_stock
from sync.store.types import db_now
from sync.store.upsert import replace_rows


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One article in one place of the shop. What is None is not known."""

    sku: str
    location: str = ""
    external_id: str = ""
    parent_id: str = ""
    #: The shop's id of what holds its count; several articles may be counted together. Empty for none.
    counter: str = ""
    #: What we last wrote, when, and the reading that it came from.
    quantity: Decimal | None = None
    pushed_at: dt.datetime | None = None
    version: dt.datetime | None = None
    #: What the shop shows as far as we know, and since when we know it.
    seen: Decimal | None = None
    seen_at: dt.datetime | None = None
    waits: int = 0
    reason: str = ""


_NAMES = tuple(field.name for field in dataclasses.fields(Shown))
_COLUMNS = tuple(shown_stock.c[name] for name in _NAMES)
_SHOWN = select(*_COLUMNS).where(
    shown_stock.c.channel == bindparam("of"), shown_stock.c.sku.in_(bindparam("skus", expanding=True))
)
_values_of = operator.attrgetter(*_NAMES)


def load_shown(connection: Connection, channel: str, skus: Iterable[str]) -> dict[tuple[str, str], Shown]:
    """(SKU of the shop, its place) -> what it shows."""
    found: dict[tuple[str, str], Shown] = {}
    for some in in_lists(sorted(set(skus))):
        for row in connection.execute(_SHOWN, {"of": channel, "skus": some}):
            shown = shown_of(row)
            found[shown.sku, shown.location] = shown
    return found


def shown_of(row: object) -> Shown:
    """From a row with the columns of `Shown`."""
    values = dict(zip(_NAMES, _values_of(row), strict=True))
    for name in ("quantity", "seen"):
        values[name] = None if values[name] is None else Decimal(values[name])
    return Shown(**values)


def save_shown(connection: Connection, channel: str, rows: Sequence[Shown]) -> None:
    """Keep what is known now, over what was."""
    replace_rows(connection, shown_stock, [_values(channel, row) for row in rows], ("channel", "sku", "location"))


def _values(channel: str, shown: Shown) -> dict[str, object]:
    values = dict(zip(_NAMES, _values_of(shown), strict=True))
    for name in ("quantity", "seen"):
        values[name] = None if values[name] is None else f"{values[name]:f}"
    return {**values, "channel": channel}


def announce(connection: Connection, channel: str, rows: Sequence[tuple[Shown, Decimal]]) -> None:
    """What is known of articles, each with the quantity that is about to be written; committed before the call.

    Where a process dies in the call nobody knows what the shop shows: it is taken to show what was to be written, so
    the next look finds less than that and waits a round instead of writing over a sale.
    """
    now = connection.execute(select(db_now())).scalar_one()
    announced = [dataclasses.replace(shown, seen=quantity, seen_at=now) for shown, quantity in rows]
    save_shown(connection, channel, announced)


def shown_articles(connection: Connection, channel: str) -> list[str]:
    """Every article that the shop has as far as we know, in order."""
    table = shown_stock.c
    query = select(table.sku).where(table.channel == channel).distinct().order_by(table.sku)
    return list(connection.execute(query).scalars())


def counted_at(connection: Connection, channel: str, counters: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """(counter, place) -> every article that is counted there as far as we know."""
    table = shown_stock.c
    found: dict[tuple[str, str], set[str]] = {}
    for some in in_lists(sorted(set(counters))):
        query = select(table.counter, table.location, table.sku).where(
            table.channel == channel, table.counter.in_(some)
        )
        for row in connection.execute(query):
            found.setdefault((row.counter, row.location), set()).add(row.sku)
    return found
