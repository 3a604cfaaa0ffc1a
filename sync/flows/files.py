"""Orders of a file: looked at first, then all of them taken in one transaction, or none.

Each order becomes one stored event with its rows, and marks its item on every channel that the connection feeds, like a
delivery. What is byte-equal to what came in last marks nothing, so a file may be given again; what differs is newer,
whatever it says, because it was given later.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeVar

from sqlalchemy import Connection

from connectors.csvfiles import BadRow, Sheet
from connectors.kit.base import Envelope
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.canonical.words import say
from mappings.profiles import Profile
from sync.flows.cells import cell_of
from sync.flows.rows import entry
from sync.rules.lookups import load_lookups
from sync.rules.systems import ChannelSystems, Systems
from sync.store.audit import Actor, record_audit
from sync.store.bodies import digest, pack
from sync.store.connections import known_ids
from sync.store.engine import Store
from sync.store.inbox import ItemKey, NewEvent, record_events, unknown

T = TypeVar("T")

#: Rows of one statement; all of them are in one transaction.
_BATCH: Final = 500
_FIRST: Final = 20
#: Somebody adds a row to a table or publishes a profile, and the order goes on: it is taken, and waits for that.
_WAITS: Final = frozenset({"unmapped", "no_profile"})


@dataclasses.dataclass(frozen=True, slots=True)
class BadCell:
    """What keeps an order from being taken, in a place of its file."""

    line: int
    order: str
    #: Of the file where a row cannot be read; else the field of the order that a row or two make.
    column: str
    #: What was found and what was expected.
    problem: str
    next_step: str = ""


@dataclasses.dataclass(slots=True)
class Checked:
    """What taking a file would do; nothing is done yet."""

    connection: str
    sheet: Sheet
    #: Currency -> what the good orders come to.
    sums: dict[str, Decimal] = dataclasses.field(default_factory=lambda: defaultdict(Decimal))
    #: Good orders: never heard of, heard of with other rows, and as they came in last.
    new: int = 0
    changed: int = 0
    same: int = 0
    #: Orders that wait for a row of a look-up table, or for a mapping profile, once they are taken.
    waiting: int = 0
    broken: int = 0
    bad: list[BadCell] = dataclasses.field(default_factory=list)
    #: What is to be stored, bodies compressed.
    news: list[NewEvent] = dataclasses.field(default_factory=list, repr=False)
    #: The first of the good ones, for whoever looks whether they are what the file means.
    first: list[Order] = dataclasses.field(default_factory=list, repr=False)

    @property
    def good(self) -> int:
        """Orders that can be taken."""
        return self.new + self.changed + self.same

    @property
    def orders(self) -> int:
        """All that the file has."""
        return self.good + self.broken

    #: Orders that cannot be taken.
    left_out: set[str] = dataclasses.field(default_factory=set, repr=False)
    #: Names the mappings by which it was checked.
    made_by: str = ""

    @property
    def seen(self) -> str:
        """Changes with what taking it would do."""
        parts = [f"{row.external_id}:{row.digest}" for row in self.news] + [f"{each}:" for each in self.left_out]
        return digest("\n".join([self.sheet.sha256, self.made_by, *sorted(parts)]).encode())


class NotWhole(Exception):
    """Something of the file is bad, and nobody has said to take what is good."""


def check_file(
    store: Store, systems: Systems, connection: str, sheet: Sheet, *, before: tuple[str, Collection[str]] = ("", ())
) -> Checked:
    """Map every order of a file as each channel of its connection would. Raises SystemMissing.

    `before` is `made_by` and `left_out` of an earlier look: where the mappings are those of then, what it found is not
    found out again, and told no more than by those names.
    """
    channels = [systems.channel(channel.name) for channel in systems.config.channels_of_source(connection)]
    names = {connection: [channel.channel.name for channel in channels]}
    checked = Checked(connection, sheet, made_by=_versions(channels))
    is_known = before[0] == checked.made_by
    readers = [] if is_known else [_Reader(store, channel) for channel in channels]
    # An empty one is a row of which nobody knows the order: the file is not whole then.
    checked.left_out = set(before[1]) if is_known else {each.order for each in sheet.bad}
    checked.broken = len(checked.left_out - {""})
    checked.bad += [_bad_row(each) for each in sheet.bad]
    for envelopes in _batches(sheet.envelopes()):
        whole = [envelope for envelope in envelopes if envelope.external_id not in checked.left_out]
        good = [envelope for envelope in whole if _is_good(checked, readers, envelope)]
        _sort_out(store, checked, good, names)
    checked.bad.sort(key=lambda each: each.line)
    return checked


def _versions(channels: Sequence[ChannelSystems]) -> str:
    return digest("\n".join(channel.mapping_version for channel in channels).encode())


def take_file(
    store: Store,
    systems: Systems,
    checked: Checked,
    *,
    name: str,
    only_good: bool,
    actor: Actor,
    also: Callable[[Connection], object] = lambda _: None,
) -> list[ItemKey]:
    """Store the good orders of a file that was checked, in one transaction; answers what is to be looked at.

    `also` is done in it first, and may raise to have nothing done. Raises NotWhole for a file of which something is
    bad, unless `only_good`.
    """
    if checked.left_out and not only_good:
        raise NotWhole
    channels = {checked.connection: [each.name for each in systems.config.channels_of_source(checked.connection)]}

    def work(connection: Connection) -> list[ItemKey]:
        also(connection)
        # The moment of taking and not of looking: of two files that were looked at together the later one holds.
        now = dt.datetime.now(dt.UTC)
        version = now.isoformat(timespec="microseconds")
        rows = [dataclasses.replace(row, version=version, received_at=now) for row in checked.news]
        marked: list[ItemKey] = []
        # Sorted, because two writers that touch the same rows in different orders lock each other out.
        for batch in _batches(iter(sorted(rows, key=lambda row: row.external_id or ""))):
            marked += record_events(connection, batch, channels)
        record_audit(connection, actor, "import", f"connection:{checked.connection}", after=_told(checked, name))
        return marked

    return store.write(work)


def _told(checked: Checked, name: str) -> str:
    sheet = checked.sheet
    counts = f"{checked.new} new, {checked.changed} changed, {checked.same} as before, {checked.broken} left out"
    return f"{name[:200]}: {sheet.rows} rows, {counts}; SHA-256 {sheet.sha256}"


class _Reader:
    """One channel, as it reads its source now."""

    def __init__(self, store: Store, systems: ChannelSystems) -> None:
        self._mapping = systems.source_mapping
        self.profile = systems.profile
        self._options = systems.reading(store.read(lambda c: load_lookups(c, systems.channel)))

    def order(self, envelope: Envelope) -> Order:
        """Raises Problems."""
        return self._mapping.order(envelope.payload, self._options)


def _is_good(checked: Checked, readers: Sequence[_Reader], envelope: Envelope) -> bool:
    problems: dict[Problem, Profile | None] = {}
    order = None
    for reader in readers:
        try:
            order = reader.order(envelope)
        except Problems as error:
            problems.update(dict.fromkeys(error.problems, reader.profile))
    stops = {problem: profile for problem, profile in problems.items() if problem.cause not in _WAITS}
    if stops:
        checked.broken += 1
        checked.left_out.add(envelope.external_id)
        checked.bad += [_bad_cell(checked.sheet, envelope.external_id, *each) for each in stops.items()]
        return False
    checked.waiting += bool(problems)
    if order is not None:
        if len(checked.first) < _FIRST:
            checked.first.append(order)
        checked.sums[order.currency] += order.totals.grand.amount
    return True


def _bad_row(row: BadRow) -> BadCell:
    problem = say("found %(found)s, expected %(expected)s", found=row.found, expected=row.expected)
    return BadCell(row.line, row.order, row.column, problem)


def _bad_cell(sheet: Sheet, order: str, problem: Problem, profile: Profile | None) -> BadCell:
    """At the cell that its rule reads; at the first row of its order where that may be any of them."""
    lines = sheet.lines(order)
    place = cell_of(problem, profile)
    if place is None or place.row >= len(lines) or place.column not in sheet.columns:
        return BadCell(lines[0], order, problem.path, problem.reason, problem.next_step)
    return BadCell(lines[place.row], order, place.column, problem.reason, problem.next_step)


def _sort_out(store: Store, checked: Checked, good: Sequence[Envelope], channels: Mapping[str, Sequence[str]]) -> None:
    """Which of these say something new."""
    rows = [entry(checked.connection, envelope, source="file") for envelope in good]
    news = store.read(lambda c: unknown(c, rows, channels))
    ids = [envelope.external_id for envelope in good]
    known = store.read(lambda c: known_ids(c, channels[checked.connection], ids))
    changed = sum(row.external_id in known for row in news)
    checked.new += len(news) - changed
    checked.changed += changed
    checked.same += len(rows) - len(news)
    checked.news += [dataclasses.replace(row, body=pack(row.body)) for row in news]


def _batches(entries: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(itertools.islice(entries, _BATCH)):
        yield batch
