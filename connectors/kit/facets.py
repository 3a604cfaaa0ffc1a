"""What hangs on an order beside its sale: shipments, invoices, refunds, payments, changes, in both directions.

Every capability here is optional: a flow asks for the protocol and leaves out what a system does not offer. Payloads
are the vendor's JSON, made and read by its mapping. A write says by its error whether it can have landed, as in
`SalesTarget`; the target's `keys` declare for each kind of document how it is kept single. Kinds: `refund`,
`payment`, `fee` in an ERP; `fulfilment`, `note`, `mark` (what an order is marked with) in a shop.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol, runtime_checkable

from connectors.kit.base import Envelope, JsonDict, KeyDeclaration, Page, Rank, Result, TargetDocument

# --- what both can do --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefundSummary:
    """One line of a cheap list of refunds (in an ERP: of what it credits), for the proof."""

    external_id: str
    #: Our key, where an ERP's document carries one.
    key: str = ""
    #: Id of what it gives money back of: the order in a shop, the sale in an ERP.
    of: str
    #: What people call it: the order's number in a shop, the document's in an ERP.
    number: str
    state: str
    #: What it gives back, with tax: positive, exactly as the system wrote it.
    amount: Decimal
    currency: str
    made_at: dt.datetime
    #: The calendar day in the system's own zone.
    made_on: dt.date
    #: How far an ERP's document got; None in a shop.
    rank: Rank | None = None
    #: Whether an ERP's credit note is posted; None where nobody said.
    posted: bool | None = None


@runtime_checkable
class ListsRefunds(Protocol):
    """Lists refunds afresh, whoever made them, so that they can be proven."""

    @abstractmethod
    def list_refunds(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund of our shop made in the window, each once; in an ERP cancelled ones and those without key too.

        Raises Transient, ConnectionBroken, RecordRejected for one that cannot be read.
        """


# --- what an ERP can do ------------------------------------------------------------------------------------------


