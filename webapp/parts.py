"""What the views work with: made once per process, behind gunicorn's fork, and given back at its end."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from flask import current_app
from sqlalchemy.exc import DatabaseError

from config.model import Config, Secret
from config.settings import Settings
from connectors.kit.base import ReceivesWebhooks
from connectors.kit.shelf import RedisShelf
from connectors.kit.throttle import redis_pool
from connectors.registry import has
from sync.desk.misconfigured import find_misconfigured, note_misconfigured
from sync.desk.queue import AWAY, QueueHealth
from sync.rules.asking import only_sends
from sync.rules.links import FileLinks
from sync.rules.systems import Systems, read_config
from sync.store.engine import DatabaseBusy, Store
from sync.store.revisions import load_published
from sync.work.alerts import AlertBeat, AlertThread
from sync.work.bell import Bell
from sync.work.receive import Receiver
from sync.work.vitals import Vitals

log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """One process's share of the system."""

    store: Store
    receiver: Receiver
    #: Connection name -> who verifies its deliveries.
    sources: Mapping[str, ReceivesWebhooks]
    #: Sources that cannot verify anything before their configuration is corrected.
    misconfigured: frozenset[str] = dataclasses.field(default=frozenset(), kw_only=True)
    #: Whether the queue answers; within about a second.
    queue_answers: Callable[[], bool]
    settings: Settings
    config: Config
    systems: Systems
    bell: Bell
    #: How the queue's server and the workers are; within about a second.
    look_at_queue: Callable[[], QueueHealth] = lambda: AWAY
    #: Ends the pause that a system asked for; see `sync.work.vitals`.
    lift: Callable[[str], bool | None] = lambda _: None
    #: Tells people where no scheduler is left to do it; None where nobody shall.
    alerts: AlertThread | None = None
    #: Releases whatever else was opened for these parts.
    close_rest: Callable[[], None] = lambda: None
    #: What must never show in a log line.
    secrets: tuple[Secret, ...] = ()
    #: Connection -> monotonic time from which an oversized delivery may have it polled again.
    polled_until: dict[str, float] = dataclasses.field(default_factory=dict)

    def close(self) -> None:
        """Commit what waits and close every connection."""
        if self.alerts is not None:
            self.alerts.stop()
        self.receiver.close()
        self.close_rest()
        self.store.close()


def build_parts(settings: Settings) -> Parts:
    """The parts that the configuration folder describes. Raises ConfigError.

    A connection whose system does not take its configuration is told, and left out; the others work.
    """
    config = read_config(settings)
    store = Store.open(settings.database_url.reveal())
    queue = redis_pool(settings.redis_url.reveal())
    systems = Systems(
        config,
        links=FileLinks(settings.public_url, settings.signing_key()),
        published=lambda channel: store.read(lambda c: load_published(c, channel)),
        shelf=RedisShelf(queue),
    )
    misconfigured = _tell_misconfigured(store, systems)
    feeding = {channel.source for channel in config.channels.values()}
    sources = {name: systems.connector(name) for name in sorted(feeding - misconfigured)}
    database, bell = settings.database_url.reveal(), Bell(settings.redis_url, instance=settings.instance)

    vitals = Vitals(settings, config)

    def close_rest() -> None:
        vitals.close()
        bell.close()
        systems.close()
        queue.disconnect()

    return Parts(
        store=store,
        receiver=Receiver(
            database,
            {name: tuple(channel.name for channel in config.channels_of_source(name)) for name in feeding},
            bell.ring,
            only_send=frozenset(name for name, one in sources.items() if only_sends(one)),
        ),
        sources={name: one for name, one in sources.items() if has(one, ReceivesWebhooks)},
        misconfigured=misconfigured,
        queue_answers=bell.is_reachable,
        settings=settings,
        config=config,
        systems=systems,
        bell=bell,
        look_at_queue=vitals.look,
        lift=vitals.lift,
        alerts=AlertThread(AlertBeat(store, config, settings, vitals.look, standby=True)),
        close_rest=close_rest,
        secrets=tuple(config.secrets()),
    )


def _tell_misconfigured(store: Store, systems: Systems) -> frozenset[str]:
    found = find_misconfigured(systems)
    for name, error in found.items():
        log.error("connection_misconfigured", connection=name, reason=str(error))
    # Where there is no database yet, or one that is busy, the log has said it.
    with contextlib.suppress(DatabaseBusy, DatabaseError):
        note_misconfigured(store, found)
    return frozenset(found)


class LazyParts:
    """Parts that are made with their first use, because neither threads nor database connections outlive a fork."""

    KEY: Final = "crossdock"

    def __init__(self, make: Callable[[], Parts]) -> None:
        """Remember how to make them."""
        self._make = make
        self._lock = threading.Lock()
        self._parts: Parts | None = None

    def get(self) -> Parts:
        """The parts, made now if nobody asked before."""
        with self._lock:
            if self._parts is None:
                self._parts = self._make()
            return self._parts

    def close(self) -> None:
        """Close them if they were made."""
        with self._lock:
            if self._parts is not None:
                self._parts.close()
                self._parts = None


def parts() -> Parts:
    """The parts of the application that serves this request."""
    lazy: LazyParts = current_app.extensions[LazyParts.KEY]
    return lazy.get()
