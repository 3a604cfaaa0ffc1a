"""How much faster time goes in a chaos run: so that a minute and a half hold many leases, probes and settle times."""

from __future__ import annotations

import datetime as dt
from typing import Final

#: Total of one call to either system, in seconds; the least that the configuration takes is 1.
DEADLINE_S: Final = 1.0
LEASE_BASE_S: Final = 1.0
LEASE_S: Final = LEASE_BASE_S + 3 * DEADLINE_S
#: What the sandbox ERP declares, and the shop's connection says: no effect lands later than this after its request.
SETTLE_S: Final = 2.5
#: A second look at who is dead must have seen a lease for its whole length; a tick, and the time to be rung and to
#: fork a drain on a machine that has other things to do.
SLACK_S: Final = 8.0


def scale_time() -> None:
    """Seconds instead of minutes, in this process; nothing of it changes what is decided."""
    # Here, so that what only draws up a plan imports nothing of the product.
    from sync.desk import outcomes  # noqa: PLC0415
    from sync.flows import resync  # noqa: PLC0415
    from sync.rules import systems  # noqa: PLC0415
    from sync.work import bell, scheduler, supervise  # noqa: PLC0415
    from sync.work.stock import settle  # noqa: PLC0415

    systems.LEASE_BASE_S = LEASE_BASE_S
    systems.SETTLE_BEYOND_S = 0.5
    outcomes.PROBE_S = 1.0
    outcomes.LATER_S = 0.3
    outcomes._BACKOFF_S = (0.5, 1.0, 2.0, 4.0)
    resync._YOUNG = dt.timedelta(0)
    settle.ROUND_S = 1.0
    scheduler._PLACE_S = 4.0
    bell.PENDING_S = 3
    supervise._LONGEST_DELAY_S = 2.0
