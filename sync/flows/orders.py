"""The order flow: from what the source says to a sale in the ERP, for a batch of claimed items.

read -> map -> status policy -> resolve -> verify -> warehouse -> parties -> sale, each step over the whole batch. A
piece that ends early stays in the batch with its reason; one bad document never stops another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from config.model import StatusAction
from connectors.kit.base import Envelope, Rank
from connectors.kit.errors import RecordRejected
from mappings.base import SourceOptions, TargetOptions
from mappings.canonical.errors import MappingError, Problem, Problems
from mappings.canonical.records import Order, OrderState
from mappings.canonical.refs import Ref
from mappings.canonical.schemas import order_from_json
from mappings.canonical.words import say
from sync.flows import matching, parties, parts, routing, sales
from sync.flows.context import Drain
from sync.flows.doubts import find_out, find_out_parties
from sync.flows.facets import changes
from sync.flows.facets import converge as facets
from sync.flows.piece import Piece, aside, conclude, guarded
from sync.flows.rows import fetched, fingerprint, order_row
from sync.flows.stock.capture import capture_saved
from sync.rules.asking import only_sends
from sync.rules.canary import hold_back
from sync.rules.corrected import NONE, corrected_order, read_corrected
from sync.rules.routing import warehouse_refs
from sync.rules.stops import Held
from sync.rules.used import Watched
from sync.rules.verify import Facts, verify
from sync.store.bindings import load_bindings
from sync.store.bodies import load_json, unpack
from sync.store.canary import canary_left
from sync.store.inbox import load_payloads, save_fetched
from sync.store.intents import load_open
from sync.store.items import Item
from sync.store.kept import load_kept
from sync.store.orders import KnownOrder, OrderRow, load_alike, load_canonical, load_known, save_orders
from sync.store.routes import load_given_up, load_splits

#: States in which the shop does not want an order any more, whatever the policy says of new ones.
WITHDRAWN = {OrderState.DRAFT, OrderState.CANCELLED, OrderState.TRASHED, OrderState.FAILED}


def converge(drain: Drain, items: Sequence[Item]) -> list[Piece]:
    """Bring every item's order to where the source says; one Piece each, ended. Raises LeaseLost."""
    pieces = plan(drain, items)
    routing.prepare(drain, _open(pieces))
    _save(drain, [piece for piece in pieces if _worth_saving(piece)])
    parties.make(drain, _open(pieces))
    facets.before_sale(drain, _open(pieces))
    sales.push(drain, _open(pieces))
    facets.after_sale(drain, pieces)
    find_out_parties(drain, pieces)
    conclude(pieces)
    return pieces


def plan(drain: Drain, items: Sequence[Item]) -> list[Piece]:
    """What is to be done for each item; a piece that is not ended is worth a sale. A dry run begins with it too."""
    pieces = [Piece(item) for item in items]
    drain.load_corrections([item.id for item in items])
    _read(drain, pieces)
    watched = Watched(drain.lookups)
    options = drain.systems.reading(watched)
    for piece in _open(pieces):
        with guarded(piece):
            watched.begin()
            _map(drain, piece, options)
            piece.mapped_rows = None if piece.payload is None else watched.taken()
    _load_ours(drain, pieces)
    _leave_erased(pieces)
    find_out(drain, pieces)
    for piece in _open(pieces):
        piece.stays_parked = piece.item.only_doubted
    for piece in _open(pieces):
        with guarded(piece):
            _remember_skus(drain, piece)
            if piece.order is not None:
                piece.prints = fingerprint(drain.systems, piece.order)
            _apply_policy(drain, piece)
            parts.refresh(drain, piece)
    _resolve(drain, _open(pieces))
    _verify(drain, _open(pieces))
    return pieces


def _open(pieces: Iterable[Piece]) -> list[Piece]:
    return [piece for piece in pieces if not piece.ended]


# --- read -------------------------------------------------------------------------------------------------------


