"""Telling every channel of an ERP what has changed there: touched articles become marks of its shops' SKUs."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from sqlalchemy import Connection

from config.model import Config
from sync.flows.stock.arrivals import release_waiting_for_goods
from sync.rules.lookups import load_lookups
from sync.rules.stock import Articles
from sync.store.engine import Store
from sync.store.stock.items import FULL, mark_stock
from sync.store.stock.levels import forget_touched, known_articles, list_touched
from sync.store.stock.shown import shown_articles

#: Articles that one look takes; the next one comes half a second later.
_MOST = 2_000


def spread(store: Store, config: Config) -> int:
    """Mark what was touched, in every channel that shows it; answers how many articles that were."""
    touched = store.read(lambda c: list_touched(c, _MOST))
    for erp, counts in touched.items():
        channels = load_articles(store, config, erp)
        # In each channel an article is a row, and it was touched in one.
        for some in store.pieces(sorted(counts), len(channels) + 1):
            part = {sku: counts[sku] for sku in some}
            store.write(functools.partial(_tell, config=config, erp=erp, counts=part, channels=channels))
    return sum(map(len, touched.values()))


def load_articles(store: Store, config: Config, erp: str) -> dict[str, Articles]:
    """Channel that shows the stock of an ERP -> which of its SKUs is which article there."""
    channels = config.stock_channels(erp)
    return store.read(lambda c: {channel.name: Articles(load_lookups(c, channel)) for channel in channels})


def _tell(
    connection: Connection, config: Config, erp: str, counts: Mapping[str, int], channels: Mapping[str, Articles]
) -> None:
    for name, articles in sorted(channels.items()):
        mark_stock(connection, name, {sku for code in counts for sku in articles.skus(code)})
    release_waiting_for_goods(connection, config, erp, counts)
    # In the same transaction: what is touched until it ends is told once more.
    forget_touched(connection, erp, counts)


def mark_everything(store: Store, config: Config, channel: str) -> int:
    """Have every article of a channel compared with what its shop really shows; answers how many."""
    erp = config.channels[channel].erp
    articles = load_articles(store, config, erp)[channel]
    known, shown = store.read(lambda c: (known_articles(c, erp), shown_articles(c, channel)))
    skus = sorted({*shown, *(sku for code in known for sku in articles.skus(code))})
    for some in store.pieces(skus, 1):
        store.write(functools.partial(mark_stock, channel=channel, skus=some, facets=(FULL,)))
    return len(skus)
