"""What is there for orders that are about to be sent from somewhere: the ERP's figures less what others take."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable
from decimal import Decimal

from sqlalchemy import Connection

from config.model import Channel, Config
from sync.rules.routing import There, Wanted, is_ahead, shelves
from sync.store.stock.captured import Captured, load_captured
from sync.store.stock.levels import Level, load_levels


class Supply:
    """Some articles of one ERP as one transaction sees them, for the orders of one channel."""

    def __init__(self, connection: Connection, config: Config, channel: Channel, codes: Collection[str]) -> None:
        """`codes` are the ERP's."""
        self._policy = channel.stock
        self._routed = frozenset(each.name for each in config.routed_channels(channel.erp))
        self._levels: dict[str, list[Level]] = load_levels(connection, channel.erp, codes)
        self._lines: dict[str, list[Captured]] = load_captured(connection, channel.erp, codes)

    def there(self, order_id: int, placed_at: dt.datetime, wanted: Wanted) -> There:
        """What is there for an order: what it takes itself does not count, nor what comes behind it."""
        found: dict[str, dict[str, Decimal]] = {}
        for code in wanted:
            if code in self._levels:
                lines = [
                    line
                    for line in self._lines.get(code, ())
                    if line.order_id != order_id and is_ahead(line, placed_at, order_id, self._routed)
                ]
                found[code] = shelves(self._policy, self._levels[code], lines)
        return found

    def move(self, order_id: int, warehouse: str) -> None:
        """From now on the order takes what it takes from this warehouse."""
        for code, lines in self._lines.items():
            self._lines[code] = [
                dataclasses.replace(line, location=warehouse)
                if line.order_id == order_id and line.reserved_at is None
                else line
                for line in lines
            ]

    def began(self, codes: Iterable[str]) -> dt.datetime | None:
        """When the oldest reading of these articles began; None where nothing of them is counted."""
        return min((level.began_at for code in codes for level in self._levels.get(code, ())), default=None)
