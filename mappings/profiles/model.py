"""A profile as it is after reading: what it says, compiled, each part with the place where it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from config.problems import Place
from mappings.profiles.expressions import Expression
from mappings.profiles.fields import Field
from mappings.profiles.steps import Action

#: `extends: none`: the profile is the whole mapping.
NONE = "none"


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One step of a rule."""

    name: str
    place: Place
    options: Mapping[str, Any]
    act: Action

    @property
    def facts(self) -> Mapping[str, Expression]:
        """What a look-up is told beside its value."""
        return self.options.get("facts") or {}


@dataclasses.dataclass(frozen=True, slots=True)
class Copy:
    """Carries what an expression selects, as it is. `only_if_empty`: the verb `default`."""

    value: Expression
    only_if_empty: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Constant:
    """Always the same; already what the field has in JSON."""

    value: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Concatenate:
    """The texts that are there, with another between them."""

    parts: tuple[Expression, ...]
    between: str


@dataclasses.dataclass(frozen=True, slots=True)
class MapRecords:
    """One record for each element of a list."""

    scope: Scope


@dataclasses.dataclass(frozen=True, slots=True)
class Drop:
    """The field becomes empty."""


Verb = Copy | Constant | Concatenate | MapRecords | Drop


#: Of the roots, the draft that is written, the work, and the record's place in the document.
Run = Callable[[dict[str, Any], Any, Any, str], None]


def _unready(*_: object) -> None:
    raise AssertionError("a rule that is not compiled")


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a field, where its value comes from, on which condition, changed by which steps."""

    place: Place
    #: `source.lines.rules[2]`, as the file has it.
    path: str
    field: Field
    #: The word of the language: `copy`, `set` ...
    word: str
    verb: Verb
    when: Expression | None = None
    steps: tuple[Step, ...] = ()
    #: In a payload: the type that the other system is to get.
    written_as: str = ""
    #: The rule as one function (`engine.compiled`), for when nobody wants to know where the value came from.
    run: Run = dataclasses.field(default=_unready, repr=False, compare=False)

    @property
    def expressions(self) -> Iterator[Expression]:
        """All that it evaluates itself; not what the rules of its records do."""
        if self.when is not None:
            yield self.when
        if isinstance(self.verb, Copy):
            yield self.verb.value
        elif isinstance(self.verb, Concatenate):
            yield from self.verb.parts
        elif isinstance(self.verb, MapRecords):
            yield from filter(None, (self.verb.scope.each, self.verb.scope.where))
        for step in self.steps:
            yield from step.facts.values()


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Rules for one record, or for each record of a list."""

    name: str
    place: Place
    rules: tuple[Rule, ...]
    #: The elements of which records are made (`extends: none`, `map`), or the object behind one record.
    each: Expression | None = None
    #: Only these elements become, or stay, records.
    where: Expression | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """One mapping profile."""

    name: str
    #: The system whose base mapping it changes, or `none`.
    extends: str
    #: Scope name -> scope: `order`, `billing`, `lines` ...
    source: Mapping[str, Scope]
    #: ERP system -> scope name -> scope: `settings`, `order`, `lines`, `party`.
    erp: Mapping[str, Mapping[str, Scope]]
    #: Shop system -> scope name -> scope: `fulfilment`, `shipment_note` ...
    shop: Mapping[str, Mapping[str, Scope]]
    #: Of what it says, whatever its comments and its layout: part of the mapping's version.
    digest: str
    file: str

    @property
    def version(self) -> str:
        """What stands in the version of a mapping: `nordwind@1f3c...`."""
        return f"{self.name}@{self.digest[:16]}"

    @property
    def whole(self) -> bool:
        """It is the whole mapping of its source."""
        return self.extends == NONE

    def asks_for(self, erp: str) -> bool:
        """Whether rules for a sale in this ERP system ask look-up tables."""
        return any(
            step.name == "lookup"
            for scope in self.erp.get(erp, {}).values()
            for rule in rules_of(scope)
            for step in rule.steps
        )

    def scopes(self) -> Iterator[tuple[str, Scope]]:
        """Every scope with the section that it stands in: `source`, `erp.tryton`, `shop.woocommerce`."""
        for scope in self.source.values():
            yield "source", scope
        for section, systems in (("erp", self.erp), ("shop", self.shop)):
            for system, scopes in systems.items():
                for scope in scopes.values():
                    yield f"{section}.{system}", scope


def rules_of(scope: Scope) -> Iterator[Rule]:
    """The rules of a scope and of the records in it."""
    for rule in scope.rules:
        yield rule
        if isinstance(rule.verb, MapRecords):
            yield from rules_of(rule.verb.scope)
