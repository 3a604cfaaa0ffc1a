"""Which system is mapped by which functions: plain dicts, nothing is scanned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mappings import fxiaoke, sandbox_erp, shopify, tryton, vendure, woocommerce, zoho_crm
from mappings.base import JsonDict, Resolved, SourceMapping, SourceOptions, TargetMapping, TargetOptions
from mappings.facets import ErpFacets, ShopFacets

__all__ = [
    "ERP_FACETS",
    "SHOP_FACETS",
    "SOURCES",
    "TARGETS",
    "JsonDict",
    "Resolved",
    "SourceMapping",
    "SourceOptions",
    "TargetMapping",
    "TargetOptions",
]

SOURCES: Final[Mapping[str, SourceMapping]] = {
    "fxiaoke": fxiaoke.MAPPING,
    "shopify": shopify.MAPPING,
    "vendure": vendure.MAPPING,
    "woocommerce": woocommerce.MAPPING,
    "zoho_crm": zoho_crm.MAPPING,
}

TARGETS: Final[Mapping[str, TargetMapping]] = {
    "sandbox_erp": sandbox_erp.MAPPING,
    "tryton": tryton.MAPPING,
}

#: What hangs on orders, for the systems whose mappings know it.
SHOP_FACETS: Final[Mapping[str, ShopFacets]] = {
    "fxiaoke": fxiaoke.FACETS,
    "shopify": shopify.FACETS,
    "vendure": vendure.FACETS,
    "woocommerce": woocommerce.FACETS,
}

ERP_FACETS: Final[Mapping[str, ErpFacets]] = {
    "sandbox_erp": sandbox_erp.FACETS,
    "tryton": tryton.FACETS,
}
