"""Records while rules write them: what the rules read, and what becomes of it in the end."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from marshmallow import Schema

from mappings.canonical import records
from mappings.canonical.fields import Nested, storable
from mappings.canonical.schemas import record_value
from mappings.profiles.fields import Field
from mappings.profiles.views import View


class Draft(Protocol):
    """What a rule writes to."""

    #: What expressions read as `this` or `order`.
    view: dict[str, Any]
    #: What was written, by the names of the record's own fields; objects in it are nobody else's.
    own: dict[str, Any]

    def put(self, field: Field, value: Any) -> Any:
        """Write a field; answers its JSON. Raises ValidationError."""
        ...

    def current(self, field: Field) -> Any:
        """What the field has now, as JSON; None where it has nothing."""
        ...


def walk(value: Any, names: tuple[str, ...]) -> Any:
    """What stands at a path of names; None where it ends before."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def with_value(old: Any, names: Sequence[str], value: Any) -> dict[str, Any]:
    """A copy of `old` in which `value` stands at the path; nothing of `old` is changed."""
    first = names[0]
    if len(names) > 1:
        value = with_value(old.get(first) if isinstance(old, dict) else None, names[1:], value)
    return {**old, first: value} if isinstance(old, dict) else {first: value}


class _Slots:
    """Reads all fields of one kind of record, and makes another one of them."""

    def __init__(self, kind: type) -> None:
        names = [field.name for field in dataclasses.fields(kind)]
        self.read = operator.attrgetter(*names)
        # Of the same layout but not frozen: it is filled as plain attributes are, and then becomes a record.
        self.open: Any = dataclasses.make_dataclass(f"Open{kind.__name__}", names, slots=True, eq=False, repr=False)


_SLOTS: Final[dict[type, _Slots]] = {
    kind: _Slots(kind)
    for kind in (
        *(records.Order, records.OrderLine, records.ShippingLine, records.Fee, records.TaxLine, records.Payment),
        *(records.Refund, records.Address, records.Customer, records.Totals),
    )
}


def changed(record: Any, values: Mapping[str, Any]) -> Any:
    """`dataclasses.replace` for canonical records, which check nothing when they are made, in a tenth of its time.

    An order has a draft for each of its lines: what one costs here is most of what a profile costs.
    """
    kind = type(record)
    slots = _SLOTS[kind]
    made = slots.open(*slots.read(record))
    for name, value in values.items():
        setattr(made, name, value)
    made.__class__ = kind
    return made


class RecordDraft:
    """A canonical record that a base mapping made: fields are replaced, the others stay untouched."""

    __slots__ = ("_currency", "_inside", "_of", "_record", "own", "view")

    def __init__(self, record: Any, view: View, currency: str) -> None:
        self._record, self._of, self._currency = record, view, currency
        self.own: dict[str, Any] = {}
        self._inside: dict[str, dict[str, Any]] = {}
        self.view = view(record, currency)

    def current(self, field: Field) -> Any:
        """See Draft."""
        return walk(self.view, field.names)

    def put(self, field: Field, value: Any) -> Any:
        """See Draft."""
        written: Any
        made: Any
        if type(value) is str and len(value) <= field.plain_text and storable(value):
            written = made = value
        else:
            loaded = field.load(value)
            written = field.written(value, loaded)
            checked_by = field.checked_by
            made = loaded if checked_by is None else record_value(checked_by, loaded, self._currency)
        first, below, view = field.first, field.below, self.view
        if not below:
            self.own[first] = made
            view[first] = written
        elif field.kind == "json":
            own = self.own.get(first)
            if own is None:
                # What the base mapping has made stays as it is; this copy is nobody else's.
                self.own[first] = view[first] = own = dict(view[first])
            name = below[0]
            own[name] = written if len(below) == 1 else with_value(own.get(name), below[1:], written)
        else:
            assert len(below) == 1  # a record within the order
            self._inside.setdefault(first, {})[below[0]] = made
            view[first] = with_value(view.get(first), below, written)
        return written

    def set_records(self, name: str, records: Any) -> None:
        """Put finished records in the place of others."""
        self.own[name] = records
        self._of.rewrite(self.view, name, records, self._currency)

    def finish(self) -> Any:
        """The record with all that was written."""
        own = self.own
        for name, values in self._inside.items():
            own[name] = changed(getattr(self._record, name), values)
        return changed(self._record, own) if own else self._record


class NewDraft:
    """JSON that is written from nothing: a whole order, one of its records, or additions to a payload."""

    __slots__ = ("own", "view")

    def __init__(self, view: dict[str, Any] | None = None) -> None:
        self.view: dict[str, Any] = {} if view is None else view
        self.own: dict[str, Any] = {}

    def current(self, field: Field) -> Any:
        """See Draft."""
        return walk(self.view, field.names)

    def put(self, field: Field, value: Any) -> Any:
        """See Draft."""
        written = field.read(value)
        first, below = field.first, field.below
        made = with_value(self.view.get(first), below, written) if below else written
        self.own[first] = self.view[first] = made
        return written


def fill_null(schema: Schema, record: dict[str, Any]) -> None:
    """Write null where it may stand and nothing else does, in this record and those within."""
    for name, field in schema.fields.items():
        if isinstance(field, Nested) and field.many:
            for inner in record.get(name, ()):
                fill_null(field.schema, inner)
        elif field.required and field.allow_none:
            record.setdefault(name, None)
