"""A payment as Tryton's pay wizard takes it, on one invoice; what the gateway kept of it, as a move of its own.

Both under a reference by which they are found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.facets import Invoice, InvoiceState
from mappings.canonical.records import Order, Payment
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.tryton import wire
from mappings.tryton.standing import invoices
from mappings.wanted import COMPANY, account_ref


def payment_reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    """`<channel>:<order>:pay:<transaction>`, with the payment's place in the order where it has no transaction id.

    Two payments of one transaction, as some gateways report instalments, are kept apart by their place too.
    """
    place = _place(order.payments, payment)
    twins = [each for each in order.payments if each.reference == payment.reference]
    name = payment.reference if payment.reference and len(twins) < 2 else f"{payment.reference}#{place}"  # noqa: PLR2004
    return f"{options.channel}:{order.external_id}:pay:{name}"


def payment_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The payment method, by the look-up table; nothing else is asked for."""
    return frozenset({_method_ref(payment, options)})


def payment_payload(
    order: Order, payment: Payment, survey: JsonDict, resolved: Resolved, options: TargetOptions
) -> JsonDict:
    """What books it on the one invoice that is open for it. Raises Problems."""
    method = _method_ref(payment, options)
    if resolved.get(method, {}).get("id") is None:
        raise Unmapped("payment_method", method.value, path=method.path)
    amount = options.rounded(payment.amount)
    return {
        "invoice": int(_payable(survey, amount, payment.amount.currency).external_id),
        "payment_method": resolved[method]["id"],
        "amount": wire.decimal(amount),
        "date": wire.date(payment.paid_at.date() if payment.paid_at else order.placed_on),
        "description": payment_reference(order, payment, options),
    }


def fee_reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    """`<payment reference>:fee`."""
    return f"{payment_reference(order, payment, options)}:fee"


def fee_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The payment method, by the look-up table, the account that the policy names, and the company for its currency."""
    return frozenset({_method_ref(payment, options), account_ref(options), COMPANY})


def fee_payload(order: Order, payment: Payment, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """What books the payment's fee, in the company's own currency: for another one a rate would have to be chosen.

    Raises Problems.
    """
    assert payment.fee is not None
    method, account = _method_ref(payment, options), account_ref(options)
    for ref in (method, account):
        if resolved.get(ref, {}).get("id") is None:
            raise Unmapped(ref.kind, ref.value, path=ref.path)
    if payment.fee.currency != resolved[COMPANY]["currency"]:
        reason = say(
            "the fee of %(fee)s is in another currency than the company's, %(currency)s",
            fee=payment.fee,
            currency=resolved[COMPANY]["currency"],
        )
        step = say("book it in the ERP by hand, then approve: it is left out")
        raise Problems([Problem("fee_not_booked", "payments.fee", reason, "", step)])
    return {
        "payment_method": resolved[method]["id"],
        "account": resolved[account]["id"],
        "amount": wire.decimal(options.rounded(payment.fee)),
        "date": wire.date(payment.paid_at.date() if payment.paid_at else order.placed_on),
        "description": fee_reference(order, payment, options),
    }


def _place(payments: Sequence[Payment], payment: Payment) -> int:
    """From 1. By identity first: two payments of one amount without a transaction id are equal records."""
    for index, each in enumerate(payments, start=1):
        if each is payment:
            return index
    return payments.index(payment) + 1 if payment in payments else len(payments) + 1


def _method_ref(payment: Payment, options: TargetOptions) -> Ref:
    named = str(options.settings.get("payment_method", ""))
    return Ref("payment_method", named or payment.gateway, path="payments.gateway")


def _payable(survey: JsonDict, amount: Decimal, currency: str) -> Invoice:
    """The posted invoice with exactly so much open, else the first with more; a credit note for what is paid out."""
    sales = (survey, *survey.get("refunds", ())) if amount < 0 else (survey,)
    known = [invoice for sale in sales for invoice in invoices(sale)]
    open_ = [
        each
        for each in known
        if each.state is InvoiceState.POSTED
        and each.open.currency == currency
        and (each.open.amount < 0) == (amount < 0)
        and abs(each.open.amount) >= abs(amount)
    ]
    exact = [each for each in open_ if each.open.amount == amount]
    if found := (*exact, *open_)[:1]:
        return found[0]
    shown = ", ".join(f"{each.number or each.external_id}: {each.state}, {each.open}" for each in known) or "none"
    reason = say(
        "no posted invoice of the sale is open for %(amount)s %(currency)s; its invoices: %(shown)s",
        amount=f"{amount:f}",
        currency=currency,
        shown=shown,
    )
    step = say("post the invoice in the ERP, or see whether somebody has booked the payment there already")
    raise Problems([Problem("not_payable", "payments.amount", reason, "", step)])
