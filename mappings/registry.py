"""Which system is mapped by which functions: a plain dict of ours, and entry points for mappings of third parties.

A third party's package declares `[project.entry-points."crossdock.mappings"] mysystem = "package.mapping"`: a module
with `MAPPING` and, where anything is written back, `FACETS`, as each of ours has them.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType
from typing import Final, TypeVar

from mappings.base import JsonDict, Resolved, SourceMapping, SourceOptions, TargetMapping, TargetOptions
from mappings.crm import CrmFacets
from mappings.facets import ErpFacets, ShopFacets

__all__ = [
    "CRM_FACETS",
    "ERP_FACETS",
    "SHOP_FACETS",
    "SOURCES",
    "TARGETS",
    "JsonDict",
    "MappingUnusable",
    "Resolved",
    "SourceMapping",
    "SourceOptions",
    "TargetMapping",
    "TargetOptions",
]

ENTRY_POINT_GROUP: Final = "crossdock.mappings"

T = TypeVar("T")


class MappingUnusable(LookupError):
    """A third party's mapping cannot be loaded; the message says whose, and why."""


@functools.cache
def _entry_points() -> Mapping[str, importlib.metadata.EntryPoint]:
    return {each.name: each for each in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


@functools.cache
def _module(system: str) -> ModuleType:
    entry_point = _entry_points()[system]
    try:
        loaded: ModuleType = entry_point.load()
    except Exception as error:  # whatever somebody else's module does when it is imported
        whose = entry_point.dist.name if entry_point.dist else "a package"
        msg = f"the mapping of {system!r} in {whose} ({entry_point.value}) cannot be loaded: {error!r}"
        raise MappingUnusable(msg) from error
    return loaded


class _Registered(Mapping[str, T]):
    """System -> what our package, or else a third party's, says of it; imported when it is first asked for."""

    def __init__(self, kind: type[T], attribute: str, own: Collection[str]) -> None:
        self._kind, self._attribute, self._own = kind, attribute, own

    def __getitem__(self, system: str) -> T:
        """Raises KeyError, MappingUnusable."""
        ours = system in self._own  # by convention the module's name is the system's
        module = importlib.import_module(f"mappings.{system}") if ours else _module(system)
        found = getattr(module, self._attribute, None)
        if not isinstance(found, self._kind):
            raise KeyError(system)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (system for system in _entry_points() if system not in self._own and system in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


_OUR_SOURCES: Final = ("fxiaoke", "shopify", "vendure", "woocommerce", "zoho_crm")
_OUR_TARGETS: Final = ("odoo", "sandbox_erp", "tryton")

SOURCES: Final[Mapping[str, SourceMapping]] = _Registered(SourceMapping, "MAPPING", _OUR_SOURCES)

TARGETS: Final[Mapping[str, TargetMapping]] = _Registered(TargetMapping, "MAPPING", _OUR_TARGETS)

#: What hangs on orders, for the systems whose mappings know it.
SHOP_FACETS: Final[Mapping[str, ShopFacets]] = _Registered(ShopFacets, "FACETS", _OUR_SOURCES)

#: What a CRM is told of its accounts.
CRM_FACETS: Final[Mapping[str, CrmFacets]] = _Registered(CrmFacets, "ACCOUNTS", ("fxiaoke", "zoho_crm"))

ERP_FACETS: Final[Mapping[str, ErpFacets]] = _Registered(ErpFacets, "FACETS", _OUR_TARGETS)


def import_ours() -> None:
    """Import all of ours, before a process forks that would otherwise have each child do it."""
    for system in (*_OUR_SOURCES, *_OUR_TARGETS):
        importlib.import_module(f"mappings.{system}")