def _read(drain: Drain, pieces: Sequence[Piece]) -> None:
    """The stored payload if it is the newest; else the current one, fetched in batches."""
    stored = [piece for piece in pieces if piece.item.event_id is not None and "fetch" not in piece.item.facets]
    bodies = drain.store.read(lambda c: load_payloads(c, [piece.item.event_id or 0 for piece in stored]))
    for piece in stored:
        piece.digest = piece.item.event_digest
        with guarded(piece):
            piece.payload = load_json(unpack(bodies[piece.item.event_id or 0]))
    missing = [piece for piece in _open(pieces) if piece.payload is None]
    if only_sends(drain.systems.source):
        if missing:
            _look_again(drain, missing)
        return
    size = drain.systems.source.fetch_batch
    for start in range(0, len(missing), size):
        _fetch(drain, missing[start : start + size])


def _look_again(drain: Drain, pieces: Sequence[Piece]) -> None:
    """Of a source that cannot be asked: what came in last, or what was made of it where that is not kept any more."""
    channel, ids = drain.systems.channel, [piece.item.external_id for piece in pieces]
    kept = drain.store.read(lambda c: load_kept(c, channel.source, "order", ids))
    known = drain.store.read(lambda c: load_known(c, channel.name, ids))
    for piece in pieces:
        found, order = kept.get(piece.item.external_id), known.get(piece.item.external_id)
        with guarded(piece):
            if found is not None:
                piece.payload, piece.digest = load_json(unpack(found.body)), found.digest
            elif order is not None and (made := drain.store.read(_canonical_of(order.id))) is not None:
                piece.order, piece.digest = order_from_json(load_json(unpack(made))), piece.item.event_digest
                piece.key = drain.mapping.sale_key(piece.order.external_id, drain.systems.target_options)
            else:
                piece.skipped = say("nothing that came in of it is kept any more, and its source cannot be asked")


def _canonical_of(order_id: int) -> Callable[[Connection], bytes | None]:
    return lambda c: load_canonical(c, order_id)


def _fetch(drain: Drain, pieces: Sequence[Piece]) -> None:
    by_id = {piece.item.external_id: piece for piece in pieces}
    envelopes: list[Envelope] = []
    with guarded(*pieces):
        envelopes = drain.systems.source.fetch_orders(list(by_id))
        drain.progress()
    if pieces[0].error is not None:
        if isinstance(pieces[0].error, RecordRejected) and len(pieces) > 1:
            # One id that the source does not take must not keep the others from being read.
            for piece in pieces:
                piece.error = None
                _fetch(drain, [piece])
        return
    found = {envelope.external_id: envelope for envelope in envelopes}
    rows = []
    for external_id, piece in by_id.items():
        envelope = found.get(external_id)
        if envelope is None or envelope.deleted:
            piece.deleted = True
            continue
        event = fetched(drain.systems.channel.source, envelope)
        piece.payload, piece.digest = envelope.payload, event.digest
        if piece.digest != piece.item.event_digest:
            rows.append((piece.item, event))
    if rows:
        drain.write(lambda c: save_fetched(c, drain.lease, rows))


# --- map and decide ---------------------------------------------------------------------------------------------


def _map(drain: Drain, piece: Piece, options: SourceOptions) -> None:
    standing = drain.corrections.get(piece.item.id, NONE)
    if piece.payload is None:
        if piece.order is not None:
            piece.order, piece.overtaken = corrected_order(piece.order, standing, options)
        return
    found = read_corrected(drain.systems.source_mapping, piece.payload, options, standing)
    piece.order, piece.overtaken = found.order, found.conflicts
    _demand_own_id(piece.order, piece.item)
    piece.key = drain.mapping.sale_key(piece.order.external_id, drain.systems.target_options)


def _demand_own_id(order: Order, item: Item) -> None:
    """By its id an order is one and the same on either side: a profile must not give it that of another one."""
    if order.external_id != item.external_id:
        reason = say(
            "the mapping says %(mapped)s, and the source knows the order as %(known)s",
            mapped=repr(order.external_id),
            known=repr(item.external_id),
        )
        raise MappingError("external_id", reason)


def _remember_skus(drain: Drain, piece: Piece) -> None:
    """A shop forgets the SKU of a product that was deleted; what we saw first is what was ordered."""
    if piece.known is None or piece.order is None or all(line.sku for line in piece.order.lines):
        return
    order_id = piece.known.id
    stored = drain.store.read(lambda c: load_canonical(c, order_id))
    if stored is None:
        return
    seen = {line.external_id: line.sku for line in order_from_json(load_json(unpack(stored))).lines}
    lines = tuple(
        dataclasses.replace(line, sku=line.sku or seen.get(line.external_id, "")) for line in piece.order.lines
    )
    piece.order = dataclasses.replace(piece.order, lines=lines)


