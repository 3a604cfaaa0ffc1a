"""Choosing the warehouse of an order whose sale is about to be made, and keeping to it (`sync.rules.routing`).

look up what may stand -> read stock that is unknown or old -> save the order, choose, and take its goods there

The choice reads what is there and takes it in one transaction, one at a time for each ERP: of two channels that sell
the last piece one gets it. While a sale may stand under the order's key nothing is chosen anew.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

from sqlalchemy import Connection, select

from config.model import ShortLines, Split
from connectors.kit.base import Rank, TargetDocument
from connectors.kit.stock import StockSource
from connectors.registry import has
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problem
from mappings.canonical.parts import part_id
from mappings.canonical.words import say
from sync.flows import parts, sales
from sync.flows.context import Drain
from sync.flows.piece import Piece, guarded
from sync.flows.stock.capture import Sender, is_counted, taken_by, undecided
from sync.flows.stock.reading import NoSuchPlace, Reader
from sync.flows.stock.supply import Supply
from sync.rules.routing import SHORT_STOCK, Route, Wanted, choose, sender, short_problem
from sync.rules.shortage import cut_short
from sync.rules.stock import Articles
from sync.rules.stops import Held
from sync.store.bindings import end_parts
from sync.store.checkpoints import load_checkpoint_row
from sync.store.routes import KeptRoute, RouteRow, drop_routes, load_routes, save_routes, sent_for
from sync.store.stock.levels import CHANGES, READING, load_levels
from sync.store.types import db_now

#: As the number of an order that has none of ours yet: behind all that have one.
_LAST: Final = 2**62


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """What came of choosing: a warehouse, or why the order waits, or nothing where no rule fits."""

    route: Route | None = None
    held: Held | None = None


def prepare(drain: Drain, pieces: Sequence[Piece]) -> None:
    """What must be known before anything is chosen: whether a sale stands already, and what is in stock."""
    routing = drain.systems.channel.routing
    if not routing.rules:
        return
    unsure = [piece for piece in pieces if _is_to_be_made(piece) and not (piece.parts or drain.trusts(piece.order))]
    sales.look_first(drain, [piece for piece in pieces if _is_to_be_made(piece)])
    if routing.splits:
        _demand_undivided(drain, [piece for piece in unsure if not piece.ended])
    if routing.asks_stock and has(drain.target, StockSource):
        _read(drain, [piece for piece in pieces if _is_to_be_made(piece)])


def _is_to_be_made(piece: Piece) -> bool:
    """Nothing stands under its key, so its warehouse is still to be chosen."""
    if piece.ended or piece.order is None or piece.document is not None:
        return False
    return "again" in piece.item.facets or not (piece.binding or piece.cancelled)


def _demand_undivided(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Of orders of which our database may have forgotten that they were divided: none of their parts stands."""
    rules = [rule for rule in drain.systems.channel.routing.rules if rule.split is not Split.NONE]
    most, options = max(len(rule.warehouses) for rule in rules), drain.systems.target_options
    for piece in pieces:
        keys = [drain.mapping.sale_key(part_id(piece.item.external_id, n), options) for n in range(1, most)]
        with guarded(piece):
            found = [sale for sales in drain.target.find_sales(keys).values() for sale in sales]
            drain.progress()
            if standing := [sale for sale in found if sale.rank is not Rank.CANCELLED]:
                raise Held([_forgotten(standing)])


def _forgotten(standing: Sequence[TargetDocument]) -> Problem:
    return Problem(
        cause="doubled",
        path="",
        reason=say(
            "the ERP has %(numbers)s for a part of this order, and how the order was divided is not known any more",
            numbers=", ".join(sale.number or sale.external_id for sale in standing),
        ),
        next_step=say("cancel every sale of this order in the ERP, then make it anew with `crossdock retry --again`"),
    )


# --- stock that is unknown, or old ------------------------------------------------------------------------------


