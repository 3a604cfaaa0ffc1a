"""What hangs on a sale in the sandbox ERP: shipments, invoices, payments, and what gateways kept of these."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any, Final

from connectors.sandbox.erp.documents import JsonDict

#: A shipment that is in stock and can leave, one that waits for goods, one that left.
READY: Final = "ready"
WAITING: Final = "waiting"
SENT: Final = "sent"
#: A return on its way, and one that lies in the warehouse again.
EXPECTED: Final = "expected"
RECEIVED: Final = "received"
#: Somebody cancelled it: its goods are missing in the sale, and a person has to go on.
CANCELLED: Final = "cancelled"
#: A refund took its last piece: nothing is missing.
DROPPED: Final = "dropped"
#: Shipments that have not left.
PLANNED: Final = frozenset({READY, WAITING})

#: An invoice's states; `cancelled` as above.
DRAFT: Final = "draft"
POSTED: Final = "posted"
PAID: Final = "paid"


@dataclasses.dataclass(slots=True, kw_only=True)
class Shipment:
    """Goods that leave for one sale, or come back (`back`)."""

    id: int
    #: The sale, or the refund for which they come back.
    sale: int
    number: str
    state: str
    back: bool
    warehouse: str
    #: `{"product": id, "code", "quantity"}`, quantities positive, as text.
    lines: list[JsonDict]
    carrier: str = ""
    #: `{"number", "url"}`, one for each parcel.
    tracking: list[JsonDict] = dataclasses.field(default_factory=list)
    #: The day on which they left, or came; empty before.
    sent_on: str = ""


@dataclasses.dataclass(slots=True, kw_only=True)
class Invoice:
    """An invoice, or with negative amounts the credit note of a refund."""

    id: int
    #: The sale or refund that it bills.
    sale: int
    #: For a credit note the first invoice of the refunded sale.
    credits: int | None
    currency: str
    untaxed: str
    tax: str
    total: str
    state: str = DRAFT
    #: From the one sequence of all invoices and credit notes; given by posting.
    number: str = ""
    dated_on: str = ""
    due_on: str = ""
    paid: str = "0"
    payments: list[int] = dataclasses.field(default_factory=list)
    #: What somebody put in the place of the file; None where it is as the ERP makes it.
    file: str | None = None

    @property
    def open(self) -> Decimal:
        """What is still to be paid, with the sign of the total."""
        return Decimal(self.total) - Decimal(self.paid)

    def to_json(self) -> JsonDict:
        """The invoice without its file."""
        shown = fields_of(self)
        del shown["file"]
        return shown | {"open": f"{self.open:f}"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money for one invoice; negative for a credit note that is paid out."""

    id: int
    reference: str
    invoice: int
    amount: str
    currency: str
    method: str
    paid_on: str
    #: `draft` until somebody posts it: nothing is paid by it.
    state: str = POSTED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What a gateway kept, moved from the account of its method to one of expenses; tied to no invoice."""

    id: int
    reference: str
    #: Code of the account of expenses.
    account: str
    method: str
    amount: str
    currency: str
    booked_on: str
    #: `draft` until it is posted.
    state: str = DRAFT


def fields_of(record: Any) -> JsonDict:
    """The fields as JSON; lists are its own, so that later changes of the record do not show."""
    values = {name: getattr(record, name) for name in record.__slots__}
    return {name: list(value) if isinstance(value, list) else value for name, value in values.items()}
