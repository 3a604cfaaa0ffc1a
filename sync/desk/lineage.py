"""Where every field of an order came from: what was read, by which rule, through which rows, published by whom.

Made on demand: the stored payload is mapped again by the revision that made the order, with a trace. The look-up rows
are those of now, and a row says when it was changed; so where the result is not what is stored, that is told.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from mappings.canonical.errors import Problems
from mappings.canonical.records import Order
from mappings.profiles.lineage import Origin
from mappings.profiles.tracing import trace_order, trace_sale
from mappings.registry import SOURCES, TARGETS
from sync.desk.passport import revision_to_json
from sync.desk.phrases import Phrase, say
from sync.rules.lookups import Lookups, load_lookups
from sync.rules.systems import ChannelSystems
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.history import load_received, mapping_version
from sync.store.orders import StoredOrder, load_canonical
from sync.store.revisions import Revision, revision_of_order


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A row of a look-up table that was used, as it stands now."""

    table: str
    value: str
    found: str
    #: `channel:<name>`, `connection:<name>` or `global`; empty where no row says it any more.
    scope: str
    revision: int


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

    def to_json(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "version": self.version,
            "revision": None if self.revision is None else revision_to_json(self.revision),
            "remarks": [str(remark) for remark in self.remarks],
            "fields": [each.to_json() for each in self.fields],
        }


def lineage_of(store: Store, now: ChannelSystems, order: StoredOrder, *, field: str = "") -> Lineage:
    """All fields, or those whose path is `field` or begins with it. `now` are the order's channel's."""
    source = now.channel.source
    body, revision, version, stored, lookups = store.read(
        lambda c: (
            load_received(c, order.item_id, source),
            revision_of_order(c, order.id) if order.id else None,
            mapping_version(c, order.id) if order.id else "",
            load_canonical(c, order.id) if order.id else None,
            load_lookups(c, now.channel),
        )
    )
    # An order that could never be read was made by nothing: what applies now is what people look for.
    systems = now.under(revision) if order.id else now
    if body is None:
        return Lineage((), revision, version, (say("what the shop sent is not kept any more"),))
    made = Making(systems, lookups)
    try:
        mapped, origins = made.order(load_json(unpack(body)))
    except Problems as error:
        return Lineage((), revision, version, tuple(_reasons(error)))
    remarks: list[Phrase] = []
    if stored is not None and not _agree(load_json(unpack(stored)), origins):
        remarks.append(
            say("the order is not made like this today: look-up rows, or what the shop says, have changed since")
        )
    try:
        origins = [*origins, *made.sale(mapped)[1]]
    except Problems as error:
        remarks += _reasons(error)
    fields = [FieldOrigin(origin, made.rows(origin)) for origin in origins if is_within(origin.field, field)]
    return Lineage(tuple(fields), revision, version, tuple(remarks))


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

    def __init__(self, systems: ChannelSystems, lookups: Lookups) -> None:
        self._lookups = lookups
        self._systems = systems.asking(lookups)
        self._reading = systems.reading(lookups)

    def order(self, payload: dict[str, Any]) -> tuple[Order, list[Origin]]:
        """Raises Problems."""
        systems, profile = self._systems, self._systems.profile
        base = None if profile is not None and profile.whole else SOURCES[systems.shop_system]
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
        return tuple(self._row(each.table, each.value, each.found) for each in origin.lookups)

    def _row(self, table: str, value: str, found: str) -> Row:
        row = self._lookups.find(table, value)
        return Row(table, value, found, row.scope if row else "", row.revision if row else 0)
