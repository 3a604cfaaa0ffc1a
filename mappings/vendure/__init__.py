"""Vendure: from an order of its Admin API (GraphQL) to a canonical order, and what the shop is told of it."""

from __future__ import annotations

from typing import Final

from mappings.base import SourceMapping
from mappings.vendure.facets import FACETS
from mappings.vendure.order import order_from_vendure

__all__ = ["FACETS", "MAPPING", "order_from_vendure"]

MAPPING: Final = SourceMapping(version="1", order=order_from_vendure)
