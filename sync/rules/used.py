"""Which look-up rows an order and its sale were made with: noted while they answer, kept, and asked again afterwards.

Kept is what each row said then and which revision of it that was, so that nobody has to know how a table stood at some
moment to say where a field came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mappings.canonical.refs import Ref
from sync.rules.lookups import NO_FACTS, Finds, Found, PlainLookups
from sync.rules.references import table_of
from sync.store.bodies import dump_json, load_json, pack, unpack


class UsedRow(NamedTuple):
    """One row that answered: of which table, for which value, and what it said."""

    table: str
    value: str
    found: str
    #: Whose row it is: `channel:<name>`, `connection:<name>` or `global`.
    scope: str
    row_id: int
    revision: int


class Watched:
    """Look-up tables that note which of their rows answer. For one thread."""

    def __init__(self, lookups: Finds) -> None:
        self._lookups = lookups
        self._used: dict[UsedRow, None] = {}

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> Found | None:
        """As `Lookups.find`."""
        found = self._lookups.find(table, value, facts)
        if found is not None:
            self._used[UsedRow(table, value, found.value, found.scope, found.row_id, found.revision)] = None
        return found

    def values(self, table: str) -> list[str]:
        """As `Lookups.values`."""
        return self._lookups.values(table)

    @property
    def plain(self) -> PlainLookups:
        """As `Lookups.plain`."""
        return PlainLookups(self)

    def resolve(self, refs: Iterable[Ref]) -> None:
        """Note the rows that translate what a target must know."""
        for ref in refs:
            self.find(table_of(ref), ref.value, ref.hint)

    def begin(self) -> None:
        """Forget what was noted of another document."""
        self._used.clear()

    def taken(self) -> bytes:
        """The rows since `begin`, as they are kept: empty for none."""
        return pack(dump_json(sorted(self._used))) if self._used else b""


def read_rows(kept: bytes | None) -> tuple[UsedRow, ...] | None:
    """What `Watched.taken` gave; None where nobody has noted it."""
    if kept is None:
        return None
    return tuple(UsedRow(*row) for row in load_json(unpack(kept))) if kept else ()


class Then:
    """The tables as one document found them: what answered then answers the same, and nothing else does."""

    def __init__(self, rows: Iterable[UsedRow]) -> None:
        self._rows = {(row.table, row.value): row for row in rows}

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> Found | None:  # noqa: ARG002
        """What the row said; the facts that chose it are not kept, and not needed for one document."""
        row = self._rows.get((table, value))
        return None if row is None else Found(row.found, row.scope, row.row_id, row.revision)

    def values(self, table: str) -> list[str]:
        """Every value that a row of the table answered for."""
        return sorted(value for name, value in self._rows if name == table)

    @property
    def plain(self) -> PlainLookups:
        """As `Lookups.plain`."""
        return PlainLookups(self)
