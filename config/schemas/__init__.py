"""What the configuration may say: one schema per section, whose fields are those of the records of `config.model`.

Unknown keys are refused, all problems of a section come together, and a key that is left empty counts as left out.
The descriptions are what docs/configuration.md shows (`config.reference`).
"""

from __future__ import annotations

from config.schemas.after_import import AfterImportSection
from config.schemas.alerts import AlertSection, WatchSection
from config.schemas.channel import (
    SECTIONS,
    ChannelPoliciesSection,
    ChannelSchedulesSection,
    ChannelSection,
    SchedulesSection,
)
from config.schemas.connection import AUTH_METHODS, AuthSection, ConnectionSection
from config.schemas.crm import CrmSection
from config.schemas.policies import PoliciesSection
from config.schemas.routing import RoutingRuleSection, RoutingSection
from config.schemas.section import Inner, Named, Section
from config.schemas.stock import StockSection

__all__ = [
    "AUTH_METHODS",
    "SECTIONS",
    "AfterImportSection",
    "AlertSection",
    "AuthSection",
    "ChannelPoliciesSection",
    "ChannelSchedulesSection",
    "ChannelSection",
    "ConnectionSection",
    "CrmSection",
    "Inner",
    "Named",
    "PoliciesSection",
    "RoutingRuleSection",
    "RoutingSection",
    "SchedulesSection",
    "Section",
    "StockSection",
    "WatchSection",
]
