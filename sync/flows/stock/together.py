"""Articles that a shop counts together, at one product: it has one figure for them, so they must agree on it.

Without this the article that was written last would win, and the next full comparison would turn it round again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from sync.flows.stock.piece import Place, StockDrain, StockPiece
from sync.flows.stock.stops import counted_together
from sync.rules.stock import Sum, add_up
from sync.store.stock.captured import Captured, load_captured
from sync.store.stock.items import release_stopped
from sync.store.stock.levels import Level, load_levels
from sync.store.stock.shown import counted_at

#: (the shop's id of what holds a count, place of the shop)
_Counter = tuple[str, str]


def stop_where_they_differ(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """End each piece whose count is some other article's too, which is to show something else.

    An article of which the ERP says nothing, or that is frozen, has no say. One that was stopped here and agrees now is
    looked at again.
    """
    counters = _counters(drain, pieces)
    agreeing: set[str] = set()
    sums = _sums(drain, {sku for skus in counters.values() for sku in skus})
    for piece in pieces:
        for name, place in piece.places.items():
            others = counters.get(_counter(place, name), set()) - {piece.sku}
            figures = {sku: found.figure for sku in others if (found := _sum(drain, sums, sku, place)) is not None}
            if place.sum is not None and any(figure != place.sum.figure for figure in figures.values()):
                listed = {piece.sku: place.sum.figure, **figures}
                piece.error = counted_together(drain.systems.channel, piece.sku, listed, _counter(place, name)[0])
            else:
                agreeing |= others
    if agreeing:
        drain.write(lambda c: release_stopped(c, drain.systems.channel.name, agreeing))


def _counter(place: Place, name: str) -> _Counter:
    return (place.after.counter if place.after is not None else "", name)


def _counters(drain: StockDrain, pieces: Sequence[StockPiece]) -> dict[_Counter, set[str]]:
    """Those at which more than one article is counted, with all of them: known before, or seen in this batch."""
    seen: dict[_Counter, set[str]] = {}
    for piece in pieces:
        for name, place in piece.places.items():
            seen.setdefault(_counter(place, name), set()).add(piece.sku)
    seen = {key: skus for key, skus in seen.items() if key[0]}
    channel = drain.systems.channel.name
    known = drain.store.read(lambda c: counted_at(c, channel, {counter for counter, _ in seen}))
    together = {key: skus | known.get(key, set()) for key, skus in seen.items()}
    return {
        key: {sku for sku in skus if not drain.policy.is_frozen(sku)} for key, skus in together.items() if len(skus) > 1
    }


def _sums(drain: StockDrain, skus: set[str]) -> tuple[Mapping[str, Sequence[Level]], Mapping[str, Sequence[Captured]]]:
    if not skus:
        return {}, {}
    erp, codes = drain.systems.channel.erp, {drain.articles.code(sku) for sku in skus}

    def work(connection: Connection) -> tuple[dict[str, list[Level]], dict[str, list[Captured]]]:
        return load_levels(connection, erp, codes), load_captured(connection, erp, codes)

    return drain.store.read(work)


def _sum(
    drain: StockDrain,
    known: tuple[Mapping[str, Sequence[Level]], Mapping[str, Sequence[Captured]]],
    sku: str,
    place: Place,
) -> Sum | None:
    code = drain.articles.code(sku)
    return add_up(drain.policy, known[0].get(code, ()), known[1].get(code, ()), place.warehouses)
