"""What is different between two profiles: line by line, and rule by rule in words."""

from __future__ import annotations

import dataclasses
import difflib
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal

from mappings.profiles import Profile
from mappings.profiles.model import Concatenate, Constant, Copy, Drop, MapRecords, Rule, rules_of

Kind = Literal["added", "removed", "changed"]
_ORDER: Final = ("extends", "source", "erp", "shop")


@dataclasses.dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule that one of the two does not have, or has otherwise."""

    kind: Kind
    #: The scope with the field that it writes: `source.lines.sku`.
    where: str
    #: What it says, in a line; empty where there is none.
    before: str
    after: str


def unified(before: str, after: str, names: tuple[str, str]) -> list[str]:
    """The two texts as a unified diff, without line ends."""
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""))


def rule_changes(before: Profile | None, after: Profile | None) -> list[RuleChange]:
    """The rules that differ, in the order of the fields' names; comments and the order of rules are no difference."""
    old, new = _rules(before), _rules(after)
    found: list[RuleChange] = []
    for where in sorted(old.keys() | new.keys(), key=_place):
        gone, come = old.get(where, Counter()), new.get(where, Counter())
        left, made = sorted((gone - come).elements()), sorted((come - gone).elements())
        both = min(len(left), len(made))
        found += [RuleChange("changed", where, *pair) for pair in zip(left[:both], made[:both], strict=True)]
        found += [RuleChange("removed", where, each, "") for each in left[both:]]
        found += [RuleChange("added", where, "", each) for each in made[both:]]
    return found


def _place(where: str) -> tuple[int, str]:
    return _ORDER.index(where.split(".", maxsplit=1)[0]), where


def _rules(profile: Profile | None) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    if profile is None:
        return found
    found["extends"] = Counter([profile.extends])
    for section, scope in profile.scopes():
        for name, expression in (("each", scope.each), ("where", scope.where)):
            if expression is not None:
                found[f"{section}.{scope.name} ({name})"] = Counter([expression.text])
        for rule in rules_of(scope):
            where = f"{section}.{scope.name}.{rule.field.path}"
            found.setdefault(where, Counter())[_saying(rule)] += 1
    return found


def _saying(rule: Rule) -> str:
    """A rule in one line, as its file would have it."""
    words = [f"{rule.word} {_verb(rule)}".strip(), *(_step(step.name, dict(step.options)) for step in rule.steps)]
    return " | ".join(words) + "".join(_conditions(rule))


def _verb(rule: Rule) -> str:
    verb = rule.verb
    if isinstance(verb, Copy):
        return verb.value.text
    if isinstance(verb, Constant):
        return repr(verb.value)
    if isinstance(verb, Concatenate):
        return f"{', '.join(part.text for part in verb.parts)} between {verb.between!r}"
    if isinstance(verb, MapRecords):
        return ", ".join(each.text for each in (verb.scope.each, verb.scope.where) if each is not None)
    assert isinstance(verb, Drop)
    return ""


def _step(name: str, options: dict[str, object]) -> str:
    return f"{name} {options}" if options else name


def _conditions(rule: Rule) -> Iterator[str]:
    if rule.written_as:
        yield f" as {rule.written_as}"
    if rule.when is not None:
        yield f" when {rule.when.text}"
