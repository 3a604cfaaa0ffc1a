"""Writing what a shop is to show, in bulk: absolute figures, each with a result of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from connectors.kit.errors import ConnectionBroken, ConnectorError, RecordRejected, Transient
from connectors.kit.stock import StockResult, StockWrite
from sync.flows.stock.piece import Place, StockDrain, StockPiece
from sync.flows.stock.stops import refused
from sync.rules.stops import NotSent
from sync.store.stock.shown import announce, save_shown
from sync.store.types import db_now

#: What says that a write did not land.
_NOTHING_WRITTEN: Final = (Transient, ConnectionBroken, RecordRejected)


def push_stock(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """Everything that is to change, in calls of as many as the shop takes."""
    todo = [
        (piece, name, place) for piece in pieces for name, place in piece.places.items() if place.wanted is not None
    ]
    size = drain.systems.shop.stock_bulk
    for start in range(0, len(todo), size):
        some = todo[start : start + size]
        try:
            _demand_time(drain)
        except NotSent as error:
            for piece, _, _ in todo[start:]:
                piece.error = error
            return
        _announce(drain, some)
        _take_results(drain, some, _call(drain, some))


def _demand_time(drain: StockDrain) -> None:
    """A write of a drain that has lost its lease could land on a newer one of its successor's. Raises NotSent."""
    if drain.clock.left_s() <= drain.systems.shop.write_deadline_s:
        raise NotSent("the lease has less time left than the call may take; this article was not sent")


def _announce(drain: StockDrain, some: Sequence[tuple[StockPiece, str, Place]]) -> None:
    channel = drain.systems.channel.name
    size = 20 if drain.store.is_sqlite else len(some)
    for start in range(0, len(some), size):
        part = some[start : start + size]

        def work(connection: Connection, part: Sequence[tuple[StockPiece, str, Place]] = part) -> None:
            save_shown(connection, channel, [place.after for _, _, place in part if place.after is not None])
            rows = [(piece.sku, name, place.wanted) for piece, name, place in part if place.wanted is not None]
            announce(connection, channel, rows)

        drain.write(work)


def _call(drain: StockDrain, some: Sequence[tuple[StockPiece, str, Place]]) -> list[StockResult]:
    writes = [
        StockWrite(article=place.article, quantity=place.wanted, backorders=drain.backorders, location=name)
        for _, name, place in some
        if place.article is not None and place.wanted is not None
    ]
    try:
        return drain.systems.shop.write_stock(writes)
    except ConnectorError as error:
        return [StockResult(error=error) for _ in writes]
    finally:
        drain.progress()


def _take_results(
    drain: StockDrain, some: Sequence[tuple[StockPiece, str, Place]], results: Sequence[StockResult]
) -> None:
    now = drain.store.read(lambda c: c.execute(select(db_now())).scalar_one())
    for (piece, _, place), result in zip(some, results, strict=True):
        assert place.after is not None
        assert place.sum is not None
        if result.error is None:
            place.after = dataclasses.replace(
                place.after,
                quantity=place.wanted,
                pushed_at=now,
                version=place.sum.version,
                seen=place.wanted if result.quantity is None else result.quantity,
                seen_at=now,
                reason=place.sum.words,
            )
            continue
        if not isinstance(result.error, _NOTHING_WRITTEN):
            # It may show what we announced by now: the next look says.
            place.after = dataclasses.replace(place.after, seen=place.wanted, seen_at=now)
        piece.error = refused(drain.systems.channel, piece.sku, result.error)
