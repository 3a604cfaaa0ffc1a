"""What the gateway kept of a payment, as its plugin writes it into the order's meta data.

WooCommerce has no field for it. Each plugin has keys of its own, writes them when its gateway settles the charge, which
may be days later, and some write them anew after a refund. What was read in the plugins' sources (recorded orders of
real shops bear the first two):

* WooCommerce Stripe Gateway (`includes/class-wc-stripe-helper.php`): `_stripe_fee` in the currency of the account's
  balance, which `_stripe_currency` names (upper case); without it, as before 4.1, nobody can say what the number means.
  It divides by 100 whatever the currency, so that a fee in one of three decimals is ten times what it says.
* WooPayments (`class-wc-payments-webhook-processing-service.php`): `_wcpay_transaction_fee` in the charge's currency,
  which is the order's; `_wcpay_intent_currency` names it.
* PayPal Payments (`FeesUpdater`, `WCGatewayModule`): `_ppcp_paypal_fees`, an object with `paypal_fee: {currency_code,
  value}` among others; the bare number of it as `PayPal Transaction Fee` too.
* PayPal Standard, PayPal Checkout: `PayPal Transaction Fee`, later `_paypal_transaction_fee`, PayPal's `mc_fee`, in the
  currency of the transaction, which is the order's.

What is not an amount in the order's own currency, above zero and below the payment, is left out and told: nothing is
converted and nothing guessed. Other gateways' fees are a profile's to read (`payments: fee`).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError

from mappings.canonical.currencies import minor_unit
from mappings.canonical.fields import Amount, plain_number, shown
from mappings.canonical.money import Money
from mappings.canonical.records import UNREAD_FEES, Order, Payment
from mappings.woocommerce.parts import GIFT_CARD

_Meta = Mapping[str, Any]

_AMOUNT: Final = Amount(numbers=True)
#: More decimals than a currency has are the noise of sums that were made in binary.
_DECIMALS: Final = 6
_CENTS: Final = 2
_CURRENCY: Final = re.compile(r"[A-Za-z]{3}")


@dataclasses.dataclass(frozen=True, slots=True)
class _Said:
    """What a plugin says: the value of `key`, and the currency in which it stands; empty where that is not said."""

    key: str
    value: Any
    currency: str

    def __str__(self) -> str:
        return f"{shown(self.value)} {self.currency}".strip()


def with_fee(order: Order, meta_data: Any) -> Order:
    """The order with what the gateway kept of its payment; `meta_data` as the shop sent it."""
    payment = order.payments[-1] if order.payments else None
    if payment is None or payment.gateway == GIFT_CARD or not isinstance(meta_data, list):
        return order
    said = list(_said(_relevant(meta_data), order.currency))
    fees = [_fee(each, payment) for each in said]
    if len(said) == 1 and fees[0] is not None:
        # Nothing is no fee, and nothing to speak of.
        paid = dataclasses.replace(payment, fee=fees[0] or None)
        return dataclasses.replace(order, payments=(*order.payments[:-1], paid))
    if not said:
        return order
    # Several gateways have tried, and who of them took the money the shop does not say.
    unread = {each.key: str(each)[:100] for each in said}
    return dataclasses.replace(order, attributes={**order.attributes, UNREAD_FEES: unread})


def _relevant(meta_data: list[Any]) -> dict[str, Any]:
    """What stands under each key; where different things stand under one, a list of them, which is no amount."""
    found: dict[str, Any] = {}
    for entry in meta_data:
        key, value = (entry.get("key"), entry.get("value")) if isinstance(entry, dict) else (None, None)
        if isinstance(key, str) and key in _KEYS and value not in ("", None, [], {}):
            found[key] = [found[key], value] if key in found and found[key] != value else value
    return found


def _said(meta: _Meta, currency: str) -> Iterator[_Said]:
    """Once for each gateway that has written something."""
    return (said for read in _GATEWAYS if (said := read(meta, currency)) is not None)


def _stripe(meta: _Meta, currency: str) -> _Said | None:
    if "_stripe_fee" not in meta:
        return None
    named = _currency(meta.get("_stripe_currency"))
    # Of a currency with three decimals the plugin writes another number.
    wrong = named == currency and minor_unit(currency, {}) > _CENTS
    return _Said("_stripe_fee", meta["_stripe_fee"], f"{named} / 10" if wrong else named)


def _woopayments(meta: _Meta, currency: str) -> _Said | None:
    if "_wcpay_transaction_fee" not in meta:
        return None
    named = _currency(meta.get("_wcpay_intent_currency", currency))
    return _Said("_wcpay_transaction_fee", meta["_wcpay_transaction_fee"], named)


def _paypal(meta: _Meta, currency: str) -> _Said | None:
    if "_ppcp_paypal_fees" in meta:
        told = meta["_ppcp_paypal_fees"]
        fee = told.get("paypal_fee") if isinstance(told, dict) else told
        # A breakdown without a fee: PayPal has not settled yet, or kept nothing.
        if fee is None:
            return None
        value, named = (fee.get("value"), fee.get("currency_code")) if isinstance(fee, dict) else (fee, None)
        return _Said("_ppcp_paypal_fees", value, _currency(named))
    for key in ("_paypal_transaction_fee", "PayPal Transaction Fee"):
        if key in meta:
            return _Said(key, meta[key], currency)
    return None


def _currency(named: object) -> str:
    return named.upper() if isinstance(named, str) and _CURRENCY.fullmatch(named) else ""


_GATEWAYS: Final[tuple[Callable[[_Meta, str], _Said | None], ...]] = (_stripe, _woopayments, _paypal)
_KEYS: Final = frozenset(
    {
        *("_stripe_fee", "_stripe_currency", "_wcpay_transaction_fee", "_wcpay_intent_currency"),
        *("_ppcp_paypal_fees", "_paypal_transaction_fee", "PayPal Transaction Fee"),
    }
)


def _fee(said: _Said, payment: Payment) -> Money | None:
    """The amount; None for what is none, or not one of this payment."""
    currency = payment.amount.currency
    try:
        amount = _AMOUNT.read(said.value)
    except ValidationError:
        return None
    fee = Money(_without_noise(amount), currency)
    return fee if said.currency == currency and 0 <= fee.amount < payment.amount.amount else None


def _without_noise(amount: Decimal) -> Decimal:
    return plain_number(amount) if Money(amount, "XXX").digits > _DECIMALS else amount
