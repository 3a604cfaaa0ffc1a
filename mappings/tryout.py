"""Trying a mapping on a document at hand: the order, or the target's payload, or all that is wrong; no system asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, TypeVar

from mappings.base import JsonDict, SourceMapping, SourceOptions, TargetMapping, TargetOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.jsontext import read_json
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_to_json
from mappings.canonical.words import say
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
        if self.payload is not None:
            return {**where, "payload": self.payload}
        assert self.order is not None
        return {**where, "order": order_to_json(self.order)}


def try_document(
    system: str,
    data: bytes | str,
    *,
    to: str | None = None,
    source_options: SourceOptions = _SOURCE_OPTIONS,
    target_options: TargetOptions = _TARGET_OPTIONS,
) -> list[TryResult]:
    """Map one order, or each of a list of orders, from `system`, and on to the system `to` where one is given.

    References of the target are stand-ins that say what they stand for. Whatever `data` holds: what is wrong with it
    is in the results. Raises NoSuchMapping for a system without mapping.
    """
    source = _known(SOURCES, system)
    target = None if to is None else _known(TARGETS, to)
    try:
        elements = _elements(read_json(data))
    except MappingError as exc:
        return [TryResult(element="", problems=exc.problems)]
    results: list[TryResult] = []
    for element, payload in elements:
        try:
            order = _order(source, payload, source_options)
            sale = None if target is None else _sale(target, order, target_options)
        except Problems as exc:
            results.append(TryResult(element=element, problems=exc.problems))
        else:
            results.append(TryResult(element=element, order=order, payload=sale))
    return results


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


def _order(source: SourceMapping, payload: object, options: SourceOptions) -> Order:
    if not isinstance(payload, dict):
        raise MappingError("", say("found something that is no object, expected an order"))
    return source.order(payload, options)


def _sale(target: TargetMapping, order: Order, options: TargetOptions) -> JsonDict:
    return target.sale(order, target.offline_references(order, options), options)
