"""The check of how a channel carries cents: what is rounding, and what is a mistake."""

from __future__ import annotations

from typing import Final

from config.model import Mode
from connectors.kit.errors import ConnectorError
from connectors.kit.findings import Finding, of_error, ok, warn
from mappings.wanted import COMPANY
from sync.desk.phrases import say
from sync.rules.systems import ChannelSystems

CHECK: Final = "channel.rounding"
#: Units of the last decimal: no way of rounding tax comes to more in an ordinary order.
_MUCH: Final = 20
#: What the ERPs call it, and how people say it.
_WAYS: Final = {
    "document": say("once for the whole document"),
    "round_globally": say("once for the whole document"),
    "line": say("line by line"),
    "round_per_line": say("line by line"),
}


def rounding_finding(systems: ChannelSystems) -> Finding:
    """The threshold of the channel, and how the ERP rounds tax."""
    policies, config = systems.channel.policies, systems.config
    where = config.where(f"channels.{systems.channel.name}.policies.totals_threshold")
    units = policies.totals_threshold
    if policies.rules["totals"] is not Mode.HOLD:
        return warn(
            CHECK,
            say("any difference is carried as rounding, because the rule `totals` does not hold"),
            say("set the rule `totals` to `hold`: %(where)s", where=config.where(f"channels.{systems.channel.name}")),
        )
    if not units:
        step = say("allow some units, or expect orders to be held for a cent: %(where)s", where=where)
        return warn(CHECK, say("nothing is carried as rounding: an order that is off by one unit is held"), step)
    if units > _MUCH:
        step = say("lower it to what rounding can come to: %(where)s", where=where)
        return warn(CHECK, say("%(units)s units are carried: a mistake can hide among them", units=units), step)
    try:
        company = systems.target.resolve([COMPANY]).get(COMPANY, {})
    except ConnectorError as error:
        return of_error(CHECK, error)
    way = _WAYS.get(str(company.get("tax_rounding", "")))
    carried = say("up to %(units)s units of the last decimal are carried under their own name", units=units)
    if way is None:
        return ok(CHECK, carried)
    return ok(CHECK, say("%(carried)s; the ERP rounds tax %(way)s", carried=carried, way=way))
