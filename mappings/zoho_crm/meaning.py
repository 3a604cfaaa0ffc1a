"""What Zoho CRM's words mean. Its picklists are labels that people edit: what is not here the look-up explains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from mappings.canonical.countries import country_code
from mappings.canonical.errors import MappingError, Problem, Unmapped
from mappings.canonical.records import FulfilmentState, OrderState
from mappings.canonical.words import say

SALES_ORDERS: Final = "Sales_Orders"
QUOTES: Final = "Quotes"
DEALS: Final = "Deals"

#: Module -> the list of its lines; a deal has none of its own.
LINES: Final[Mapping[str, str]] = {SALES_ORDERS: "Ordered_Items", QUOTES: "Quoted_Items"}
#: Module -> its field for where a record stands.
STATE_FIELDS: Final[Mapping[str, str]] = {SALES_ORDERS: "Status", QUOTES: "Quote_Stage", DEALS: "Stage"}

#: The labels that Zoho CRM comes with, of all three modules.
STATES: Final[Mapping[str, OrderState]] = {
    #: Nobody has approved it yet.
    "Created": OrderState.ON_HOLD,
    "Approved": OrderState.PROCESSING,
    "Delivered": OrderState.COMPLETED,
    "Cancelled": OrderState.CANCELLED,
    "Accepted": OrderState.PROCESSING,
    "Closed Won": OrderState.PROCESSING,
    "Closed Lost": OrderState.CANCELLED,
    "Closed Lost to Competition": OrderState.CANCELLED,
    "Closed-Lost to Competition": OrderState.CANCELLED,
    **dict.fromkeys(("Draft", "Negotiation", "On Hold", "Confirmed"), OrderState.DRAFT),
    **dict.fromkeys(("Qualification", "Needs Analysis", "Value Proposition"), OrderState.DRAFT),
    **dict.fromkeys(("Identify Decision Makers", "Id. Decision Makers", "Perception Analysis"), OrderState.DRAFT),
    **dict.fromkeys(("Proposal/Price Quote", "Negotiation/Review"), OrderState.DRAFT),
}
#: The same by module.
PICKLISTS: Final[Mapping[str, tuple[str, ...]]] = {
    SALES_ORDERS: ("Created", "Approved", "Delivered", "Cancelled"),
    QUOTES: ("Draft", "Negotiation", "Delivered", "On Hold", "Confirmed", "Accepted", "Closed Won", "Closed Lost"),
    DEALS: (
        *("Qualification", "Needs Analysis", "Value Proposition", "Identify Decision Makers", "Id. Decision Makers"),
        *("Perception Analysis", "Proposal/Price Quote", "Negotiation/Review"),
        *("Closed Won", "Closed Lost", "Closed Lost to Competition", "Closed-Lost to Competition"),
    ),
}
#: A quote that is sent out is "Delivered" too, and a closed one was refused or has expired.
_OF_QUOTES: Final[Mapping[str, OrderState]] = {
    "Delivered": OrderState.DRAFT,
    "Closed Lost": OrderState.CANCELLED,
    "Closed Won": OrderState.PROCESSING,
}
#: What `$approval_state` says of a record that waits for nobody.
_APPROVED: Final = frozenset({"", "approved"})
_SENT: Final = frozenset({OrderState.COMPLETED})


def order_state(
    module: str, word: str, approval: str, *, accepted: bool, custom: Mapping[str, OrderState]
) -> OrderState:
    """Where the order stands. Raises MappingError naming a word that nobody has explained.

    One that an approval process holds is nobody's order yet, whatever its state says. `accepted` is a stage that the
    connection's options name.
    """
    if approval not in _APPROVED:
        return OrderState.ON_HOLD
    told = custom.get(word) or (OrderState.PROCESSING if accepted else None)
    told = told or (_OF_QUOTES.get(word) if module == QUOTES else None) or STATES.get(word)
    if told is None:
        raise MappingError(
            STATE_FIELDS[module],
            say(
                "found the state %(word)s, expected one of %(words)s",
                word=repr(word[:100]),
                words=", ".join([*STATES, *custom]),
            ),
            cause="unmapped",
            subject=f"order_state:{word[:100]}",
            next_step=say("say what this state of the CRM means in the order_state look-up"),
        )
    return told


def fulfilment_state(state: OrderState) -> FulfilmentState:
    """As far as the CRM knows: an order that is delivered is sent."""
    return FulfilmentState.FULFILLED if state in _SENT else FulfilmentState.UNFULFILLED


def country(name: str, path: str, rows: Any) -> tuple[str, list[Problem]]:
    """The code of what people have typed as a country; a row of the country look-up goes first.

    One that is not known is a problem of its own, with the row that would explain it.
    """
    if not name.strip():
        return "", []
    row = rows.find("country", name.strip())
    if row is not None and len(row) == 2 and row.isascii() and row.isupper():  # noqa: PLR2004 - an alpha-2 code
        return row, []
    code = country_code(name)
    if code is not None:
        return code, []
    return "", list(Unmapped("country", name.strip()[:100], path=path).problems)
