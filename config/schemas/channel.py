"""`channels`, `schedules`, and the top level of every file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from config import kinds
from config.fields import Scalar
from config.model import PublishGate
from config.schemas.after_import import AfterImportSection
from config.schemas.alerts import AlertSection, WatchSection
from config.schemas.connection import ConnectionSection
from config.schemas.crm import CrmSection
from config.schemas.policies import PoliciesSection
from config.schemas.routing import RoutingSection
from config.schemas.section import Inner, Named, Section
from config.schemas.stock import StockSection


class SchedulesSection(Section):
    """How often a channel looks."""

    pull_every_s = Scalar(kinds.duration("0.1s", "1d"), "Time between two pulls of changed orders.", example="5m")
    resync_every_s = Scalar(kinds.duration("1m", "7d"), "Time between two looks at every open order.", example="6h")
    nightly = Scalar(
        kinds.CRON, "When both systems' lists of the last 30 days are compared, in the channel's time zone."
    )
    webhook_check_every_s = Scalar(
        kinds.duration("1m", "7d"), "Time between two checks of the webhook subscriptions.", example="1h"
    )
    follow_every_s = Scalar(
        kinds.duration("1s", "1d"), "Time between two looks at what changed in the ERP.", example="5m"
    )
    stock_every_s = Scalar(
        kinds.duration("1s", "1d"), "Time between two looks at what moved in the ERP's stock.", example="5m"
    )
    stock_full = Scalar(kinds.CRON, "When the stock of every article is read and compared, in the channel's time zone.")
    overlap_s = Scalar(
        kinds.duration("0", "1d"),
        "By how much a pull steps back from its checkpoint, so that late commits and equal times are not missed.",
        example="5m",
    )


_EXTENDS: Final = "Name of a top-level entry whose values hold where this one is silent."


class ChannelPoliciesSection(PoliciesSection):
    """A channel's own policies, over named ones."""

    extends = Scalar(kinds.name_of("policies"), _EXTENDS, example="standard", default="none")


class ChannelSchedulesSection(SchedulesSection):
    """A channel's own schedules, over named ones."""

    extends = Scalar(kinds.name_of("schedules"), _EXTENDS, example="standard", default="none")


class ChannelSection(Section):
    """One source connection bound to one ERP connection."""

    source = Scalar(kinds.name_of("connections"), "Connection from which orders come.", example="shop", required=True)
    erp = Scalar(kinds.name_of("connections"), "Connection into which sales go.", example="erp", required=True)
    profile = Scalar(
        kinds.text(),
        "File of the channel's mapping profile; a relative path starts at the configuration folder. A source that has "
        "no mapping of its own (`csv`, `json`, `api`) needs one that says `extends: none`; its orders are kept and "
        "wait until there is one, here or published in the workbench.",
        example="profiles/webshop.yaml",
        default="none",
    )
    timezone = Scalar(
        kinds.ZONE, "The zone in which the shop counts its days, for schedules and the proof.", example="Europe/Berlin"
    )
    policies = Inner(
        ChannelPoliciesSection(),
        "What happens to the orders: values, or a name of `policies`.",
        name_instead="policies",
    )
    after_import = Inner(
        AfterImportSection(), "What is carried over once the ERP has an order, in both directions; see below."
    )
    stock = Inner(StockSection(), "What the shop shows of the ERP's stock; see below.")
    routing = Inner(RoutingSection(), "From which warehouse an order is sent; see below.")
    crm = Inner(CrmSection(), "The CRM that is told of the channel's customers; see below.")
    schedules = Inner(
        ChannelSchedulesSection(),
        "How often the channel looks: values, or a name of `schedules`.",
        name_instead="schedules",
    )
    watch = Inner(WatchSection(), "What of the channel raises an alert, and when; see below.")
    canary = Scalar(
        kinds.whole(0, 1000),
        "So many orders wait for a person's release after go-live and after a change of what is made of them; 0: none.",
    )
    publish_gate = Scalar(
        kinds.member(PublishGate),
        "What keeps a mapping profile from being published: with `no_new_failures` that an order among the newest "
        "could not be mapped any more.",
        example="no_new_failures",
    )


#: The top-level keys of every file.
SECTIONS: Final[Mapping[str, Named]] = {
    "connections": Named(ConnectionSection(), "Name -> one configured account on one system."),
    "channels": Named(ChannelSection(), "Name -> one source connection bound to one ERP connection."),
    "policies": Named(PoliciesSection(), "Name -> policies that several channels share."),
    "schedules": Named(SchedulesSection(), "Name -> schedules that several channels share."),
    "alerts": Named(AlertSection(), "Name -> one way in which people are told of what is out of order."),
}
