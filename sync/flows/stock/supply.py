"""What is there for orders that are about to be sent from somewhere: the ERP's figures less what others take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from config.model import Channel, Config
from sync.flows.piece import Piece
from sync.rules.routing import There, Wanted, is_ahead, shelves
from sync.store.states import ItemState
from sync.store.stock.captured import Captured, load_captured
from sync.store.stock.levels import Level, load_levels


class Supply:
    """Some articles of one ERP as one transaction sees them, for the orders of one channel."""

    def __init__(self, connection: Connection, config: Config, channel: Channel, codes: Collection[str]) -> None:
        """`codes` are the ERP's."""
        self._channel, self._policy = channel.name, channel.stock
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

    def take(self, piece: Piece, order_id: int, place: str, taken: Wanted) -> None:
        """From now on an order of the channel takes this from a warehouse, or from any where it is empty."""
        for code in self._levels:
            before = [line for line in self._lines.get(code, ()) if _is_open(line, order_id)]
            lines = [line for line in self._lines.get(code, ()) if not _is_open(line, order_id)]
            if code in taken:
                # Whoever has a warehouse is held no longer.
                held = not place and any(line.held for line in before)
                lines.append(self._line(piece, order_id, code, taken[code], location=place, held=held))
            self._lines[code] = lines

    def _line(self, piece: Piece, order_id: int, code: str, quantity: Decimal, **values: Any) -> Captured:
        order = piece.order
        assert order is not None
        return Captured(
            sku=code,
            quantity=quantity,
            captured_at=piece.started_at,
            reserved_at=None,
            channel=self._channel,
            item_id=piece.item.id,
            order_id=order_id,
            external_id=order.external_id,
            number=order.number,
            placed_at=order.placed_at,
            state=ItemState.LEASED.value,
            **values,
        )

    def began(self, codes: Iterable[str]) -> dt.datetime | None:
        """When the oldest reading of these articles began; None where nothing of them is counted."""
        return min((level.began_at for code in codes for level in self._levels.get(code, ())), default=None)


def _is_open(line: Captured, order_id: int) -> bool:
    """Whether it is this order's, and the ERP has not reserved it yet."""
    return line.order_id == order_id and line.reserved_at is None
