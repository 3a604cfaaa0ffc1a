"""Changing look-up tables: what it would release is counted first, and each change is kept with its author."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from config.model import Config
from connectors.kit.errors import ConnectorError
from mappings.canonical.refs import Ref
from sync.desk import bulk
from sync.desk.causes import lookup_of
from sync.desk.lookup_rows import LookupRow, RowRefused, channels_of, check_row, subject_of
from sync.desk.phrases import Refusal, say
from sync.rules.lookup_tables import TABLES
from sync.rules.lookups import CompiledRow, declared_facts
from sync.rules.patterns import NONE_DECLARED, Conditions, Facts, Glob
from sync.rules.systems import Systems
from sync.store.audit import ROW_CHANGED, ROW_REMOVED, Actor, AuditNote, record_audits
from sync.store.bulk import BulkRun
from sync.store.engine import Store
from sync.store.issues import open_subjects
from sync.store.lookups import (
    RowKey,
    StoredRow,
    count_rows,
    load_own_tables,
    load_rows,
    remove_rows,
    rows_of,
    save_rows,
    version_of,
)
from sync.store.needs import Release, preview_release

#: Rows with stars or conditions of one table and scope: each value that no other row fits is held against all of them.
_MAX_PATTERNS: Final = 1_000
_NEVER: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: The look-up table of articles.
_ARTICLES: Final = "sku"
#: The value of a tax's issue: country and rate.
_TAX: Final = re.compile(r"([A-Z]{2}):([0-9.]{1,20})")


class RowsChanged(Refusal):
    """Somebody else has changed the tables since the person looked."""

    def __init__(self) -> None:
        """Says what to do."""
        super().__init__(say("somebody has changed these rows since you looked; look again"))


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One row that becomes another one: without `before` it is added, without `after` removed."""

    key: RowKey
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        """`added`, `changed` or `removed`."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def subject(self) -> str:
        """What the audit calls the row."""
        return subject_of(self.key)


# --- what stands -------------------------------------------------------------------------------------------------


def known_tables(connection: Connection) -> set[str]:
    """Tables that a row may stand in: the program's, people's own, and those that have rows or are asked for."""
    own = {table.name for table in load_own_tables(connection)}
    return {*TABLES, *own, *count_rows(connection)}


def facts_by_table(connection: Connection) -> dict[str, Facts]:
    """The same, each with what conditions of its rows may ask for."""
    declared = declared_facts(connection)
    return {name: declared.get(name, NONE_DECLARED) for name in known_tables(connection)}


def _demand_tables(connection: Connection, tables: Collection[str]) -> None:
    if unknown := sorted(set(tables) - known_tables(connection)):
        # What a mapping asks for is a table too, as soon as an order waits for it.
        asked = {lookup[0] for _, cause, subject, _ in open_subjects(connection, unknown)
                 if (lookup := lookup_of(cause, subject))}  # fmt: skip
        for name in unknown:
            if name not in asked:
                raise RowRefused(
                    say("there is no table %(name)s; make it first, or take one of %(known)s",
                        name=name, known=", ".join(sorted(known_tables(connection))))
                )  # fmt: skip


def _demand_no_rivals(connection: Connection, changes: Sequence[Change]) -> None:
    """No value may have two rows between which nothing decides, once the changes are made."""
    made = [change for change in changes if change.after is not None and _has_star(change.key)]
    declared = declared_facts(connection) if made else {}
    for table, scope in sorted({(change.key.table, change.key.scope) for change in made}):
        targets = {row.key: row.target for row in load_rows(connection, [scope], table)}
        targets |= {change.key: change.after or "" for change in changes if change.key.table == table}
        gone = {change.key for change in changes if change.after is None}
        rows = [
            CompiledRow.of(StoredRow(0, key, target, 0, _NEVER, ""), declared.get(table, NONE_DECLARED))
            for key, target in targets.items()
            if key.scope == scope and key not in gone and _has_star(key)
        ]
        if len(rows) > _MAX_PATTERNS:
            raise RowRefused(
                say(
                    "%(table)s has more than %(most)s rows with stars or conditions; write out the values instead",
                    table=table,
                    most=_MAX_PATTERNS,
                )
            )
        alike: dict[object, list[CompiledRow]] = collections.defaultdict(list)
        for row in rows:
            alike[row.weight].append(row)
        for group in alike.values():
            _demand_apart(group)


def _has_star(key: RowKey) -> bool:
    return bool(key.conditions) or not Glob.read(key.value).is_exact


def _demand_apart(rows: Sequence[CompiledRow]) -> None:
    for index, row in enumerate(rows):
        for other in rows[:index]:
            if row.rivals(other):
                raise RowRefused(
                    say(
                        "a value could fit %(one)s as well as %(other)s, and nothing says which counts: "
                        "make one of them more exact",
                        one=subject_of(other.key),
                        other=subject_of(row.key),
                    )
                )


# --- what waits for rows ----------------------------------------------------------------------------------------


def waiting(connection: Connection, config: Config, keys: Collection[RowKey]) -> dict[RowKey, list[int]]:
    """Row -> the open issues that it may fix, in the channels that its scope reaches; rows without any are left out."""
    found: dict[RowKey, list[int]] = collections.defaultdict(list)
    plain: dict[tuple[str, str], list[RowKey]] = collections.defaultdict(list)
    patterns: dict[str, list[tuple[RowKey, Glob, Conditions]]] = collections.defaultdict(list)
    declared = declared_facts(connection)
    for key in keys:
        glob = Glob.read(key.value)
        if glob.is_exact and not key.conditions:
            plain[key.table, glob.pieces[0]].append(key)
        else:
            tests = Conditions.read(key.conditions, declared.get(key.table, NONE_DECLARED))
            patterns[key.table].append((key, glob, tests))
    reached = {scope: channels_of(config, scope) for scope in {key.scope for key in keys}}
    for issue, cause, subject, channel in open_subjects(connection, {key.table for key in keys}):
        table, _, value = subject.partition(":")
        fitting = list(plain.get((table, value), ()))
        # Only what a row can fix: other causes have subjects of other shapes, which a star would fit as well.
        if table in patterns and lookup_of(cause, subject):
            facts = _facts_of(table, value)
            fitting += [key for key, glob, tests in patterns[table] if glob.fits(value) and _may_fit(tests, facts)]
        for key in fitting:
            if not channel or channel in reached[key.scope]:
                found[key].append(issue)
    return dict(found)


def _facts_of(table: str, value: str) -> dict[str, str]:
    """What an issue's value tells of what conditions ask for."""
    tax = _TAX.fullmatch(value) if table == "tax" else None
    return {} if tax is None else {"country": tax[1], "rate": tax[2]}