def _load_ours(drain: Drain, pieces: Sequence[Piece]) -> None:
    channel, target = drain.systems.channel.name, drain.lease.connection
    ids = [piece.item.external_id for piece in pieces]
    known = drain.store.read(lambda c: load_known(c, channel, ids))
    bindings = drain.store.read(lambda c: load_bindings(c, channel, target, ids))
    splits = drain.store.read(lambda c: load_splits(c, channel, ids))
    given_up = drain.store.read(lambda c: load_given_up(c, channel, ids))
    for piece in pieces:
        piece.known = known.get(piece.item.external_id)
        piece.order_id = None if piece.known is None else piece.known.id
        piece.bound = bindings.get(piece.item.external_id, {})
        piece.binding = next(iter(piece.bound.values()), None)
        piece.given_up = given_up.get(piece.item.external_id, ())
    by_item = {piece.item.id: piece for piece in pieces}
    for intent in drain.store.read(lambda c: load_open(c, list(by_item))):
        by_item[intent.item_id].open.append(intent)
    for piece in pieces:
        with guarded(piece):
            parts.lay_out(drain, piece, splits.get(piece.item.external_id, ()))


def _leave_erased(pieces: Sequence[Piece]) -> None:
    """Whoever had their customer erased does not want them back, whatever the shop says of the order by now."""
    for piece in pieces:
        erased_at = None if piece.known is None else piece.known.erased_at
        if erased_at is not None:
            piece.error, piece.foreign = None, True
            piece.skipped = say("its customer was erased here on %(day)s", day=f"{erased_at:%Y-%m-%d}")


def _apply_policy(drain: Drain, piece: Piece) -> None:
    """What the source's state means for an order that is, or is not, in the ERP already."""
    if piece.deleted or piece.order is None:
        _apply_deletion(piece)
        return
    order = piece.order
    if piece.binding is not None or piece.document is not None:
        with aside(piece):
            _apply_change(drain, piece, order)
        return
    if order.placed_at < drain.state.start_at and piece.known is None and "backfill" not in piece.item.facets:
        piece.skipped = say(
            "placed before this channel went live (%(start_at)s UTC)", start_at=f"{drain.state.start_at:%Y-%m-%d %H:%M}"
        )
        piece.foreign = True
        return
    action, key = drain.systems.channel.policies.status_action(order.state, order.payment_state)
    reason = say(
        "the shop says %(source_state)s, %(payment_state)s: status policy %(key)s",
        source_state=repr(order.source_state),
        payment_state=order.payment_state,
        key=key,
    )
    if action is StatusAction.WAIT:
        piece.waits = reason
    elif action is not StatusAction.IMPORT:
        piece.skipped = reason


def _apply_deletion(piece: Piece) -> None:
    if piece.binding is None and piece.document is None:
        piece.skipped = say("the order is gone in the shop and never went to the ERP")
    elif "gone_in_shop" in piece.approved:
        piece.skipped = say("gone in the shop after it went to the ERP, and a person has seen to its sale")
    else:
        piece.error = Held([_changed("gone_in_shop", say("the order was deleted in the shop since"))])


def _apply_change(drain: Drain, piece: Piece, order: Order) -> None:
    """An order that the ERP has: nothing to do while nothing moves on either side."""
    ranks = [_rank_of(unit) for unit in piece.units]
    if order.state in WITHDRAWN:
        _apply_withdrawal(drain, piece, order, max(ranks))
    elif piece.known is not None and piece.known.material != piece.material:
        _apply_edit(drain, piece)
    elif piece.outdated:
        raise Held(piece.outdated)
    elif not piece.looked and min(ranks) >= drain.wanted_rank and not _has_news(drain, piece):
        piece.converged = "nothing that the ERP has changed"


def _rank_of(unit: Piece) -> Rank:
    """How far one sale is known to have got; one that is not there counts as cancelled."""
    if unit.document is not None:
        return unit.document.rank
    return Rank.CANCELLED if unit.binding is None else Rank(unit.binding.rank)


def _has_news(drain: Drain, piece: Piece) -> bool:
    return "target" in piece.item.facets or facets.has_news(drain, piece)


