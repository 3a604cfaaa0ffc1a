"""From a source's JSON to a canonical order, by a profile over a base mapping or by a profile alone."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

from mappings.base import JsonDict, SourceMapping, SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json
from mappings.canonical.totals import Stated, last_decimal, prove
from mappings.canonical.words import say
from mappings.profiles.bases import BASES, behind
from mappings.profiles.bounds import Failed
from mappings.profiles.canonical import CHARGES, SCOPES
from mappings.profiles.closures import is_false
from mappings.profiles.drafts import NewDraft, RecordDraft
from mappings.profiles.engine import Roots, Work, apply_rules, made_records
from mappings.profiles.lineage import Trace
from mappings.profiles.model import Profile, Scope, rules_of
from mappings.profiles.required import MADE_OF, fill_order
from mappings.profiles.views import View, read_of, read_of_itself


def profiled_source(base: SourceMapping | None, profile: Profile) -> SourceMapping:
    """The mapping that a profile makes of its base; `base` is None exactly for `extends: none`.

    Its version changes with what the profile says. Its function raises Problems as that of every mapping.
    """
    if (base is None) is not profile.whole:
        raise ValueError(f"{profile.name} extends {profile.extends}: {'no' if profile.whole else 'a'} base mapping")
    if base is not None and not profile.source:
        return base
    program = WholeOrder(profile) if base is None else OverBase(base, profile)
    version = profile.version if base is None else f"{base.version}+{profile.version}"
    return SourceMapping(version=version, order=program.order)


class OverBase:
    """A profile over a base mapping: records are changed where rules say so, all else is the base's."""

    def __init__(self, base: SourceMapping, profile: Profile) -> None:
        self._base, self._profile = base, profile
        self._known = BASES.get(profile.extends)
        scopes = profile.source
        self._records = [name for name in SCOPES if name != "order" and name in scopes]
        self._own = scopes["order"].rules if "order" in scopes else ()
        self._views = {name: View(SCOPES[name].schema, read_of_itself(scopes[name])) for name in self._records}
        of_order = read_of_itself(scopes["order"]) if "order" in scopes else ()
        self._view = View(SCOPES["order"].schema, (*of_order, *read_of("order", scopes.values())))
        self._touches_money = any(_touches_money(scope) for scope in scopes.values())

    def order(self, payload: JsonDict, options: SourceOptions, trace: Trace | None = None) -> Order:
        """The order. Raises Problems: the base's, or else those of the rules."""
        made = self._base.order(payload, options)
        work, draft = Work(options.lookup, trace), RecordDraft(made, self._view, made.currency)
        roots: Roots = {"source": payload, "order": draft.view}
        apply_rules(self._own, roots, draft, work)
        for name in self._records:
            draft.set_records(name, self._scope(name, made, roots, work))
        work.raise_problems()
        order: Order = draft.finish()
        return proven(order, options) if self._touches_money else order

    def _scope(self, name: str, order: Order, roots: Roots, work: Work) -> Any:
        kind, scope, view = SCOPES[name], self._profile.source[name], self._views[name]
        found = getattr(order, name)
        records = found if kind.many else (found,)
        items = (
            behind(self._known, name, roots["source"], records)
            if kind.many
            else [roots["source"].get(self._known.objects.get(name, "")) if self._known else None]
        )
        changed: list[Any] = []
        for record, item in zip(records, items, strict=True):
            draft = RecordDraft(record, view, order.currency)
            inner = {**roots, "item": item, "this": draft.view}
            at = f"{name}[{len(changed)}]" if kind.many else name
            if scope.where is None or _holds(scope, inner, work, at):
                apply_rules(scope.rules, inner, draft, work, at)
                changed.append(draft.finish())
        work.budget.spend(len(changed))
        return tuple(changed) if kind.many else changed[0]


def _holds(scope: Scope, roots: Roots, work: Work, at: str) -> bool:
    assert scope.where is not None
    try:
        return not is_false(scope.where(roots, work.budget))
    except Failed as error:
        told = say("%(reason)s, in the `where` at %(place)s", reason=error.args[0], place=scope.place)
        work.problems.append(Problem("mapping", at, told))
        return True


