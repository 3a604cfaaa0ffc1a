"""Look-up tables: value translations, scoped, edited by people."""

from __future__ import annotations

from sqlalchemy import Connection, select

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
