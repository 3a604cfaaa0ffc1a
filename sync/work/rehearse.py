"""A dry run of one order as people ask for it: in plain words, with the exact calls."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from config.model import DocumentState, ProfileFile
from connectors.kit.exchanges import Exchange
from mappings.canonical.schemas import order_to_json
from sync.desk.outcomes import Place, decide
from sync.desk.phrases import Phrase, say, say_many
from sync.desk.totals import TotalsProof, prove_totals
from sync.flows.dryrun import Rehearsal, rehearse
from sync.rules.corrected import Standing
from sync.rules.pinned import pinned_systems
from sync.rules.systems import ChannelSystems, Systems
from sync.store.engine import Store
from sync.store.orders import StoredOrder

#: Nobody waits longer for one call of a dry run.
_DEADLINE_S = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class DryRunReport:
    """What a drain would do with one order now."""

    verdict: Phrase
    #: Everything that would stop it: (path, reason).
    problems: tuple[tuple[str, str], ...]
    #: What would be sent, in its order.
    calls: tuple[Exchange, ...]
    #: What was asked of the shop and the ERP for it.
    asked: tuple[Exchange, ...]
    #: The warehouse that would send it, and why; empty where nothing chooses one.
    route: str
    #: What cannot be shown, because the ERP would have to answer first.
    unseen: tuple[Phrase, ...]
    #: The order as it would be read, in our own JSON; None where it cannot be read.
    canonical: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON; times are ISO text."""
        return {
            "verdict": str(self.verdict),
            "problems": [{"path": path, "reason": reason} for path, reason in self.problems],
            "calls": [_call_to_json(call) for call in self.calls],
            "asked": [_call_to_json(call) for call in self.asked],
            "routing": str(self.route),
            "unseen": [str(text) for text in self.unseen],
            "order": self.canonical,
            "totals": None if self.canonical is None else _totals_to_json(prove_totals(self.canonical)),
        }


def dry_run(
    store: Store,
    systems: Systems,
    order: StoredOrder,
    *,
    profile: ProfileFile | None = None,
    trial: Standing | None = None,
) -> DryRunReport:
    """Go through the order's next drain without any effect. `systems` may be the working ones: dry ones are made.

    With `profile` as if that text was published, with `trial` as if these corrections counted. Raises LookupError when
    the order is not known any more or stays with a mapping that nobody can read now, ProfileError, DatabaseBusy.
    """
    with contextlib.closing(systems.dry(deadline_s=_DEADLINE_S)) as dry:
        channel = dry.channel(order.channel)
        channel = pinned_systems(store, channel, order.item_id) if profile is None else channel.trying(profile)
        done = rehearse(store, channel, order.item_id, trial=trial)
        return DryRunReport(
            _verdict(channel, done),
            tuple(_problems(channel, done)),
            done.calls,
            done.asked,
            _route(done),
            tuple(_unseen(channel, done)),
            None if done.piece.order is None else order_to_json(done.piece.order),
        )


def _problems(systems: ChannelSystems, done: Rehearsal) -> Iterator[tuple[str, str]]:
    if done.error is None:
        return
    channel, piece = systems.channel, done.piece
    # What could not even be read failed at its source.
    asked = channel.source if piece.payload is None and not piece.deleted else channel.erp
    decision = decide(done.error, Place(channel=channel.name, connection=asked))
    details = [detail for _, found in decision.causes for detail in found]
    yield from details or [("", decision.reason)]


def _route(done: Rehearsal) -> str:
    route = done.piece.route
    if route is None:
        return ""
    return say("%(warehouse)s: %(reason)s", warehouse=route.warehouse, reason=route.reason)


def _verdict(systems: ChannelSystems, done: Rehearsal) -> Phrase:
    piece = done.piece
    if done.error is not None and not done.calls:
        return say("It would go no further: nothing is sent while this stands.")
    if done.error is not None:
        return say_many(
            "This would wait for a person; %(count)s call would be sent to %(erp)s all the same.",
            "This would wait for a person; %(count)s calls would be sent to %(erp)s all the same.",
            len(done.calls),
            erp=_receivers(systems, done),
        )
    if piece.skipped:
        return say("It would not be carried over: %(reason)s", reason=piece.skipped)
    if piece.waits:
        return say("It would wait: %(reason)s", reason=piece.waits)
    if not done.calls:
        return say("Nothing would be sent: %(erp)s has what the shop says.", erp=systems.channel.erp)
    return say_many(
        "%(count)s call would be sent to %(erp)s.",
        "%(count)s calls would be sent to %(erp)s.",
        len(done.calls),
        erp=_receivers(systems, done),
    )


def _receivers(systems: ChannelSystems, done: Rehearsal) -> str:
    """Who would be called."""
    channel = systems.channel
    shop_url, erp_url = (systems.config.connections[name].url for name in (channel.source, channel.erp))
    called = {channel.source if shop_url and call.url.startswith(shop_url) else channel.erp for call in done.calls}
    if shop_url == erp_url or len(called) > 1:
        return say("%(erp)s and %(shop)s", erp=channel.erp, shop=channel.source)
    return called.pop()


def _unseen(systems: ChannelSystems, done: Rehearsal) -> Iterator[Phrase]:
    if not done.makes_sale:
        return
    state = systems.channel.policies.document_state
    if done.makes_party:
        yield say("The ids of the customer and of new addresses: the ERP gives them when it makes them.")
    if state is not DocumentState.DRAFT:
        yield say("The calls that bring the sale on to %(state)s: they name the id that it gets.", state=state)
    yield say("Whether the ERP takes the sale, and the total that it computes for it.")


def _totals_to_json(proof: TotalsProof) -> dict[str, Any]:
    return {
        "currency": proof.currency,
        "parts": [{"label": str(part.label), "amount": f"{part.amount:f}"} for part in proof.parts],
        "sum": f"{proof.sum:f}",
        "grand": f"{proof.grand:f}",
        "ties": proof.ties,
    }


def _call_to_json(call: Exchange) -> dict[str, Any]:
    return dataclasses.asdict(call) | {"started_at": call.started_at.isoformat()}
