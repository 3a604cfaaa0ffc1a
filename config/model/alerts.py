"""Who is told of what is out of order, and what a channel's own orders are held against."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from decimal import Decimal

from config.model.secret import Secret


class Severity(enum.StrEnum):
    """How grave an alert is, the lesser first."""

    WARNING = "warning"
    CRITICAL = "critical"


class AlertKind(enum.StrEnum):
    """How a message goes out."""

    #: Mail, chat and a hundred services, by an address of the library apprise.
    APPRISE = "apprise"
    #: JSON to an address of one's own, signed.
    WEBHOOK = "webhook"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AlertChannel:
    """One way in which people are told."""

    name: str
    kind: AlertKind = AlertKind.APPRISE
    #: It holds passwords and tokens, so all of it is a secret.
    url: Secret
    #: What a webhook is signed with; each of them, so that a secret can be changed.
    secrets: tuple[Secret, ...] = ()
    severity: Severity = Severity.WARNING
    #: Only these causes, connections and channels; all where nothing is named.
    causes: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    #: Not more than one message in so many seconds.
    digest_s: float = 600.0
    #: `22:00-07:00` in `timezone`: then only what is critical is told.
    quiet_hours: str = ""
    timezone: str = "UTC"
    #: Hosts or networks that may be private addresses; for webhooks.
    allow_hosts: tuple[str, ...] = ()

    def hidden(self) -> Iterator[Secret]:
        """What may never show."""
        yield from (self.url, *self.secrets)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What of a channel raises an alert, and when."""

    #: One of its connections was away for so long, in seconds.
    away_s: float = 600.0
    #: An order could have been worked on for so long, and was not, in seconds.
    backlog_s: float = 1800.0
    #: How soon after the shop's first word an order is promised to be in the ERP, in seconds; 0 for no promise.
    promise_s: float = 0.0
    #: Whether far fewer or far more orders than usual are told, by what factor, and over how many weeks back.
    volume: bool = True
    volume_factor: Decimal = Decimal(4)
    volume_weeks: int = 6
