"""Where the orders of a channel stand."""

from __future__ import annotations

import dataclasses

from sync.store.backlog import count_states
from sync.store.states import STOPPED, UNDER_WAY, ItemState
from sync.work.runtime import Runtime


@dataclasses.dataclass(frozen=True, slots=True)
class Counts:
    """Orders of one channel."""

    #: In the shop.
    placed: int
    #: Of those Crossdock knows.
    seen: int
    in_erp: int
    held: int
    #: Cancelled on both sides.
    left_out: int
    #: Known, and nothing of that.
    under_way: int

    @property
    def to_go(self) -> int:
        """Orders that have not come to rest, known or not."""
        return max(self.placed - self.in_erp - self.held - self.left_out, self.under_way)

    def __str__(self) -> str:
        return f"{self.seen:,} seen  {self.in_erp:,} in the ERP  {self.held} held  {self.to_go:,} to go"


def count(runtime: Runtime, placed: dict[str, int]) -> dict[str, Counts]:
    """Channel -> its counts; `placed` says how many orders its shop has."""
    found = runtime.store.read(lambda c: count_states(c, "order"))

    def of(channel: str, *states: ItemState) -> int:
        return sum(found[channel, state][0] for state in states if (channel, state) in found)

    return {
        channel: Counts(
            placed=orders,
            seen=of(channel, *ItemState),
            in_erp=of(channel, ItemState.DONE),
            held=of(channel, *STOPPED),
            left_out=of(channel, ItemState.SKIPPED),
            under_way=of(channel, *UNDER_WAY),
        )
        for channel, orders in placed.items()
    }
