"""A stateful stand-in for one Vendure shop: GraphQL orders, payments, refunds, fulfilments, stock, scripted faults."""

from __future__ import annotations

from connectors.sandbox.vendure.app import VendureApp, serve_shop
from connectors.sandbox.vendure.shop import Refused, Shop, ShopSettings

__all__ = ["Refused", "Shop", "ShopSettings", "VendureApp", "serve_shop"]
