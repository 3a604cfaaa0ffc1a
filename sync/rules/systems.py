"""From the configuration to working connectors: the one place where a channel's two sides are put together."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NoReturn, TypeVar, cast

from config.loader import load_config
from config.model import Channel, Config, Connection, MatchPolicy, Mode, ProfileFile
from config.settings import Settings
from connectors.kit.base import (
    ConnectorSettings,
    FetchesOrders,
    ListsOrders,
    PullsOrders,
    Rank,
    SalesTarget,
    SendsOrders,
    Throttle,
)
from connectors.kit.crm import CreatesAccounts, KeepsAccounts, TellsAccounts
from connectors.kit.facets import BooksFees, DraftsPayments, MakesRefunds, MarksOrders
from connectors.kit.stock import StockSource
from connectors.kit.tokens import Shelf
from connectors.registry import class_of, has, known_systems, make_connector
from mappings.base import JsonDict, SourceMapping, SourceOptions, TargetMapping, TargetOptions
from mappings.canonical.errors import MappingError
from mappings.canonical.records import OrderState
from mappings.canonical.words import say
from mappings.facets import ErpFacets, ShopFacets
from mappings.profiles import Profile, profiled_facets, profiled_shop, profiled_source, profiled_target
from mappings.registry import CRM_FACETS, ERP_FACETS, SHOP_FACETS, SOURCES, TARGETS, MappingUnusable
from sync.rules.links import FileLinks
from sync.rules.lookups import Finds
from sync.rules.profiles import check_profile, profile_of, under
from sync.rules.state_words import state_words
from sync.store.revisions import Revision

_RANKS = {"draft": Rank.DRAFT, "quoted": Rank.QUOTED, "confirmed": Rank.CONFIRMED}
#: A threshold that nothing exceeds: the totals rule is not `hold`.
_NO_LIMIT = 10**12
#: What a lease lasts beyond three calls: room for a database that is busy when the heart beats.
LEASE_BASE_S = 5.0
#: What the longest call is exceeded by before an effect of it can no longer come, where nobody states a bound.
SETTLE_BEYOND_S = 60.0


class OrderSource(PullsOrders, FetchesOrders, ListsOrders):
    """What the order flow needs of a source."""


_Mapped = TypeVar("_Mapped")


class SystemMissing(Exception):
    """The configuration names a system that has no connector or no mapping."""


@dataclasses.dataclass(frozen=True, slots=True)
class Side:
    """One of a channel's two connections, as a place that is written to."""

    connection: str
    #: The longest that one write may take, in seconds.
    deadline_s: float
    #: How long after the start of a write a look-up that finds nothing is conclusive.
    settle_s: float