def _apply_withdrawal(drain: Drain, piece: Piece, order: Order, rank: Rank) -> None:
    if "cancelled_after_import" in piece.approved:
        piece.skipped = say("cancelled in the shop after it went to the ERP, and a person has seen to its sale")
        return
    piece.withdrawn = True
    if piece.known is not None and piece.known.material != piece.material:
        # It may become an order again, and then differs from what its sale was made from.
        piece.edited_from = _made_from(drain, piece.known)
    # A draft is cancelled by nobody: a deal that was opened again may be won again.
    if order.state is OrderState.DRAFT or not changes.carries_cancellations(drain):
        told = say("the shop says %(source_state)s since", source_state=repr(order.source_state))
        raise Held([_changed("cancelled_after_import", told)])
    if rank is Rank.CANCELLED and not _has_news(drain, piece):
        piece.skipped = say("cancelled in the shop, and its sale in the ERP too")


def _apply_edit(drain: Drain, piece: Piece) -> None:
    known = piece.known
    assert known is not None
    if "changed_after_import" in piece.approved:
        return
    # Whatever comes of it, what the sale was made from is kept until the sale is made from something else.
    piece.edited_from = _made_from(drain, known)
    if piece.outdated:
        raise Held(piece.outdated)
    if not changes.carries_edits(drain):
        raise Held([_changed("changed_after_import", say("lines, amounts or addresses changed in the shop since"))])
    if (
        piece.split
        and piece.order is not None
        and not all(part.lines for part in parts.split_order(drain, piece, piece.order))
    ):
        raise Held([_changed("changed_after_import", say("nothing is left of what one of its warehouses sends"))])


def _made_from(drain: Drain, known: KnownOrder) -> bytes | None:
    """The order as its sale in the ERP was made from it."""
    return known.pushed or drain.store.read(lambda c: load_canonical(c, known.id))


def _changed(cause: str, reason: str) -> Problem:
    return Problem(
        cause=cause,
        path="",
        reason=say("the order went to the ERP, and %(reason)s", reason=reason),
        next_step=say("make the same change to the sale in the ERP, then approve the order"),
    )


# --- resolve and verify -----------------------------------------------------------------------------------------


def _resolve(drain: Drain, pieces: Sequence[Piece]) -> None:
    """All references of the batch in one go; one by one where the target refuses them together."""
    places = warehouse_refs(drain.systems.channel.routing, drain.mapping, drain.systems.target_options)
    watched = Watched(drain.lookups)
    options = dataclasses.replace(drain.systems.target_options, lookup=watched.plain)
    for piece in pieces:
        with guarded(piece):
            if piece.order is not None:
                watched.begin()
                refs = drain.mapping.references(piece.order, options)
                piece.refs = refs | places
                watched.resolve(refs)
                _ask_rules(drain, piece.order, options)
                piece.sale_rows = watched.taken()
    with guarded(*_open(pieces)):
        everything = frozenset[Ref]().union(*(piece.refs for piece in pieces))
        answers = drain.resolve(everything) if everything else {}
        drain.progress()
        for piece in pieces:
            piece.resolved = {ref: answers[ref] for ref in piece.refs if ref in answers}
        matching.settle(drain, _open(pieces))
    refused = [piece for piece in pieces if isinstance(piece.error, RecordRejected)]
    if len(refused) > 1:
        for piece in refused:
            piece.error = None
            _resolve(drain, [piece])


def _ask_rules(drain: Drain, order: Order, options: TargetOptions) -> None:
    """Have the rules for the ERP ask the tables that they will ask for the sale; most have none, and cost nothing."""
    profile = drain.systems.profile
    if profile is None or not profile.asks_for(drain.systems.erp_system):
        return
    with contextlib.suppress(Problems):
        drain.mapping.sale(order, drain.mapping.offline_references(order, options), options)


def _verify(drain: Drain, pieces: Sequence[Piece]) -> None:
    fresh = [piece for piece in pieces if piece.binding is None and piece.document is None and piece.order is not None]
    alike = _load_alike(drain, fresh)
    # Asked again while it is on: a person may release the last one of them in the middle of a drain.
    canary = drain.state.canary_left and drain.store.read(lambda c: canary_left(c, drain.systems.channel.name))
    for piece in fresh:
        with guarded(piece):
            _verify_one(drain, piece, alike, canary)


