"""Look-up rows as one channel sees them: compiled once, asked for each value of each order.

Which row answers, where several fit:

1. the narrower scope: the channel, its source's connection, its ERP's connection, everything (`scopes_of`);
2. of one scope the value itself before a pattern, then what names more of the value;
3. of those the one with more conditions, then the one whose conditions say more.

Two rows that fit one value and are equal in all of that are refused when they are saved (`rivals`), so there is no
fourth rule.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

from sqlalchemy import Connection

from mappings.base import NO_FACTS
from sync.rules.lookup_tables import KNOWN_FACTS, Declared, read_facts
from sync.rules.patterns import NONE_DECLARED, Conditions, Facts, Glob, escaped
from sync.store.lookups import RowKey, StoredRow, Version, load_own_tables, load_rows, version_of

GLOBAL: Final = "global"
_LONG_AGO: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: Answers that are remembered of one channel's tables; a catalogue has fewer values that only a pattern fits.
_REMEMBERED: Final = 20_000


class Bound(Protocol):
    """What of a channel says which rows it sees (`config.model.Channel`)."""

    @property
    def name(self) -> str:
        """The channel's."""
        ...

    @property
    def source(self) -> str:
        """The connection that its orders come from."""
        ...

    @property
    def erp(self) -> str:
        """The connection that they go to."""
        ...


def scopes_of(channel: Bound) -> tuple[str, ...]:
    """The scopes whose rows a channel sees, the narrowest first.

    A channel is one source bound to one ERP, so nothing is narrower. The source comes before the ERP because most
    values are its words.
    """
    named = (f"channel:{channel.name}", f"connection:{channel.source}", f"connection:{channel.erp}", GLOBAL)
    return tuple(dict.fromkeys(named))


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """What a table says of a value, and which row says so."""

    value: str
    scope: str
    row_id: int
    revision: int


#: More beats less: itself or a pattern, characters named, then `Conditions.weight`.
Weight = tuple[bool, int, int, int, Decimal]


@dataclasses.dataclass(frozen=True, slots=True)
class CompiledRow:
    """A row, read."""

    key: RowKey
    target: str
    glob: Glob
    conditions: Conditions
    found: Found

    @classmethod
    def of(cls, row: StoredRow, facts: Facts) -> CompiledRow:
        """`facts` are its table's. Raises PatternRefused, which no row does that was checked when it was saved."""
        found = Found(row.target, row.key.scope, row.id, row.revision)
        return cls(row.key, row.target, Glob.read(row.key.value), Conditions.read(row.key.conditions, facts), found)

    @property
    def is_plain(self) -> bool:
        """Whether it is for one value, whatever else is known."""
        return self.glob.is_exact and not self.conditions.tests

    @property
    def weight(self) -> Weight:
        """Its place among rows of one scope."""
        return (self.glob.is_exact, self.glob.literal, *self.conditions.weight)

    def fits(self, value: str, facts: Mapping[str, Any]) -> bool:
        """Whether it speaks of this value."""
        return self.glob.fits(value) and self.conditions.fit(facts)

    def rivals(self, other: CompiledRow) -> bool:
        """Whether a value could have either, and nothing says which: they say different things of it."""
        return (
            self.key.table == other.key.table
            and self.key.scope == other.key.scope
            and self.key != other.key
            and self.target != other.target
            and self.weight == other.weight
            and self.glob.meets(other.glob)
            and self.conditions.meet(other.conditions)
        )


#: Less comes first: the scope's place, then the weight, negated.
_Rank = tuple[Any, ...]
#: Of the conditions of a row that has none.
_NO_CONDITIONS: Final = tuple(-part for part in Conditions.read("").weight)


@dataclasses.dataclass(frozen=True, slots=True)
class _Ranked:
    rank: _Rank
    row: CompiledRow


def _rank_of_plain(scope: int, value: str) -> _Rank:
    """As that of a row which is for this value alone."""
    return (scope, -1, -len(value), *_NO_CONDITIONS)


