"""What a profile with `extends: none` must write, and what is made for it where it does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from marshmallow import Schema

from config.problems import Place
from mappings.canonical.fields import Nested
from mappings.canonical.money import Money, unit_price
from mappings.canonical.words import say
from mappings.profiles.canonical import SCOPES
from mappings.profiles.drafts import fill_null
from mappings.profiles.model import MapRecords, Profile, Scope, rules_of

#: Fields that are made of others where no rule writes them -> how, for the reference page.
MADE: Final[Mapping[str, Mapping[str, str]]] = {
    "order": {
        "version": say("the text of `updated_at`"),
        "updated_at": "`placed_at`",
        "placed_on": say("the day of `placed_at` in UTC"),
        "source_state": "`state`",
        "fulfilment_state": "`unfulfilled`",
        "customer.external_id": say("empty: a guest"),
        "customer.guest": say("true without `customer.external_id`"),
        "coupons": say("none"),
        "totals.discount": "0",
    },
    "lines": {
        "external_id": say("the position in the order, from 1"),
        "subtotal": say("`total`: no discount"),
        "unit_price": say("`subtotal` divided by `quantity`"),
    },
    "shipping_lines": {"external_id": say("the position, from 1")},
    "fees": {"external_id": say("the position, from 1")},
    "refunds": {"external_id": say("the position, from 1")},
}
#: Of these, those for which something must be there -> what: where that cannot be read, they are missing for no other
#: reason.
MADE_OF: Final = {
    "order": {
        "version": ("updated_at", "placed_at"),
        "updated_at": ("placed_at",),
        "placed_on": ("placed_at",),
        "source_state": ("state",),
    },
    "lines": {"subtotal": ("total", "quantity"), "unit_price": ("subtotal", "total", "quantity")},
}
#: Scopes without which there is no order.
_NEEDED: Final = ("order", "lines")


def missing_fields(profile: Profile) -> Iterator[tuple[Place, str, str, str]]:
    """(place, found, expected, next step) for each scope that lacks rules for fields that an order must have."""
    top = Place(profile.file, 1, 1)
    for name in _NEEDED:
        if name not in profile.source:
            yield top, say("no scope `%(name)s`", name=name), say("rules for it"), ""
    for name, scope in profile.source.items():
        yield from _missing(scope, needed(name))
        for rule in rules_of(scope):
            if isinstance(rule.verb, MapRecords) and isinstance(rule.field.checked_by, Nested):
                yield from _missing(rule.verb.scope, _required(rule.field.checked_by.schema))


def needed(scope: str) -> list[str]:
    """The fields of a scope that some rule must write."""
    kind = SCOPES[scope]
    made = MADE.get(scope, {})
    return [
        field.path
        for field in kind.whole
        if field.required and field.path not in made and not (field.checked_by and field.checked_by.allow_none)
    ]


def _required(schema: Schema) -> list[str]:
    return [name for name, field in schema.fields.items() if field.required and not field.allow_none]


def _missing(scope: Scope, wanted: list[str]) -> Iterator[tuple[Place, str, str, str]]:
    written = {rule.field.path for rule in scope.rules}
    missing = [path for path in wanted if path not in written]
    if missing:
        found = say("no rule for %(fields)s", fields=", ".join(missing))
        yield (
            scope.place,
            found,
            say("a rule for every field that an order must have"),
            say("where the source has none, say so: `constant`"),
        )


def fill_order(order: dict[str, Any]) -> None:
    """Write what is made of other fields, as MADE says; nothing that a rule has written."""
    placed_at = order.get("placed_at")
    if isinstance(placed_at, str):
        order.setdefault("placed_on", placed_at[:10])
        order.setdefault("version", order.setdefault("updated_at", placed_at))
    if "state" in order:
        order.setdefault("source_state", order["state"])
    order.setdefault("fulfilment_state", "unfulfilled")
    customer = order.setdefault("customer", {})
    customer.setdefault("guest", not customer.setdefault("external_id", ""))
    totals = order.setdefault("totals", {})
    totals.setdefault("discount", "0")
    # The sums are made by the proof, which needs an order to begin with.
    totals.update(dict.fromkeys(("lines", "shipping", "fees", "rounding"), "0"))
    for name, kind in SCOPES.items():
        if name != "order":
            order.setdefault(name, [] if kind.many else {})
    order.setdefault("coupons", [])
    for name, kind in SCOPES.items():
        if kind.many:
            _fill_records(name, kind.schema, order[name])


def _fill_records(name: str, schema: Schema, records: list[dict[str, Any]]) -> None:
    for position, record in enumerate(records, start=1):
        if "external_id" in schema.fields:
            record.setdefault("external_id", str(position))
        if name == "lines":
            _fill_line(record)
        fill_null(schema, record)


def _fill_line(line: dict[str, Any]) -> None:
    if "total" not in line or "quantity" not in line:
        return
    subtotal = line.setdefault("subtotal", line["total"])
    if "unit_price" not in line:
        fields = SCOPES["lines"].schema.fields
        amount = Money(fields["subtotal"].deserialize(subtotal), "")
        line["unit_price"] = f"{unit_price(amount, fields['quantity'].deserialize(line['quantity'])).amount:f}"
