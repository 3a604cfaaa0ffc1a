"""Following the ERP: what changed there marks the order that it hangs on; a page, its marks and the checkpoint at once.

An entry only says "look at sale X". One that is not bound to an order of ours is kept as an event all the same: it may
be bound later.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from connectors.kit.base import Envelope, Page
from connectors.kit.facets import FollowsSales
from sync.flows.pull import Pulled
from sync.store.bindings import BoundOrder, bound_orders
from sync.store.bodies import digest, dump_json, pack
from sync.store.checkpoints import load_checkpoint, save_checkpoint
from sync.store.engine import Store
from sync.store.events import save_unseen
from sync.store.inbox import ItemKey, NewEvent
from sync.store.marking import mark

STREAM = "sales"


def follow(
    store: Store,
    erp: FollowsSales,
    connection: str,
    *,
    since: dt.datetime,
    marked: Callable[[Iterable[ItemKey]], object] = lambda _: None,
) -> Pulled:
    """Follow one ERP connection from its checkpoint (or from `since` where it has none) to the end.

    Raises Transient, ConnectionBroken, DatabaseBusy; what was saved until then stays saved. It ends early when somebody
    has moved the checkpoint meanwhile.
    """
    expected = store.read(lambda c: load_checkpoint(c, connection, STREAM))
    done = Pulled(0, 0, 0)
    for page in erp.pull_sales(expected, since=since):
        keys = store.write(functools.partial(_save_page, name=connection, page=page, expected=expected))
        if keys is None:
            break
        expected = page.checkpoint
        marked(keys)
        done = Pulled(done.pages + 1, done.seen + len(page.envelopes), done.marked + len(keys))
    return done


def _save_page(connection: Connection, name: str, page: Page, expected: str | None) -> list[ItemKey] | None:
    if load_checkpoint(connection, name, STREAM, lock=True) != expected:
        return None
    unseen = save_unseen(connection, name, "sale", [_event(name, envelope) for envelope in page.envelopes])
    bound = bound_orders(connection, name, [event.external_id or "" for event in unseen])
    keys = _news(unseen, bound)
    for channel in sorted({channel for channel, _, _ in keys}):
        ids = [external_id for of, _, external_id in keys if of == channel]
        mark(connection, channel, "order", ids, facet="target")
    save_checkpoint(connection, name, STREAM, page.checkpoint)
    return keys


def _event(name: str, envelope: Envelope) -> NewEvent:
    body = dump_json({"id": envelope.external_id, "version": envelope.version})
    return NewEvent(
        connection=name,
        kind="sale",
        external_id=envelope.external_id,
        source="poll",
        topic="",
        version=envelope.version,
        body=pack(body),
        digest=digest(body),
        received_at=dt.datetime.now(dt.UTC),
        hint_only=True,
    )


def _news(events: Sequence[NewEvent], bound: Mapping[str, Sequence[BoundOrder]]) -> list[ItemKey]:
    """The items to be looked at, sorted; what bears the version that we read back is our own write, come back."""
    return sorted(
        {
            (order.channel, "order", order.external_id)
            for event in events
            for order in bound.get(event.external_id or "", ())
            if order.version != event.version or not event.version
        }
    )
