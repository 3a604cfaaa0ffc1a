"""The lineage of a whole document: for each field of an order, or of an ERP's payload, where it came from.

Rules say it while they are applied (`lineage.Trace`); for what no rule wrote, the base mapping's own table says which
paths it reads (`bases`). Without a trace nothing of this runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from mappings.base import JsonDict, Resolved, SourceMapping, SourceOptions, TargetMapping, TargetOptions
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_to_json
from mappings.profiles.bases import BASES, Base
from mappings.profiles.canonical import SCOPES
from mappings.profiles.drafts import walk
from mappings.profiles.lineage import Origin, Read, Trace
from mappings.profiles.model import Profile
from mappings.profiles.required import MADE
from mappings.profiles.source import OverBase, WholeOrder
from mappings.profiles.target import ErpProgram

#: Objects of an order whose fields are told one by one.
_OBJECTS: Final = ("customer", "billing", "shipping", "totals")


def trace_order(
    base: SourceMapping | None, profile: Profile | None, payload: JsonDict, options: SourceOptions, *, system: str = ""
) -> tuple[Order, list[Origin]]:
    """The order, and the origin of each of its fields. Raises Problems.

    Without a profile, or with one over it, `base` is the mapping of `system` (by default what the profile extends).
    """
    trace = Trace()
    if profile is None:
        assert base is not None
        order = base.order(payload, options)
    else:
        order = (WholeOrder(profile) if base is None else OverBase(base, profile)).order(payload, options, trace)
    name = system or (profile.extends if profile else "")
    by = f"{name}:{base.version}" if base else f"{profile.file if profile else ''}"
    told = _Told(order_to_json(order), payload, BASES.get(name) if base else None, by)
    return order, list(_completed(told.fields(), trace))


def trace_sale(
    base: TargetMapping, profile: Profile, system: str, order: Order, known: tuple[Resolved, TargetOptions]
) -> tuple[JsonDict, list[Origin]]:
    """The payload of a sale, and the origin of each of its fields. Raises Problems."""
    trace, (resolved, options) = Trace(), known
    if profile.erp.get(system):
        payload = ErpProgram(profile, system).sale(base, order, resolved, options, trace)
    else:
        payload = base.sale(order, resolved, options)
    made = (
        Origin(field=name, value=value, by="base", where=f"{system}:{base.version}") for name, value in payload.items()
    )
    return payload, list(_completed(made, trace))


def _completed(fields: Iterator[Origin], trace: Trace) -> Iterator[Origin]:
    """Every field once: as a rule wrote it, else as it is told; then what rules wrote below fields (attributes)."""
    told: set[str] = set()
    for origin in fields:
        told.add(origin.field)
        yield trace.origins.get(origin.field, origin)
    yield from (origin for field, origin in trace.origins.items() if field not in told)


class _Told:
    """What the base mapping, or the making of what no rule wrote, says of each field."""

    def __init__(self, order: JsonDict, payload: JsonDict, base: Base | None, by: str) -> None:
        self._order, self._payload, self._base, self._by = order, payload, base, by

    def fields(self) -> Iterator[Origin]:
        """One origin for each field of the order and of its records."""
        for name, value in self._order.items():
            if name in SCOPES and SCOPES[name].many:
                for index, record in enumerate(value):
                    yield from self._of_record(name, index, record)
            elif name in _OBJECTS:
                yield from self._of_object(name, value)
            else:
                yield self._origin(name, value, self._reads("order", name, "", self._payload), "order", name)

    def _of_object(self, name: str, value: Mapping[str, Any]) -> Iterator[Origin]:
        for field, each in value.items():
            if name in SCOPES:
                above = self._base.objects.get(name, "") if self._base else ""
                reads = self._reads(name, field, above, self._payload.get(above) if above else None)
                yield self._origin(f"{name}.{field}", each, reads, name, field)
            else:
                path = f"{name}.{field}"
                yield self._origin(path, each, self._reads("order", path, "", self._payload), "order", path)

    def _of_record(self, name: str, index: int, record: Mapping[str, Any]) -> Iterator[Origin]:
        path, element = self._element(name, record)
        for field, each in record.items():
            yield self._origin(f"{name}[{index}].{field}", each, self._reads(name, field, path, element), name, field)

    def _element(self, name: str, record: Mapping[str, Any]) -> tuple[str, Any]:
        known = self._base.elements.get(name) if self._base else None
        found = self._payload.get(known.source) if known else None
        if known is None:
            # What the source has no list for is read of the order itself.
            return "", self._payload
        if not isinstance(found, list):
            return "", None
        for index, each in enumerate(found):
            if isinstance(each, dict) and str(each.get(known.key)) == record[known.field]:
                return f"{known.source}[{index}]", each
        return "", None

    def _reads(self, scope: str, field: str, above: str, within: Any) -> tuple[Read, ...]:
        paths = self._base.paths.get(scope, {}).get(field, ()) if self._base and within is not None else ()
        prefix = f"source.{above}." if above else "source."
        return tuple(Read(prefix + path, walk(within, tuple(path.split(".")))) for path in paths)

    def _origin(self, field: str, value: Any, reads: tuple[Read, ...], scope: str, name: str) -> Origin:
        made = MADE.get(scope, {}).get(name, "") if self._base is None else ""
        return Origin(field=field, value=value, by="base", where=self._by, word=made, reads=reads)
