"""Orders that programs send by our own JSON API: who they are is proven by a token, before anything gets here."""

from __future__ import annotations

import dataclasses
from typing import Final

from connectors.jsonhooks import reading
from connectors.kit.base import ConnectorSettings, Delivery, ReadsPosted, SendsOrders, Throttle
from connectors.kit.options import Options

#: Of one call.
MAX_ORDERS: Final = 100
#: Of the events that come so.
TOPIC: Final = "api"


class PostedOrders(SendsOrders, ReadsPosted):
    """One program, or several that send the same documents. Thread-safe; speaks to nobody.

    Options: `id`, `version` and `version_is`; see docs/connectors/api.md.
    """

    sends_by = "api"

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:  # noqa: ARG002 - every connector takes them
        """Raises ConnectionBroken naming what is wrong in the options."""
        options = Options("api", settings.options, frozenset({"id", "version", "version_is"}))
        self._reader = dataclasses.replace(reading.read_reader(options), most=MAX_ORDERS)

    def close(self) -> None:
        """Nothing is open."""

    def read_posted(self, body: bytes) -> Delivery:
        """One order, or a list of them: always in parts, so that each has its own answer."""
        found = self._reader.read(body)
        if found.envelope is not None:
            content = found.envelope.payload
            found = dataclasses.replace(found, parts=(dataclasses.replace(found, content=content),))
        parts = tuple(dataclasses.replace(part, topic=TOPIC) for part in found.parts)
        return dataclasses.replace(found, topic=TOPIC, parts=parts)
