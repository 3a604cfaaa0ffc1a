"""What Vendure's words mean: the states of its default processes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from mappings.canonical.errors import MappingError
from mappings.canonical.records import FulfilmentState, OrderState, PaymentState

ORDER_STATES: Final[Mapping[str, OrderState]] = {
    "Created": OrderState.DRAFT,
    "Draft": OrderState.DRAFT,
    "AddingItems": OrderState.DRAFT,
    "ArrangingPayment": OrderState.PENDING,
    "PaymentAuthorized": OrderState.PROCESSING,
    "PaymentSettled": OrderState.PROCESSING,
    "PartiallyShipped": OrderState.PROCESSING,
    "PartiallyDelivered": OrderState.PROCESSING,
    "Shipped": OrderState.COMPLETED,
    "Delivered": OrderState.COMPLETED,
    #: Somebody is changing it at this moment, or waits for the money that a change costs more.
    "Modifying": OrderState.ON_HOLD,
    "ArrangingAdditionalPayment": OrderState.ON_HOLD,
    "Cancelled": OrderState.CANCELLED,
}

#: A shop's own state says nothing of it; then its parcels do.
FULFILMENT_STATES: Final[Mapping[str, FulfilmentState]] = {
    "PartiallyShipped": FulfilmentState.PARTIAL,
    "PartiallyDelivered": FulfilmentState.PARTIAL,
    "Shipped": FulfilmentState.FULFILLED,
    "Delivered": FulfilmentState.FULFILLED,
}

CANCELLED: Final = "Cancelled"
#: Of a payment: the money is there, or reserved; of a refund: it has gone back.
SETTLED: Final = "Settled"
AUTHORIZED: Final = "Authorized"


def order_state(word: str, custom: Mapping[str, OrderState]) -> OrderState:
    """What a state of the shop means. Raises MappingError naming one that nobody has explained."""
    state = custom.get(word) or ORDER_STATES.get(word)
    if state is None:
        raise MappingError(
            "state",
            f"found the state {word[:100]!r}, expected one of {', '.join([*ORDER_STATES, *custom])}",
            cause="unmapped",
            subject=f"order_state:{word[:100]}",
            next_step="say what this state of the shop means in the order_state look-up",
        )
    return state


def payment_state(*, settled: Decimal, authorized: Decimal, refunded: Decimal, due: Decimal) -> PaymentState:
    """How much is paid; there is nothing to wait for where nothing is due."""
    if refunded and refunded >= settled:
        return PaymentState.REFUNDED
    if settled >= due:
        return PaymentState.PARTIALLY_REFUNDED if refunded else PaymentState.PAID
    return PaymentState.AUTHORIZED if settled + authorized >= due else PaymentState.UNPAID
