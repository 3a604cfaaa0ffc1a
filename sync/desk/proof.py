"""The proof: shop = Crossdock = ERP, count and money, from fresh lists at this moment."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from sync.rules.comparison import Difference, Group, Kind, Sum, compare
from sync.rules.systems import ChannelSystems
from sync.store.engine import Store

#: Differences that are explained and under way; every other one says that the sides do not agree.
EXPLAINED = frozenset({Kind.HELD, Kind.TOO_YOUNG})


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelProof:
    """The proof of one channel."""

    channel: str
    since: dt.datetime
    until: dt.datetime
    groups: list[Group]

    @property
    def differences(self) -> list[Difference]:
        """All of them."""
        return [difference for group in self.groups for difference in group.differences]

    @property
    def holds(self) -> bool:
        """Whether every difference is explained."""
        return all(difference.kind in EXPLAINED for difference in self.differences)


def prove(store: Store, systems: ChannelSystems, since: dt.datetime, until: dt.datetime) -> ChannelProof:
    """Prove one channel over [since, until). Raises Transient, ConnectionBroken when a side cannot be read."""
    # Two rounds of polling: what is younger may not have been asked for yet.
    young = dt.timedelta(seconds=2 * systems.channel.schedules.pull_every_s)
    return ChannelProof(systems.channel.name, since, until, compare(store, systems, since, until, young=young))


def proof_to_json(proof: ChannelProof) -> list[dict[str, Any]]:
    """One object per currency and day; amounts are text."""
    return [
        {
            "channel": proof.channel,
            "currency": group.currency,
            "day": group.day,
            "shop": _sum(group.shop),
            "crossdock": _sum(group.crossdock),
            "erp": _sum(group.erp),
            "left_out": _sum(group.left_out),
            "differences": [_difference(difference) for difference in group.differences],
        }
        for group in proof.groups
    ]


def _sum(entry: Sum) -> dict[str, Any]:
    return {"count": entry.count, "total": f"{entry.total:f}"}


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": str(difference.kind),
        "where": difference.where,
        "number": difference.number,
        "shop_id": difference.shop_id or None,
        "erp_ids": list(difference.erp_ids),
        "detail": difference.detail,
    }
