"""Where every field of an order came from: what was read, by which rule, through which rows, published by whom.

Made on demand: the stored payload is mapped again by the revision that made the order, with a trace, and with the
look-up rows that the order was made with (`sync.rules.used`). What was made before anybody noted them, or cannot be
made with them again, is made with those of now; where the result is not what is stored, that is told.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from mappings.canonical.errors import Problems, conditions_for
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json, order_to_json
from mappings.profiles.lineage import LookedUp, Origin, Read
from mappings.profiles.tracing import trace_order, trace_sale
from mappings.registry import SOURCES, TARGETS
from sync.desk.passport import revision_to_json
from sync.desk.phrases import Phrase, say
from sync.rules.corrected import corrected_payload
from sync.rules.corrections import (
    Basis,
    Correction,
    field_of,
    first_by,
    get_field,
    lay_over,
    read_correction,
    same,
)
from sync.rules.lookups import Finds, Lookups, load_lookups
from sync.rules.systems import ChannelSystems
from sync.rules.used import Then, UsedRow, read_rows
from sync.store.bodies import load_json, unpack
from sync.store.corrections import list_corrections
from sync.store.engine import Store
from sync.store.history import load_received, mapping_version
from sync.store.lookups import StoredRow, rows_by_ids
from sync.store.orders import StoredOrder, load_canonical, load_used
from sync.store.revisions import Revision, revision_of_order


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A row of a look-up table that was used, as it stood then."""

    table: str
    value: str
    found: str
    #: `channel:<name>`, `connection:<name>` or `global`; empty where nobody knows whose it was.
    scope: str
    revision: int
    #: What it says now where it was changed since, empty where it is gone; None while it is as it was.
    today: str | None = None
    #: What else the table was told, as a row's conditions say it.
    facts: str = ""

    @property
    def identity(self) -> tuple[str, str, str, int, str]:
        """By which it is known again."""
        return (self.table, self.value, self.scope, self.revision, self.facts)


