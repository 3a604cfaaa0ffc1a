"""A stateful stand-in for one Shopify shop: GraphQL orders, scopes, cost, tokens, signed webhooks, scripted faults."""

from __future__ import annotations

from connectors.sandbox.shopify.app import ShopifyApp, serve_shop
from connectors.sandbox.shopify.shop import Shop, ShopSettings

__all__ = ["Shop", "ShopSettings", "ShopifyApp", "serve_shop"]
