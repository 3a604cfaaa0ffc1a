"""A payment as Odoo takes it, on one invoice; what the gateway kept of it, as a journal entry of its own.

Both under a key that is the second half of an external id, and stands in the field that people see.
"""

from __future__ import annotations

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.money import Money
from mappings.canonical.records import Order, Payment
from mappings.canonical.refs import Ref
from mappings.odoo.standing import invoices
from mappings.paying import demand, method_ref, own_fee, paid_on, payable, payment_reference
from mappings.wanted import COMPANY, account_ref


def payment_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The journal of the payment's method, by the look-up table."""
    return frozenset({method_ref(payment, options)})


def payment_payload(
    order: Order, payment: Payment, survey: JsonDict, resolved: Resolved, options: TargetOptions
) -> JsonDict:
    """What books it on the one invoice that is open for it. Raises Problems."""
    method, amount = method_ref(payment, options), options.rounded(payment.amount)
    demand([method], resolved)
    return {
        "key": payment_reference(order, payment, options),
        "invoice": int(payable(list(invoices(survey)), Money(amount, payment.amount.currency)).external_id),
        "journal_id": resolved[method]["id"],
        "amount": f"{amount:f}",
        "date": paid_on(order, payment).isoformat(),
        "payment_reference": payment.reference,
    }


def fee_reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    """`<payment reference>:fee`."""
    return f"{payment_reference(order, payment, options)}:fee"


def fee_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The journal, the account of expenses that the policy names, and the company for its currency."""
    return frozenset({method_ref(payment, options), account_ref(options), COMPANY})


def fee_payload(order: Order, payment: Payment, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """What books the payment's fee, in the company's own currency. Raises Problems."""
    method, account = method_ref(payment, options), account_ref(options)
    demand([method, account], resolved)
    return {
        "key": fee_reference(order, payment, options),
        "journal_id": resolved[method]["id"],
        "account_id": resolved[account]["id"],
        "amount": f"{own_fee(payment, resolved, options):f}",
        "date": paid_on(order, payment).isoformat(),
    }
