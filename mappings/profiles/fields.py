"""What a rule can write: each field with its kind, and how a value becomes what may stand there.

The canonical fields are those of the canonical schemas, so that what a rule writes is checked by the very field that
checks every order. Payloads of an ERP or a shop have the fields that the system has; there a guard says which are not a
profile's.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from marshmallow import Schema, ValidationError
from marshmallow import fields as marshmallow_fields

from config.problems import did_you_mean
from mappings.canonical import schemas
from mappings.canonical.fields import (
    TEXT_LENGTH,
    Amount,
    Choice,
    Day,
    Flag,
    JsonObject,
    ListOf,
    Nested,
    Strict,
    Text,
    UtcTime,
    refused,
    storable,
)
from mappings.canonical.words import quote, say
from mappings.profiles.functions import as_text

#: Kind -> how the reference page calls it.
KINDS: Final[Mapping[str, str]] = {
    "text": say("text"),
    "texts": say("a list of texts"),
    "money": say("an amount of money"),
    "number": say("a number"),
    "flag": say("true or false"),
    "time": say("a point in time"),
    "day": say("a calendar day"),
    "choice": say("a word of a closed list"),
    "records": say("a list of records"),
    "json": say("any JSON"),
    "typed": say("what `as` says"),
}
#: Kinds that have an empty value, which `drop` writes.
_EMPTY: Final[Mapping[str, Any]] = {"text": "", "texts": [], "records": [], "json": None}

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_MOST_LEVELS: Final = 6


class UnknownField(ValueError):
    """A rule names a field that is not there, or that is not a profile's."""

    def __init__(self, found: str, expected: str = "", next_step: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.next_step = found, expected, next_step


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """One field that a rule can write."""

    #: `("customer", "vat_id")`.
    names: tuple[str, ...]
    kind: str
    #: What checks the value; None where the system itself does.
    checked_by: marshmallow_fields.Field[Any] | None = None
    #: The record must have it.
    required: bool = False
    #: A text of at most so many characters is its own JSON and what the record has; -1 for what is more than text.
    plain_text: int = dataclasses.field(init=False, default=-1)
    #: `names` as writing wants them: `customer`, `("vat_id",)`.
    first: str = dataclasses.field(init=False, default="", repr=False, compare=False)
    below: tuple[str, ...] = dataclasses.field(init=False, default=(), repr=False, compare=False)

    def __post_init__(self) -> None:
        """Most fields are texts, and most texts are fine: those take the short way."""
        object.__setattr__(self, "first", self.names[0])
        object.__setattr__(self, "below", self.names[1:])
        checked_by = self.checked_by
        if type(checked_by) is Text and not checked_by.validators:
            object.__setattr__(self, "plain_text", checked_by.max_length)
        elif type(checked_by) is JsonValue:
            object.__setattr__(self, "plain_text", TEXT_LENGTH)

    @property
    def path(self) -> str:
        """`customer.vat_id`."""
        return ".".join(self.names)

    @property
    def empty(self) -> Any:
        """What `drop` writes; only where `droppable`."""
        return _EMPTY[self.kind]

    @property
    def droppable(self) -> bool:
        """Whether there is an empty value."""
        return self.kind in _EMPTY

    def read(self, value: Any) -> Any:
        """The value as our own JSON has it. Raises ValidationError."""
        return self.written(value, self.load(value))

    def load(self, value: Any) -> Any:
        """The value as a record has it, amounts as Decimal. Raises ValidationError."""
        value = _alike(self.kind, value)
        if self.kind == "texts" and isinstance(value, list) and all(map(_is_plain_text, value)):
            return value
        return value if self.checked_by is None else self.checked_by.deserialize(value)

    def written(self, value: Any, loaded: Any) -> Any:
        """The JSON of what `load` made of `value`; records that rules have made are JSON already."""
        checked_by = self.checked_by
        if isinstance(checked_by, Nested):
            return value
        return checked_by.write(loaded) if loaded is not None and isinstance(checked_by, Strict) else loaded


def _is_plain_text(value: Any) -> bool:
    return type(value) is str and len(value) <= TEXT_LENGTH and storable(value)


def _alike(kind: str, value: Any) -> Any:
    """A number where text is due, as text: sources write ids and amounts either way."""
    if kind == "texts" and isinstance(value, list):
        return [_alike("text", each) for each in value if each is not None]
    if kind in {"text", "money", "number"} and type(value) in (int, Decimal):
        return as_text(value)
    if kind == "json":
        return _storable(value)
    return value


def _storable(value: Any) -> Any:
    """Decimals have no exact form in JSON: in attributes and payloads they are text."""
    if isinstance(value, Decimal):
        return as_text(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    return {key: _storable(each) for key, each in value.items()} if isinstance(value, dict) else value


class Fields:
    """The fields of one canonical record."""

    def __init__(self, schema: Schema, *, refused: Mapping[str, str]) -> None:
        """`refused`: a field that no rule writes -> why."""
        self.schema = schema
        self._refused = refused
        self._fields = {field.path: field for field in _of(schema) if not _covered(field.path, refused)}
        self.records = {
            name: field.schema for name, field in schema.fields.items() if isinstance(field, Nested) and field.many
        }

    def __iter__(self) -> Iterator[Field]:
        """Every field that can be written."""
        return iter(self._fields.values())

    def find(self, path: str) -> Field:
        """The field of a rule's `to`. Raises UnknownField."""
        if path in self._fields:
            return self._fields[path]
        for name, why in self._refused.items():
            if path == name or path.startswith(f"{name}."):
                raise UnknownField(say("the field %(path)s", path=path), "", why)
        first, _, rest = path.partition(".")
        if rest and first in self._fields and self._fields[first].kind == "json":
            return Field((first, *_names(rest)), "json", JsonValue())
        raise UnknownField(
            say("the field %(path)s", path=path),
            say("a field of the canonical record"),
            did_you_mean(path, self._fields) or say("see the list of fields in docs/profiles.md"),
        )

    def kind_of(self, names: tuple[str, ...]) -> str | None:
        """The kind of what is read at this path; empty for an object; None where there is no such field."""
        schema: Schema | None = self.schema
        for index, name in enumerate(names):
            if schema is None or name not in schema.fields:
                return None
            field = schema.fields[name]
            if not isinstance(field, Nested):
                kind = kind_of(field)
                return kind if kind == "json" or index == len(names) - 1 else None
            if field.many:
                return "records" if index == len(names) - 1 else None
            schema = field.schema
        return ""


class Typed(Strict[Any]):
    """A value in the type that another system is to get."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert
        super().__init__()

    def read(self, value: object) -> Any:
        """The value in its type."""
        return self._convert(value)


class JsonValue(JsonObject):
    """Any value that attributes may hold."""

    def read(self, value: object) -> Any:
        """The value as it is."""
        super().read({"value": value})
        return value


def _covered(path: str, names: Collection[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in names)


def _of(schema: Schema, prefix: tuple[str, ...] = ()) -> Iterator[Field]:
    for name, field in schema.fields.items():
        names = (*prefix, name)
        if isinstance(field, Nested) and not field.many:
            yield from _of(field.schema, names)
        elif (kind := kind_of(field)) is not None:
            yield Field(names, kind, field, field.required)


def kind_of(field: marshmallow_fields.Field[Any]) -> str | None:
    """The kind of a canonical field; None for one that is no single value of a profile's."""
    if isinstance(field, Nested):
        return "records"
    kinds: tuple[tuple[type, str], ...] = (
        (schemas.MoneyText, "money"),
        (Amount, "number"),
        (ListOf, "texts"),
        (Text, "text"),
        (Flag, "flag"),
        (UtcTime, "time"),
        (Day, "day"),
        (Choice, "choice"),
        (JsonObject, "json"),
    )
    return next((kind for each, kind in kinds if isinstance(field, each)), None)


def _names(path: str) -> tuple[str, ...]:
    names = tuple(path.split("."))
    if len(names) > _MOST_LEVELS or not all(_NAME.fullmatch(name) for name in names):
        raise UnknownField(say("the field %(path)s", path=path), say("names with dots between them"))
    return names


def flag_word(value: Any) -> Any:
    """A constant for a field that is true or false, as people write it in YAML."""
    words = {"yes": True, "true": True, "no": False, "false": False}
    if value in words:
        return words[value]
    raise refused(value, say("yes or no"))


def reasons(error: ValidationError) -> str:
    """What is wrong with one value, in one text."""
    return "; ".join(_flat("", error.messages)) if isinstance(error.messages, dict) else quote(error.messages[0])


def _flat(path: str, errors: Any) -> Iterator[str]:
    if isinstance(errors, dict):
        for key, below in errors.items():
            yield from _flat(f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip("."), below)
    else:
        for reason in errors:
            yield f"{path}: {reason}" if path else str(reason)
