"""Shopify: from an order of its GraphQL Admin API, its REST API or a webhook's body to a canonical order."""

from __future__ import annotations

from typing import Final

from mappings.base import SourceMapping
from mappings.shopify.facets import FACETS
from mappings.shopify.order import order_from_shopify

__all__ = ["FACETS", "MAPPING", "order_from_shopify"]

MAPPING: Final = SourceMapping(version="1", order=order_from_shopify)
