"""One order on its way through a batch: what a flow knows of it so far, and how it ended."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from connectors.kit.base import JsonDict, TargetDocument
from connectors.kit.errors import ConnectorError, Locked, RecordRejected
from connectors.kit.http import DryRun
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.facets import Standing
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from sync.flows.rows import Prints
from sync.rules.corrections import CAUSE as OUTDATED
from sync.rules.corrections import Conflict
from sync.rules.refusals import locked
from sync.rules.routing import Route
from sync.rules.stops import Held, Later, NotSent, Together, Unsettled
from sync.store.bindings import Binding
from sync.store.documents import Document
from sync.store.engine import DatabaseBusy
from sync.store.intents import Intent
from sync.store.items import Item
from sync.store.leases import LeaseLost
from sync.store.orders import KnownOrder
from sync.store.routes import GivenUp, RoutePart

#: What a person has to see to, and nothing else of the order has to wait for.
_FORESEEN: Final = (ConnectorError, Held, Problems, NotSent, Unsettled, Later)
_OF_THE_ORDER: Final = (Held, Problems, RecordRejected)


@contextlib.contextmanager
def guarded(*pieces: Piece) -> Iterator[None]:
    """One bad document never stops another: what a step over `pieces` raises becomes their error.

    An exception that nobody foresaw parks its document loudly (`sync/desk/outcomes.py`); of several nobody knows whose
    fault it is, so none is parked before it failed alone. The two that are about the
    drain and not about a document go through: the lost lease, and the parent's time-out (a BaseException).
    """
    try:
        yield
    except (LeaseLost, DatabaseBusy):
        raise
    except Exception as error:  # noqa: BLE001 - the border around one document
        stop = Together(error) if len(pieces) > 1 and not isinstance(error, _FORESEEN) else error
        for piece in pieces:
            piece.error = stop


@contextlib.contextmanager
def aside(piece: Piece) -> Iterator[None]:
    """One thing about an order never stops another: what needs a person is kept for the end, and the rest goes on.

    What is wrong with a whole system goes through, and ends the order's turn.
    """
    try:
        yield
    except _OF_THE_ORDER as stop:
        piece.stops.append(stop)


def set_aside(piece: Piece) -> None:
    """The same for what stopped it already: it cannot be read, say, and what was begun for it is looked up anyway."""
    if isinstance(piece.error, _OF_THE_ORDER):
        piece.stops.append(piece.error)
        piece.error = None


@contextlib.contextmanager
def alone(piece: Piece) -> Iterator[None]:
    """The same for what no later step needs: a dry run goes on behind a write that it has recorded."""
    with aside(piece), contextlib.suppress(DryRun):
        yield


def conclude(pieces: Iterable[Piece]) -> None:
    """What was set aside becomes the end of its piece; where a system failed, all of it is tried again anyway."""
    for piece in pieces:
        if piece.stops and piece.error is None:
            piece.error = _together(piece.stops)


def _together(stops: Sequence[Exception]) -> Exception:
    if len(stops) == 1:
        return stops[0]
    problems: list[Problem] = []
    for stop in stops:
        if isinstance(stop, Held | Problems):
            problems.extend(stop.problems)
        elif isinstance(stop, Locked):
            problems.append(locked(stop))
        elif isinstance(stop, RecordRejected):
            problems.append(Problem("rejected", stop.field, str(stop), stop.code))
    return Held(problems)


@dataclasses.dataclass(slots=True)
class Piece:
    """One claimed item and what became of it. Ends with a document or with one of what `ended` names."""

    item: Item
    payload: JsonDict | None = None
    deleted: bool = False
    digest: str = ""
    order: Order | None = None
    #: The order's JSON with its fingerprints, once it is mapped.
    prints: Prints | None = None
    #: Never this channel's to carry: it leaves no order row.
    foreign: bool = False
    known: KnownOrder | None = None
    binding: Binding | None = None
    #: What the target must know for it, and what the target knows of that.
    refs: frozenset[Ref] = frozenset()
    resolved: dict[Ref, JsonDict] = dataclasses.field(default_factory=dict)
    #: The look-up rows that the order was made with, and that its sale is; None where neither is made anew.
    mapped_rows: bytes | None = None
    sale_rows: bytes | None = None
    warnings: list[Problem] = dataclasses.field(default_factory=list)
    order_id: int | None = None
    #: The sale's idempotency key in the target.
    key: str = ""
    sale: JsonDict | None = None
    #: From where it is sent, where that is chosen for this sale.
    route: Route | None = None
    #: How it is divided, and each part as a piece of its own (`sync.flows.parts`); empty for an order that is one sale.
    split: tuple[RoutePart, ...] = ()
    parts: list[Piece] = dataclasses.field(default_factory=list)
    #: Of an order that was short: what is not sent, and given back in the shop.
    given_up: tuple[GivenUp, ...] = ()
    #: Which part of which piece it is.
    part: int = 0
    whole: Piece | None = dataclasses.field(default=None, repr=False)
    #: Part -> its living binding.
    bound: dict[int, Binding] = dataclasses.field(default_factory=dict)
    #: Intents of earlier drains whose outcome nobody knows yet.
    open: list[Intent] = dataclasses.field(default_factory=list)
    #: The intent of this drain; 0 while none is open.
    intent: int = 0
    #: The target was asked what stands under `key`, and its answer is conclusive.
    looked: bool = False
    document: TargetDocument | None = None
    #: What stood under `key` before and was cancelled there.
    cancelled: list[TargetDocument] = dataclasses.field(default_factory=list)
    #: What went over the wire for it, redacted; shared by the pieces of a bulk call.
    exchanges: list[Any] = dataclasses.field(default_factory=list)
    started_at: dt.datetime = dataclasses.field(default_factory=lambda: dt.datetime.now(dt.UTC))
    error: Exception | None = None
    #: What needs a person about it, while what else there is to do for it goes on (`aside`).
    stops: list[Exception] = dataclasses.field(default_factory=list)
    #: The connection that was spoken to last; empty where only the usual ones can have been.
    speaks_to: str = ""
    #: The shop does not want the order any more, and its sale is to be cancelled.
    withdrawn: bool = False
    #: The order that its sale was made from (compressed canonical JSON), where the shop has edited it since.
    edited_from: bytes | None = None
    #: The sale as it stands in the ERP with all that hangs on it: the ERP's JSON, and what it means.
    surveyed: JsonDict | None = None
    standing: Standing | None = None
    #: What hangs on the order in either system, as last seen.
    documents: list[Document] = dataclasses.field(default_factory=list)
    #: What people have corrected of it, and the shop has changed since.
    overtaken: tuple[Conflict, ...] = ()
    skipped: str = ""
    waits: str = ""
    converged: str = ""
    #: It stays set aside as it was; only the outcome of its last write was found out.
    stays_parked: bool = False

    @property
    def units(self) -> list[Piece]:
        """What is one sale each: its parts, or itself."""
        return self.parts or [self]

    @property
    def owner(self) -> Piece:
        """The piece of the whole order."""
        return self.whole or self

    @property
    def sale_doubts(self) -> list[Intent]:
        """Writes of this very sale that nobody has looked up yet."""
        return [each for each in self.open if each.kind == "sale" and (self.whole is None or each.key == self.key)]

    @property
    def sale_id(self) -> str:
        """The sale's id in the ERP; empty while there is none."""
        if self.document is not None:
            return self.document.external_id
        return "" if self.binding is None else self.binding.external_id

    @property
    def material(self) -> str:
        """Digest of what the sale is made from."""
        return self.prints.material if self.prints else ""

    @property
    def canonical(self) -> str:
        """The same with the versions of the mappings."""
        return self.prints.canonical if self.prints else ""

    @property
    def party_ref(self) -> Ref | None:
        """The party of the order, as its mapping asks for it."""
        return next((ref for ref in self.refs if ref.kind == "party"), None)

    @property
    def in_doubt(self) -> bool:
        """A write of this order's sale may have happened that nobody has looked up yet."""
        return bool(self.sale_doubts)

    @property
    def approved(self) -> frozenset[str]:
        """What a person lets pass; approvals are for the content that the person saw."""
        return self.item.approved if self.item.approved_digest == self.digest else frozenset()

    @property
    def outdated(self) -> list[Problem]:
        """Corrections that hold it: the shop has overtaken them, and nobody has let that pass."""
        return [] if OUTDATED in self.approved else [conflict.problem for conflict in self.overtaken]

    @property
    def ended(self) -> bool:
        """Whether there is nothing more to do for it in this batch."""
        return bool(self.error or self.stops or self.skipped or self.waits or self.converged or self.stays_parked)
