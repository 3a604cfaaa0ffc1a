"""The states of a work item and how a drain may leave it."""

from __future__ import annotations

import enum


class ItemState(enum.StrEnum):
    """Where a work item stands. Each of them can be retried by a person."""

    #: Will be claimed when due.
    READY = "ready"
    #: Owned by a drain.
    LEASED = "leased"
    #: A write may have happened; will be claimed when it can no longer land.
    RECONCILE = "reconcile"
    #: The status policy says: not yet. The next event or resync looks again.
    WAITING = "waiting"
    #: A verify rule stopped it; a person or the fixed cause releases it.
    HELD = "held"
    #: It cannot be carried over as it is; a person must act.
    PARKED = "parked"
    #: The status policy or a person says: not at all.
    SKIPPED = "skipped"
    #: Converged.
    DONE = "done"


#: States from which the next event makes an item ready again.
RESTING = (ItemState.WAITING, ItemState.HELD, ItemState.PARKED, ItemState.SKIPPED, ItemState.DONE)
#: States that only a person, or the fixed cause, ends.
STOPPED = (ItemState.HELD, ItemState.PARKED)
#: States that a drain may claim.
CLAIMABLE = (ItemState.READY, ItemState.RECONCILE)
#: States from which an item goes on by itself.
UNDER_WAY = (*CLAIMABLE, ItemState.LEASED)

#: Priorities: smaller goes first.
LIVE = 0
#: What a person released in bulk: behind live orders, before old ones.
BULK = 5
BACKFILL = 10
