"""Connections whose configuration their system does not take: each is told, and the others work."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from connectors.kit.errors import ConnectorError
from sync.desk.phrases import say
from sync.rules.systems import Systems
from sync.store.engine import Store
from sync.store.issues import Cause, Stop, close_connection_issues, connection_issues, open_issues

_CAUSE = "misconfigured"


def find_misconfigured(systems: Systems) -> dict[str, ConnectorError]:
    """Connection -> why its system does not take its configuration. Nobody is asked."""
    found = {}
    for name in sorted(systems.config.connections):
        try:
            systems.connector(name)
        except ConnectorError as error:
            found[name] = error
    return found


def note_misconfigured(store: Store, found: Mapping[str, ConnectorError]) -> None:
    """Open the issue of each that was found, and close those of all others. Raises DatabaseBusy."""

    def work(connection: Connection) -> None:
        known = {each.connection for each in connection_issues(connection) if each.cause == _CAUSE}
        for name in sorted(known - found.keys()):
            close_connection_issues(connection, name, _CAUSE)
        open_issues(connection, [Stop(None, _cause(name, error)) for name, error in found.items()])

    if found or any(each.cause == _CAUSE for each in store.read(connection_issues)):
        store.write(work)


def _cause(name: str, error: ConnectorError) -> Cause:
    title = say("%(connection)s is set up wrongly: %(error)s", connection=name, error=error)
    return Cause(cause=_CAUSE, connection=name, title=title, owner="integrator")
