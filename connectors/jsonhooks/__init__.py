"""Orders that any system sends as JSON: signed webhooks, or calls of our own API. Nobody can ask it for anything.

Nothing is known of such a system but where in its documents an order's id stands (and how it signs); that is said in
the options of the connection. What its documents mean is said by a mapping profile.
"""

from __future__ import annotations

from connectors.jsonhooks.connector import JsonHooks
from connectors.jsonhooks.posted import PostedOrders

__all__ = ["JsonHooks", "PostedOrders"]
