"""What a mapping knows of the facets of an order: from one system's JSON to canonical records, and back to the other's.

Beside the mapping of the order itself (`mappings.base`), and as pure. All fields are optional together: a system
without the facet has None there, and the flow leaves it out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from mappings.base import JsonDict, Resolved, SourceOptions, TargetOptions
from mappings.canonical.facets import Invoice, OrderRefund, RefundLine, SaleState, Shipment, Standing
from mappings.canonical.money import Money
from mappings.canonical.records import Order, Payment
from mappings.canonical.refs import Ref

#: How a sale stands of which everything has left.
SENT: Final = (SaleState.SHIPPED.value, SaleState.DONE.value)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A shipment that is to be told to the shop: its pieces, allotted to the order's lines."""

    order: Order
    shipment: Shipment
    #: `external_id` of the order's line -> pieces in this shipment; never more than were ordered, over all shipments.
    pieces: Mapping[str, Decimal]
    #: The shop's name of the carrier, after the look-up table `carrier`.
    carrier: str
    #: The carrier's tracking page of the first parcel; empty where nobody knows it.
    tracking_url: str
    #: The shop is to mail its customer.
    notify: bool
    #: By this the shop's document is found again: it stands in what `fulfilment` and `shipment_note` write.
    key: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """An invoice, or credit note, that is to be shown in the shop."""

    order: Order
    invoice: Invoice
    #: A signed link that ends; empty where the policy is the number alone.
    link: str

    def as_json(self) -> JsonDict:
        """An entry of the list of invoices with which an order is marked where a shop leaves the form to us."""
        invoice = self.invoice
        return {
            "number": invoice.number,
            "kind": "credit_note" if invoice.credit else "invoice",
            "date": invoice.dated_on.isoformat() if invoice.dated_on else "",
            "total": f"{invoice.total.amount:f}",
            "currency": invoice.total.currency,
            "link": self.link,
            # Only where it is not the order's alone: an amount that nobody can find in the order needs its reason.
            **({"collected": True} if invoice.collected else {}),
            **({"part": f"{invoice.part.amount:f}"} if invoice.part else {}),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What the ERP's people took back or credited, or nobody can send, and the shop is to give back."""

    amount: Money
    #: What people call the ERP's document; empty where there is none.
    number: str
    #: By this the shop's refund is found again.
    key: str
    #: The shop has its gateway send the money; else it moves by hand.
    payout: bool
    #: What of the amount is given back of which line; empty where it is an amount alone.
    lines: tuple[RefundLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StateWords:
    """What `state` takes: the states that an order of the shop can be given from outside."""

    #: How the sale stands in the ERP -> what the order becomes where the channel is silent.
    default: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: Every word that the system itself has; None where any text is one.
    known: tuple[str, ...] | None = None
    #: People add words of their own to these.
    extended: bool = False
    #: What to do about a word that is not known, in the configuration's own language; empty for nothing.
    hint: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShopFacets:
    """What a shop's mapping reads and writes of the facets."""

    #: The payload of `create_fulfilment` and `update_fulfilment`; None for a shop without fulfilments.
    fulfilment: Callable[[Sent], JsonDict] | None = None
    #: The key that a fulfilment of the shop carries; empty for one that is not ours.
    fulfilment_key: Callable[[JsonDict], str] = lambda _: ""
    #: The payload of `update_order` that marks the order with its parcels, beside what marks it already.
    shipment_marks: Callable[[Sequence[Sent], JsonDict], JsonDict]
    #: The same for its invoices and credit notes.
    invoice_marks: Callable[[Sequence[Billed], JsonDict], JsonDict]
    #: The payload of `update_order` that brings the order into one of the shop's own states.
    state: Callable[[str], JsonDict]
    #: What `state` takes, under these options of the connection; any text where nothing is said.
    state_words: Callable[[Mapping[str, Any]], StateWords] = lambda _: StateWords()
    #: The payload of `update_order` that marks the order with the numbers of its sales in the ERP, beside what marks it
    #: already; None where a shop has no place for them.
    sale_marks: Callable[[Sequence[str], JsonDict], JsonDict] | None = None
    #: The payload of `add_note` where the shop takes no fulfilments; to the customer where `notify` says so. None for a
    #: shop without notes.
    shipment_note: Callable[[Sent], JsonDict] | None = None
    #: The key that a note carries; empty for one that is not ours.
    note_key: Callable[[JsonDict], str] = lambda _: ""
    #: One refund, as `DetailsRefunds.fetch_refunds` gives it; None for one that the order itself shows (what was taken
    #: out of it before it was paid for). Raises Problems. None itself for a shop that tells no refunds.
    refund: Callable[[JsonDict, Order, SourceOptions], OrderRefund | None] | None = None
    #: The payload of `create_refund`; None for a shop in which refunds cannot be made.
    give_back: Callable[[TakenBack], JsonDict] | None = None
    #: The key of ours that a refund of the shop carries; empty for one that people made.
    refund_mark: Callable[[JsonDict], str] = lambda _: ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ErpFacets:
    """What an ERP's mapping reads and writes of the facets."""

    #: A sale as `FollowsSales.survey_sales` gives it. Raises Problems for what it does not understand.
    standing: Callable[[JsonDict, TargetOptions], Standing]
    #: The idempotency key of a refund: order's external id, refund's external id.
    refund_key: Callable[[str, str, TargetOptions], str]
    #: What the refund's payload needs to know from the target.
    refund_references: Callable[[Order, OrderRefund, TargetOptions], frozenset[Ref]]
    #: The payload of `create_refunds`: order, refund, the sale as surveyed. Raises Problems.
    refund: Callable[[Order, OrderRefund, JsonDict, Resolved, TargetOptions], JsonDict]
    #: The reference by which a payment is found again: shop and transaction, equal amounts kept apart.
    payment_reference: Callable[[Order, Payment, TargetOptions], str]
    #: What the payment's payload needs to know from the target: its method, by the look-up table `payment_method`.
    payment_references: Callable[[Payment, TargetOptions], frozenset[Ref]]
    #: The payload of `register_payment`: order, payment, the sale as surveyed. Raises Problems.
    payment: Callable[[Order, Payment, JsonDict, Resolved, TargetOptions], JsonDict]
    #: The reference by which what a gateway kept of a payment is found again: `<payment reference>:fee`.
    fee_reference: Callable[[Order, Payment, TargetOptions], str]
    #: What the fee's payload needs to know from the target: the payment's method, the account of expenses.
    fee_references: Callable[[Payment, TargetOptions], frozenset[Ref]]
    #: The payload of `book_fee`: order, payment with its fee. Raises Problems.
    fee: Callable[[Order, Payment, Resolved, TargetOptions], JsonDict]
    #: The payload of `change_sale` that makes the surveyed sale what the order's sale would be now; None where it is.
    #: Only the named fields (`lines`, `invoice_address`, `shipment_address`, `note`, `reference`) are written.
    change: Callable[[Order, JsonDict, frozenset[str], Resolved, TargetOptions], JsonDict | None]
    #: The sale as its payload would make it, so that it can be compared with how it stands, field by field.
    wanted: Callable[[Order, Resolved, TargetOptions], Standing]
