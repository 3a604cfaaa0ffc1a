"""Files of orders that people upload: kept until somebody takes what they have, or for some days."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from sync.store.said import dump_said, load_said
from sync.store.tables import imports
from sync.store.types import db_now

READING: Final = "reading"
REFUSED: Final = "refused"
READY: Final = "ready"
TAKING: Final = "taking"
TAKEN: Final = "taken"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One file, as a list shows it."""

    token: str
    connection: str
    name: str
    size: int
    encoding: str
    delimiter: str
    state: str
    #: Why nothing of it can be read.
    refusal: str
    #: JSON of what it would do, or has done; None before anybody looked.
    report: Any
    #: What whoever takes it names.
    seen: str
    uploaded_at: dt.datetime
    uploaded_by: str
    taken_at: dt.datetime | None
    taken_by: str


_COLUMNS: Final = tuple(imports.c[field.name] for field in dataclasses.fields(Import))


def add_import(connection: Connection, values: dict[str, object]) -> None:
    """A file that somebody has uploaded: `token`, `connection`, `name`, `body`, `size`, `uploaded_by` and so on."""
    connection.execute(insert(imports).values(state=READING, uploaded_at=db_now(), **values))


def list_imports(connection: Connection, *, limit: int) -> list[Import]:
    """The newest ones."""
    query = select(*_COLUMNS).order_by(imports.c.id.desc()).limit(limit)
    return [_import(row._asdict()) for row in connection.execute(query)]


def load_import(connection: Connection, token: str) -> Import | None:
    """One file; None where it is not kept any more."""
    row = connection.execute(select(*_COLUMNS).where(imports.c.token == token)).first()
    return None if row is None else _import(row._asdict())


def load_import_body(connection: Connection, token: str) -> bytes | None:
    """Its bytes, compressed; None where its orders are taken, or it is not kept any more."""
    return connection.execute(select(imports.c.body).where(imports.c.token == token)).scalar()


def note_import(connection: Connection, token: str, **values: object) -> None:
    """What is found out of a file, unless its orders are taken already."""
    if "report" in values:
        values["report"] = dump_said(values["report"])
    connection.execute(update(imports).where(imports.c.token == token, imports.c.state != TAKEN).values(**values))


def begin_taking(connection: Connection, token: str, seen: str, by: str) -> bool:
    """Say that somebody takes it; False where it is not what they have seen, or somebody was quicker."""
    table = imports.c
    begun = connection.execute(
        update(imports)
        .where(table.token == token, table.state == READY, table.seen == seen)
        .values(state=TAKING, taken_by=by)
    )
    return bool(begun.rowcount)


def end_taking(connection: Connection, token: str, seen: str) -> bool:
    """Say that its orders are taken, in the transaction that takes them; False where somebody looks at it anew."""
    table = imports.c
    taken = connection.execute(
        update(imports)
        .where(table.token == token, table.state == TAKING, table.seen == seen)
        .values(state=TAKEN, body=None, taken_at=db_now())
    )
    return bool(taken.rowcount)


def give_up_taking(connection: Connection, token: str, seen: str) -> None:
    """Nothing of it was taken: the next one may."""
    table = imports.c
    which = (table.token == token) & (table.state == TAKING) & (table.seen == seen)
    connection.execute(update(imports).where(which).values(state=READY, taken_by=""))


def drop_import(connection: Connection, token: str) -> None:
    """Forget a file."""
    connection.execute(delete(imports).where(imports.c.token == token))


def drop_imports(connection: Connection, before: dt.datetime | None = None) -> int:
    """Forget all files, or those that were uploaded before a moment; answers how many."""
    old = [] if before is None else [imports.c.uploaded_at < before]
    return connection.execute(delete(imports).where(*old)).rowcount


def _import(row: dict[str, Any]) -> Import:
    return Import(**{**row, "report": load_said(row["report"]) if row["report"] else None})
