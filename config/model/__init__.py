"""What the configuration says, as frozen records: the loader makes them, everybody reads them."""

from __future__ import annotations

from config.model.after_import import (
    DEFAULT_OWNERS,
    LEAVE,
    SALE_STATES,
    AfterImport,
    Carry,
    Depth,
    InvoiceNews,
    Owner,
    Returns,
    ShipmentNews,
    StateWords,
)
from config.model.alerts import AlertChannel, AlertKind, Severity, Watch
from config.model.channel import Channel, Config, ProfileFile, PublishGate, Schedules
from config.model.connection import Auth, Connection
from config.model.crm import CrmPolicy, Rung
from config.model.policies import (
    DEFAULT_RULES,
    DEFAULT_STATUS,
    ORDER_STATES,
    PAYMENT_STATES,
    VERIFY_RULES,
    DocumentState,
    MatchPolicy,
    Mode,
    Policies,
    StatusAction,
)
from config.model.routing import Needs, Routing, RoutingRule, ShortLines, Split
from config.model.secret import NO_SECRET, Secret
from config.model.stock import EVERYTHING, Backorders, HeldOrders, MissingArticles, StockPolicy

__all__ = [
    "DEFAULT_OWNERS",
    "DEFAULT_RULES",
    "DEFAULT_STATUS",
    "EVERYTHING",
    "LEAVE",
    "NO_SECRET",
    "ORDER_STATES",
    "PAYMENT_STATES",
    "SALE_STATES",
    "VERIFY_RULES",
    "AfterImport",
    "AlertChannel",
    "AlertKind",
    "Auth",
    "Backorders",
    "Carry",
    "Channel",
    "Config",
    "Connection",
    "CrmPolicy",
    "Depth",
    "DocumentState",
    "HeldOrders",
    "InvoiceNews",
    "MatchPolicy",
    "MissingArticles",
    "Mode",
    "Needs",
    "Owner",
    "Policies",
    "ProfileFile",
    "PublishGate",
    "Returns",
    "Routing",
    "RoutingRule",
    "Rung",
    "Schedules",
    "Secret",
    "Severity",
    "ShipmentNews",
    "ShortLines",
    "Split",
    "StateWords",
    "StatusAction",
    "StockPolicy",
    "Watch",
]