def _may_fit(conditions: Conditions, facts: Mapping[str, str]) -> bool:
    """Whether they may be true: what is not known may be anything, and looking at an order again does no harm."""
    return all(test.fits(facts[name]) for name, test in conditions.tests.items() if name in facts)


# --- changing ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What some changes would do, exact at this moment."""

    changes: Sequence[Change]
    #: Rows that stand already as they are wanted.
    unchanged: int
    #: What each change would release; those that release nothing are left out.
    releases: Mapping[RowKey, Release]
    #: What all of them together would release.
    release: Release
    #: What `apply_changes` compares: another one as soon as somebody changes one of the tables.
    seen: str


def token_of(connection: Connection, tables: Iterable[str]) -> str:
    """How some tables stand."""
    versions = {table: version_of(connection, table) for table in sorted(set(tables))}
    return hashlib.blake2b(repr(versions).encode(), digest_size=16).hexdigest()


def preview_rows(store: Store, config: Config, rows: Sequence[LookupRow], *, only: Collection[str] = ()) -> Preview:
    """What saving these rows would do; with `only` all other rows of those tables would go. Raises RowRefused."""
    declared = store.read(declared_facts)
    checked = [check_row(config, row, declared) for row in rows]
    return store.read(lambda c: _preview(c, config, checked, only))


def _preview(connection: Connection, config: Config, rows: Sequence[LookupRow], only: Collection[str]) -> Preview:
    tables = {row.table for row in rows} | set(only)
    _demand_tables(connection, tables)
    wanted = {row.key: row.target for row in rows}
    known = rows_of(connection, wanted)
    changes = [
        Change(key, known[key].target if key in known else None, target)
        for key, target in wanted.items()
        if key not in known or known[key].target != target
    ]
    unchanged = len(wanted) - len(changes)
    for table in sorted(only):
        stored = load_rows(connection, table_name=table)
        changes += [Change(row.key, row.target, None) for row in stored if row.key not in wanted]
    _demand_no_rivals(connection, changes)
    # Of rows that stand already too: what waits for them is looked at again as for any other.
    fixed = waiting(connection, config, wanted)
    releases = {key: preview_release(connection, issues) for key, issues in fixed.items()}
    everything = sorted({issue for issues in fixed.values() for issue in issues})
    return Preview(changes, unchanged, releases, preview_release(connection, everything), token_of(connection, tables))


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What some changes have done, counted in the transaction that made them."""

    changes: Sequence[Change]
    release: Release
    runs: Sequence[BulkRun]


@dataclasses.dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and why."""

    actor: Actor
    reason: str = ""


