"""Records as expressions read them: written as JSON once, and of each only what the rules of a profile ask for.

An order of five lines has two hundred fields, and a profile reads a dozen of them. What is read is known when it is
compiled: every path begins with its root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, Final

from marshmallow import Schema, fields

from mappings.canonical.fields import Nested
from mappings.canonical.schemas import json_step
from mappings.profiles.expressions import Expression, Path
from mappings.profiles.model import Copy, Scope, rules_of

_Step = Callable[[Any, str], Any] | None


class View:
    """What is read of one kind of record."""

    __slots__ = ("_steps",)

    def __init__(self, schema: Schema, paths: Iterable[Path]) -> None:
        """`paths` are the names below the record: `("customer", "email")`."""
        below: dict[str, set[Path]] = {}
        for first, *names in paths:
            below.setdefault(first, set()).add(tuple(names))
        self._steps: Final = {name: _step(schema.fields[name], found) for name, found in below.items()}

    def __call__(self, record: object, currency: str) -> dict[str, Any]:
        """The record's JSON, as far as it is read."""
        return {
            name: getattr(record, name) if step is None else step(getattr(record, name), currency)
            for name, step in self._steps.items()
        }

    def rewrite(self, view: dict[str, Any], name: str, value: Any, currency: str) -> None:
        """Put a field's new value into a view that was made before, where it is read at all."""
        if name in self._steps:
            step = self._steps[name]
            view[name] = value if step is None else step(value, currency)


def _step(field: fields.Field[Any], paths: set[Path]) -> _Step:
    if () in paths or not isinstance(field, Nested) or field.many:
        return json_step(field)
    inner = View(field.schema, paths)
    return lambda value, currency: None if value is None else inner(value, currency)


def read_of(root: str, scopes: Iterable[Scope]) -> Iterator[Path]:
    """The paths below a root (`order`, `item`) that the scopes read."""
    for scope in scopes:
        rules = (each for rule in rules_of(scope) for each in rule.expressions)
        yield from _below(root, chain(_own(scope), rules))


def read_of_itself(scope: Scope) -> Iterator[Path]:
    """The paths of its own record that a scope reads; also what its rules ask for, or complete, when they write."""
    yield from _below("this", _own(scope))
    for rule in scope.rules:
        # Of a record that is made, `this` is another one: its rules are left out.
        yield from _below("this", rule.expressions)
        if isinstance(rule.verb, Copy) and rule.verb.only_if_empty:
            yield rule.field.names
        elif rule.field.kind == "json" and rule.field.below:
            yield rule.field.names[:1]


def _own(scope: Scope) -> Iterator[Expression]:
    return (each for each in (scope.each, scope.where) if each is not None)


def _below(root: str, expressions: Iterable[Expression]) -> Iterator[Path]:
    return (path[1:] for each in expressions for path in each.paths if path[0] == root)
