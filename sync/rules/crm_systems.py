"""A channel's CRM as it is told of customers: a connector that keeps accounts, and a mapping that writes of them."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import cast

from config.model import Channel, Config
from connectors.kit.crm import KeepsAccounts, TellsAccounts
from connectors.kit.facets import FollowsSales
from connectors.registry import class_of, has
from mappings.crm import CrmFacets
from mappings.registry import CRM_FACETS, ERP_FACETS
from sync.rules import systems as sides
from sync.rules.links import FileLinks
from sync.rules.systems import SystemMissing, Systems


@dataclasses.dataclass(frozen=True, slots=True)
class CrmSystems:
    """A channel with its CRM, ready to tell."""

    config: Config
    channel: Channel
    crm: KeepsAccounts
    facets: CrmFacets
    #: How long after the start of a write it can no longer land, in seconds.
    settle_s: float
    #: Makes links to the files of invoices; None where nothing is to be linked.
    links: FileLinks | None = None

    @property
    def connection(self) -> str:
        """The CRM's."""
        return self.channel.crm.connection

    @property
    def lease_s(self) -> float:
        """Long enough for a call at its deadline with a heartbeat missed on either side."""
        return lease_s(self.crm)

    @property
    def histories(self) -> dict[str, dt.date]:
        """Channel that shares the CRM -> the day from which on its orders have entries; absent where they have none.

        Empty where the connection names nothing that takes them. The CRM's own orders stand there anyway.
        """
        if not has(self.crm, TellsAccounts) or not cast("TellsAccounts", self.crm).takes_entries():
            return {}
        return {
            channel.name: channel.crm.history_from
            for channel in self.config.crm_channels(self.connection)
            if channel.crm.history_from is not None and channel.source != self.connection
        }

    @property
    def tells_open(self) -> bool:
        """Whether an ERP of the channels that share the CRM says what is open of its invoices."""
        systems = [self.config.connections[channel.erp].system for channel in self.config.crm_channels(self.connection)]
        return any(system in ERP_FACETS and has(class_of(system), FollowsSales) for system in systems)


def lease_s(crm: KeepsAccounts) -> float:
    """How long a lease on a CRM lasts, in seconds."""
    return sides.LEASE_BASE_S + 3.0 * crm.write_deadline_s


def crm_systems(systems: Systems, name: str) -> CrmSystems:
    """A channel's CRM. Raises SystemMissing where it has none, or one that cannot be told."""
    config = systems.config
    channel = config.channels[name]
    if not channel.crm.connection:
        raise SystemMissing(f"channel {name} has no CRM")
    connection = config.connections[channel.crm.connection]
    crm, facets = systems.connector(connection.name), CRM_FACETS.get(connection.system)
    if not has(crm, KeepsAccounts) or facets is None:
        raise SystemMissing(f"{connection.name} cannot be told of customers: leave `crm` of channel {name} out")
    keeper = cast("KeepsAccounts", crm)
    settle_s = max(connection.settle_s, keeper.write_deadline_s + sides.SETTLE_BEYOND_S)
    return CrmSystems(config, channel, keeper, facets, settle_s, systems.links)
