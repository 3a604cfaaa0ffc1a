"""One external system with its address, credentials and limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.model.secret import NO_SECRET, Secret


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Credentials of a connection; which of them a system needs is in its page of the docs."""

    #: `basic`, `query`, `oauth1`, `bearer`, `session` or `none`; empty lets the connector choose by the URL.
    method: str = ""
    key: Secret = NO_SECRET
    secret: Secret = NO_SECRET
    login: str = ""
    password: Secret = NO_SECRET
    #: With which an access token is fetched, where a person has once allowed it (OAuth 2).
    refresh_token: Secret = NO_SECRET


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One configured account on one system."""

    name: str
    system: str
    #: Empty for a system that is never spoken to.
    url: str = ""
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
