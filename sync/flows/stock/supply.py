"""What is there for orders that are about to be sent from somewhere: the ERP's figures less what others take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from sqlalchemy import Connection

from config.model import Channel, Config
from sync.rules.routing import There, Wanted, is_ahead, shelves
from sync.store.stock.captured import Claim, Waiting, load_claims
from sync.store.stock.levels import Level, load_levels


class Supply:
    """Some articles of one ERP as one transaction sees them, for the orders of one channel."""

    def __init__(
        self,
        connection: Connection,
        config: Config,
        channel: Channel,
        codes: Collection[str],
        batch: Collection[int] = (),
    ) -> None:
        """`codes` are the ERP's. What the orders of a `batch` take is for `take` to say."""
        self._channel, self._policy = channel.name, channel.stock
        self._routed = frozenset(each.name for each in config.routed_channels(channel.erp))
        self._levels: dict[str, list[Level]] = load_levels(connection, channel.erp, codes)
        claims, waiting = load_claims(connection, channel.erp, codes, batch)
        self._claims: dict[str, list[Claim]] = {}
        for claim in claims:
            self._claims.setdefault(claim.sku, []).append(claim)
        self._waiting: dict[str, list[Waiting]] = {}
        for each in waiting:
            self._waiting.setdefault(each.sku, []).append(each)

    def there(self, order_id: int, placed_at: dt.datetime, wanted: Wanted) -> There:
        """What is there for an order that waits for its warehouse: what comes behind it does not count."""
        found: dict[str, dict[str, Decimal]] = {}
        for code in wanted:
            if code in self._levels:
                ahead = [
                    each
                    for each in self._waiting.get(code, ())
                    if each.order_id != order_id and is_ahead(each, placed_at, order_id, self._routed)
                ]
                found[code] = shelves(self._policy, self._levels[code], [*self._claims.get(code, ()), *ahead])
        return found

    def wait(self, order_id: int, placed_at: dt.datetime, wanted: Wanted, *, held: bool) -> None:
        """An order of the channel takes this, and nobody has decided from where."""
        for code, quantity in wanted.items():
            waiting = Waiting(code, "", quantity, held, self._channel, order_id, placed_at)
            self._waiting.setdefault(code, []).append(waiting)

    def take(self, order_id: int, taken: Mapping[tuple[str, str], Decimal]) -> None:
        """It is decided: the order takes so many of (article, warehouse)."""
        for (code, place), quantity in taken.items():
            left = [each for each in self._waiting.get(code, ()) if each.order_id != order_id]
            self._waiting[code] = left
            self._claims.setdefault(code, []).append(Claim(code, place, quantity, held=False))

    def began(self, codes: Iterable[str]) -> dt.datetime | None:
        """When the oldest reading of these articles began; None where nothing of them is counted."""
        return min((level.began_at for code in codes for level in self._levels.get(code, ())), default=None)