@dataclasses.dataclass(frozen=True, slots=True)
class FieldOrigin:
    """One field, of the order or (with `erp.` before it) of the payload for the ERP."""

    origin: Origin
    rows: tuple[Row, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        one = self.origin
        return {
            "field": one.field,
            "value": one.value,
            "by": one.by,
            "where": one.where,
            "word": str(one.word),
            "reads": [dataclasses.asdict(read) for read in one.reads],
            "lookups": [dataclasses.asdict(row) for row in self.rows],
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Lineage:
    """The fields of one order."""

    fields: tuple[FieldOrigin, ...]
    #: The published revision that made it; None where a file of the configuration did, or no profile.
    revision: Revision | None
    version: str
    #: Why there is less to tell than there might be: nothing is stored, it cannot be mapped, or rows changed since.
    remarks: tuple[Phrase, ...] = ()
    #: Every row that the order, and then its sale, was made with; empty where nobody has noted them.
    rows: tuple[Row, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "version": self.version,
            "revision": None if self.revision is None else revision_to_json(self.revision),
            "remarks": [str(remark) for remark in self.remarks],
            "rows": [dataclasses.asdict(row) for row in self.rows],
            "fields": [each.to_json() for each in self.fields],
        }


def lineage_of(store: Store, now: ChannelSystems, order: StoredOrder, *, field: str = "") -> Lineage:
    """All fields, or those whose path is `field` or begins with it. `now` are the order's channel's."""
    kept = store.read(lambda c: _load(c, now, order))
    # An order that could never be read was made by nothing: what applies now is what people look for.
    systems = now.under(kept.revision) if order.id else now
    told = functools.partial(Lineage, revision=kept.revision, version=kept.version, rows=kept.rows)
    if kept.body is None:
        return told((), remarks=(say("what the shop sent is not kept any more"),))
    try:
        made, agrees = _made_again(systems, load_json(unpack(kept.body)), kept)
    except Problems as error:
        return told((), remarks=tuple(_reasons(error)))
    remarks: list[Phrase] = []
    if not agrees:
        remarks.append(
            say("the order is not made like this today: look-up rows, or what the shop says, have changed since")
        )
    origins = made.origins
    try:
        origins = [*origins, *made.making.sale(made.order)[1]]
    except Problems as error:
        remarks += _reasons(error)
    noted = {row.identity: row for row in kept.rows}
    return told(
        tuple(
            FieldOrigin(origin, tuple(noted.get(row.identity, row) for row in made.making.rows(origin)))
            for origin in origins
            if is_within(origin.field, field)
        ),
        remarks=tuple(remarks),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Kept:
    """What is stored of an order and its making."""

    body: bytes | None
    revision: Revision | None
    version: str
    canonical: bytes | None
    lookups: Lookups
    #: Those that the order was made with, and its sale; None where nobody has noted them.
    mapped: tuple[UsedRow, ...] | None
    sold: tuple[UsedRow, ...] | None
    rows: tuple[Row, ...]
    #: What people have corrected of it, the oldest first; those that were taken back are not among them.
    corrections: tuple[Correction, ...]


def _load(connection: Connection, now: ChannelSystems, order: StoredOrder) -> _Kept:
    used = map(read_rows, load_used(connection, order.id)) if order.id else (None, None)
    mapped, sold = used
    return _Kept(
        body=load_received(connection, order.item_id, now.channel.source),
        revision=revision_of_order(connection, order.id) if order.id else None,
        version=mapping_version(connection, order.id) if order.id else "",
        canonical=load_canonical(connection, order.id) if order.id else None,
        lookups=load_lookups(connection, now.channel),
        mapped=mapped,
        sold=sold,
        rows=_noted(connection, dict.fromkeys([*(mapped or ()), *(sold or ())])),
        corrections=tuple(
            read_correction(each) for each in list_corrections(connection, order.item_id) if each.ended_at is None
        ),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Made:
    making: Making
    order: Order
    origins: list[Origin]


def _made_again(systems: ChannelSystems, payload: dict[str, Any], kept: _Kept) -> tuple[_Made, bool]:
    """The order with the rows of then, else with those of now, and whether it is what is stored. Raises Problems."""
    canonical = None if kept.canonical is None else load_json(unpack(kept.canonical))
    if kept.mapped is not None:
        sale_then = None if kept.sold is None else Then(kept.sold)
        with contextlib.suppress(Problems):
            made = _make(Making(systems, kept.lookups, Then(kept.mapped), sale_then), payload, kept)
            if canonical is None or _agree(canonical, made.origins):
                return made, True
    made = _make(Making(systems, kept.lookups), payload, kept)
    return made, canonical is None or _agree(canonical, made.origins)


def _make(making: Making, payload: dict[str, Any], kept: _Kept) -> _Made:
    standing = {each.basis: each for each in kept.corrections}
    order, origins = making.order(corrected_payload(payload, standing)[0])
    if Basis.ORDER not in standing:
        return _Made(making, order, origins)
    document = order_to_json(order)
    made = order_from_json(lay_over(document, standing[Basis.ORDER].changes)[0])
    return _Made(making, made, list(_corrected(origins, document, made, kept.corrections)))


def _corrected(
    origins: Sequence[Origin], document: dict[str, Any], made: Order, corrections: Sequence[Correction]
) -> Iterator[Origin]:
    """The origins with the word of who has corrected a field, and what the mapping had made of it."""
    now = order_to_json(made)
    [*_, counting] = [each for each in corrections if each.basis is Basis.ORDER]
    fields = {field_of(document, change.path): change for change in counting.changes}
    for origin in origins:
        change = next((each for field, each in fields.items() if is_within(origin.field, field)), None)
        value = None if change is None else get_field(now, origin.field)
        if change is None or same(value, origin.value):
            yield origin
            continue
        by = first_by(corrections, change)
        yield Origin(
            field=origin.field,
            value=value,
            by="person",
            where=say("correction %(number)s by %(who)s, %(at)s UTC", number=by.number, who=by.made_by, at=_minute(by)),
            word=by.reason,
            reads=(Read(origin.field, origin.value),),
        )


def _minute(correction: Correction) -> str:
    return f"{correction.made_at:%Y-%m-%d %H:%M}"


def _noted(connection: Connection, used: Collection[UsedRow]) -> tuple[Row, ...]:
    """Each with what it says now."""
    now = rows_by_ids(connection, [row.row_id for row in used])
    return tuple(_row(row, now.get(row.row_id)) for row in used)


def _row(used: UsedRow, now: StoredRow | None) -> Row:
    if now is None or now.key.table != used.table:
        today: str | None = ""
    else:
        # SQLite gives the id of a row that is gone to another one.
        same = (now.revision, now.target) == (used.revision, used.found)
        today = None if same else now.target
    facts = conditions_for(dict(used.facts))
    return Row(used.table, used.value, used.found, used.scope, used.revision, today, facts)


def is_within(path: str, field: str) -> bool:
    """Whether a path is the field itself or a part of it: `lines[0].sku` of `lines[0]` and of `lines`."""
    return not field or path == field or (path.startswith(field) and path[len(field)] in ".[")


def _reasons(error: Problems) -> Iterator[Phrase]:
    for problem in error.problems:
        yield say("%(path)s: %(reason)s", path=problem.path or "order", reason=problem.reason)


def _agree(stored: dict[str, Any], origins: Sequence[Origin]) -> bool:
    """Whether what was stored has the plain fields that were made now."""
    plain = {origin.field: origin.value for origin in origins if origin.field in stored}
    return all(stored[name] == value for name, value in plain.items())


class Making:
    """The channel's mappings with a trace."""

    def __init__(
        self,
        systems: ChannelSystems,
        lookups: Lookups,
        then: Finds | None = None,
        sale_then: Finds | None = None,
    ) -> None:
        """`then` and `sale_then` are the tables as the order and its sale found them; without, those of now."""
        self._tables: tuple[Finds, Finds] = (then or lookups, sale_then or lookups)
        self._systems = systems.asking(self._tables[1])
        self._reading = systems.reading(self._tables[0])

    def order(self, payload: dict[str, Any]) -> tuple[Order, list[Origin]]:
        """Raises Problems."""
        systems, profile = self._systems, self._systems.profile
        base = None if profile is not None and profile.whole else SOURCES.get(systems.shop_system)
        if profile is None and base is None:
            # Nobody has said yet what the source's orders mean: this says so.
            return systems.source_mapping.order(payload, self._reading), []
        return trace_order(base, profile, payload, self._reading, system=systems.shop_system if base else "")

    def sale(self, order: Order) -> tuple[dict[str, Any], list[Origin]]:
        """The payload for the ERP, with stand-ins for what the ERP would answer. Raises Problems."""
        systems, options = self._systems, self._systems.target_options
        system = systems.config.connections[systems.channel.erp].system
        resolved = systems.target_mapping.offline_references(order, options)
        if systems.profile is not None:
            payload, origins = trace_sale(TARGETS[system], systems.profile, system, order, (resolved, options))
        else:
            base = TARGETS[system]
            payload = base.sale(order, resolved, options)
            where = f"{system}:{base.version}"
            origins = [Origin(field=name, value=value, by="base", where=where) for name, value in payload.items()]
        return payload, [dataclasses.replace(origin, field=f"erp.{origin.field}") for origin in origins]

    def rows(self, origin: Origin) -> tuple[Row, ...]:
        """The rows that were used, with whose they are."""
        tables = self._tables[origin.field.startswith("erp.")]
        return tuple(_asked(tables, each) for each in origin.lookups)


def _asked(tables: Finds, used: LookedUp) -> Row:
    found = tables.find(used.table, used.value, used.facts)
    scope, revision = (found.scope, found.revision) if found else ("", 0)
    return Row(used.table, used.value, used.found, scope, revision, facts=conditions_for(used.facts))
