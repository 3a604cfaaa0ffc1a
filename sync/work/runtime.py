"""What a process of Crossdock stands on: settings, configuration, store, systems and doorbell, put together once."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from config.model import Config, Connection
from config.settings import Settings
from connectors.kit.base import Throttle
from connectors.kit.shelf import RedisShelf
from connectors.kit.throttle import ConnectionThrottle, lift_pause, redis_pool
from sync.rules.links import FileLinks
from sync.rules.systems import Systems, read_config
from sync.store.engine import Store
from sync.store.migrate import SchemaMismatch, demand_schema
from sync.store.revisions import load_published
from sync.work.bell import Bell
from sync.work.witness import Witness


class Runtime:
    """One process's parts. Make it after a fork, never before."""

    def __init__(self, settings: Settings, config: Config | None = None, *, dry_run: bool = False) -> None:
        """Load the configuration unless it is given. Raises ConfigError, SchemaMismatch."""
        self.settings = settings
        self.config = config or read_config(settings)
        self.store = Store.open(settings.database_url.reveal())
        try:
            demand_schema(self.store)
        except SchemaMismatch:
            self.store.close()
            raise
        self.witness = Witness(settings.state_folder / "witness")
        self._redis = redis_pool(settings.redis_url.reveal())
        links = FileLinks(settings.public_url, settings.signing_key())
        self.systems = Systems(
            self.config,
            throttle=self._throttle,
            dry_run=dry_run,
            links=links,
            published=lambda channel: self.store.read(lambda c: load_published(c, channel)),
            shelf=RedisShelf(self._redis),
        )
        self.bell = Bell(settings.redis_url, instance=settings.instance, longest_call_s=longest_call_s(self.config))

    def _throttle(self, connection: Connection) -> Throttle:
        """Also where there is no rate of ours: what the other system asks for in its answers is shared the same way."""
        return ConnectionThrottle(connection.name, rate_per_s=connection.rate_per_s, pool=self._redis)

    def lift(self, connection: str) -> bool | None:
        """End the pause that a system asked for, in every process; None where the queue's server does not answer."""
        return lift_pause(connection, pool=self._redis)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.systems.close()
        self.bell.close()
        self._redis.disconnect()
        self.store.close()


def longest_call_s(config: Config) -> float:
    """The longest deadline that any connection gives one call, in seconds."""
    return max((c.deadline_s or 60.0 for c in config.connections.values()), default=60.0)
