"""What is tried: a case is one drain under one kind of bad luck, struck at every one of its boundaries."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

#: Total of one call, in seconds.
DEADLINE_S = 0.5
#: Leases are this plus three deadlines.
LEASE_BASE_S = 0.2
LEASE_S = LEASE_BASE_S + 3 * DEADLINE_S
#: An effect that comes so late that another drain owns the order by then, and the client has long hung up.
LATE_S = LEASE_S + 0.2
#: A real ERP has latencies of its own.
TRYTON_DEADLINE_S = 4.0
#: What Tryton does not state of itself: this one runs here, so nothing is on its way for longer than a call may take.
TRYTON_SETTLE_S = TRYTON_DEADLINE_S + 1
#: What the ERP declares where nothing comes late, and where something does.
PROMPT_SETTLE_S = 0.6
LATE_SETTLE_S = LATE_S + 0.1

CREATE = {"method": "POST", "path": "/api/sales"}
ADVANCE = {"method": "POST", "path": "/api/sales/advance"}
PARTY = {"method": "POST", "path": "/api/parties"}
CHANGE = {"method": "PUT", "path": "/api/sales/*"}
CANCEL = {"method": "POST", "path": "/api/sales/*/cancel"}
REFUND = {"method": "POST", "path": "/api/refunds"}
PAYMENT = {"method": "POST", "path": "/api/payments"}
#: In the shop.
STOCK = {"method": "POST", "path": "/wp-json/wc/v3/products/batch"}
PARCEL = {"method": "POST", "path": "/wp-json/wc/v3/orders/*/fulfillments"}


def commit_then_drop(call: dict[str, str]) -> tuple[dict[str, Any], ...]:
    return ({"kind": "commit_then_drop", **call},)


def drop_then_commit(call: dict[str, str]) -> tuple[dict[str, Any], ...]:
    return ({"kind": "drop_then_commit", "after_s": LATE_S, **call},)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """All of it is JSON, so that a failing one can be handed to the driver again."""

    #: Customer of each order, by name; `known` is in the ERP before, every other one is new.
    customers: tuple[str, ...] = ("new",)
    enforced_key: bool = True
    bulk: int = 1
    #: Calls in flight on the ERP's connection; a drain takes half.
    concurrency: int = 8
    faults: tuple[dict[str, Any], ...] = ()
    #: `kill`; `stop` past the lease, while another drain takes over; `pause` within it, while another drain works on.
    blow: str = "kill"
    #: Orders placed before the channel's `trusted_since` are looked up before the first write.
    trusted: bool = True
    #: Name of what is taken out of the code, see `removals`.
    removed: str = ""
    #: SQLAlchemy URL of a PostgreSQL server's empty database to work in; empty for SQLite.
    postgres: str = ""
    #: `erps.site_to_json` of a running Tryton; empty for a sandbox ERP of each run's own.
    tryton: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    #: Name of what it is about, see `run.STORIES`, instead of new orders alone.
    story: str = ""
    #: The shop's, where it runs: in a story.
    shop_faults: tuple[dict[str, Any], ...] = ()
    #: Only these boundaries; empty for all.
    only: tuple[int, ...] = ()

    @property
    def settle_s(self) -> float:
        """What the ERP declares."""
        late = any(fault["kind"] == "drop_then_commit" for fault in self.faults)
        return LATE_SETTLE_S if late else PROMPT_SETTLE_S


#: Four orders of a customer that the ERP knows, two of one that it does not, and two more new ones.
BATCH = ("known", "new", "known", "new", "second", "known", "third", "known")
