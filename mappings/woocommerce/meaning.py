"""What WooCommerce's words mean: its states, and the meta keys under which plugins keep what core has no field for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from mappings.canonical.errors import MappingError
from mappings.canonical.records import FulfilmentState, OrderState, PaymentState

Meta = Mapping[str, Any]

ORDER_STATES: Final[Mapping[str, OrderState]] = {
    "auto-draft": OrderState.DRAFT,
    "draft": OrderState.DRAFT,
    "checkout-draft": OrderState.DRAFT,
    "pending": OrderState.PENDING,
    "on-hold": OrderState.ON_HOLD,
    "processing": OrderState.PROCESSING,
    "completed": OrderState.COMPLETED,
    "cancelled": OrderState.CANCELLED,
    "refunded": OrderState.REFUNDED,
    "failed": OrderState.FAILED,
    "trash": OrderState.TRASHED,
}

#: `_fulfillment_status` of the fulfillments feature (WooCommerce 10). Anything else is as good as not said: the
#: feature is off in most shops, and the state of the order says the same.
FULFILMENT_STATES: Final[Mapping[str, FulfilmentState]] = {
    "partially_fulfilled": FulfilmentState.PARTIAL,
    "fulfilled": FulfilmentState.FULFILLED,
}

VAT_ID_KEYS: Final = (
    "_billing_vat_number",
    "billing_vat_number",
    "_vat_number",
    "vat_number",
    "_billing_vat",
    "billing_vat",
    "_billing_vat_id",
    "billing_vat_id",
    "_billing_eu_vat_number",
    "_billing_yweu_vat",
    "_vat_id",
    "vat_id",
)
PO_NUMBER_KEYS: Final = (
    "_purchase_order_number",
    "purchase_order_number",
    "_po_number",
    "po_number",
    "_billing_po_number",
    "billing_po_number",
)
PAYMENT_TERMS_KEYS: Final = ("_payment_terms", "payment_terms")

#: Gateways that say in meta that the money was not real: WooPayments, PayPal Payments.
TEST_MARKS: Final = {"_wcpay_mode": "test", "_ppcp_paypal_payment_mode": "sandbox"}
#: Gateways that say in meta that the money is reserved and not yet taken: WooPayments, Stripe, PayPal Payments.
AUTHORIZED_MARKS: Final = {
    "_intention_status": "requires_capture",
    "_stripe_charge_captured": "no",
    "_ppcp_paypal_captured": "false",
}
#: Line meta of the Gift Cards plugin and of YITH's.
GIFT_CARD_KEYS: Final = frozenset({"wc_gc_giftcard_amount", "_ywgc_amount"})

#: Attributes of a canonical line: the shop keeps a count and took the pieces out of it; so many came back by refunds.
STOCK_TAKEN: Final = "stock_taken"
RESTOCKED: Final = "restocked"

# WordPress hides what begins with an underscore; these are nevertheless what a customer filled in at the checkout.
_CHECKOUT_FIELDS: Final = ("_billing_", "_wc_billing/", "_wc_shipping/", "_wc_other/")


def order_state(word: str, custom: Mapping[str, OrderState]) -> OrderState:
    """What a state of the shop means. Raises MappingError naming one that nobody has explained."""
    state = custom.get(word) or ORDER_STATES.get(word)
    if state is None:
        raise MappingError(
            "status",
            f"found the state {word[:100]!r}, expected one of {', '.join([*ORDER_STATES, *custom])}",
            cause="unmapped",
            subject=f"order_state:{word[:100]}",
            next_step="say what this state of the shop means in the order_state look-up",
        )
    return state


def payment_state(
    state: OrderState, *, paid: bool, authorized: bool, total: Decimal, refunded: Decimal
) -> PaymentState:
    """How much is paid: WooCommerce says only when (`date_paid`), and what was given back."""
    if state is OrderState.REFUNDED or (refunded and refunded >= total):
        return PaymentState.REFUNDED
    # There is nothing to wait for where nothing is due.
    if paid or not total:
        return PaymentState.PARTIALLY_REFUNDED if refunded else PaymentState.PAID
    return PaymentState.AUTHORIZED if authorized else PaymentState.UNPAID


def fulfilment_state(state: OrderState, meta: Meta) -> FulfilmentState:
    """`completed` is the shop's word for "all sent", whatever parcels were recorded."""
    if state is OrderState.COMPLETED:
        return FulfilmentState.FULFILLED
    return FULFILMENT_STATES.get(str(meta.get("_fulfillment_status")), FulfilmentState.UNFULFILLED)


def first_text(meta: Meta, keys: tuple[str, ...]) -> str:
    """The first of these keys that says something."""
    texts = (meta[key] for key in keys if key in meta)
    return next((str(text).strip() for text in texts if not isinstance(text, bool) and str(text).strip()), "")


def marked(meta: Meta, marks: Mapping[str, str]) -> bool:
    """Whether one of the marks is set."""
    return any(meta.get(key) == value for key, value in marks.items())


def custom_fields(meta: Meta) -> dict[str, Any]:
    """What people see or filled in; what plugins keep for themselves changes without meaning anything."""
    return dict(_custom_fields(meta))


def stock_movements(meta: Meta) -> dict[str, Any]:
    """What the shop did to its stock for an order's line: taken out of it, and come back by refunds."""
    back = str(meta.get("_restock_refunded_items", ""))
    taken = "_reduced_stock" in meta or back.isdecimal()
    return {**({STOCK_TAKEN: True} if taken else {}), **({RESTOCKED: int(back)} if back.isdecimal() else {})}


def _custom_fields(meta: Meta) -> Iterator[tuple[str, Any]]:
    for key, value in meta.items():
        if not key.startswith("_") or key.startswith(_CHECKOUT_FIELDS):
            yield key, value
