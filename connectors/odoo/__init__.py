"""Odoo 17 to 19: over JSON-2 from 19 on, over JSON-RPC before.

Options of a connection: `database`, `company` (id or name; empty: the user's own), `team` (id or name of a sales team;
sales are made for it, and only its sales are ours), `module` (the first part of our external ids, default `crossdock`),
`protocol` (`auto`, `json2`, `jsonrpc`), `bulk` (orders of one call, default 50), `quiet` (no log notes on documents),
`keep_order_date` (a confirmation moves the order's date to now; true sets it back), `cache_s`, `party_cache_s`.
"""

from connectors.odoo.connector import Odoo

__all__ = ["Odoo"]
