"""What an ERP has of each article, as last read, and what has changed since the channels were told."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import time
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from sqlalchemy import Connection, Insert, bindparam, delete, func, select, tuple_

from sync.store.checkpoints import load_checkpoint_row, save_checkpoint
from sync.store.engine import Store
from sync.store.lists import in_lists
from sync.store.tables import captured_lines, stock_levels, touched_stock
from sync.store.types import db_now
from sync.store.upsert import dialect_of, replace_rows

#: Checkpoints of an ERP connection: its own text from which changed stock is pulled, ...
CHANGES: Final = "stock"
#: ... when its last reading began, ...
READING: Final = "stock.reading"
#: ... and why it cannot be read at the moment; empty while it can.
AWAY: Final = "stock.away"
#: How long a process waits for the database's clock to move on; SQLite's counts milliseconds.
_TICK_S: Final = 0.0005


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """One article in one place of the ERP."""

    location: str
    quantity: Decimal
    reserved: Decimal | None
    #: When the call that read it began, by the database's clock.
    began_at: dt.datetime
    #: When the figure last became another one.
    changed_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """What the ERP said of one article in one place."""

    sku: str
    location: str
    quantity: Decimal
    reserved: Decimal | None = None


_LEVELS: Final = (
    select(
        stock_levels.c.sku,
        stock_levels.c.location,
        stock_levels.c.quantity,
        stock_levels.c.reserved,
        stock_levels.c.began_at,
        stock_levels.c.changed_at,
    )
    .where(stock_levels.c.connection == bindparam("erp"), stock_levels.c.sku.in_(bindparam("skus", expanding=True)))
    .order_by(stock_levels.c.sku, stock_levels.c.location)
)
_SETTLED: Final = (
    delete(captured_lines)
    .where(
        captured_lines.c.connection == bindparam("erp"),
        captured_lines.c.sku.in_(bindparam("skus", expanding=True)),
        captured_lines.c.reserved_at < bindparam("began", type_=captured_lines.c.reserved_at.type),
    )
    .returning(captured_lines.c.sku)
)
_TOLD: Final = delete(touched_stock).where(
    touched_stock.c.connection == bindparam("erp"),
    touched_stock.c.sku.in_(bindparam("skus", expanding=True)),
    touched_stock.c.times == bindparam("count"),
)


def begin_reading(store: Store, erp: str) -> dt.datetime:
    """The moment before a call that reads stock, by the database's clock; no two readings of an ERP have the same.

    So of two readings one always began first, and what was seen before this moment is strictly older.
    """

    def work(connection: Connection) -> dt.datetime | None:
        now = connection.execute(select(db_now())).scalar_one()
        last = load_checkpoint_row(connection, erp, READING, lock=True)
        if last is not None and now <= dt.datetime.fromisoformat(last.value):
            return None
        save_checkpoint(connection, erp, READING, now.isoformat())
        return now

    while (began := store.write(work)) is None:
        time.sleep(_TICK_S)
    return began


def save_levels(
    connection: Connection, erp: str, began_at: dt.datetime, asked: Sequence[str], readings: Iterable[Read]
) -> frozenset[str]:
    """Keep what a reading that began at `began_at` said of the articles `asked`; answers those whose sum may differ.

    An article that it left out is gone. A reading that began earlier than the one that is kept changes nothing. Orders
    whose document was seen where the ERP reserves before the reading began are in the ERP's figure now.
    """
    known = {
        (sku, level.location): level for sku, levels in load_levels(connection, erp, asked).items() for level in levels
    }
    said = {(read.sku, read.location): read for read in readings}
    fresh = {key: read for key, read in said.items() if key not in known or known[key].began_at <= began_at}
    changed = {key for key, read in fresh.items() if key not in known or known[key].quantity != read.quantity}
    now = connection.execute(select(db_now())).scalar_one()
    dated = [(read, now if key in changed else known[key].changed_at) for key, read in fresh.items()]
    _upsert_levels(connection, erp, began_at, dated)
    gone = [key for key, level in known.items() if key not in said and level.began_at <= began_at]
    _delete_levels(connection, erp, gone)
    settled = _drop_settled(connection, erp, asked, began_at)
    touched = {sku for sku, _ in (*changed, *gone)} | settled
    touch(connection, erp, touched)
    return frozenset(touched)


def _upsert_levels(
    connection: Connection, erp: str, began_at: dt.datetime, dated: Iterable[tuple[Read, dt.datetime]]
) -> None:
    rows = [
        {
            "connection": erp,
            "sku": read.sku,
            "location": read.location,
            "quantity": f"{read.quantity:f}",
            "reserved": None if read.reserved is None else f"{read.reserved:f}",
            "began_at": began_at,
            "changed_at": changed_at,
        }
        for read, changed_at in dated
    ]
    replace_rows(connection, stock_levels, rows, ("connection", "sku", "location"))


def _delete_levels(connection: Connection, erp: str, gone: Sequence[tuple[str, str]]) -> None:
    table = stock_levels.c
    for keys in in_lists(gone):
        connection.execute(
            delete(stock_levels).where(table.connection == erp, tuple_(table.sku, table.location).in_(keys))
        )


def _drop_settled(connection: Connection, erp: str, skus: Sequence[str], began_at: dt.datetime) -> set[str]:
    """What the ERP's figure knows now counts no longer; answers the articles."""
    dropped: set[str] = set()
    for some in in_lists(skus):
        dropped.update(connection.execute(_SETTLED, {"erp": erp, "skus": some, "began": began_at}).scalars())
    return dropped


