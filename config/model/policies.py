"""What a channel does with its orders before they are imported."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final


class Mode(enum.StrEnum):
    """What a verify rule does when it finds something."""

    HOLD = "hold"
    WARN = "warn"
    OFF = "off"


class StatusAction(enum.StrEnum):
    """What the status policy says of an order in some source state."""

    IMPORT = "import"
    WAIT = "wait"
    SKIP = "skip"
    CANCEL = "cancel"


class DocumentState(enum.StrEnum):
    """How far a sale is brought in the ERP."""

    DRAFT = "draft"
    QUOTED = "quoted"
    CONFIRMED = "confirmed"


#: The rules that an order is held against, in the order in which they run, and what each does where a channel says
#: nothing. Only two are not `hold`: a price that differs from the ERP's list is everyday business (sales, coupons,
#: customer prices), and a payment method needs a mapping only where the ERP books payments.
DEFAULT_RULES: Final[Mapping[str, Mode]] = {
    "totals": Mode.HOLD,
    "duplicate_order": Mode.HOLD,
    "unknown_sku": Mode.HOLD,
    "unit": Mode.HOLD,
    "price": Mode.WARN,
    "tax": Mode.HOLD,
    "payment_method": Mode.OFF,
    "address": Mode.HOLD,
    "test_order": Mode.HOLD,
    "value_limit": Mode.HOLD,
}


VERIFY_RULES: Final = tuple(DEFAULT_RULES)


#: The words of a status key. The canonical records own them; a test holds both against each other.
ORDER_STATES: Final = (
    "draft",
    "pending",
    "on_hold",
    "processing",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "trashed",
    "deleted",
)


PAYMENT_STATES: Final = ("unpaid", "authorized", "paid", "partially_refunded", "refunded")


#: What happens to an order that the ERP does not have yet; every state with every payment state has an answer.
DEFAULT_STATUS: Final[Mapping[str, StatusAction]] = {
    "draft": StatusAction.SKIP,
    "failed": StatusAction.SKIP,
    "cancelled": StatusAction.SKIP,
    "trashed": StatusAction.SKIP,
    "deleted": StatusAction.SKIP,
    # Money went back before the ERP knew of the order. A sale made now would reserve and ship goods that nobody pays
    # for, and there is nothing in the ERP to take back. Who wants sale and credit note in the books says `import`.
    "refunded": StatusAction.SKIP,
    "pending/refunded": StatusAction.SKIP,
    "on_hold/refunded": StatusAction.SKIP,
    "processing/refunded": StatusAction.SKIP,
    "completed/refunded": StatusAction.SKIP,
    # Pending and on hold: the shop itself still waits for the money (a card that may fail, a bank transfer).
    "*/unpaid": StatusAction.WAIT,
    # Cash on delivery and invoice customers: the shop accepted the order before it was paid.
    "processing/unpaid": StatusAction.IMPORT,
    "completed/unpaid": StatusAction.IMPORT,
    "*/authorized": StatusAction.IMPORT,
    "*/paid": StatusAction.IMPORT,
    "*/partially_refunded": StatusAction.IMPORT,
}


class MatchPolicy(enum.StrEnum):
    """When an e-mail address is enough to take a customer for one of the ERP's."""

    #: Not where the order names a company or VAT id and the party with this address is called otherwise.
    STRICT = "strict"
    #: Always: whoever has the address is the customer.
    TRUST_EMAIL = "trust_email"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What a channel does with its orders."""

    #: Orders placed before this are not imported; None means "from the first start of the channel".
    start_at: dt.datetime | None = None
    #: Status key -> action, complete: the channel's own keys over `DEFAULT_STATUS`. `status_action` reads it.
    status: Mapping[str, StatusAction] = dataclasses.field(default_factory=lambda: dict(DEFAULT_STATUS))
    #: Verify rule -> mode, complete: the channel's own over `DEFAULT_RULES`.
    rules: Mapping[str, Mode] = dataclasses.field(default_factory=lambda: dict(DEFAULT_RULES))
    #: How many units of the last decimal that the shop writes may be carried as rounding.
    totals_threshold: int = 5
    #: Currency -> grand total above which an order needs approval.
    value_limits: Mapping[str, Decimal] = dataclasses.field(default_factory=dict)
    #: Minutes within which an equal order of the same customer is taken for a duplicate.
    duplicate_window_min: int = 10
    #: Percent by which a line's price may differ from the ERP's list price.
    price_tolerance: Decimal = Decimal(10)
    #: ISO code of the country whose taxes the ERP's articles carry; orders to other countries are taxed by their own
    #: rules and are not held by the `tax` rule. Empty holds every order against the articles' taxes.
    home_country: str = ""
    #: When an e-mail address is enough to know a customer by.
    match: MatchPolicy = MatchPolicy.STRICT
    document_state: DocumentState = DocumentState.CONFIRMED
    #: What the target mapping needs to know, e.g. Tryton `shipping_product`, `warehouse`, `payment_term`.
    target: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def status_action(self, state: str, payment_state: str) -> tuple[StatusAction, str]:
        """What to do with an order in this state, and the status key that says so (for the reason that is kept).

        `<state>/<payment>` goes before `<state>`, and that before `*/<payment>`.
        """
        for key in (f"{state}/{payment_state}", state, f"*/{payment_state}"):
            if key in self.status:
                return self.status[key], key
        raise KeyError(f"{state}/{payment_state}")
