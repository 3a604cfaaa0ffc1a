"""The proof: shop = Crossdock = ERP, count and money, from fresh lists at this moment; of orders and of refunds."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from config.model import Depth
from sync.desk.phrases import Phrase, say
from sync.rules.comparison import Difference, Group, Kind, Sum, compare
from sync.rules.refund_comparison import compare_refunds
from sync.rules.systems import ChannelSystems
from sync.store.channels import channel_state
from sync.store.engine import Store
from sync.store.fees import FeeSums, fee_sums
from sync.store.reports import save_report

#: Differences that are explained: under way, or settled by a person; every other one says that the sides do not agree.
EXPLAINED = frozenset({Kind.HELD, Kind.TOO_YOUNG, Kind.SEEN_TO, Kind.LEFT_OUT})
#: What each kind of difference is called.
KINDS: Final[Mapping[str, Phrase]] = {
    Kind.MISSING: say("missing"),
    Kind.DOUBLED: say("doubled"),
    Kind.FOREIGN: say("foreign"),
    Kind.AMOUNT: say("with another amount"),
    Kind.STATE: say("in another state"),
    Kind.HELD: say("held"),
    Kind.TOO_YOUNG: say("too young"),
    Kind.SEEN_TO: say("seen to"),
    Kind.LEFT_OUT: say("left out"),
}
#: How far back a proof looks where nothing else is said.
_BACK = dt.timedelta(days=30)
#: A proof over sides that have nothing in common would be as large as both of them.
_KEPT_DIFFERENCES = 200


@dataclasses.dataclass(frozen=True, slots=True)
class ChannelProof:
    """The proof of one channel."""

    channel: str
    since: dt.datetime
    until: dt.datetime
    groups: list[Group]
    #: The same for what was given back, by the day of the refund; None where the channel carries no refunds over.
    refunds: list[Group] | None = None
    #: What gateways kept of the payments of the orders placed that day, and what of it is booked; None where the
    #: channel books no fees. They are no part of an order, so nothing here is a difference.
    fees: list[FeeSums] | None = None

    @property
    def differences(self) -> list[Difference]:
        """All of them, those of orders first."""
        groups = [*self.groups, *(self.refunds or ())]
        return [difference for group in groups for difference in group.differences]

    @property
    def holds(self) -> bool:
        """Whether every difference is explained."""
        return all(difference.kind in EXPLAINED for difference in self.differences)


def prove(store: Store, systems: ChannelSystems, since: dt.datetime, until: dt.datetime) -> ChannelProof:
    """Prove one channel over [since, until). Raises Transient, ConnectionBroken when a side cannot be read."""
    # Two rounds of polling: what is younger may not have been asked for yet.
    young = dt.timedelta(seconds=2 * systems.channel.schedules.pull_every_s)
    orders = compare(store, systems, since, until, young=young)
    refunds = compare_refunds(store, systems, since, until, young=young)
    channel, fees = systems.channel, None
    if channel.after_import.fees is not Depth.NONE:
        fees = store.read(lambda c: fee_sums(c, channel.name, channel.source, since, until))
    return ChannelProof(channel.name, since, until, orders, refunds, fees)


def prove_channel(
    store: Store, systems: ChannelSystems, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> ChannelProof:
    """Prove one channel over its whole life, at most 30 days unless `since` says more, and keep the report.

    Raises what `prove` raises.
    """
    now = dt.datetime.now(dt.UTC)
    if since is None:
        state = store.read(lambda c: channel_state(c, systems.channel.name))
        since = max(now - _BACK, state.start_at) if state is not None else now - _BACK
    proof = prove(store, systems, since, until or now)
    body = proof_report(proof)
    store.write(lambda c: save_report(c, "proof", proof.channel, ok=proof.holds, body=body))
    return proof


def proof_report(proof: ChannelProof) -> dict[str, Any]:
    """What is kept of a proof: its sums, and as many differences as somebody reads."""
    groups = proof_to_json(proof)
    left = _KEPT_DIFFERENCES
    for group in groups:
        for part in (group, group["refunds"] or {"differences": []}):
            part["differences"], left = part["differences"][:left], max(0, left - len(part["differences"]))
    kinds = collections.Counter(str(difference.kind) for difference in proof.differences)
    return {
        "since": proof.since.isoformat(),
        "until": proof.until.isoformat(),
        "holds": proof.holds,
        "kinds": dict(sorted(kinds.items())),
        "groups": groups,
    }


def proof_to_json(proof: ChannelProof) -> list[dict[str, Any]]:
    """One object per currency and day; amounts are text. `refunds` says the same of what was given back on that day.

    It is null where the channel carries no refunds over, as `fees` is where it books none.
    """
    fees = {(each.currency, each.day): each for each in proof.fees or ()}
    orders = {(group.currency, group.day): group for group in proof.groups}
    refunds = {(group.currency, group.day): group for group in proof.refunds or ()}
    return [
        {
            "channel": proof.channel,
            "currency": currency,
            "day": day,
            **_group(orders.get((currency, day)) or Group(currency, day)),
            "refunds": None if proof.refunds is None else _group(refunds.get((currency, day)) or Group(currency, day)),
            "fees": None if proof.fees is None else _fees(fees.get((currency, day)) or FeeSums(currency, day)),
        }
        for currency, day in sorted({*orders, *refunds, *fees})
    ]


def _group(group: Group) -> dict[str, Any]:
    return {
        "shop": _sum(group.shop),
        "crossdock": _sum(group.crossdock),
        "erp": _sum(group.erp),
        "left_out": _sum(group.left_out),
        "differences": [_difference(difference) for difference in group.differences],
    }


def _fees(sums: FeeSums) -> dict[str, Any]:
    return {
        "shop": {"count": sums.shop_count, "total": f"{sums.shop_total:f}"},
        "booked": {"count": sums.booked_count, "total": f"{sums.booked_total:f}"},
    }


def _sum(entry: Sum) -> dict[str, Any]:
    return {"count": entry.count, "total": f"{entry.total:f}"}


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "kind": str(difference.kind),
        "where": difference.where,
        "number": difference.number,
        "shop_id": difference.shop_id or None,
        "refund_id": difference.refund_id or None,
        "erp_ids": list(difference.erp_ids),
        "detail": difference.detail,
        "decided": None if difference.decided is None else difference.decided.to_json(),
    }
