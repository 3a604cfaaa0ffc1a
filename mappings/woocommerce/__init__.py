"""WooCommerce: from an order of its REST API v3 (a read, a list's element or a webhook's body) to a canonical order."""

from __future__ import annotations

from typing import Final

from mappings.base import SourceMapping
from mappings.woocommerce.facets import FACETS
from mappings.woocommerce.order import order_from_woocommerce

__all__ = ["FACETS", "MAPPING", "order_from_woocommerce"]

MAPPING: Final = SourceMapping(version="2", order=order_from_woocommerce)
