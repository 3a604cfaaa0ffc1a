"""A file of look-up rows between the look at what it would change and the word that it shall.

It is kept in the database, one for each person: a page without JavaScript cannot carry it, and whoever confirms
confirms exactly what was shown.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from sync.desk.lookup_files import read_rows
from sync.desk.lookup_rows import LookupRow
from sync.desk.lookups import Applied, Preview, RowsChanged, preview_rows, save_lookups
from sync.rules.lookups import declared_facts
from sync.store.audit import Actor
from sync.store.bodies import digest, dump_json
from sync.store.engine import Store
from sync.store.reports import drop_reports, last_report, save_report

_KIND: Final = "lookups"


@dataclasses.dataclass(frozen=True, slots=True)
class Upload:
    """A file that was read, and what it would change."""

    preview: Preview
    #: Rows that the file does not have are to go.
    replace: bool
    #: Names this very file as it was shown, for `apply_upload`.
    token: str


def keep_upload(store: Store, config: Config, table: str, body: bytes, *, replace: bool, actor: Actor) -> Upload:
    """Read a file for one table and keep its rows until they are applied. Raises FileRefused, RowRefused."""
    rows = read_rows(config, body, store.read(declared_facts), table=table)
    preview = preview_rows(store, config, rows, only={table} if replace else set())
    kept = {
        "table": table,
        "replace": replace,
        "seen": preview.seen,
        "rows": [[row.scope, row.value, row.conditions, row.target] for row in rows],
    }

    token = digest(dump_json(kept))

    def work(connection: Connection) -> None:
        drop_reports(connection, _KIND, actor.name)
        save_report(connection, _KIND, actor.name, ok=True, body=kept | {"token": token})

    store.write(work)
    return Upload(preview, replace, token)


def apply_upload(store: Store, config: Config, table: str, token: str, *, actor: Actor, reason: str = "") -> Applied:
    """Apply the file that this person was shown as `token`. Raises RowsChanged where it is another one, RowRefused."""
    report = store.read(lambda c: last_report(c, _KIND, actor.name))
    kept = {} if report is None else report.body
    if kept.get("table") != table or kept.get("token") != token:
        raise RowsChanged
    rows = [LookupRow(table, value, target, scope, conditions) for scope, value, conditions, target in kept["rows"]]
    only = {table} if kept["replace"] else set()
    applied = save_lookups(store, config, rows, actor=actor, reason=reason, only=only, seen=kept["seen"])
    store.write(lambda c: drop_reports(c, _KIND, actor.name))
    return applied
