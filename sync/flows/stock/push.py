"""Writing what a shop is to show, in bulk: absolute figures, each with a result of its own."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, select

from connectors.kit.errors import ConnectionBroken, ConnectorError, OutcomeUnknown, RecordRejected, Transient
from connectors.kit.permits import writes_need
from connectors.kit.stock import StockResult, StockTarget, StockWrite
from mappings.canonical.words import say
from sync.flows.stock.batches import calls
from sync.flows.stock.piece import Place, StockDrain, StockPiece
from sync.flows.stock.stops import refused
from sync.rules.stops import NotSent
from sync.store.stock.shown import announce
from sync.store.types import db_now

#: What says that a write did not land.
_NOTHING_WRITTEN: Final = (Transient, ConnectionBroken, RecordRejected)
#: What says that the shop is not to be called at the moment.
_NO_ANSWER: Final = (Transient, ConnectionBroken, OutcomeUnknown)
_Entry = tuple[StockPiece, str, Place]


def push_stock(drain: StockDrain, pieces: Sequence[StockPiece]) -> None:
    """Everything that is to change, in calls of as many as the shop takes.

    After a call without a usable answer nothing more is sent.
    """
    todo = [
        (piece, name, place) for piece in pieces for name, place in piece.places.items() if place.wanted is not None
    ]
    unsent = calls(todo, drain.systems.shop.stock_bulk, functools.partial(_parent_of, drain.systems.shop))
    while unsent:
        some = unsent.pop(0)
        try:
            _demand_time(drain)
            _announce(drain, some)
            results = _call(drain, some)
        except NotSent as error:
            _give_up([some, *unsent], error)
            return
        _take_results(drain, some, results)
        if all(isinstance(result.error, _NO_ANSWER) for result in results):
            _give_up(unsent, NotSent(say("the call before it had no usable answer; this article was not sent")))
            return


def _parent_of(shop: StockTarget, entry: _Entry) -> str:
    """What takes a call of its own; a variation that is counted with its product is written there."""
    article = entry[2].article
    assert article is not None
    return article.parent_id if shop.writes_by_parent and article.kept == "own" else ""


def _give_up(unsent: Sequence[Sequence[_Entry]], error: NotSent) -> None:
    for piece, _, _ in itertools.chain(*unsent):
        piece.error = error


def _demand_time(drain: StockDrain) -> None:
    """A write of a drain that has lost its lease could land on a newer one of its successor's. Raises NotSent."""
    if drain.clock.left_s() <= drain.systems.shop.write_deadline_s:
        raise NotSent(say("the lease has less time left than the call may take; this article was not sent"))


def _announce(drain: StockDrain, some: Sequence[_Entry]) -> None:
    channel = drain.systems.channel.name
    for part in drain.store.pieces(some, 1):

        def work(connection: Connection, part: Sequence[_Entry] = part) -> None:
            told = [(place.after, place.wanted) for _, _, place in part]
            announce(connection, channel, [(shown, wanted) for shown, wanted in told if shown and wanted is not None])

        drain.write(work)


def _call(drain: StockDrain, some: Sequence[_Entry]) -> list[StockResult]:
    writes = [
        StockWrite(article=place.article, quantity=place.wanted, backorders=drain.backorders, location=name)
        for _, name, place in some
        if place.article is not None and place.wanted is not None
    ]
    try:
        # Asked again where it is sent: a call may wait long for its turn.
        with writes_need(functools.partial(_demand_time, drain)):
            return drain.systems.shop.write_stock(writes)
    except ConnectorError as error:
        return [StockResult(error=error) for _ in writes]
    finally:
        drain.progress()


def _take_results(drain: StockDrain, some: Sequence[_Entry], results: Sequence[StockResult]) -> None:
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
