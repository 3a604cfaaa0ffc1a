"""The records, with what a transaction of Odoo promises: all of a call, or nothing of it."""

from __future__ import annotations

import collections
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from connectors.sandbox.ledger import Entry, Ledger
from connectors.sandbox.odoo.fields import MODELS, Field

Json = dict[str, Any]
Compute = Callable[["Database", Json, Mapping[str, Any]], Any]

#: (model, field) -> how its value comes about; filled by the modules that know.
COMPUTED: Final[dict[tuple[str, str], Compute]] = {}


#: Kinds that are never false for nothing.
_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {"float": float, "integer": int, "boolean": bool}


class OdooError(Exception):
    """What a call ends in; nothing of it is kept."""

    def __init__(self, name: str, message: str, status: int) -> None:
        super().__init__(message)
        self.name, self.message, self.status = name, message, status


def user_error(message: str) -> OdooError:
    """A rule of the business forbids it."""
    return OdooError("odoo.exceptions.UserError", message, 422)


def missing(model: str, number: int) -> OdooError:
    """The record is not there."""
    text = f"Record does not exist or has been deleted.\n(Record: {model}({number},), User: 5)"
    return OdooError("odoo.exceptions.MissingError", text, 404)


def required(model: str, label: str, field: str, name: str) -> str:
    """What the database says of a missing value."""
    return (
        f"Missing required value for the field '{label}' ({field}).\nModel: '{name}' ({model})\n"
        "- create/update: a mandatory field is not set\n"
        "- delete: another model requires the record being deleted, you can archive it instead\n"
    )


