"""From a canonical order to an ERP's payload, with what a profile adds, and with the settings that it chooses.

What the base mapping writes stays as it is (`payloads` says why). A setting that a rule chooses is chosen for every
function of the mapping that is given the order, so that what is resolved, written, compared and changed agree. A
warehouse that the channel names, or its routing has chosen for a part, stands above a rule: it is where the goods are.
"""

from __future__ import annotations

import dataclasses

from mappings.base import JsonDict, Resolved, TargetMapping, TargetOptions
from mappings.canonical.facets import OrderRefund, Standing
from mappings.canonical.records import Order, Payment
from mappings.canonical.refs import Ref
from mappings.facets import ErpFacets
from mappings.profiles.canonical import SCOPES
from mappings.profiles.drafts import NewDraft
from mappings.profiles.engine import Roots, Work, apply_rules
from mappings.profiles.erplines import LINES
from mappings.profiles.lineage import Trace
from mappings.profiles.model import Profile
from mappings.profiles.views import View, read_of


def profiled_target(base: TargetMapping, profile: Profile, system: str) -> TargetMapping:
    """The mapping to an ERP system with what the profile's section `erp.<system>` says; the base where it has none."""
    if not profile.erp.get(system):
        return base
    program = ErpProgram(profile, system)
    return TargetMapping(
        version=f"{base.version}+{profile.version}",
        sale_key=base.sale_key,
        references=lambda order, options: base.references(order, program.chosen(order, options)),
        party=lambda order, resolved, options: program.party(base, order, resolved, options),
        sale=lambda order, resolved, options: program.sale(base, order, resolved, options),
        offline=lambda order, options: base.offline_references(order, program.chosen(order, options)),
        made_party=base.made_party,
        standing=base.standing,
    )


def profiled_facets(base: ErpFacets, target: TargetMapping, profile: Profile, system: str) -> ErpFacets:
    """The same settings, and the same lines, for what hangs on orders; `target` is the profiled mapping."""
    if not profile.erp.get(system):
        return base
    program = ErpProgram(profile, system)

    def change(
        order: Order, survey: JsonDict, fields: frozenset[str], resolved: Resolved, options: TargetOptions
    ) -> JsonDict | None:
        changed = base.change(order, survey, fields, resolved, program.chosen(order, options))
        if changed is None or "lines" not in program.scopes:
            return changed
        return program.completed(changed, target.sale(order, resolved, options))

    def refund(
        order: Order, refund: OrderRefund, survey: JsonDict, resolved: Resolved, options: TargetOptions
    ) -> JsonDict:
        return base.refund(order, refund, survey, resolved, program.chosen(order, options))

    def refund_references(order: Order, refund: OrderRefund, options: TargetOptions) -> frozenset[Ref]:
        return base.refund_references(order, refund, program.chosen(order, options))

    def payment(
        order: Order, payment: Payment, survey: JsonDict, resolved: Resolved, options: TargetOptions
    ) -> JsonDict:
        return base.payment(order, payment, survey, resolved, program.chosen(order, options))

    def wanted(order: Order, resolved: Resolved, options: TargetOptions) -> Standing:
        return base.wanted(order, resolved, program.chosen(order, options))

    return dataclasses.replace(
        base, change=change, refund=refund, refund_references=refund_references, payment=payment, wanted=wanted
    )


class ErpProgram:
    """The rules of a profile for one ERP system."""

    def __init__(self, profile: Profile, system: str) -> None:
        self.scopes = profile.erp[system]
        self._order = View(SCOPES["order"].schema, read_of("order", self.scopes.values()))
        self._line = View(SCOPES["lines"].schema, read_of("item", self.scopes.values()))
        self._lines, self._with_lines, self._behind = LINES[system]

    def chosen(self, order: Order, options: TargetOptions, trace: Trace | None = None) -> TargetOptions:
        """The options with the settings that rules choose for this order. Raises Problems."""
        if "settings" not in self.scopes:
            return options
        work = Work(options.lookup, trace)
        settings = self._ruled("settings", {}, self._roots(order), work)
        work.raise_problems()
        if options.settings.get("warehouse"):
            settings.pop("warehouse", None)
        return dataclasses.replace(options, settings={**options.settings, **settings})

    def sale(
        self, base: TargetMapping, order: Order, resolved: Resolved, options: TargetOptions, trace: Trace | None = None
    ) -> JsonDict:
        """The payload of the sale with what the rules add. Raises Problems."""
        options = self.chosen(order, options, trace)
        payload, work = base.sale(order, resolved, options), Work(options.lookup, trace)
        roots = self._roots(order)
        if "lines" in self.scopes:
            lines = self._lines(payload)
            behind = self._behind(lines, order, resolved, options)
            added = [
                self._ruled(
                    "lines", line, {**roots, "item": item and self._line(item, order.currency)}, work, f"lines[{index}]"
                )
                for index, (line, item) in enumerate(zip(lines, behind, strict=True))
            ]
            payload = self._with_lines(payload, added)
        if "order" in self.scopes:
            payload = self._ruled("order", payload, roots, work)
        work.raise_problems()
        return payload

    def party(self, base: TargetMapping, order: Order, resolved: Resolved, options: TargetOptions) -> JsonDict | None:
        """The payload of a party that is made; what is added to one that is there stays the base's. Raises Problems."""
        payload = base.party(order, resolved, self.chosen(order, options))
        if payload is None or "id" in payload or "party" not in self.scopes:
            return payload
        work = Work(options.lookup)
        payload = self._ruled("party", payload, self._roots(order), work)
        work.raise_problems()
        return payload

    def completed(self, change: JsonDict, sale: JsonDict) -> JsonDict:
        """A change whose new lines have what the lines of the whole sale have."""
        if not change.get("lines"):
            return change
        whole = self._lines(sale)
        return self._with_lines(change, [_like(line, whole) for line in self._lines(change)])

    def _roots(self, order: Order) -> Roots:
        return {"order": self._order(order, order.currency)}

    def _ruled(self, name: str, payload: JsonDict, roots: Roots, work: Work, at: str = "") -> JsonDict:
        draft = NewDraft(dict(payload))
        apply_rules(self.scopes[name].rules, {**roots, "payload": draft.view}, draft, work, at)
        return draft.view


def _like(line: JsonDict, whole: list[JsonDict]) -> JsonDict:
    """The line of the whole sale that says the same, with what rules added to it."""
    return next((each for each in whole if all(each.get(name) == value for name, value in line.items())), line)
