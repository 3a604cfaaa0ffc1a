"""What Odoo's mapping reads and writes of what hangs on an order."""

from __future__ import annotations

from typing import Final

from mappings.facets import ErpFacets
from mappings.odoo.changes import change, wanted
from mappings.odoo.money import fee_payload, fee_reference, fee_references, payment_payload, payment_references
from mappings.odoo.money_refunds import refund_key, refund_payload
from mappings.odoo.standing import standing
from mappings.paying import payment_reference
from mappings.refunding import refund_refs

FACETS: Final = ErpFacets(
    standing=standing,
    refund_key=refund_key,
    refund_references=refund_refs,
    refund=refund_payload,
    payment_reference=payment_reference,
    payment_references=payment_references,
    payment=payment_payload,
    fee_reference=fee_reference,
    fee_references=fee_references,
    fee=fee_payload,
    change=change,
    wanted=wanted,
)