@runtime_checkable
class FollowsSales(Protocol):
    """Tells what became of our shop's sales, and of what hangs on them."""

    #: Sales of one `survey_sales` call.
    survey_batch: int

    @abstractmethod
    def pull_sales(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Sales that changed, or on which something changed (shipment, return, invoice, payment), oldest change first.

        Each envelope names a sale, for a refund's own documents the sale that it refunds; its payload is empty, for it
        only says "look". Every page is safe to resume from. Raises Transient, ConnectionBroken.
        """

    @abstractmethod
    def survey_sales(self, external_ids: Sequence[str]) -> dict[str, JsonDict]:
        """Sale id -> the sale as it stands now with everything that hangs on it; an absent one is gone.

        Raises Transient, ConnectionBroken.
        """


@runtime_checkable
class RefundsSales(Protocol):
    """Takes refunds as documents of their own, kept single by our key (`keys["refund"]`)."""

    @abstractmethod
    def find_refunds(self, keys: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every refund that stands under each key, lowest id first; a key without one is absent."""

    @abstractmethod
    def create_refunds(self, payloads: Sequence[JsonDict]) -> list[Result]:
        """Create each as a draft with its key. One Result each, in order."""

    @abstractmethod
    def advance_refunds(self, documents: Sequence[TargetDocument], rank: Rank) -> list[Result]:
        """Bring each up to `rank` and read it back; one that is there already is left alone."""


@runtime_checkable
class CallsOffGoods(Protocol):
    """Takes goods out of what a sale is still to send, where a refund alone does not do it."""

    @abstractmethod
    def call_off(self, external_id: str, pieces: Mapping[str, Decimal], returns: Sequence[str]) -> None:
        """Send so many pieces of each code less, and cancel the returns (ids of shipments) that announce them.

        It may take several calls; one that ended half-way is ended by another, with the pieces that are left to take,
        or none. Raises RecordRejected where somebody has begun to pick them, or some of it was
        refused; OutcomeUnknown, Transient ...
        """


@runtime_checkable
class TakesPayments(Protocol):
    """Registers payments of an invoice or of a sale, found again by their reference (`keys["payment"]`)."""

    @abstractmethod
    def find_payments(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every payment that carries each reference, lowest id first."""

    @abstractmethod
    def register_payment(self, payload: JsonDict) -> TargetDocument:
        """Make one payment with its reference in the same call. Never two at once on one ERP.

        Raises RecordRejected (nothing was made, e.g. nothing is left to pay), OutcomeUnknown, Transient ...
        """


@runtime_checkable
class DraftsPayments(Protocol):
    """Can leave a payment for people to post; elsewhere `after_import.payments: draft` is refused."""

    @abstractmethod
    def draft_payment(self, payload: JsonDict) -> TargetDocument:
        """As `TakesPayments.register_payment`, but unposted: the invoice stays open. `find_payments` finds it too."""


@runtime_checkable
class BooksFees(Protocol):
    """Books what a gateway kept as a document of its own, found again by its reference (`keys["fee"]`).

    It hangs on no invoice, so that it may come days later, and a payment stays what the customer paid.
    """

    @abstractmethod
    def find_fees(self, references: Sequence[str]) -> dict[str, list[TargetDocument]]:
        """Every fee that carries each reference, lowest id first: drafts, and posted ones (`Rank.CONFIRMED`)."""

    @abstractmethod
    def book_fee(self, payload: JsonDict) -> TargetDocument:
        """Make one as a draft, its reference written by the same call.

        Raises RecordRejected (nothing was made, e.g. the books of that day are closed), OutcomeUnknown, Transient ...
        """

    @abstractmethod
    def post_fee(self, external_id: str) -> TargetDocument:
        """Post one and read it back; one that is posted already is left alone. Never two at once on one ERP."""


@runtime_checkable
class PostsInvoices(Protocol):
    """Posts draft invoices and credit notes."""

    @abstractmethod
    def post_invoice(self, external_id: str) -> None:
        """Post one; one that is posted already is left alone. Never two at once on one ERP (number sequences)."""


@runtime_checkable
class MakesInvoices(Protocol):
    """Makes the invoices of a sale when it is asked to, where the ERP waits for somebody to press a button."""

    @abstractmethod
    def make_invoices(self, external_id: str) -> list[str]:
        """Draft invoices of what of one sale can be invoiced by now; the ids of what was made.

        Nothing there refuses a second one, so the sale is read before and after. Raises RecordRejected where nothing
        can be invoiced, OutcomeUnknown, Transient ...
        """


@dataclasses.dataclass(frozen=True, slots=True)
class DocumentFile:
    """A file as the system gives it. `name` is the system's own, for showing only."""

    name: str
    content_type: str
    body: bytes


#: The `code` with which `GivesFiles.fetch_file` says that a document has no file by now, and may have one later.
NOT_PRINTED: Final = "not_printed"


@runtime_checkable
class GivesFiles(Protocol):
    """Gives the printable file of a document."""

    @abstractmethod
    def fetch_file(self, kind: str, external_id: str, *, max_bytes: int) -> DocumentFile:
        """The file of an `invoice` (credit notes too). Raises RecordRejected when it is larger or there is none."""


@runtime_checkable
class ChangesSales(Protocol):
    """Changes and cancels sales, as far as their state allows."""

    @abstractmethod
    def change_sale(self, external_id: str, payload: JsonDict) -> TargetDocument:
        """Write absolute values to a sale and read it back. Raises RecordRejected when its state does not allow it."""

    @abstractmethod
    def cancel_sale(self, external_id: str) -> TargetDocument:
        """Cancel it with the drafts that hang on it (shipments that have not left, draft invoices); read it back.

        What comes back may be anything but cancelled: then a person has to go on. A repeat changes nothing.
        """


# --- what a shop can do ------------------------------------------------------------------------------------------


@runtime_checkable
class DetailsRefunds(Protocol):
    """Tells the refunds of an order with their lines."""

    @abstractmethod
    def fetch_refunds(self, external_id: str) -> list[JsonDict]:
        """All refunds of one order, oldest first. Raises RecordRejected when the order is gone."""


@runtime_checkable
class MakesRefunds(Protocol):
    """Makes refunds (`order_keys["refund"]` of `MarksOrders` says how they are found again)."""

    @abstractmethod
    def create_refund(self, external_id: str, payload: JsonDict) -> JsonDict:
        """Give money of one order back; the refund as `fetch_refunds` would give it. A repeat gives it back twice.

        Raises RecordRejected where the shop refuses (more than is left, a gateway that cannot): nothing has moved.
        """


@runtime_checkable
class TakesFulfilments(Protocol):
    """Takes parcels as documents of their own, where the shop has that switched on."""

    @abstractmethod
    def takes_fulfilments(self) -> bool:
        """Whether it is switched on; asked once in a while."""

    @abstractmethod
    def list_fulfilments(self, external_id: str) -> list[JsonDict]:
        """What stands on one order, oldest first."""

    @abstractmethod
    def create_fulfilment(self, external_id: str, payload: JsonDict) -> JsonDict:
        """Add one; it comes back with its `id`."""

    @abstractmethod
    def update_fulfilment(self, external_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Change one: a tracking number that was corrected, say."""


@runtime_checkable
class MarksOrders(Protocol):
    """Changes what a shop shows of an order: its state, and what it is marked with."""

    #: How each kind is found again: `note` by our mark in its text, `mark` by its name.
    order_keys: Mapping[str, KeyDeclaration]
    #: The longest deadline of any write to the shop, in seconds.
    write_deadline_s: float

    @abstractmethod
    def update_order(self, external_id: str, payload: JsonDict) -> Envelope:
        """Write absolute values and read back. What is there already is left alone, foreign marks are never touched."""


@runtime_checkable
class TakesNotes(Protocol):
    """Takes notes at an order (`order_keys["note"]` of `MarksOrders` says how they are found again)."""

    @abstractmethod
    def list_notes(self, external_id: str) -> list[JsonDict]:
        """The notes of one order, oldest first."""

    @abstractmethod
    def add_note(self, external_id: str, payload: JsonDict) -> JsonDict:
        """Add one; a note to the customer is mailed at once and cannot be taken back."""
