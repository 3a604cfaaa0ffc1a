"""A dry run of one order: the steps of a drain, with every write recorded instead of sent, here and in the ERP.

Nothing changes: no lease is taken, no intent, order or event is written (the store it is given refuses), and the
connectors of `Systems.dry` record a write and raise instead of sending it. What a drain would ask the shop and the ERP
is asked. So it stops where the next call needs the answer to one that was not sent:

* the ids of a customer and of addresses that are made first are not known: they stand as `<party:...>` in the sale;
* a sale that is created has no id yet, so the calls that quote and confirm it can only be named;
* whether the ERP takes the document, and what it computes as its total, only the ERP can say.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TypeVar, cast

from sqlalchemy import Connection

from connectors.kit.base import DocumentSummary, JsonDict, Rank, Ref, Result, SalesTarget, TargetDocument
from connectors.kit.exchanges import Exchange, capture
from connectors.kit.http import DryRun
from sync.flows import parties, routing, sales
from sync.flows.context import Clock, Drain
from sync.flows.orders import plan
from sync.flows.piece import Piece
from sync.rules.systems import ChannelSystems, Side
from sync.store.channels import ChannelState, channel_state
from sync.store.engine import Store
from sync.store.intents import Wanted
from sync.store.items import Item, load_item
from sync.store.leases import Lease
from sync.store.lookups import load_lookups

T = TypeVar("T")
#: As a token no lease ever has.
_NO_LEASE = "dry run"


@dataclasses.dataclass(frozen=True, slots=True)
class Rehearsal:
    """How a drain would go about one order."""

    piece: Piece
    #: What would be sent, in its order; redacted like every exchange.
    calls: tuple[Exchange, ...]
    #: What was asked on the way, for real.
    asked: tuple[Exchange, ...]

    @property
    def error(self) -> Exception | None:
        """Why a drain would stop before it sends anything; that its writes were not sent is none."""
        return None if isinstance(self.piece.error, DryRun) else self.piece.error

    @property
    def makes_party(self) -> bool:
        """Whether the customer, or an address, would be made first: then the sale names ids that nobody knows yet."""
        return self.piece.sale is not None and len(self.calls) > 1

    @property
    def makes_sale(self) -> bool:
        """Whether the sale would be made, and not only be brought on."""
        return self.piece.sale is not None and self.piece.document is None


class _ReadOnly(Store):
    """A store that a dry run cannot write to."""

    def write(self, work: Callable[[Connection], T]) -> NoReturn:
        """There is no way."""
        raise AssertionError(f"a dry run wants to write: {work}")


@dataclasses.dataclass(slots=True)
class _DryDrain(Drain):
    """A drain whose own writes do not happen either."""

    def write(self, work: Callable[[Connection], T]) -> T:  # noqa: ARG002 - that is the point
        """Nothing; the steps that a dry run takes use no answer of it."""
        return cast("T", None)

    def announce(self, wanted: Sequence[Wanted], *, side: Side | None = None) -> dict[str, int]:  # noqa: ARG002
        """Every document as if it was free."""
        return {entry.key: number for number, entry in enumerate(wanted, 1)}


class _DryTarget(SalesTarget):
    """The ERP, with the customer that would have been made for the one that is not there."""

    def __init__(self, target: SalesTarget) -> None:
        self._target = target
        self.party: Callable[[], JsonDict] = dict
        self.concurrency, self.bulk = 1, 1
        self.write_deadline_s, self.settle_bound_s = target.write_deadline_s, target.settle_bound_s
        self.keys = target.keys

    def resolve(self, refs: Iterable[Ref]) -> dict[Ref, JsonDict]:
        return self._target.resolve(refs)

    def save_party(self, payload: JsonDict) -> JsonDict:
        try:
            return self._target.save_party(payload)
        except DryRun:
            return self.party()

    def find_sales(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        return self._target.find_sales(keys)

    def create_sales(self, payloads: Sequence[JsonDict]) -> list[Result]:
        return self._target.create_sales(payloads)

    def advance_sales(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        return self._target.advance_sales(documents, rank)

    def delete_draft(self, document: TargetDocument) -> None:
        self._target.delete_draft(document)

    def list_sales(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        return self._target.list_sales(since, until)


def rehearse(store: Store, systems: ChannelSystems, item_id: int) -> Rehearsal:
    """What a drain would do with this item now. `systems` must be dry ones. Raises LookupError."""
    item = store.read(lambda c: load_item(c, item_id))
    target = _DryTarget(systems.target)
    with _dry_drain(store, dataclasses.replace(systems, target=target)) as drain, capture() as seen:
        piece = _go(drain, target, item)
    # The window's threads collect for the piece, everything else was collected here.
    exchanges = sorted(
        {id(each): each for each in (*seen, *piece.exchanges)}.values(), key=lambda each: each.started_at
    )
    return Rehearsal(
        piece,
        calls=tuple(each for each in exchanges if each.error == "dry run"),
        asked=tuple(each for each in exchanges if each.error != "dry run"),
    )


def _go(drain: _DryDrain, target: _DryTarget, item: Item) -> Piece:
    piece = plan(drain, [item])[0]
    order, ref = piece.order, piece.party_ref
    if order is not None and ref is not None:
        options = drain.systems.target_options
        target.party = lambda: drain.mapping.party_made(order, ref, piece.resolved, options)
    if not piece.ended:
        sales.look_first(drain, [piece])
        routing.rehearse(drain, piece)
    if not piece.ended:
        parties.make(drain, [piece])
    if not piece.ended:
        sales.push(drain, [piece])
    return piece


@contextlib.contextmanager
def _dry_drain(store: Store, systems: ChannelSystems) -> Iterator[_DryDrain]:
    channel = systems.channel
    now = dt.datetime.now(dt.UTC)
    state = store.read(lambda c: channel_state(c, channel.name)) or ChannelState(channel.policies.start_at or now, now)
    lookups: Mapping[tuple[str, str], str] = store.read(lambda c: load_lookups(c, channel.name, channel.erp))
    lease = Lease(_NO_LEASE, channel.name, "order", channel.erp, 1, systems.lease_s)
    clock = Clock(systems.lease_s, time.monotonic())
    with ThreadPoolExecutor(1, thread_name_prefix="dry") as pool:
        yield _DryDrain(_ReadOnly(store.engine), systems, state, lease, clock, lookups, pool)
