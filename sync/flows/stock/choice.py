"""What a shop is to show, before we have looked at it and after: when it may rise, and when it waits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from mappings.canonical.words import say
from sync.flows.pull import STREAM
from sync.flows.stock.piece import Place, StockDrain, StockPiece, Waits, what_stands
from sync.rules.stock import is_explained
from sync.store.checkpoints import load_checkpoint_row
from sync.store.items import has_due
from sync.store.stock.shown import Shown

#: Looks that an article waits at most for the orders that may explain what its shop shows: one that is sold all the
#: time would else never show again what was bought.
MAX_WAITS: Final = 8


def choose(drain: StockDrain, piece: StockPiece, away: str) -> None:
    """End what needs no look at the shop: it shows that already as far as we know, or it waits still."""
    if not piece.levels:
        piece.waits = say("%(erp)s has not told its stock yet", erp=drain.systems.channel.erp)
        return
    places = piece.places.values()
    for place in places:
        _want(place, away)
    waiting = [place.before for place in places if place.before.waits]
    if piece.must_look:
        return
    if waiting and not _orders_are_in(drain, waiting):
        for place in places:
            place.after = dataclasses.replace(place.before, waits=place.before.waits + 1)
        piece.error = unexplained()
    elif not waiting and all(place.wanted in {None, place.before.seen} for place in places):
        finish(piece, away)


def finish(piece: StockPiece, away: str) -> None:
    """Say how it ended, once there is nothing more to write."""
    places = piece.places.values()
    if any(place.unexplained for place in places):
        piece.error = unexplained()
    elif any(place.kept_down for place in places):
        piece.waits = say("%(away)s: until it can be read again the shop shows no more than it does", away=away)
    else:
        piece.done = what_stands(piece)


def unexplained() -> Waits:
    """Why an article waits a round."""
    return Waits(say("the shop shows less than the orders that we know explain: the orders are pulled first"))


def _want(place: Place, away: str) -> None:
    """What this place is to show. Never more than it does while the ERP is away, and nothing by an older reading."""
    total, before = place.sum, place.before
    place.wanted, place.kept_down = None, False
    if total is None or (before.version is not None and total.version < before.version):
        return
    place.kept_down = bool(away) and (place.seen is None or total.figure > place.seen)
    if not place.kept_down:
        place.wanted = total.figure


def _orders_are_in(drain: StockDrain, waiting: Sequence[Shown]) -> bool:
    """Whether everything that the shop sold until we looked is known: pulled since, and taken up."""
    channel = drain.systems.channel
    pulled = drain.store.read(lambda c: load_checkpoint_row(c, channel.source, STREAM))
    looked_at = max(shown.seen_at for shown in waiting if shown.seen_at is not None)
    if pulled is None or pulled.updated_at <= looked_at:
        return False
    # Orders may be due all day long where old ones are brought in.
    is_long = max(shown.waits for shown in waiting) >= MAX_WAITS
    return is_long or not drain.store.read(lambda c: has_due(c, channel.name, "order"))


def choose_again(drain: StockDrain, piece: StockPiece, away: str) -> None:
    """What is to be written, now that the shop has said what it shows."""
    for place in piece.places.values():
        assert place.article is not None
        assert place.after is not None
        _want(place, away)
        if place.wanted is None or place.sum is None:
            continue
        if place.article.kept == "none":
            place.wanted = None
        elif place.wanted == place.article.quantity and drain.backorders in {None, place.article.backorders}:
            # By a sale of its own, or because a write landed whose answer was lost.
            place.after = dataclasses.replace(place.after, version=place.sum.version, reason=place.sum.words)
            place.wanted = None
        elif not drain.systems.shop.compares_stock and not _may_rise(drain, piece, place):
            place.after = dataclasses.replace(place.after, waits=place.before.waits + 1)
            place.wanted, place.unexplained = None, True


def _may_rise(drain: StockDrain, piece: StockPiece, place: Place) -> bool:
    """False where the shop has sold something that we do not know yet, and more would be shown over it."""
    before, seen = place.before, place.seen
    if seen is None or place.wanted is None or place.wanted <= seen or before.waits >= MAX_WAITS:
        return True
    since = before.seen_at
    known = [
        line.quantity
        for line in piece.lines
        if line.channel == drain.systems.channel.name
        and since is not None
        # What was sold before is in what we saw then, however late we heard of it.
        and min(line.captured_at, line.placed_at) > since
    ]
    return is_explained(before.seen, seen, sum(known, Decimal(0)))