def _read(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Ask the ERP for articles of which nothing is known, or nothing new enough to decide by."""
    wanted = {code for piece in pieces for code in _wanted(drain, piece)}
    codes = drain.store.read(lambda c: _unsure(c, drain, wanted)) if wanted else set()
    concerned = [piece for piece in pieces if not codes.isdisjoint(_wanted(drain, piece))]
    if not concerned:
        return
    source = cast("StockSource", drain.target)
    reader = Reader(drain.store, drain.systems.config, drain.lease.connection, source, progress=drain.progress)
    with guarded(*concerned):
        try:
            reader.articles(sorted(codes))
        except NoSuchPlace as error:
            raise Held([_no_such_warehouse(error)]) from error


def _unsure(connection: Connection, drain: Drain, codes: Iterable[str]) -> set[str]:
    routing, erp = drain.systems.channel.routing, drain.lease.connection
    oldest = connection.execute(select(db_now())).scalar_one() - dt.timedelta(seconds=routing.max_age_s)
    looked = load_checkpoint_row(connection, erp, CHANGES)
    # What did not move since is as it was, however long ago it was read.
    is_followed = looked is not None and looked.updated_at >= oldest
    levels = load_levels(connection, erp, codes)

    def is_sure(code: str) -> bool:
        known = {level.location: level.began_at for level in levels.get(code, ())}
        return all(
            warehouse in known and (is_followed or known[warehouse] >= oldest) for warehouse in routing.warehouses
        )

    return {code for code in codes if not is_sure(code)}


def _no_such_warehouse(error: NoSuchPlace) -> Problem:
    return Problem(
        cause="unknown_warehouse",
        path="",
        reason=str(error),
        next_step=say("correct the warehouses under `routing` and `stock` of the channels, then retry"),
    )


def _wanted(drain: Drain, piece: Piece) -> Wanted:
    assert piece.order is not None
    return {code: quantity for (code, _), quantity in taken_by(piece.order, Articles(drain.lookups)).items()}


# --- choosing ---------------------------------------------------------------------------------------------------


def await_turn(connection: Connection, drain: Drain) -> None:
    """At the beginning of a transaction that chooses by stock: whoever else does for this ERP waits until it ends."""
    if drain.systems.channel.routing.asks_stock:
        # Held by nobody for longer than such a transaction, or than it takes to note when a reading begins.
        load_checkpoint_row(connection, drain.lease.connection, READING, lock=True)


def load_kept(connection: Connection, drain: Drain, order_ids: Iterable[int]) -> dict[int, KeptRoute]:
    """Order -> what was chosen for it before."""
    return load_routes(connection, list(order_ids)) if drain.systems.channel.routing.rules else {}


def choose_saved(
    connection: Connection, drain: Drain, saved: Sequence[tuple[Piece, int]], kept: Mapping[int, KeptRoute]
) -> dict[int, Choice]:
    """For those of these orders whose sale is to be made; kept with them, in the transaction that saves them."""
    to_make = [(piece, order_id) for piece, order_id in saved if _is_to_be_made(piece)]
    if not to_make or not drain.systems.channel.routing.rules:
        return {}
    choices = _choose(connection, drain, to_make, kept, saved)
    rows = {order_id: _row(piece, order_id, choices[order_id].route) for piece, order_id in to_make}
    for piece, order_id in to_make:
        if piece.bound:
            route = choices[order_id].route
            end_parts(connection, order_id, max(1, len(() if route is None else route.parts)))
    save_routes(connection, [row for row in rows.values() if row is not None])
    drop_routes(connection, [order_id for order_id, row in rows.items() if row is None and order_id in kept])
    return choices


def places_of(kept: Mapping[int, KeptRoute], choices: Mapping[int, Choice]) -> dict[int, Sender]:
    """Order -> the warehouse that each of its lines is taken from; what was chosen now comes before what was."""
    before = {order_id: sender(route) for order_id, route in kept.items()}
    now = {
        order_id: undecided if choice.route is None else sender(choice.route) for order_id, choice in choices.items()
    }
    return before | now


def _row(piece: Piece, order_id: int, route: Route | None) -> RouteRow | None:
    if route is None:
        return None
    values = {field.name: getattr(route, field.name) for field in dataclasses.fields(Route)}
    return RouteRow(order_id=order_id, material=piece.material, **values)


def rehearse(drain: Drain, piece: Piece) -> None:
    """What would be chosen now; nothing is kept and nothing is taken."""
    if drain.systems.channel.routing.rules and _is_to_be_made(piece):
        order_id = piece.order_id or _LAST
        entry = [(piece, order_id)]
        choices = drain.store.read(lambda c: _choose(c, drain, entry, load_routes(c, [order_id]), ()))
        take(drain, piece, choices[order_id])


def take(drain: Drain, piece: Piece, choice: Choice | None) -> None:
    """The piece goes on with what was chosen for it, as several sales where it is divided."""
    if choice is not None:
        piece.route, piece.error = choice.route, piece.error or choice.held
        piece.given_up = () if choice.route is None else choice.route.given_up
        parts.lay_out(drain, piece, () if choice.route is None else choice.route.parts)


def _choose(
    connection: Connection,
    drain: Drain,
    pieces: Sequence[tuple[Piece, int]],
    kept: Mapping[int, KeptRoute],
    batch: Sequence[tuple[Piece, int]],
) -> dict[int, Choice]:
    """One after the other as they were placed: each finds what those before it left, in its batch too."""
    may_stand = sent_for(connection, [piece.item.id for piece, order_id in pieces if order_id in kept])
    supply = _supply(connection, drain, pieces, kept, batch)
    choices: dict[int, Choice] = {}
    for piece, order_id in sorted(pieces, key=_turn):
        before = kept.get(order_id)
        if before is not None and piece.item.id in may_stand and before.material == piece.material:
            choices[order_id] = Choice(_as_it_was(before))
        else:
            choices[order_id] = _choose_one(drain, supply, piece, order_id)
        if route := choices[order_id].route:
            supply.take(order_id, _places(drain, piece, route))
    return choices


def _supply(
    connection: Connection,
    drain: Drain,
    pieces: Sequence[tuple[Piece, int]],
    kept: Mapping[int, KeptRoute],
    batch: Sequence[tuple[Piece, int]],
) -> Supply:
    """What is there, with all that the orders of a batch take, the `pieces` to be chosen for among them."""
    systems, chosen = drain.systems, {order_id for _, order_id in pieces}
    asked = pieces if systems.channel.routing.asks_stock else ()
    codes = {code for piece, _ in asked for code in _wanted(drain, piece)}
    known = chosen | {order_id for _, order_id in batch}
    supply = Supply(connection, systems.config, systems.channel, codes, known)
    for piece, order_id in batch:
        if piece.order is None or not is_counted(drain, piece):
            continue
        if order_id in kept and order_id not in chosen:
            supply.take(order_id, _places(drain, piece, kept[order_id]))
        else:
            held = isinstance(piece.error, Held)
            supply.wait(order_id, piece.order.placed_at, _wanted(drain, piece), held=held)
    return supply


def _places(drain: Drain, piece: Piece, route: Route | KeptRoute) -> Mapping[tuple[str, str], Decimal]:
    assert piece.order is not None
    return taken_by(piece.order, Articles(drain.lookups), sender(route))


def _turn(entry: tuple[Piece, int]) -> tuple[dt.datetime, int]:
    piece, order_id = entry
    assert piece.order is not None
    return piece.order.placed_at, order_id


def _as_it_was(kept: KeptRoute) -> Route:
    return Route(**{field.name: getattr(kept, field.name) for field in dataclasses.fields(Route)})


def _choose_one(drain: Drain, supply: Supply, piece: Piece, order_id: int) -> Choice:
    routing, order = drain.systems.channel.routing, piece.order
    assert order is not None
    wanted = _wanted(drain, piece)
    there = supply.there(order_id, order.placed_at, wanted)
    route = choose(routing, order, wanted, there, Articles(drain.lookups).code)
    if route is None:
        return Choice()
    if route.short and SHORT_STOCK not in piece.approved:
        if routing.short is ShortLines.HOLD:
            return Choice(held=Held([short_problem(routing, order, wanted, there)]))
        if routing.short is ShortLines.CANCEL:
            digits = minor_unit(order.currency, drain.systems.target_options.minor_units)
            route = cut_short(routing, order, wanted, there, Articles(drain.lookups).code, digits=digits)
    return Choice(dataclasses.replace(route, read_at=supply.began(wanted) if routing.asks_stock else None))
