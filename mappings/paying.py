"""What of a payment is the same for every ERP: its method, its day, the invoice that it pays, the fee kept of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from mappings.base import Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.facets import Invoice, InvoiceState
from mappings.canonical.match import payment_name
from mappings.canonical.money import Money
from mappings.canonical.records import Order, Payment
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.wanted import COMPANY


def payment_reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    """`<channel>:<order>:pay:<transaction>`, with the payment's place in the order where it has no transaction id."""
    return f"{options.channel}:{order.external_id}:pay:{payment_name(order, payment)}"


def method_ref(payment: Payment, options: TargetOptions) -> Ref:
    """The payment's method, by the look-up table, or that which the policy names for all."""
    named = str(options.settings.get("payment_method", ""))
    return Ref("payment_method", named or payment.gateway, path="payments.gateway")


def demand(refs: Sequence[Ref], resolved: Resolved) -> None:
    """Raises Unmapped for the first that nobody knows."""
    for ref in refs:
        if resolved.get(ref, {}).get("id") is None:
            raise Unmapped(ref.kind, ref.value, path=ref.path)


def paid_on(order: Order, payment: Payment) -> dt.date:
    """The day of the payment, else that of the order."""
    return payment.paid_at.date() if payment.paid_at else order.placed_on


def own_fee(payment: Payment, resolved: Resolved, options: TargetOptions) -> Decimal:
    """The fee in the company's own currency: for another one a rate would have to be chosen. Raises Problems."""
    assert payment.fee is not None
    if payment.fee.currency != resolved[COMPANY]["currency"]:
        reason = say(
            "the fee of %(fee)s is in another currency than the company's, %(currency)s",
            fee=payment.fee,
            currency=resolved[COMPANY]["currency"],
        )
        step = say("book it in the ERP by hand, then approve: it is left out")
        raise Problems([Problem("fee_not_booked", "payments.fee", reason, "", step)])
    return options.rounded(payment.fee)


def payable(known: Sequence[Invoice], amount: Money) -> Invoice:
    """The posted invoice with exactly so much open, else the first with more; a credit note for what is paid out.

    Raises Problems where there is none.
    """
    open_ = [
        each
        for each in known
        if each.state is InvoiceState.POSTED
        and each.open.currency == amount.currency
        and (each.open.amount < 0) == (amount.amount < 0)
        and abs(each.open.amount) >= abs(amount.amount)
    ]
    exact = [each for each in open_ if each.open.amount == amount.amount]
    if found := (*exact, *open_)[:1]:
        return found[0]
    shown = ", ".join(f"{each.number or each.external_id}: {each.state}, {each.open}" for each in known) or "none"
    reason = say(
        "no posted invoice of the sale is open for %(amount)s %(currency)s; its invoices: %(shown)s",
        amount=f"{amount.amount:f}",
        currency=amount.currency,
        shown=shown,
    )
    step = say("post the invoice in the ERP, or see whether somebody has booked the payment there already")
    raise Problems([Problem("not_payable", "payments.amount", reason, "", step)])
