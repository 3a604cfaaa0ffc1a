"""Which look-up rows an order and its sale were made with: noted while they answer, kept, and asked again afterwards.

Kept is what each row said then and which revision of it that was, so that nobody has to know how a table stood at some
moment to say where a field came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mappings.base import NO_FACTS
from mappings.canonical.refs import Ref
from sync.rules.lookups import Finds, Found, PlainLookups
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
    #: What else a profile told the table, by name.
    facts: tuple[tuple[str, str], ...] = ()


class Watched:
    """Look-up tables that note which of their rows answer. For one thread."""

    def __init__(self, lookups: Finds) -> None:
        self._lookups = lookups
        self._used: dict[UsedRow, None] = {}

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> Found | None:
        """As `Lookups.find`."""
        found = self._lookups.find(table, value, facts)
        if found is not None:
            self._note(table, value, found, facts)
        return found

    def _note(self, table: str, value: str, found: Found, facts: Mapping[str, Any]) -> None:
        told = tuple(sorted((name, str(fact)) for name, fact in facts.items()))
        self._used[UsedRow(table, value, found.value, found.scope, found.row_id, found.revision, told)] = None

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
            if (found := self._lookups.find(table_of(ref), ref.value, ref.hint)) is not None:
                # Its hints are the document's own: nobody asks again with others.
                self._note(table_of(ref), ref.value, found, NO_FACTS)

    def begin(self) -> None:
        """Forget what was noted of another document."""
        self._used.clear()

    def taken(self) -> bytes:
        """The rows since `begin`, as they are kept: empty for none."""
        return pack(dump_json([row if row.facts else row[:-1] for row in sorted(self._used)])) if self._used else b""


def read_rows(kept: bytes | None) -> tuple[UsedRow, ...] | None:
    """What `Watched.taken` gave; None where nobody has noted it."""
    if kept is None:
        return None
    return tuple(map(_used, load_json(unpack(kept)))) if kept else ()


def _used(row: list[Any]) -> UsedRow:
    *kept, facts = row if len(row) == len(UsedRow._fields) else (*row, ())
    table, value, found, scope, row_id, revision = kept
    return UsedRow(table, value, found, scope, row_id, revision, tuple((name, told) for name, told in facts))


class Then:
    """The tables as one document found them: what answered then answers the same, and nothing else does."""

    def __init__(self, rows: Iterable[UsedRow]) -> None:
        self._rows = {(row.table, row.value, row.facts): row for row in rows}

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> Found | None:
        """What the row said that was found with these facts."""
        row = self._rows.get((table, value, tuple(sorted((name, str(fact)) for name, fact in facts.items()))))
        return None if row is None else Found(row.found, row.scope, row.row_id, row.revision)

    def values(self, table: str) -> list[str]:
        """Every value that a row of the table answered for."""
        return sorted({value for name, value, _ in self._rows if name == table})

    @property
    def plain(self) -> PlainLookups:
        """As `Lookups.plain`."""
        return PlainLookups(self)
