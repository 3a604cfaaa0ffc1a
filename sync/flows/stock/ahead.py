"""Counting orders that no drain has looked at yet: the ERP may be away for hours, and what they take is sold already.

Only what an order takes is worked out here, from the payload that is stored. Nobody is spoken to, and nothing is
decided: an order that cannot be read, or that the status policy leaves out, is left to its drain.
"""

from __future__ import annotations

import functools
from typing import Final

from sqlalchemy import Connection

from config.model import StatusAction
from mappings.canonical.errors import Problems
from mappings.canonical.records import Order
from sync.flows.rows import fingerprint, order_row
from sync.flows.stock.capture import taken_by
from sync.rules.corrected import NONE, load_standings, read_corrected
from sync.rules.lookups import load_lookups
from sync.rules.stock import Articles
from sync.rules.systems import ChannelSystems, Systems
from sync.store.bodies import load_json, unpack
from sync.store.channels import ChannelState, channel_state
from sync.store.engine import Store
from sync.store.orders import OrderRow
from sync.store.stock.captured import Taken, Unseen, add_unseen, capture, list_unseen

#: Orders of one channel and one look; the next one comes with the next run.
_MOST: Final = 500
#: Orders of one write transaction: each is a handful of rows.
_PIECE: Final = 8


def capture_ahead(store: Store, systems: Systems, erp: str) -> int:
    """Count every order of an ERP's channels that is stored and not looked at yet; answers how many were new."""
    count = 0
    for name, channel in systems.config.channels.items():
        if channel.erp == erp:
            count += _capture_channel(store, systems.channel(name))
    return count


def _capture_channel(store: Store, systems: ChannelSystems) -> int:
    channel = systems.channel
    if systems.reserves_at is None:
        return 0
    unseen, state, lookups = store.read(
        lambda c: (
            list_unseen(c, channel.name, _MOST),
            channel_state(c, channel.name),
            load_lookups(c, channel),
        )
    )
    corrected = store.read(lambda c: load_standings(c, [entry.item_id for entry in unseen]))
    if not unseen or state is None:
        return 0
    reading, articles = systems.reading(lookups), Articles(lookups)
    found: list[tuple[Unseen, Order]] = []
    for entry in unseen:
        try:
            payload, standing = load_json(unpack(entry.body)), corrected.get(entry.item_id, NONE)
            order = read_corrected(systems.source_mapping, payload, reading, standing).order
        except Problems:
            # Its drain says what is wrong with it, to whom it concerns.
            continue
        if _is_wanted(systems, state, order):
            found.append((entry, order))
    for start in range(0, len(found), _PIECE):
        part = found[start : start + _PIECE]
        store.write(functools.partial(_save, systems=systems, articles=articles, part=part))
    return len(found)


def _is_wanted(systems: ChannelSystems, state: ChannelState, order: Order) -> bool:
    action, _ = systems.channel.policies.status_action(order.state, order.payment_state)
    return order.placed_at >= state.start_at and action in {StatusAction.IMPORT, StatusAction.WAIT}


def _save(
    connection: Connection, systems: ChannelSystems, articles: Articles, part: list[tuple[Unseen, Order]]
) -> None:
    """Only where its drain has not been quicker: then it knows more than we do."""
    rows: list[OrderRow] = [
        order_row(systems, entry.item_id, order, fingerprint(systems, order)) for entry, order in part
    ]
    ids = add_unseen(connection, rows)
    taken = [Taken(ids[order.external_id], taken_by(order, articles)) for _, order in part if order.external_id in ids]
    capture(connection, systems.channel.erp, taken)
