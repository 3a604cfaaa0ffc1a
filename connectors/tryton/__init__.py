"""Tryton 8 and newer, over its REST protocol; bulk quote and confirm over JSON-RPC where a login is configured."""

from connectors.tryton.connector import Tryton

__all__ = ["Tryton"]