class Settling:
    """The settle time of a connection to an ERP, found out when somebody wants to write."""

    def __init__(self, connection: Connection, target: SalesTarget) -> None:
        self._connection, self._target = connection, target

    @functools.cached_property
    def seconds(self) -> float:
        """See `settle_s`."""
        return settle_s(self._connection, self._target)


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelSystems:
    """A channel with both of its sides, ready to be used."""

    channel: Channel
    source: OrderSource
    target: SalesTarget
    source_mapping: SourceMapping
    target_mapping: TargetMapping
    source_options: SourceOptions
    target_options: TargetOptions
    #: All channels: those of one ERP share its stock.
    config: Config
    #: Finds out, once it is wanted, what `settle_s` says; shared by what is made of this.
    settling: Settling
    #: The shop, where it can be written to.
    shop_side: Side | None = None
    #: What the mappings know of the facets; None for a system without.
    shop_facets: ShopFacets | None = None
    #: What the channel's profile changes of them; None where the systems' own mappings are all.
    profile: Profile | None = None
    #: The number of the published revision that is; 0 where a file of the configuration is, or nothing.
    revision: int = 0
    #: The shop's system, by which the profile names it.
    shop_system: str = ""
    #: Makes links to files; None where nothing is to be linked (a doctor).
    links: FileLinks | None = None
    erp_facets: ErpFacets | None = None

    #: From this rank on the ERP takes a sale out of its stock by itself; None where no channel shows its stock.
    reserves_at: Rank | None = None

    @property
    def wanted_rank(self) -> Rank:
        """How far the channel brings its sales."""
        return _RANKS[self.channel.policies.document_state]

    @property
    def erp_system(self) -> str:
        """The ERP's system, by which the profile names it."""
        return self.config.connections[self.channel.erp].system

    @property
    def settle_s(self) -> float:
        """How long after the start of a write to the target a look-up that finds nothing is conclusive.

        The target may be asked for it, so whoever writes nothing does not look here.
        """
        return self.settling.seconds

    @property
    def erp_side(self) -> Side:
        """The ERP, as a place that is written to."""
        return Side(self.channel.erp, self.target.write_deadline_s, self.settle_s)

    def reading(self, lookups: Finds) -> SourceOptions:
        """How the source is read: the shop's own states are translated by the `order_state` look-up."""
        return dataclasses.replace(self.source_options, order_states=_States(lookups), lookup=lookups.plain)

    def asking(self, lookups: Finds) -> ChannelSystems:
        """The same with what the profile writes to either side answered by these look-ups."""
        if self.profile is None:
            return self
        shop = self.shop_facets and profiled_shop(
            SHOP_FACETS[self.shop_system], self.profile, self.shop_system, lookups.plain
        )
        options = dataclasses.replace(self.target_options, lookup=lookups.plain)
        return dataclasses.replace(self, shop_facets=shop, target_options=options)

    def under(self, revision: Revision | None) -> ChannelSystems:
        """The same with the profile of this revision; with None as the configuration has it. Raises ProfileError."""
        channel = under(self.config.channels[self.channel.name], revision)
        return self._ruled_by(channel, 0 if revision is None else revision.number)

    def trying(self, text: ProfileFile) -> ChannelSystems:
        """The same with a profile that is not published. Raises ProfileError."""
        return self._ruled_by(dataclasses.replace(self.channel, profile=text), 0)

    def _ruled_by(self, channel: Channel, revision: int) -> ChannelSystems:
        profile = profile_of(channel)
        target_mapping, erp_facets = _to_erp(self.config.connections[channel.erp].system, profile)
        return dataclasses.replace(
            self,
            channel=channel,
            revision=revision,
            profile=profile,
            source_mapping=_source_mapping(self.config.connections[channel.source].system, profile),
            target_mapping=target_mapping,
            shop_facets=SHOP_FACETS.get(self.shop_system),
            erp_facets=erp_facets,
        )

    @property
    def unwritten(self) -> bool:
        """Whether its orders wait for their first profile: the source means nothing by itself."""
        return self.source_mapping is _UNWRITTEN

    @property
    def start_s(self) -> float:
        """How long a drain may take from its intents to the start of the last call that they cover."""
        return self.target.write_deadline_s

    @property
    def lease_s(self) -> float:
        """Long enough for a call at its deadline with a heartbeat missed on either side."""
        return _lease_length_s(self.target, self.shop_side)

    @property
    def mapping_version(self) -> str:
        """What made a document: part of the canonical hash."""
        return f"{self.channel.source}:{self.source_mapping.version}/{self.channel.erp}:{self.target_mapping.version}"


class _States(Mapping[str, OrderState]):
    """What the `order_state` look-up says; a state that only a pattern fits is found and not listed."""

    def __init__(self, lookups: Finds) -> None:
        self._lookups = lookups

    def __getitem__(self, word: str) -> OrderState:
        found = self._lookups.find("order_state", word)
        if found is None:
            raise KeyError(word)
        return OrderState(found.value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lookups.values("order_state"))

    def __len__(self) -> int:
        return len(self._lookups.values("order_state"))


def _lease_length_s(target: SalesTarget, shop: Side | None) -> float:
    return LEASE_BASE_S + 3.0 * max(target.write_deadline_s, 0.0 if shop is None else shop.deadline_s)


def read_config(settings: Settings) -> Config:
    """The configuration folder of these settings; a system that no connector speaks to is named with its place.

    Raises ConfigError.
    """
    return load_config(
        settings.config_folder,
        settings.environ,
        systems=known_systems(),
        drafts_payments=lambda system: has(class_of(system), DraftsPayments),
        books_fees=lambda system: has(class_of(system), BooksFees),
        makes_refunds=lambda system: has(class_of(system), MakesRefunds),
        has_address=lambda system: not has(class_of(system), SendsOrders),
        keeps_accounts=lambda system: has(class_of(system), KeepsAccounts),
        makes_accounts=lambda system: has(class_of(system), CreatesAccounts),
        tells_accounts=_tells_accounts,
        state_words=state_words,
        check_profile=check_profile,
    )


