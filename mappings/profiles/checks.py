"""What is doubtful or wrong with a profile that can be read: rules that never matter, missing tables and paths.

`read_profile` refuses what no profile may say. This looks at the rest: at the rules together, at the look-up tables of
the installation, and at real documents.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from config.problems import Place, did_you_mean
from mappings.base import JsonDict, SourceMapping
from mappings.canonical.words import say
from mappings.profiles.bases import BASES
from mappings.profiles.bounds import Budget, Failed
from mappings.profiles.canonical import SCOPES
from mappings.profiles.closures import is_false
from mappings.profiles.drafts import walk
from mappings.profiles.expressions import Expression, Path
from mappings.profiles.model import Constant, Copy, Drop, MapRecords, Profile, Rule, Scope, rules_of
from mappings.profiles.tables import KnownTables, odd_facts, wrong_lookups

Severity = Literal["error", "warning"]
#: Elements of lists that are looked at in each sample: keys that come later are rare.
_ELEMENTS: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    severity: Severity
    place: Place
    #: `source.order[2].copy`, as the file has it.
    path: str
    found: str
    #: What to do, as a sentence without its full stop.
    next_step: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.severity}: {self.path}: {self.found}" + (
            f"; {self.next_step}" if self.next_step else ""
        )


def check_profile(
    profile: Profile,
    base: SourceMapping | None,
    samples: Sequence[JsonDict],
    lookup_tables: KnownTables | None,
) -> list[Finding]:
    """What is wrong (errors) or doubtful (warnings), in the order of the file.

    `samples` are documents of the source; without any, paths are not checked. `lookup_tables` are the tables that there
    are, each with its facts; None where nobody knows.
    """
    findings: list[Finding] = []
    if base is None and not profile.whole:
        place = Place(profile.file, 1, 1)
        known = say("there are %(names)s", names=", ".join(BASES))
        findings.append(
            Finding("error", place, "extends", say("no base mapping %(name)s", name=profile.extends), known)
        )
    for section, scope in profile.scopes():
        findings.extend(_of_rules(scope))
        if section == "source" and samples:
            findings.extend(_of_samples(scope, _documents(profile, scope, samples), lookup_tables or {}))
    if profile.whole:
        findings.extend(_of_reads(profile))
    if lookup_tables is not None:
        findings.extend(Finding("error", *each) for each in wrong_lookups(profile, lookup_tables))
    return sorted(set(findings), key=lambda finding: (finding.place, finding.path))


# --- rules that never matter ------------------------------------------------------------------------------------


def _of_rules(scope: Scope) -> Iterator[Finding]:
    for index, rule in enumerate(scope.rules):
        yield from _conditions(rule)
        later = next((each for each in scope.rules[index + 1 :] if _ends(rule, each)), None)
        between = scope.rules[index + 1 : scope.rules.index(later)] if later else ()
        if later is not None and not any(_reads(each, rule) for each in (*between, later)):
            found = say(
                "%(field)s is overwritten at %(place)s before anything reads it",
                field=rule.field.path,
                place=later.place,
            )
            yield _warning(rule, found, say("remove one of them, or give the later one a `when`"))
        if rule.word == "default" and any(_surely(each, rule) for each in scope.rules[:index]):
            found = say("%(field)s has a value already, so this default never applies", field=rule.field.path)
            yield _warning(rule, found, say("put it before the rule that always writes, or remove it"))
        if isinstance(rule.verb, MapRecords):
            yield from _of_rules(rule.verb.scope)


def _conditions(rule: Rule) -> Iterator[Finding]:
    if rule.when is None or not rule.when.fixed:
        return
    try:
        holds = not is_false(rule.when({}, Budget()))
    except Failed:
        holds = False
    if holds:
        yield _warning(rule, say("the condition is always true"), say("leave `when` out"))
    else:
        yield _warning(rule, say("the condition is never true: the rule does nothing"), say("read a field in `when`"))


def _ends(earlier: Rule, later: Rule) -> bool:
    """Whether the later rule surely writes over all that the earlier one wrote."""
    return _surely(later, earlier)


def _surely(writer: Rule, other: Rule) -> bool:
    """Whether a rule always writes the other's field, with something that is there."""
    if writer.field.names != other.field.names or writer.when is not None:
        return False
    if isinstance(writer.verb, Drop):
        return other.word != "default"
    return isinstance(writer.verb, Constant) and not (other.word == "default" and is_false(writer.verb.value))


