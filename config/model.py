"""What the configuration folder declares, validated and frozen; `config.loader` makes these from YAML."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any


class Secret(str):
    """A text that never shows itself: `repr` is `***`, so logs, tracebacks and error texts stay clean.

    Use `reveal()` at the one place that sends it; comparing and hashing work as for any text.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Three stars, whatever the text."""
        return "***"

    def __str__(self) -> str:
        """Three stars, whatever the text."""
        return "***"

    def __format__(self, spec: str) -> str:
        """Three stars, whatever the text."""
        return "***"

    def reveal(self) -> str:
        """The text itself, as a plain `str`."""
        return str.__str__(self)


class Mode(enum.StrEnum):
    """What a verify rule does when it finds something."""

    HOLD = "hold"
    WARN = "warn"
    OFF = "off"


class StatusAction(enum.StrEnum):
    """What the status policy says of an order in some source state."""

    IMPORT = "import"
    WAIT = "wait"
    SKIP = "skip"
    CANCEL = "cancel"


class DocumentState(enum.StrEnum):
    """How far a sale is brought in the ERP."""

    DRAFT = "draft"
    QUOTED = "quoted"
    CONFIRMED = "confirmed"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Credentials of a connection; which of them a system needs is in its page of the docs."""

    #: `basic`, `query`, `oauth1`, `bearer`, `session` or `none`; empty lets the connector choose by the URL.
    method: str = ""
    key: Secret = Secret("")
    secret: Secret = Secret("")
    login: str = ""
    password: Secret = Secret("")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One configured account on one system."""

    name: str
    system: str
    url: str
    auth: Auth = Auth()
    #: All of them are accepted, so that a secret can be changed without losing a delivery.
    webhook_secrets: tuple[Secret, ...] = ()
    #: Calls in flight at once, over all workers; None takes what the connector declares.
    concurrency: int | None = None
    #: Requests a second, over all processes; None means no limit of ours.
    rate_per_s: float | None = None
    #: Deadline of one call, in seconds; None takes what the connector declares.
    deadline_s: float | None = None
    #: How long after a write a look-up that finds nothing is conclusive, in seconds.
    settle_s: float = 120.0
    #: Hosts or networks that may be private addresses (an ERP on the premises, a sandbox on loopback).
    allow_hosts: tuple[str, ...] = ()
    #: A PEM file with the certificate authority of an on-premise system.
    ca_file: Path | None = None
    #: Currency -> decimals to which this system rounds; the currency's usual number where it is not named.
    minor_units: Mapping[str, int] = dataclasses.field(default_factory=dict)
    #: What only this system knows, e.g. Tryton `database`, `web_shop`; checked by its connector.
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What a channel does with its orders."""

    #: Orders placed before this are not imported; None means "from the first start of the channel".
    start_at: dt.datetime | None = None
    #: `<state>` or `<state>/<payment state>` or `*/<payment state>` -> action; the more specific key wins.
    status: Mapping[str, StatusAction] = dataclasses.field(default_factory=dict)
    #: Verify rule -> mode; a rule that is not named has its default.
    rules: Mapping[str, Mode] = dataclasses.field(default_factory=dict)
    #: How many units of the last decimal that the shop writes may be carried as rounding.
    totals_threshold: int = 5
    #: Currency -> grand total above which an order needs approval.
    value_limits: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)
    #: Minutes within which an equal order of the same customer is taken for a duplicate.
    duplicate_window_min: int = 10
    #: Percent by which a line's price may differ from the ERP's list price.
    price_tolerance: Decimal = Decimal(10)
    document_state: DocumentState = DocumentState.CONFIRMED
    #: What the target mapping needs to know, e.g. Tryton `shipping_product`, `warehouse`, `payment_term`.
    target: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedules:
    """How often a channel looks, in seconds."""

    pull_every_s: float = 60.0
    resync_every_s: float = 6 * 3600.0
    #: A cron line in `timezone`.
    nightly: str = "30 3 * * *"
    webhook_check_every_s: float = 3600.0
    #: By how much a pull steps back, so that late commits and equal timestamps are not missed.
    overlap_s: float = 300.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One source connection bound to one ERP connection."""

    name: str
    source: str
    erp: str
    #: IANA zone in which the shop counts its days.
    timezone: str = "UTC"
    policies: Policies = Policies()
    schedules: Schedules = Schedules()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything that the configuration folder declares."""

    folder: Path
    connections: Mapping[str, Connection]
    channels: Mapping[str, Channel]

    def channels_of_source(self, connection: str) -> tuple[Channel, ...]:
        """The channels that a source connection feeds."""
        return tuple(channel for channel in self.channels.values() if channel.source == connection)
