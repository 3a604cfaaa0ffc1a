"""Trying a mapping on a document at hand: the order, or the target's payload, or all that is wrong; no system asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from mappings.base import JsonDict, SourceMapping, SourceOptions, TargetMapping, TargetOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.jsontext import read_json
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_to_json
from mappings.canonical.words import say
from mappings.profiles import Profile, profiled_source, profiled_target
from mappings.profiles.lineage import Origin
from mappings.profiles.tracing import trace_order, trace_sale
from mappings.registry import SOURCES, TARGETS

M = TypeVar("M")

_SOURCE_OPTIONS: Final = SourceOptions()
_TARGET_OPTIONS: Final = TargetOptions(channel="try")


class NoSuchMapping(LookupError):
    """The system has no mapping in this direction; the message names those that have one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TryResult:
    """What became of one document: an order (and a payload where one was asked for), or problems."""

    #: Where the document stands in its file: empty, or `[2]` in a list.
    element: str
    order: Order | None = None
    payload: JsonDict | None = None
    problems: tuple[Problem, ...] = ()
    #: Where each field came from, where that was asked for: of the payload, else of the order.
    origins: tuple[Origin, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it could be mapped."""
        return not self.problems

    def to_json(self, file: str) -> JsonDict:
        """One line of `mapping try --json`; `error` is the first of `problems`, `element` only there for a list."""
        where: JsonDict = {"file": file, "element": self.element, "ok": self.ok}
        if not self.element:
            del where["element"]
        if self.problems:
            problems = [
                {"cause": problem.cause, "path": problem.path, "reason": problem.reason} for problem in self.problems
            ]
            return {**where, "error": {key: problems[0][key] for key in ("path", "reason")}, "problems": problems}
        if self.origins:
            where["origins"] = [dataclasses.asdict(origin) for origin in self.origins]
        if self.payload is not None:
            return {**where, "payload": self.payload}
        assert self.order is not None
        return {**where, "order": order_to_json(self.order)}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried: the mapping of a source, and on to a target where one is named."""

    system: str
    to: str | None = None
    #: Rules over the mappings; `system` is `none` for a profile that is a whole mapping.
    profile: Profile | None = None
    #: Say where each field came from.
    trace: bool = False
    source_options: SourceOptions = _SOURCE_OPTIONS
    target_options: TargetOptions = _TARGET_OPTIONS

    def source(self) -> SourceMapping | None:
        """The base mapping; None for a profile that needs none. Raises NoSuchMapping."""
        if self.profile is not None and self.profile.extends != self.system:
            raise NoSuchMapping(f"the profile extends {self.profile.extends}, not {self.system}")
        return None if self.profile is not None and self.profile.whole else _known(SOURCES, self.system)


def try_document(system: str, data: bytes | str, *, to: str | None = None) -> list[TryResult]:
    """Map one order, or each of a list of orders, from `system`, and on to the system `to` where one is given."""
    return try_mapping(Trial(system=system, to=to), data)


def try_mapping(trial: Trial, data: bytes | str) -> list[TryResult]:
    """Map one order, or each of a list of orders.

    References of the target are stand-ins that say what they stand for. Whatever `data` holds: what is wrong with it
    is in the results. Raises NoSuchMapping for a system without mapping.
    """
    source = trial.source()
    target = None if trial.to is None else _known(TARGETS, trial.to)
    try:
        elements = _elements(read_json(data))
    except MappingError as exc:
        return [TryResult(element="", problems=exc.problems)]
    results: list[TryResult] = []
    for element, payload in elements:
        try:
            results.append(_tried(trial, source, target, element, payload))
        except Problems as exc:
            results.append(TryResult(element=element, problems=exc.problems))
    return results


def _tried(
    trial: Trial, source: SourceMapping | None, target: TargetMapping | None, element: str, payload: object
) -> TryResult:
    """Raises Problems."""
    if not isinstance(payload, dict):
        raise MappingError("", say("found something that is no object, expected an order"))
    order, origins = _order(trial, source, payload)
    if target is None:
        return TryResult(element=element, order=order, origins=tuple(origins))
    sale, origins = _sale(trial, target, order)
    return TryResult(element=element, order=order, payload=sale, origins=tuple(origins))


def _known(mappings: Mapping[str, M], system: str) -> M:
    try:
        return mappings[system]
    except KeyError:
        raise NoSuchMapping(f"no mapping for {system!r}; there are {', '.join(sorted(mappings))}") from None


def _elements(document: object) -> list[tuple[str, object]]:
    if not isinstance(document, list):
        return [("", document)]
    if not document:
        raise MappingError("", say("an empty list, expected at least one order"))
    return [(f"[{index}]", element) for index, element in enumerate(document)]


def _order(trial: Trial, source: SourceMapping | None, payload: JsonDict) -> tuple[Order, Sequence[Origin]]:
    if trial.trace:
        return trace_order(source, trial.profile, payload, trial.source_options, system=trial.system)
    mapping = source if trial.profile is None else profiled_source(source, trial.profile)
    assert mapping is not None
    return mapping.order(payload, trial.source_options), ()


def _sale(trial: Trial, target: TargetMapping, order: Order) -> tuple[JsonDict, Sequence[Origin]]:
    profile, system, options = trial.profile, trial.to or "", trial.target_options
    mapping = target if profile is None else profiled_target(target, profile, system)
    resolved = mapping.offline_references(order, options)
    if trial.trace and profile is not None:
        return trace_sale(target, profile, system, order, (resolved, options))
    return mapping.sale(order, resolved, options), ()