def _touches_money(scope: Scope) -> bool:
    """Whether what the totals are proven with may have changed."""
    if scope.name in CHARGES and scope.where is not None:
        return True
    return scope.name in ("order", *CHARGES) and any(
        rule.field.kind == "money" and not rule.field.path.startswith("tax_lines") for rule in rules_of(scope)
    )


def proven(order: Order, options: SourceOptions) -> Order:
    """The order with the proof of its totals. Raises MappingError where they do not tie."""
    totals = order.totals
    tolerance = options.totals_threshold * last_decimal(totals.grand.amount, order.currency)
    stated = Stated(discount=totals.discount, tax=totals.tax, grand=totals.grand)
    proven = prove(order.lines, order.shipping_lines, order.fees, stated, tolerance=tolerance, path="totals.grand")
    return dataclasses.replace(order, totals=proven)


class WholeOrder:
    """A profile that is the whole mapping (`extends: none`)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._own = profile.source["order"].rules
        self._scopes = [(name, profile.source[name]) for name in SCOPES if name != "order" and name in profile.source]

    def order(self, payload: JsonDict, options: SourceOptions, trace: Trace | None = None) -> Order:
        """The order. Raises Problems with everything that is wrong."""
        draft, work = NewDraft(), Work(options.lookup, trace)
        roots: Roots = {"source": payload, "order": draft.view}
        apply_rules(self._own, roots, draft, work)
        for name, scope in self._scopes:
            draft.view[name] = _of_scope(name, scope, roots, work)
        fill_order(draft.view)
        try:
            order = order_from_json(draft.view)
        except Problems as error:
            raise Problems([*work.problems, *_explained(error, work)]) from None
        work.raise_problems()
        _check_quantities(order)
        return proven(order, options)


def _of_scope(name: str, scope: Scope, roots: Roots, work: Work) -> Any:
    try:
        if SCOPES[name].many:
            return made_records(scope, roots, work, name) or []
        draft = NewDraft()
        item = scope.each(roots, work.budget) if scope.each is not None else None
        apply_rules(scope.rules, {**roots, "item": item, "this": draft.view}, draft, work, name)
    except Failed as error:
        told = say("%(reason)s, in %(scope)s at %(place)s", reason=error.args[0], scope=name, place=scope.place)
        work.problems.append(Problem("mapping", name, told))
        return [] if SCOPES[name].many else {}
    return draft.view


def _explained(error: Problems, work: Work) -> list[Problem]:
    """What the canonical schema misses, with the rule that found nothing; what could not be read is told already."""
    found: list[Problem] = []
    for problem in error.problems:
        rule = work.nothing.get(problem.path)
        if rule is not None:
            text = ", ".join(expression.text for expression in rule.expressions)
            reason = say(
                "%(reason)s: the rule at %(place)s found nothing in %(text)s",
                reason=problem.reason,
                place=rule.place,
                text=text,
            )
            found.append(dataclasses.replace(problem, reason=reason))
        elif problem.path not in work.failed and not _follows(problem.path, work):
            found.append(problem)
    return found


def _follows(path: str, work: Work) -> bool:
    """Whether a field is only missing because that of which it is made is: this is told already."""
    at, _, name = path.rpartition(".")
    scope = at.partition("[")[0] or "order"
    needs = (f"{at}.{each}" if at else each for each in MADE_OF.get(scope, {}).get(name, ()))
    return any(each in work.failed or each in work.nothing for each in needs)


def _check_quantities(order: Order) -> None:
    """Lines that cost something for nothing sold."""
    problems = [
        Problem(
            "mapping",
            f"lines[{index}].quantity",
            say("found a quantity of 0 for %(total)s, expected what was sold for it", total=line.total),
        )
        for index, line in enumerate(order.lines)
        if line.quantity == Decimal(0) and (line.total or line.tax)
    ]
    if problems:
        raise Problems(problems)