def save_lookups(
    store: Store,
    config: Config,
    rows: Sequence[LookupRow],
    *,
    actor: Actor,
    reason: str = "",
    only: Collection[str] = (),
    seen: str = "",
    before: Mapping[RowKey, str] | None = None,
) -> Applied:
    """Add and change rows, all or none, and release everything that waits for them; with `only` all other rows go.

    `seen` is what a preview has told of the tables, `before` what somebody was shown of the rows (empty: there was
    none). Raises RowRefused, RowsChanged.
    """
    declared = store.read(declared_facts)
    checked = [check_row(config, row, declared) for row in rows]

    def work(connection: Connection) -> Applied:
        if declared_facts(connection) != declared:
            raise RowsChanged
        preview = _preview(connection, config, checked, only)
        known = rows_of(connection, before or ())
        if seen and seen != preview.seen:
            raise RowsChanged
        if before is not None and before != {key: known[key].target if key in known else "" for key in before}:
            raise RowsChanged
        return _apply(connection, config, preview.changes, [row.key for row in checked], Author(actor, reason))

    return store.write(work)


def remove_lookup(store: Store, config: Config, row: StoredRow, *, actor: Actor, reason: str = "") -> Applied:
    """Take one row away, as it was seen; its history stays. Raises RowsChanged."""

    def work(connection: Connection) -> Applied:
        if rows_of(connection, [row.key]).get(row.key) != row:
            raise RowsChanged
        return _apply(connection, config, [Change(row.key, row.target, None)], (), Author(actor, reason))

    return store.write(work)


def _apply(
    connection: Connection, config: Config, changes: Sequence[Change], keys: Sequence[RowKey], author: Author
) -> Applied:
    known = rows_of(connection, [change.key for change in changes if change.after is None])
    remove_rows(connection, [row.id for row in known.values()])
    saved = [(change.key, change.after) for change in changes if change.after is not None]
    save_rows(connection, saved, by=author.actor.name)
    notes = [
        AuditNote(
            ROW_REMOVED if change.after is None else ROW_CHANGED,
            change.subject,
            change.before or "",
            change.after or "",
        )
        for change in changes
    ]
    record_audits(connection, author.actor, notes, reason=author.reason)
    found = waiting(connection, config, keys)
    issues = sorted({issue for each in found.values() for issue in each})
    release = preview_release(connection, issues)
    return Applied(changes, release, [bulk.begin(connection, issue, actor=author.actor)[0] for issue in issues])


# --- one row, for the issue that waits for it -------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True)
class LookupPreview:
    """What adding a row would do; `before` is what the row says now."""

    row: LookupRow
    before: str | None
    release: Release


def preview_lookup(store: Store, config: Config, row: LookupRow) -> LookupPreview:
    """How many orders worth how much a row would release, and which another cause still stops. Exact at this moment."""

    def work(connection: Connection) -> LookupPreview:
        issues = waiting(connection, config, [row.key]).get(row.key, [])
        known = rows_of(connection, [row.key]).get(row.key)
        return LookupPreview(row, None if known is None else known.target, preview_release(connection, issues))

    return store.read(work)


def unknown_targets(systems: Systems, row: LookupRow) -> list[str]:
    """ERPs in the row's reach that have no such article, asked now: there it would release orders to stop them again.

    Only articles are asked for: what else a row may say, its ERP may want to know more about. An ERP that cannot be
    asked is left out.
    """
    if row.table != _ARTICLES:
        return []
    ref, missing = Ref("product", row.target), []
    for name in sorted({systems.config.channels[channel].erp for channel in channels_of(systems.config, row.scope)}):
        try:
            known = systems.connector(name).resolve({ref})
        except ConnectorError:
            continue
        if ref not in known:
            missing.append(name)
    return missing


def add_lookup(store: Store, config: Config, row: LookupRow, *, actor: Actor, reason: str = "") -> Applied:
    """Add or change one row and release everything that waits for it. Raises RowRefused."""
    return save_lookups(store, config, [row], actor=actor, reason=reason)
