"""Where people see a document in the pages of its own system."""

from __future__ import annotations

from connectors.kit.base import LinksDocuments
from connectors.kit.errors import ConnectorError
from connectors.registry import UnknownSystem, has
from sync.rules.systems import Systems


def page_of(systems: Systems, connection: str, kind: str, external_id: str | None) -> str:
    """The http(s) address of a document (`LinksDocuments`); empty where it has none, or the system cannot be set up."""
    if not external_id or connection not in systems.config.connections:
        return ""
    try:
        connector = systems.connector(connection)
    except (ConnectorError, UnknownSystem):
        return ""
    address: str = connector.link(kind, external_id) if has(connector, LinksDocuments) else ""
    return address
