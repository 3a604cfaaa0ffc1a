"""What the look-ups of a profile ask, held against the tables that there are: their names, and their facts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from config.problems import Place, did_you_mean
from mappings.canonical.fields import shown
from mappings.canonical.words import say
from mappings.profiles.bounds import PARTED, Budget, Failed
from mappings.profiles.drafts import walk
from mappings.profiles.expressions import Expression
from mappings.profiles.functions import as_text
from mappings.profiles.model import Profile, Rule, Step, rules_of

#: Table -> the facts that its conditions may ask for, each with its kind (`text`, `number`, `country`); None where
#: nobody knows them.
KnownTables = Mapping[str, Mapping[str, str] | None]

#: Kind -> what a value must look like; any text will do for the others.
_SHAPES: Final[Mapping[str, re.Pattern[str]]] = {
    "number": re.compile(r"\s*[+-]?[0-9]{1,15}(\.[0-9]{1,20})?\s*"),
    "country": re.compile(r"[A-Z]{2}"),
}
_EXPECTED: Final = {"number": say("a number"), "country": say("a country, two capitals such as DE")}


def wrong_lookups(profile: Profile, known: KnownTables) -> Iterator[tuple[Place, str, str, str]]:
    """(place, path, what is wrong, what to do) of each look-up that no row could answer."""
    for _, scope in profile.scopes():
        for rule in rules_of(scope):
            for step in _lookups(rule):
                yield from ((step.place, rule.path, *each) for each in _wrong(step, known))


def odd_facts(rule: Rule, documents: Mapping[str, Sequence[Any]], known: KnownTables) -> Iterator[tuple[str, str]]:
    """(what is odd, what to do) of each fact that is of another kind in every sample that has it."""
    for step in _lookups(rule):
        kinds = known.get(step.options["table"]) or {}
        for name, expression in step.facts.items():
            shape = _SHAPES.get(kinds.get(name, ""))
            values = [] if shape is None else _values(expression, documents)
            if shape is not None and values and not any(shape.fullmatch(value) for value in values):
                found = say(
                    "the fact %(name)s is %(value)s in the samples, expected %(expected)s",
                    name=name,
                    value=shown(values[0]),
                    expected=_EXPECTED[kinds[name]],
                )
                yield found, say("no condition of a row could be true; read another field")


def _lookups(rule: Rule) -> Iterator[Step]:
    return (step for step in rule.steps if step.name == "lookup")


def _wrong(step: Step, known: KnownTables) -> Iterator[tuple[str, str]]:
    table = step.options["table"]
    if table not in known:
        hint = did_you_mean(table, known)
        yield (
            say("there is no look-up table %(table)s", table=table),
            hint or say("add its first row: `crossdock lookup`"),
        )
        return
    kinds = known[table]
    if kinds is None:
        return
    for name, expression in step.facts.items():
        if name not in kinds:
            yield _unknown(table, name, kinds)
        elif (shape := _SHAPES.get(kinds[name])) is not None and expression.fixed:
            value = _fixed(expression)
            if not shape.fullmatch(value):
                found = say("the fact %(name)s of %(table)s is always %(value)s", name=name, table=table, value=value)
                yield found, say("expected %(expected)s", expected=_EXPECTED[kinds[name]])


def _unknown(table: str, name: str, kinds: Mapping[str, str]) -> tuple[str, str]:
    found = say("rows of %(table)s have no condition %(name)s", table=table, name=name)
    if not kinds:
        return found, say("leave `facts` out, or say what the table's rows may ask for: `crossdock lookup add`")
    return found, did_you_mean(name, kinds) or say("there are %(names)s", names=", ".join(sorted(kinds)))


def _fixed(expression: Expression) -> str:
    try:
        value = expression({}, Budget())
        return "" if value is None or isinstance(value, PARTED) else as_text(value)
    except Failed:
        return ""


def _values(expression: Expression, documents: Mapping[str, Sequence[Any]]) -> list[str]:
    """What a plain path has in the samples."""
    if not expression.plain:
        return []
    root, *names = expression.paths[0]
    found = (walk(document, tuple(names)) for document in documents.get(root, ()))
    return [as_text(value) for value in found if isinstance(value, str | int | float) and value != ""]
