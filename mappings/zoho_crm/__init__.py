"""Zoho CRM: from a sales order, an accepted quote or a won deal to a canonical order."""

from __future__ import annotations

from typing import Final

from mappings.base import SourceMapping
from mappings.zoho_crm.facets import ACCOUNTS, FACETS
from mappings.zoho_crm.order import order_from_zoho_crm

__all__ = ["ACCOUNTS", "FACETS", "MAPPING", "order_from_zoho_crm"]

MAPPING: Final = SourceMapping(version="1", order=order_from_zoho_crm)