def _verify_one(
    drain: Drain, piece: Piece, alike: Mapping[str, list[tuple[str, str, dt.datetime]]], canary: int
) -> None:
    order, prints = piece.order, piece.prints
    assert order is not None
    assert prints is not None
    facts = Facts(
        policies=drain.systems.channel.policies,
        resolved=piece.resolved,
        lookups=drain.lookups,
        # Only an earlier one makes this one a duplicate, or both would be held.
        alike=[
            entry
            for entry in alike.get(prints.likeness, ())
            if (entry[2], entry[0]) < (order.placed_at, order.external_id)
        ],
    )
    holds, piece.warnings = verify(order, facts, piece.approved)
    holds += [*hold_back(canary, piece.approved), *piece.outdated]
    if holds:
        piece.error = Held(holds)


def _load_alike(drain: Drain, pieces: Sequence[Piece]) -> dict[str, list[tuple[str, str, dt.datetime]]]:
    """Orders that look alike, those of this very batch included."""
    orders = [(piece.order, piece.prints.likeness) for piece in pieces if piece.order and piece.prints]
    if not orders:
        return {}
    window = dt.timedelta(minutes=drain.systems.channel.policies.duplicate_window_min)
    since = min(order.placed_at for order, _ in orders) - window
    channel = drain.systems.channel.name
    found = drain.store.read(lambda c: load_alike(c, channel, [likeness for _, likeness in orders], since))
    for order, likeness in sorted(orders, key=lambda entry: (entry[0].placed_at, entry[0].external_id)):
        entries = found.setdefault(likeness, [])
        if all(entry[0] != order.external_id for entry in entries):
            entries.append((order.external_id, order.number, order.placed_at))
    return found


# --- save -------------------------------------------------------------------------------------------------------


def _worth_saving(piece: Piece) -> bool:
    """Every order that was read, but those that were never this channel's to carry."""
    return piece.prints is not None and not piece.foreign


def _save(drain: Drain, pieces: Sequence[Piece]) -> None:
    rows: list[tuple[Piece, OrderRow]] = []
    for piece in pieces:
        with guarded(piece):
            if piece.order is not None:
                rows.append((piece, _row(drain, piece, piece.order)))
    try:
        saved = drain.write(lambda c: _save_rows(c, drain, rows))
    except (DBAPIError, OverflowError, ValueError):
        # One of them holds what the database does not take: it alone is to blame.
        saved = {}
        for piece, row in rows:
            with guarded(piece):
                saved |= drain.write(functools.partial(_save_rows, drain=drain, rows=[(piece, row)]))
    for piece, row in rows:
        piece.order_id, choice = saved.get(row.external_id, (None, None))
        with guarded(piece):
            routing.take(drain, piece, choice)
            parts.refresh(drain, piece)
    drain.progress()


def _save_rows(
    connection: Connection, drain: Drain, rows: Sequence[tuple[Piece, OrderRow]]
) -> dict[str, tuple[int, routing.Choice | None]]:
    """With what they take of the stock: from the moment that we know an order, nobody else is shown its goods.

    Answers external id -> our id, and from where it is sent where that was chosen just now.
    """
    routing.await_turn(connection, drain)
    ids = save_orders(connection, [row for _, row in rows])
    entries = [(piece, ids[row.external_id]) for piece, row in rows]
    kept = routing.load_kept(connection, drain, ids.values())
    choices = routing.choose_saved(connection, drain, entries, kept)
    capture_saved(connection, drain, entries, routing.places_of(kept, choices))
    return {external_id: (order_id, choices.get(order_id)) for external_id, order_id in ids.items()}


def _row(drain: Drain, piece: Piece, order: Order) -> OrderRow:
    assert piece.prints is not None
    # What the sale in the ERP was made from stays, until a person has approved the change.
    written = piece.binding is not None or piece.document is not None or piece.in_doubt
    kept = piece.known if written and "changed_after_import" not in piece.approved else None
    material = "" if kept is None else kept.material
    return order_row(
        drain.systems,
        piece.item.id,
        order,
        piece.prints,
        material=material,
        pushed=piece.edited_from,
        mapped_rows=piece.mapped_rows,
        sale_rows=piece.sale_rows if kept is None else None,
    )