def load_levels(connection: Connection, erp: str, skus: Iterable[str]) -> dict[str, list[Level]]:
    """Article -> what the ERP has of it, place by place."""
    found: dict[str, list[Level]] = {}
    for some in in_lists(sorted(set(skus))):
        for sku, location, quantity, reserved, began_at, changed_at in connection.execute(
            _LEVELS, {"erp": erp, "skus": some}
        ):
            known = None if reserved is None else Decimal(reserved)
            found.setdefault(sku, []).append(Level(location, Decimal(quantity), known, began_at, changed_at))
    return found


def known_articles(connection: Connection, erp: str) -> list[str]:
    """Every article that the ERP has told of, in order."""
    table = stock_levels.c
    return list(
        connection.execute(select(table.sku).where(table.connection == erp).distinct().order_by(table.sku)).scalars()
    )


# --- what the channels were not told of yet ---------------------------------------------------------------------


def touch(connection: Connection, erp: str, skus: Iterable[str]) -> None:
    """Something about these articles has changed: every channel of the ERP is to look at them."""
    rows = [{"connection": erp, "sku": sku} for sku in sorted(set(skus))]
    if rows:
        connection.execute(_touching(dialect_of(connection)), rows)


@functools.cache
def _touching(dialect) -> Insert:  # type: ignore[no-untyped-def]  # noqa: ANN001 - a module
    statement: Insert = dialect.insert(touched_stock).on_conflict_do_update(
        index_elements=["connection", "sku"], set_={"times": touched_stock.c.times + 1}
    )
    return statement


def list_touched(connection: Connection, limit: int) -> dict[str, dict[str, int]]:
    """ERP connection -> touched article -> its count, for `forget_touched`."""
    table = touched_stock.c
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(select(table.connection, table.sku, table.times).limit(limit)):
        found.setdefault(row.connection, {})[row.sku] = row.times
    return found


def forget_touched(connection: Connection, erp: str, counts: Mapping[str, int]) -> None:
    """The channels were told; one that was touched again meanwhile stays."""
    by_times: dict[int, list[str]] = {}
    for sku, times in counts.items():
        by_times.setdefault(times, []).append(sku)
    for times, skus in by_times.items():
        for some in in_lists(sorted(skus)):
            connection.execute(_TOLD, {"erp": erp, "skus": some, "count": times})


# --- whether the ERP can be read --------------------------------------------------------------------------------


def note_away(connection: Connection, erp: str, reason: str) -> None:
    """The ERP's stock could not be read, and why; empty when it could."""
    known = load_checkpoint_row(connection, erp, AWAY)
    if (known.value if known is not None else "") != reason:
        save_checkpoint(connection, erp, AWAY, reason)


def away_of(connection: Connection, erp: str) -> tuple[str, dt.datetime] | None:
    """Why the ERP's stock could not be read the last time, and since when; None when it could."""
    row = load_checkpoint_row(connection, erp, AWAY)
    return (row.value, row.updated_at) if row is not None and row.value else None


def count_levels(connection: Connection, erp: str) -> int:
    """Articles times places that we know of."""
    table = stock_levels.c
    return int(connection.execute(select(func.count()).where(table.connection == erp)).scalar_one())
