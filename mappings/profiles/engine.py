"""Applying rules: one after the other, each to what the ones before it left; what is wrong is told all at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

from marshmallow import ValidationError

from mappings.base import Lookup
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.fields import Nested, shown
from mappings.canonical.words import say
from mappings.profiles.bounds import PARTED, Budget, Failed, TooMuch, sized
from mappings.profiles.closures import Run as Evaluate
from mappings.profiles.closures import is_false
from mappings.profiles.drafts import Draft, NewDraft, fill_null, walk
from mappings.profiles.fields import reasons
from mappings.profiles.functions import as_text
from mappings.profiles.lineage import LookedUp, Origin, Read, Trace
from mappings.profiles.model import Concatenate, Constant, Copy, Drop, Rule, Run, Scope
from mappings.profiles.steps import Action

Roots = dict[str, Any]
#: What gives a value to a rule: of the roots, the draft, the work, and the record's place.
Finder = Callable[[Roots, Draft, "Work", str], Any]


class Work:
    """One document while a profile is applied to it."""

    __slots__ = ("_rows", "budget", "failed", "lookup", "nothing", "problems", "trace")

    def __init__(self, lookup: Lookup, trace: Trace | None = None) -> None:
        self.budget = Budget()
        self.lookup = lookup
        self.problems: list[Problem] = []
        self.trace = trace
        #: Field -> the rule that found nothing for it.
        self.nothing: dict[str, Rule] = {}
        #: Fields that a rule could not write.
        self.failed: set[str] = set()
        self._rows: list[LookedUp] = []

    def looked_up(self, table: str, value: str, found: str, facts: Mapping[str, str]) -> None:
        """Remember a row for the rule that is at work."""
        if self.trace is not None:
            self._rows.append(LookedUp(table, value, found, dict(facts)))

    def rows(self) -> tuple[LookedUp, ...]:
        """What was looked up since the last time that this was asked."""
        rows = tuple(self._rows)
        self._rows.clear()
        return rows

    def raise_problems(self) -> None:
        """Raise Problems if there are any."""
        if self.problems:
            raise Problems(self.problems)


def apply_rules(rules: Sequence[Rule], roots: Roots, draft: Draft, work: Work, at: str = "") -> None:
    """Write what the rules say; `at` is the record's place in the document, e.g. `lines[2]`.

    What is wrong is noted in `work` with its field, and the other rules go on; only the end of the budget stops all.
    """
    # One `try` for all of them: what follows a rule that failed goes on where the iterator stands.
    left = iter(rules)
    while True:
        try:
            if work.trace is None:
                for rule in left:
                    rule.run(roots, draft, work, at)
            else:
                for rule in left:
                    _apply(rule, roots, draft, work, at)
            return  # noqa: TRY300 - an `else` would stand below five handlers
        except Unmapped as missing:
            work.failed.add(_join(at, rule.field.path))
            work.problems.extend(dataclasses.replace(each, path=_path(rule, at)) for each in missing.problems)
        except TooMuch as error:
            _fail(rule, at, error.args[0], work)
            raise Problems(work.problems) from None
        except Failed as error:
            _fail(rule, at, error.args[0], work)
        except ValidationError as error:
            _fail(rule, at, reasons(error), work)


def compiled(rule: Rule) -> Run:
    """The rule as one function, in which nothing is decided any more that its text has decided.

    An order applies dozens of them. It does what `_apply` does, which says beside it where the value came from.
    """
    find, field, verb = _finder(rule), rule.field, rule.verb
    dropped = isinstance(verb, Drop)
    when = None if rule.when is None else rule.when.evaluate
    # What is dropped is dropped, whatever steps there are.
    acts = () if dropped else tuple(step.act for step in rule.steps)
    if when is None and isinstance(verb, Copy) and not verb.only_if_empty:
        return _copying(rule, verb.value.evaluate, acts)

    def run(roots: Roots, draft: Draft, work: Work, at: str) -> None:
        if when is not None and is_false(when(roots, work.budget)):
            return
        value = find(roots, draft, work, at)
        if value is not None:
            for act in acts:
                value = act(value, work, roots)
        if value is None and not dropped:
            # Nothing found, nothing written: what stood there before stays.
            work.nothing.setdefault(_join(at, field.path), rule)
        else:
            draft.put(field, value)

    return run


def _copying(rule: Rule, evaluate: Evaluate, acts: Sequence[Action]) -> Run:
    """Of a rule that carries a value and has no condition: most rules are, and this costs one call less for each."""
    field = rule.field
    # Most values are texts that may stand in their field as they are: they need no more looking at.
    first, longest = field.first, -1 if field.below else field.plain_text

    def run(roots: Roots, draft: Draft, work: Work, at: str) -> None:
        value = evaluate(roots, work.budget)
        if value is not None:
            for act in acts:
                value = act(value, work, roots)
        if value is None:
            work.nothing.setdefault(_join(at, field.path), rule)
        elif type(value) is str and len(value) <= longest and value.isascii() and "\x00" not in value:
            draft.own[first] = draft.view[first] = value
        else:
            draft.put(field, value)

    return run


def _apply(rule: Rule, roots: Roots, draft: Draft, work: Work, at: str) -> None:
    work.rows()
    if rule.when is not None and is_false(rule.when.evaluate(roots, work.budget)):
        return
    value = _finder(rule)(roots, draft, work, at)
    if not isinstance(rule.verb, Drop):
        if value is not None:
            for step in rule.steps:
                value = step.act(value, work, roots)
        if value is None:
            work.nothing.setdefault(_join(at, rule.field.path), rule)
            return
    # What was read, before it is written over.
    reads = _reads(rule, roots)
    written = draft.put(rule.field, value)
    if work.trace is not None:
        _note(rule, reads, written, work, at)


def _finder(rule: Rule) -> Finder:
    """What gives the value of a rule's verb, before its steps."""
    verb, field = rule.verb, rule.field
    if isinstance(verb, Copy):
        evaluate = verb.value.evaluate
        if not verb.only_if_empty:
            return lambda roots, _draft, work, _at: evaluate(roots, work.budget)
        return lambda roots, draft, work, _at: evaluate(roots, work.budget) if is_false(draft.current(field)) else None
    if isinstance(verb, Constant):
        constant = verb.value
        return lambda _roots, _draft, _work, _at: constant
    if isinstance(verb, Concatenate):
        return lambda roots, _draft, work, _at: _concatenated(verb, roots, work)
    if isinstance(verb, Drop):
        empty = field.empty
        return lambda _roots, _draft, _work, _at: empty
    checked_by = field.checked_by
    assert isinstance(checked_by, Nested)
    inner, scope = checked_by.schema, verb.scope

    def records(roots: Roots, _: Draft, work: Work, at: str) -> Any:
        made = made_records(scope, roots, work, _join(at, field.path))
        for record in made or ():
            fill_null(inner, record)
        return made

    return records


