"""What Shopify's words mean: its states, and the names under which shops keep what an order has no field for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mappings.canonical.errors import MappingError
from mappings.canonical.records import FulfilmentState, OrderState, PaymentState

#: Our one word for where an order stands, which Shopify says in three fields -> what it means. Words of the financial
#: status unless they are explained here.
ORDER_STATES: Final[Mapping[str, OrderState]] = {
    "cancelled": OrderState.CANCELLED,
    "fulfilled": OrderState.COMPLETED,
    #: Somebody stopped the goods: fraud, an address, stock.
    "held": OrderState.ON_HOLD,
    "authorized": OrderState.PROCESSING,
    "paid": OrderState.PROCESSING,
    "partially_refunded": OrderState.PROCESSING,
    "refunded": OrderState.REFUNDED,
    #: Ordered, and to be paid later: on delivery, by bank, on the terms of a company.
    "pending": OrderState.ON_HOLD,
    "partially_paid": OrderState.ON_HOLD,
    "voided": OrderState.ON_HOLD,
    "expired": OrderState.ON_HOLD,
}

PAYMENT_STATES: Final[Mapping[str, PaymentState]] = {
    "": PaymentState.UNPAID,
    "pending": PaymentState.UNPAID,
    "partially_paid": PaymentState.UNPAID,
    "voided": PaymentState.UNPAID,
    "expired": PaymentState.UNPAID,
    "authorized": PaymentState.AUTHORIZED,
    "paid": PaymentState.PAID,
    "partially_refunded": PaymentState.PARTIALLY_REFUNDED,
    "refunded": PaymentState.REFUNDED,
}

#: REST says null for "nothing is sent" and `partial`.
FULFILMENT_STATES: Final[Mapping[str, FulfilmentState]] = {
    "fulfilled": FulfilmentState.FULFILLED,
    "partial": FulfilmentState.PARTIAL,
    "partially_fulfilled": FulfilmentState.PARTIAL,
}

#: Kinds of transactions that bring money. An authorization reserves it, a capture of it brings it.
RECEIVED: Final = frozenset({"sale", "capture"})
#: What a refund says of its pieces -> whether they go back into stock, or never leave it.
RESTOCKS: Final = frozenset({"return", "cancel", "legacy_restock"})

VAT_ID_KEYS: Final = frozenset({"vat_id", "vat number", "vat_number", "vat id", "tax_id", "tax id", "eu_vat"})


def state_word(*, cancelled: bool, financial: str, fulfilment: str) -> str:
    """Where the order stands, in one word: what stops it first, what it waits for last."""
    if cancelled:
        return "cancelled"
    if financial == "refunded":
        return financial
    if fulfilment == "fulfilled":
        return fulfilment
    if fulfilment == "on_hold":
        return "held"
    # Recorded: null for an order that nobody has paid yet.
    return financial or "pending"


def order_state(word: str, custom: Mapping[str, OrderState], path: str) -> OrderState:
    """What the word means. Raises MappingError naming one that nobody has explained."""
    state = custom.get(word) or ORDER_STATES.get(word)
    if state is None:
        raise MappingError(
            path,
            f"found the state {word[:100]!r}, expected one of {', '.join([*ORDER_STATES, *custom])}",
            cause="unmapped",
            subject=f"order_state:{word[:100]}",
            next_step="say what this state of the shop means in the order_state look-up",
        )
    return state


def payment_state(word: str, *, due: bool) -> PaymentState:
    """How much is paid; there is nothing to wait for where nothing is due."""
    found = PAYMENT_STATES.get(word, PaymentState.UNPAID)
    return PaymentState.PAID if found is PaymentState.UNPAID and not due else found


def vat_id(*told: Mapping[str, str]) -> str:
    """What a customer filled in under one of the usual names."""
    return next(_vat_ids(told), "")


def _vat_ids(told: tuple[Mapping[str, str], ...]) -> Iterator[str]:
    for pairs in told:
        for name, text in pairs.items():
            if name.strip().strip("_").lower() in VAT_ID_KEYS and text.strip():
                yield text.strip()
