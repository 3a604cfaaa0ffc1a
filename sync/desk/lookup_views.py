"""The look-up tables for whoever looks: what there is, what each is for, whose a row is; and tables of one's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from sync.desk.lookup_rows import RowRefused, subject_of
from sync.desk.phrases import Phrase, quote, say
from sync.rules.lookup_tables import TABLES, facts_text, is_own_name, read_facts
from sync.rules.lookups import GLOBAL
from sync.rules.patterns import NONE_DECLARED, Conditions, Facts, PatternRefused
from sync.store.audit import ROW_ACTIONS, Actor, AuditEntry, history_of, record_audit
from sync.store.engine import Store
from sync.store.lookups import RowKey, count_rows, load_own_tables, load_rows, remove_own_table, save_own_table

MADE: Final = "lookup table"
DROPPED: Final = "lookup table removed"
_HISTORY: Final = 200
_MAX_PURPOSE: Final = 500


@dataclasses.dataclass(frozen=True, slots=True)
class TableView:
    """One table."""

    name: str
    label: Phrase
    #: What it translates, into what, and for whom; empty where nobody has said.
    values: Phrase
    targets: Phrase
    readers: Phrase
    rows: int
    #: Made by somebody here.
    own: bool
    #: What a condition of its rows may ask for.
    facts: Facts = dataclasses.field(default_factory=dict)
    choices: Sequence[str] = ()
    #: In its maker's words; empty for the program's own.
    purpose: str = ""

    @property
    def facts_text(self) -> str:
        """As whoever makes a table says them."""
        return facts_text(self.facts)


def list_tables(store: Store) -> list[TableView]:
    """Those that the program reads, then people's own, then others that have rows."""
    return store.read(_tables)


def _tables(connection: Connection) -> list[TableView]:
    counts = count_rows(connection)
    found = [
        TableView(
            name,
            table.label,
            table.values,
            table.targets,
            table.readers,
            counts.get(name, 0),
            own=False,
            facts=table.facts,
            choices=table.choices,
        )
        for name, table in TABLES.items()
    ]
    own = {table.name: table for table in load_own_tables(connection)}
    for name in [*own, *sorted(counts.keys() - own.keys() - TABLES.keys())]:
        purpose, facts = (own[name].purpose, read_facts(own[name].facts)) if name in own else ("", NONE_DECLARED)
        found.append(
            TableView(
                name,
                quote(name),
                quote(purpose) if purpose else say("nobody has said what it is for"),
                say("what a profile makes of it"),
                say("mapping profiles that ask for it"),
                counts.get(name, 0),
                own=True,
                facts=facts,
                purpose=purpose,
            )
        )
    return found


def table_view(store: Store, name: str) -> TableView | None:
    """One table; None where there is none of this name."""
    return next((table for table in list_tables(store) if table.name == name), None)


def scopes_in(config: Config) -> list[str]:
    """Every scope that a row may have: for everything, for a connection, for a channel."""
    used = {name for channel in config.channels.values() for name in (channel.source, channel.erp)}
    return [
        GLOBAL,
        *(f"connection:{name}" for name in sorted(used)),
        *(f"channel:{name}" for name in sorted(config.channels)),
    ]


def history(store: Store, key: RowKey) -> list[AuditEntry]:
    """What was done to one row, the newest first; of one that is gone too."""
    return store.read(lambda c: history_of(c, subject_of(key), ROW_ACTIONS, _HISTORY))


def make_table(store: Store, name: str, purpose: str, *, facts: str = "", actor: Actor) -> None:
    """Make a table of one's own, or say anew what it is for and what conditions of its rows may ask for.

    `facts` is read by `read_facts`. Raises RowRefused, also where rows ask for a fact that would be none any more.
    """
    name, purpose = name.strip(), purpose.strip()
    if not is_own_name(name):
        raise RowRefused(
            say("a table's name is made of a-z, 0-9 and _, begins with a letter and is no other table's or command's: "
                "%(name)s is not", name=repr(name[:64]))
        )  # fmt: skip
    if not purpose or len(purpose) > _MAX_PURPOSE:
        raise RowRefused(say("say in a sentence what the table is for"))
    try:
        wanted = read_facts(facts)
    except PatternRefused as error:
        raise RowRefused(error.phrase) from error

    def work(connection: Connection) -> None:
        before = {table.name: table for table in load_own_tables(connection)}.get(name)
        _demand_asked(connection, name, wanted, read_facts(before.facts) if before else NONE_DECLARED)
        text = facts_text(wanted)
        save_own_table(connection, name, purpose, facts=text, by=actor.name)
        was = _told(before.purpose, before.facts) if before else ""
        record_audit(connection, actor, MADE, f"table:{name}", before=was, after=_told(purpose, text))

    store.write(work)


def _told(purpose: str, facts: str) -> str:
    return f"{purpose} [{facts}]" if facts else purpose


def _demand_asked(connection: Connection, table: str, wanted: Facts, before: Facts) -> None:
    """What rows ask for stays what it is. Raises RowRefused."""
    lost = sorted(name for name, kind in before.items() if wanted.get(name) is not kind)
    for row in load_rows(connection, table_name=table) if lost else ():
        asked = Conditions.read(row.key.conditions).tests
        if name := next((name for name in lost if name in asked), ""):
            raise RowRefused(
                say(
                    "rows of %(table)s ask for %(name)s, such as %(row)s; it stays what it is until none does",
                    table=table,
                    name=name,
                    row=subject_of(row.key),
                )
            )


def remove_table(store: Store, name: str, *, actor: Actor) -> None:
    """Take a table of one's own away. Raises RowRefused while it has rows."""

    def work(connection: Connection) -> None:
        before = {table.name: _told(table.purpose, table.facts) for table in load_own_tables(connection)}
        if name not in before:
            raise RowRefused(say("nobody has made a table %(name)s", name=name))
        if count := count_rows(connection).get(name, 0):
            raise RowRefused(say("%(name)s still has %(count)s rows; remove them first", name=name, count=count))
        remove_own_table(connection, name)
        record_audit(connection, actor, DROPPED, f"table:{name}", before=before[name])

    store.write(work)
