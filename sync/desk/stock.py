"""What people see of stock: the ledger of a channel, why its shop shows what it shows, and pushing it now."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from config.model import Channel, Config, StockPolicy
from sync.desk.phrases import Refusal, say
from sync.rules.lookups import load_lookups
from sync.rules.stock import Articles, Sum, add_up, counts
from sync.store import schedule
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.stock.captured import Captured, load_captured
from sync.store.stock.items import FULL, READ, mark_stock
from sync.store.stock.ledger import Article, find_article, list_articles
from sync.store.stock.levels import Level, away_of, load_levels
from sync.store.stock.shown import Shown, load_shown


@dataclasses.dataclass(frozen=True, slots=True)
class PlaceView:
    """One article in one place of the shop, with everything that its figure is made of."""

    #: Empty for a shop without places.
    name: str
    levels: Sequence[Level]
    #: What orders take here, and whether each of them counts.
    lines: Sequence[tuple[Captured, bool]]
    #: None where the ERP says nothing of it.
    sum: Sum | None
    shown: Shown


@dataclasses.dataclass(frozen=True, slots=True)
class ArticleView:
    """One article of a channel."""

    article: Article
    #: The ERP's code.
    code: str
    places: Sequence[PlaceView]


@dataclasses.dataclass(frozen=True, slots=True)
class Ledger:
    """A page of the ledger."""

    channel: Channel
    articles: Sequence[ArticleView]
    #: The SKU after which the next page begins; empty at the end.
    next: str
    #: Why the ERP cannot be read, and since when; None while it can.
    away: tuple[str, dt.datetime] | None


class NoStock(Refusal):
    """The channel's shop does not show the ERP's stock."""


def ledger_page(
    store: Store,
    config: Config,
    name: str,
    *,
    text: str = "",
    after: str = "",
    stopped: bool = False,
    limit: int = 50,
) -> Ledger:
    """The articles of a channel by SKU. Raises NoStock."""
    channel = stock_channel(config, name)

    def work(connection: Connection) -> Ledger:
        found = list_articles(connection, name, text=text, after=after, stopped=stopped, limit=limit + 1)
        views = _views(connection, channel, found[:limit])
        more = views[-1].article.sku if len(found) > limit else ""
        return Ledger(channel, views, more, away_of(connection, channel.erp))

    return store.read(work)


def explain(store: Store, config: Config, name: str, sku: str) -> Ledger | None:
    """The same for one article; None for one of which nobody has heard. Raises NoStock."""
    channel = stock_channel(config, name)

    def work(connection: Connection) -> Ledger | None:
        article = find_article(connection, name, sku)
        if article is None:
            return None
        return Ledger(channel, _views(connection, channel, [article]), "", away_of(connection, channel.erp))

    return store.read(work)


def stock_channel(config: Config, name: str) -> Channel:
    """A channel whose shop shows the ERP's stock. Raises NoStock."""
    channel = config.channels.get(name)
    if channel is None:
        raise NoStock(say("there is no channel %(name)s", name=name))
    if not channel.stock.push:
        raise NoStock(
            say("the stock of %(name)s is not carried over: set `stock: {push: on}` of the channel", name=name)
        )
    return channel


def _views(connection: Connection, channel: Channel, found: Sequence[Article]) -> list[ArticleView]:
    articles = Articles(load_lookups(connection, channel))
    codes = {article.sku: articles.code(article.sku) for article in found}
    levels = load_levels(connection, channel.erp, codes.values())
    lines = load_captured(connection, channel.erp, codes.values())
    shown = load_shown(connection, channel.name, codes)
    return [
        ArticleView(
            article,
            code := codes[article.sku],
            _places(channel.stock, article.sku, levels.get(code, ()), lines.get(code, ()), shown),
        )
        for article in found
    ]


def _places(
    policy: StockPolicy,
    sku: str,
    levels: Sequence[Level],
    lines: Sequence[Captured],
    shown: Mapping[tuple[str, str], Shown],
) -> list[PlaceView]:
    return [
        PlaceView(
            name,
            [level for level in levels if not warehouses or level.location in warehouses],
            [(line, counts(policy, line, warehouses)) for line in lines],
            add_up(policy, levels, lines, warehouses),
            shown.get((sku, name), Shown(sku=sku, location=name)),
        )
        for name, warehouses in policy.places.items()
    ]


def push_article(store: Store, config: Config, name: str, sku: str, *, actor: Actor) -> None:
    """Have one article read in the ERP, compared with the shop and set, now. Raises NoStock."""
    stock_channel(config, name)

    def work(connection: Connection) -> None:
        mark_stock(connection, name, [sku], (READ, FULL))
        record_audit(connection, actor, "push stock", f"stock:{name}:{sku}"[:320])

    store.write(work)


def push_everything(store: Store, config: Config, name: str, *, actor: Actor) -> None:
    """Have the scheduler read every article and compare each with the shop, as soon as it looks. Raises NoStock."""
    stock_channel(config, name)

    def work(connection: Connection) -> None:
        schedule.ask(connection, f"stock-full:{name}")
        record_audit(connection, actor, "push all stock", f"channel:{name}")

    store.write(work)
