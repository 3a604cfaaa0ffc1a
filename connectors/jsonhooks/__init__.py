"""Orders that any system posts as signed JSON: a shop that we never heard of, a script, an automation.

Nothing is known of such a system but how it signs and where in its documents an order's id stands; both are said in the
options of the connection. It cannot be asked for anything. What its documents mean is said by a mapping profile.
"""

from __future__ import annotations

from connectors.jsonhooks.connector import JsonHooks

__all__ = ["JsonHooks"]
