"""Records while rules write them: what the rules read, and what becomes of it in the end."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from marshmallow import Schema

from mappings.canonical import records
from mappings.canonical.fields import Nested, storable
from mappings.canonical.schemas import json_step, record_value
from mappings.profiles.fields import Field

#: Field name -> how it is written as JSON; None where the value is its own.
Writers = Mapping[str, Callable[[Any, str], Any] | None]


def writers(schema: Schema) -> Writers:
    """How each field of a record is written."""
    return {name: json_step(field) for name, field in schema.fields.items()}


class Draft(Protocol):
    """What a rule writes to."""

    #: What expressions read as `this` or `order`.
    view: dict[str, Any]

    def put(self, field: Field, value: Any) -> Any:
        """Write a field; answers its JSON. Raises ValidationError."""
        ...

    def current(self, field: Field) -> Any:
        """What the field has now, as JSON; None where it has nothing."""
        ...


class RecordView(dict[str, Any]):
    """A record as JSON, each field written when it is first read: a profile reads few of them."""

    __slots__ = ("_currency", "_record", "_writers")

    def __init__(self, record: object, writers: Writers, currency: str) -> None:
        # An empty dict needs no making.
        self._record, self._writers, self._currency = record, writers, currency

    def get(self, name: str, default: Any = None) -> Any:
        """One field."""
        if name in self:
            return self[name]
        try:
            write = self._writers[name]
        except KeyError:
            return default
        value = getattr(self._record, name)
        self[name] = value = value if write is None else write(value, self._currency)
        return value


def walk(value: Any, names: tuple[str, ...]) -> Any:
    """What stands at a path of names; None where it ends before."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def with_value(old: Any, names: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy of `old` in which `value` stands at the path; nothing of `old` is changed."""
    first = names[0]
    if len(names) > 1:
        value = with_value(old.get(first) if isinstance(old, dict) else None, names[1:], value)
    return {**old, first: value} if isinstance(old, dict) else {first: value}


def is_plain(field: Field, value: Any) -> bool:
    """Whether a value is a text that may stand in the field as it is."""
    if type(value) is not str or len(value) > field.plain_text:
        return False
    # Most texts are of plain characters, and are looked at here.
    return storable(value) if not value.isascii() or "\x00" in value else True


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

    __slots__ = ("_currency", "_inside", "_own", "_record", "_schema", "view")

    def __init__(self, record: Any, schema: Schema, writers: Writers, currency: str) -> None:
        self._record, self._schema, self._currency = record, schema, currency
        self._own: dict[str, Any] = {}
        self._inside: dict[str, dict[str, Any]] = {}
        self.view: dict[str, Any] = RecordView(record, writers, currency)

    def current(self, field: Field) -> Any:
        """See Draft."""
        return walk(self.view, field.names)

    def put(self, field: Field, value: Any) -> Any:
        """See Draft."""
        written: Any
        made: Any
        if is_plain(field, value):
            written = made = value
        else:
            loaded = field.load(value)
            written = field.written(value, loaded)
            checked_by = field.checked_by
            made = loaded if checked_by is None else record_value(checked_by, loaded, self._currency)
        first, below = field.first, field.below
        if not below:
            self._own[first] = made
            self.view[first] = written
        elif field.kind == "json":
            self._own[first] = self.view[first] = with_value(self.view.get(first), below, written)
        else:
            assert len(below) == 1  # a record within the order
            self._inside.setdefault(first, {})[below[0]] = made
            self.view[first] = with_value(self.view.get(first), below, written)
        return written

    def set_records(self, name: str, records: Any) -> None:
        """Put finished records in the place of others."""
        self._own[name] = records
        self.view.pop(name, None)

    def finish(self) -> Any:
        """The record with all that was written."""
        changes = dict(self._own)
        for name, values in self._inside.items():
            changes[name] = changed(getattr(self._record, name), values)
        return changed(self._record, changes) if changes else self._record


class NewDraft:
    """JSON that is written from nothing: a whole order, one of its records, or additions to a payload."""

    __slots__ = ("view",)

    def __init__(self, view: dict[str, Any] | None = None) -> None:
        self.view: dict[str, Any] = {} if view is None else view

    def current(self, field: Field) -> Any:
        """See Draft."""
        return walk(self.view, field.names)

    def put(self, field: Field, value: Any) -> Any:
        """See Draft."""
        written = value if is_plain(field, value) else field.read(value)
        first, below = field.first, field.below
        self.view[first] = with_value(self.view.get(first), below, written) if below else written
        return written


def fill_null(schema: Schema, record: dict[str, Any]) -> None:
    """Write null where it may stand and nothing else does, in this record and those within."""
    for name, field in schema.fields.items():
        if isinstance(field, Nested) and field.many:
            for inner in record.get(name, ()):
                fill_null(field.schema, inner)
        elif field.required and field.allow_none:
            record.setdefault(name, None)
