"""A payment as Tryton's pay wizard takes it, on one invoice; what the gateway kept of it, as a move of its own.

Both under a reference by which they are found again.
"""

from __future__ import annotations

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.money import Money
from mappings.canonical.records import Order, Payment
from mappings.canonical.refs import Ref
from mappings.paying import demand, method_ref, own_fee, paid_on, payable, payment_reference
from mappings.tryton import wire
from mappings.tryton.standing import invoices
from mappings.wanted import COMPANY, account_ref


def payment_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The payment method, by the look-up table; nothing else is asked for."""
    return frozenset({method_ref(payment, options)})


def payment_payload(
    order: Order, payment: Payment, survey: JsonDict, resolved: Resolved, options: TargetOptions
) -> JsonDict:
    """What books it on the one invoice that is open for it. Raises Problems."""
    method, amount = method_ref(payment, options), options.rounded(payment.amount)
    demand([method], resolved)
    sales = (survey, *survey.get("refunds", ())) if amount < 0 else (survey,)
    known = [invoice for sale in sales for invoice in invoices(sale)]
    return {
        "invoice": int(payable(known, Money(amount, payment.amount.currency)).external_id),
        "payment_method": resolved[method]["id"],
        "amount": wire.decimal(amount),
        "date": wire.date(paid_on(order, payment)),
        "description": payment_reference(order, payment, options),
    }


def fee_reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    """`<payment reference>:fee`."""
    return f"{payment_reference(order, payment, options)}:fee"


def fee_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The payment method, by the look-up table, the account that the policy names, and the company for its currency."""
    return frozenset({method_ref(payment, options), account_ref(options), COMPANY})


def fee_payload(order: Order, payment: Payment, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """What books the payment's fee, in the company's own currency. Raises Problems."""
    method, account = method_ref(payment, options), account_ref(options)
    demand([method, account], resolved)
    return {
        "payment_method": resolved[method]["id"],
        "account": resolved[account]["id"],
        "amount": wire.decimal(own_fee(payment, resolved, options)),
        "date": wire.date(paid_on(order, payment)),
        "description": fee_reference(order, payment, options),
    }
