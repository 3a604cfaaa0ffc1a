"""The check of the values in a channel's orders that no look-up row and no ERP knows: the forecast, in short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.kit.errors import ConnectorError
from connectors.kit.findings import Finding, of_error, ok, unknown, warn
from sync.desk.forecast import Forecast, Gap, look_ahead
from sync.desk.phrases import joined, say
from sync.rules.systems import ChannelSystems
from sync.store.engine import Store

CHECK: Final = "channel.unmapped"
#: Orders that are read at most; the forecast itself reads more.
_MOST: Final = 500
_SHOWN: Final = 5


def unmapped_finding(systems: ChannelSystems, store: Store) -> Finding:
    """What would stop orders like those of the last 90 days."""
    try:
        found = look_ahead(store, systems, most=_MOST)
    except ConnectorError as error:
        return of_error(CHECK, error)
    step = say("see all, with suggestions: crossdock forecast %(channel)s", channel=found.channel)
    if not found.orders:
        return unknown(CHECK, say("there are no orders of the last %(days)s days", days=found.days))
    stopping = [gap for gap in found.gaps if gap.stops]
    if stopping:
        return warn(CHECK, _told(found, stopping), step)
    if found.gaps:
        return ok(CHECK, say("nothing stops; %(count)s values are left out", count=len(found.gaps)))
    return ok(CHECK, say("all values of %(orders)s orders are known", orders=found.orders))


def _told(found: Forecast, stopping: Sequence[Gap]) -> str:
    shown = joined(
        ", ",
        (
            say("%(table)s %(value)s (%(orders)s orders)", table=gap.table, value=repr(gap.value), orders=gap.orders)
            for gap in stopping[:_SHOWN]
        ),
    )
    return say(
        "%(count)s values of %(orders)s orders are unknown and stop them: %(shown)s",
        count=len(stopping),
        orders=found.orders,
        shown=shown,
    )
