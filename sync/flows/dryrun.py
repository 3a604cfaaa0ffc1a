"""A dry run of one order: the steps of a drain, with every write recorded instead of sent, here and in the ERP.

Nothing changes: no lease is taken, no intent, order or event is written (the store it is given refuses), and the
connectors of `Systems.dry` record a write and raise instead of sending it. What a drain would ask the shop and the ERP
is asked. So it stops where the next call needs the answer to one that was not sent:

* the ids of a customer and of addresses that are made first are not known: they stand as `<party:...>` in the sale;
* a sale that is created has no id yet, so the calls that quote and confirm it can only be named;
* whether the ERP takes the document, and what it computes as its total, only the ERP can say;
* of what hangs on a sale each thing is shown as far as its first write: a credit note of a refund that is made first,
  the payment of an invoice that is posted first are not there yet.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn, TypeVar, cast

from sqlalchemy import Connection

from connectors.kit.base import JsonDict
from connectors.kit.exchanges import Exchange, capture
from connectors.kit.facets import DocumentFile
from connectors.kit.http import DryRun
from sync.flows import parties, routing, sales
from sync.flows.context import Clock, Drain
from sync.flows.facets import converge as facets
from sync.flows.orders import plan
from sync.flows.piece import Piece, conclude
from sync.rules.corrected import Standing
from sync.rules.lookups import load_lookups
from sync.rules.systems import ChannelSystems, Side
from sync.store.channels import ChannelState, channel_state
from sync.store.documents import Document, Seen, load_documents
from sync.store.engine import Store
from sync.store.files import KeptFile
from sync.store.intents import Wanted
from sync.store.items import Item, load_item
from sync.store.leases import Lease

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
        return self.makes_sale and len(self.calls) > len(self.piece.units)

    @property
    def makes_sale(self) -> bool:
        """Whether the sale would be made, and not only be brought on."""
        return any(unit.sale is not None and unit.document is None for unit in self.piece.units)


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

    #: What counts as corrected in the place of what is kept; None for that.
    trial: Standing | None = None

    def load_corrections(self, item_ids: Sequence[int]) -> None:
        """Those that are tried, where some are."""
        if self.trial is None:
            Drain.load_corrections(self, item_ids)
        else:
            self.corrections = dict.fromkeys(item_ids, self.trial)

    #: The customer that would have been made, as the ERP would answer.
    party: Callable[[], JsonDict] = dict

    def announce(self, wanted: Sequence[Wanted], *, side: Side | None = None) -> dict[str, int]:  # noqa: ARG002
        """Every document as if it was free."""
        return {entry.key: number for number, entry in enumerate(wanted, 1)}

    def save_party(self, payload: JsonDict) -> JsonDict:
        """The customer that would have been made for the one that is not there."""
        try:
            return self.target.save_party(payload)
        except DryRun:
            return self.party()

    def keep_seen(self, rows: Sequence[Seen]) -> dict[tuple[str, str, str], int]:
        """As if each was new."""
        return {(row.connection, row.kind, row.external_id): -number for number, row in enumerate(rows, 1)}

    def keep_surveyed(self, rows: Mapping[int, Sequence[Seen]], kinds: Sequence[str]) -> dict[int, list[Document]]:
        """What is known of the orders, with what was seen now in the place of what was seen before."""
        known = self.store.read(lambda c: load_documents(c, list(rows)))
        return {order_id: self._now(known.get(order_id, []), each, kinds) for order_id, each in rows.items()}

    def _now(self, known: Sequence[Document], rows: Sequence[Seen], kinds: Sequence[str]) -> list[Document]:
        erp = self.lease.connection
        before = {(doc.kind, doc.external_id): doc for doc in known if doc.connection == erp and doc.kind in kinds}
        now = [_as_document(row, before.get((row.kind, row.external_id)), -n) for n, row in enumerate(rows, 1)]
        return [*(doc for doc in known if doc not in before.values()), *now]

    def keep_file(self, doc: Document, facts: str, fetch: Callable[[], DocumentFile]) -> KeptFile:  # noqa: ARG002
        """A file under a name that no file ever has: it is not fetched, and its own is given when it is kept."""
        return KeptFile("the-file-that-will-be-kept", doc.id, "", "", facts, "", 0)

    def take_turn(self, name: str, length_s: float) -> str | None:  # noqa: ARG002
        """Nobody is in the way of what is not written."""
        return _NO_LEASE

    def give_turn_up(self, name: str, token: str) -> None:
        """Nothing was taken."""


def _as_document(row: Seen, before: Document | None, number: int) -> Document:
    names = {field.name for field in dataclasses.fields(Document)} & {field.name for field in dataclasses.fields(Seen)}
    seen: dict[str, Any] = {name: getattr(row, name) for name in names}
    if before is not None:
        return dataclasses.replace(before, **seen)
    nothing = {field.name: None for field in dataclasses.fields(Document)}
    return Document(**{**nothing, **seen, "id": number, "made_digest": "", "seen_at": dt.datetime.now(dt.UTC)})


def rehearse(store: Store, systems: ChannelSystems, item_id: int, *, trial: Standing | None = None) -> Rehearsal:
    """What a drain would do with this item now. `systems` must be dry ones. Raises LookupError.

    With `trial` as if these corrections counted.
    """
    item = store.read(lambda c: load_item(c, item_id))
    if trial is not None:
        # Another order than the one that a person has let pass.
        item = dataclasses.replace(item, approved=frozenset(), approved_digest="")
    # As if it was released now: an order that rests is compared with both systems too.
    item = dataclasses.replace(item, facets=item.facets | {"target"})
    with _dry_drain(store, systems) as drain, capture() as seen:
        drain.trial = trial
        piece = _go(drain, item)
    # The window's threads collect for the piece, everything else was collected here.
    exchanges = sorted(
        {id(each): each for each in (*seen, *piece.exchanges)}.values(), key=lambda each: each.started_at
    )
    return Rehearsal(
        piece,
        calls=tuple(each for each in exchanges if each.error == "dry run"),
        asked=tuple(each for each in exchanges if each.error != "dry run"),
    )


def _go(drain: _DryDrain, item: Item) -> Piece:
    piece = plan(drain, [item])[0]
    order, ref = piece.order, piece.party_ref
    if order is not None and ref is not None:
        options = drain.systems.target_options
        drain.party = lambda: drain.mapping.party_made(order, ref, piece.resolved, options)
    if not piece.ended:
        sales.look_first(drain, [piece])
        routing.rehearse(drain, piece)
    if not piece.ended:
        parties.make(drain, [piece])
    if not piece.ended and piece.order_id is not None:
        facets.before_sale(drain, [piece])
    if not piece.ended:
        sales.push(drain, [piece])
    if piece.order_id is not None:
        facets.after_sale(drain, [piece])
    conclude([piece])
    return piece


@contextlib.contextmanager
def _dry_drain(store: Store, systems: ChannelSystems) -> Iterator[_DryDrain]:
    channel = systems.channel
    now = dt.datetime.now(dt.UTC)
    known = store.read(lambda c: channel_state(c, channel.name)) or ChannelState(channel.policies.start_at or now, now)
    # What waits for a person who compares is what is looked at.
    state = dataclasses.replace(known, canary_left=0)
    lookups = store.read(lambda c: load_lookups(c, channel))
    lease = Lease(_NO_LEASE, channel.name, "order", channel.erp, 1, systems.lease_s)
    clock = Clock(systems.lease_s, time.monotonic())
    with ThreadPoolExecutor(1, thread_name_prefix="dry") as pool:
        asking = systems.asking(lookups)
        yield _DryDrain(_ReadOnly(store.engine), asking, state, lease, clock, lookups, pool)