def _tells_accounts(system: str) -> bool:
    if not has(class_of(system), TellsAccounts):
        return False
    facets = _found(CRM_FACETS, system)
    return facets is not None and facets.entry is not None


class Systems:
    """Connectors by connection name, made once and shared; a connector is safe to use from many threads."""

    def __init__(
        self,
        config: Config,
        *,
        throttle: Callable[[Connection], Throttle | None] = lambda _: None,
        dry_run: bool = False,
        links: FileLinks | None = None,
        published: Callable[[str], Revision | None] = lambda _: None,
        shelf: Shelf | None = None,
    ) -> None:
        """`throttle` makes the limiter of a connection; with `dry_run` writes are recorded and not sent.

        `published` answers the mapping profile of a channel that people have published; where nobody can say, the file
        of the configuration applies. On `shelf` lie the access tokens that all processes share.
        """
        self.config = config
        self.links = links
        self._throttle = throttle
        self._dry_run = dry_run
        self._published = published
        self._shelf = shelf
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def connector(self, name: str) -> Any:
        """The connector of one connection."""
        with self._lock:
            if name not in self._made:
                connection = self.config.connections[name]
                self._made[name] = make_connector(
                    connection.system,
                    self._settings(connection),
                    throttle=self._throttle(connection),
                    dry_run=self._dry_run,
                )
            return self._made[name]

    def _settings(self, connection: Connection) -> ConnectorSettings:
        overlaps = [channel.schedules.overlap_s for channel in self.config.channels_of_source(connection.name)]
        auth = connection.auth
        return ConnectorSettings(
            name=connection.name,
            url=connection.url,
            auth_method=auth.method,
            key=auth.key.reveal(),
            secret=auth.secret.reveal(),
            login=auth.login,
            password=auth.password.reveal(),
            refresh_token=auth.refresh_token.reveal(),
            webhook_secrets=tuple(secret.reveal() for secret in connection.webhook_secrets),
            concurrency=connection.concurrency,
            deadline_s=connection.deadline_s,
            overlap_s=max(overlaps, default=300.0),
            allow_hosts=connection.allow_hosts,
            ca_file=None if connection.ca_file is None else str(connection.ca_file),
            options=connection.options,
            shelf=self._shelf,
        )

    def hurried(self, *, deadline_s: float) -> Systems:
        """The same connections for who waits for them: no call takes longer, and none queues for a rate. Close it."""
        return Systems(impatient(self.config, deadline_s), shelf=self._shelf)

    def dry(self, *, deadline_s: float) -> Systems:
        """The same connections for a dry run: writes are recorded and not sent, no call takes longer. Close it."""
        return Systems(
            impatient(self.config, deadline_s),
            throttle=self._throttle,
            dry_run=True,
            links=self.links,
            published=self._published,
            shelf=self._shelf,
        )

    def channel(self, name: str, text: ProfileFile | None = None) -> ChannelSystems:
        """Both sides of a channel, with the profile that applies now, or as if `text` did.

        Raises SystemMissing, ProfileError.
        """
        revision = None if text is not None else self._published(name)
        channel = under(self.config.channels[name], revision)
        if text is not None:
            channel = dataclasses.replace(channel, profile=text)
        source, erp = self.config.connections[channel.source], self.config.connections[channel.erp]
        if _found(TARGETS, erp.system) is None:
            raise SystemMissing(f"{erp.system} cannot be a target: it has no mapping of sales")
        profile = profile_of(channel)
        source_mapping = _source_mapping(source.system, profile)
        target_mapping, erp_facets = _to_erp(erp.system, profile)
        target = cast("SalesTarget", self.connector(channel.erp))
        policies = channel.policies
        return ChannelSystems(
            channel=channel,
            source=cast("OrderSource", self.connector(channel.source)),
            target=target,
            source_mapping=source_mapping,
            target_mapping=target_mapping,
            source_options=SourceOptions(
                totals_threshold=policies.totals_threshold if policies.rules["totals"] is Mode.HOLD else _NO_LIMIT,
                refunds_restock=channel.after_import.refunds_restock,
            ),
            target_options=TargetOptions(
                channel=channel.name,
                minor_units=erp.minor_units,
                totals_threshold=policies.totals_threshold,
                trust_email=policies.match is MatchPolicy.TRUST_EMAIL,
                settings=_settings_of(channel),
            ),
            config=self.config,
            settling=Settling(erp, target),
            shop_side=self._shop_side(source),
            shop_facets=SHOP_FACETS.get(source.system),
            profile=profile,
            revision=0 if revision is None else revision.number,
            shop_system=source.system,
            erp_facets=erp_facets,
            reserves_at=self._reserves_at(channel.erp),
            links=self.links,
        )

    def _reserves_at(self, erp: str) -> Rank | None:
        connector = self.connector(erp)
        if not self.config.stock_channels(erp) or not has(connector, StockSource):
            return None
        return cast("StockSource", connector).reserves_at

    def _shop_side(self, connection: Connection) -> Side | None:
        shop = self.connector(connection.name)
        if not isinstance(shop, MarksOrders):
            return None
        return Side(
            connection.name, shop.write_deadline_s, max(connection.settle_s, shop.write_deadline_s + SETTLE_BEYOND_S)
        )

    def lease_lengths(self) -> dict[str, float]:
        """Connection -> the longest lease that a drain has on it, in seconds.

        The ERP, the shop for its stock, the CRM for its customers.
        """
        lengths: dict[str, float] = {}
        for channel in self.config.channels.values():
            shop = self._shop_side(self.config.connections[channel.source])
            length = _lease_length_s(self.connector(channel.erp), shop)
            for name in (channel.erp, channel.source):
                lengths[name] = max(length, lengths.get(name, 0.0))
            if name := channel.crm.connection:
                told = LEASE_BASE_S + 3.0 * self.connector(name).write_deadline_s
                lengths[name] = max(told, lengths.get(name, 0.0))
        return lengths

    def close(self) -> None:
        """Close every connector's connections."""
        for connector in self._made.values():
            connector.close()
        self._made.clear()


