"""The sandbox ERP's mapping: `sale` there, `standing` back, and what follows an order in modules beside them."""

from __future__ import annotations

from typing import Final

from mappings.base import TargetMapping
from mappings.facets import ErpFacets
from mappings.sandbox_erp.changes import change, wanted
from mappings.sandbox_erp.payments import (
    fee,
    fee_reference,
    fee_references,
    payment,
    payment_reference,
    payment_references,
)
from mappings.sandbox_erp.refunds import refund, refund_key, refund_references
from mappings.sandbox_erp.sale import party, references, sale, sale_key, standing
from mappings.sandbox_erp.standing import standing as sale_standing

__all__ = ["FACETS", "MAPPING", "party", "references", "sale", "sale_key", "standing"]

MAPPING: Final = TargetMapping(
    version="1", sale_key=sale_key, references=references, party=party, sale=sale, standing=standing
)

FACETS: Final = ErpFacets(
    standing=sale_standing,
    refund_key=refund_key,
    refund_references=refund_references,
    refund=refund,
    payment_reference=payment_reference,
    payment_references=payment_references,
    payment=payment,
    fee_reference=fee_reference,
    fee_references=fee_references,
    fee=fee,
    change=change,
    wanted=wanted,
)
