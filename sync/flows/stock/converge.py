"""The stock flow: from what the ERP has and what orders take to what a shop shows, for a batch of claimed articles.

sum up -> compare with what the shop shows as far as we know -> look (in bulk) -> sum up again -> write (in bulk)

A write is absolute and is compared anew each time, so there are no intents: what became of a write that nobody saw the
end of is found by the next look. What is about to be written is committed before (`sync.store.stock.shown.announce`).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Connection, select

from config.model import Backorders, MissingArticles
from connectors.kit.errors import ConnectorError
from connectors.kit.stock import ShopStock
from mappings.canonical.words import say
from sync.flows.stock.choice import choose, choose_again, finish
from sync.flows.stock.piece import Place, StockDrain, StockPiece
from sync.flows.stock.push import push_stock
from sync.flows.stock.reading import Reader
from sync.flows.stock.stops import missing_in_erp, missing_in_shop, twice_in_shop
from sync.flows.stock.together import stop_where_they_differ
from sync.rules.stock import add_up, lacking
from sync.store.items import Item
from sync.store.stock.captured import Captured, load_captured
from sync.store.stock.items import READ
from sync.store.stock.levels import Level, away_of, load_levels
from sync.store.stock.shown import Shown, load_shown
from sync.store.switches import find_pause, pauses
from sync.store.types import db_now


def converge_stock(drain: StockDrain, items: Sequence[Item]) -> list[StockPiece]:
    """Bring what the shop shows to what it is to show; one piece each, ended. Raises LeaseLost, DatabaseBusy."""
    pieces = _begin(drain, items)
    _read_erp(drain, [piece for piece in _open(pieces) if READ in piece.item.facets])
    _sum_up(drain, pieces)
    unread = [piece for piece in _open(pieces) if not piece.levels]
    _read_erp(drain, unread)
    _sum_up(drain, unread)
    away = _erp_is_away(drain)
    for piece in _open(pieces):
        choose(drain, piece, away)
    _look(drain, _open(pieces))
    # Orders may have come in while the shop answered.
    _sum_up(drain, _open(pieces))
    stop_where_they_differ(drain, _open(pieces))
    for piece in _open(pieces):
        choose_again(drain, piece, away)
    push_stock(drain, _open(pieces))
    for piece in _open(pieces):
        finish(piece, away)
    return pieces


def _open(pieces: Iterable[StockPiece]) -> list[StockPiece]:
    return [piece for piece in pieces if not piece.ended]


def _begin(drain: StockDrain, items: Sequence[Item]) -> list[StockPiece]:
    skus = [item.external_id for item in items]
    known = drain.store.read(lambda c: load_shown(c, drain.systems.channel.name, skus))
    pieces = []
    for item in items:
        sku = item.external_id
        places = {
            place: Place(warehouses, known.get((sku, place), Shown(sku=sku, location=place)))
            for place, warehouses in drain.policy.places.items()
        }
        piece = StockPiece(item, sku, drain.articles.code(sku), places)
        if drain.policy.is_frozen(sku):
            piece.skipped = say("frozen by the configuration of the channel: the shop keeps what it shows")
        pieces.append(piece)
    return pieces


# --- what the ERP says ------------------------------------------------------------------------------------------


def _read_erp(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """Ask the ERP first, where it can be asked; where not, what it said last is what we go on with."""
    channel = drain.systems.channel
    if not pieces or find_pause(drain.store.read(pauses), connections=(channel.erp,)):
        return
    reader = Reader(drain.store, drain.config, channel.erp, drain.systems.erp, progress=drain.progress)
    try:
        reader.articles(sorted({piece.code for piece in pieces}))
    except ConnectorError as error:
        # The reader has written down why; the figures stay what they were and do not rise.
        for piece in pieces:
            if not piece.levels and READ not in piece.item.facets:
                piece.waits = say("%(erp)s has not told its stock yet: %(error)s", erp=channel.erp, error=error)
        return
    for piece in pieces:
        if not drain.store.read(lambda c, code=piece.code: load_levels(c, channel.erp, [code])):  # type: ignore[misc]
            piece.error = missing_in_erp(channel, piece.sku, piece.code)


def _sum_up(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """The figures as the database has them at this moment, in one transaction."""
    erp, codes = drain.systems.channel.erp, {piece.code for piece in pieces}

    def work(connection: Connection) -> tuple[dict[str, list[Level]], dict[str, list[Captured]]]:
        return load_levels(connection, erp, codes), load_captured(connection, erp, codes)

    if not pieces:
        return
    levels, lines = drain.store.read(work)
    for piece in pieces:
        piece.levels, piece.lines = levels.get(piece.code, ()), lines.get(piece.code, ())
        for place in piece.places.values():
            place.sum = add_up(drain.policy, piece.levels, piece.lines, place.warehouses)


def _erp_is_away(drain: StockDrain) -> str:
    """Why nothing may rise at the moment: the ERP is paused, or could not be read the last time."""
    erp = drain.systems.channel.erp
    paused = find_pause(drain.store.read(pauses), connections=(erp,))
    if paused is not None:
        return say("%(erp)s is paused", erp=erp)
    away = drain.store.read(lambda c: away_of(c, erp))
    return "" if away is None else say("%(erp)s could not be read: %(reason)s", erp=erp, reason=away[0])


# --- look -------------------------------------------------------------------------------------------------------


def _look(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """What the shop shows, in bulk."""
    if not pieces:
        return
    try:
        found = drain.systems.shop.find_stock([piece.sku for piece in pieces])
    except ConnectorError as error:
        for piece in pieces:
            piece.error = error
        return
    drain.progress()
    now = drain.store.read(lambda c: c.execute(select(db_now())).scalar_one())
    for piece in pieces:
        _take_look(drain, piece, found.get(piece.sku, []), now)


def _take_look(drain: StockDrain, piece: StockPiece, found: Sequence[ShopStock], now: dt.datetime) -> None:
    channel = drain.systems.channel
    for name, place in piece.places.items():
        here = [article for article in found if article.location == name]
        if len(here) > 1:
            piece.error = twice_in_shop(channel, piece.sku, here)
            return
        if not here:
            _not_there(drain, piece, name)
            return
        place.article = here[0]
        place.after = dataclasses.replace(
            place.before,
            external_id=here[0].external_id,
            parent_id=here[0].parent_id,
            counter=_counter_of(here[0]),
            seen=here[0].quantity,
            seen_at=now,
            waits=0,
        )
    if all(place.article is not None and place.article.kept == "none" for place in piece.places.values()):
        piece.skipped = say("the shop keeps no count of this article")


def _counter_of(article: ShopStock) -> str:
    return {"own": article.external_id, "parent": article.parent_id}.get(article.kept, "")


def _not_there(drain: StockDrain, piece: StockPiece, place: str) -> None:
    was_there = any(known.before.external_id for known in piece.places.values())
    if drain.articles.is_spare(piece.sku) and not was_there:
        piece.skipped = say("the shop calls this article something else")
    elif drain.policy.missing is MissingArticles.IGNORE and not was_there and READ not in piece.item.facets:
        piece.skipped = say("the shop does not have this article")
    else:
        piece.error = missing_in_shop(drain.systems.channel, piece.sku, place)


def oversold(drain: StockDrain, pieces: Sequence[StockPiece]) -> Mapping[str, Decimal]:
    """The ERP's code of each article that was looked at -> how many more are sold than it has; nothing where enough."""
    if drain.policy.backorders is Backorders.YES:
        return {}
    return {piece.code: lacking(piece.levels, piece.lines) for piece in pieces if piece.levels}