def _refuse(_payload: JsonDict, _options: SourceOptions) -> NoReturn:
    raise MappingError(
        "",
        say("nobody has published a mapping profile for this channel yet"),
        cause="no_profile",
        next_step=say("write one in the workbench and publish it: the order goes on by itself then"),
    )


#: Of a source that only sends, and means nothing by itself: what it sends is kept, and is what the profile is tried on.
_UNWRITTEN: Final = SourceMapping(version="none", order=_refuse)


def _source_mapping(system: str, profile: Profile | None) -> SourceMapping:
    """What reads the source: its own mapping, what a profile makes of it, or a profile alone. Raises SystemMissing."""
    if profile is not None and profile.whole:
        return profiled_source(None, profile)
    base = _found(SOURCES, system)
    if base is None and has(class_of(system), SendsOrders):
        return _UNWRITTEN
    if base is None:
        raise SystemMissing(f"{system} cannot be a source without a profile: it has no mapping of orders")
    return base if profile is None else profiled_source(base, profile)


def _found(mappings: Mapping[str, _Mapped], system: str) -> _Mapped | None:
    try:
        return mappings.get(system)
    except MappingUnusable as error:
        raise SystemMissing(str(error)) from error


def _to_erp(system: str, profile: Profile | None) -> tuple[TargetMapping, ErpFacets | None]:
    base, facets = TARGETS[system], ERP_FACETS.get(system)
    if profile is None:
        return base, facets
    target = profiled_target(base, profile, system)
    return target, facets and profiled_facets(facets, target, profile, system)


def _settings_of(channel: Channel) -> Mapping[str, Any]:
    """What the policies say to the mapping, with a warehouse wherever rules choose one for each sale.

    An ERP may have none that it takes by itself, and what stands there is compared with what a sale would be now.
    """
    rules = channel.routing.rules
    return {"warehouse": rules[-1].warehouses[0], **channel.policies.target} if rules else channel.policies.target


def impatient(config: Config, deadline_s: float) -> Config:
    """The same configuration for a person who waits: no call takes longer."""
    connections = {
        name: dataclasses.replace(connection, deadline_s=min(deadline_s, connection.deadline_s or deadline_s))
        for name, connection in config.connections.items()
    }
    return dataclasses.replace(config, connections=connections)


def settle_s(connection: Connection, target: SalesTarget) -> float:
    """The settle time of a connection: never below the call's deadline + 60 s, unless the target states its own bound.

    That the target enforces our key does not shorten it: one intent covers the creation and the steps after it, and
    the key protects the creation alone; a late confirm that meets a second one would be a double effect.
    """
    if target.settle_bound_s is not None:
        return target.settle_bound_s
    return max(connection.settle_s, target.write_deadline_s + SETTLE_BEYOND_S)