def _reads(rule: Rule, written: Rule) -> bool:
    """Whether a rule may read what another wrote: under `this`, `order` or `payload`, itself or what it stands in."""
    names = written.field.names
    inner = rules_of(rule.verb.scope) if isinstance(rule.verb, MapRecords) else ()
    for each in (rule, *inner):
        for expression in each.expressions:
            for path in expression.paths:
                below = path[1:]
                if path[0] in {"this", "order", "payload"} and (
                    below[: len(names)] == names or names[: len(below)] == below
                ):
                    return True
    return isinstance(rule.verb, Copy) and rule.verb.only_if_empty and rule.field.names == names


def _warning(rule: Rule, found: str, next_step: str) -> Finding:
    return Finding("warning", rule.place, rule.path, found, next_step)


# --- reads of what nothing has written ---------------------------------------------------------------------------


def _of_reads(profile: Profile) -> Iterator[Finding]:
    """Where a profile is the whole mapping, a field has nothing until a rule has written it."""
    order: list[Path] = []
    for name in SCOPES:
        scope = profile.source.get(name)
        this: list[Path] = []
        for rule in scope.rules if scope else ():
            known = {"order": order, "this": this}
            yield from (_warning(rule, *_unwritten(path)) for path in _reads_of(rule) if not _covered(path, known))
            (order if name == "order" else this).append(rule.field.names)
        if name != "order":
            order.append((name,))


def _reads_of(rule: Rule) -> Iterator[Path]:
    for expression in rule.expressions:
        yield from (path for path in expression.paths if path[0] in {"order", "this"} and len(path) > 1)


def _covered(path: Path, known: Mapping[str, Sequence[Path]]) -> bool:
    """Whether something of what is read, or what it stands in, was written."""
    names = path[1:]
    return any(names[: len(each)] == each or each[: len(names)] == names for each in known[path[0]])


def _unwritten(path: Path) -> tuple[str, str]:
    found = say("no rule above has written %(path)s: it has nothing here", path=".".join(path))
    return found, say("read it of the source, or put the rule that writes it first")


# --- paths that no sample has -----------------------------------------------------------------------------------


def _documents(profile: Profile, scope: Scope, samples: Sequence[JsonDict]) -> Mapping[str, list[Any]]:
    """Root -> the documents that a rule of this scope may find under it."""
    documents: dict[str, list[Any]] = {"source": list(samples)}
    if scope.each is not None:
        documents["item"] = _elements(scope.each, documents)
    elif not profile.whole:
        base = BASES.get(profile.extends)
        if base and scope.name in base.elements:
            documents["item"] = _flat([sample.get(base.elements[scope.name].source) for sample in samples])
        elif base and scope.name in base.objects:
            documents["item"] = [sample.get(base.objects[scope.name]) for sample in samples]
    return documents


def _elements(each: Expression, documents: Mapping[str, list[Any]]) -> list[Any]:
    found: list[Any] = []
    for root, values in documents.items():
        if each.paths and each.paths[0][0] == root:
            for value in values:
                try:
                    found.append(each({root: value}, Budget()))
                except Failed:
                    continue
    return _flat(found)


def _flat(values: Sequence[Any]) -> list[Any]:
    return [each for value in values for each in (value[:_ELEMENTS] if isinstance(value, list) else [value])]


def _of_samples(scope: Scope, documents: Mapping[str, list[Any]], tables: KnownTables) -> Iterator[Finding]:
    expressions = [(scope, scope.where)] if scope.where is not None else []
    for _, expression in expressions:
        yield from _missing_paths(expression, documents, scope.place, scope.name)
    for rule in scope.rules:
        for expression in rule.expressions:
            yield from _missing_paths(expression, documents, rule.place, rule.path)
        yield from (_warning(rule, *each) for each in odd_facts(rule, documents, tables))
        if isinstance(rule.verb, MapRecords):
            inner = rule.verb.scope
            assert inner.each is not None
            below = {**documents, "parent": documents.get("item", []), "item": _elements(inner.each, documents)}
            yield from _of_samples(inner, below, tables)


def _missing_paths(
    expression: Expression, documents: Mapping[str, list[Any]], place: Place, path: str
) -> Iterator[Finding]:
    for read in expression.paths:
        values = documents.get(read[0])
        if values and len(read) > 1 and not any(_has(value, read[1:]) for value in values):
            names = [".".join((read[0], *each)) for each in _known(values, read[1:-1])]
            hint = did_you_mean(".".join(read), names)
            found = say("none of the samples has %(path)s", path=".".join(read))
            yield Finding("warning", place, path, found, hint or say("look at a sample, or add one that has it"))


def _has(value: Any, names: Path) -> bool:
    above = walk(value, names[:-1])
    return isinstance(above, dict) and names[-1] in above


def _known(values: Sequence[Any], above: Path) -> list[Path]:
    """What stands in the samples where the name was looked for."""
    found = (walk(value, above) for value in values)
    return sorted({(*above, name) for each in found if isinstance(each, dict) for name in each})