class Database:
    """Tables of records; `begin`, then `commit` or `roll_back`. The caller holds the one lock."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        #: An automation of its people prints each invoice that is posted.
        self.prints = False
        #: A confirmed order asks before it is cancelled: 17 and 18 unless the context forbids it, a module always.
        self.asks_before_cancel = False
        self.always_asks = False
        #: Model -> its fields; people add some of their own.
        self.models: dict[str, dict[str, Field]] = {model: dict(fields) for model, fields in MODELS.items()}
        self.tables: dict[str, dict[int, Json]] = {model: {} for model in MODELS}
        #: External id -> (model, id, noupdate).
        self.external: dict[str, tuple[str, int, bool]] = {}
        self._last: collections.Counter[str] = collections.Counter()
        self._undo: list[Callable[[], None]] = []
        self._entries: list[Entry] = []
        self.now = dt.datetime.now(dt.UTC)

    # -- transactions ----------------------------------------------------------------------------------------

    def begin(self) -> None:
        """All stamps of a transaction are the time at which it began."""
        self.now = dt.datetime.now(dt.UTC)
        self._undo, self._entries = [], []

    def commit(self) -> None:
        """Keep it."""
        self.ledger.append_many(self._entries)
        self._undo, self._entries = [], []

    def mark(self) -> int:
        """A savepoint."""
        return len(self._undo)

    def roll_back(self, to: int = 0) -> None:
        """Undo everything since the savepoint; numbers that were given stay given."""
        while len(self._undo) > to:
            self._undo.pop()()
        if not to:
            self._entries = []

    def tell(self, kind: str, record: int, *, total: Any = "", key: str = "") -> None:
        """One more effect for the ledger."""
        self._entries.append(Entry(kind, key, str(record), total=str(total)))

    # -- records ---------------------------------------------------------------------------------------------

    def next_id(self, name: str) -> int:
        """The next number of a sequence, which no roll-back gives back."""
        self._last[name] += 1
        return self._last[name]

    def insert(self, model: str, values: Json) -> Json:
        """A new record with these values of columns."""
        number = self.next_id(model)
        stamp = self.stamp()
        record = {"id": number, **values, "create_date": stamp, "write_date": stamp}
        table = self.tables[model]
        table[number] = record

        def undo() -> None:
            table.pop(number, None)

        self._undo.append(undo)
        return record

    def add_field(self, model: str, name: str, field: Field) -> None:
        """One more field of a model."""
        fields = self.models[model]
        fields[name] = field
        self._undo.append(lambda: fields.__delitem__(name))

    def update(self, _model: str, record: Json, values: Mapping[str, Any]) -> None:
        """Change columns of a record."""
        before = dict(record)

        def undo() -> None:
            record.clear()
            record.update(before)

        self._undo.append(undo)
        record.update(values, write_date=self.stamp())

    def delete(self, model: str, number: int) -> None:
        """Remove a record, and what names it from outside."""
        table, record = self.tables[model], self.tables[model][number]
        del table[number]
        self._undo.append(lambda: table.__setitem__(number, record))
        for name, (of, id_, _) in list(self.external.items()):
            if (of, id_) == (model, number):
                self.name(name, None)

    def name(self, external_id: str, target: tuple[str, int, bool] | None) -> None:
        """Set, or remove, what an external id stands for."""
        before = self.external.get(external_id)

        def undo() -> None:
            self.external.pop(external_id, None)
            if before is not None:
                self.external[external_id] = before

        self._undo.append(undo)
        self.external.pop(external_id, None)
        if target is not None:
            self.external[external_id] = target

    def external_ids(self, model: str, number: int) -> list[str]:
        """The names of a record, oldest first."""
        return [name for name, (of, id_, _) in self.external.items() if (of, id_) == (model, number)]

    def get(self, model: str, number: Any) -> Json:
        """A record that must be there. Raises OdooError."""
        if (record := self.tables[model].get(number)) is None:
            raise missing(model, number)
        return record

    def all(self, model: str, **equal: Any) -> Iterator[Json]:
        """Records with these values, by id."""
        for record in list(self.tables[model].values()):
            if all(record.get(name) == value for name, value in equal.items()):
                yield record

    def value(self, model: str, record: Json, name: str, context: Mapping[str, Any] | None = None) -> Any:
        """One field, computed or kept: ids for relations."""
        if (compute := COMPUTED.get((model, name))) is not None:
            return compute(self, record, context or {})
        field = self.models[model][name]
        if field.kind == "one2many":
            return [each["id"] for each in self.all(field.model, **{field.inverse: record["id"]})]
        return record.get(name, [] if field.kind == "many2many" else None)

    def display(self, model: str, number: int) -> str:
        """What people read in the place of an id."""
        record = self.tables[model].get(number, {})
        name = str(record.get("name") or f"{model},{number}")
        if model == "product.product" and record.get("default_code"):
            return f"[{record['default_code']}] {name}"
        if model == "res.partner" and record.get("parent_id"):
            return f"{self.display(model, record['parent_id'])}, {name}"
        return name

    def stamp(self) -> str:
        """The transaction's time with microseconds, which no answer shows."""
        return f"{self.now:%Y-%m-%d %H:%M:%S.%f}"


def shown(db: Database, model: str, record: Json, name: str, context: Mapping[str, Any]) -> Any:
    """A field as `read` gives it: false for nothing, pairs for many2one, times to the second."""
    field: Field = db.models[model][name]
    value: Any = db.display(model, record["id"]) if name == "display_name" else None
    value = value or db.value(model, record, name, context)
    if field.kind == "many2one":
        return [value, db.display(field.model, value)] if value else False
    if field.kind == "datetime":
        return str(value)[:19] if value else False
    if field.kind in _PLAIN:
        return _PLAIN[field.kind](value or 0)
    return list(value or []) if field.model else value or False


def to_cents(amount: Decimal, unit: Decimal = Decimal("0.01")) -> Decimal:
    """As Odoo's currencies round: half away from zero."""
    return (amount / unit).quantize(Decimal(1), ROUND_HALF_UP) * unit


def number(value: Any) -> Decimal:
    """A float column without a float's noise."""
    return Decimal(str(value or 0))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """A sum, zero for none."""
    return sum(amounts, Decimal(0))
