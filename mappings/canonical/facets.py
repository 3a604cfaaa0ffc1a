"""What hangs on an order: canonical shipments, invoices, refunds and payments, and how a sale stands in the ERP.

Frozen and complete, as the order itself (`records`). Quantities and amounts of refunds are positive. An amount of an
invoice has the sign that the ERP gives it: a credit note is an invoice with a negative total.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mappings.canonical.money import Money
from mappings.canonical.records import TaxLine


class SaleState(enum.StrEnum):
    """Where a sale stands in the ERP: the left side of the status map that brings it back to the shop."""

    DRAFT = "draft"
    QUOTED = "quoted"
    CONFIRMED = "confirmed"
    PARTLY_SHIPPED = "partly_shipped"
    SHIPPED = "shipped"
    #: Shipped and paid: nothing is left to do.
    DONE = "done"
    #: The ERP itself waits for a person (a shipment or an invoice that was cancelled there).
    HELD = "held"
    CANCELLED = "cancelled"


class ShipmentState(enum.StrEnum):
    """How far a shipment got."""

    PLANNED = "planned"
    #: It has left.
    SENT = "sent"
    CANCELLED = "cancelled"


class InvoiceState(enum.StrEnum):
    """How far an invoice got."""

    DRAFT = "draft"
    POSTED = "posted"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShippedLine:
    """So many of one article in a shipment."""

    #: The ERP's code of the article; which order line it is, the flow allots (`allot`).
    code: str
    quantity: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One parcel of a shipment; empty texts where the ERP does not say."""

    tracking_number: str
    tracking_url: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """Goods that leave for one order, or come back (`back`)."""

    external_id: str
    number: str
    state: ShipmentState
    lines: tuple[ShippedLine, ...]
    parcels: tuple[Parcel, ...] = ()
    #: The ERP's name or code of the carrier.
    carrier: str = ""
    sent_on: dt.date | None = None
    back: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice, or a credit note where `total` is negative."""

    external_id: str
    #: Empty for a draft.
    number: str
    state: InvoiceState
    dated_on: dt.date | None
    due_on: dt.date | None
    net: Money
    tax: Money
    total: Money
    #: What is still to be paid, with the sign of the total; never more than it.
    open: Money
    #: Our key of the refund that it belongs to; empty for the sale's own.
    refund_key: str = ""
    #: It is collected from several sales, of which this is one.
    collected: bool = False
    #: Of `net`, what is this sale's, where it is collected and the ERP tells its lines apart.
    part: Money | None = None

    @property
    def credit(self) -> bool:
        """Whether it is a credit note."""
        return self.total.amount < 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StandingLine:
    """A line of the sale as the ERP has it now."""

    external_id: str
    #: The ERP's code of the product; empty for a line without.
    code: str
    title: str
    quantity: Decimal
    #: Net price of one unit.
    unit_price: Decimal
    #: Net, as the ERP computes it.
    total: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StandingRefund:
    """A refund document of the sale."""

    external_id: str
    #: Our key; empty for one that a person made in the ERP.
    key: str
    number: str
    state: SaleState
    #: Gross and negative, as the ERP computes it.
    total: Money
    #: What it takes back or credits; quantities and totals as the ERP has them.
    lines: tuple[StandingLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StandingPayment:
    """A payment that is registered on one of the sale's invoices."""

    external_id: str
    #: Our reference (shop and transaction id); whatever the ERP's people wrote for one of theirs.
    reference: str
    amount: Money


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A sale as it stands in the ERP, with everything that hangs on it."""

    external_id: str
    number: str
    state: SaleState
    #: The ERP's own words for it: `processing, partially shipped, awaiting payment`.
    told: str
    #: Gross.
    total: Money
    lines: tuple[StandingLine, ...]
    shipments: tuple[Shipment, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    refunds: tuple[StandingRefund, ...] = ()
    payments: tuple[StandingPayment, ...] = ()
    #: What people write there; compared before a change of ours (field ownership). Field -> its value as text.
    fields: tuple[tuple[str, str], ...] = ()
    #: Something of it is to be invoiced, and nobody has asked for the invoice; False where the ERP makes its own.
    uninvoiced: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RefundLine:
    """What is given back of one line, shipping line or fee of the order."""

    #: `external_id` of the order's line, shipping line or fee.
    origin: str
    #: `line`, `shipping` or `fee`.
    kind: str
    sku: str
    title: str
    #: Pieces that come back into stock or are not sent any more; zero where only money is given back.
    quantity: Decimal
    #: Net and positive.
    total: Money
    tax: Money
    tax_lines: tuple[TaxLine, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefund:
    """One refund of an order with its lines. `amount` = lines + their tax + `goodwill`."""

    external_id: str
    amount: Money
    lines: tuple[RefundLine, ...]
    #: Gross: given back for no line.
    goodwill: Money
    reason: str
    refunded_at: dt.datetime
    #: The goods come back (or never leave): the ERP is to take them into stock again.
    restock: bool


def facet_to_json(record: object) -> Any:
    """The JSON form of a record of this module, for storing, showing and comparing: amounts and quantities as texts."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {field.name: facet_to_json(getattr(record, field.name)) for field in dataclasses.fields(record)}
    if isinstance(record, tuple | list):
        return [facet_to_json(entry) for entry in record]
    if isinstance(record, Decimal):
        return f"{record:f}"
    if isinstance(record, dt.date | dt.datetime):
        return record.isoformat()
    return record.value if isinstance(record, enum.Enum) else record


def shipment_from_json(value: Mapping[str, Any]) -> Shipment:
    """The shipment of which `facet_to_json` wrote this. Raises KeyError, ValueError for anything else."""
    return Shipment(
        **_plain(value, "external_id", "number", "carrier", "back"),
        state=ShipmentState(value["state"]),
        lines=tuple(ShippedLine(code=each["code"], quantity=Decimal(each["quantity"])) for each in value["lines"]),
        parcels=tuple(Parcel(**each) for each in value["parcels"]),
        sent_on=_day(value["sent_on"]),
    )


def invoice_from_json(value: Mapping[str, Any]) -> Invoice:
    """The same of an invoice."""
    return Invoice(
        **_plain(value, "external_id", "number", "refund_key", "collected"),
        state=InvoiceState(value["state"]),
        dated_on=_day(value["dated_on"]),
        due_on=_day(value["due_on"]),
        net=_money(value["net"]),
        tax=_money(value["tax"]),
        total=_money(value["total"]),
        open=_money(value["open"]),
        part=_money(value["part"]) if value["part"] else None,
    )


def _plain(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value[name] for name in names}


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _money(value: Mapping[str, str]) -> Money:
    return Money(Decimal(value["amount"]), value["currency"])
