"""When orders are not spared their look-up any more: after an outage, and after a restored backup.

The first shows in the database itself: the scheduler's last heartbeat in it is old. So does the second, unless the
backup is young; then it shows in what this machine remembers (`Witness`). Whoever comes first after that, the scheduler
or a drain that a webhook rang for, stops trusting before it does anything else.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import structlog
from sqlalchemy import Connection

from config.model import Channel
from sync.store.channels import ChannelState, distrust, start_channel
from sync.store.engine import Store
from sync.store.intents import newest_intent
from sync.store.singletons import SCHEDULER, holder_of
from sync.work.witness import Witness

#: Shorter silences are restarts.
_OUTAGE: Final = dt.timedelta(minutes=5)

log = structlog.get_logger(__name__)


def notice_outage(connection: Connection, silent: dt.timedelta | None) -> None:
    """Stop trusting when the scheduler was silent for long; `silent` None means that there never was one."""
    if silent is not None and silent > _OUTAGE:
        log.warning("outage_noticed", seconds=round(silent.total_seconds()))
        distrust(connection)


def notice_return(store: Store, witness: Witness) -> None:
    """Stop trusting when the database has gone back behind what this machine has seen of it; remember how far it is."""
    # First the file: the database may go on meanwhile, and is never behind what somebody has seen of it before.
    seen = witness.seen()
    newest = store.read(newest_intent)
    if newest < seen:
        log.warning("older_database_noticed", seen=seen, found=newest)
        store.write(distrust)
    witness.note(newest)


def begin_channel(connection: Connection, channel: Channel) -> ChannelState:
    """Go-live and trust of a channel, as a drain may rely on them."""
    scheduler = holder_of(connection, SCHEDULER)
    notice_outage(connection, None if scheduler is None else scheduler.silence)
    return start_channel(connection, channel.name, channel.policies.start_at)
