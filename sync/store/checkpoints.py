"""Checkpoints: opaque text from which a pull resumes."""

from __future__ import annotations

import dataclasses
import datetime as dt

from sqlalchemy import Connection, select

from sync.store.tables import checkpoints
from sync.store.types import db_now
from sync.store.upsert import replace_rows


@dataclasses.dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a pull resumes, and since when."""

    value: str
    updated_at: dt.datetime


def load_checkpoint_row(connection: Connection, name: str, stream: str, *, lock: bool = False) -> Checkpoint | None:
    """None for a pull that never ran; `lock` keeps others from changing it until the end of the transaction."""
    table = checkpoints.c
    query = select(table.value, table.updated_at).where(table.connection == name, table.stream == stream)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else Checkpoint(*row)


def hold_checkpoint(connection: Connection, name: str, stream: str) -> None:
    """Keep a pull from saving a page until the end of the transaction; wait for one that is about to."""
    table = checkpoints.c
    query = select(table.value).where(table.connection == name, table.stream == stream)
    connection.execute(query.with_for_update(read=True)).first()


def load_checkpoint(connection: Connection, name: str, stream: str, *, lock: bool = False) -> str | None:
    """Where a pull resumes; None for one that never ran."""
    row = load_checkpoint_row(connection, name, stream, lock=lock)
    return None if row is None else row.value


def save_checkpoint(connection: Connection, name: str, stream: str, value: str) -> None:
    """Save in the same transaction as the marks of the page."""
    now = connection.execute(select(db_now())).scalar_one()
    row = {"connection": name, "stream": stream, "value": value, "updated_at": now}
    replace_rows(connection, checkpoints, [row], ("connection", "stream"))
