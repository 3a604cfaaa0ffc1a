"""Pulling changed orders: a page, its marks and the checkpoint are saved in one transaction."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from connectors.kit.base import Page, PullsOrders
from sync.flows.rows import entry
from sync.store.bodies import pack
from sync.store.checkpoints import load_checkpoint, save_checkpoint
from sync.store.engine import Store
from sync.store.inbox import ItemKey, record_events, unknown
from sync.store.states import LIVE

STREAM = "orders"


@dataclasses.dataclass(frozen=True, slots=True)
class Pulled:
    """What one pull did."""

    pages: int
    seen: int
    #: Entries that said something new.
    marked: int


def pull(
    store: Store,
    source: PullsOrders,
    connection: str,
    channels: Sequence[str],
    *,
    since: dt.datetime,
    progress: Callable[[Pulled], None] = lambda _: None,
    marked: Callable[[Iterable[ItemKey]], object] = lambda _: None,
    priority: int = LIVE,
) -> Pulled:
    """Pull `connection` from its checkpoint (or from `since` where it has none) to the end.

    `marked` hears of what each page marked, after its commit. Raises Transient, ConnectionBroken, DatabaseBusy; what
    was saved until then stays saved, and the next pull goes on from there. It ends early, and leaves the checkpoint
    alone, when somebody has moved it meanwhile: a person who went back to a date must not be overruled.
    """
    checkpoint = store.read(lambda c: load_checkpoint(c, connection, STREAM))
    done = Pulled(0, 0, 0)
    expected = checkpoint
    for page in source.pull_orders(checkpoint, since=since):
        keys = _save_page(store, connection, {connection: channels}, page, priority=priority, expected=expected)
        if keys is None:
            break
        expected = page.checkpoint
        marked(keys)
        done = Pulled(done.pages + 1, done.seen + len(page.envelopes), done.marked + len(keys))
        progress(done)
    return done


def _save_page(
    store: Store,
    connection: str,
    channels: Mapping[str, Sequence[str]],
    page: Page,
    *,
    priority: int,
    expected: str | None,
) -> list[ItemKey] | None:
    """What the page marked; None, and nothing saved, when the checkpoint is not the one that this pull left there."""
    rows = [entry(connection, envelope, source="poll") for envelope in page.envelopes]
    # Bodies are compressed only for what is new, and before the write transaction begins.
    news = [dataclasses.replace(row, body=pack(row.body)) for row in store.read(lambda c: unknown(c, rows, channels))]

    def save(c: Connection) -> list[ItemKey] | None:
        if load_checkpoint(c, connection, STREAM, lock=True) != expected:
            return None
        keys = record_events(c, news, channels, priority=priority) if news else []
        save_checkpoint(c, connection, STREAM, page.checkpoint)
        return keys

    return store.write(save)
