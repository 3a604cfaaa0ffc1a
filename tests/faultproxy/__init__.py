"""A TCP proxy that spoils what goes through it: between Crossdock and a shop, an ERP, Valkey or PostgreSQL.

The sandboxes break replies of their own (`connectors.sandbox.faults`); this breaks the line, whatever is spoken on it.
"""

from tests.faultproxy.proxy import FaultProxy, running_proxy
from tests.faultproxy.remote import RemoteProxy
from tests.faultproxy.toxics import Toxic, ToxicError

__all__ = ["FaultProxy", "RemoteProxy", "Toxic", "ToxicError", "running_proxy"]