class Lookups:
    """The tables as one channel sees them at one moment. Never changes; safe to ask from many threads."""

    def __init__(
        self,
        rows: Iterable[StoredRow],
        scopes: Sequence[str],
        version: Version | None = None,
        declared: Declared = KNOWN_FACTS,
    ) -> None:
        """`rows` of these scopes, the narrowest of which comes first. `version` as `version_of` told it before."""
        self.version = version
        order = {scope: index for index, scope in enumerate(scopes)}
        #: (table, value) -> the place of its scope, and what the row says.
        plain: dict[tuple[str, str], tuple[int, Found]] = {}
        others: dict[str, list[_Ranked]] = collections.defaultdict(list)
        for row in rows:
            key, scope = row.key, order[row.key.scope]
            # Nearly all rows: a catalogue is read within a tenth of a second, and once more after each change.
            if "*" not in key.value and not key.conditions:
                if (at := plain.get((key.table, key.value))) is None or scope < at[0]:
                    plain[key.table, key.value] = scope, Found(row.target, key.scope, row.id, row.revision)
                continue
            compiled = CompiledRow.of(row, declared.get(key.table, NONE_DECLARED))
            if compiled.is_plain:
                value = compiled.glob.pieces[0]
                if (at := plain.get((key.table, value))) is None or scope < at[0]:
                    plain[key.table, value] = scope, compiled.found
                continue
            rank = (scope, *(-part for part in compiled.weight), row.id)
            others[key.table].append(_Ranked(rank, compiled))
        self._plain = plain
        self._others = {table: sorted(found, key=lambda each: each.rank) for table, found in others.items()}
        #: Table -> what its conditions ask for: no other fact makes two questions differ.
        self._asked = {
            table: sorted({name for each in found for name in each.row.conditions.tests})
            for table, found in self._others.items()
        }
        self._known: dict[tuple[str, ...], Found | None] = {}

    @classmethod
    def of(cls, pairs: Mapping[tuple[str, str], str]) -> Lookups:
        """Of rows that are stored nowhere: (table, value) -> what it is. For what has no database."""
        found = [
            StoredRow(index, RowKey(table, GLOBAL, escaped(value)), target, 1, _LONG_AGO, "")
            for index, ((table, value), target) in enumerate(pairs.items(), start=1)
        ]
        return cls(found, (GLOBAL,))

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> Found | None:
        """What a table says of a value; None where no row fits. `facts` are what conditions ask for: `country` ..."""
        plain = self._plain.get((table, value))
        others = self._others.get(table)
        # Sorted, so the first tells whether any of them can come before the plain one.
        if others is None or (plain is not None and _rank_of_plain(plain[0], value) < others[0].rank):
            return None if plain is None else plain[1]
        key = (table, value, *(str(facts.get(name, "")) for name in self._asked[table]))
        try:
            return self._known[key]
        except KeyError:
            found = self._search(plain, others, value, facts)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = found
        return found

    @staticmethod
    def _search(
        plain: tuple[int, Found] | None, others: Sequence[_Ranked], value: str, facts: Mapping[str, Any]
    ) -> Found | None:
        limit = None if plain is None else _rank_of_plain(plain[0], value)
        for each in others:
            if limit is not None and limit < each.rank:
                break
            if each.row.fits(value, facts):
                return each.row.found
        return None if plain is None else plain[1]

    def text(self, table: str, value: str, default: str = "", facts: Mapping[str, Any] = NO_FACTS) -> str:
        """What a table says of a value, else `default`."""
        found = self.find(table, value, facts)
        return default if found is None else found.value

    @property
    def plain(self) -> PlainLookups:
        """As mapping profiles ask them (`mappings.base.Lookup`)."""
        return PlainLookups(self)

    def values(self, table: str) -> list[str]:
        """Every value that has a row of its own in a table; what only a pattern fits is not among them."""
        return sorted(value for name, value in self._plain if name == table)

    @property
    def tables(self) -> frozenset[str]:
        """Those that have rows."""
        return frozenset(table for table, _ in self._plain) | frozenset(self._others)


class Finds(Protocol):
    """Tables that can be asked: `Lookups`, or what stands in front of them."""

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> Found | None:
        """What a table says of a value."""
        ...

    def values(self, table: str) -> list[str]:
        """Every value that has a row of its own."""
        ...

    @property
    def plain(self) -> PlainLookups:
        """As mapping profiles ask them."""
        ...


#: Where there is no database to ask.
NO_LOOKUPS: Final = Lookups((), (GLOBAL,))


@dataclasses.dataclass(frozen=True, slots=True)
class PlainLookups:
    """The same tables for whoever wants only what a value is."""

    lookups: Finds

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> str | None:
        """What the row for `value` says; None where there is none."""
        found = self.lookups.find(table, value, facts)
        return None if found is None else found.value


def load_lookups(connection: Connection, channel: Bound) -> Lookups:
    """What stands now."""
    # Before the rows: those that come in between make the next look load again.
    version = version_of(connection)
    scopes = scopes_of(channel)
    rows = load_rows(connection, scopes)
    # After them: a table loses no fact that rows ask for.
    return Lookups(rows, scopes, version, declared_facts(connection))


def declared_facts(connection: Connection) -> Declared:
    """What the conditions of each table may ask for: the program's, and people's own."""
    return {**{table.name: read_facts(table.facts) for table in load_own_tables(connection)}, **KNOWN_FACTS}


def renew_lookups(connection: Connection, channel: Bound, known: Lookups | None = None) -> Lookups:
    """What stands now; `known` itself where nothing has changed since.

    A table of ten thousand articles takes a tenth of a second to load, and a drain asks for each of its batches.
    """
    if known is not None and known.version == version_of(connection):
        return known
    return load_lookups(connection, channel)
