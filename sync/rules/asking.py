"""What a source says of its orders now, whoever has to be asked: it, or our own database of one that only sends.

What came last from a source that cannot be asked is what it says.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Final

from connectors.kit.base import DocumentSummary, Envelope, SendsOrders
from connectors.registry import has
from sync.rules.systems import ChannelSystems
from sync.store.bodies import load_json, unpack
from sync.store.engine import Store
from sync.store.kept import load_kept
from sync.store.orders import StoredOrder, list_orders

#: Ids of one query.
_BATCH: Final = 500


def only_sends(source: object) -> bool:
    """Whether a source, or a class of connectors, cannot be asked for anything."""
    return has(source, SendsOrders)


def listed_orders(
    store: Store, systems: ChannelSystems, since: dt.datetime, until: dt.datetime
) -> list[DocumentSummary]:
    """Every order placed in the window. Raises Transient, ConnectionBroken.

    Of a source that only sends, one that could not be read is not among them: nobody knows when it was placed.
    """
    if not only_sends(systems.source):
        return list(systems.source.list_orders(since, until))
    channel = systems.channel
    found = store.read(lambda c: list_orders(c, channel.name, channel.erp, since=since, until=until))
    return [_summary(order) for order in found if order.id]


def _summary(order: StoredOrder) -> DocumentSummary:
    return DocumentSummary(
        external_id=order.external_id,
        key=order.external_id,
        number=order.number,
        state=order.source_state,
        total=order.grand,
        currency=order.currency,
        placed_at=order.placed_at,
        placed_on=dt.date.fromisoformat(order.placed_on),
    )


def current_orders(store: Store, systems: ChannelSystems, external_ids: Sequence[str]) -> Iterable[Envelope]:
    """The current state of each id; one that is gone comes as `deleted`. Raises Transient, ConnectionBroken.

    Of a source that only sends, an order of which no payload is kept any more is left out: it is not gone.
    """
    size = _BATCH if only_sends(systems.source) else systems.source.fetch_batch
    for start in range(0, len(external_ids), size):
        ids = external_ids[start : start + size]
        yield from _kept(store, systems, ids) if only_sends(systems.source) else systems.source.fetch_orders(ids)


def _kept(store: Store, systems: ChannelSystems, external_ids: Sequence[str]) -> list[Envelope]:
    found = store.read(lambda c: load_kept(c, systems.channel.source, "order", external_ids))
    return [Envelope(each.external_id, each.version, load_json(unpack(each.body))) for each in found.values()]
