"""Receiving: a delivery is durable before it is answered, however many come at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from connectors.kit.base import Delivery
from sync.work.receive.receipts import Receipt, make_receipts, write_receipts
from sync.work.receive.ringer import Ringer
from sync.work.receive.writer import GroupWriter, NotStored, RowRefused

__all__ = ["NotStored", "Receiver", "RowRefused", "WriterStatus"]


@dataclasses.dataclass(frozen=True, slots=True)
class WriterStatus:
    """What a health check wants to know of the writer thread."""

    alive: bool
    #: How often it had to be started again.
    restarts: int
    #: Class of the error that ended it last; empty if none did.
    last_error: str


class Receiver:
    """Takes deliveries in. One per process, made after the fork; safe to use from every thread."""

    def __init__(
        self,
        url: str,
        channels: Mapping[str, Sequence[str]],
        ring: Callable[[str, str], object],
        *,
        wait_s: float = 2.0,
        only_send: Collection[str] = (),
    ) -> None:
        """`channels` is source connection -> the channels that it feeds; `ring(channel, kind)` wakes their drain.

        `only_send` names the connections that cannot be asked for what they sent.
        """
        self._channels = channels
        self._only_send = frozenset(only_send)
        self._ringer = Ringer(ring)
        write = partial(write_receipts, channels=channels, only_send=self._only_send)
        self._writer = GroupWriter(url, write, self._ring, wait_s=wait_s)

    def receive(self, connection: str, delivery: Delivery, body: bytes) -> None:
        """Store a verified delivery and mark its items. Raises NotStored (the sender tries again), RowRefused."""
        can_pull = connection not in self._only_send
        for receipt in make_receipts(connection, delivery, body, dt.datetime.now(dt.UTC), can_pull=can_pull):
            self._writer.put(receipt)

    def poll_at_once(self, connection: str) -> None:
        """Have the connection's channels pulled out of turn, if it can be pulled. Raises NotStored, RowRefused."""
        if connection not in self._only_send:
            self._writer.put(Receipt(connection, poll=True))

    def prove(self) -> None:
        """Return when the writer committed something that leaves nothing behind. Raises NotStored, RowRefused."""
        self._writer.put(Receipt(""))

    def status(self) -> WriterStatus:
        """How the writer thread is."""
        keeper = self._writer.keeper
        return WriterStatus(keeper.is_alive(), keeper.restarts, keeper.last_error)

    def start(self) -> None:
        """Start the writer now instead of with the first delivery."""
        self._writer.keeper.ensure()

    def close(self, timeout_s: float = 5.0) -> bool:
        """Commit what waits, ring what is pending, end; whether that was done in time."""
        written = self._writer.close(timeout_s)
        return self._ringer.close(timeout_s) and written

    def _ring(self, receipts: Sequence[Receipt]) -> None:
        bells = {bell for receipt in receipts for bell in receipt.bells(self._channels)}
        if bells:
            self._ringer.ring(bells)
