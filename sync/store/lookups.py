"""Look-up tables: value translations, scoped, edited by people."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from sync.store.tables import lookups
from sync.store.types import db_now
from sync.store.upsert import upsert


def load_lookups(connection: Connection, channel: str, target: str) -> dict[tuple[str, str], str]:
    """(table, source value) -> target value for one channel; the narrower scope wins: channel, connection, global."""
    table = lookups.c
    scopes = ["global", f"connection:{target}", f"channel:{channel}"]
    rows = connection.execute(
        select(table.scope, table.table_name, table.source_value, table.target_value).where(table.scope.in_(scopes))
    ).all()
    found: dict[tuple[str, str], str] = {}
    for row in sorted(rows, key=lambda row: scopes.index(row.scope)):
        found[row.table_name, row.source_value] = row.target_value
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class Lookups:
    """What the tables said for one channel at one moment."""

    #: Of all tables: rows, their revisions, and the newest change. Another one as soon as a row is another one.
    version: tuple[int, int, dt.datetime | None]
    rows: Mapping[tuple[str, str], str]


def renew_lookups(connection: Connection, channel: str, target: str, known: Lookups | None = None) -> Lookups:
    """What stands now, as `load_lookups` says it; `known` itself where nothing has changed since.

    A table of ten thousand articles takes a tenth of a second to load, and a drain asks for each of its batches.
    """
    table = lookups.c
    counts = select(func.count(), func.coalesce(func.sum(table.revision), 0), func.max(table.changed_at))
    # Before the rows: those that come in between make the next look load again.
    rows, revisions, newest = connection.execute(counts.select_from(lookups)).one()
    version = (int(rows), int(revisions), newest)
    if known is not None and known.version == version:
        return known
    return Lookups(version, load_lookups(connection, channel, target))


def load_row(connection: Connection, table_name: str, scope: str, source: str) -> str | None:
    """What one row of this very scope says; None where there is none."""
    table = lookups.c
    return connection.execute(
        select(table.target_value).where(
            table.table_name == table_name, table.scope == scope, table.source_value == source
        )
    ).scalar()


def save_lookup(connection: Connection, table_name: str, scope: str, source: str, target: str, *, by: str) -> None:
    """Add or change one row."""
    known = connection.execute(
        select(lookups.c.revision).where(
            lookups.c.table_name == table_name, lookups.c.scope == scope, lookups.c.source_value == source
        )
    ).scalar()
    values = {
        "table_name": table_name,
        "scope": scope,
        "source_value": source,
        "target_value": target,
        "revision": (known or 0) + 1,
        "changed_at": db_now(),
        "changed_by": by,
    }
    upsert(connection, lookups, values, ("table_name", "scope", "source_value"))
