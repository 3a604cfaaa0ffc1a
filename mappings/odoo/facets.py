"""What Odoo's mapping reads and writes of what hangs on an order."""

from __future__ import annotations

from typing import Any, Final, NoReturn

from mappings.base import TargetOptions
from mappings.canonical.records import Order, Payment
from mappings.facets import ErpFacets
from mappings.odoo.changes import change, wanted
from mappings.odoo.sale import sale_key
from mappings.odoo.standing import standing


def refund_key(order_id: str, refund_id: str, options: TargetOptions) -> str:
    """Second half of the credit note's external id: the sale's own, and the refund's id."""
    return f"{sale_key(order_id, options)}:refund:{refund_id}"


def _reference(order: Order, payment: Payment, options: TargetOptions) -> str:
    return f"{sale_key(order.external_id, options)}:pay:{payment.reference}"


def _never(*_: Any) -> NoReturn:
    """For what the connector does not offer: no flow comes here."""
    raise NotImplementedError


#: Money (refunds, payments, fees) is read back and not written yet.
FACETS: Final = ErpFacets(
    standing=standing,
    refund_key=refund_key,
    refund_references=_never,
    refund=_never,
    payment_reference=_reference,
    payment_references=_never,
    payment=_never,
    fee_reference=_reference,
    fee_references=_never,
    fee=_never,
    change=change,
    wanted=wanted,
)
