"""A payment as the sandbox ERP takes it, on one invoice; and what the gateway kept of it, on an account of expenses.

Both under a reference by which they are found again.
"""

from __future__ import annotations

from decimal import Decimal

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.errors import Problem, Problems, Unmapped
from mappings.canonical.facets import Invoice, InvoiceState
from mappings.canonical.match import payment_name
from mappings.canonical.records import Order, Payment
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.sandbox_erp.sale import account_ref, sale_key
from mappings.sandbox_erp.standing import invoices


def payment_reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    """`<channel>:<order>:pay:<transaction, or the payment's place in the order>`."""
    return f"{sale_key(order.external_id, options)}:pay:{payment_name(order, payment)}"


def payment_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The payment method, by the look-up table."""
    return frozenset({_method(payment, options)})


def payment(order: Order, payment: Payment, survey: JsonDict, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """What books it on the one invoice that is open for it. Raises Problems."""
    method = _method(payment, options)
    if method not in resolved:
        raise Unmapped("payment_method", method.value, path=method.path)
    amount = options.rounded(payment.amount)
    paid_on = payment.paid_at.date() if payment.paid_at else order.placed_on
    return {
        "reference": payment_reference(order, payment, options),
        "invoice": int(_payable(survey, amount).external_id),
        "amount": f"{amount:f}",
        "currency": payment.amount.currency,
        "method": resolved[method].get("code") or method.value,
        "paid_on": paid_on.isoformat(),
    }


def fee_reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    """`<payment reference>:fee`."""
    return f"{payment_reference(order, payment, options)}:fee"


def fee_references(payment: Payment, options: TargetOptions) -> frozenset[Ref]:
    """The payment method, by the look-up table, and the account that the policy names."""
    return frozenset({_method(payment, options), account_ref(options)})


def fee(order: Order, payment: Payment, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """What books the payment's fee. Raises Problems."""
    assert payment.fee is not None
    method, account = _method(payment, options), account_ref(options)
    for ref in (method, account):
        if ref not in resolved:
            raise Unmapped(ref.kind, ref.value, path=ref.path)
    paid_on = payment.paid_at.date() if payment.paid_at else order.placed_on
    return {
        "reference": fee_reference(order, payment, options),
        "account": resolved[account]["code"],
        "method": resolved[method].get("code") or method.value,
        "amount": f"{options.rounded(payment.fee):f}",
        "currency": payment.fee.currency,
        "booked_on": paid_on.isoformat(),
    }


def _method(payment: Payment, options: TargetOptions) -> Ref:
    named = str(options.settings.get("payment_method", ""))
    return Ref("payment_method", named or payment.gateway, path="payments.gateway")


def _payable(survey: JsonDict, amount: Decimal) -> Invoice:
    """The posted invoice with exactly so much open, else the first with more; a credit note for what is paid out."""
    known = list(invoices(survey, {}))
    able = [
        each
        for each in known
        if each.state is InvoiceState.POSTED
        and (each.open.amount < 0) == (amount < 0)
        and abs(each.open.amount) >= abs(amount)
    ]
    exact = [each for each in able if each.open.amount == amount]
    if found := (*exact, *able)[:1]:
        return found[0]
    shown = ", ".join(f"{each.number or each.external_id}: {each.state}, {each.open}" for each in known) or "-"
    reason = say(
        "no posted invoice of the sale is open for %(amount)s; its invoices: %(shown)s",
        amount=f"{amount:f}",
        shown=shown,
    )
    step = say("post the invoice in the ERP, or see whether somebody has booked the payment there already")
    raise Problems([Problem("not_payable", "payments.amount", reason, "", step)])
