"""What a channel does with an order that the ERP has."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Final, Protocol


class Carry(enum.StrEnum):
    """What happens to a change in the shop once the ERP has the order."""

    APPLY = "apply"
    HOLD = "hold"


class Depth(enum.StrEnum):
    """How far a document about money is brought in the ERP."""

    NONE = "none"
    DRAFT = "draft"
    POSTED = "posted"


class Returns(enum.StrEnum):
    """What comes of a return, or another credit, that the ERP's people made."""

    NONE = "none"
    #: A person is told, and gives the money back in the shop.
    TELL = "tell"
    #: The refund is booked in the shop; the money itself moves by hand.
    REFUND = "refund"
    #: And the shop has its gateway send the money.
    PAYOUT = "payout"


class ShipmentNews(enum.StrEnum):
    """How the shop hears of a shipment."""

    OFF = "off"
    #: A fulfilment where the shop takes them, else a note.
    AUTO = "auto"
    NOTE = "note"


class InvoiceNews(enum.StrEnum):
    """What the shop is shown of an invoice."""

    OFF = "off"
    NUMBER = "number"
    #: The number, and a signed link to the file that ends some day.
    LINK = "link"


class Owner(enum.StrEnum):
    """Whose word counts where the shop and the ERP's people both changed a field of a sale."""

    SHOP = "shop"
    ERP = "erp"
    #: The shop's is written only where the ERP has nothing.
    EMPTY = "empty"
    #: Never written after the import.
    NEVER = "never"


#: Fields of a sale that an edit in the shop may change, and whose they are where a channel says nothing. What is
#: charged is the shop's. Where goods and bills go belongs to whoever touched it last in the ERP: a person there may
#: have spoken to the customer.
DEFAULT_OWNERS: Final[Mapping[str, Owner]] = {
    "lines": Owner.SHOP,
    "invoice_address": Owner.ERP,
    "shipment_address": Owner.ERP,
    "note": Owner.EMPTY,
    "reference": Owner.NEVER,
}


#: How a sale may stand in the ERP. The canonical records own these words; a test holds both against each other.
SALE_STATES: Final = ("draft", "quoted", "confirmed", "partly_shipped", "shipped", "done", "held", "cancelled")


#: In `AfterImport.state_back`: the shop's order stays as it is.
LEAVE: Final = "leave"


class StateWords(Protocol):
    """What the orders of a connection can be said to be; its mapping says so."""

    @property
    def default(self) -> Mapping[str, str]:
        """How the sale stands -> what the order becomes where the channel is silent."""

    @property
    def known(self) -> tuple[str, ...] | None:
        """Every word that the system itself has; None where any text is one."""

    @property
    def extended(self) -> bool:
        """Whether people add words of their own to these."""

    @property
    def hint(self) -> str:
        """What to do about a word that is not known; empty where there is nothing to say."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AfterImport:
    """What is carried over once the ERP has an order, in both directions."""

    edits: Carry = Carry.APPLY
    cancellations: Carry = Carry.APPLY
    #: Field of a sale -> whose word counts, complete.
    owners: Mapping[str, Owner] = dataclasses.field(default_factory=lambda: dict(DEFAULT_OWNERS))
    refunds: Depth = Depth.DRAFT
    #: Refunded pieces come back into the ERP's stock, where the shop itself does not say whether they do.
    refunds_restock: bool = True
    #: Only where refunds are carried over at all.
    returns: Returns = Returns.TELL
    payments: Depth = Depth.NONE
    #: What a gateway kept of a payment, as a document of its own; also where payments are not registered.
    fees: Depth = Depth.NONE
    #: Draft invoices are posted as soon as their goods have left.
    post_invoices: bool = False
    shipments: ShipmentNews = ShipmentNews.AUTO
    #: The shop mails its customer about a shipment.
    notify: bool = False
    invoices: InvoiceNews = InvoiceNews.NUMBER
    #: The shop's order shows the number of its sale in the ERP, where the shop has a place for it.
    sale_number: bool = False
    #: How long a link works, in days from the invoice's own.
    link_days: int = 90
    #: What cannot be taken back (a mail to the customer) is sent again after an unknown outcome that finds nothing;
    #: otherwise a person decides.
    resend: bool = False
    #: How the sale stands -> the shop's own state; complete, a state without entry leaves the order as it is.
    state_back: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: States that the shop has added to those of its system.
    own_states: tuple[str, ...] = ()
