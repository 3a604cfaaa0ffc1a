"""Channels, when their work runs, and the whole of it."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from pathlib import Path

from config.model.after_import import AfterImport
from config.model.alerts import AlertChannel, Watch
from config.model.connection import Connection
from config.model.crm import CrmPolicy
from config.model.policies import Policies
from config.model.routing import Routing
from config.model.secret import Secret
from config.model.stock import StockPolicy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """How often a channel looks, in seconds."""

    pull_every_s: float = 60.0
    resync_every_s: float = 6 * 3600.0
    #: A cron line in `timezone`.
    nightly: str = "30 3 * * *"
    webhook_check_every_s: float = 3600.0
    #: Time between two looks at what changed in the ERP.
    follow_every_s: float = 60.0
    stock_every_s: float = 60.0
    #: A cron line in `timezone`: when every article is read and compared, whether it moved or not.
    stock_full: str = "30 4 * * *"
    #: By how much a pull steps back, so that late commits and equal timestamps are not missed.
    overlap_s: float = 300.0


class PublishGate(enum.StrEnum):
    """What a mapping profile must show before it is published for a channel."""

    NONE = "none"
    #: None of the newest orders that can be mapped now could not be mapped by it.
    NO_NEW_FAILURES = "no_new_failures"


@dataclasses.dataclass(frozen=True, slots=True)
class ProfileFile:
    """A mapping profile as it stood in the configuration folder when the configuration was read."""

    #: As messages name it.
    file: str
    text: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One source connection bound to one ERP connection, and to a CRM where one is told of its customers."""

    name: str
    source: str
    erp: str
    #: What integrators say about the mapping; None where the systems' own mappings are all.
    profile: ProfileFile | None = None
    #: IANA zone in which the shop counts its days.
    timezone: str = "UTC"
    policies: Policies = dataclasses.field(default_factory=Policies)
    after_import: AfterImport = dataclasses.field(default_factory=AfterImport)
    stock: StockPolicy = dataclasses.field(default_factory=StockPolicy)
    routing: Routing = dataclasses.field(default_factory=Routing)
    crm: CrmPolicy = dataclasses.field(default_factory=CrmPolicy)
    schedules: Schedules = dataclasses.field(default_factory=Schedules)
    watch: Watch = dataclasses.field(default_factory=Watch)
    #: So many orders wait for a person after go-live and after a change of the configuration.
    canary: int = 5
    #: What keeps a mapping profile from being published.
    publish_gate: PublishGate = PublishGate.NONE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that the configuration folder declares."""

    folder: Path
    connections: Mapping[str, Connection]
    channels: Mapping[str, Channel]
    #: Ways in which people are told of what is out of order.
    alerts: Mapping[str, AlertChannel] = dataclasses.field(default_factory=dict)
    #: Path of a value (`connections.shop.url`) -> `file:line` where it stands; `where` reads it.
    places: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    def secrets(self) -> Iterator[Secret]:
        """Every secret that is set, for whoever takes secrets out of texts."""
        for connection in self.connections.values():
            auth = connection.auth
            own = (auth.key, auth.secret, auth.password, auth.refresh_token)
            yield from filter(None, (*own, *connection.webhook_secrets))
        for way in self.alerts.values():
            yield from filter(None, way.hidden())

    def where(self, path: str) -> str:
        """`file:line` of the value at `path`, or of the nearest section around it; the folder where there is none.

        List items are written as `connections.shop.webhook_secrets[0]`.
        """
        while path:
            if path in self.places:
                return self.places[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return str(self.folder)

    def channels_of(self, connection: str) -> tuple[Channel, ...]:
        """The channels that have this connection on either side."""
        return tuple(channel for channel in self.channels.values() if connection in {channel.source, channel.erp})

    def stock_channels(self, erp: str) -> tuple[Channel, ...]:
        """The channels that show the stock of an ERP connection."""
        return tuple(channel for channel in self.channels.values() if channel.erp == erp and channel.stock.push)

    def routed_channels(self, erp: str) -> tuple[Channel, ...]:
        """The channels that choose the warehouses of their orders in an ERP connection."""
        return tuple(channel for channel in self.channels.values() if channel.erp == erp and channel.routing.rules)

    def channels_of_source(self, connection: str) -> tuple[Channel, ...]:
        """The channels that a source connection feeds."""
        return tuple(channel for channel in self.channels.values() if channel.source == connection)

    def crm_channels(self, connection: str) -> tuple[Channel, ...]:
        """The channels whose customers are told to a CRM connection."""
        return tuple(channel for channel in self.channels.values() if channel.crm.connection == connection)
