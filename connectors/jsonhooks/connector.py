"""The connector: how a system signs what it posts and where in it an order stands, by the connection's options."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from connectors.jsonhooks import reading, signature
from connectors.kit.base import (
    ConnectorSettings,
    Delivery,
    ReadsAgain,
    ReceivesWebhooks,
    SendsOrders,
    Throttle,
)
from connectors.kit.errors import ConnectionBroken
from connectors.kit.options import Options
from connectors.kit.words import say


class JsonHooks(SendsOrders, ReceivesWebhooks, ReadsAgain):
    """One system that posts its orders to us. Thread-safe; speaks to nobody.

    Options: see docs/connectors/json.md; `webhook_secrets` of the connection are those that it signs with.
    """

    sends_by = "webhook"

    def __init__(
        self,
        settings: ConnectorSettings,
        *,
        throttle: Throttle | None = None,  # noqa: ARG002 - every connector takes them
        dry_run: bool = False,  # noqa: ARG002 - every connector takes them
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        options = Options("json", settings.options, reading.OPTIONS | signature.OPTIONS)
        self._reader = reading.read_reader(options)
        self._signature = signature.read_signature(options)
        self._secrets = tuple(secret for secret in settings.webhook_secrets if secret)
        self._now = now
        if not self._secrets:
            raise ConnectionBroken(
                say("webhook_secrets of the connection is empty: nobody could prove that an order is theirs"),
                code="option",
            )

    def close(self) -> None:
        """Nothing is open."""

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Delivery:
        """Its orders, once it is known who sent them. Raises SignatureInvalid."""
        self._signature.verify(body, headers, self._secrets, self._now)
        return self._reader.read(body)

    def read_again(self, topic: str, body: bytes) -> Delivery:
        """What was kept of a delivery that could not be read, by the options of today."""
        return self._reader.read_again(topic, body)
