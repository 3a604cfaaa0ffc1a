"""The match ladder of parties: by what a customer is the same customer again, the same words for every target."""

from __future__ import annotations

import re

from mappings.canonical.parts import whole_id
from mappings.canonical.records import Order, Payment

_NOT_IN_VAT_ID = re.compile(r"[^0-9A-Z]")


def party_key(order: Order, channel: str) -> str:
    """The match key of the order's customer: `vat:`, `email:`, `customer:`, or `order:` for one we cannot know again.

    A VAT id names a company wherever it buys and an e-mail address a person; the shop's own customer number means
    something in that shop only, so the channel is part of it.
    """
    customer = order.customer
    if vat_id := _NOT_IN_VAT_ID.sub("", customer.vat_id.upper()):
        return f"vat:{vat_id}"
    if email := (customer.email or order.billing.email).strip().lower():
        return f"email:{email}"
    if customer.external_id:
        return f"customer:{channel}:{customer.external_id}"
    # The parts of an order that was split have one customer.
    return f"order:{channel}:{whole_id(order.external_id)}"


def payment_name(order: Order, payment: Payment) -> str:
    """By what one payment of an order is the same payment again: its transaction id, else its place in the order.

    Two payments of one transaction, as some gateways report instalments, are kept apart by their place too. The place
    is found by identity first: two payments of one amount without a transaction id are equal records.
    """
    payments = order.payments
    place = next((index for index, each in enumerate(payments, start=1) if each is payment), 0)
    if not place:
        place = payments.index(payment) + 1 if payment in payments else len(payments) + 1
    twins = sum(each.reference == payment.reference for each in payments)
    return payment.reference if payment.reference and twins <= 1 else f"{payment.reference}#{place}"
