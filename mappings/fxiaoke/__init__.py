"""Fxiaoke (纷享销客): from a sales order, read with its lines, customer and products, to a canonical order."""

from __future__ import annotations

from typing import Final

from mappings.base import SourceMapping
from mappings.fxiaoke.facets import ACCOUNTS, FACETS
from mappings.fxiaoke.order import order_from_fxiaoke

__all__ = ["ACCOUNTS", "FACETS", "MAPPING", "order_from_fxiaoke"]

MAPPING: Final = SourceMapping(version="1", order=order_from_fxiaoke)
