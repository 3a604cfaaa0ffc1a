"""When orders are not spared their look-up any more: after an outage, and after a restored backup.

Both show in the database itself: the scheduler's last heartbeat in it is old. Whoever comes first after that, the
scheduler or a drain that a webhook rang for, stops trusting before it does anything else.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import structlog
from sqlalchemy import Connection

from config.model import Channel
from sync.store.channels import ChannelState, distrust, start_channel
from sync.store.singletons import SCHEDULER, holder_of

#: Shorter silences are restarts.
_OUTAGE: Final = dt.timedelta(minutes=5)

log = structlog.get_logger(__name__)


def notice_outage(connection: Connection, silent: dt.timedelta | None) -> None:
    """Stop trusting when the scheduler was silent for long; `silent` None means that there never was one."""
    if silent is not None and silent > _OUTAGE:
        log.warning("outage_noticed", seconds=round(silent.total_seconds()))
        distrust(connection)


def begin_channel(connection: Connection, channel: Channel) -> ChannelState:
    """Go-live and trust of a channel, as a drain may rely on them."""
    scheduler = holder_of(connection, SCHEDULER)
    notice_outage(connection, None if scheduler is None else scheduler.silence)
    return start_channel(connection, channel.name, channel.policies.start_at)