def _concatenated(verb: Concatenate, roots: Roots, work: Work) -> str | None:
    texts: list[str] = []
    for part in verb.parts:
        value = part(roots, work.budget)
        if isinstance(value, PARTED):
            raise Failed(say("found %(value)s in %(part)s, expected text", value=shown(value), part=part.text))
        if value is not None and (text := as_text(value)):
            texts.append(text)
    return sized(verb.between.join(texts), work.budget) if texts else None


def made_records(scope: Scope, roots: Roots, work: Work, at: str) -> list[dict[str, Any]] | None:
    """One JSON record for each element of the scope's list; None where there is no list."""
    made: list[dict[str, Any]] = []
    elements = elements_of(scope, roots, work)
    if elements is None:
        return None
    for index, element in elements:
        draft = NewDraft()
        inner = {**roots, "item": element, "this": draft.view, "parent": roots.get("item")}
        apply_rules(scope.rules, inner, draft, work, f"{at}[{len(made)}]")
        made.append(draft.view)
        work.budget.spend(1 + index // 1000)
    return made


def elements_of(scope: Scope, roots: Roots, work: Work) -> list[tuple[int, Any]] | None:
    """The elements that become records, with their places in the source's list. Raises Failed for what is no list."""
    assert scope.each is not None
    found = scope.each(roots, work.budget)
    if found is None:
        return None
    if not isinstance(found, list):
        raise Failed(say("found %(value)s in %(each)s, expected a list", value=shown(found), each=scope.each.text))
    work.budget.spend(1 + len(found))
    return [
        (index, element)
        for index, element in enumerate(found)
        if scope.where is None or not is_false(scope.where({**roots, "item": element}, work.budget))
    ]


def _join(at: str, path: str) -> str:
    return f"{at}.{path}" if at else path


def _path(rule: Rule, at: str) -> str:
    """Where a person looks first: at the source's field where the rule reads just one, else at ours."""
    verb = rule.verb
    if isinstance(verb, Copy) and verb.value.paths and verb.value.paths[0][0] == "source":
        return ".".join(verb.value.paths[0][1:])
    return _join(at, rule.field.path)


def _fail(rule: Rule, at: str, reason: str, work: Work) -> None:
    told = say(
        "%(reason)s, for %(field)s by the rule at %(place)s",
        reason=reason,
        field=_join(at, rule.field.path),
        place=rule.place,
    )
    work.failed.add(_join(at, rule.field.path))
    work.problems.append(Problem("mapping", _path(rule, at), told))


def _reads(rule: Rule, roots: Mapping[str, Any]) -> tuple[Read, ...]:
    paths = dict.fromkeys(path for expression in rule.expressions for path in expression.paths)
    # An object of a draft is written to while the rules go on: what was read is what it was.
    return tuple(Read(".".join(path), copy(walk(roots, path))) for path in paths)


def _note(rule: Rule, reads: tuple[Read, ...], written: Any, work: Work, at: str) -> None:
    assert work.trace is not None
    work.trace.note(
        Origin(
            field=_join(at, rule.field.path),
            value=written,
            by="rule",
            where=str(rule.place),
            word=rule.word,
            reads=reads,
            lookups=work.rows(),
        )
    )
