"""A stateful stand-in for Odoo 19 (and for 17 and 18 over JSON-RPC), after recordings of a real server.

It has `/json/2/<model>/<method>`, `/jsonrpc` and `/web/version`, an ORM of the models and fields that an integration
meets, `load()` with its external ids, and what confirming, sending, invoicing, crediting and paying do. A contract test
sends it recorded requests and compares the answers.
"""

from connectors.sandbox.odoo.process import OdooOptions, RunningOdoo, running_odoo

__all__ = ["OdooOptions", "RunningOdoo", "running_odoo"]
