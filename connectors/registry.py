"""Which system is spoken to by which class: a plain dict, and entry points for connectors of third parties."""

from __future__ import annotations

import functools
import importlib.metadata
from collections.abc import Mapping
from typing import Any

from connectors.csvfiles import CsvFiles
from connectors.fxiaoke import Fxiaoke
from connectors.jsonhooks import JsonHooks, PostedOrders
from connectors.kit.base import ConnectorSettings, Throttle
from connectors.odoo import Odoo
from connectors.sandbox_erp import SandboxErp
from connectors.shopify import Shopify
from connectors.tryton import Tryton
from connectors.vendure import Vendure
from connectors.woocommerce import WooCommerce
from connectors.zoho_crm import ZohoCrm

#: A third party's package declares `[project.entry-points."crossdock.connectors"] mysystem = "package.module:Class"`.
ENTRY_POINT_GROUP = "crossdock.connectors"

#: System, as the configuration names it -> its connector. Our own go before anybody's.
CONNECTORS: dict[str, type] = {
    "api": PostedOrders,
    "csv": CsvFiles,
    "fxiaoke": Fxiaoke,
    "json": JsonHooks,
    "odoo": Odoo,
    "sandbox_erp": SandboxErp,
    "shopify": Shopify,
    "tryton": Tryton,
    "vendure": Vendure,
    "woocommerce": WooCommerce,
    "zoho_crm": ZohoCrm,
}


class UnknownSystem(LookupError):
    """No connector speaks to this system; the message lists those that there are, or says why one cannot be loaded."""


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
