"""Which system is spoken to by which class: a plain dict, and entry points for connectors of third parties."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from collections.abc import Iterator, Mapping
from typing import Any, Final

from connectors.kit.base import ConnectorSettings, Throttle

#: A third party's package declares `[project.entry-points."crossdock.connectors"] mysystem = "package.module:Class"`.
ENTRY_POINT_GROUP = "crossdock.connectors"


class _Ours(Mapping[str, type]):
    """System -> class, imported when it is first asked for: a command needs two of them, and all are half a second."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._loaded: dict[str, type] = {}

    def __getitem__(self, system: str) -> type:
        if system not in self._loaded:
            module, _, name = self._places[system].partition(":")
            self._loaded[system] = getattr(importlib.import_module(module), name)
        return self._loaded[system]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


#: System, as the configuration names it -> its connector. Our own go before anybody's.
CONNECTORS: Final[Mapping[str, type]] = _Ours(
    {
        "api": "connectors.jsonhooks:PostedOrders",
        "csv": "connectors.csvfiles:CsvFiles",
        "fxiaoke": "connectors.fxiaoke:Fxiaoke",
        "json": "connectors.jsonhooks:JsonHooks",
        "odoo": "connectors.odoo:Odoo",
        "sandbox_erp": "connectors.sandbox_erp:SandboxErp",
        "shopify": "connectors.shopify:Shopify",
        "tryton": "connectors.tryton:Tryton",
        "vendure": "connectors.vendure:Vendure",
        "woocommerce": "connectors.woocommerce:WooCommerce",
        "zoho_crm": "connectors.zoho_crm:ZohoCrm",
    }
)


class UnknownSystem(LookupError):
    """No connector speaks to this system; the message lists those that there are, or says why one cannot be loaded."""


def import_ours() -> None:
    """Import all of ours, before a process forks that would otherwise have each child do it."""
    for system in CONNECTORS:
        connector_class(system)


def known_systems() -> frozenset[str]:
    """Every system that a connector speaks to, those of third parties too."""
    return frozenset({*CONNECTORS, *_entry_points()})


def connector_class(system: str) -> type:
    """The class for a system. Raises UnknownSystem."""
    if (known := CONNECTORS.get(system)) is not None:
        return known
    return _third_partys(system)


@functools.cache
def _entry_points() -> Mapping[str, importlib.metadata.EntryPoint]:
    return {each.name: each for each in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)}


@functools.cache
def _third_partys(system: str) -> type:
    entry_point = _entry_points().get(system)
    if entry_point is None:
        msg = f"there is no connector for the system {system!r}; there are: {', '.join(sorted(known_systems()))}"
        raise UnknownSystem(msg)
    try:
        loaded: type = entry_point.load()
    except Exception as error:  # whatever somebody else's module does when it is imported
        whose = entry_point.dist.name if entry_point.dist else "a package"
        msg = f"the connector for {system!r} in {whose} ({entry_point.value}) cannot be loaded: {error!r}"
        raise UnknownSystem(msg) from error
    return loaded


def class_of(system: str) -> type:
    """The class for a system, to ask what it can do; one that can do nothing where no connector speaks to it."""
    try:
        return connector_class(system)
    except UnknownSystem:
        return object


def make_connector(
    system: str, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False
) -> Any:
    """A connector for one configured account; close it when it is no longer needed.

    Raises UnknownSystem, and ConnectionBroken when the settings cannot be used.
    """
    return connector_class(system)(settings, throttle=throttle, dry_run=dry_run)


def has(connector: object, capability: type) -> bool:
    """Whether a connector (or its class) declares a capability of `connectors.kit.base`.

    By its class header: a method of the same name by chance is no declaration.
    """
    return capability in (connector if isinstance(connector, type) else type(connector)).__mro__
