"""The two sides of a channel as its stock needs them: an ERP that tells, a shop that takes."""

from __future__ import annotations

import dataclasses
from typing import cast

from config.model import Channel
from connectors.kit.stock import StockSource, StockTarget
from connectors.registry import has
from sync.rules import systems as sides
from sync.rules.systems import SystemMissing, Systems


@dataclasses.dataclass(frozen=True, slots=True)
class StockSystems:
    """A channel with both of its sides, ready to carry stock."""

    channel: Channel
    erp: StockSource
    shop: StockTarget
    #: How long after the start of a write to the shop it can no longer land, in seconds.
    settle_s: float

    @property
    def lease_s(self) -> float:
        """Long enough for a call at its deadline with a heartbeat missed on either side."""
        return sides.LEASE_BASE_S + 3.0 * self.shop.write_deadline_s


def stock_systems(systems: Systems, name: str) -> StockSystems:
    """Both sides of a channel. Raises SystemMissing naming the side that knows nothing of stock."""
    channel = systems.config.channels[name]
    erp, shop = systems.connector(channel.erp), systems.connector(channel.source)
    if not has(erp, StockSource):
        raise SystemMissing(f"{channel.erp} does not tell its stock: set `stock: {{push: off}}` of channel {name}")
    if not has(shop, StockTarget):
        raise SystemMissing(
            f"the stock of {channel.source} cannot be set: set `stock: {{push: off}}` of channel {name}"
        )
    target = cast("StockTarget", shop)
    settle_s = max(systems.config.connections[channel.source].settle_s, target.write_deadline_s + sides.SETTLE_BEYOND_S)
    return StockSystems(channel, cast("StockSource", erp), target, settle_s)
