"""Checkpoints: opaque text from which a pull resumes."""

from __future__ import annotations

from sqlalchemy import Connection, select

from sync.store.tables import checkpoints
from sync.store.types import db_now
from sync.store.upsert import upsert


def load_checkpoint(connection: Connection, name: str, stream: str) -> str | None:
    """Where a pull resumes; None for one that never ran."""
    table = checkpoints.c
    return connection.execute(select(table.value).where(table.connection == name, table.stream == stream)).scalar()


def save_checkpoint(connection: Connection, name: str, stream: str, value: str) -> None:
    """Save in the same transaction as the marks of the page."""
    values = {"connection": name, "stream": stream, "value": value, "updated_at": db_now()}
    upsert(connection, checkpoints, values, ("connection", "stream"))
